package reconcile

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"switchyard/payments"
)

// WriteJSON writes the report for machines.
func WriteJSON(w io.Writer, r *Report) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// csvHeader names the columns of WriteCSV. Amounts are minor units.
var csvHeader = []string{
	"class", "gateway_configuration_id", "psp", "kind", "project_id", "invoice_id", "transaction_id", "attempt_id", "reference",
	"session_ref", "charge_ref", "refund_ref", "currency", "here_status", "here_amount", "here_captured", "here_refunded",
	"there_status", "there_amount", "there_captured", "there_refunded", "at", "detail", "advice",
}

// WriteCSV writes a line for each difference.
func WriteCSV(w io.Writer, r *Report) error {
	lines := csv.NewWriter(w)
	if err := lines.Write(csvHeader); err != nil {
		return err
	}
	figures := func(f *Figures) []string {
		if f == nil {
			return make([]string, 4)
		}
		return []string{f.Status, strconv.FormatInt(f.Amount, 10), strconv.FormatInt(f.Captured, 10), strconv.FormatInt(f.Refunded, 10)}
	}
	for _, d := range r.Differences() {
		line := []string{
			string(d.Class), d.GatewayID, d.PSP, string(d.Kind), d.ProjectID, d.InvoiceID, d.TransactionID, d.AttemptID, harmless(d.Reference),
			harmless(d.SessionRef), harmless(d.ChargeRef), harmless(d.RefundRef), string(d.Currency),
		}
		line = append(append(line, figures(d.Here)...), figures(d.There)...)
		if err := lines.Write(append(line, d.At.UTC().Format(time.RFC3339), d.Detail, d.Advice)); err != nil {
			return err
		}
	}
	lines.Flush()
	return lines.Error()
}

// harmless keeps a spreadsheet from taking what somebody else has chosen for a formula.
func harmless(text string) string {
	switch {
	case text == "":
		return ""
	case text[0] == '=', text[0] == '+', text[0] == '-', text[0] == '@', text[0] == '\t', text[0] == '\r':
		return "'" + text
	}
	return text
}

// WriteTable writes the report for people.
func WriteTable(w io.Writer, r *Report) error {
	p := &printer{w: w}
	p.printf("Charges made from %s until %s, compared at %s.\n", shownTime(r.Since), shownTime(r.Until), shownTime(r.At))
	for _, c := range r.Gateways {
		p.comparison(c)
	}
	differences := r.Differences()
	if len(differences) > 0 {
		p.printf("\n")
		p.differences(differences)
	}
	switch {
	case len(differences) > 0:
		p.printf("\n%d %s.\n", len(differences), plural(len(differences), "difference", "differences"))
	case r.Whole():
		p.printf("\nNo differences.\n")
	}
	if !r.Whole() {
		p.printf("\nNot everything could be compared: run it again.\n")
	}
	return p.err
}

// printer remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = printable(text)
		}
	}
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// printable keeps what somebody else has chosen from driving the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// sources say what was compared with, for people.
var sources = map[Source]string{
	FromList: "its list of charges", FromLookups: "its answer about each charge; it has no list, so that what only it has does not show",
	FromSettlement: "the settlement file",
}

func (p *printer) comparison(c Comparison) {
	p.printf("\n%s (%s), by %s\n", c.GatewayID, c.PSP, sources[c.Source])
	if c.Failure != "" {
		p.printf("  NOT COMPARED: %s\n", c.Failure)
		return
	}
	p.printf("  %d compared", c.Compared)
	for _, part := range []struct {
		n    int
		text string
	}{
		{c.LookedUp, "asked for one by one"},
		{c.Pending, "still open or changing"},
		{c.Unchecked, "NOT ANSWERED FOR"},
		{c.Outside, "rows from outside the window left out"},
		{c.Unsettled, "not settled yet"},
		{len(c.Differences), plural(len(c.Differences), "difference", "differences")},
	} {
		if part.n > 0 {
			p.printf(", %d %s", part.n, part.text)
		}
	}
	p.printf("\n")
	table := tabwriter.NewWriter(p.w, 2, 4, 2, ' ', 0)
	rows := &printer{w: table, err: p.err}
	for _, t := range c.Totals {
		sums := func(side string, s Sums) {
			rows.printf("  %s\t%s\theld %s\ttaken %s\tgiven back %s\n", t.Currency, side, payments.MinorText(s.Held, t.Currency),
				payments.MinorText(s.Captured, t.Currency), payments.MinorText(s.Refunded, t.Currency))
		}
		sums("here", t.Here)
		sums("there", t.There)
	}
	for _, f := range c.Fees {
		rows.printf("  %s\tfees\t%s\n", f.Currency, payments.MinorText(f.Minor, f.Currency))
	}
	p.err = cmp.Or(rows.err, table.Flush())
}

func (p *printer) differences(list []Difference) {
	for i, d := range list {
		name := cmp.Or(d.AttemptID, d.ChargeRef, d.RefundRef, d.SessionRef, d.Reference)
		p.printf("%d. %s  %s %s at %s  %s\n", i+1, d.Class, d.Kind, name, d.PSP, shownTime(d.At))
		for _, part := range []struct{ label, text string }{
			{"invoice", d.InvoiceID},
			{"reference", d.Reference},
			{"at the PSP", cmp.Or(d.RefundRef, d.ChargeRef, d.SessionRef)},
			{"here", shownFigures(d.Here, d.Currency)},
			{"there", shownFigures(d.There, d.Currency)},
			{"what", d.Detail},
			{"to do", d.Advice},
		} {
			if part.text != "" {
				p.printf("   %-11s %s\n", part.label, part.text)
			}
		}
	}
}

func shownFigures(f *Figures, c payments.Currency) string {
	if f == nil {
		return ""
	}
	parts := []string{f.Status}
	for _, part := range []struct {
		word  string
		minor int64
	}{{"held", f.Amount}, {"taken", f.Captured}, {"given back", f.Refunded}} {
		if part.minor > 0 && (part.word != "held" || f.Captured == 0) {
			parts = append(parts, fmt.Sprintf("%s %s %s", part.word, payments.MinorText(part.minor, c), c))
		}
	}
	return strings.Join(parts, ", ")
}

func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
