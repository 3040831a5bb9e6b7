package xendit

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

const (
	fuzzSession = "ps-661f87c614802d6c402cf82d"
	fuzzPage    = "https://checkout.xendit.co/web/661f87c6"
	madeSession = `{"payment_session_id":"` + fuzzSession + `","status":"ACTIVE","reference_id":"` + fuzzReference +
		`","amount":150000,"currency":"IDR","payment_link_url":"` + fuzzPage + `"}`
)

func testNow() time.Time { return time.Date(2026, time.April, 1, 10, 0, 0, 0, time.UTC) }

// adapterAt returns an adapter of the API at an address, whose calls a function answers.
func adapterAt(t testing.TB, base string, answer roundTripper) *adapter {
	t.Helper()
	config := Provider().NewConfig().(*Config)
	config.APIKey, config.BaseURL = payments.NewSecret(testKey+"P4qS9kd0o8"), base
	opened, err := config.Open(adapters.Deps{Transport: answer, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(*adapter)
}

func said(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func checkout() payments.SessionRequest {
	return payments.SessionRequest{
		Reference: fuzzReference, Amount: fuzzAmount, Capture: true, Payer: payments.Payer{CustomerID: "cust_test"},
		Note: func(context.Context, payments.ProviderRefs) error { return nil },
	}
}

// TestNoPageIsPaidUnnoticed: whatever goes wrong before the link is given away, nobody can have paid, and nobody is given a link
// that cannot be asked about.
func TestNoPageIsPaidUnnoticed(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for name, tt := range map[string]struct {
		status int
		body   string
		err    error
		note   func(context.Context, payments.ProviderRefs) error
		want   payments.FaultKind
	}{
		"not noted":  {status: 201, body: madeSession, note: func(context.Context, payments.ProviderRefs) error { return full }, want: payments.NeverSent},
		"no note":    {status: 201, body: madeSession, want: payments.NeverSent},
		"refused":    {err: refused, want: payments.NeverSent},
		"timeout":    {err: context.DeadlineExceeded, want: payments.NeverSent},
		"reset":      {err: io.ErrUnexpectedEOF, want: payments.NeverSent},
		"500":        {status: 500, body: `{}`, want: payments.NeverSent},
		"503":        {status: 503, body: `<html>`, want: payments.NeverSent},
		"302":        {status: 302, want: payments.NeverSent},
		"proxy":      {status: 404, body: `<html>`, want: payments.NeverSent},
		"hollow":     {status: 201, body: `{}`, want: payments.NeverSent},
		"null":       {status: 201, body: `null`, want: payments.NeverSent},
		"over":       {status: 201, body: strings.Replace(madeSession, "ACTIVE", "EXPIRED", 1), want: payments.NeverSent},
		"other kind": {status: 201, body: strings.Replace(madeSession, "ps-", "pr-", 1), want: payments.NeverSent},
		"throttled":  {status: 429, body: `{}`, want: payments.Throttled},
		"401":        {status: 401, body: `{}`, want: payments.Misconfigured},
		"403":        {status: 403, body: `{}`, want: payments.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := adapterAt(t, defaultBaseURL, func(*http.Request) (*http.Response, error) {
				if tt.err != nil {
					return nil, tt.err
				}
				return said(tt.status, tt.body), nil
			})
			r := checkout()
			if r.Note = tt.note; name != "no note" && tt.note == nil {
				r.Note = checkout().Note
			}
			o, err := a.StartSession(t.Context(), r)
			if f := payments.AsFault(err); f == nil || f.Kind != tt.want || o.Action != nil {
				t.Errorf("%+v, %v; want a fault of kind %s", o, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), fuzzPage) {
				t.Error("the error shows the link")
			}
		})
	}
}

// TestSessionFields: what depends on where the API is and on the clock.
func TestSessionFields(t *testing.T) {
	t.Parallel()
	const local = "http://127.0.0.1:8090"
	for name, tt := range map[string]struct {
		base, back, cancel string
		lives              time.Duration // 0: not said
		success, canceled  string
		expires            string
	}{
		"https":                       {base: defaultBaseURL, back: "https://shop.test/a", cancel: "https://shop.test/b", success: "https://shop.test/a", canceled: "https://shop.test/b"},
		"one way back":                {base: defaultBaseURL, back: "https://shop.test/a", success: "https://shop.test/a", canceled: "https://shop.test/a"},
		"this machine":                {base: local, back: "http://localhost:8080/a", cancel: "http://127.0.0.1/b", success: "http://localhost:8080/a", canceled: "http://127.0.0.1/b"},
		"this machine, real API":      {base: defaultBaseURL, back: "http://localhost:8080/a"},
		"plain http elsewhere":        {base: local, back: "http://shop.test/a"},
		"no address":                  {base: local, back: "shop"},
		"not a page":                  {base: local, back: "javascript:alert(1)"},
		"expiry":                      {base: local, lives: time.Hour, expires: "2026-04-01T11:00:00Z"},
		"expiry sooner than possible": {base: local, lives: time.Minute, expires: "2026-04-01T10:11:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body struct {
				Success string `json:"success_return_url"`
				Cancel  string `json:"cancel_return_url"`
				Expires string `json:"expires_at"`
			}
			a := adapterAt(t, tt.base, func(r *http.Request) (*http.Response, error) {
				return said(201, madeSession), json.NewDecoder(r.Body).Decode(&body)
			})
			r := checkout()
			r.ReturnURL, r.CancelURL = tt.back, tt.cancel
			if tt.lives > 0 {
				r.ExpiresAt = testNow().Add(tt.lives)
			}
			if o, err := a.StartSession(t.Context(), r); err != nil || o.Action == nil || o.Action.Value != fuzzPage {
				t.Fatalf("%+v, %v", o, err)
			}
			if body.Success != tt.success || body.Cancel != tt.canceled || body.Expires != tt.expires {
				t.Errorf("sent %+v", body)
			}
		})
	}
}

