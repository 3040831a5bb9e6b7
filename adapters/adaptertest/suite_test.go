package adaptertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// fakeSuite is the suite for the fake PSP with one defect.
func fakeSuite(d defect) Suite {
	bySession := payments.Recovery{Ask: payments.AskBySession, Fence: true}
	totals := payments.Recovery{Ask: payments.AskByTotals}
	p := adapters.Provider{
		Name: "fake", DisplayName: "Fake", URL: "https://fake.test",
		NewConfig: func() adapters.Config { return &fakeConfig{defect: d} },
		Capabilities: payments.Capabilities{
			ManualCapture: true, CaptureWindow: 7 * 24 * time.Hour, PartialCapture: true, PartialRefund: true,
			Idempotency: "none", Units: "minor",
			Recovery: map[payments.Operation]payments.Recovery{
				payments.OpAuthorize: bySession, payments.OpSale: bySession,
				payments.OpCapture: totals, payments.OpRefund: totals,
			},
		},
	}
	switch d {
	case declaresVerify:
		p.Capabilities.ZeroVerify = true
	case declaresNoWayOut:
		delete(p.Capabilities.Recovery, payments.OpRefund)
	}
	return Suite{Provider: p, Fixtures: fakeFixtures(d)}
}

// fakeFixtures are those of the fake PSP.
func fakeFixtures(d defect) fstest.MapFS {
	const (
		intent = `{"method":"POST","path":"/intents","status":200,"body":{"id":"in_1","status":"new"},
			"want_json":{"amount":"{{amount}}","currency":"{{currency}}","reference":"{{reference}}"}}`
		confirm = `{"method":"POST","path":"/intents/in_1/confirm","charge":true,"status":%d,"body":%s,
			"want_json":{"number":"*","cvc":"917","reference":"{{reference}}"}}`
		refs  = `"refs":{"session":"in_1"},"before":{"authorized":123400,"captured":%d}`
		amend = `{"operation":%q,"request":{"amount":%q,` + refs + `},"exchanges":[{"method":"POST","path":%q,"status":200,
			"body":{"id":"am_1","status":"ok"},"want_json":{"amount":"{{amount}}"}}],"want":{"status":"approved","refs":{"operation":"am_1"}}}`
		lookup = `{"operation":"lookup","request":{"of":%q,` + refs + `},"exchanges":[{"method":"GET","path":"/intents/in_1","status":200,
			"body":%s}],"want":%s}`
		abandon = `{"operation":"abandon","request":{"of":"sale","refs":{"session":"in_1"}},"exchanges":[
			{"method":"DELETE","path":"/intents/in_1","status":%d,"body":{"status":"gone"}}],"want":{"fence":%q}}`
	)
	charge := func(op string, status int, body, want string) string {
		return fmt.Sprintf(`{"operation":%q,"exchanges":[`+intent+`,`+confirm+`],"want":%s}`, op, status, body, want)
	}
	files := map[string]string{
		"config.yaml":            "base_url: https://psp.test\nkey: test_0123456789\n",
		"authorize.json":         charge("authorize", 200, `{"status":"ok"}`, `{"status":"approved","noted":{"session":"in_1"}}`),
		"sale.json":              charge("sale", 200, `{"status":"ok"}`, `{"status":"approved","refs":{"session":"in_1"}}`),
		"sale_action.json":       charge("sale", 200, `{"status":"action"}`, `{"status":"action","action":{"type":"redirect","value":"https://psp.test/3ds"}}`),
		"sale_declined.json":     charge("sale", 402, `{"status":"no","code":"issuer"}`, `{"status":"declined","code":"card.declined","class":"B"}`),
		"sale_funds.json":        charge("sale", 402, `{"status":"no","code":"funds"}`, `{"status":"declined","code":"card.no-money","class":"E"}`),
		"sale_stolen.json":       charge("sale", 402, `{"status":"no","code":"stolen"}`, `{"status":"declined","code":"card.stolen","class":"F"}`),
		"capture.json":           fmt.Sprintf(amend, "capture", "1234", 0, "/captures"),
		"capture_part.json":      fmt.Sprintf(amend, "capture", "1000.50", 0, "/captures"),
		"refund.json":            fmt.Sprintf(amend, "refund", "1234", 123400, "/refunds"),
		"refund_part.json":       fmt.Sprintf(amend, "refund", "0.05", 123400, "/refunds"),
		"lookup_authorize.json":  fmt.Sprintf(lookup, "authorize", 0, `{"status":"ok"}`, `{"finding":"outcome","status":"approved"}`),
		"lookup_authorize2.json": fmt.Sprintf(lookup, "authorize", 0, `{"status":"new"}`, `{"finding":"processing"}`),
		"lookup_sale.json":       fmt.Sprintf(lookup, "sale", 0, `{"status":"ok"}`, `{"finding":"outcome","status":"approved"}`),
		"lookup_sale2.json":      fmt.Sprintf(lookup, "sale", 0, `{"status":"new"}`, `{"finding":"processing"}`),
		"lookup_capture.json": fmt.Sprintf(lookup, "capture", 0, `{"status":"ok","captured":123400}`,
			`{"finding":"totals","totals":{"authorized":123400,"captured":123400}}`),
		"lookup_refund.json": fmt.Sprintf(lookup, "refund", 123400, `{"status":"ok","captured":123400,"refunded":5}`,
			`{"finding":"totals","totals":{"authorized":123400,"captured":123400,"refunded":5}}`),
		"abandon.json":      fmt.Sprintf(abandon, 200, "fenced"),
		"abandon_late.json": fmt.Sprintf(abandon, 409, "too-late"),
	}
	if d == declaresFence { // such an adapter cannot be asked
		delete(files, "abandon.json")
		delete(files, "abandon_late.json")
	}
	if d == showsKey {
		files["config.yaml"] += "plain: test_0123456789\n"
	}
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

// failing runs the checks whose names begin with one of the given ones and returns the names of those that fail.
func failing(t *testing.T, s Suite, begins ...string) []string {
	t.Helper()
	b, err := load(s)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range b.checks() {
		asked := slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(c.name, begin) })
		if asked && len(c.run()) > 0 {
			names = append(names, c.name)
		}
	}
	return names
}

