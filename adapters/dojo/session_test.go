package dojo

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// testSession is a request for a page that offers the customer's saved cards.
func testSession(n *noted) payments.SessionRequest {
	return payments.SessionRequest{
		Reference: testRef, Amount: payments.Money{Minor: 1050, Currency: "GBP"}, Capture: true, Save: true, ShowSaved: true,
		PreferredMethod: testCard, Payer: testPayer(), Description: "Order 1001",
		ReturnURL: "https://shop.test/return", CancelURL: "https://shop.test/cancel", ExpiresAt: testNow().Add(1000 * time.Second), Note: n.take,
	}
}

func testPayer() payments.Payer {
	return payments.Payer{
		CustomerID: "cust_test", CustomerRef: testCustomer, FirstName: "Maria", LastName: "Santos", Email: "maria@shop.test",
		Phone: "+447000000000", IPAddress: "203.0.113.7", UserAgent: "Browser/1.0",
	}
}

// TestStartSession plays every kind of session and compares the body by which it is made.
func TestStartSession(t *testing.T) {
	t.Parallel()
	refs := payments.ProviderRefs{Session: testIntent, Customer: testCustomer}
	guestRefs := payments.ProviderRefs{Session: testIntent}
	const common = `"amount":{"value":1050,"currencyCode":"GBP"},"reference":"` + testRef + `","description":"Order 1001",` +
		`"config":{"redirectUrl":"https://shop.test/return","cancelUrl":"https://shop.test/cancel"},` +
		`"requestSecurity":{"userAgent":"Browser/1.0","ipAddress":"203.0.113.7"},"expireAt":"2026-04-01T10:16:40Z"`
	const opener = `"id":"` + testCustomer + `","secret":"` + testOpener + `"`
	for name, tt := range map[string]struct {
		edit    func(*payments.SessionRequest)
		answers map[string][]said // beside the intent's and the secret's
		calls   []string
		want    string
		refs    payments.ProviderRefs
		link    string
	}{
		"saved cards, one preselected": {
			calls: []string{callSecret, callIntents}, refs: refs,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `,"savedCardId":"` + testCard + `"}}`,
		},
		"saved cards, none preselected": {
			edit:  func(r *payments.SessionRequest) { r.PreferredMethod = "" },
			calls: []string{callSecret, callIntents}, refs: refs,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `}}`,
		},
		"a hold": {
			edit:  func(r *payments.SessionRequest) { r.Capture, r.PreferredMethod = false, "" },
			calls: []string{callSecret, callIntents}, refs: refs,
			want: `{` + common + `,"captureMode":"Manual","autoExpireIn":"6.00:00:00","autoExpireAction":"Release",` +
				`"paymentMethods":["SavedCard","Card"],"customer":{` + opener + `}}`,
		},
		"an agreement is no card to preselect": {
			edit:  func(r *payments.SessionRequest) { r.PreferredMethod = testSetup },
			calls: []string{callSecret, callIntents}, refs: refs,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `}}`,
		},
		"only to save": {
			edit:  func(r *payments.SessionRequest) { r.ShowSaved = false },
			calls: []string{callSecret, callIntents}, refs: refs,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `}}`,
		},
		"nothing saved": {
			edit:  func(r *payments.SessionRequest) { r.Save, r.ShowSaved = false, false },
			calls: []string{callIntents}, refs: guestRefs,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["Card"],` +
				`"customer":{"emailAddress":"maria@shop.test","phoneNumber":"+447000000000"}}`,
		},
		"a guest, of whom nothing is known": {
			edit: func(r *payments.SessionRequest) {
				r.Payer, r.ReturnURL, r.CancelURL = payments.Payer{}, "", ""
			},
			calls: []string{callIntents}, refs: guestRefs,
			want: `{"amount":{"value":1050,"currencyCode":"GBP"},"reference":"` + testRef + `","description":"Order 1001",` +
				`"expireAt":"2026-04-01T10:16:40Z","captureMode":"Auto","paymentMethods":["Card"]}`,
		},
		"one way back, and our own expiry": {
			edit: func(r *payments.SessionRequest) {
				r.Payer, r.CancelURL, r.ExpiresAt = payments.Payer{}, "", time.Time{}
			},
			calls: []string{callIntents}, refs: guestRefs,
			want: `{"amount":{"value":1050,"currencyCode":"GBP"},"reference":"` + testRef + `","description":"Order 1001",` +
				`"config":{"redirectUrl":"https://shop.test/return","cancelUrl":"https://shop.test/return"},` +
				`"expireAt":"2026-04-01T10:30:00Z","captureMode":"Auto","paymentMethods":["Card"]}`,
		},
		"the customer is new at Dojo": {
			edit: func(r *payments.SessionRequest) { r.Payer.CustomerRef = "" },
			answers: map[string][]said{
				callSearch:    {{status: 200, body: `{"data":[]}`}},
				callCustomers: {{status: 200, body: `{"id":"` + testCustomer + `"}`}},
			},
			calls: []string{callSearch, callCustomers, callSecret, callIntents}, refs: refs,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `,"savedCardId":"` + testCard + `"}}`,
		},
		"the customer was deleted at Dojo": {
			edit: func(r *payments.SessionRequest) { r.Payer.CustomerRef = "cust_gone" },
			answers: map[string][]said{
				"POST /customers/cust_gone/create-secret": {{status: 404, body: saidNotFound}},
				callSearch:    {{status: 200, body: `{"data":[]}`}},
				callCustomers: {{status: 200, body: `{"id":"` + testCustomer + `"}`}},
			},
			calls: []string{"POST /customers/cust_gone/create-secret", callSearch, callCustomers, callSecret, callIntents}, refs: refs,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `}}`, // its cards went with it
		},
		"an answer without a link": {
			answers: map[string][]said{callIntents: {{status: 200, body: `{"id":"` + testIntent + `","status":"Created"}`}}},
			calls:   []string{callSecret, callIntents}, refs: refs, link: "https://pay.dojo.tech/checkout/" + testIntent,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `,"savedCardId":"` + testCard + `"}}`,
		},
		"an answer with a link to nowhere": {
			answers: map[string][]said{callIntents: {{status: 200, body: `{"id":"` + testIntent + `","status":"Created","paymentLink":"javascript:alert(1)"}`}}},
			calls:   []string{callSecret, callIntents}, refs: refs, link: "https://pay.dojo.tech/checkout/" + testIntent,
			want: `{` + common + `,"captureMode":"Auto","paymentMethods":["SavedCard","Card"],"customer":{` + opener + `,"savedCardId":"` + testCard + `"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := map[string][]said{callIntents: {{status: 200, body: saidIntent}}, callSecret: {{status: 200, body: saidSecret}}}
			maps.Copy(answers, tt.answers)
			a, s := speaking(t, answers)
			n := &noted{}
			r := testSession(n)
			if tt.edit != nil {
				tt.edit(&r)
			}
			o, err := a.StartSession(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			link := tt.link
			if link == "" {
				link = saidLink
			}
			want := payments.Outcome{
				Status: payments.ActionRequired, Refs: tt.refs, Action: &payments.CustomerAction{Type: "redirect", Value: link},
			}
			if diff := cmp.Diff(want, o); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]payments.ProviderRefs{tt.refs}, n.refs); diff != "" {
				t.Errorf("noted (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, s.heard); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			sameJSON(t, tt.want, s.bodyOf(callIntents))
		})
	}
}