func TestNewCustomerKeepsToTheRules(t *testing.T) {
	t.Parallel()
	c := newCustomer(payments.Payer{LastName: "Santos", Email: strings.Repeat("a", 45) + "@x.test", Phone: "0917"}, "cust0Az")
	want := customerBody{Type: individual, Reference: "cust0Az", Person: person{GivenNames: "Santos"}}
	if *c != want {
		t.Errorf("%+v, want %+v", *c, want)
	}
}

// TestCustomerReferencesDiffer: ids that are the same without their punctuation or case are different customers.
func TestCustomerReferencesDiffer(t *testing.T) {
	t.Parallel()
	ids := []string{"shop-12", "shop1-2", "shop12", "shop_12", "SHOP-12", "shop-12 ", "-", "_", "Ž", strings.Repeat("a", 500)}
	known := map[string]string{}
	for _, id := range ids {
		reference := customerReference(id)
		if other, taken := known[reference]; taken {
			t.Errorf("%q and %q are both %s", id, other, reference)
		}
		known[reference] = id
		if len(reference) != 33 || strings.Trim(reference, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q is %q, which Xendit does not take", id, reference)
		}
	}
}

// TestNoSessionOfAFoundCustomer: whatever Xendit has under the reference of a payer, a session whose customer was refused is made
// with one of its own.
func TestNoSessionOfAFoundCustomer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		payer payments.Payer
		save  bool
		code  string
		tries int
	}{
		"new one":           {payments.Payer{CustomerID: "shop1-2"}, false, `409 DUPLICATE_ERROR`, 2},
		"new one, saving":   {payments.Payer{CustomerID: "shop1-2"}, true, `409 DUPLICATE_ERROR`, 2},
		"known one is gone": {payments.Payer{CustomerID: "shop1-2", CustomerRef: "cust-gone"}, true, `400 INVALID_CUSTOMER_ID`, 2},
		"gone, no id":       {payments.Payer{CustomerRef: "cust-gone"}, true, `400 INVALID_CUSTOMER_ID`, 2},
		"known one, 409":    {payments.Payer{CustomerID: "shop1-2", CustomerRef: "cust-mine"}, true, `409 DUPLICATE_ERROR`, 1},
		"guest who saves":   {payments.Payer{}, true, `409 DUPLICATE_ERROR`, 1},
		"guest":             {payments.Payer{}, false, `409 DUPLICATE_ERROR`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []sessionBody
			a := adapterAt(t, defaultBaseURL, func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != sessionsPath {
					t.Errorf("%s %s was asked", r.Method, r.URL)
					reference := customerReference(tt.payer.CustomerID)
					return said(200, `{"id":"cust-found","reference_id":"`+reference+`","data":[{"id":"cust-found","reference_id":"`+reference+`"}]}`), nil
				}
				var body sessionBody
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					return nil, err
				}
				if sent = append(sent, body); len(sent) > 1 {
					return said(201, madeSession), nil
				}
				status, code, _ := strings.Cut(tt.code, " ")
				n, err := strconv.Atoi(status)
				return said(n, `{"error_code":"`+code+`"}`), err
			})
			r := checkout()
			r.Payer, r.Save = tt.payer, tt.save
			o, err := a.StartSession(t.Context(), r)
			if len(sent) != tt.tries {
				t.Fatalf("%d sessions were asked for, want %d", len(sent), tt.tries)
			}
			if tt.tries == 1 {
				if o.Action != nil || payments.AsFault(err) == nil {
					t.Errorf("%+v, %v; want a fault", o, err)
				}
				return
			}
			again := sent[1]
			if err != nil || again.Customer != "" || again.NewCustomer == nil || again.NewCustomer.Reference != r.Reference {
				t.Errorf("made again for customer %q, new one %+v, %v; want one under the session's own reference", again.Customer, again.NewCustomer, err)
			}
			if again.Save != sent[0].Save {
				t.Errorf("saving is %s the second time, %s the first", again.Save, sent[0].Save)
			}
		})
	}
}

