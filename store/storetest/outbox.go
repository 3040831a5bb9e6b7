package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// outbox is what telling merchants about events rests on.
func outbox(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"an event is found in the outbox":         eventIsInOutbox,
		"nobody to tell, nothing in the outbox":   nobodyToTell,
		"fan-out is all or nothing":               fanOutIsAtomic,
		"a fan-out race has one winner":           fanOutRace,
		"an endpoint is kept":                     endpointIsKept,
		"deliveries are leased, oldest first":     deliveriesAreLeased,
		"a lost lease ends nothing":               lostDeliveryLease,
		"one subject's deliveries keep in line":   subjectsKeepInLine,
		"a retry keeps its turn":                  retryKeepsTurn,
		"targets take turns and shares":           targetsTakeTurns,
		"a disabled endpoint rests":               disabledEndpointRests,
		"health follows what became of tries":     healthFollowsTries,
		"deliveries of an event are listed":       deliveriesAreListed,
		"old deliveries are pruned":               oldDeliveriesArePruned,
		"what waits for nobody is pruned":         orphansArePruned,
		"events within a range of ids":            eventsWithin,
		"a replay goes step by step":              replaySteps,
		"workers share deliveries without a loss": workersShareDeliveries,
	})
}

func endpoint(id string) payments.WebhookEndpoint {
	return payments.WebhookEndpoint{
		ProjectID: project, ID: payments.PrefixWebhookEndpoint + id, Version: 1, URL: "https://" + id + ".example/hook",
		Enabled: true, EnabledAt: epoch, CreatedAt: epoch,
		Secrets: []payments.SigningSecret{{Sealed: []byte{0, 1, 0xff}, CreatedAt: epoch}},
	}
}

// delivery is a first try for the n-th event of a subject.
func delivery(e payments.WebhookEndpoint, subject string, n int) payments.Delivery {
	return payments.Delivery{
		ProjectID: project, ID: fmt.Sprintf("whdl_%s_%s_%d", e.ID, subject, n), EventID: fmt.Sprintf("ev_%s_%d", subject, n),
		EventName: "x", SubjectID: subject, EndpointID: e.ID, Try: 1, State: payments.DeliveryPending,
		RunAt: epoch.Add(time.Duration(n)), CreatedAt: epoch.Add(time.Duration(n)),
	}
}

func putEndpoints(t *testing.T, s Store, list ...payments.WebhookEndpoint) {
	t.Helper()
	mustApply(t, s, payments.Change{Endpoints: list})
}

func leaseOf(now time.Time) payments.DeliveryLease {
	return payments.DeliveryLease{Now: now, Until: now.Add(time.Minute), Limit: 100, PerTarget: 100, Failing: 100}
}

// lease takes deliveries and compares their ids.
func lease(t *testing.T, s Store, l payments.DeliveryLease, want ...payments.Delivery) []payments.Delivery {
	t.Helper()
	got, err := s.LeaseDeliveries(t.Context(), l)
	if err != nil {
		t.Fatalf("LeaseDeliveries: %v", err)
	}
	var gotIDs, wantIDs []string
	for _, d := range got {
		gotIDs = append(gotIDs, d.ID)
		if !d.LeaseUntil.Equal(l.Until) || d.Fence == 0 {
			t.Errorf("%s is leased until %v with fence %d", d.ID, d.LeaseUntil, d.Fence)
		}
	}
	for _, d := range want {
		wantIDs = append(wantIDs, d.ID)
	}
	if diff := cmp.Diff(wantIDs, gotIDs); diff != "" {
		t.Fatalf("leased deliveries (-want +got):\n%s", diff)
	}
	return got
}

// ended is the end of a held delivery; with another try it failed.
func ended(d payments.Delivery, state payments.DeliveryState, next *payments.Delivery) payments.Change {
	d.State, d.EndedAt = state, d.RunAt.Add(time.Second)
	d.Response = &payments.DeliveryResponse{Status: 200, Header: "A: b", Body: "<ok>", Duration: time.Second}
	return payments.Change{Ended: []payments.DeliveryEnd{{Delivery: d, Next: next}}}
}

