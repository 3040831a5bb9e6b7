package paymongo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"

	"switchyard/adapters"
	"switchyard/payments"
)

const (
	fuzzIntent    = "pi_4Vk2Zt9RzM1sXhQ7bNcYdLwE"
	fuzzPayment   = "pay_Xw7Qm2Lr9sTk4VbNc8ZdYhJe"
	fuzzReference = "At4k2m9x7q1w8e5r3t6y0u2i4o6p8a0b"
)

// FuzzAnswers gives every operation the same answer to all its calls: nothing panics, every result is an outcome or a fault, and
// only an answer that says so is an approval.
func FuzzAnswers(f *testing.F) {
	for _, body := range recordedBodies(f) {
		f.Add(200, body)
		f.Add(400, body)
	}
	f.Add(200, `{"data":{"id":"`+fuzzIntent+`","attributes":{"status":"succeeded","payments":[{"attributes":null}]}}}`)
	f.Add(404, `{"errors":[{"code":"resource_not_found"}]}`)
	f.Add(429, `Too many requests, please try again later.`)
	f.Add(500, ``)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip("not a final status")
		}
		a := answering(t, status, body)
		ctx := context.Background()
		amount := payments.Money{Minor: 123400, Currency: "PHP"}
		refs := payments.ProviderRefs{Session: fuzzIntent}
		paid := payments.ProviderRefs{Session: fuzzIntent, Charge: fuzzPayment}
		good := status == http.StatusOK && json.Valid([]byte(body))
		card := payments.CardData{Number: payments.NewSecret("4242424242424242"), ExpMonth: 12, ExpYear: 2030, CVC: payments.NewSecret("917")}
		outcome := func(o payments.Outcome, err error) {
			checkOutcome(t, o, err, good && says(body, "succeeded", "awaiting_capture", "cancelled"))
		}
		outcome(a.Authorize(ctx, payments.AuthorizeRequest{
			Reference: fuzzReference, Amount: amount, Capture: true, Source: payments.Source{Card: &card}, Refs: refs, Note: noted,
		}))
		saved, err := a.Authorize(ctx, payments.AuthorizeRequest{
			Reference: fuzzReference, Amount: amount, Capture: true, Save: true, Source: payments.Source{Card: &card}, Refs: refs,
			Payer: payments.Payer{CustomerRef: "cus_8TqW"}, Note: noted,
		})
		outcome(saved, err)
		if saved.Refs.Method != "" && saved.Status != payments.Approved {
			t.Errorf("a card is saved by a charge that is %q", saved.Status)
		}
		checkCustomers(t, a, good)
		outcome(a.Capture(ctx, payments.CaptureRequest{Reference: fuzzReference, Refs: refs, Amount: amount}))
		outcome(a.Void(ctx, payments.VoidRequest{Reference: fuzzReference, Refs: refs, Amount: amount}))
		outcome(a.Refund(ctx, payments.RefundRequest{Reference: fuzzReference, Refs: paid, Amount: amount}))
		for _, of := range []payments.Operation{payments.OpAuthorize, payments.OpSale, payments.OpCapture, payments.OpVoid, payments.OpRefund} {
			finding, err := a.Lookup(ctx, payments.LookupRequest{Operation: of, Reference: fuzzReference, Refs: paid, Amount: amount})
			if err != nil {
				outcome(payments.Outcome{}, err)
			} else if finding.Kind == payments.FoundOutcome {
				outcome(finding.Outcome, nil)
			} else if finding.Kind == payments.FoundTotals && !good {
				t.Errorf("totals out of status %d and %q", status, body)
			}
		}
		fence, err := a.Abandon(ctx, payments.AbandonRequest{Operation: payments.OpSale, Reference: fuzzReference, Refs: refs})
		if err == nil && fence == payments.Fenced && !(good && says(body, "cancelled")) {
			t.Errorf("fenced out of status %d and %q", status, body)
		}
	})
}

// checkCustomers looks at what the answer may not become when it is about a customer or saved cards.
func checkCustomers(t *testing.T, a *adapter, good bool) {
	t.Helper()
	ctx := context.Background()
	var fault *payments.Fault
	check := func(what string, done bool, err error) {
		switch {
		case err != nil && !errors.As(err, &fault):
			t.Errorf("%s: an error without a fault: %v", what, err)
		case done && !good:
			t.Errorf("%s out of an answer that does not say so", what)
		}
	}
	payer := payments.Payer{CustomerID: "cust_test", FirstName: "Maria", Email: "maria@shop.test"}
	id, err := a.SyncCustomer(ctx, payer)
	check("a customer", id != "", err)
	if (id == "") != (err != nil) {
		t.Errorf("both or neither of a customer %q and an error %v", id, err)
	}
	methods, err := a.ListMethods(ctx, "cus_8TqW")
	check("saved cards", len(methods) > 0, err)
	for _, m := range methods {
		if m.MethodRef == "" || len(m.Card.Last4) > 4 {
			t.Errorf("a saved card %+v", m)
		}
	}
	check("a deleted customer", false, a.DeleteCustomer(ctx, "cus_8TqW"))
	check("a deleted card", false, a.DeleteMethod(ctx, payments.ForgetRequest{CustomerRef: "cus_8TqW", MethodRef: "pm_1"}))
}

// says reports whether one of the words is in a JSON text, plainly or escaped.
func says(body string, words ...string) bool {
	var v any
	if json.Unmarshal([]byte(body), &v) != nil {
		return false
	}
	plain, err := json.Marshal(v)
	return slices.ContainsFunc(words, func(word string) bool {
		return strings.Contains(body, word) || err == nil && strings.Contains(string(plain), word)
	})
}

// noted is a Note that always works.
func noted(context.Context, payments.ProviderRefs) error { return nil }

// checkOutcome looks at what no result may be, whatever PayMongo says.
func checkOutcome(t *testing.T, o payments.Outcome, err error, mayApprove bool) {
	t.Helper()
	var fault *payments.Fault
	switch {
	case err != nil && !errors.As(err, &fault):
		t.Errorf("an error without a fault: %v", err)
	case err != nil && o.Status != "":
		t.Errorf("both an outcome (%s) and an error", o.Status)
	case err == nil && o.Status == "":
		t.Error("neither an outcome nor an error")
	case o.Status == payments.Approved && !mayApprove:
		t.Error("approved, though the answer does not say so")
	case o.Status == payments.Declined && (!o.Code.Known() || o.Code.MeansUnknown()):
		t.Errorf("declined with the code %q", o.Code)
	}
}

// answering returns an adapter to which PayMongo gives one answer only.
func answering(t testing.TB, status int, body string) *adapter {
	t.Helper()
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(httpmock.NewStringResponder(status, body))
	config := Provider().NewConfig().(*Config)
	config.SecretKey = payments.NewSecret("sk_test_4mRw9KdS1cVb")
	opened, err := config.Open(adapters.Deps{Transport: transport, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*adapter)
}

// recordedBodies returns every answer in the fixtures, without repeats.
func recordedBodies(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var bodies []string
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var c struct {
			Exchanges []struct {
				Body json.RawMessage `json:"body"`
			} `json:"exchanges"`
		}
		text := strings.NewReplacer(`"{{amount}}"`, "123400", "{{reference}}", fuzzReference, "{{currency}}", "PHP").Replace(string(data))
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Exchanges {
			if len(e.Body) > 0 {
				bodies = append(bodies, string(e.Body))
			}
		}
	}
	slices.Sort(bodies)
	return slices.Compact(bodies)
}
