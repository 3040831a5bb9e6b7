package xendit

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchyard/adapters"
	"switchyard/payments"
)

// What the fuzz targets ask about; the recorded answers have the same ids.
const (
	fuzzReference = "At4k2m9x7q1w8e5r3t6y0u2i4o6p8a0b"
	fuzzRequest   = "pr-8a2f6c1e-5b7d-4e0a-9c3f-2d1b4e6a8c70"
	fuzzPayment   = "py-3e9d7b52-1c4f-4a86-b0d5-6f8e2a1c9b34"
	fuzzToken     = "pt-c71d5e90-2a8b-4f36-8e14-5b0a9d7c3f62"
)

var (
	fuzzAmount = payments.Money{Minor: 15_000_000, Currency: "IDR"}
	fuzzRefs   = payments.ProviderRefs{Session: fuzzRequest, Charge: fuzzPayment}
)

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns an adapter whose every call is answered alike.
func answering(t *testing.T, status int, body string) *adapter {
	t.Helper()
	config := Provider().NewConfig().(*Config)
	config.APIKey = payments.NewSecret(testKey + "P4qS9kd0o8")
	opened, err := config.Open(adapters.Deps{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*adapter)
}

// seeds gives a fuzz target the recorded answers to calls below a path, and some garbage.
func seeds(f *testing.F, path string) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no recordings: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var recorded struct {
			Exchanges []struct {
				Path   string          `json:"path"`
				Status int             `json:"status"`
				Body   json.RawMessage `json:"body"`
			} `json:"exchanges"`
		}
		if err := json.Unmarshal(data, &recorded); err != nil {
			f.Fatal(err)
		}
		fill := strings.NewReplacer(`"{{amount}}"`, "150000", "{{reference}}", fuzzReference, "{{currency}}", "IDR")
		for _, e := range recorded.Exchanges {
			if strings.HasPrefix(e.Path, path) {
				f.Add(e.Status, fill.Replace(string(e.Body)))
			}
		}
	}
	for _, garbage := range []string{``, `null`, `[]`, `{}`, `"SUCCEEDED"`, `{"status":"SUCCEEDED"}`, `{"data":null}`, `{"data":[null]}`, `<html>`, `{"actions":[null]}`} {
		f.Add(200, garbage)
		f.Add(400, garbage)
	}
}

// checkOutcome asks that a result is an outcome or a fault, and that it is approved only out of an answer that says so.
func checkOutcome(t *testing.T, o payments.Outcome, err error, mayApprove bool) {
	t.Helper()
	if err != nil {
		if _, ok := errors.AsType[*payments.Fault](err); !ok {
			t.Errorf("the error holds no fault: %v", err)
		}
		return
	}
	switch o.Status {
	case payments.Approved:
		if !mayApprove {
			t.Error("approved out of garbage")
		}
	case payments.Declined:
		if !o.Code.Known() || o.Code.MeansUnknown() {
			t.Errorf("declined with the code %q", o.Code)
		}
	case payments.ActionRequired:
		if o.Action == nil || !webAddress(o.Action.Value) {
			t.Error("an action that nobody can take")
		}
	case payments.Pending:
	default:
		t.Errorf("the status is %q", o.Status)
	}
}

// says reports whether an answer of success is an object in which one of the names has one of the values, in any of the
// spellings that decoding takes for it.
func says(status int, body string, values ...string) bool {
	var v any
	if status != http.StatusOK && status != http.StatusCreated || json.Unmarshal([]byte(body), &v) != nil {
		return false
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return false
	}
	for _, value := range values {
		if strings.Contains(string(plain), `"`+value+`"`) {
			return true
		}
	}
	return false
}

