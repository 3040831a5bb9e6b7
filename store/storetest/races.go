package storetest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchyard/payments"
)

const racers = 64

// races is what many callers do to one another.
func races(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"one of many writers of a version wins":     oneVersionWins,
		"one of many claims of a key wins":          oneClaimWins,
		"one of many takers of a card wins":         oneTakerWins,
		"refunds never exceed what is captured":     refundsStayWithin,
		"of two refunds that are too much one wins": refundPairs,
		"a lease is given once":                     leaseIsGivenOnce,
		"readers never see half a change":           readersSeeWholeChanges,
		"steps are numbered without gaps":           stepsKeepOrder,
	})
}

// winners runs the racers and returns those who had no error; the others must have the expected one.
func winners(t *testing.T, lost error, race func(i int) error) []int {
	t.Helper()
	errs := make([]error, racers)
	callers(racers, func(i int) { errs[i] = race(i) })
	var won []int
	for i, err := range errs {
		if err == nil {
			won = append(won, i)
		} else if !errors.Is(err, lost) {
			t.Errorf("racer %d: error %v, want %v", i, err, lost)
		}
	}
	return won
}

func oneVersionWins(t *testing.T, s Store) {
	c := Sample(project, "a")
	mustApply(t, s, c)
	for version := int64(2); version < 6; version++ {
		won := winners(t, payments.ErrConflict, func(i int) error {
			o := c.Transactions[0]
			o.Version, o.InFlight = version, fmt.Sprint("tr_op_", i)
			step := payments.Transition{ProjectID: project, Subject: "race", SubjectID: "a", To: o.InFlight}
			return s.Apply(t.Context(), payments.Change{
				Transactions: []payments.Transaction{o}, Transitions: []payments.Transition{step},
			})
		})
		if len(won) != 1 {
			t.Fatalf("version %d: racers %v won, want one", version, won)
		}
		got, err := s.Transaction(t.Context(), project, c.Transactions[0].ID)
		if want := fmt.Sprint("tr_op_", won[0]); err != nil || got.InFlight != want || got.Version != version {
			t.Errorf("version %d: got %d by %s (%v), want it by %s", version, got.Version, got.InFlight, err, want)
		}
	}
	steps, err := s.Transitions(t.Context(), project, "race", "a")
	if err != nil || len(steps) != 4 {
		t.Errorf("%d steps (%v), want one for each version", len(steps), err)
	}
}

func oneClaimWins(t *testing.T, s Store) {
	won := winners(t, payments.ErrClaimed, func(i int) error {
		id := fmt.Sprint(i)
		return s.Apply(t.Context(), payments.Change{
			Claim:    &payments.Claim{ClaimKey: claimKey("k"), Fingerprint: []byte(id), AttemptID: id},
			Attempts: []payments.Attempt{{ProjectID: project, ID: id, Version: 1, TransactionID: "tr_a"}},
		})
	})
	if len(won) != 1 {
		t.Fatalf("racers %v won, want one", won)
	}
	claim, err := s.Claim(t.Context(), claimKey("k"))
	if err != nil || claim.AttemptID != fmt.Sprint(won[0]) {
		t.Errorf("the claim is that of %s (%v), want that of %d", claim.AttemptID, err, won[0])
	}
	for i := range racers {
		_, err := s.Attempt(t.Context(), project, fmt.Sprint(i))
		if exists := err == nil; exists != (i == won[0]) {
			t.Errorf("attempt of racer %d: %v, and racer %d won", i, err, won[0])
		}
	}
}

func oneTakerWins(t *testing.T, s Store) {
	card := Sample(project, "a").Cards[0]
	card.UsedBy = ""
	mustApply(t, s, payments.Change{Cards: []payments.Card{card}})
	won := winners(t, payments.ErrConflict, func(i int) error {
		mine := card
		mine.Version, mine.UsedBy = 2, fmt.Sprint(i)
		return s.Apply(t.Context(), payments.Change{Cards: []payments.Card{mine}})
	})
	got, err := s.Card(t.Context(), project, card.ID)
	if len(won) != 1 || err != nil || got.UsedBy != fmt.Sprint(won[0]) {
		t.Errorf("racers %v won, the card is used by %q (%v), want one and the same", won, got.UsedBy, err)
	}
}

