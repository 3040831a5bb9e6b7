package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"switchyard/payments"
)

// client is a merchant's server, or a payer's device, with one thing on its mind.
type client struct {
	w     *world
	label string
	d     dice
	calls int
}

func (w *world) client(label string) *client {
	return &client{w: w, label: label, d: newDice(w.seed, "client", label)}
}

// fork is another one that acts at the same time.
func (c *client) fork(name string) *client {
	return &client{w: c.w, label: c.label, d: newDice(c.w.seed, "client", c.label, name, fmt.Sprint(c.calls))}
}

var errGaveUp = errors.New("simulation: the client knows nothing and gives up")

// call is one request that changes something. do may run more than once.
type call func(ctx context.Context, p *process, claim *payments.ClaimRequest) (payments.Snapshot, error)

// ask makes a request, and repeats it with its idempotency key while it is not known what came of it. At times the same request
// is made twice at the same moment.
func (c *client) ask(what string, keyed bool, do call) (payments.Snapshot, error) {
	c.calls++
	key := fmt.Sprintf("%s!%s", c.label, what)
	if what != "invoice" {
		key += fmt.Sprint(c.calls)
	}
	if !keyed {
		key = ""
	}
	if keyed && c.d.chance(0.12) {
		c.w.count("twin requests")
		twin := c.fork("twin")
		done := make(chan struct{})
		go func() {
			defer close(done)
			time.Sleep(twin.d.between(0, 500*time.Millisecond))
			_, _ = twin.insist(what, key, do) // what it hears is checked like all answers
		}()
		defer func() { <-done }()
	}
	return c.insist(what, key, do)
}

func (c *client) insist(what, key string, do call) (payments.Snapshot, error) {
	for range 15 {
		p := c.w.anyLive(c.d)
		if p == nil {
			time.Sleep(c.d.between(time.Second, 5*time.Second))
			continue
		}
		s, err := c.once(p, key, do)
		if p.dead.Load() { // the connection broke: whatever the answer was, nobody has heard it
			c.w.log(c.label, "%s: no answer from %s", what, p.name)
			if key == "" {
				return payments.Snapshot{}, errGaveUp
			}
			time.Sleep(c.d.between(time.Second, 20*time.Second))
			continue
		}
		refusal, public := errors.AsType[*payments.Error](err)
		switch {
		case err == nil:
			c.w.log(c.label, "%s: answered by %s: %s", what, p.name, brief(&s))
			return s, nil
		case public && refusal.Code != payments.CodeStillProcessing:
			c.w.log(c.label, "%s: refused by %s: %s", what, p.name, refusal.Code)
			return s, err
		case !public && key == "":
			return payments.Snapshot{}, errGaveUp
		}
		c.w.log(c.label, "%s: not now, says %s: %s", what, p.name, plainly(err))
		time.Sleep(c.d.between(2*time.Second, 40*time.Second))
	}
	return payments.Snapshot{}, errGaveUp
}

// once answers a request as the API does: a repeat of an idempotency key gets the first answer, or the present state.
func (c *client) once(p *process, key string, do call) (payments.Snapshot, error) {
	ctx := context.Background()
	if key == "" {
		s, err := do(ctx, p, nil)
		if err == nil {
			c.w.heard(p, "", &s, false)
		}
		return s, err
	}
	request := &payments.ClaimRequest{Scope: "private POST", Key: key, Fingerprint: []byte(key)}
	for range 3 {
		claim, err := c.w.store.Claim(ctx, payments.ClaimKey{ProjectID: project, Scope: request.Scope, Key: key})
		switch {
		case err == nil && claim.Snapshot != nil:
			c.w.heard(p, key, claim.Snapshot, true)
			return *claim.Snapshot, nil
		case err == nil && claim.AttemptID != "":
			s, err := p.engine.Present(ctx, project, claim.AttemptID)
			if err == nil {
				c.w.heard(p, "", &s, false)
			}
			return s, err
		}
		s, err := do(ctx, p, request)
		if !errors.Is(err, payments.ErrClaimed) {
			if err == nil {
				c.w.heard(p, key, &s, false)
			}
			return s, err
		}
	}
	return payments.Snapshot{}, payments.NewError(payments.CodeStillProcessing, "the key is in use")
}

// randomID is what two runs of the same batch have differently.
var randomID = regexp.MustCompile("[0-9a-z]{32}")

// plainly is an error without random ids.
func plainly(err error) string { return randomID.ReplaceAllString(err.Error(), "…") }

// brief is an answer in a line.
func brief(s *payments.Snapshot) string {
	text := s.Code
	if s.Transaction != nil {
		text += " payment " + string(s.Transaction.Status)
	}
	if s.Token != nil {
		text += " token " + string(s.Token.Verification)
	}
	if s.Refund != nil {
		text += " refund " + string(s.Refund.Status)
	}
	if s.Action != nil {
		text += " with a step to take"
	}
	return text
}

// answer is what somebody was told, as far as it may never become untrue.
type answer struct {
	label       string
	key         string
	final       bool
	begun       bool // the key had begun something by then; going on with a payer's step begins nothing and keeps no key
	code        string
	transaction string
	version     int64
	status      payments.TransactionStatus
	totals      payments.Totals
	attempts    []endOf
	refunds     []payments.Refund
	replay      string
}