// finish ends a held delivery; other than mustApply it may be called by any goroutine.
func finish(t *testing.T, s Store, d payments.Delivery) {
	if err := s.Apply(t.Context(), ended(d, payments.DeliveryDelivered, nil)); err != nil {
		t.Errorf("%s: %v", d.ID, err)
	}
}

func eventNamed(id, url string) payments.Event {
	token := &payments.Token{ProjectID: project, ID: "tok_a"}
	return payments.Event{ProjectID: project, ID: id, Name: payments.EventTokenUpdated, WebhookURL: url, Snapshot: payments.Snapshot{Token: token}, FiredAt: epoch}
}

func entries(t *testing.T, s Store) []payments.OutboxEntry {
	t.Helper()
	list, err := s.Outbox(t.Context(), 100)
	if err != nil {
		t.Fatalf("Outbox: %v", err)
	}
	return list
}

func eventIsInOutbox(t *testing.T, s Store) {
	putEndpoints(t, s, endpoint("a"))
	for _, id := range []string{"ev_c", "ev_a", "ev_b"} {
		mustApply(t, s, payments.Change{Events: []payments.Event{eventNamed(id, "")}})
	}
	mustApply(t, s, payments.Change{Events: []payments.Event{eventNamed("ev_0", "https://own.example/")}})
	got := entries(t, s)
	if len(got) != 4 || got[0].EventID != "ev_c" || got[1].EventID != "ev_a" || got[2].EventID != "ev_b" {
		t.Fatalf("outbox %v, want the order of the commits", got)
	}
	want := payments.OutboxEntry{Seq: got[3].Seq, ProjectID: project, EventID: "ev_0", Name: payments.EventTokenUpdated, SubjectID: "tok_a", URL: "https://own.example/"}
	wantValue(t, "entry", got[3], nil, want)
	refused := payments.Change{Events: []payments.Event{eventNamed("ev_x", "")}, Customers: []payments.Customer{{ProjectID: project, ID: "c", Version: 2}}}
	wantError(t, "a change that is refused", s.Apply(t.Context(), refused), payments.ErrConflict)
	if n := len(entries(t, s)); n != 4 {
		t.Errorf("%d entries after a refused change, want 4", n)
	}
	if first, err := s.Outbox(t.Context(), 2); err != nil || len(first) != 2 {
		t.Errorf("%v (%v), want two", first, err)
	}
}

func nobodyToTell(t *testing.T, s Store) {
	add := func(id, url string, want int) {
		t.Helper()
		mustApply(t, s, payments.Change{Events: []payments.Event{eventNamed(id, url)}})
		if n := len(entries(t, s)); n != want {
			t.Errorf("%s: %d entries, want %d", id, n, want)
		}
	}
	add("ev_1", "", 0)
	add("ev_2", "https://own.example/", 1)
	e, foreign := endpoint("a"), endpoint("b")
	foreign.ProjectID = other
	putEndpoints(t, s, foreign)
	add("ev_3", "", 1)
	putEndpoints(t, s, e)
	add("ev_4", "", 2)
	e.Version, e.Enabled = 2, false
	putEndpoints(t, s, e)
	add("ev_5", "", 2)
	e.Version, e.Enabled = 3, true
	putEndpoints(t, s, e)
	add("ev_6", "", 3)
	e.Version, e.DeletedAt = 4, epoch
	putEndpoints(t, s, e)
	add("ev_7", "", 3)
}