// refundsStayWithin has refunders who decide on what they read, and careless ones who only know the version.
func refundsStayWithin(t *testing.T, s Store) {
	const captured, part = 1000, 70
	start := payments.Transaction{
		ProjectID: project, ID: "tr_a", InvoiceID: "iv_a", Version: 1, Status: payments.StatusCompleted, Currency: "PHP",
		Amount: captured, Totals: payments.Totals{Authorized: captured, Captured: captured},
	}
	mustApply(t, s, payments.Change{Transactions: []payments.Transaction{start}})
	var refunded, guarded atomic.Int64
	callers(racers, func(i int) {
		for {
			o, err := s.Transaction(t.Context(), project, start.ID)
			if err != nil {
				t.Errorf("racer %d: %v", i, err)
				return
			}
			o.Version++
			o.Refunding += part
			refund := payments.Refund{
				ProjectID: project, ID: fmt.Sprint("refd_", i), TransactionID: o.ID, Version: 1,
				Status: payments.RefundPending, Amount: payments.Money{Minor: part, Currency: "PHP"},
			}
			err = s.Apply(t.Context(), payments.Change{
				Transactions: []payments.Transaction{o}, Refunds: []payments.Refund{refund},
			})
			switch {
			case err == nil:
				refunded.Add(part)
				return
			case errors.Is(err, payments.ErrMoneyGuard):
				guarded.Add(1)
				return
			case !errors.Is(err, payments.ErrConflict):
				t.Errorf("racer %d: %v", i, err)
				return
			}
		}
	})
	const most = captured / part
	if refunded.Load() != most*part || guarded.Load() != racers-most {
		t.Errorf("refunded %d of %d and turned %d away, want %d and %d", refunded.Load(), captured, guarded.Load(), most*part, racers-most)
	}
	got, err := s.Transaction(t.Context(), project, start.ID)
	if err != nil || got.Refunding != most*part || got.Version != 1+most {
		t.Errorf("the transaction has %d refunding in version %d (%v), want %d in %d", got.Refunding, got.Version, err, most*part, 1+most)
	}
}

// RefundPairs is the environment variable that says how many pairs of refunds race in the suite; without it there are
// defaultRefundPairs.
const RefundPairs = "SWITCHYARD_REFUND_PAIRS"

const (
	defaultRefundPairs = 1_000
	pairsAtOnce        = 64
)

