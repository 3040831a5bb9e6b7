package dojo

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

	"switchyard/payments"
)

var (
	fuzzAmount = payments.Money{Minor: 123400, Currency: "GBP"}
	fuzzRefs   = payments.ProviderRefs{Session: testIntent}
)

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns an adapter whose every call is answered alike, except the one for a customer's secret.
func answering(t testing.TB, status int, body string) *adapter {
	t.Helper()
	return opened(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		s, b := status, body
		if strings.HasSuffix(r.URL.Path, "/create-secret") {
			s, b = http.StatusOK, saidSecret
		}
		return &http.Response{StatusCode: s, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(b))}, nil
	}))
}

// seeds gives a fuzz target the recorded answers to calls whose path has a part, and some garbage.
func seeds(f *testing.F, part string) {
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
		fill := strings.NewReplacer(`"{{amount}}"`, "123400", "{{reference}}", testRef, "{{currency}}", "GBP")
		for _, e := range recorded.Exchanges {
			if strings.Contains(e.Path, part) {
				f.Add(e.Status, fill.Replace(string(e.Body)))
			}
		}
	}
	for _, garbage := range []string{``, `null`, `[]`, `{}`, `[null]`, `"Captured"`, `{"status":"Captured"}`, `{"data":[null]}`, `{"data":{}}`, `<html>`, `{"captures":[null]}`} {
		f.Add(200, garbage)
	}
}

// results looks at what no result may be, whatever Dojo says.
type results struct {
	t    *testing.T
	good bool // the status is one of success
}

func (r results) outcome(o payments.Outcome, err error) {
	r.t.Helper()
	var fault *payments.Fault
	switch {
	case err != nil && !errors.As(err, &fault):
		r.t.Errorf("an error without a fault: %v", err)
	case err != nil && o.Status != "":
		r.t.Errorf("both an outcome (%s) and an error", o.Status)
	case err == nil && o.Status == "":
		r.t.Error("neither an outcome nor an error")
	case (o.Status == payments.Approved || o.Status == payments.ActionRequired) && !r.good:
		r.t.Errorf("%s, though the answer does not say so", o.Status)
	case o.Status == payments.Declined && (!o.Code.Known() || o.Code.MeansUnknown()):
		r.t.Errorf("declined with the code %q", o.Code)
	case (o.Status == payments.ActionRequired) != (o.Action != nil):
		r.t.Error("an action and the status for it do not come together")
	}
}

func (r results) finding(f payments.Finding, err error) {
	r.t.Helper()
	switch {
	case err != nil:
		r.outcome(payments.Outcome{}, err)
	case !r.good:
		r.t.Errorf("found %s without an answer", f.Kind)
	case f.Kind == payments.FoundOutcome:
		r.outcome(f.Outcome, nil)
	case f.Kind == payments.FoundTotals:
		if f.Totals.Captured > f.Totals.Authorized || f.Totals.Refunded > f.Totals.Captured || f.Totals.Voided < 0 {
			r.t.Errorf("totals %+v", f.Totals)
		}
	}
}

// each runs a target with an adapter that hears one answer only.
func each(f *testing.F, run func(context.Context, *adapter, results)) {
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip("not a final status")
		}
		run(t.Context(), answering(t, status, body), results{t, status < 300})
	})
}

func FuzzCharge(f *testing.F) {
	seeds(f, "/charge")
	each(f, func(ctx context.Context, a *adapter, r results) {
		r.outcome(a.Authorize(ctx, fuzzCharge(fuzzRefs)))
	})
}

func FuzzMakeIntent(f *testing.F) {
	seeds(f, intentsPath)
	each(f, func(ctx context.Context, a *adapter, r results) {
		// The charge gets the same answer, which is never one to a charge.
		o, err := a.Authorize(ctx, fuzzCharge(payments.ProviderRefs{}))
		r.outcome(o, err)
		s := testSession(&noted{})
		s.Amount = fuzzAmount
		r.outcome(a.StartSession(ctx, s))
	})
}

func fuzzCharge(refs payments.ProviderRefs) payments.AuthorizeRequest {
	n := &noted{}
	return payments.AuthorizeRequest{
		Reference: testRef, Amount: fuzzAmount, Capture: true, Source: payments.Source{Method: testSetup},
		Initiation: payments.MerchantInitiated, Refs: refs, Note: n.take,
	}
}

