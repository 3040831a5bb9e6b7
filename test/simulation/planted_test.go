package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// planted is a bug that the simulation must find: a file, a text that is in it once, and what is put in its place.
type planted struct {
	name, file, old, new string
	finds                string // the beginning of the invariant; empty: any
}

// plantedBugs are ways in which the program could go wrong. Each breaks an invariant; which one is part of the table.
var plantedBugs = []planted{
	{
		name: "another PSP is tried though the outcome is not known", file: "flow/charge.go",
		old:   "r, known = e.resolve(ctx, c.subject, id, c.deadline, call)",
		new:   "if r, known = e.resolve(ctx, c.subject, id, c.deadline, call); !known {\n\t\tr, known = payments.Result{Fault: payments.Faultf(payments.NeverSent, \"no answer\")}, true\n\t}",
		finds: "failed means",
	},
	{
		name: "what a fence answers is ignored", file: "flow/ask.go",
		old: "e.countQuestion(ctx, a, \"fence \"+string(answer))", new: "answer = payments.Fenced",
		finds: "failed means",
	},
	{
		name: "absence counts too early", file: "flow/ask.go",
		old: "if wait <= 0 || e.now().Sub(a.SentAt) <= wait {", new: "if wait <= 0 {",
		finds: "failed means",
	},
	{
		name: "a refund in flight is not reserved", file: "flow/amend.go",
		old: "t.Refunding = m.amount.Minor", new: "t.Refunding = 0",
		finds: "what is in flight is reserved",
	},
	{
		name: "the key is not claimed with the intent", file: "flow/charge.go",
		old: "d.claim = claimOf(c.request.ProjectID, c.claim, a.ID, d.now)", new: "_ = claimOf",
		finds: "a key is claimed with its intent",
	},
	{
		name: "an outcome is told though its commit failed", file: "flow/settle.go",
		old:   "\t\tif err != nil {\n\t\t\treturn err\n\t\t}\n\t\te.logAttempt(",
		new:   "\t\tif err != nil {\n\t\t\tif o.final != nil {\n\t\t\t\t*o.final = d.final\n\t\t\t}\n\t\t\treturn nil\n\t\t}\n\t\te.logAttempt(",
		finds: "legal history",
	},
	{
		name: "a method that is gone is charged again under the same reference", file: "flow/charge.go",
		old: "\tif !stateAfter(r).Open() {\n\t\treturn r, true, nil\n\t}",
		new: "\tif r.Fault != nil && r.Fault.MethodGone {\n\t\tr = e.guarded(ctx, a, e.gateways[a.GatewayConfigurationID].Timeout, call)\n\t}\n" +
			"\tif !stateAfter(r).Open() {\n\t\treturn r, true, nil\n\t}",
		finds: "a refused reference is not charged again",
	},
	{
		name: "a late charge is not given back", file: "flow/late.go",
		old: "d.change.Jobs = append(d.change.Jobs, reverseJob(a, d.now))", new: "_ = reverseJob",
		finds: "everything ends",
	},
	{
		name: "a capture is sent again where that is another capture", file: "flow/ask.go",
		old: "if q.resend != nil && recovery.Resend {", new: "if q.resend != nil {",
		finds: "",
	},
	{
		name: "nobody is told of a void", file: "flow/effects.go",
		old: "d.events = append(d.events, payments.EventTransactionVoided)", new: "",
		finds: "merchants are told of every step",
	},
	{
		name: "a token's mapping is learnt from a decline", file: "flow/settle.go",
		old: "\treturn e.releaseCard(ctx, d, a)\n}", new: "\tif err := e.learn(ctx, d, a, r.Outcome.MethodOnly); err != nil {\n\t\treturn err\n\t}\n\treturn e.releaseCard(ctx, d, a)\n}",
		finds: "mappings are learnt from approvals",
	},
	{
		name: "a step that nobody takes ends without a fence", file: "flow/ask.go",
		old: "return r, e.fence(ctx, gateway, a) == payments.Fenced", new: "return r, true",
		finds: "failed means",
	},
	{
		name: "a webhook is believed", file: "flow/notice.go",
		old:   "change.Jobs = append(change.Jobs, askJob(&a, now, now))",
		new:   "if s, err := e.subjectOf(ctx, a.ProjectID, a.ID); err == nil {\n\t\t\t_ = e.settle(ctx, s, a.ID, payments.Result{Outcome: payments.Outcome{Status: payments.Approved}}, settling{last: true})\n\t\t}",
		finds: "approved means done",
	},
	{
		name: "a job is ended without its lease", file: "store/sqlite/statements.go",
		old: "`DELETE FROM jobs WHERE project_id = $1 AND job_key = $2 AND fence = $3`", new: "`DELETE FROM jobs WHERE project_id = $1 AND job_key = $2 AND fence >= $3`",
		finds: "only who holds the lease moves a job",
	},
	{
		name: "a session is not noted before the charge", file: "flow/send.go",
		old: "\tif err := d.commit(context.WithoutCancel(ctx), e); err != nil {\n\t\treturn err\n\t}", new: "\t_ = d",
		finds: "failed means",
	},
	{
		name: "time makes a payment fail", file: "flow/worker.go",
		old:   "\tif e.now().Sub(a.SentAt) > giveUpAfter {",
		new:   "\tif e.now().Sub(a.SentAt) > giveUpAfter && a.Operation.Charges() {\n\t\treturn e.settle(ctx, s, a.ID, certainlyNot(errOperator), settling{last: true})\n\t}\n\tif e.now().Sub(a.SentAt) > giveUpAfter {",
		finds: "nothing is called failed by the clock",
	},
	{
		name: "giving back is asked for under the same reference after a refusal", file: "flow/late.go",
		old: "return nthBack(a, refusals(j))", new: "return nthBack(a, 0*refusals(j))",
		finds: "a verification keeps no money",
	},
	{
		name: "two operations on a charge run at the same time", file: "flow/amend.go",
		old: "t.InFlight, d.transaction = a.ID, true", new: "d.transaction = true",
		finds: "one operation at a time",
	},
	{
		name: "what a crash leaves behind is forgotten", file: "flow/charge.go",
		old: "d.change.Jobs = append(d.change.Jobs, askJob(&a, d.now.Add(e.gateways[a.GatewayConfigurationID].Timeout+leaseGrace), d.now))", new: "",
		finds: "everything ends",
	},
}

