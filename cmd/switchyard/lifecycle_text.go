package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"switchyard/payments"
	"switchyard/policies"
)

// when is how operators read a time.
func when(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05Z") }

// came words how a policy came into force.
var came = map[payments.RoutingEventKind]string{
	payments.RoutingStarted: "at the first start", payments.RoutingFile: "from the file", payments.RoutingActivated: "activated",
	payments.RoutingRolledBack: "rolled back to",
}

// table writes lines of cells that are divided by tabs.
func table(w io.Writer, lines func(*bytes.Buffer)) error {
	var text bytes.Buffer
	lines(&text)
	t := tabwriter.NewWriter(w, 0, 0, columnGap, ' ', 0)
	if _, err := text.WriteTo(t); err != nil {
		return err
	}
	return t.Flush()
}

const columnGap = 2

// writeStatus says how routing stands, on one screen.
func writeStatus(w io.Writer, s *policies.Status) error {
	var out bytes.Buffer
	err := table(&out, func(t *bytes.Buffer) {
		fmt.Fprintf(t, "policy\t%s, rules: %d\n", policies.Short(s.Policy), s.Rules)
		fmt.Fprintf(t, "in force\tsince %s, %s by %s: %s\n", when(s.Since), cmp.Or(came[s.Kind], string(s.Kind)), s.By, s.Because)
		fmt.Fprintf(t, "decisions\tsay config_version %s\n", s.ConfigVersion)
		if s.File != "" {
			fmt.Fprintf(t, "file\t%s\n", s.File)
		}
		if s.Pinned != nil {
			fmt.Fprintf(t, "pinned\tuntil %s by %s: %s\n", when(s.Pinned.Until), s.Pinned.By, s.Pinned.Because)
		}
		writeTried(t, s)
		for _, k := range s.Switches {
			fmt.Fprintf(t, "OFF\t%s until %s by %s: %s\n", k.ID, when(k.Until), k.By, k.Because)
		}
	})
	if err != nil {
		return err
	}
	if f := s.LastReload; f != nil {
		fmt.Fprintf(&out, "\nThe last reload failed at %s; what is in force stays:\n%s\n", when(f.At), failed(f))
	}
	if f := s.Behind; f != nil {
		fmt.Fprintf(&out, "\nThis instance does not do what was decided, since %s:\n%s\n", when(f.At), failed(f))
	}
	_, err = out.WriteTo(w)
	return err
}

// writeTried says how the policies stand that are tried beside the one in force.
func writeTried(t *bytes.Buffer, s *policies.Status) {
	if s.Shadow != nil {
		fmt.Fprintf(t, "shadow\t%s\n", s.Shadow.File)
	}
	if c := s.Compared; c != nil {
		fmt.Fprintf(t, "\tof %d payments since %s it would have sent %d elsewhere, and tried %d others in another order\n", c.Payments, when(c.Since), c.Moved, c.Reranked)
		for _, m := range c.Moves[:min(len(c.Moves), mostMoves)] {
			fmt.Fprintf(t, "\t%d from %s to %s\n", m.Payments, cmp.Or(m.From, "nowhere"), cmp.Or(m.To, "nowhere"))
		}
	}
	if s.Canary != nil {
		fmt.Fprintf(t, "canary\t%s, %d %%\n", s.Canary.File, s.Canary.Percent)
	}
	if s.Stopped != nil {
		fmt.Fprintf(t, "\tstopped at %s: %s\n", when(s.Stopped.At), s.Stopped.Because)
	} else if s.Trial != nil {
		fmt.Fprintf(t, "\t%s\n", s.Trial.Report.Sentence)
	}
}

// mostMoves is how many kinds of moves leave the rest on the screen.
const mostMoves = 5

// failed is why something did not work, with the first fault of the policy: the others would not leave the rest on the screen.
func failed(f *policies.Failure) string {
	text := f.Reason
	if n := len(f.Faults); n > 0 {
		text += "\n" + f.Faults[0].String()
		if n > 1 {
			text += fmt.Sprintf("\nand %d more: switchyard routes validate lists them", n-1)
		}
	}
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}

func writeHistory(w io.Writer, list []payments.RoutingEvent) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Nothing has happened before.")
		return err
	}
	return table(w, func(t *bytes.Buffer) {
		fmt.Fprint(t, "NO\tWHEN\tWHAT\tPOLICY\tBY\tBECAUSE\n")
		for i := range list {
			e := &list[i]
			what, policy := string(e.Kind), policies.Short(e.Hash)
			if e.Switch != "" {
				what += " " + e.Switch
			}
			if !e.Until.IsZero() && e.Kind != payments.RoutingWithdrawn {
				what += " until " + when(e.Until)
			}
			if e.From != "" && e.From != e.Hash {
				policy += " after " + policies.Short(e.From)
			}
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Seq, when(e.At), what, policy, e.By, e.Because)
		}
	})
}

func writeVersions(w io.Writer, list []payments.PolicyVersion, inForce string) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "There are no versions before.")
		return err
	}
	return table(w, func(t *bytes.Buffer) {
		fmt.Fprint(t, "\tVERSION\tBROUGHT\tBY\tDECISIONS SAY\tBECAUSE\n")
		for i := range list {
			v := &list[i]
			mark := ""
			if v.Hash == inForce {
				mark = "*"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", mark, policies.Short(v.Hash), when(v.CreatedAt), v.By, strings.Join(v.ConfigVersions, " "), v.Because)
		}
	})
}

func writeVersion(w io.Writer, v *payments.PolicyVersion) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# version %s\n# brought %s by %s: %s\n", v.Hash, when(v.CreatedAt), v.By, v.Because)
	if v.Parent != "" {
		fmt.Fprintf(&out, "# in force then: %s\n", v.Parent)
	}
	if len(v.Files) == 0 {
		fmt.Fprint(&out, "# no policy: the configuration's priority alone decides\n")
	}
	for _, f := range v.Files {
		fmt.Fprintf(&out, "# file: %s\n%s\n", f.Name, strings.TrimSuffix(f.Text, "\n"))
	}
	_, err := out.WriteTo(w)
	return err
}
