package paymongo

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"switchyard/adapters"
	"switchyard/payments"
)

const testBase = "https://api.paymongo.com/v1"

// speaking returns an adapter that speaks to a transport.
func speaking(t testing.TB, transport http.RoundTripper) *adapter {
	t.Helper()
	config := Provider().NewConfig().(*Config)
	config.SecretKey = payments.NewSecret("sk_test_4mRw9KdS1cVb")
	opened, err := config.Open(adapters.Deps{Transport: transport, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*adapter)
}

// shop is a transport on which a payment with a card is approved; the intent saves it for cus_1.
func shop() *httpmock.MockTransport {
	transport := httpmock.NewMockTransport()
	for at, body := range map[string]string{
		"POST /payment_methods":             `{"data":{"id":"pm_1","attributes":{}}}`,
		"POST /payment_intents":             `{"data":{"id":"pi_1","attributes":{"status":"awaiting_payment_method"}}}`,
		"POST /payment_intents/pi_1/attach": paidIntent,
		"GET /payment_intents/pi_1":         paidIntent,
	} {
		method, path, _ := strings.Cut(at, " ")
		transport.RegisterResponder(method, testBase+path, httpmock.NewStringResponder(200, body))
	}
	return transport
}

const (
	paidIntent = `{"data":{"id":"pi_1","attributes":{"status":"succeeded","amount":123400,"currency":"PHP",
		"setup_future_usage":{"session_type":"on_session","customer_id":"cus_1"},"metadata":{"payment_method":"pm_1"},
		"payments":[{"id":"pay_1","attributes":{"amount":123400,"status":"paid"}}]}}}`
	cardsOfCustomer = testBase + "/customers/cus_1/payment_methods"
)

// TestCardIsSavedOnlyWhenListed asks of a charge and of its look-up that a card is reported as saved only when the list has it, and
// that nothing about the list changes the approval.
func TestCardIsSavedOnlyWhenListed(t *testing.T) {
	t.Parallel()
	listed := httpmock.NewStringResponder(200, `{"data":[{"id":"cus_pm_1","attributes":{"payment_method_id":"pm_1"}}]}`)
	for name, tt := range map[string]struct {
		list httpmock.Responder
		want payments.ProviderRefs
	}{
		"listed":      {listed, payments.ProviderRefs{Customer: "cus_1", Method: "pm_1"}},
		"another":     {httpmock.NewStringResponder(200, `{"data":[{"id":"cus_pm_1","attributes":{"payment_method_id":"pm_2"}}]}`), payments.ProviderRefs{}},
		"none":        {httpmock.NewStringResponder(200, `{"data":[]}`), payments.ProviderRefs{}},
		"hollow":      {httpmock.NewStringResponder(200, `{}`), payments.ProviderRefs{}},
		"unknown":     {httpmock.NewStringResponder(404, `{"errors":[{"code":"resource_not_found"}]}`), payments.ProviderRefs{}},
		"broken":      {httpmock.NewStringResponder(500, ``), payments.ProviderRefs{}},
		"unreachable": {httpmock.NewErrorResponder(errors.New("reset")), payments.ProviderRefs{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := shop()
			transport.RegisterResponder("GET", cardsOfCustomer, tt.list)
			a := speaking(t, transport)
			want := payments.ProviderRefs{Session: "pi_1", Charge: "pay_1"}.Merge(tt.want)
			o, err := a.Authorize(t.Context(), saving())
			if err != nil || o.Status != payments.Approved || o.Refs != want {
				t.Errorf("charged: %q %+v %v, want %+v", o.Status, o.Refs, err, want)
			}
			f, err := a.Lookup(t.Context(), payments.LookupRequest{
				Operation: payments.OpSale, Reference: fuzzReference, Refs: payments.ProviderRefs{Session: "pi_1"},
			})
			if err != nil || f.Outcome.Status != payments.Approved || f.Outcome.Refs != want || f.Refs != want {
				t.Errorf("looked up: %q %+v %v, want %+v", f.Outcome.Status, f.Refs, err, want)
			}
		})
	}
}

// saving is a charge that is to save its card.
func saving() payments.AuthorizeRequest {
	return payments.AuthorizeRequest{
		Reference: fuzzReference, Amount: payments.Money{Minor: 123400, Currency: "PHP"}, Capture: true, Save: true,
		Source: payments.Source{Card: &payments.CardData{Number: payments.NewSecret("4242424242424242"), ExpMonth: 12, ExpYear: 2030}},
		Payer:  payments.Payer{CustomerRef: "cus_1"}, Note: noted,
	}
}

// TestSavesOnlyCardsOfKnownCustomers asks which charges save at all.
func TestSavesOnlyCardsOfKnownCustomers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(*payments.AuthorizeRequest)
		want bool
	}{
		"a card":         {func(*payments.AuthorizeRequest) {}, true},
		"not asked for":  {func(r *payments.AuthorizeRequest) { r.Save = false }, false},
		"no customer":    {func(r *payments.AuthorizeRequest) { r.Payer.CustomerRef = "" }, false},
		"a saved method": {func(r *payments.AuthorizeRequest) { r.Source = payments.Source{Method: "pm_1"} }, false},
	} {
		r := saving()
		tt.edit(&r)
		if got := saves(r); got != tt.want {
			t.Errorf("%s: saves %t, want %t", name, got, tt.want)
		}
	}
}

func TestEndlessListIsGivenUp(t *testing.T) {
	t.Parallel()
	transport := shop()
	transport.RegisterResponder("GET", cardsOfCustomer, httpmock.NewStringResponder(200,
		`{"has_more":true,"data":[{"id":"cus_pm_1","attributes":{"payment_method_id":"pm_2"}}]}`))
	a := speaking(t, transport)
	if methods, err := a.ListMethods(t.Context(), "cus_1"); methods != nil || payments.AsFault(err) == nil {
		t.Errorf("%d methods, %v, want a fault", len(methods), err)
	}
	if calls := transport.GetTotalCallCount(); calls != maxPages {
		t.Errorf("%d calls, want %d", calls, maxPages)
	}
	transport.RegisterResponder("DELETE", cardsOfCustomer+"/pm_1", httpmock.NewStringResponder(404, `{"errors":[{"code":"resource_not_found"}]}`))
	err := a.DeleteMethod(t.Context(), payments.ForgetRequest{CustomerRef: "cus_1", MethodRef: "pm_1"})
	if payments.AsFault(err) == nil {
		t.Error("a card counts as gone, though the list was not seen to its end")
	}
}