// FuzzSessionResponse answers every call about sessions and customers with anything.
func FuzzSessionResponse(f *testing.F) {
	seeds(f, sessionsPath)
	f.Add(201, madeSession)
	f.Add(200, `{"payment_session_id":"`+fuzzSession+`","payment_id":"`+fuzzPayment+`","status":"COMPLETED"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := adapterAt(t, defaultBaseURL, func(*http.Request) (*http.Response, error) { return said(status, body), nil })
		ctx, refs := t.Context(), payments.ProviderRefs{Session: fuzzSession}
		o, err := a.StartSession(ctx, checkout())
		checkOutcome(t, o, err, false)
		if f := payments.AsFault(err); f != nil && f.Kind == payments.Unknown {
			t.Error("unknown, though nobody has the link")
		}
		for _, op := range []payments.Operation{payments.OpSale, payments.OpAuthorize, payments.OpVerify} {
			found, err := a.Lookup(ctx, payments.LookupRequest{Operation: op, Reference: fuzzReference, Refs: refs, Amount: fuzzAmount})
			if err != nil || found.Kind == payments.FoundOutcome {
				checkOutcome(t, found.Outcome, err, says(status, body, statusCompleted))
			}
			if err == nil && (found.Kind == payments.NotFound || found.Refs.Session != fuzzSession) {
				t.Errorf("a session that exists is found as %q %+v", found.Kind, found.Refs)
			}
		}
		fence, err := a.Abandon(ctx, payments.AbandonRequest{Operation: payments.OpSale, Reference: fuzzReference, Refs: refs})
		if err == nil && fence == payments.Fenced && !says(status, body, statusCanceled, statusExpired) {
			t.Error("fenced out of garbage")
		}
		ref, err := a.SyncCustomer(ctx, payments.Payer{CustomerID: "cust_test"})
		if _, fault := errors.AsType[*payments.Fault](err); ref == "" && !fault {
			t.Errorf("neither a customer nor a fault: %v", err)
		}
	})
}
