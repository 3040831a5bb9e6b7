package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

func key(name string) []string { return []string{headerIdempotencyKey, name} }

// TestReplay: the same key gets the same bytes, and nothing happens again, for every call that changes something.
func TestReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	authorized := func() string {
		id := w.invoice().text("invoice", "id")
		w.private("POST", "/invoices/"+id+"/authorize", map[string]any{"source": w.card()}).ok(t)
		return id
	}
	paid := w.paid()
	token := w.token(customer, map[string]any{}).ok(t).text("token", "id")
	spare := w.token(customer, map[string]any{"source": w.card()}).ok(t).text("token", "id")
	calls := map[string]ask{
		"create a customer":    {method: "POST", path: "/customers", body: map[string]any{"first_name": "Ada <&>", "metadata": map[string]any{"b": "é", "a": 1.50}}},
		"change a customer":    {method: "PUT", path: "/customers/" + customer, body: map[string]any{"last_name": "Byron", "phone": map[string]any{"number": "612345678", "dialing_code": "+33"}}},
		"create a token":       {method: "POST", path: "/customers/" + customer + "/tokens", body: map[string]any{"source": w.card(), "expand": []string{"customer", "card"}}},
		"verify a token":       {method: "POST", path: "/customers/" + customer + "/tokens", body: map[string]any{"source": w.card(), "verify": true}},
		"assign a token":       {method: "PUT", path: "/customers/" + customer + "/tokens/" + token, body: map[string]any{"source": w.card()}},
		"delete a token":       {method: "DELETE", path: "/customers/" + customer + "/tokens/" + spare},
		"create a card":        {method: "POST", path: "/cards", body: cardBody(goodCard)},
		"change a card":        {method: "PUT", path: "/cards/" + w.card(), body: map[string]any{"cvc2": "321", "preferred_scheme": "visa"}},
		"delete a card":        {method: "DELETE", path: "/cards/" + w.card()},
		"create an invoice":    {method: "POST", path: "/invoices", body: map[string]any{"name": "x", "amount": "1.00", "currency": "PHP", "risk": map[string]any{"score": json.Number("1.50")}, "details": []any{map[string]any{"name": "a<b"}}, "expand": []string{"transaction"}}},
		"change an invoice":    {method: "PUT", path: "/invoices/" + w.invoice().text("invoice", "id"), body: map[string]any{"amount": "2"}},
		"delete an invoice":    {method: "DELETE", path: "/invoices/" + w.invoice().text("invoice", "id")},
		"link a customer":      {method: "POST", path: "/invoices/" + w.invoice().text("invoice", "id") + "/customers", body: map[string]any{"customer_id": customer}},
		"authorize":            {method: "POST", path: "/invoices/" + w.invoice().text("invoice", "id") + "/authorize", body: map[string]any{"source": w.card(), "expand": []string{"invoice"}}},
		"sell":                 {method: "POST", path: "/invoices/" + w.invoice().text("invoice", "id") + "/capture", body: map[string]any{"source": w.card()}},
		"capture":              {method: "POST", path: "/invoices/" + authorized() + "/capture", body: map[string]any{"source": ""}},
		"void":                 {method: "POST", path: "/invoices/" + authorized() + "/void", body: map[string]any{}},
		"increment":            {method: "POST", path: "/invoices/" + authorized() + "/increment_authorization", body: map[string]any{"amount": "5"}},
		"refund an invoice":    {method: "POST", path: "/invoices/" + paid.text("transaction", "invoice_id") + "/refunds", body: map[string]any{"amount": "1"}},
		"refund a transaction": {method: "POST", path: "/transactions/" + paid.text("transaction", "id") + "/refunds", body: map[string]any{"amount": "1"}},
		"delete a customer":    {method: "DELETE", path: "/customers/" + w.customer()},
	}
	for name, a := range calls {
		t.Run(name, func(t *testing.T) {
			w := *w
			w.t = t
			a.user, a.key, a.header = projectID, projectKey, pairs(key("the key of "+name))
			first := w.do(a).ok(t)
			charges := w.engine.charges.Load()
			w.now.pass(time.Hour) // nothing in the answer may depend on when it is repeated
			again := w.do(a).ok(t)
			if first.header.Get(headerReplayed) != "" || again.header.Get(headerReplayed) != "true" {
				t.Error("only the repetition is a replay")
			}
			if first.body != again.body {
				t.Errorf("first:\n%s\nagain:\n%s", first.body, again.body)
			}
			if first.header.Get(headerClientSecret) != again.header.Get(headerClientSecret) {
				t.Error("the client secrets differ")
			}
			if w.engine.charges.Load() != charges {
				t.Error("it happened again")
			}
			if _, hasBody := a.body.(map[string]any); hasBody {
				other := map[string]any{
					"name": "other", "amount": "77", "source": "card_other", "currency": "PHP", "customer_id": "x", "first_name": "other",
					"number": goodCard, "exp_month": 1, "exp_year": 2032, "preferred_scheme": "other",
				}
				if strings.HasSuffix(a.path, "/authorize") || strings.HasSuffix(a.path, "/capture") {
					delete(other, "amount") // is no field of these
				}
				a.body = other
				w.do(a).fails(t, 422, payments.CodeIdempotencyKeyInvalid)
			}
		})
	}
}

