package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// The ways in which the sandbox of Acme Pay can differ from what its adapter was written for.
type defect string

const (
	flawless         defect = ""
	chargesTwice     defect = "a repeated key is another charge"
	forgets          defect = "charges are not found by their reference"
	approvesAll      defect = "a test card of a decline is approved"
	capturesAll      defect = "a capture takes the whole hold"
	voidsNothing     defect = "a void changes nothing that can be seen"
	refundsAll       defect = "a refund gives everything back"
	fenceLeaks       defect = "a canceled reference can be charged"
	fenceLies        defect = "a charge that waits for its payer is charged by its cancellation"
	actionIsNoLink   defect = "the action is no address"
	chargesLess      defect = "a charge is approved over less"
	slow             defect = "everything takes a while" // and that is no fault
	neverEnds        defect = "a charge stays in processing"
	unauthorized     defect = "the key is not valid"
	tellsEverything  defect = "answers repeat the request and its headers"
	declinesApproved defect = "the approving card is declined"
)

const (
	acmeKey      = "acme_test_c4NaRy9zKq7Lw2Xv"
	acmeHook     = "whsec_c4NaRyHo0k5Tj8Rb"
	acmeCVC      = "917"
	acmeApproves = "4242424242424242"
	acmeDeclines = "4000000000000002"
	acmeAsks     = "4000000000000101"
)

// acme is Acme Pay's sandbox, written from its documentation and not from the adapter.
type acme struct {
	defect defect

	mu       sync.Mutex
	charges  []*acmeCharge
	refunds  []map[string]any
	keys     map[string][]byte // the first answer to each key
	canceled map[string]bool
}

type acmeCharge struct {
	ID        string `json:"id"`
	Reference string `json:"reference"`
	Status    string `json:"status"`
	Decline   string `json:"decline_code,omitempty"`
	Currency  string `json:"currency"`
	Amount    int64  `json:"amount"`
	Captured  int64  `json:"amount_captured"`
	Refunded  int64  `json:"amount_refunded"`
	Action    string `json:"action_url,omitempty"`
	Email     string `json:"receipt_email"`
	Echo      string `json:"echo,omitempty"`

	asked int // how often it was looked at while it was processing
}

// startAcme runs the sandbox and returns a transport that leads there, whatever host is called.
func startAcme(t *testing.T, d defect) http.RoundTripper {
	t.Helper()
	a := &acme{defect: d, keys: map[string][]byte{}, canceled: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/charges", a.once(a.charge))
	mux.HandleFunc("GET /v1/charges", a.listCharges)
	mux.HandleFunc("GET /v1/charges/{id}", a.getCharge)
	mux.HandleFunc("POST /v1/charges/{id}/capture", a.once(a.capture))
	mux.HandleFunc("POST /v1/charges/{id}/void", a.once(a.void))
	mux.HandleFunc("POST /v1/refunds", a.once(a.refund))
	mux.HandleFunc("GET /v1/refunds", a.listRefunds)
	mux.HandleFunc("POST /v1/cancellations", a.once(a.cancel))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		w.Header().Set("Set-Cookie", "session=c4NaRyC00kie")
		if r.Header.Get("Authorization") != "Bearer "+acmeKey || d == unauthorized {
			fail(w, http.StatusUnauthorized, "unauthorized")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return redirected{server.Client().Transport, strings.TrimPrefix(server.URL, "https://")}
}

// redirected takes calls to a host of its own.
type redirected struct {
	http.RoundTripper
	host string
}

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	there := req.Clone(req.Context())
	there.URL.Host = r.host
	return r.RoundTripper.RoundTrip(there)
}

func answer(w http.ResponseWriter, status int, v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		panic(http.ErrAbortHandler)
	}
	return body
}

func fail(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]any{"error": map[string]string{"code": code, "message": "for maria@shop.test"}})
}

// once gives the first answer again when a key is repeated.
func (a *acme) once(handle func(http.ResponseWriter, *http.Request, map[string]any) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if first, seen := a.keys[key]; seen && a.defect != chargesTwice {
			answer(w, http.StatusOK, json.RawMessage(first))
			return
		}
		var body map[string]any
		if r.ContentLength > 0 {
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				fail(w, http.StatusBadRequest, "bad_json")
				return
			}
		}
		if answered := handle(w, r, body); answered != nil {
			a.keys[key] = answered
		}
	}
}