func fanOutIsAtomic(t *testing.T, s Store) {
	e := endpoint("a")
	putEndpoints(t, s, e)
	mustApply(t, s, payments.Change{Events: []payments.Event{eventNamed("ev_1", "")}})
	entry := entries(t, s)[0]
	d := delivery(e, "tok_a", 1)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{d}})
	lease(t, s, leaseOf(epoch.Add(1)), d)
	taken := payments.Change{FannedOut: []payments.OutboxEntry{entry}, Deliveries: []payments.Delivery{delivery(e, "tok_b", 1), d}}
	wantError(t, "a delivery that exists", s.Apply(t.Context(), taken), payments.ErrDuplicate)
	if n := len(entries(t, s)); n != 1 {
		t.Errorf("%d entries after a fan-out that failed, want 1", n)
	}
	lease(t, s, leaseOf(epoch.Add(1)))
	whole := payments.Change{FannedOut: []payments.OutboxEntry{entry}, Deliveries: []payments.Delivery{delivery(e, "tok_b", 1)}}
	mustApply(t, s, whole)
	if n := len(entries(t, s)); n != 0 {
		t.Errorf("%d entries after the fan-out, want none", n)
	}
	whole.Deliveries[0].ID = "whdl_again"
	wantError(t, "the same event again", s.Apply(t.Context(), whole), payments.ErrFenced)
	lease(t, s, leaseOf(epoch.Add(1)), delivery(e, "tok_b", 1))
}

func fanOutRace(t *testing.T, s Store) {
	const rivals = 8
	e := endpoint("a")
	putEndpoints(t, s, e)
	mustApply(t, s, payments.Change{Events: []payments.Event{eventNamed("ev_1", "")}})
	entry := entries(t, s)[0]
	var won atomic.Int64
	callers(rivals, func(i int) {
		d := delivery(e, "tok_a", i)
		switch err := s.Apply(t.Context(), payments.Change{FannedOut: []payments.OutboxEntry{entry}, Deliveries: []payments.Delivery{d}}); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, payments.ErrFenced):
			t.Errorf("rival %d: %v", i, err)
		}
	})
	got, err := s.LeaseDeliveries(t.Context(), leaseOf(epoch.Add(rivals)))
	if err != nil || len(got) != 1 || won.Load() != 1 {
		t.Errorf("%d rivals won and %d deliveries are due (%v), want one", won.Load(), len(got), err)
	}
}

func endpointIsKept(t *testing.T, s Store) {
	a, b := endpoint("a"), endpoint("b")
	putEndpoints(t, s, a)
	putEndpoints(t, s, b)
	got, err := s.WebhookEndpoint(t.Context(), project, a.ID)
	wantValue(t, "endpoint", got, err, a)
	_, err = s.WebhookEndpoint(t.Context(), other, a.ID)
	wantError(t, "another project's endpoint", err, payments.ErrNotFound)
	wantError(t, "a stale version", s.Apply(t.Context(), payments.Change{Endpoints: []payments.WebhookEndpoint{a}}), payments.ErrDuplicate)
	a.Version, a.Description, a.Events = 2, "changed", []string{"x"}
	putEndpoints(t, s, a)
	wantError(t, "the version before", s.Apply(t.Context(), payments.Change{Endpoints: []payments.WebhookEndpoint{a}}), payments.ErrConflict)
	list, err := s.WebhookEndpoints(t.Context(), project, payments.Page{Limit: 10})
	wantValue(t, "endpoints, newest first", list.Items, err, []payments.WebhookEndpoint{b, a})
	a.Version, a.DeletedAt = 3, epoch
	putEndpoints(t, s, a)
	_, err = s.WebhookEndpoint(t.Context(), project, a.ID)
	wantError(t, "a deleted endpoint", err, payments.ErrNotFound)
	list, err = s.WebhookEndpoints(t.Context(), project, payments.Page{Limit: 10})
	wantValue(t, "endpoints without the deleted one", list.Items, err, []payments.WebhookEndpoint{b})
}