func TestReplayOfADecline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.set("declined")
	path := "/invoices/" + w.invoice().text("invoice", "id") + "/capture"
	body := map[string]any{"source": w.card()}
	first := w.private("POST", path, body, key("k")...).fails(t, 410, string(payments.CardDoNotHonor))
	w.engine.set("")
	again := w.private("POST", path, body, key("k")...).fails(t, 410, string(payments.CardDoNotHonor))
	if first.body != again.body || again.header.Get(headerReplayed) != "true" || w.engine.charges.Load() != 1 {
		t.Errorf("first %s, again %s, %d charges", first.body, again.body, w.engine.charges.Load())
	}
	w.private("POST", path, body, key("another")...).ok(t) // a new operation
}

// TestPresentState: while nobody knows the outcome, the key answers how things stand, and is no replay.
func TestPresentState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, outcome := range []string{"pending", "action"} {
		w.engine.set(outcome)
		path := "/invoices/" + w.invoice().text("invoice", "id") + "/capture"
		body := map[string]any{"source": w.card()}
		charges := w.engine.charges.Load()
		for range 3 {
			g := w.private("POST", path, body, key("k")...).ok(t)
			if g.text("transaction", "status") != "pending" || g.header.Get(headerReplayed) != "" {
				t.Errorf("%s: %s %v", outcome, g.body, g.header)
			}
			if wants := outcome == "action"; (g.at("customer_action") != nil) != wants {
				t.Errorf("%s: %s", outcome, g.body)
			}
		}
		if n := w.engine.charges.Load() - charges; n != 1 {
			t.Errorf("%s: %d charges", outcome, n)
		}
		w.private("POST", path, map[string]any{"source": "card_other"}, key("k")...).fails(t, 422, payments.CodeIdempotencyKeyInvalid)
	}
}

// TestSixtyFourTwins: callers at the same moment with the same key make one charge and get one answer.
func TestSixtyFourTwins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers = 64
		w := newWorld(t)
		path := "/invoices/" + w.invoice().text("invoice", "id") + "/capture"
		body := map[string]any{"source": w.card()}
		w.engine.enter = func() { time.Sleep(3 * time.Second) } // in the bubble's time: all others have come by then
		answers := make([]got, callers)
		var group sync.WaitGroup
		for i := range callers {
			group.Go(func() { answers[i] = w.private("POST", path, body, key("k")...) })
		}
		group.Wait()
		firsts := 0
		for _, g := range answers {
			g.ok(t)
			if g.body != answers[0].body {
				t.Errorf("two answers:\n%s\n%s", g.body, answers[0].body)
			}
			if g.header.Get(headerReplayed) == "" {
				firsts++
			}
		}
		if n := w.engine.charges.Load(); n != 1 || firsts != 1 {
			t.Errorf("%d charges, %d first answers", n, firsts)
		}
	})
}

