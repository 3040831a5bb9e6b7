package flow_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"pgregory.net/rapid"

	"switchyard/flow"
	"switchyard/payments"
)

// raisingPSP also raises holds.
type raisingPSP struct{ fencingPSP }

func (p raisingPSP) Increment(_ context.Context, r payments.IncrementRequest) (payments.Outcome, error) {
	return p.amend(payments.OpIncrement, r.Refs.Charge, func(t *payments.Totals) { t.Authorized += r.Amount.Minor })
}

// request is one operation on a payment, and answer what its caller was told.
type request struct {
	op     payments.Operation
	amount int64 // minor units
}

type answer struct {
	done   bool
	busy   bool // another operation was in flight: try again
	totals payments.Totals
}

func (r request) String() string { return fmt.Sprintf("%s %d", r.op, r.amount) }

// next is what a payment that obeys the rules comes to; done is false when the rules forbid it.
func (r request) next(t payments.Totals) (_ payments.Totals, done bool) {
	left := t.Authorized - t.Captured - t.Voided
	switch r.op {
	case payments.OpCapture:
		done = t.Captured == 0 && r.amount <= left // one capture of a hold
		t.Captured += r.amount
	case payments.OpVoid:
		done = t.Captured == 0 && left > 0
		t.Voided += left
	case payments.OpRefund:
		done = r.amount <= t.Captured-t.Refunded
		t.Refunded += r.amount
	case payments.OpIncrement:
		done = t.Captured == 0 && left > 0
		t.Authorized += r.amount
	default:
	}
	return t, done
}

// do asks an engine, and says what it answered.
func (r request) do(t testing.TB, e *flow.Engine, invoice string) answer {
	var s payments.Snapshot
	var err error
	amount := payments.Money{Minor: r.amount, Currency: "PHP"}.Decimal()
	ctx := context.Background()
	switch r.op {
	case payments.OpCapture:
		s, err = e.Capture(ctx, flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Amount: amount})
	case payments.OpVoid:
		s, err = e.Void(ctx, flow.AmendRequest{ProjectID: project, InvoiceID: invoice})
	case payments.OpRefund:
		s, err = e.Refund(ctx, flow.RefundRequest{ProjectID: project, InvoiceID: invoice, Amount: amount})
	default:
		s, err = e.Increment(ctx, flow.AmendRequest{ProjectID: project, InvoiceID: invoice, Amount: amount})
	}
	switch payments.ErrorCode(err) {
	case payments.CodeStillProcessing:
		return answer{busy: true}
	case payments.CodeValidation, payments.CodeInvalidAmount, payments.CodeMissingSource:
		return answer{}
	}
	if err != nil || s.Code != "" {
		t.Errorf("%s: %v %s", r, err, s.Code)
	}
	return answer{done: err == nil, totals: s.Transaction.Totals}
}

func drawRequest(choose func(n int) int) request {
	ops := []payments.Operation{payments.OpCapture, payments.OpCapture, payments.OpVoid, payments.OpRefund, payments.OpRefund, payments.OpRefund, payments.OpIncrement}
	return request{ops[choose(len(ops))], int64(1 + choose(6_000))}
}

// held100 is a hold of 100.00 that may be raised.
func (w *world) held100() string {
	w.t.Helper()
	invoice := w.invoice("100.00")
	s, err := w.engine.Authorize(context.Background(), flow.ChargeRequest{ProjectID: project, InvoiceID: invoice, Source: w.card(), Incremental: true})
	if err != nil || s.Transaction.Status != payments.StatusAuthorized {
		w.t.Fatalf("authorize: %+v, %v", s.Transaction, err)
	}
	return invoice
}

