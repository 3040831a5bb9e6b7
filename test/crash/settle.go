package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"switchyard/config"
	"switchyard/payments"
	"switchyard/store/sqlite"
)

// Bounds of the last life.
const (
	askers      = 8 // at the same time
	betweenAsks = 500 * time.Millisecond
)

// charge is a row of the simulators' ledger.
type charge struct {
	PSP           string `json:"psp"`
	ID            string `json:"id"`
	Reference     string `json:"reference"`
	AmountMinor   int64  `json:"amount_minor"`
	State         string `json:"state"`
	CapturedMinor int64  `json:"captured_minor"`
	RefundedMinor int64  `json:"refunded_minor"`
}

// held is what the payer is without.
func (c charge) held() int64 {
	switch c.State {
	case "authorized":
		return c.AmountMinor
	case "captured":
		return c.CapturedMinor - c.RefundedMinor
	}
	return 0
}

// tookMoney says that the payer's money was moved or held, for however long.
func (c charge) tookMoney() bool { return c.State != "declined" && c.State != "expired" }

func (c charge) String() string {
	return fmt.Sprintf("%s %s (reference %s): %s, amount %d, captured %d, refunded %d", c.PSP, c.ID, c.Reference, c.State, c.AmountMinor, c.CapturedMinor, c.RefundedMinor)
}

// settleAndAudit repairs the PSPs, gives the gateway a last life, waits until everything is final, and compares.
func (w *world) settleAndAudit(ctx context.Context) error {
	if err := w.sims.misbehave(ctx, nil); err != nil {
		return err
	}
	if err := w.reopen(ctx); err != nil {
		return err
	}
	defer func() { w.last.kill() }()
	if err := w.finish(ctx, time.Now()); err != nil {
		return err
	}
	if err := w.listenTo(ctx, time.Now()); err != nil {
		return err
	}
	if err := w.askOpen(ctx); err != nil {
		return err
	}
	if err := w.askAgain(ctx); err != nil {
		return err
	}
	return w.aside(ctx, func(store *sqlite.Store) error { return w.audit(ctx, store) })
}

