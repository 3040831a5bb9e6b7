package learning_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/learning"
	"switchyard/payments"
	"switchyard/router/learn"
	"switchyard/store/sqlite"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// see lets a learner see payments at two gateways, of which one declines most.
func see(l *learn.Learner, from, to int, now time.Time) {
	for i := from; i < to; i++ {
		p := payment(i)
		for _, gateway := range []string{"alpha", "bravo"} {
			out := payments.Outcome{Status: payments.Approved}
			if gateway == "alpha" && i%5 != 0 {
				out = payments.Outcome{Status: payments.Declined, Code: payments.CardDoNotHonor}
			}
			l.Observe(learn.TicketOf(&p, l.Outcomes()), learn.Outcome{Gateway: gateway, Result: payments.Result{Outcome: out}}, now)
		}
	}
}

func payment(i int) learn.Payment {
	return learn.Payment{ID: fmt.Sprint("iv_", i), Method: "card", Scheme: payments.SchemeVisa, Country: "DE", IIN: "411111", Amount: payments.Money{Minor: 40_00, Currency: "EUR"}}
}

// first is the gateway that a learner would choose, and how sure it is of it.
func first(l *learn.Learner, now time.Time) (string, float64) {
	r := learn.Request{Payment: payment(1), Candidates: []learn.Candidate{{Gateway: "alpha"}, {Gateway: "bravo"}}, NoExplore: true, Now: now}
	c := l.Choose(&r)
	return r.Candidates[c.Order[0].Candidate].Gateway, c.Order[0].Approval
}

func keeper(s learning.Store, l *learn.Learner, instance string, share time.Duration) *learning.Keeper {
	return learning.New(learning.Options{Store: s, Beliefs: l, Instance: instance, Share: share, Now: func() time.Time { return noon }})
}

// TestItSurvives: what was learnt is there after a restart, and what was learnt after the last writing is not missed badly.
func TestItSurvives(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	store, before := open(t, path), learn.New(learn.Settings{})
	k := keeper(store, before, "a", 0)
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.Start()
	see(before, 0, 300, noon)
	if err := k.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, path)
	defer func() { _ = store.Close() }()
	after := learn.New(learn.Settings{})
	if err := keeper(store, after, "b", 0).Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantGateway, want := first(before, noon)
	gateway, got := first(after, noon)
	if gateway != "bravo" || gateway != wantGateway || got != want || after.Outcomes() != before.Outcomes() {
		t.Errorf("%s at %v after %d outcomes, want %s at %v after %d", gateway, got, after.Outcomes(), wantGateway, want, before.Outcomes())
	}
}

// TestBadStateIsNoReasonToStop: a state that nobody can read is passed over.
func TestBadStateIsNoReasonToStop(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer func() { _ = store.Close() }()
	for name, state := range map[string][]byte{"empty": {}, "no gzip": []byte("{}"), "cut": {0x1f, 0x8b, 8, 0, 0}} {
		bad := payments.Learned{Instance: "a", At: noon, State: state}
		if err := store.Apply(t.Context(), payments.Change{Learned: &bad}); err != nil {
			t.Fatal(err)
		}
		l := learn.New(learn.Settings{})
		if err := keeper(store, l, "a", 0).Load(t.Context()); err != nil || l.Outcomes() != 0 {
			t.Errorf("%s: %v, %d outcomes", name, err, l.Outcomes())
		}
	}
}