// TestTwinGivesUp: a twin does not wait for ever.
func TestTwinGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *Options) { o.WaitLimit = 5 * time.Second })
		path := "/invoices/" + w.invoice().text("invoice", "id") + "/capture"
		body := map[string]any{"source": w.card()}
		w.engine.enter = func() { time.Sleep(time.Minute) }
		var group sync.WaitGroup
		group.Go(func() { w.private("POST", path, body, key("k")...).ok(t) })
		synctest.Wait()
		began := time.Now()
		w.private("POST", path, body, key("k")...).fails(t, 409, payments.CodeStillProcessing)
		if waited := time.Since(began); waited != 5*time.Second {
			t.Errorf("waited %v", waited)
		}
		group.Wait()
		if g := w.private("POST", path, body, key("k")...).ok(t); g.header.Get(headerReplayed) != "true" {
			t.Error("afterwards it is a replay")
		}
	})
}

// TestTwinsAreForgotten: the lock holds nothing once nobody is there.
func TestTwinsAreForgotten(t *testing.T) {
	t.Parallel()
	var locks twins
	claim := payments.ClaimKey{ProjectID: "p", Scope: "s", Key: "k"}
	leave, err := locks.enter(t.Context(), claim, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := locks.enter(gone, claim, time.Minute); err == nil {
		t.Fatal("two are in")
	}
	leave()
	if len(locks.keys) != 0 {
		t.Errorf("%d keys are left", len(locks.keys))
	}
}

// TestClaimedElsewhere: when another instance has claimed the key in between, its claim is what counts.
func TestClaimedElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/invoices/" + w.invoice().text("invoice", "id") + "/capture"
	body := map[string]any{"source": w.card()}
	other := newWorld(t)
	other.store, other.engine.store = w.store, w.store
	var once sync.Once
	w.engine.enter = func() {
		once.Do(func() { // the other instance is faster
			w.engine.mu.Lock()
			w.engine.fail = payments.ErrClaimed
			w.engine.mu.Unlock()
			_, err := other.engine.Capture(t.Context(), flow.ChargeRequest{
				ProjectID: projectID, InvoiceID: strings.Split(path, "/")[2], Source: "card_x",
				Claim: &payments.ClaimRequest{Scope: "private POST " + path, Key: "k", Fingerprint: fingerprintOf(w, body)},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	w.engine.mu.Lock()
	w.engine.fail = payments.ErrClaimed
	w.engine.mu.Unlock()
	g := w.private("POST", path, body, key("k")...).ok(t)
	if g.header.Get(headerReplayed) != "true" || other.engine.charges.Load() != 1 || w.engine.charges.Load() != 0 {
		t.Errorf("%v %s", g.header, g.body)
	}
}

func fingerprintOf(w *world, body map[string]any) []byte {
	s, _ := w.api.(*server)
	return s.fingerprint(body, nil)
}

// TestClaimedForEver: a key that is taken and never found is not tried for ever.
func TestClaimedForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.engine.fail = payments.ErrClaimed
	calls := 0
	w.engine.enter = func() { calls++ }
	w.private("POST", "/invoices/iv_1/capture", map[string]any{"source": "card_x"}, key("k")...).fails(t, 409, payments.CodeStillProcessing)
	if calls != maxClaimRounds {
		t.Errorf("%d calls", calls)
	}
}

// TestNothingIsStoredByFaults: a request that fails before its work begins leaves its key free.
func TestNothingIsStoredByFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.private("POST", "/invoices", map[string]any{"name": "x", "amount": "1.001", "currency": "PHP"}, key("k")...).fails(t, 400, payments.CodeInvalidAmount)
	w.private("POST", "/cards", cardBody("4242424242424241"), key("k")...).fails(t, 400, string(payments.CardInvalidNumber))
	w.private("POST", "/invoices/iv_nobody/capture", map[string]any{"source": "card_x"}, key("k")...).fails(t, 404, payments.CodeInvoiceNotFound)
	if len(w.store.claims) != 0 {
		t.Errorf("%d claims", len(w.store.claims))
	}
	w.private("POST", "/invoices", map[string]any{"name": "x", "amount": "1", "currency": "PHP"}, key("k")...).ok(t)
}

// TestScopes: a key is one key only for the same call by the same kind of caller.
func TestScopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.private("POST", "/cards", cardBody(goodCard), key("k")...).ok(t)
	for name, g := range map[string]got{
		"the public":      w.public("POST", "/cards", cardBody(goodCard), key("k")...),
		"another project": w.do(ask{method: "POST", path: "/cards", body: cardBody(goodCard), user: otherID, key: otherKey, header: pairs(key("k"))}),
		"another key":     w.private("POST", "/cards", cardBody(goodCard), key("K")...),
	} {
		if g.ok(t); g.text("card", "id") == first.text("card", "id") {
			t.Errorf("%s got another's answer", name)
		}
	}
	w.private("POST", "/customers", map[string]any{}, key("k")...).ok(t)
}

// TestWhatIsTheSameRequest: the encoding and the options of a request do not make it another one; its fields do.
func TestWhatIsTheSameRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.private("POST", "/customers", map[string]any{"first_name": "Ada", "is_business": true, "metadata": map[string]any{"n": 5, "m": "x"}, "email": nil}, key("k")...).ok(t)
	for name, body := range map[string]any{
		"another order":    `{"metadata":{"m":"x","n":5},"is_business":true,"first_name":"Ada"}`,
		"with options":     map[string]any{"first_name": "Ada", "is_business": true, "metadata": map[string]any{"n": 5, "m": "x"}, "expand": []string{}, "filter": "", "limit": 0, "idempotency_key": "k"},
		"numbers as texts": map[string]any{"first_name": "Ada", "is_business": "true", "metadata": map[string]any{"n": "5", "m": "x"}},
		"a form":           url.Values{"first_name": {"Ada"}, "is_business": {"true"}, "metadata[n]": {"5"}, "metadata[m]": {"x"}},
	} {
		if g := w.private("POST", "/customers", body, key("k")...).ok(t); g.body != first.body {
			t.Errorf("%s: %s", name, g.body)
		}
	}
	for name, body := range map[string]any{
		"another value": map[string]any{"first_name": "Bob", "is_business": true, "metadata": map[string]any{"n": 5, "m": "x"}},
		"a field more":  map[string]any{"first_name": "Ada", "is_business": true, "metadata": map[string]any{"n": 5, "m": "x"}, "last_name": ""},
		"a field less":  map[string]any{"first_name": "Ada", "metadata": map[string]any{"n": 5, "m": "x"}},
	} {
		if g := w.private("POST", "/customers", body, key("k")...); g.status != 422 {
			t.Errorf("%s: %s", name, g.body)
		}
	}
}

// TestCardsInKeys: the number counts by its fingerprint, however it is written, and the security code not at all.
func TestCardsInKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.public("POST", "/cards", cardBody(goodCard), key("k")...).ok(t)
	same := cardBody("4242 4242 4242 4242")
	same["cvc2"] = "999"
	if g := w.public("POST", "/cards", same, key("k")...).ok(t); g.body != first.body {
		t.Errorf("another answer: %s", g.body)
	}
	w.public("POST", "/cards", cardBody("5555555555554444"), key("k")...).fails(t, 422, payments.CodeIdempotencyKeyInvalid)
	for _, claim := range w.store.claims {
		data, err := json.Marshal(claim)
		if err != nil || strings.Contains(string(data), goodCard) {
			t.Errorf("the claim holds the number: %s %v", data, err)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, bad := range []string{strings.Repeat("k", maxIdempotencyKey+1), "k\x7f", "ключ"} {
		w.private("POST", "/customers", map[string]any{}, key(bad)...).fails(t, 400, payments.CodeBadFormat)
	}
	w.private("POST", "/customers", map[string]any{}, key(strings.Repeat("k", maxIdempotencyKey))...).ok(t)
	a, b := w.private("POST", "/customers", map[string]any{}, key("")...).ok(t), w.private("POST", "/customers", map[string]any{}, key("")...).ok(t)
	if a.text("customer", "id") == b.text("customer", "id") {
		t.Error("an empty key is no key")
	}
	if a.status != http.StatusOK {
		t.Error(a.status)
	}
}