func FuzzIntent(f *testing.F) {
	seeds(f, intentsPath)
	each(f, func(ctx context.Context, a *adapter, r results) {
		for _, op := range []payments.Operation{
			payments.OpAuthorize, payments.OpSale, payments.OpVerify, payments.OpCapture, payments.OpVoid, payments.OpRefund,
		} {
			r.finding(a.Lookup(ctx, payments.LookupRequest{Operation: op, Reference: testRef, Refs: fuzzRefs, Amount: fuzzAmount}))
		}
		s := testSession(&noted{})
		s.Refs = fuzzRefs
		r.outcome(a.StartSession(ctx, s))
		fence, err := a.Abandon(ctx, payments.AbandonRequest{Operation: payments.OpSale, Refs: fuzzRefs})
		if err == nil && fence == payments.Fenced && !r.good {
			r.t.Error("fenced without an answer")
		}
	})
}

func FuzzSetup(f *testing.F) {
	seeds(f, setupsPath)
	refs := payments.ProviderRefs{Session: testSetup}
	each(f, func(ctx context.Context, a *adapter, r results) {
		r.finding(a.Lookup(ctx, payments.LookupRequest{Operation: payments.OpVerify, Reference: testRef, Refs: refs, Amount: fuzzAmount}))
		s := testSession(&noted{})
		s.Amount.Minor = 0
		r.outcome(a.StartSession(ctx, s))
		fence, err := a.Abandon(ctx, payments.AbandonRequest{Operation: payments.OpSale, Refs: refs})
		if err == nil && fence == payments.Fenced && !r.good {
			r.t.Error("fenced without an answer")
		}
		r.faultOrNothing(a.DeleteMethod(ctx, payments.ForgetRequest{MethodRef: testSetup}))
	})
}

func (r results) faultOrNothing(err error) {
	r.t.Helper()
	var fault *payments.Fault
	if err != nil && !errors.As(err, &fault) {
		r.t.Errorf("an error without a fault: %v", err)
	}
}

func FuzzAmend(f *testing.F) {
	for _, part := range []string{"/captures", "/reversal", "/refunds"} {
		seeds(f, part)
	}
	each(f, func(ctx context.Context, a *adapter, r results) {
		r.outcome(a.Capture(ctx, payments.CaptureRequest{Reference: testRef, Refs: fuzzRefs, Amount: fuzzAmount}))
		r.outcome(a.Void(ctx, payments.VoidRequest{Reference: testRef, Refs: fuzzRefs, Amount: fuzzAmount}))
		r.outcome(a.Refund(ctx, payments.RefundRequest{Reference: testRef, Refs: fuzzRefs, Amount: fuzzAmount}))
	})
}

func FuzzCustomer(f *testing.F) {
	seeds(f, customersPath)
	f.Add(200, `[`+ours+`]`)
	f.Add(200, `{"data":[`+ours+`],"after":"x"}`)
	f.Add(200, `{"customerId":"`+testCustomer+`","savedPaymentMethods":[{"id":"pm_1","cardDetails":{"pan":"44565300****1096","expiryDate":"2030-12-31"}}]}`)
	each(f, func(ctx context.Context, a *adapter, r results) {
		for _, ref := range []string{"", testCustomer} {
			p := testPayer()
			p.CustomerRef = ref
			id, err := a.SyncCustomer(ctx, p)
			r.faultOrNothing(err)
			if (id == "") != (err != nil) || id != "" && !r.good {
				r.t.Errorf("the customer %q, %v", id, err)
			}
		}
		list, err := a.ListMethods(ctx, testCustomer)
		r.faultOrNothing(err)
		for _, m := range list {
			if m.MethodRef == "" || len(m.Card.IIN) > 6 || len(m.Card.Last4) > 4 {
				r.t.Errorf("method %+v", m)
			}
		}
		r.faultOrNothing(a.DeleteMethod(ctx, payments.ForgetRequest{CustomerRef: testCustomer, MethodRef: testCard}))
		r.faultOrNothing(a.DeleteCustomer(ctx, testCustomer))
	})
}

func FuzzWebhook(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Body, v.Signature)
	}
	f.Add(`{}`, "sha256=")
	f.Add(`{"data":null}`, "sha256=00")
	f.Fuzz(func(t *testing.T, body, signature string) {
		a := opened(t, nil)
		told := delivered(body, signature)
		if n, err := a.ParseWebhook(t.Context(), told); err != nil && n != (payments.Notice{}) {
			t.Error("both a notice and an error")
		} else if err == nil && !strings.EqualFold(strings.ReplaceAll(signature, "-", ""), strings.ReplaceAll(sign(testSecret, body), "-", "")) {
			t.Error("a forgery is taken")
		}
		if _, err := a.ParseWebhook(t.Context(), delivered(body, sign(testSecret, body))); errors.Is(err, payments.ErrForged) {
			t.Error("what is signed is taken for forged")
		}
	})
}