// refundPairs lets two callers at a time refund 60 of 100 that were captured, each from what it has just read and again after
// every conflict, as two processes would: one is refused by the money guard, whatever it has read.
func refundPairs(t *testing.T, s Store) {
	pairs := defaultRefundPairs
	if text := os.Getenv(RefundPairs); text != "" {
		var err error
		if pairs, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	var over, won, refused atomic.Int64
	refund := func(id string) error {
		for {
			o, err := s.Transaction(t.Context(), project, id)
			if err != nil {
				return err
			}
			o.Version++
			o.Refunding += 60
			if err = s.Apply(t.Context(), payments.Change{Transactions: []payments.Transaction{o}}); !errors.Is(err, payments.ErrConflict) {
				return err
			}
		}
	}
	var next atomic.Int64
	callers(pairsAtOnce, func(int) {
		for i := next.Add(1); i <= int64(pairs); i = next.Add(1) {
			id := fmt.Sprint("tr_", i)
			mustApplyOrError(t, s, payments.Change{Transactions: []payments.Transaction{{
				ProjectID: project, ID: id, Version: 1, Currency: "PHP", Amount: 100, Totals: payments.Totals{Authorized: 100, Captured: 100},
			}}})
			callers(2, func(int) {
				switch err := refund(id); {
				case err == nil:
					won.Add(1)
				case errors.Is(err, payments.ErrMoneyGuard):
					refused.Add(1)
				default:
					t.Errorf("%s: %v", id, err)
				}
			})
			if o, err := s.Transaction(t.Context(), project, id); err != nil || o.Refunding+o.Totals.Refunded > o.Totals.Captured {
				over.Add(1)
			}
		}
	})
	if over.Load() != 0 || won.Load() != int64(pairs) || refused.Load() != int64(pairs) {
		t.Errorf("%d pairs: %d won, %d were refused, %d over-refunds", pairs, won.Load(), refused.Load(), over.Load())
	}
	t.Logf("%d concurrent refund pairs: %d over-refunds", pairs, over.Load())
}

func leaseIsGivenOnce(t *testing.T, s Store) {
	const count, limit, rounds = 50, 3, 3
	var change payments.Change
	for i := range count {
		change.Jobs = append(change.Jobs, job(fmt.Sprint(i), epoch.Add(time.Duration(-i)*time.Second)))
	}
	mustApply(t, s, change)
	for round := range rounds {
		now := epoch.Add(time.Duration(round) * time.Minute)
		var mutex sync.Mutex
		holders := map[string]int{}
		callers(racers/4, func(int) {
			for range count {
				got, err := s.LeaseJobs(t.Context(), now, now.Add(time.Minute), limit)
				if err != nil {
					t.Errorf("round %d: %v", round, err)
				}
				mutex.Lock()
				for _, j := range got {
					holders[j.Key]++
					if j.Fence != int64(round+1) || j.Tries != round+1 {
						t.Errorf("round %d: job %s has fence %d and %d tries", round, j.Key, j.Fence, j.Tries)
					}
				}
				mutex.Unlock()
				if len(got) == 0 {
					return
				}
			}
		})
		for key, n := range holders {
			if n != 1 {
				t.Errorf("round %d: job %s was given %d times", round, key, n)
			}
		}
		if len(holders) != count {
			t.Errorf("round %d: %d jobs were given, want %d", round, len(holders), count)
		}
	}
}

// readersSeeWholeChanges has a writer who keeps the versions of a payment's parts the same, and readers who look.
func readersSeeWholeChanges(t *testing.T, s Store) {
	const rounds = 50
	c := Sample(project, "a")
	mustApply(t, s, c)
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(done)
		for version := int64(2); version < rounds; version++ {
			c.Invoices[0].Version, c.Transactions[0].Version = version, version
			c.Attempts[0].Version, c.Refunds[0].Version = version, version
			mustApplyOrError(t, s, payments.Change{
				Invoices: c.Invoices, Transactions: c.Transactions, Attempts: c.Attempts[:1], Refunds: c.Refunds,
			})
		}
	})
	for range 4 {
		group.Go(func() {
			for last := int64(0); ; {
				p, err := s.Payment(t.Context(), project, "iv_a")
				if err != nil {
					t.Errorf("payment: %v", err)
					return
				}
				v := p.Invoice.Version
				if p.Transaction.Version != v || p.Attempts[0].Version != v || p.Refunds[0].Version != v || v < last {
					t.Errorf("after version %d: invoice %d, transaction %d, attempt %d, refund %d", last, v,
						p.Transaction.Version, p.Attempts[0].Version, p.Refunds[0].Version)
					return
				}
				last = v
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	group.Wait()
}

// mustApplyOrError is mustApply for goroutines that must not end the test.
func mustApplyOrError(t *testing.T, s Writer, c payments.Change) {
	t.Helper()
	if err := s.Apply(t.Context(), c); err != nil {
		t.Errorf("Apply: %v", err)
	}
}

// stepsKeepOrder has each racer append its own steps to one subject: all are there, each racer's in its order.
func stepsKeepOrder(t *testing.T, s Store) {
	const writers, each = 8, 10
	callers(writers, func(i int) {
		for n := range each {
			mustApplyOrError(t, s, payments.Change{Transitions: []payments.Transition{
				{ProjectID: project, Subject: "race", SubjectID: "a", From: fmt.Sprint(i), To: fmt.Sprint(n)},
			}})
		}
	})
	steps, err := s.Transitions(t.Context(), project, "race", "a")
	if err != nil || len(steps) != writers*each {
		t.Fatalf("%d steps (%v), want %d", len(steps), err, writers*each)
	}
	next := map[string]int{}
	for _, step := range steps {
		if step.To != fmt.Sprint(next[step.From]) {
			t.Errorf("writer %s: step %s where %d should be", step.From, step.To, next[step.From])
		}
		next[step.From]++
	}
}
