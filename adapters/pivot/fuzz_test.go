package pivot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// fuzzRefs are what the fuzz targets ask about; the recorded answers have the same ids.
var fuzzRefs = payments.ProviderRefs{Session: fakeSession, Charge: "2b4d6f80-a1c3-4e5b-8d7f-9a0b1c2d3e4f"}

// answering returns an adapter whose every call but that for the token is answered alike.
func answering(t *testing.T, status int, body string) *adapter {
	t.Helper()
	fake, a := newFake(t, nil)
	for _, call := range []string{
		postSessions, getSession, postConfirm, "GET " + sessionsPath, postConfirm[:len(postConfirm)-len("confirm")] + "cancel",
		postConfirm[:len(postConfirm)-len("confirm")] + "capture", "POST " + refundsPath, "GET " + refundsPath,
		"GET " + refundsPath + "/r1", "GET " + customersPath + "/cus-1", "GET " + customersPath + "/6d0e8c5a-7b2f-4d94-a3e1-c5b7d9f0e2a4",
	} {
		fake.on(call, status, body)
	}
	fake.t = quiet{t} // a customer's id may come out of the fuzzed answer
	return a
}

// quiet takes no offence.
type quiet struct{ testing.TB }

func (quiet) Errorf(string, ...any) {}

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
		fill := strings.NewReplacer(`"{{amount}}"`, "1234", "{{amount_decimal}}", "1234.00", "{{reference}}", fakeReference, "{{currency}}", "IDR")
		for _, e := range recorded.Exchanges {
			if strings.HasPrefix(e.Path, path) {
				f.Add(e.Status, fill.Replace(string(e.Body)))
			}
		}
	}
	for _, garbage := range []string{
		``, `null`, `[]`, `{}`, `"PAID"`, `{"status":"PAID"}`, `{"code":"00","data":null}`, `{"code":"00","data":[null]}`, `<html>`,
		`{"code":"00","data":{"chargeDetails":[null]}}`, `{"code":0,"data":{"id":7}}`, `{"error":{"details":[null]}}`, `{"error":[]}`,
	} {
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

// says reports whether an answer of success is an object in which one of the values stands.
func says(status int, body string, values ...string) bool {
	var v any
	if status != http.StatusOK || json.Unmarshal([]byte(body), &v) != nil {
		return false
	}
	plain, err := json.Marshal(v)
	if err != nil || !strings.Contains(string(plain), `"00"`) && !strings.Contains(string(plain), `:00`) {
		return false
	}
	for _, value := range values {
		if strings.Contains(string(plain), `"`+value+`"`) {
			return true
		}
	}
	return false
}

func FuzzSessionResponse(f *testing.F) {
	seeds(f, sessionsPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, ctx := answering(t, status, body), context.Background()
		mayApprove := says(status, body, statusPaid, statusSuccess, chargeWaitsForCapture)
		for _, r := range []payments.AuthorizeRequest{savedSale(), cardSale()} {
			o, err := a.Authorize(ctx, r)
			checkOutcome(t, o, err, mayApprove)
			r.Refs = fuzzRefs
			o, err = a.Authorize(ctx, r)
			checkOutcome(t, o, err, mayApprove)
			if fault := payments.AsFault(err); fault != nil && fault.Kind != payments.Unknown {
				t.Errorf("a charge that may have been made before is %s", fault.Kind)
			}
		}
		o, err := a.StartSession(ctx, checkout())
		checkOutcome(t, o, err, mayApprove)
		for _, refs := range []payments.ProviderRefs{fuzzRefs, {}} {
			found, err := a.Lookup(ctx, payments.LookupRequest{Operation: payments.OpAuthorize, Reference: fakeReference, Refs: refs, Amount: fakeAmount})
			if err != nil || found.Kind == payments.FoundOutcome {
				checkOutcome(t, found.Outcome, err, mayApprove)
			}
			if err == nil && found.Kind == payments.NotFound && status != http.StatusOK {
				t.Error("absence out of an answer that is none")
			}
		}
		fence, err := a.Abandon(ctx, payments.AbandonRequest{Operation: payments.OpSale, Reference: fakeReference, Refs: fuzzRefs})
		if err == nil && fence == payments.Fenced && !says(status, body, statusCancelled, statusExpired, statusInactive) {
			t.Error("fenced out of garbage")
		}
	})
}

func cardSale() payments.AuthorizeRequest {
	r := savedSale()
	r.Source = payments.Source{Card: &payments.CardData{Number: payments.NewSecret("4440000112290002"), ExpMonth: 12, ExpYear: 2030}}
	r.Payer, r.Save = payments.Payer{Email: "siti@shop.test"}, true
	r.Note = func(context.Context, payments.ProviderRefs) error { return nil }
	return r
}