// sameJSON compares two texts as JSON.
func sameJSON(t *testing.T, want, got string) {
	t.Helper()
	var w, g any
	if err := errors.Join(json.Unmarshal([]byte(want), &w), json.Unmarshal([]byte(got), &g)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// TestStartSetup is a session over nothing: the payer agrees to later charges.
func TestStartSetup(t *testing.T) {
	t.Parallel()
	a, s := speaking(t, map[string][]said{callSetups: {{status: 200, body: saidSetup}}})
	n := &noted{}
	r := testSession(n)
	r.Amount.Minor = 0
	o, err := a.StartSession(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	refs := payments.ProviderRefs{Session: testSetup}
	want := payments.Outcome{Status: payments.ActionRequired, Refs: refs, Action: &payments.CustomerAction{
		Type: "redirect", Value: "https://pay.dojo.tech/checkout/" + testSetup,
	}}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]payments.ProviderRefs{refs}, n.refs); diff != "" {
		t.Errorf("noted (-want +got):\n%s", diff)
	}
	sameJSON(t, `{"reference":"`+testRef+`","description":"Order 1001","merchantInitiatedTransactionType":"Unscheduled",
		"terms":"We may charge the balance of your order later.","paymentMethods":["Card"],
		"customer":{"emailAddress":"maria@shop.test","phoneNumber":"+447000000000"},"expireAt":"2026-04-01T10:16:40Z",
		"config":{"redirectUrl":"https://shop.test/return","cancelUrl":"https://shop.test/cancel"}}`, s.bodyOf(callSetups))

	for name, body := range map[string]string{
		"no id": `{"status":"Created"}`, "another kind": `{"id":"pi_1","status":"Created"}`,
		"not new": `{"id":"si_1","status":"Authorized"}`, "another reference": `{"id":"si_1","status":"Created","reference":"x"}`,
	} {
		a, _ := speaking(t, map[string][]said{callSetups: {{status: 200, body: body}}})
		_, err := a.StartSession(t.Context(), r)
		wantFault(t, name, err, payments.NeverSent)
	}
	a = opened(t, &speaker{t: t}, func(c *Config) { c.MandateTerms = "" })
	_, err = a.StartSession(t.Context(), r)
	wantFault(t, "no terms", err, payments.Rejected)
}

func wantFault(t *testing.T, what string, err error, kind payments.FaultKind) {
	t.Helper()
	if f, ok := errors.AsType[*payments.Fault](err); !ok || f.Kind != kind {
		t.Errorf("%s: %v, want a fault of kind %s", what, err, kind)
	}
	if err != nil && (strings.Contains(err.Error(), testOpener) || strings.Contains(err.Error(), testKey)) {
		t.Errorf("%s: the error shows a secret", what)
	}
}

// TestNoLinkWithoutNote gives no link away unless the session's id is durable.
func TestNoLinkWithoutNote(t *testing.T) {
	t.Parallel()
	for _, amount := range []int64{0, 1050} {
		answers := map[string][]said{
			callIntents: {{status: 200, body: saidIntent}}, callSecret: {{status: 200, body: saidSecret}}, callSetups: {{status: 200, body: saidSetup}},
		}
		r := testSession(&noted{err: errors.New("the disk is full")})
		r.Amount.Minor = amount
		a, _ := speaking(t, answers)
		o, err := a.StartSession(t.Context(), r)
		wantFault(t, "a note that failed", err, payments.NeverSent)
		r.Note = nil
		o2, err := a.StartSession(t.Context(), r)
		wantFault(t, "no note", err, payments.NeverSent)
		if o.Action != nil || o2.Action != nil {
			t.Error("the link is given away")
		}
	}
}

// TestSessionFaults makes every call of a session fail in every way: nothing was charged, and no secret shows.
func TestSessionFaults(t *testing.T) {
	t.Parallel()
	good := map[string][]said{
		callSecret: {{status: 200, body: saidSecret}}, callIntents: {{status: 200, body: saidIntent}},
		callSearch: {{status: 200, body: `{"data":[]}`}}, callCustomers: {{status: 200, body: `{"id":"` + testCustomer + `"}`}},
	}
	for _, call := range []string{callSearch, callCustomers, callSecret, callIntents} {
		known := testKey // what there is to give away by then
		if call == callIntents {
			known += " " + testOpener
		}
		echo := `{"type":"x","title":"` + known + `","detail":"` + known + `","errors":{"a":["` + known + `"]}}`
		for _, bad := range []struct {
			answer said
			want   payments.FaultKind
		}{
			{said{err: io.EOF}, payments.NeverSent},
			{said{err: errors.New("cannot send " + known)}, payments.NeverSent},
			{said{status: 500, body: echo}, payments.NeverSent},
			{said{status: 408, body: echo}, payments.NeverSent},
			{said{status: 302}, payments.NeverSent},
			{said{status: 200, body: "<html>"}, payments.NeverSent},
			{said{status: 200}, payments.NeverSent},
			{said{status: 200, body: "null"}, payments.NeverSent},
			{said{status: 200, body: "{}"}, payments.NeverSent},
			{said{status: 200, body: "[]"}, payments.NeverSent},
			{said{status: 200, body: `{"id":"pi_1","status":"` + known + `"}`}, payments.NeverSent},
			{said{status: 404, body: "<html>"}, payments.NeverSent},
			{said{status: 409, body: echo}, payments.NeverSent},
			{said{status: 400, body: echo}, payments.Rejected},
			{said{status: 401, body: echo}, payments.Misconfigured},
			{said{status: 403, body: "{}"}, payments.Misconfigured},
			{said{status: 429, body: echo}, payments.Throttled},
		} {
			if call == callCustomers && strings.Contains(bad.answer.body, "pi_1") {
				continue // any id will do for a customer
			}
			answers := maps.Clone(good)
			answers[call] = []said{bad.answer}
			a, _ := speaking(t, answers)
			n := &noted{}
			r := testSession(n)
			r.Payer.CustomerRef = ""
			o, err := a.StartSession(t.Context(), r)
			wantFault(t, call+" "+http.StatusText(bad.answer.status), err, bad.want)
			if o.Status != "" || len(n.refs) > 0 {
				t.Errorf("%s: an outcome or a note beside a fault", call)
			}
		}
	}
}

// TestResumeSession asks what became of a session that was made before.
func TestResumeSession(t *testing.T) {
	t.Parallel()
	refs := payments.ProviderRefs{Session: testIntent}
	paid := `,"amount":{"value":1050,"currencyCode":"GBP"},"paymentLink":"` + saidLink + `"}`
	for _, tt := range []struct {
		status string
		hold   bool
		want   payments.OutcomeStatus
	}{
		{intentCreated, false, payments.ActionRequired},
		{intentCaptured, false, payments.Approved},
		{intentAuthorized, true, payments.Approved},
		{intentCanceled, false, payments.Declined},
		{intentAuthorized, false, payments.Pending},
	} {
		a, s := speaking(t, map[string][]said{callIntent: {{status: 200, body: `{"id":"` + testIntent + `","status":"` + tt.status + `"` + paid}}})
		r := testSession(&noted{})
		r.Refs, r.Capture = refs, !tt.hold
		o, err := a.StartSession(t.Context(), r)
		if err != nil || o.Status != tt.want || len(s.heard) != 1 {
			t.Errorf("%s: %q, %v after %v", tt.status, o.Status, err, s.heard)
		}
		if tt.want == payments.ActionRequired && (o.Action == nil || o.Action.Value != saidLink || o.Refs.Session != testIntent) {
			t.Errorf("%s: %+v", tt.status, o)
		}
	}
	a, _ := speaking(t, map[string][]said{callSetup: {{status: 200, body: saidSetup}}})
	r := testSession(&noted{})
	r.Refs.Session = testSetup
	if o, err := a.StartSession(t.Context(), r); err != nil || o.Action == nil || o.Action.Value != "https://pay.dojo.tech/checkout/"+testSetup {
		t.Errorf("a setup intent: %+v, %v", o, err)
	}
	a, _ = speaking(t, map[string][]said{callIntent: {{status: 500}}})
	r.Refs = refs
	_, err := a.StartSession(t.Context(), r)
	wantFault(t, "no answer", err, payments.Unknown)
}

// TestResend sends the charge of an intent again that was made before, and makes no other.
func TestResend(t *testing.T) {
	t.Parallel()
	const callCharge = "POST " + intentsPath + "/" + testIntent + "/charge"
	a, s := speaking(t, map[string][]said{callCharge: {{status: 200, body: `{"paymentIntentId":"` + testIntent + `","status":"Successful"}`}}})
	n := &noted{}
	o, err := a.Authorize(t.Context(), payments.AuthorizeRequest{
		Reference: testRef, Amount: payments.Money{Minor: 1050, Currency: "GBP"}, Capture: true, Source: payments.Source{Method: testSetup},
		Initiation: payments.MerchantInitiated, Refs: payments.ProviderRefs{Session: testIntent}, Note: n.take,
	})
	if err != nil || o.Status != payments.Approved || !slices.Equal(s.heard, []string{callCharge}) || len(n.refs) != 1 {
		t.Errorf("%+v, %v after %v, noted %v", o, err, s.heard, n.refs)
	}
}