// TestPlantedBugsAreFound runs the simulation over the program with one bug at a time. It takes minutes, so that it has to be
// asked for: SIMULATION_PLANTED=1, or the part of a name.
func TestPlantedBugsAreFound(t *testing.T) {
	wanted := os.Getenv("SIMULATION_PLANTED")
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) {
			overlay := plant(t, bug)
			if wanted == "" || wanted != "1" && !strings.Contains(bug.name, wanted) {
				t.Skip("set SIMULATION_PLANTED=1 to run the simulation over it")
			}
			began := time.Now()
			out := simulate(t, overlay)
			found := regexp.MustCompile(`the first: ([^:]+): (.*)`).FindStringSubmatch(out)
			switch {
			case found == nil:
				t.Errorf("not found:\n%s", out)
			case !strings.Contains(out, "violated: "+bug.finds) && !strings.Contains(out, ", "+bug.finds):
				t.Errorf("found by %q, want %q:\n%s", found[1], bug.finds, found[2])
			default:
				t.Logf("found in %s by %q: %s", time.Since(began).Round(time.Second/10), found[1], found[2])
			}
		})
	}
}

// plant writes the file with the bug, and the overlay that puts it in the place of the right one.
func plant(t *testing.T, bug planted) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", bug.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), bug.old); n != 1 {
		t.Fatalf("%s has the text %d times, want once: %s", bug.file, n, bug.old)
	}
	dir := t.TempDir()
	wrong := filepath.Join(dir, filepath.Base(bug.file))
	if err := os.WriteFile(wrong, []byte(strings.Replace(string(text), bug.old, bug.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	content, err := json.Marshal(map[string]map[string]string{"Replace": {file: wrong}})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// plantedBudget is how many payments a planted bug has to show itself in.
const plantedBudget = 4000

func simulate(t *testing.T, overlay string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-run", "^TestSimulation$", "-count", "1", ".",
		"-seed", fmt.Sprint(*seedFlag), "-payments", fmt.Sprint(plantedBudget))
	out, err := command.CombinedOutput()
	if err == nil {
		return "passed:\n" + string(out)
	}
	if strings.Contains(string(out), "[build failed]") {
		t.Fatalf("the planted bug does not compile:\n%s", out)
	}
	return string(out)
}