// TestInstancesShare: what one instance sees, the others learn, once; and it is written down every minute.
func TestInstancesShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := open(t, filepath.Join(t.TempDir(), "s.db"))
		defer func() { _ = store.Close() }()
		names := []string{"a", "b", "c"}
		learners := make([]*learn.Learner, len(names))
		keepers := make([]*learning.Keeper, len(names))
		for i, name := range names {
			learners[i] = learn.New(learn.Settings{})
			keepers[i] = keeper(store, learners[i], name, 5*time.Second)
			if err := keepers[i].Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			keepers[i].Start()
		}
		see(learners[0], 0, 100, noon)
		see(learners[1], 100, 200, noon)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		for i, l := range learners {
			if gateway, _ := first(l, noon); gateway != "bravo" || l.Outcomes() != 400 {
				t.Errorf("%s chooses %s after %d outcomes, want bravo after 400", names[i], gateway, l.Outcomes())
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, l := range learners { // nothing comes back to who told it
			if l.Outcomes() != 400 {
				t.Errorf("%s has heard of %d outcomes", names[i], l.Outcomes())
			}
		}
		fourth := learn.New(learn.Settings{})
		if err := keeper(store, fourth, "d", 5*time.Second).Load(t.Context()); err != nil || fourth.Outcomes() != 400 {
			t.Errorf("one that starts later knows of %d outcomes: %v", fourth.Outcomes(), err)
		}
		for _, k := range keepers {
			if err := k.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestBadNewsIsPassedOver: news that cannot be read does not keep the next from being heard.
func TestBadNewsIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := open(t, filepath.Join(t.TempDir(), "s.db"))
		defer func() { _ = store.Close() }()
		listener, teller := learn.New(learn.Settings{}), learn.New(learn.Settings{})
		k, other := keeper(store, listener, "a", time.Second), keeper(store, teller, "b", time.Second)
		k.Start()
		bad := payments.LearnedNews{Instance: "b", At: noon, Counts: []byte("?")}
		if err := store.Apply(t.Context(), payments.Change{LearnedNews: []payments.LearnedNews{bad}}); err != nil {
			t.Fatal(err)
		}
		see(teller, 0, 10, noon)
		other.Start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if listener.Outcomes() != 20 {
			t.Errorf("%d outcomes were heard of, want 20", listener.Outcomes())
		}
		for _, each := range []*learning.Keeper{k, other} {
			if err := each.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestCascadesSurvive: what going on elsewhere came to is kept with the beliefs; a state from before there was any is taken up.
func TestCascadesSurvive(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer func() { _ = store.Close() }()
	kept := func(l *learn.Learner, c *learn.Cascades) *learning.Keeper {
		return learning.New(learning.Options{Store: store, Beliefs: l, Cascades: c, Instance: "one", Now: func() time.Time { return noon }})
	}
	chance := func(c *learn.Cascades) float64 {
		return c.Chance(payments.CardDoNotHonor, payments.ClassCascadeOnce, "alpha", "bravo")
	}
	without := learn.New(learn.Settings{})
	see(without, 0, 50, noon)
	if err := kept(without, nil).Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	beliefs, cascades := learn.New(learn.Settings{}), learn.NewCascades()
	k := kept(beliefs, cascades)
	if err := k.Load(t.Context()); err != nil || beliefs.Outcomes() != without.Outcomes() || chance(cascades) != chance(learn.NewCascades()) {
		t.Fatalf("%v, %d outcomes, a chance of %v", err, beliefs.Outcomes(), chance(cascades))
	}
	for range 30 {
		cascades.Observe(payments.CardDoNotHonor, payments.ClassCascadeOnce, "alpha", "bravo", true)
	}
	see(beliefs, 50, 60, noon)
	if err := k.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, again := range map[string]*learn.Cascades{"kept": learn.NewCascades(), "not asked for": nil} {
		l := learn.New(learn.Settings{})
		if err := kept(l, again).Load(t.Context()); err != nil || l.Outcomes() != beliefs.Outcomes() {
			t.Errorf("%s: %v, %d outcomes", name, err, l.Outcomes())
		}
		if again != nil && chance(again) != chance(cascades) {
			t.Errorf("a chance of %v, and it was %v", chance(again), chance(cascades))
		}
	}
}

// TestWhatIsForgottenStaysForgotten: an operator's order to forget is written down by itself, without another outcome.
func TestWhatIsForgottenStaysForgotten(t *testing.T) {
	store := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer func() { _ = store.Close() }()
	before := learn.New(learn.Settings{})
	see(before, 0, 300, noon)
	k := keeper(store, before, "a", 0)
	if err := k.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !before.ResetGateway("bravo") {
		t.Fatal("bravo is not known")
	}
	_, want := first(before, noon)
	if err := k.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := learn.New(learn.Settings{})
	if err := keeper(store, after, "a", 0).Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, got := first(after, noon); math.Abs(got-want) > 1e-9 {
		t.Errorf("after a restart the best approves with %v, and it was %v", got, want)
	}
}
