package dojo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// full is a page of customers with as many as there can be; the last one is given.
func full(last string) string {
	var b strings.Builder
	for i := range pageSize - 1 {
		fmt.Fprintf(&b, `{"id":"cust_%d","name":"Somebody (cust_other)","emailAddress":"maria@shop.test"},`, i)
	}
	return b.String() + last
}

const ours = `{"id":"` + testCustomer + `","name":"Maria Santos (cust_test)","emailAddress":"Maria@Shop.test","phoneNumber":"+447000000000"}`

func TestSyncCustomer(t *testing.T) {
	t.Parallel()
	made := map[string][]said{callCustomers: {{status: 200, body: `{"id":"cust_new"}`}}}
	empty := said{status: 200, body: `{"data":[]}`}
	for name, tt := range map[string]struct {
		edit    func(*payments.Payer)
		known   []said // answers to the question for the known id
		search  []said
		want    string
		calls   []string
		created string // the body
	}{
		"known": {known: []said{{status: 200, body: `[` + ours + `]`}}, want: testCustomer, calls: []string{callCustomer}},
		"deleted at Dojo": {
			known: []said{{status: 200, body: `[]`}}, search: []said{empty}, want: "cust_new",
			calls:   []string{callCustomer, callSearch, callCustomers},
			created: `{"name":"Maria Santos (cust_test)","emailAddress":"maria@shop.test","phoneNumber":"+447000000000"}`,
		},
		"made before, the answer lost": {
			edit:   func(p *payments.Payer) { p.CustomerRef = "" },
			search: []said{{status: 200, body: `{"data":[{"id":"cust_x","name":"Maria"},` + ours + `]}`}}, want: testCustomer, calls: []string{callSearch},
		},
		"on the second page": {
			edit:   func(p *payments.Payer) { p.CustomerRef = "" },
			search: []said{{status: 200, body: `{"after":"c2","data":[` + full(`{"id":"cust_99"}`) + `]}`}, {status: 200, body: `{"data":[` + ours + `]}`}},
			want:   testCustomer, calls: []string{callSearch, callSearch},
		},
		"not among the newest": {
			edit:   func(p *payments.Payer) { p.CustomerRef = "" },
			search: []said{{status: 200, body: `{"after":"c2","data":[` + full(`{"id":"cust_99"}`) + `]}`}},
			want:   "cust_new", calls: []string{callSearch, callSearch, callCustomers},
			created: `{"name":"Maria Santos (cust_test)","emailAddress":"maria@shop.test","phoneNumber":"+447000000000"}`,
		},
		"the same address is not the same person": {
			edit:   func(p *payments.Payer) { p.CustomerRef, p.CustomerID = "", "cust_somebody_else" },
			search: []said{{status: 200, body: `{"data":[` + ours + `]}`}}, want: "cust_new", calls: []string{callSearch, callCustomers},
			created: `{"name":"Maria Santos (cust_somebody_else)","emailAddress":"maria@shop.test","phoneNumber":"+447000000000"}`,
		},
		"the same id in another project is not the same person": {
			edit:   func(p *payments.Payer) { p.CustomerRef, p.Email = "", "else@shop.test" },
			search: []said{{status: 200, body: `{"data":[` + ours + `]}`}}, want: "cust_new", calls: []string{callSearch, callCustomers},
			created: `{"name":"Maria Santos (cust_test)","emailAddress":"else@shop.test","phoneNumber":"+447000000000"}`,
		},
		"an id alone is not looked for": {
			edit: func(p *payments.Payer) { *p = payments.Payer{CustomerID: "1"} },
			want: "cust_new", calls: []string{callCustomers}, created: `{"name":"(1)"}`,
		},
		"what Dojo does not take is left out": {
			edit: func(p *payments.Payer) {
				*p = payments.Payer{
					CustomerID: strings.Repeat("i", 64), FirstName: strings.Repeat("é", 90), Email: strings.Repeat("e", 300), Phone: "+44",
				}
			},
			want: "cust_new", calls: []string{callCustomers},
			created: `{"name":"` + strings.Repeat("é", 33) + ` (` + strings.Repeat("i", 64) + `)"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := map[string][]said{callCustomer: tt.known, callSearch: tt.search, callCustomers: made[callCustomers]}
			a, s := speaking(t, answers)
			p := testPayer()
			if tt.edit != nil {
				tt.edit(&p)
			}
			got, err := a.SyncCustomer(t.Context(), p)
			if err != nil || got != tt.want {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
			if diff := cmp.Diff(tt.calls, s.heard); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if tt.created != "" {
				sameJSON(t, tt.created, s.bodyOf(callCustomers))
			}
		})
	}
}

func TestSyncCustomerFaults(t *testing.T) {
	t.Parallel()
	a, _ := speaking(t, nil)
	_, err := a.SyncCustomer(t.Context(), payments.Payer{Email: "maria@shop.test"})
	wantFault(t, "no id of ours", err, payments.Rejected)
	for name, answers := range map[string]map[string][]said{
		"the question fails": {callCustomer: {{status: 500}}},
		"no list":            {callCustomer: {{status: 200, body: `{}`}}},
		"the search fails":   {callCustomer: {{status: 200, body: `[]`}}, callSearch: {{status: 502}}},
		"no customers":       {callCustomer: {{status: 200, body: `[]`}}, callSearch: {{status: 200, body: `{}`}}},
		"no id": {
			callCustomer: {{status: 200, body: `[]`}}, callSearch: {{status: 200, body: `{"data":[]}`}}, callCustomers: {{status: 200, body: `{}`}},
		},
	} {
		a, _ := speaking(t, answers)
		id, err := a.SyncCustomer(t.Context(), testPayer())
		wantFault(t, name, err, payments.Unknown)
		if id != "" {
			t.Errorf("%s: an id beside an error", name)
		}
	}
}

func TestListMethods(t *testing.T) {
	t.Parallel()
	body := `{"customerId":"` + testCustomer + `","merchantId":"1","savedPaymentMethods":[
		{"id":"` + testCard + `","cardDetails":{"pan":"44565300****1096","expiryDate":"2030-12-31","scheme":"VISA"}},
		{"id":"pm_2","cardDetails":{"pan":"52000000****1005","expiryDate":"2026-03-31","scheme":"MASTERCARD"}},
		{"id":"pm_3","cardDetails":{"pan":"52000000****1005","expiryDate":"03/26","scheme":"NEW"}},
		{"id":"pm_4","cardDetails":{"pan":"****1005","expiryDate":"soon","scheme":"DCI"}},
		{"id":"pm_5","cardDetails":null},
		{"cardDetails":{"pan":"52000000****1005"}}]}`
	want := []payments.SavedMethod{
		{MethodRef: testCard, Usable: true, Card: payments.CardFacts{Scheme: payments.SchemeVisa, IIN: "445653", Last4: "1096", ExpMonth: 12, ExpYear: 2030}},
		{MethodRef: "pm_2", Usable: true, Card: payments.CardFacts{Scheme: payments.SchemeMastercard, IIN: "520000", Last4: "1005", ExpMonth: 3, ExpYear: 2026}},
		{MethodRef: "pm_3", Usable: true, Card: payments.CardFacts{IIN: "520000", Last4: "1005", ExpMonth: 3, ExpYear: 2026}},
		{MethodRef: "pm_4", Usable: true, Card: payments.CardFacts{Scheme: payments.SchemeDiners}},
		{MethodRef: "pm_5", Usable: true},
	}
	a, s := speaking(t, map[string][]said{callSecret: {{status: 200, body: saidSecret}}, callMethods: {{status: 200, body: body}}})
	got, err := a.ListMethods(t.Context(), testCustomer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("methods on the last day of grace (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Basic " + testKey, "Basic " + testOpener}, s.keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for day, usable := range map[int]bool{1: true, 2: false} {
		m := savedMethod{}
		m.Card.Expiry = "2026-03-31"
		if got := m.usable(testNow().AddDate(0, 0, day-1)); got != usable {
			t.Errorf("usable on day %d of the next month: %t", day, got)
		}
	}

	a, _ = speaking(t, map[string][]said{callSecret: {{status: 404, body: saidNotFound}}})
	if got, err := a.ListMethods(t.Context(), testCustomer); err != nil || got != nil {
		t.Errorf("a customer that is gone: %v, %v", got, err)
	}
	for name, bad := range map[string]said{
		"no answer": {status: 500}, "another customer": {status: 200, body: `{"customerId":"cust_x","savedPaymentMethods":[]}`},
		"hollow": {status: 200, body: `{}`}, "a page": {status: 404, body: "<html>"},
	} {
		a, _ := speaking(t, map[string][]said{callSecret: {{status: 200, body: saidSecret}}, callMethods: {bad}})
		_, err := a.ListMethods(t.Context(), testCustomer)
		wantFault(t, name, err, payments.Unknown)
	}
}

// TestSecretsAreNeverKept asks for a fresh secret for each checkout.
func TestSecretsAreNeverKept(t *testing.T) {
	t.Parallel()
	a, s := speaking(t, map[string][]said{callSecret: {{status: 200, body: saidSecret}}, callIntents: {{status: 200, body: saidIntent}}})
	for range 2 {
		if _, err := a.StartSession(t.Context(), testSession(&noted{})); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{callSecret, callIntents, callSecret, callIntents}, s.heard); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestKeptCards: a payment teaches a card only when the customer has it, and is approved whatever comes of the question.
func TestKeptCards(t *testing.T) {
	t.Parallel()
	paid := func(more string) said {
		return said{status: 200, body: `{"id":"` + testIntent + `","status":"Captured","amount":{"value":1050,"currencyCode":"GBP"},
			"paymentDetails":{"transactionId":"t","paymentMethodId":"` + testCard + `"}` + more + `}`}
	}
	of := func(customer string) string { return `,"customer":{"id":"` + customer + `"}` }
	cards := func(id string) []said {
		return []said{{status: 200, body: `{"customerId":"` + testCustomer + `","savedPaymentMethods":[{"id":"pm_other"},{"id":"` + id + `"}]}`}}
	}
	secret, asked := []said{{status: 200, body: saidSecret}}, []string{callIntent, callSecret, callMethods}
	kept := payments.ProviderRefs{Session: testIntent, Charge: "t", Customer: testCustomer, Method: testCard}
	learnt := kept
	learnt.Method = ""
	for name, tt := range map[string]struct {
		intent        said
		known         payments.ProviderRefs
		secret, cards []said
		refs          payments.ProviderRefs
		only          payments.Initiation
		calls         []string
	}{
		"kept":              {intent: paid(of(testCustomer)), secret: secret, cards: cards(testCard), refs: kept, only: payments.CustomerInitiated, calls: asked},
		"known from before": {intent: paid(""), known: payments.ProviderRefs{Customer: testCustomer}, secret: secret, cards: cards(testCard), refs: kept, only: payments.CustomerInitiated, calls: asked},
		"not kept":          {intent: paid(of(testCustomer)), secret: secret, cards: cards("pm_2"), refs: learnt, calls: asked},
		"not kept any more": {intent: paid(of(testCustomer)), known: kept, secret: secret, cards: cards("pm_2"), refs: learnt, calls: asked},
		"no secret":         {intent: paid(of(testCustomer)), secret: []said{{status: 500}}, refs: learnt, calls: asked[:2]},
		"customer gone":     {intent: paid(of(testCustomer)), secret: []said{{status: 404, body: saidNotFound}}, refs: learnt, calls: asked[:2]},
		"no list":           {intent: paid(of(testCustomer)), secret: secret, cards: []said{{status: 401, body: saidNotFound}}, refs: learnt, calls: asked},
		"a guest":           {intent: paid(""), refs: payments.ProviderRefs{Session: testIntent, Charge: "t"}, calls: asked[:1]},
		"a setup intent's": {
			intent: paid(of(testCustomer) + `,"setupIntentId":"` + testSetup + `"`), known: payments.ProviderRefs{Method: testSetup}, calls: asked[:1],
			refs: payments.ProviderRefs{Session: testIntent, Charge: "t", Customer: testCustomer, Method: testSetup},
		},
	} {
		a, s := speaking(t, map[string][]said{callIntent: {tt.intent}, callSecret: tt.secret, callMethods: tt.cards})
		tt.known.Session = testIntent
		f, err := a.Lookup(t.Context(), payments.LookupRequest{
			Operation: payments.OpSale, Reference: testRef, Refs: tt.known, Amount: payments.Money{Minor: 1050, Currency: "GBP"},
		})
		if err != nil || f.Outcome.Status != payments.Approved || f.Outcome.MethodOnly != tt.only {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		if diff := cmp.Diff([]payments.ProviderRefs{tt.refs, tt.refs}, []payments.ProviderRefs{f.Outcome.Refs, f.Refs}); diff != "" {
			t.Errorf("%s: references of the outcome and of the finding (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tt.calls, s.heard); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
}