// finish waits until no outcome is open and no verification holds money, at most for as long as the run allows.
func (w *world) finish(ctx context.Context, began time.Time) error {
	w.stories.Wait()
	w.book.mu.Lock()
	open := slices.Collect(maps.Keys(w.book.invoices))
	w.book.mu.Unlock()
	for first := true; ; first = false {
		charges, err := w.ledger(ctx)
		if err != nil {
			return err
		}
		if open, err = still(open, func(invoice string) (bool, error) { return w.isOpen(ctx, invoice) }); err != nil {
			return err
		}
		left := len(open)
		if left == 0 {
			if left, err = w.verifying(ctx, charges); err != nil {
				return err
			}
		}
		if first {
			w.result.unresolved = left
		}
		if w.result.settled = time.Since(began); left == 0 || w.result.settled > w.settle {
			return nil // the audit says which
		}
		select {
		case <-time.After(betweenAsks):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isOpen says whether an invoice has an attempt whose outcome is not known, and could be.
func (w *world) isOpen(ctx context.Context, invoice string) (bool, error) {
	a, _, err := w.client.ask(ctx, request{method: http.MethodGet, path: "/invoices/" + invoice + "/decision"}, 0)
	if err != nil {
		return false, err
	}
	var body struct {
		Decision struct {
			Attempts []payments.Attempt // as far as their names are the same
		}
	}
	if err := json.Unmarshal([]byte(a.text), &body); err != nil {
		return false, err
	}
	return slices.ContainsFunc(body.Decision.Attempts, func(a payments.Attempt) bool {
		return (a.State.Open() || a.State == payments.AttemptLate) && !leftToOperators(&a)
	}), nil
}

// leftToOperators says of an open attempt that no question can end it: Xendit need not show a hold anywhere, nor a verification by
// a small one. Only its webhook tells of it, which the simulator gives up after seconds and the PSP after hours; or an operator.
func leftToOperators(a *payments.Attempt) bool {
	return a.PSP == "xendit" && (a.Operation == payments.OpAuthorize || a.Operation == payments.OpVerify)
}

// verifying counts the verifications that are not ended, and those whose money is not back. The API shows no attempts of tokens,
// so that the gateway is stopped for a look into its store.
func (w *world) verifying(ctx context.Context, charges map[string][]charge) (left int, err error) {
	err = w.aside(ctx, func(store *sqlite.Store) error {
		for token := range w.book.tokens {
			attempts, err := store.AttemptsOfToken(ctx, config.DevProjectID, token)
			if err != nil {
				return err
			}
			for _, a := range attempts {
				held := int64(0)
				for _, c := range charges[a.Reference] {
					held += c.held()
				}
				if (a.State.Open() || held > 0) && !(a.State.Open() && leftToOperators(&a)) {
					left++
				}
			}
		}
		return nil
	})
	return left, err
}

// aside stops the gateway, opens its store, and gives it another life.
func (w *world) aside(ctx context.Context, look func(*sqlite.Store) error) error {
	w.door.shut()
	if err := w.last.stop(); err != nil {
		return fmt.Errorf("the gateway does not stop cleanly: %w\n%s", err, w.last.process.last)
	}
	store, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(w.dir, "data", sqlite.DatabaseName)})
	if err != nil {
		return err
	}
	if err := errors.Join(look(store), store.Close()); err != nil {
		return err
	}
	return w.reopen(ctx)
}

// reopen gives the gateway a life that is not going to be killed.
func (w *world) reopen(ctx context.Context) (err error) {
	if w.last, _, err = startGateway(ctx, w.options, w.sims, ""); err == nil {
		w.door.open(w.last.url, true)
	}
	return err
}

// ledger reads the simulators' ledger, by reference.
func (w *world) ledger(ctx context.Context) (map[string][]charge, error) {
	var ledger struct {
		Charges []charge `json:"charges"`
	}
	err := w.sims.control(ctx, http.MethodGet, "/_sim/ledger", nil, &ledger)
	charges := map[string][]charge{}
	for _, c := range ledger.Charges {
		charges[c.Reference] = append(charges[c.Reference], c)
	}
	return charges, err
}

// still keeps those of a list for which a question, asked about several at a time, is answered with yes.
func still(list []string, open func(string) (bool, error)) (left []string, err error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, askers)
	for _, item := range list {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			yes, asking := open(item)
			mu.Lock()
			defer mu.Unlock()
			if asking != nil {
				err = asking
			}
			if yes {
				left = append(left, item)
			}
		})
	}
	group.Wait()
	return left, err
}

// askOpen repeats the requests that were given up, now that their outcomes are known: nothing may be done twice for it. What was
// proven not to have happened is done now, and ends at once, since the PSPs are well.
func (w *world) askOpen(ctx context.Context) error {
	for _, r := range w.book.open {
		if _, _, err := w.client.ask(ctx, r, 0); err != nil {
			return err
		}
	}
	if w.hasty {
		return nil
	}
	settled, unresolved := w.result.settled, w.result.unresolved
	err := w.finish(ctx, time.Now())
	w.result.settled, w.result.unresolved = settled, unresolved
	return err
}

// askAgain repeats every request that was answered for good. The same bytes must come, and must be said to be a repetition.
func (w *world) askAgain(ctx context.Context) error {
	w.result.answers = len(w.book.told)
	texts := make([]string, len(w.book.told)) // what differs
	numbers := make([]string, len(w.book.told))
	for i := range numbers {
		numbers[i] = fmt.Sprint(i)
	}
	_, err := still(numbers, func(number string) (bool, error) {
		var i int
		if _, err := fmt.Sscan(number, &i); err != nil {
			return false, err
		}
		t := w.book.told[i]
		a, _, err := w.client.ask(ctx, t.request, 0)
		if err == nil && (a.status != t.answer.status || a.text != t.answer.text || !a.replayed) {
			texts[i] = fmt.Sprintf("%s %s with key %s: was %d %s and is (replayed: %t) %d %s",
				t.request.method, t.request.path, t.request.key, t.answer.status, t.answer.text, a.replayed, a.status, a.text)
		}
		return false, err
	})
	for _, text := range texts {
		if text != "" {
			w.result.violations = append(w.result.violations, violation{lost, text})
		}
	}
	return err
}