func (a *acme) charge(w http.ResponseWriter, r *http.Request, body map[string]any) []byte {
	card, _ := body["card"].(map[string]any)
	reference, _ := body["reference"].(string)
	if a.canceled[reference] && a.defect != fenceLeaks {
		fail(w, http.StatusConflict, "reference_canceled")
		return nil
	}
	amount, _ := body["amount"].(float64)
	currency, _ := body["currency"].(string)
	c := &acmeCharge{
		ID: fmt.Sprintf("ch_%06d", len(a.charges)+1), Reference: reference, Status: "authorized", Currency: currency,
		Amount: int64(amount), Email: "maria@shop.test",
	}
	if body["capture"] == true {
		c.Status, c.Captured = "captured", c.Amount
	}
	number := card["number"]
	switch {
	case number == acmeDeclines && a.defect != approvesAll, a.defect == declinesApproved:
		c.Status, c.Decline, c.Captured = "declined", "insufficient_funds", 0
	case number == acmeAsks:
		c.Status, c.Captured, c.Action = "requires_action", 0, "https://pay.acmepay.example/3ds/"+c.ID+"?token=c4NaRyT0ken"
		if a.defect == actionIsNoLink {
			c.Action = "see your bank"
		}
	case a.defect == chargesLess:
		c.Amount--
	case a.defect == slow, a.defect == neverEnds:
		c.Status, c.asked = "processing", 1
	}
	if a.defect == tellsEverything {
		c.Echo = fmt.Sprint(body, r.Header)
	}
	a.charges = append(a.charges, c)
	return answer(w, http.StatusCreated, c)
}

func (a *acme) listCharges(w http.ResponseWriter, r *http.Request) {
	found := []*acmeCharge{}
	for _, c := range a.charges {
		if c.Reference != r.URL.Query().Get("reference") || a.defect == forgets {
			continue
		}
		if c.asked++; c.Status == "processing" && a.defect == slow && c.asked > 3 {
			c.Status, c.Captured = "captured", c.Amount
		}
		found = append(found, c)
	}
	answer(w, http.StatusOK, map[string]any{"data": found})
}

func (a *acme) find(r *http.Request) *acmeCharge {
	for _, c := range a.charges {
		if c.ID == r.PathValue("id") {
			return c
		}
	}
	return &acmeCharge{}
}

func (a *acme) getCharge(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, a.find(r)) }

func (a *acme) capture(w http.ResponseWriter, r *http.Request, body map[string]any) []byte {
	c := a.find(r)
	amount, _ := body["amount"].(float64)
	c.Status, c.Captured = "captured", int64(amount)
	if a.defect == capturesAll {
		c.Captured = c.Amount
	}
	return answer(w, http.StatusOK, c)
}

func (a *acme) void(w http.ResponseWriter, r *http.Request, _ map[string]any) []byte {
	c := a.find(r)
	shown := *c
	shown.Status = "canceled"
	if a.defect != voidsNothing {
		c.Status = "canceled"
	}
	return answer(w, http.StatusOK, shown)
}

func (a *acme) refund(w http.ResponseWriter, _ *http.Request, body map[string]any) []byte {
	for _, c := range a.charges {
		if c.ID == body["charge"] {
			made := map[string]any{
				"id": "re_000001", "charge": c.ID, "reference": body["reference"], "status": "succeeded", "currency": c.Currency, "amount": body["amount"],
			}
			if a.defect == refundsAll {
				made["amount"] = c.Amount
			}
			a.refunds = append(a.refunds, made)
			return answer(w, http.StatusCreated, made)
		}
	}
	fail(w, http.StatusNotFound, "no_charge")
	return nil
}

func (a *acme) listRefunds(w http.ResponseWriter, r *http.Request) {
	found := []map[string]any{}
	for _, one := range a.refunds {
		if one["reference"] == r.URL.Query().Get("reference") {
			found = append(found, one)
		}
	}
	answer(w, http.StatusOK, map[string]any{"data": found})
}

func (a *acme) cancel(w http.ResponseWriter, _ *http.Request, body map[string]any) []byte {
	reference, _ := body["reference"].(string)
	for _, c := range a.charges {
		if c.Reference != reference {
			continue
		}
		if c.Status != "requires_action" {
			fail(w, http.StatusConflict, "already_charged")
			return nil
		}
		c.Status = "canceled"
		if a.defect == fenceLies {
			c.Status, c.Captured = "captured", c.Amount
		}
	}
	a.canceled[reference] = true
	return answer(w, http.StatusOK, map[string]any{"reference": reference, "status": "canceled"})
}
