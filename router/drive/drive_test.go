package drive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"switchyard/router"
	"switchyard/router/drive"
	"switchyard/router/rules"
)

const worlds = "gateways: {alpha: {}, bravo: {}, charlie: {}, delta: {}}\ndefault: {smart: all}\n"

func config(t testing.TB, text string) *router.Config {
	t.Helper()
	doc, _ := rules.Decode("worlds.yaml", []byte(text))
	c := router.Config{Gateways: drive.Gateways(doc), MaxAttempts: 4}
	known := make([]rules.Gateway, len(c.Gateways))
	for i := range known {
		known[i].ID = c.Gateways[i].ID
	}
	policy, faults := rules.Compile(doc, known)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	c.Policy = policy
	return router.Compile(c)
}

type answer struct {
	Payment, Gateway, Reason string
	Order                    []string
	Propensity               float64
	Explore                  bool
}

func run(t testing.TB, policy, in string) ([]answer, error) {
	t.Helper()
	var out bytes.Buffer
	err := drive.Run(config(t, policy), strings.NewReader(in), &out)
	var answers []answer
	for line := range strings.Lines(out.String()) {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		answers = append(answers, a)
	}
	return answers, err
}

const question = `{"at":"2026-01-01T00:00:00.123Z","decide":{"payment":"p%d","amount_minor":4000,"currency":"EUR","method":"card","scheme":"visa","funding":"credit","issuer_country":"DE","iin":"411111"}}` + "\n"

// TestItLearns: after enough declines at the first gateway, payments go elsewhere; the same lines give the same answers.
func TestItLearns(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	for i := range 300 {
		fmt.Fprintf(&in, question, i)
		for _, gateway := range []string{"alpha", "bravo"} {
			result := map[string]string{"alpha": "declined", "bravo": "approved"}[gateway]
			fmt.Fprintf(&in, `{"at":"2026-01-01T00:00:01Z","outcome":{"payment":"p%d","gateway":%q,"result":%q}}`+"\n", i, gateway, result)
		}
	}
	answers, err := run(t, worlds, in.String())
	if err != nil || len(answers) != 300 {
		t.Fatal(len(answers), err)
	}
	counts := map[string]int{}
	for i, a := range answers {
		if a.Payment != fmt.Sprint("p", i) || a.Gateway != a.Order[0] || len(a.Order) != 4 || a.Propensity <= 0 || a.Propensity > 1 || a.Reason == "" {
			t.Fatalf("%+v", a)
		}
		if i >= 100 {
			counts[a.Gateway]++
		}
	}
	if counts["bravo"] < 150 || counts["alpha"] > 10 {
		t.Errorf("payments go to %v", counts)
	}
	if again, _ := run(t, worlds, in.String()); !slices.EqualFunc(answers, again, func(a, b answer) bool {
		return a.Gateway == b.Gateway && a.Propensity == b.Propensity && a.Reason == b.Reason
	}) {
		t.Error("the same lines have other answers")
	}
}

// TestTheTruthTakesTheTimeoutsPlace: timeouts whose truth is told as an approval are no reason to leave a gateway.
func TestTheTruthTakesTheTimeoutsPlace(t *testing.T) {
	t.Parallel()
	last := func(resolved bool) string {
		var in strings.Builder
		for i := range 60 {
			fmt.Fprintf(&in, question, i)
			tell := func(result string) {
				fmt.Fprintf(&in, `{"at":"2026-01-01T00:00:01Z","outcome":{"payment":"p%d","gateway":"alpha","result":%q}}`+"\n", i, result)
			}
			if i%3 == 0 {
				tell("timeout")
				tell("timeout") // told twice, it is one
				if !resolved {
					continue
				}
			}
			tell("approved")
		}
		answers, err := run(t, strings.Replace(worlds, "default", "exploration: {cap_bps: 0, floor_bps: 0}\ndefault", 1), in.String())
		if err != nil {
			t.Fatal(err)
		}
		return answers[len(answers)-1].Gateway
	}
	if got := last(true); got != "alpha" {
		t.Errorf("resolved: payments go to %s", got)
	}
	if got := last(false); got == "alpha" {
		t.Error("a third of the calls is not answered, and payments still go there")
	}
}

