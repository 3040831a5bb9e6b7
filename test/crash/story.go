package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
)

// told is an answer that a merchant was given and relies on.
type told struct {
	request request
	answer  answer
}

// book is what the merchants know: what they have asked for, and what they were told.
type book struct {
	mu       sync.Mutex
	told     []told
	open     []request         // that were given up without a last word, and are made once more in the end
	invoices map[string]*wish  // by id
	tokens   map[string]string // paths, by id: those that are being verified
	fresh    []string          // invoices about which something final was told since the last look
}

// wish is what a merchant has asked for with an invoice: no more than that may be done.
type wish struct {
	story                       story
	authorize, capture, refunds int64 // minor units, asked for in all
	// What was acknowledged.
	authorized, captured, refunded int64
	voided                         bool
}

func newBook() *book { return &book{invoices: map[string]*wish{}, tokens: map[string]string{}} }

func (b *book) rely(r request, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, told{r, a})
}

// asks notes what a merchant is about to ask for.
func (b *book) asks(invoice string, note func(*wish)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	note(b.invoices[invoice])
}

// hears notes what a merchant was told.
func (b *book) hears(invoice string, note func(*wish)) {
	b.asks(invoice, note)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh = append(b.fresh, invoice)
}

// merchant lives one story.
type merchant struct {
	client *client
	book   *book
	saved  saved
	story  story
}

// saved is a customer with a token that can be charged.
type saved struct{ customer, token string }

// patience is how often a step whose outcome stays open is asked about, once per life of the gateway.
const patience = 2

// step makes a request that changes something. ok is false when the story cannot go on: the answer is a refusal, or stays open.
// final says of an answer that it is the last word.
func (m *merchant) step(ctx context.Context, name, path string, body object, final func(answer) bool) (answer, bool) {
	r := request{method: http.MethodPost, path: path, body: body, key: fmt.Sprintf("story-%d-%s", m.story.number, name)}
	life := 0
	for range patience {
		a, answered, err := m.client.ask(ctx, r, life)
		if err != nil {
			break
		}
		if a.status == http.StatusOK && final(a) {
			m.book.rely(r, a)
			return a, true
		}
		if a.status != http.StatusOK && a.status != http.StatusConflict && a.status < http.StatusInternalServerError {
			return a, false
		}
		life = answered
	}
	m.book.mu.Lock()
	defer m.book.mu.Unlock()
	m.book.open = append(m.book.open, r)
	return answer{}, false
}

func always(answer) bool { return true }

// becomes says that a transaction has a status.
func becomes(status string) func(answer) bool {
	return func(a answer) bool { return a.at("transaction", "status") == status }
}

func (m *merchant) live(ctx context.Context) {
	if m.story.kind == verify {
		m.verify(ctx)
		return
	}
	source := m.saved.token
	if !m.story.saved {
		card, ok := m.card(ctx)
		if !ok {
			return
		}
		source = card
	}
	invoice, ok := m.invoice(ctx, m.saved.customer)
	if !ok {
		return
	}
	minor := m.story.major * 100
	switch m.story.kind {
	case sale, saveCard:
		m.pay(ctx, invoice, source, minor)
	case saleRefunds:
		if m.pay(ctx, invoice, source, minor) {
			_ = m.refund(ctx, invoice, "first", minor/200) && m.refund(ctx, invoice, "second", minor/100-minor/200)
		}
	case hold:
		m.hold(ctx, invoice, source, minor)
	case holdCapture:
		_ = m.hold(ctx, invoice, source, minor) && m.capture(ctx, invoice, minor/100) && m.refund(ctx, invoice, "first", minor/100)
	case holdPart:
		_ = m.hold(ctx, invoice, source, minor) && m.capture(ctx, invoice, minor/200)
	case holdVoid:
		if m.hold(ctx, invoice, source, minor) {
			if _, ok := m.step(ctx, "void", "/invoices/"+invoice+"/void", object{}, becomes("voided")); ok {
				m.book.hears(invoice, func(w *wish) { w.voided = true })
			}
		}
	case verify:
	}
}

func (m *merchant) card(ctx context.Context) (string, bool) {
	body := object{"name": "Ada Lovelace", "number": m.story.card, "exp_month": "12", "exp_year": "2031", "cvc2": "123"}
	a, ok := m.step(ctx, "card", "/cards", body, always)
	return a.at("card", "id"), ok
}

func (m *merchant) invoice(ctx context.Context, customer string) (string, bool) {
	body := object{"name": "Order", "amount": fmt.Sprint(m.story.major), "currency": m.story.currency, "customer_id": customer}
	a, ok := m.step(ctx, "invoice", "/invoices", body, always)
	id := a.at("invoice", "id")
	if ok {
		m.book.mu.Lock()
		m.book.invoices[id] = &wish{story: m.story}
		m.book.mu.Unlock()
	}
	return id, ok
}

func (m *merchant) pay(ctx context.Context, invoice, source string, minor int64) bool {
	m.book.asks(invoice, func(w *wish) { w.authorize, w.capture = minor, minor })
	_, ok := m.step(ctx, "sale", "/invoices/"+invoice+"/capture", object{"source": source, "save_source": m.story.kind == saveCard}, becomes("completed"))
	if ok {
		m.book.hears(invoice, func(w *wish) { w.authorized, w.captured = minor, minor })
	}
	return ok
}

func (m *merchant) hold(ctx context.Context, invoice, source string, minor int64) bool {
	m.book.asks(invoice, func(w *wish) { w.authorize = minor })
	_, ok := m.step(ctx, "hold", "/invoices/"+invoice+"/authorize", object{"source": source}, becomes("authorized"))
	if ok {
		m.book.hears(invoice, func(w *wish) { w.authorized = minor })
	}
	return ok
}

func (m *merchant) capture(ctx context.Context, invoice string, major int64) bool {
	m.book.asks(invoice, func(w *wish) { w.capture += major * 100 })
	_, ok := m.step(ctx, "capture", "/invoices/"+invoice+"/capture", object{"source": "", "capture_amount": fmt.Sprint(major)}, becomes("completed"))
	if ok {
		m.book.hears(invoice, func(w *wish) { w.captured += major * 100 })
	}
	return ok
}

func (m *merchant) refund(ctx context.Context, invoice, name string, major int64) bool {
	m.book.asks(invoice, func(w *wish) { w.refunds += major * 100 })
	succeeded := func(a answer) bool { return a.at("refund", "status") == "succeeded" }
	_, ok := m.step(ctx, "refund-"+name, "/invoices/"+invoice+"/refunds", object{"amount": fmt.Sprint(major)}, succeeded)
	if ok {
		m.book.hears(invoice, func(w *wish) { w.refunded += major * 100 })
	}
	return ok
}

// verify puts a card on a new token and has it verified.
func (m *merchant) verify(ctx context.Context) {
	card, ok := m.card(ctx)
	if !ok {
		return
	}
	ended := func(a answer) bool {
		id, status := a.at("token", "id"), a.at("token", "verification_status")
		m.book.mu.Lock()
		m.book.tokens[id] = "/customers/" + m.saved.customer + "/tokens/" + id
		m.book.mu.Unlock()
		return status != "pending"
	}
	m.step(ctx, "verify", "/customers/"+m.saved.customer+"/tokens", object{"source": card, "verify": true}, ended)
}