func TestSuitePassesASoundAdapter(t *testing.T) {
	t.Parallel()
	Run(t, fakeSuite(flawless))
}

func TestSuiteCatchesDefects(t *testing.T) {
	t.Parallel()
	for d, want := range map[defect][]string{
		neverSentAlways:  {"faults/sale", "faults/authorize", "faults/capture", "faults/refund", "manners/sale/context"},
		unknownAlways:    {"faults/sale", "manners/sale/context"},
		triesAgain:       {"faults/sale"},
		leaksInError:     {"faults/sale", "manners/sale/secrets"},
		leaksInLog:       {"behaviour/sale", "manners/sale/parallel"},
		leaksInOutcome:   {"manners/sale/secrets"},
		dropsContext:     {"manners/sale/context", "manners/capture/context"},
		wrongExponent:    {"manners/sale/currencies"},
		skipsNote:        {"manners/sale/note", "behaviour/authorize"},
		ignoresNote:      {"manners/sale/note"},
		changesReference: {"manners/sale/reference"},
		mixesUp:          {"manners/sale/parallel"},
		leavesOpen:       {"behaviour/sale", "behaviour/refund"},
		readsAll:         {"faults/sale", "faults/capture"},
		approvesAnything: {"faults/sale", "faults/refund"},
		declinesAnything: {"faults/sale"},
		inventsAbsence:   {"faults/lookup_sale", "faults/lookup_capture"},
		declaresFence:    {"declared/recovery"},
		declaresVerify:   {"declared/capabilities"},
		declaresNoWayOut: {"declared/recovery"},
		acceptsAnyConfig: {"declared/config"},
		showsKey:         {"declared/config"},
	} {
		t.Run(strings.ReplaceAll(string(d), " ", "-"), func(t *testing.T) {
			t.Parallel()
			got := failing(t, fakeSuite(d), want...)
			for _, name := range want {
				if !slices.Contains(got, name) {
					t.Errorf("%s did not fail for an adapter that %s", name, d)
				}
			}
		})
	}
}

func TestSuiteAsksForFixtures(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"authorize.json", "sale_action.json", "sale_funds.json", "capture.json", "capture_part.json", "refund.json", "refund_part.json",
		"lookup_sale.json", "lookup_sale2.json", "lookup_capture.json", "abandon.json", "abandon_late.json",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fakeSuite(flawless)
			delete(s.Fixtures.(fstest.MapFS), name)
			if len(failing(t, s, "behaviour/coverage")) == 0 {
				t.Errorf("coverage passes without %s", name)
			}
		})
	}
}

func TestSuiteComparesRequestsAndAnswers(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string][2]string{
		"another field value":    {`"cvc":"917"`, `"cvc":"918"`},
		"another path":           {`/intents/in_1/confirm`, `/intents/in_2/confirm`},
		"a header":               {`"status":200`, `"want_headers":{"X-Mark":"*"},"status":200`},
		"a field that is absent": {`"status":200`, `"want_absent":["number"],"status":200`},
		"a query":                {`"status":200`, `"query":{"a":"b"},"status":200`},
		"another status":         {`"approved"`, `"pending"`},
		"a fault":                {`"status":"approved"`, `"fault":"unknown"`},
		"another reference":      {`"session":"in_1"`, `"session":"in_9"`},
		"a card number":          {`{"status":"ok"}`, `{"status":"ok","number":"4242424242424242"}`},
		"an amount":              {`"status":"approved"`, `"status":"approved","amount":"3"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fakeSuite(flawless)
			file := s.Fixtures.(fstest.MapFS)["sale.json"]
			text := strings.ReplaceAll(string(file.Data), edit[0], edit[1])
			if text == string(file.Data) {
				t.Fatal("the edit changes nothing")
			}
			s.Fixtures.(fstest.MapFS)["sale.json"] = &fstest.MapFile{Data: []byte(text)}
			if len(failing(t, s, "behaviour/")) == 0 {
				t.Error("the suite passes")
			}
		})
	}
}

func TestLoadRefusesBadFixtures(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown field": `{"operation":"sale","wnat":{}}`,
		"not JSON":      `{`,
		"no status":     `{"operation":"sale","exchanges":[{"method":"GET","path":"/"}]}`,
		"of nothing":    `{"operation":"lookup"}`,
	} {
		s := fakeSuite(flawless)
		s.Fixtures.(fstest.MapFS)["bad.json"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := load(s); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	s := fakeSuite(flawless)
	delete(s.Fixtures.(fstest.MapFS), "config.yaml")
	if _, err := load(s); err == nil {
		t.Error("loaded without config.yaml")
	}
}