func FuzzRequestResponse(f *testing.F) {
	seeds(f, requestsPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, ctx := answering(t, status, body), context.Background()
		card := payments.CardData{Number: payments.NewSecret("4000000000001091"), ExpMonth: 12, ExpYear: 2029}
		mayApprove := says(status, body, statusSucceeded, statusAuthorized)
		for _, sale := range []bool{false, true} {
			o, err := a.Authorize(ctx, payments.AuthorizeRequest{
				Reference: fuzzReference, Amount: fuzzAmount, Capture: sale, Source: payments.Source{Card: &card},
			})
			checkOutcome(t, o, err, mayApprove)
		}
		finding, err := a.Lookup(ctx, payments.LookupRequest{Operation: payments.OpSale, Reference: fuzzReference, Refs: fuzzRefs, Amount: fuzzAmount})
		if err != nil || finding.Kind == payments.FoundOutcome {
			checkOutcome(t, finding.Outcome, err, mayApprove)
		}
		fence, err := a.Abandon(ctx, payments.AbandonRequest{Operation: payments.OpSale, Reference: fuzzReference, Refs: fuzzRefs})
		if err == nil && fence == payments.Fenced && !says(status, body, statusCanceled, statusExpired) {
			t.Error("fenced out of garbage")
		}
	})
}

func FuzzPaymentResponse(f *testing.F) {
	seeds(f, paymentsPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, ctx := answering(t, status, body), context.Background()
		o, err := a.Capture(ctx, payments.CaptureRequest{Reference: fuzzReference, Refs: fuzzRefs, Amount: fuzzAmount})
		checkOutcome(t, o, err, says(status, body, statusSucceeded))
		o, err = a.Void(ctx, payments.VoidRequest{Reference: fuzzReference, Refs: fuzzRefs, Amount: fuzzAmount})
		checkOutcome(t, o, err, says(status, body, statusCanceled))
		for _, op := range []payments.Operation{payments.OpCapture, payments.OpVoid} {
			finding, err := a.Lookup(ctx, payments.LookupRequest{Operation: op, Reference: fuzzReference, Refs: fuzzRefs, Amount: fuzzAmount})
			if err == nil && finding.Kind == payments.FoundTotals &&
				!says(status, body, statusAuthorized, statusSucceeded, statusCanceled, statusExpired) {
				t.Error("totals out of garbage")
			}
			if err == nil && finding.Kind == payments.NotFound {
				t.Error("a payment that exists is not found")
			}
		}
	})
}

func FuzzRefundResponse(f *testing.F) {
	seeds(f, refundsPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, ctx := answering(t, status, body), context.Background()
		mayApprove := says(status, body, statusSucceeded, transactionSuccess)
		o, err := a.Refund(ctx, payments.RefundRequest{Reference: fuzzReference, Refs: fuzzRefs, Amount: fuzzAmount})
		checkOutcome(t, o, err, mayApprove)
		for _, id := range []string{"", "rfd-6b1f0c84-9e3d-4d27-a5c8-7f2e1b0d4a95"} {
			refs := fuzzRefs
			refs.Operation = id
			finding, err := a.Lookup(ctx, payments.LookupRequest{Operation: payments.OpRefund, Reference: fuzzReference, Refs: refs, Amount: fuzzAmount})
			if err != nil || finding.Kind == payments.FoundOutcome {
				checkOutcome(t, finding.Outcome, err, mayApprove)
			}
		}
	})
}

func FuzzTransactionsResponse(f *testing.F) {
	seeds(f, transactionsPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := answering(t, status, body)
		finding, err := a.Lookup(context.Background(), payments.LookupRequest{Operation: payments.OpSale, Reference: fuzzReference, Amount: fuzzAmount})
		if err != nil || finding.Kind == payments.FoundOutcome {
			checkOutcome(t, finding.Outcome, err, says(status, body, transactionSuccess, statusSucceeded))
		}
		if err == nil && finding.Kind == payments.NotFound && status != http.StatusOK && status != http.StatusCreated {
			t.Error("absence out of an answer that is none")
		}
	})
}

func FuzzTokenResponse(f *testing.F) {
	seeds(f, tokensPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, ctx := answering(t, status, body), context.Background()
		card := payments.CardData{Number: payments.NewSecret("4000000000001091"), ExpMonth: 12, ExpYear: 2029}
		o, err := a.Tokenize(ctx, payments.TokenizeRequest{Reference: fuzzReference, Card: card, Currency: "IDR"})
		checkOutcome(t, o, err, says(status, body, statusActive))
		err = a.DeleteMethod(ctx, payments.ForgetRequest{Reference: fuzzReference, MethodRef: fuzzToken})
		gone := status == http.StatusNotFound || says(status, body, statusCanceled, statusExpired, statusFailed)
		if err == nil && !gone {
			t.Error("deleted out of garbage")
		}
	})
}