func deliveriesAreLeased(t *testing.T, s Store) {
	e := endpoint("a")
	putEndpoints(t, s, e)
	one, two, later := delivery(e, "s1", 2), delivery(e, "s2", 1), delivery(e, "s3", 100)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{one, two, later}})
	l := leaseOf(epoch.Add(10))
	got := lease(t, s, l, two, one)
	want := two
	want.LeaseUntil, want.Fence = l.Until, 1
	wantValue(t, "leased delivery", got[0], nil, want)
	lease(t, s, l)
	again := leaseOf(l.Until.Add(-1)) // the leases run out then, and not before
	again.Limit = 1
	lease(t, s, again, later)
	again.Now = l.Until
	if got := lease(t, s, again, two); got[0].Fence != 2 {
		t.Errorf("fence %d, want 2", got[0].Fence)
	}
}

func lostDeliveryLease(t *testing.T, s Store) {
	e := endpoint("a")
	putEndpoints(t, s, e)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{delivery(e, "s", 1)}})
	first := lease(t, s, leaseOf(epoch.Add(1)), delivery(e, "s", 1))[0]
	second := lease(t, s, leaseOf(first.LeaseUntil), delivery(e, "s", 1))[0]
	next := delivery(e, "s", 2)
	wantError(t, "ended by the first worker", s.Apply(t.Context(), ended(first, payments.DeliveryFailed, &next)), payments.ErrFenced)
	mustApply(t, s, ended(second, payments.DeliveryDelivered, nil))
	wantError(t, "ended twice", s.Apply(t.Context(), ended(second, payments.DeliveryDelivered, nil)), payments.ErrFenced)
	lease(t, s, leaseOf(epoch.Add(time.Hour)))
}

func subjectsKeepInLine(t *testing.T, s Store) {
	a, b := endpoint("a"), endpoint("b")
	putEndpoints(t, s, a, b)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{delivery(a, "s", 1), delivery(a, "s", 2), delivery(a, "t", 3)}})
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{delivery(a, "s", 4), delivery(b, "s", 5)}})
	now := epoch.Add(time.Hour)
	held := lease(t, s, leaseOf(now), delivery(a, "s", 1), delivery(a, "t", 3), delivery(b, "s", 5))
	mustApply(t, s, ended(held[1], payments.DeliveryDelivered, nil)) // another subject's end frees nobody
	lease(t, s, leaseOf(now))
	mustApply(t, s, ended(held[0], payments.DeliveryDelivered, nil))
	held = lease(t, s, leaseOf(now), delivery(a, "s", 2))
	mustApply(t, s, ended(held[0], payments.DeliveryFailed, nil)) // given up
	held = lease(t, s, leaseOf(now), delivery(a, "s", 4))
	mustApply(t, s, ended(held[0], payments.DeliveryDelivered, nil))
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{delivery(a, "s", 6)}})
	lease(t, s, leaseOf(now), delivery(a, "s", 6))
}

func retryKeepsTurn(t *testing.T, s Store) {
	e := endpoint("a")
	putEndpoints(t, s, e)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{delivery(e, "s", 1), delivery(e, "s", 2)}})
	held := lease(t, s, leaseOf(epoch.Add(2)), delivery(e, "s", 1))[0]
	again := delivery(e, "s", 1)
	again.ID, again.Try, again.RunAt = "whdl_again", 2, epoch.Add(time.Hour)
	mustApply(t, s, ended(held, payments.DeliveryFailed, &again))
	lease(t, s, leaseOf(epoch.Add(time.Hour-1)))
	held = lease(t, s, leaseOf(epoch.Add(time.Hour)), again)[0]
	lease(t, s, leaseOf(epoch.Add(time.Hour)))
	mustApply(t, s, ended(held, payments.DeliveryDelivered, nil))
	lease(t, s, leaseOf(epoch.Add(time.Hour)), delivery(e, "s", 2))
}