func FuzzCaptureResponse(f *testing.F) {
	seeds(f, sessionsPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, ctx := answering(t, status, body), context.Background()
		o, err := a.Capture(ctx, payments.CaptureRequest{Reference: fakeReference, Refs: fuzzRefs, Amount: fakeAmount})
		checkOutcome(t, o, err, says(status, body, statusSuccess))
		for _, id := range []string{"", "019c0d24-ec94-74b5-a4b7-b4da305bc41a"} {
			refs := fuzzRefs
			refs.Operation = id
			found, err := a.Lookup(ctx, payments.LookupRequest{Operation: payments.OpCapture, Reference: fakeReference, Refs: refs, Amount: fakeAmount})
			if err != nil || found.Kind == payments.FoundOutcome {
				checkOutcome(t, found.Outcome, err, says(status, body, statusSuccess))
			}
			if err == nil && found.Kind == payments.NotFound {
				t.Error("a payment that exists is not found")
			}
			if totals := found.Totals; totals.Authorized < 0 || totals.Captured < 0 || totals.Voided < 0 {
				t.Errorf("totals %+v", totals)
			}
		}
	})
}

func FuzzRefundResponse(f *testing.F) {
	seeds(f, refundsPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, ctx := answering(t, status, body), context.Background()
		mayApprove := says(status, body, statusSuccess)
		o, err := a.Refund(ctx, payments.RefundRequest{Reference: fakeReference, Refs: fuzzRefs, Amount: fakeAmount})
		checkOutcome(t, o, err, mayApprove)
		for _, id := range []string{"", "r1"} {
			refs := fuzzRefs
			refs.Operation = id
			found, err := a.Lookup(ctx, payments.LookupRequest{Operation: payments.OpRefund, Reference: fakeReference, Refs: refs, Amount: fakeAmount})
			if err != nil || found.Kind == payments.FoundOutcome {
				checkOutcome(t, found.Outcome, err, mayApprove)
			}
			if err == nil && found.Kind == payments.NotFound && status != http.StatusOK {
				t.Error("absence out of an answer that is none")
			}
		}
	})
}

func FuzzCustomerResponse(f *testing.F) {
	seeds(f, customersPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		methods, err := answering(t, status, body).ListMethods(context.Background(), "cus-1")
		if err != nil {
			checkOutcome(t, payments.Outcome{}, err, false)
		}
		for _, m := range methods {
			if m.MethodRef == "" || len(m.Card.IIN) > 6 || len(m.Card.Last4) > 4 {
				t.Errorf("a method %+v", m)
			}
		}
	})
}

func FuzzTokenResponse(f *testing.F) {
	seeds(f, tokenPath)
	f.Fuzz(func(t *testing.T, status int, body string) {
		fake, a := newFake(t, nil)
		fake.on(postToken, status, body)
		token, err := a.tokens.get(context.Background())
		switch {
		case err != nil:
			checkOutcome(t, payments.Outcome{}, err, false)
		case token.value.IsZero() || !token.until.After(token.issued) || token.until.Sub(token.issued) > maxTokenLife:
			t.Errorf("a token that lasts from %s to %s", token.issued, token.until)
		}
	})
}

func FuzzCallback(f *testing.F) {
	files, err := filepath.Glob("testdata/webhook-*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no recordings: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var recorded struct {
			Body json.RawMessage `json:"body"`
		}
		if err := json.Unmarshal(data, &recorded); err != nil {
			f.Fatal(err)
		}
		f.Add(string(recorded.Body))
	}
	const key = "cb_Tn6Rz3WqLx8KvM2s"
	f.Fuzz(func(t *testing.T, body string) {
		_, a := newFake(t, func(c *Config) { c.CallbackKey = payments.NewSecret(key) })
		d := payments.WebhookDelivery{Header: map[string][]string{callbackHeader: {key}}, Body: []byte(body)}
		if _, err := a.ParseWebhook(context.Background(), d); err != nil && len(body) <= wire.MaxNotice {
			t.Errorf("with the right key: %v", err)
		}
		d.Header = map[string][]string{callbackHeader: {key + "x"}}
		if _, err := a.ParseWebhook(context.Background(), d); !errors.Is(err, payments.ErrForged) {
			t.Errorf("with a wrong key: %v", err)
		}
	})
}

func FuzzSessionKey(f *testing.F) {
	f.Add(readVector(f).EncryptionKey)
	f.Add("")
	f.Add("MIIBIjANBgkqh")
	f.Fuzz(func(t *testing.T, key string) {
		sealed, err := sealCard(key, payments.CardData{Number: payments.NewSecret("4440000112290002"), CVC: payments.NewSecret("123")}, payments.Payer{})
		if err == nil && sealed == "" || err != nil && strings.Contains(err.Error(), "4440000112290002") {
			t.Errorf("%q, %v", sealed, err)
		}
	})
}