type endOf struct {
	id    string
	state payments.AttemptState
}

// heard takes note of an answer that somebody got, and checks that it was committed before it was told.
func (w *world) heard(p *process, key string, s *payments.Snapshot, replay bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.dead.Load() {
		return
	}
	a := answer{key: key, code: s.Code, begun: w.audit.keys[key]}
	if s.Invoice != nil {
		a.label = w.labels[s.Invoice.ID]
	}
	if t := s.Transaction; t != nil {
		a.transaction, a.version, a.status, a.totals = t.ID, t.Version, t.Status, t.Totals
		a.final = t.InFlight == "" && t.Status != payments.StatusPending && t.Status != payments.StatusPendingCapture
		if now, known := w.audit.transactions[t.ID]; known && (t.Version > now.Version || t.Version == now.Version && (t.Status != now.Status || t.Totals != now.Totals)) {
			w.violate("told means committed", a.label, "told %s %+v at version %d; the store has %s %+v at %d", t.Status, t.Totals, t.Version, now.Status, now.Totals, now.Version)
		}
	}
	for i := range s.Attempts {
		if told := &s.Attempts[i]; !told.State.Open() {
			a.attempts = append(a.attempts, endOf{told.ID, told.State})
			if now := w.audit.attempts[told.ID]; now.State != told.State && !now.State.CanBecome(payments.AttemptReversed) && now.State != payments.AttemptReversed {
				w.violate("told means committed", a.label, "told that %s is %s; the store has %s", w.labels[told.Reference], told.State, now.State)
			}
		}
	}
	for _, r := range s.Refunds {
		if r.Status != payments.RefundPending {
			a.refunds = append(a.refunds, r)
		}
	}
	if replay {
		text, err := json.Marshal(s)
		if err != nil {
			w.violate("one answer for a key", a.label, "%v", err)
		}
		a.replay = string(text)
	}
	w.audit.answers = append(w.audit.answers, a)
}

// remembered checks at the end that nothing that anybody was told has become untrue.
func (w *world) remembered(ctx context.Context) {
	statuses := map[string]map[string]bool{}
	for _, a := range w.audit.answers {
		for _, told := range a.attempts {
			stored, err := w.store.Attempt(ctx, project, told.id)
			late := (stored.State == payments.AttemptLate || stored.State == payments.AttemptReversed) && told.state != payments.AttemptApproved
			if err != nil || stored.State != told.state && !late {
				w.violate("no acknowledgement is lost", a.label, "told that %s is %s; it is %s, %v", w.labels[told.id], told.state, stored.State, err)
			}
		}
		for _, told := range a.refunds {
			if stored, err := w.store.Refund(ctx, project, told.ID); err != nil || stored.Status != told.Status {
				w.violate("no acknowledgement is lost", a.label, "told that a refund is %s; it is %s, %v", told.Status, stored.Status, err)
			}
		}
		if a.transaction == "" {
			continue
		}
		now, err := w.store.Transaction(ctx, project, a.transaction)
		if err != nil || now.Totals.Captured < a.totals.Captured || now.Totals.Refunded < a.totals.Refunded || now.Totals.Voided < a.totals.Voided {
			w.violate("no acknowledgement is lost", a.label, "told %+v; it is %+v, %v", a.totals, now.Totals, err)
		}
		if statuses[a.transaction] == nil {
			statuses[a.transaction] = map[string]bool{}
			steps, err := w.store.Transitions(ctx, project, "transaction", a.transaction)
			if err != nil {
				w.violate("no acknowledgement is lost", a.label, "%v", err)
			}
			for _, s := range steps {
				statuses[a.transaction][s.To] = true
			}
		}
		if !statuses[a.transaction][string(a.status)] {
			w.violate("no acknowledgement is lost", a.label, "told that the payment is %s, which its history does not know", a.status)
		}
	}
}

// keysAnswered checks that every idempotency key has one answer.
func (w *world) keysAnswered(ctx context.Context) {
	replays := map[string]string{}
	for _, a := range w.audit.answers {
		if a.key == "" {
			continue
		}
		claim, err := w.store.Claim(ctx, payments.ClaimKey{ProjectID: project, Scope: "private POST", Key: a.key})
		if err != nil {
			if a.final && a.begun {
				w.violate("one answer for a key", a.label, "key %s was answered, and is not in the store: %v", a.key, err)
			}
			continue
		}
		if claim.Snapshot == nil {
			// The key of a call that only went on with a step answers with the attempt's present state until it is used again.
			if t, err := w.store.Attempt(ctx, project, claim.AttemptID); err != nil || !t.State.Open() && t.ClaimKey == a.key {
				w.violate("every key gets its answer", a.label, "key %s has none; its attempt is %s, %v", a.key, t.State, err)
			}
			continue
		}
		text, err := json.Marshal(claim.Snapshot)
		if err != nil || a.replay != "" && a.replay != string(text) || replays[a.key] != "" && replays[a.key] != string(text) {
			w.violate("one answer for a key", a.label, "key %s: %s, then %s, %v", a.key, a.replay, text, err)
		}
		replays[a.key] = string(text)
		if a.final && a.begun && a.code != claim.Snapshot.Code {
			w.violate("one answer for a key", a.label, "key %s was answered with %q first, and with %q when it was repeated", a.key, a.code, claim.Snapshot.Code)
		}
	}
}