func targetsTakeTurns(t *testing.T, s Store) {
	a, b, c := endpoint("a"), endpoint("b"), endpoint("c")
	putEndpoints(t, s, a, b, c)
	url := delivery(endpoint("x"), "s", 1)
	url.EndpointID, url.URL = "", "https://OWN.example:443/hook"
	sameHost := delivery(endpoint("x"), "t", 2)
	sameHost.EndpointID, sameHost.URL = "", "https://own.example:443/other"
	list := []payments.Delivery{url, sameHost, delivery(b, "s", 1), delivery(c, "s", 1)}
	for n := range 5 {
		list = append(list, delivery(a, fmt.Sprint("s", n), n+1))
	}
	mustApply(t, s, payments.Change{Deliveries: list})
	l := leaseOf(epoch.Add(time.Hour))
	l.PerTarget = 2
	l.After = payments.Target{ProjectID: project, Name: a.ID}
	l.Limit = 3
	held := lease(t, s, l, list[2], list[3], list[0]) // b, c, and one of the two at the host; not a, which had its turn
	l.Limit, l.After = 100, held[2].Target()
	held = lease(t, s, l, list[4], list[5], list[1])
	lease(t, s, l) // a has its share
	mustApply(t, s, ended(held[0], payments.DeliveryFailed, nil))
	l.Failing = 1
	lease(t, s, l) // less while it fails
	mustApply(t, s, ended(held[1], payments.DeliveryDelivered, nil))
	lease(t, s, l, list[6], list[7])
}

func disabledEndpointRests(t *testing.T, s Store) {
	e := endpoint("a")
	putEndpoints(t, s, e)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{delivery(e, "s", 1)}})
	if at, some, err := s.OldestDelivery(t.Context()); err != nil || !some || !at.Equal(epoch.Add(1)) {
		t.Errorf("oldest delivery %v, %v (%v)", at, some, err)
	}
	e.Version, e.Enabled = 2, false
	putEndpoints(t, s, e)
	lease(t, s, leaseOf(epoch.Add(time.Hour)))
	if at, some, err := s.OldestDelivery(t.Context()); err != nil || some {
		t.Errorf("oldest delivery %v, %v (%v), want none that rests", at, some, err)
	}
	e.Version, e.Enabled = 3, true
	putEndpoints(t, s, e)
	lease(t, s, leaseOf(epoch.Add(time.Hour)), delivery(e, "s", 1))
}

func healthFollowsTries(t *testing.T, s Store) {
	e := endpoint("a")
	putEndpoints(t, s, e)
	want := func(since time.Time, exhausted int) {
		t.Helper()
		got, err := s.EndpointHealth(t.Context(), project, e.ID)
		wantValue(t, "health", got, err, payments.EndpointHealth{FailingSince: since, Exhausted: exhausted})
	}
	end := func(n int, state payments.DeliveryState, next *payments.Delivery) {
		t.Helper()
		d := delivery(e, "s", n)
		mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{d}})
		mustApply(t, s, ended(lease(t, s, leaseOf(d.RunAt), d)[0], state, next))
	}
	want(time.Time{}, 0)
	end(1, payments.DeliveryDelivered, nil)
	want(time.Time{}, 0)
	end(2, payments.DeliveryFailed, nil)
	since := epoch.Add(2 + time.Second)
	want(since, 1)
	end(3, payments.DeliveryFailed, nil)
	want(since, 2)
	e.Version, e.Description = 2, "a change of something else leaves it as it is"
	putEndpoints(t, s, e)
	want(since, 2)
	e.Version, e.EnabledAt = 3, epoch.Add(time.Hour)
	putEndpoints(t, s, e)
	want(time.Time{}, 0)
	later := delivery(e, "s", 5)
	later.RunAt = epoch.Add(24 * time.Hour)
	end(4, payments.DeliveryFailed, &later)
	want(epoch.Add(4+time.Second), 0) // it is not given up yet
	mustApply(t, s, ended(lease(t, s, leaseOf(later.RunAt), later)[0], payments.DeliveryDelivered, nil))
	want(time.Time{}, 0)
	_, err := s.EndpointHealth(t.Context(), project, "whend_none")
	wantError(t, "no endpoint", err, payments.ErrNotFound)
}

