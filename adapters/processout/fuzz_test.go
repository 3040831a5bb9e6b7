package processout

import (
	"context"
	"encoding/json"
	"errors"
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
	fuzzInvoice   = "iv_RRW65C1I2jAGiFuwhEtW5UGU1tMkBRBS"
	fuzzToken     = "tok_kTq3wHn5yJxR8ZgUaXw7Qm2Lr9sTk4Vb"
	fuzzCustomer  = "cust_MFW0Z4jtoXLfADjPKlVRl5LxWkCTUgRw"
	fuzzReference = "At4k2m9x7q1w8e5r3t6y0u2i4o6p8a0b"
)

// FuzzAnswers gives every operation the same answer to all its calls: nothing panics, every result is an outcome or a fault, and
// only an answer that says that it succeeded is an approval or a fence.
func FuzzAnswers(f *testing.F) {
	for _, body := range recordedBodies(f) {
		f.Add(200, body)
		f.Add(410, body)
	}
	f.Add(404, `{"success":false,"error_type":"resource.invoice.not-found"}`)
	f.Add(200, `{"success":true,"transaction":{"id":"tr_1","status":"completed","refunds":[{}],"operations":[null]}}`)
	f.Add(429, ``)
	f.Add(500, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip("not a final status")
		}
		good := status < 300 && succeeded(body)
		outcome := func(o payments.Outcome, err error) {
			t.Helper()
			checkOutcome(t, o, err, good)
		}
		a := answering(t, status, body)
		ctx := context.Background()
		charged(ctx, a, outcome)
		amount := payments.Money{Minor: 123400, Currency: "PHP"}
		refs := payments.ProviderRefs{Session: fuzzInvoice}
		saved := payments.ProviderRefs{Session: fuzzToken, Customer: fuzzCustomer}
		for _, of := range []payments.Operation{
			payments.OpAuthorize, payments.OpSale, payments.OpCapture, payments.OpVoid, payments.OpIncrement, payments.OpRefund, payments.OpVerify,
		} {
			known := refs
			if of == payments.OpVerify {
				known = saved
			}
			finding, err := a.Lookup(ctx, payments.LookupRequest{Operation: of, Reference: fuzzReference, Refs: known, Amount: amount})
			switch {
			case err != nil:
				outcome(payments.Outcome{}, err)
			case finding.Kind == payments.FoundOutcome:
				outcome(finding.Outcome, nil)
			case finding.Kind == payments.FoundTotals && !good:
				t.Errorf("totals out of status %d and %q", status, body)
			}
			fence, err := a.Abandon(ctx, payments.AbandonRequest{Operation: of, Reference: fuzzReference, Refs: known})
			if err == nil && fence == payments.Fenced && !good && !strings.Contains(body, "not-found") {
				t.Errorf("fenced out of status %d and %q", status, body)
			}
		}
	})
}

// FuzzResults: whatever a payer's device sends, only what begins as a result and has nothing to quote goes to ProcessOut.
func FuzzResults(f *testing.F) {
	for _, seed := range []string{"gway_req_e30", "gway_req_", "tok_1", "gway_req_a b", "gway_req_\"", "gway_req_\xff", strings.Repeat("gway_req_", 9000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		plain := string(quoted) == `"`+text+`"` && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
		if isResult(text) && (!strings.HasPrefix(text, "gway_req_") || len(text) > 64<<10 || !plain) {
			t.Errorf("%.80q is taken for a result", text)
		}
	})
}

// charged runs every operation that moves money or saves a card.
func charged(ctx context.Context, a *adapter, outcome func(payments.Outcome, error)) {
	amount := payments.Money{Minor: 123400, Currency: "PHP"}
	refs := payments.ProviderRefs{Session: fuzzInvoice}
	card := payments.CardData{Number: payments.NewSecret("4242424242424242"), ExpMonth: 12, ExpYear: 2030, CVC: payments.NewSecret("917")}
	outcome(a.Authorize(ctx, payments.AuthorizeRequest{
		Reference: fuzzReference, Amount: amount, Capture: true, Source: payments.Source{Card: &card}, Refs: refs, Note: noted,
	}))
	outcome(a.Authorize(ctx, payments.AuthorizeRequest{
		Reference: fuzzReference, Amount: amount, Source: payments.Source{Method: fuzzToken}, Refs: refs, Note: noted,
	}))
	outcome(a.Capture(ctx, payments.CaptureRequest{Reference: fuzzReference, Refs: refs, Amount: amount}))
	outcome(a.Void(ctx, payments.VoidRequest{Reference: fuzzReference, Refs: refs, Amount: amount}))
	outcome(a.Increment(ctx, payments.IncrementRequest{Reference: fuzzReference, Refs: refs, Amount: amount}))
	outcome(a.Refund(ctx, payments.RefundRequest{Reference: fuzzReference, Refs: refs, Amount: amount}))
	outcome(a.Verify(ctx, payments.VerifyRequest{
		Reference: fuzzReference, Currency: "PHP", Source: payments.Source{Card: &card},
		Refs: payments.ProviderRefs{Session: fuzzToken, Customer: fuzzCustomer}, Note: noted,
	}))
	for of, known := range map[payments.Operation]payments.ProviderRefs{
		payments.OpAuthorize: refs, payments.OpSale: refs, payments.OpVerify: {Session: fuzzToken, Customer: fuzzCustomer},
	} {
		outcome(a.Continue(ctx, payments.ContinueRequest{
			Operation: of, Reference: fuzzReference, Amount: amount, Refs: known, Result: "gway_req_e30",
		}))
	}
	outcome(a.Tokenize(ctx, payments.TokenizeRequest{Reference: fuzzReference, Card: card, Currency: "PHP"}))
}

// succeeded says whether a body may be read as one with the flag that says success.
func succeeded(body string) bool {
	var e envelope
	return json.Unmarshal([]byte(body), &e) == nil && e.Success != nil && *e.Success
}

// noted is a Note that always works.
func noted(context.Context, payments.ProviderRefs) error { return nil }

// checkOutcome looks at what no result may be, whatever ProcessOut says.
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

// answering returns an adapter to which ProcessOut gives one answer only.
func answering(t testing.TB, status int, body string) *adapter {
	t.Helper()
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(httpmock.NewStringResponder(status, body))
	config := Provider().NewConfig().(*Config)
	config.ProjectID, config.PrivateKey = "test-proj_fuzz", payments.NewSecret("key_sandbox_4mRw9KdS1cVb")
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
		text := strings.NewReplacer("{{amount_text}}", "1234", "{{reference}}", fuzzReference, "{{currency}}", "PHP").Replace(string(data))
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