func TestRulesDecideToo(t *testing.T) {
	t.Parallel()
	policy := `
gateways: {alpha: {}, bravo: {currencies: [USD]}}
rules:
  - {name: no Germans, when: {issuer_country: DE, scheme: visa, customer_country: CH}, route: {block: {message: "Not from there."}}}
  - {name: dollars, when: {currency: USD}, route: {priority: [bravo]}}
default: {priority: [bravo], fallback: [alpha]}
`
	policy = strings.Replace(policy, "default: {priority: [bravo], fallback: [alpha]}", "default: {priority: [bravo]}", 1)
	answers, err := run(t, policy, `
{"at":"2026-01-01T00:00:00Z","decide":{"payment":"a","amount_minor":1,"currency":"USD"}}
{"at":"2026-01-01T00:00:00Z","decide":{"payment":"b","amount_minor":1,"currency":"EUR"}}

{"at":"2026-01-01T00:00:00Z","decide":{"payment":"c","amount_minor":1,"currency":"EUR","scheme":"visa","issuer_country":"DE","customer_country":"CH","method":"token","initiation":"mit","metadata":{"tier":"gold"},"customer":"k"}}
{"at":"2026-01-01T00:00:00Z","decide":{"payment":"d","amount_minor":1,"currency":"USD","method":"page"}}
`)
	if err != nil || len(answers) != 4 {
		t.Fatal(answers, err)
	}
	for i, want := range []struct{ gateway, reason string }{
		{"bravo", "first in the route"}, {"", "no gateway can take this payment"}, {"", "Not from there."}, {"bravo", "first in the route; the payer pays on its page"},
	} {
		if a := answers[i]; a.Gateway != want.gateway || a.Reason != want.reason || a.Order == nil || a.Propensity != 1 {
			t.Errorf("%s: %+v", a.Payment, a)
		}
	}
}

func TestFaultsNameTheLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"{":                                "line 1: unexpected EOF",
		"\n" + `{"at":"now"}`:              "line 2: ",
		`{"decide":{"payment":"p"}}`:       `line 1: "at" is missing`,
		`{"at":"2026-01-01T00:00:00Z"}`:    `line 1: give either "decide" or "outcome"`,
		fmt.Sprintf(question, 1) + `{"x"}`: "line 2: ",
		`{"at":"2026-01-01T00:00:00Z","decide":{"payment":"","amount_minor":1,"currency":"EUR"}}`:                                  `line 1: "payment" is missing`,
		`{"at":"2026-01-01T00:00:00Z","decide":{"payment":"p","amount_minor":-1,"currency":"EUR"}}`:                                "line 1: give amount_minor",
		`{"at":"2026-01-01T00:00:00Z","decide":{"payment":"p","amount_minor":1,"currency":"euro"}}`:                                "line 1: give amount_minor",
		`{"at":"2026-01-01T00:00:00Z","decide":{"payment":"p","amount_minor":1,"currency":"EUR","method":"x"}}`:                    "line 1: method is",
		`{"at":"2026-01-01T00:00:00Z","decide":{"payment":"p","colour":"red"}}`:                                                    "line 1: json: unknown field",
		`{"at":"2026-01-01T00:00:00Z","outcome":{"payment":"p","gateway":"alpha","result":"approved"}}`:                            `line 1: no decision for payment "p"`,
		fmt.Sprintf(question, 1) + `{"at":"2026-01-01T00:00:00Z","outcome":{"payment":"p1","gateway":"echo","result":"approved"}}`: `line 2: there is no gateway "echo"`,
		fmt.Sprintf(question, 1) + `{"at":"2026-01-01T00:00:00Z","outcome":{"payment":"p1","gateway":"alpha","result":"maybe"}}`:   `line 2: the result "maybe" is none`,
		strings.Repeat(" ", 100<<10): "line 1: ",
	} {
		if _, err := run(t, worlds, in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80q: %v, want %s", in, err, want)
		}
	}
}

// FuzzRun: whatever is said, there is at most one answer for each line, or an error that names one; never a panic.
func FuzzRun(f *testing.F) {
	f.Add(fmt.Sprintf(question, 1))
	f.Add(fmt.Sprintf(question, 1) + `{"at":"2026-01-01T00:00:01Z","outcome":{"payment":"p1","gateway":"alpha","result":"timeout"}}`)
	f.Add(`{"at":"0001-01-01T00:00:01Z","decide":{"payment":"p","amount_minor":9223372036854775807,"currency":"JPY","initiation":"mit","iin":"4"}}`)
	f.Add(`{"at":"9999-12-31T23:59:59Z","decide":{"payment":"p","amount_minor":0,"currency":"KWD","metadata":{"a":""}}}`)
	c := config(f, worlds)
	f.Fuzz(func(t *testing.T, in string) {
		var out bytes.Buffer
		err := drive.Run(c, strings.NewReader(in), &out)
		answers := strings.Count(out.String(), "\n")
		if lines := strings.Count(in, "\n") + 1; answers > lines {
			t.Errorf("%d answers to %d lines", answers, lines)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("an error without its line: %v", err)
		}
	})
}