func deliveriesAreListed(t *testing.T, s Store) {
	a, b := endpoint("a"), endpoint("b")
	putEndpoints(t, s, a, b)
	one, two := delivery(a, "s", 1), delivery(b, "s", 1)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{one, two, delivery(a, "s", 2)}})
	held := lease(t, s, leaseOf(epoch.Add(1)), one, two)[0]
	change := ended(held, payments.DeliveryDelivered, nil)
	mustApply(t, s, change)
	done := change.Ended[0].Delivery
	done.Fence, done.LeaseUntil = 0, time.Time{}
	list, err := s.Deliveries(t.Context(), project, one.EventID, payments.Page{Limit: 10})
	wantValue(t, "deliveries, newest first", list.Items, err, []payments.Delivery{two, done})
	list, err = s.Deliveries(t.Context(), project, one.EventID, payments.Page{Limit: 10, StartAfter: two.ID})
	wantValue(t, "the page after", list.Items, err, []payments.Delivery{done})
	list, err = s.Deliveries(t.Context(), other, one.EventID, payments.Page{Limit: 10})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("another project sees %d deliveries (%v)", len(list.Items), err)
	}
}

func oldDeliveriesArePruned(t *testing.T, s Store) {
	const many = 1100 // more than an implementation may delete at once
	e := endpoint("a")
	putEndpoints(t, s, e)
	var list []payments.Delivery
	for n := range many + 2 {
		d := delivery(e, fmt.Sprint("s", n), n)
		d.CreatedAt, d.RunAt = epoch, epoch
		list = append(list, d)
	}
	list[many].CreatedAt = epoch.Add(1) // too young
	list[many+1].RunAt = epoch.Add(time.Hour)
	mustApply(t, s, payments.Change{Deliveries: list})
	l := leaseOf(epoch)
	l.Limit, l.PerTarget = many+1, many+1
	held, err := s.LeaseDeliveries(t.Context(), l)
	if err != nil || len(held) != many+1 {
		t.Fatalf("%d leased (%v)", len(held), err)
	}
	callers(len(held), func(i int) { finish(t, s, held[i]) })
	n, err := s.PruneDeliveries(t.Context(), epoch.Add(1))
	wantValue(t, "pruned", n, err, many)
	kept, err := s.Deliveries(t.Context(), project, list[many].EventID, payments.Page{Limit: 10})
	if err != nil || len(kept.Items) != 1 {
		t.Errorf("the young one is listed %d times (%v)", len(kept.Items), err)
	}
	lease(t, s, leaseOf(epoch.Add(time.Hour)), list[many+1])
}

func orphansArePruned(t *testing.T, s Store) {
	gone, disabled, good := endpoint("a"), endpoint("b"), endpoint("c")
	putEndpoints(t, s, gone, disabled, good)
	day := 24 * time.Hour
	late := delivery(disabled, "s", 3)
	late.RunAt, late.CreatedAt = epoch.Add(30*day), epoch.Add(30*day)
	mustApply(t, s, payments.Change{Deliveries: []payments.Delivery{
		delivery(gone, "s", 1), delivery(gone, "s", 2), delivery(gone, "t", 3),
		delivery(disabled, "s", 1), delivery(disabled, "s", 2), late,
		delivery(good, "s", 1),
	}})
	gone.Version, gone.DeletedAt = 2, epoch
	disabled.Version, disabled.Enabled = 2, false
	putEndpoints(t, s, gone, disabled)
	n, err := s.PruneDeliveries(t.Context(), epoch)
	wantValue(t, "pruned at once", n, err, 3)
	held := lease(t, s, leaseOf(epoch.Add(day)), delivery(good, "s", 1))
	mustApply(t, s, ended(held[0], payments.DeliveryDelivered, nil))
	n, err = s.PruneDeliveries(t.Context(), epoch.Add(15*day))
	wantValue(t, "pruned later", n, err, 3) // the good endpoint's, and the two that waited for the disabled one
	disabled.Version, disabled.Enabled = 3, true
	putEndpoints(t, s, disabled)
	lease(t, s, leaseOf(epoch.Add(30*day)), late)
}

