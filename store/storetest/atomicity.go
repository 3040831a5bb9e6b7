package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"switchyard/payments"
)

// atomicity is what a change leaves behind when a part of it fails: nothing.
func atomicity(t *testing.T, open Open) {
	tests := map[string]func(*testing.T, Store){
		"money guards":                      moneyGuards,
		"an invoice has one transaction":    oneTransaction,
		"one caller among many is refused":  oneAmongMany,
		"a change sees what it wrote first": changeSeesItself,
	}
	for name, failure := range failures() {
		tests["nothing is left of a change with "+name] = func(t *testing.T, s Store) { nothingIsLeft(t, s, failure) }
	}
	each(t, open, tests)
}

// failure is a part that makes a change fail.
type failure struct {
	add  func(*payments.Change)
	want error // nil: any
}

// failures are the ways to fail against a store that has the sample "there" and a job "held" with fence 2.
func failures() map[string]failure {
	there := Sample(project, "there")
	stale, broken := there.Transactions[0], there.Transactions[0]
	stale.Version = 3
	broken.Version, broken.Refunding = 2, broken.Refunding+1
	return map[string]failure{
		"a taken key": {func(c *payments.Change) { c.Claim = there.Claim }, payments.ErrClaimed},
		"a customer that exists": {func(c *payments.Change) {
			c.Customers = append(c.Customers, there.Customers[0])
		}, payments.ErrDuplicate},
		"a sealed card that exists": {func(c *payments.Change) {
			c.SealedCards = append(c.SealedCards, c.SealedCards[0]) // that of "there" may be forgotten and replaced
		}, payments.ErrDuplicate},
		"an event that exists": {func(c *payments.Change) {
			c.Events = append(c.Events, there.Events[0])
		}, payments.ErrDuplicate},
		"a stale version": {func(c *payments.Change) {
			c.Transactions = append(c.Transactions, stale)
		}, payments.ErrConflict},
		"amounts that do not add up": {func(c *payments.Change) {
			c.Transactions = append(c.Transactions, broken)
		}, payments.ErrMoneyGuard},
		"a lost lease": {func(c *payments.Change) {
			c.DoneJobs = append(c.DoneJobs, payments.JobDone{ProjectID: project, Key: "held", Fence: 1})
		}, payments.ErrFenced},
		"an impossible version": {func(c *payments.Change) {
			c.Cards = append(c.Cards, payments.Card{ProjectID: project, ID: "card_x"})
		}, nil},
	}
}

func nothingIsLeft(t *testing.T, s Store, f failure) {
	there := Sample(project, "there")
	held := job("held", epoch.Add(time.Hour))
	held.Fence = 2
	there.Jobs = []payments.Job{held}
	mustApply(t, s, there)

	c := Sample(other, "new") // everything a change can have, and among it the part that fails
	updated, sealed := there.Customers[0], there.SealedCards[0]
	updated.Version, updated.Email = 2, "new@example.com"
	c.Customers = append(c.Customers, updated)
	c.ForgetSealed = []payments.CardKey{{ProjectID: project, CardID: sealed.CardID}}
	c.Release = &there.Claim.ClaimKey
	c.Jobs[0].RunAt, c.Jobs[0].LeaseUntil = epoch, time.Time{}
	f.add(&c)
	err := s.Apply(t.Context(), c)
	if err == nil || f.want != nil && !errors.Is(err, f.want) {
		t.Errorf("error %v, want %v", err, f.want)
	}
	c.Claim = Sample(other, "new").Claim
	wantNothing(t, s, other, c)
	CheckSample(t, s, there)
	wantNext(t, s, held.RunAt)
}