func newRaisingWorld(t *testing.T) *world {
	first := newFakePSP()
	return newWorld(t, worldOptions{first: first, second: newFakePSP(), adapter: raisingPSP{fencingPSP{first}}, able: func(c *payments.Capabilities) {
		recovery := map[payments.Operation]payments.Recovery{payments.OpIncrement: {Ask: payments.AskByTotals, AbsenceAfter: time.Minute}}
		maps.Copy(recovery, c.Recovery)
		c.Recovery = recovery
	}})
}

// TestConcurrentOperationsAreLinear lets callers at two instances capture, void, refund and raise one payment at the same time,
// and looks for an order of their answers that the rules of a payment allow. There must always be one, and what the PSP has in
// the end is what that order comes to.
func TestConcurrentOperationsAreLinear(t *testing.T) {
	const histories, callers, each = 40, 6, 4
	w := newRaisingWorld(t)
	defer w.close()
	engines := []*flow.Engine{w.engine, flow.New(w.options)}
	busy, done := 0, 0
	for h := range histories {
		invoice := w.held100()
		var mu sync.Mutex
		var history []porcupine.Operation
		var wg sync.WaitGroup
		began := time.Now()
		for c := range callers {
			random := rand.New(rand.NewPCG(uint64(h), uint64(c)))
			wg.Go(func() {
				for range each {
					r := drawRequest(random.IntN)
					called := time.Since(began)
					a := r.do(t, engines[c%2], invoice)
					mu.Lock()
					history = append(history, porcupine.Operation{ClientId: c, Input: r, Output: a, Call: called.Nanoseconds(), Return: time.Since(began).Nanoseconds()})
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for _, o := range history {
			if a := o.Output.(answer); a.busy {
				busy++
			} else if a.done {
				done++
			}
		}
		if !porcupine.CheckOperations(payment(10_000), history) {
			t.Fatalf("history %d has no order that a payment allows: %v", h, history)
		}
		p := w.payment(invoice)
		if psp := w.first.charges[p.Attempts[0].Reference].totals; psp != p.Transaction.Totals {
			t.Errorf("history %d: the PSP has %+v, the store %+v", h, psp, p.Transaction.Totals)
		}
	}
	if done < histories {
		t.Errorf("only %d operations were done", done)
	}
	t.Logf("%d histories of %d operations: %d done, %d told to wait", histories, callers*each, done, busy)
}

// payment is the model: a hold of so much, and what each operation does to it.
func payment(hold int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return payments.Totals{Authorized: hold} },
		Step: func(state, input, output any) (bool, any) {
			t, a := state.(payments.Totals), output.(answer)
			after, legal := input.(request).next(t)
			switch {
			case a.busy:
				return true, t // it was not done; it may try again
			case !a.done:
				return !legal, t
			}
			return legal && a.totals == after, after
		},
		Equal: func(a, b any) bool { return a.(payments.Totals) == b.(payments.Totals) },
	}
}

// TestMoneyIsConserved is the same with one caller and every answer foreseen, over random sequences.
func TestMoneyIsConserved(t *testing.T) {
	w := newRaisingWorld(t)
	defer w.close()
	rapid.Check(t, func(r *rapid.T) {
		invoice, totals := w.held100(), payments.Totals{Authorized: 10_000}
		for i := range rapid.IntRange(1, 8).Draw(r, "operations") {
			asked := drawRequest(func(n int) int { return rapid.IntRange(0, n-1).Draw(r, fmt.Sprint("choice ", i)) })
			after, legal := asked.next(totals)
			got := asked.do(t, w.engine, invoice)
			if got.done != legal || legal && got.totals != after {
				r.Fatalf("%s on %+v: %+v, want done %t with %+v", asked, totals, got, legal, after)
			}
			if legal {
				totals = after
			}
		}
		if p := w.payment(invoice); p.Transaction.Totals != totals || w.first.charges[p.Attempts[0].Reference].totals != totals {
			r.Fatalf("the store has %+v, the PSP %+v, want %+v", p.Transaction.Totals, w.first.charges[p.Attempts[0].Reference].totals, totals)
		}
	})
}