func eventsWithin(t *testing.T, s Store) {
	at := epoch.Truncate(time.Millisecond)
	first, second := payments.EventIDAt(at)+"a", payments.EventIDAt(at.Add(time.Millisecond))+"a"
	for _, id := range []string{second, first} {
		mustApply(t, s, payments.Change{Events: []payments.Event{eventNamed(id, "")}})
	}
	want := func(after, until string, limit int, ids ...string) {
		t.Helper()
		list, err := s.EventsWithin(t.Context(), project, after, until, limit)
		var got []string
		for _, e := range list {
			got = append(got, e.ID)
		}
		wantValue(t, "events", got, err, ids)
		n, err := s.CountEventsWithin(t.Context(), project, after, until, limit)
		wantValue(t, "their number", n, err, len(ids))
	}
	want(payments.EventIDAt(at), payments.EventIDAt(at.Add(time.Hour)), 10, first, second)
	want(payments.EventIDAt(at), payments.EventIDAt(at.Add(time.Hour)), 1, first)
	want(payments.EventIDAt(at), payments.EventIDAt(at.Add(time.Millisecond)), 10, first)
	want(first, payments.EventIDAt(at.Add(time.Hour)), 10, second)
	want(payments.EventIDAt(at.Add(-time.Hour)), payments.EventIDAt(at), 10)
}

func replaySteps(t *testing.T, s Store) {
	r := payments.Replay{ProjectID: project, ID: "whrp_1", EndpointID: "whend_a", Version: 1, After: "ev_1", Until: "ev_9", CreatedAt: epoch}
	second := r
	second.ID = "whrp_0"
	mustApply(t, s, payments.Change{Replays: []payments.Replay{r}})
	mustApply(t, s, payments.Change{Replays: []payments.Replay{second}})
	got, err := s.Replays(t.Context(), 10)
	wantValue(t, "replays, oldest first", got, err, []payments.Replay{r, second})
	r.Version, r.After = 2, "ev_5"
	mustApply(t, s, payments.Change{Replays: []payments.Replay{r}})
	wantError(t, "a step taken twice", s.Apply(t.Context(), payments.Change{Replays: []payments.Replay{r}}), payments.ErrConflict)
	r.Version, r.Done = 3, true
	mustApply(t, s, payments.Change{Replays: []payments.Replay{r}})
	wantError(t, "done twice", s.Apply(t.Context(), payments.Change{Replays: []payments.Replay{r}}), payments.ErrConflict)
	got, err = s.Replays(t.Context(), 10)
	wantValue(t, "what is left", got, err, []payments.Replay{second})
}

// workersShareDeliveries has many workers take and end deliveries: each is ended once, and no subject's before the one before.
func workersShareDeliveries(t *testing.T, s Store) {
	const workers, subjects, each = 8, 20, 6
	e := endpoint("a")
	putEndpoints(t, s, e)
	for n := range each {
		var list []payments.Delivery
		for subject := range subjects {
			list = append(list, delivery(e, fmt.Sprint("s", subject), n))
		}
		mustApply(t, s, payments.Change{Deliveries: list})
	}
	var next [subjects]atomic.Int64
	var left atomic.Int64
	left.Store(subjects * each)
	callers(workers, func(int) {
		for left.Load() > 0 && !t.Failed() {
			l := leaseOf(epoch.Add(time.Hour))
			l.Limit = 3
			held, err := s.LeaseDeliveries(t.Context(), l)
			if err != nil {
				t.Errorf("LeaseDeliveries: %v", err)
				return
			}
			for _, d := range held {
				var subject, n int
				if _, err := fmt.Sscanf(d.EventID, "ev_s%d_%d", &subject, &n); err != nil {
					t.Error(err)
				}
				if was := next[subject].Swap(int64(n) + 1); was != int64(n) {
					t.Errorf("subject %d: event %d came when %d was next", subject, n, was)
				}
				finish(t, s, d)
				left.Add(-1)
			}
		}
	})
	if left.Load() != 0 {
		t.Errorf("%d left over", left.Load())
	}
}