func moneyGuards(t *testing.T, s Store) {
	mustApply(t, s, Sample(project, "a"))
	whole := payments.Totals{Authorized: 100, Captured: 60, Refunded: 20, Voided: 10}
	tests := map[string]func(*payments.Transaction){
		"captured too much":      func(o *payments.Transaction) { o.Totals.Captured = 91 },
		"capturing too much":     func(o *payments.Transaction) { o.Capturing = 31 },
		"capturing what is void": func(o *payments.Transaction) { o.Totals.Voided, o.Capturing = 40, 1 },
		"voided too much":        func(o *payments.Transaction) { o.Totals.Voided = 41 },
		"refunded too much":      func(o *payments.Transaction) { o.Totals.Refunded = 61 },
		"refunding too much":     func(o *payments.Transaction) { o.Refunding = 41 },
		"authorized too little":  func(o *payments.Transaction) { o.Totals.Authorized = 69 },
		"negative amount":        func(o *payments.Transaction) { o.Amount = -1 },
		"negative authorized":    func(o *payments.Transaction) { o.Totals = payments.Totals{Authorized: -1, Captured: -1} },
		"negative captured":      func(o *payments.Transaction) { o.Totals.Captured, o.Totals.Refunded = -1, -1 },
		"negative refunded":      func(o *payments.Transaction) { o.Totals.Refunded = -1 },
		"negative voided":        func(o *payments.Transaction) { o.Totals.Voided = -1 },
		"negative capturing":     func(o *payments.Transaction) { o.Capturing = -1 },
		"negative refunding":     func(o *payments.Transaction) { o.Refunding = -1 },
		"negative incrementing":  func(o *payments.Transaction) { o.Incrementing = -1 },
		"more than a number has": func(o *payments.Transaction) { o.Capturing = 1<<63 - 1 },
	}
	for name, spoil := range tests {
		for version, id := range map[int64]string{1: "tr_new", 2: "tr_a"} { // in an insertion, and in an update
			o := payments.Transaction{ProjectID: project, ID: id, Version: version, Amount: 100, Currency: "PHP", Totals: whole}
			spoil(&o)
			err := s.Apply(t.Context(), payments.Change{Transactions: []payments.Transaction{o}})
			wantError(t, fmt.Sprintf("%s, version %d", name, version), err, payments.ErrMoneyGuard)
		}
	}
	o := payments.Transaction{ProjectID: project, ID: "tr_a", Version: 2, Totals: whole, Capturing: 30, Refunding: 40}
	mustApply(t, s, payments.Change{Transactions: []payments.Transaction{o}}) // to the last centavo
	for name, c := range map[string]payments.Change{
		"refund":  {Refunds: []payments.Refund{{ProjectID: project, ID: "r", Version: 1, Amount: payments.Money{Minor: -1}}}},
		"attempt": {Attempts: []payments.Attempt{{ProjectID: project, ID: "a", Version: 1, Amount: payments.Money{Minor: -1}}}},
		"entry":   {Entries: []payments.Entry{{ProjectID: project, Amount: payments.Money{Minor: -1}}}},
	} {
		wantError(t, "negative "+name, s.Apply(t.Context(), c), payments.ErrMoneyGuard)
	}
}

func oneTransaction(t *testing.T, s Store) {
	c := Sample(project, "a")
	mustApply(t, s, c)
	second := c.Transactions[0]
	second.ID = "tr_second"
	wantError(t, "a second transaction of an invoice",
		s.Apply(t.Context(), payments.Change{Transactions: []payments.Transaction{second}}), payments.ErrDuplicate)
}

// oneAmongMany has callers whose changes are likely to share a commit: those that are refused must not touch the others.
func oneAmongMany(t *testing.T, s Store) {
	const callersAtOnce = 48
	mustApply(t, s, Sample(project, "there"))
	ways := make([]failure, 0, len(failures()))
	for _, f := range failures() {
		ways = append(ways, f)
	}
	changes, errs := make([]payments.Change, callersAtOnce), make([]error, callersAtOnce)
	callers(callersAtOnce, func(i int) {
		c := Sample(other, fmt.Sprint(i))
		whole := c
		if i%3 == 0 {
			ways[i/3%len(ways)].add(&c)
		}
		changes[i], errs[i] = whole, s.Apply(t.Context(), c)
	})
	for i, c := range changes {
		if i%3 == 0 {
			if errs[i] == nil {
				t.Errorf("caller %d was not refused", i)
			}
			_, err := s.Payment(t.Context(), other, c.Invoices[0].ID)
			wantError(t, "payment of a refused caller", err, payments.ErrNotFound)
			_, err = s.Claim(t.Context(), c.Claim.ClaimKey)
			wantError(t, "claim of a refused caller", err, payments.ErrNotFound)
			continue
		}
		if errs[i] != nil {
			t.Errorf("caller %d: %v", i, errs[i])
			continue
		}
		CheckSample(t, s, c)
	}
}

func changeSeesItself(t *testing.T, s Store) {
	c := Sample(project, "a")
	second := c.Customers[0]
	second.Version, second.Email = 2, "second@example.com"
	c.Customers = append(c.Customers, second)
	mustApply(t, s, c)
	got, err := s.Customer(t.Context(), project, second.ID)
	wantValue(t, "customer written twice in one change", got, err, second)
}

// callers calls do with 0 to n-1, all at once.
func callers(n int, do func(i int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	group.Wait()
}
