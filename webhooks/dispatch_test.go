package webhooks

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
)

// ledger is an endpoint that fails at random and notes the order in which events come.
type ledger struct {
	mu         sync.Mutex
	chance     *rand.Rand
	next       []int // by subject: the event that must come next
	accepted   int
	duplicates int
	faults     []string
	signals    chan int // gets the number of accepted events whenever it grows by a step
	step       int
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one := read(r)
	var subject, n int
	if _, err := fmt.Sscanf(one.id[len(payments.PrefixEvent)+32:], "_%d_%d", &subject, &n); err != nil {
		l.fault(err.Error())
		return
	}
	l.mu.Lock()
	fate := l.chance.IntN(100)
	if fate < 20 {
		l.mu.Unlock()
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	switch next := l.next[subject]; {
	case n == next:
		l.next[subject]++
		if l.accepted++; l.accepted%l.step == 0 {
			l.signals <- l.accepted
		}
	case n < next:
		l.duplicates++
	default:
		l.faults = append(l.faults, fmt.Sprintf("subject %d: event %d came when %d was next", subject, n, next))
	}
	l.mu.Unlock()
	if fate < 25 { // it took the event, and its answer is lost
		panic(http.ErrAbortHandler)
	}
}

func (l *ledger) fault(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, text)
}

// Ten thousand events to an endpoint that fails at random, while the process crashes again and again: every event comes at
// least once, and none before the one before it of its subject.
func TestNothingIsLostOrOutOfOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const subjects, each, crashes = 500, 20, 4
		const events = subjects * each
		w := newWorld(t, Limits{PerTarget: 32})
		defer w.close()
		l := &ledger{chance: rand.New(rand.NewPCG(1, 2)), next: make([]int, subjects), step: events / (crashes + 1), signals: make(chan int, crashes+1)}
		w.network.serve("shop.example", l.ServeHTTP)
		w.endpoint("shop.example")
		for n := range each {
			for from := 0; from < subjects; from += 100 {
				var c payments.Change
				for subject := range 100 {
					c.Events = append(c.Events, event(from+subject, n))
				}
				w.apply(c)
			}
		}
		for accepted := range l.signals {
			if accepted == events {
				break
			}
			w.crash()
		}
		// What was accepted and not answered comes again: after a long while, if many tries of it had failed before.
		left := true
		for hours := 0; left && hours < 80; hours++ {
			w.lapse(time.Hour)
			var err error
			if _, left, err = w.store.OldestDelivery(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for subject, next := range l.next {
			if next != each {
				t.Errorf("subject %d has %d of %d events", subject, next, each)
			}
		}
		for _, fault := range l.faults {
			t.Error(fault)
		}
		if left {
			t.Error("deliveries are left")
		}
		t.Logf("%d events, %d crashes: %d duplicates", l.accepted, crashes, l.duplicates)
	})
}

// An event whose delivery was answered and not written, because the process died in between, is delivered again.
func TestCrashBeforeTheMark(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		var box inbox
		w.network.serve("shop.example", box.ServeHTTP)
		w.endpoint("shop.example")
		w.life.loseEnds.Store(1)
		fired := w.fire()
		synctest.Wait()
		if got := box.all(); len(got) != 1 {
			t.Fatalf("%d requests", len(got))
		}
		w.crash()
		synctest.Wait()
		if got := box.all(); len(got) != 1 {
			t.Fatalf("%d requests while the dead process's lease runs", len(got))
		}
		w.lapse(deliveryLease + defaultPoll)
		got := box.all()
		if len(got) != 2 || got[1].header.Get("webhook-id") != fired.ID || got[0].header.Get("webhook-id") != fired.ID {
			t.Fatalf("%d requests after the lease", len(got))
		}
		if tries := w.tries(fired.ID); len(tries) != 1 || tries[0].State != payments.DeliveryDelivered {
			t.Errorf("%+v", tries)
		}
	})
}

// An endpoint that hangs takes its own share of workers and no more: while all its requests hang, another gets everything.
func TestADeadEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events = 60
		w := newWorld(t, Limits{Workers: 8})
		defer w.close()
		var hanging, ended atomic.Int64
		w.network.serve("dead.example", func(_ http.ResponseWriter, r *http.Request) {
			read(r) // until then the server does not notice that the caller is gone
			hanging.Add(1)
			<-r.Context().Done()
			ended.Add(1)
		})
		var box inbox
		w.network.serve("shop.example", box.ServeHTTP)
		w.endpoint("dead.example")
		w.endpoint("shop.example")
		for range events {
			w.fire()
		}
		synctest.Wait() // no time passes
		if len(box.all()) != events || hanging.Load() != defaultPerTarget || ended.Load() != 0 {
			t.Errorf("%d of %d delivered while %d requests hang and %d have ended", len(box.all()), events, hanging.Load(), ended.Load())
		}
		w.lapse(time.Hour)
		if most := hanging.Load() - ended.Load(); most > failingPerTarget {
			t.Errorf("%d requests hang at an endpoint that keeps failing", most)
		}
	})
}

// While the first event of a subject is tried again, its next one waits and other subjects go on.
func TestOnlyTheSubjectWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		var box inbox
		box.answer = func(n int, w http.ResponseWriter) {
			if n == 1 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}
		w.network.serve("shop.example", box.ServeHTTP)
		w.endpoint("shop.example")
		first, second, elsewhere := event(1, 1), event(1, 2), event(2, 1)
		w.apply(payments.Change{Events: []payments.Event{first}})
		synctest.Wait()
		w.apply(payments.Change{Events: []payments.Event{second, elsewhere}})
		synctest.Wait()
		if got := box.all(); len(got) != 2 || got[1].id != elsewhere.ID {
			t.Fatalf("%d requests before the retry", len(got))
		}
		w.lapse(time.Minute)
		if got := box.all(); len(got) != 4 || got[2].id != first.ID || got[3].id != second.ID {
			t.Fatalf("%d requests after the retry", len(got))
		}
	})
}

// Two instances share the work: each event is delivered once.
func TestInstancesShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events = 300
		w := newWorld(t, Limits{})
		defer w.close()
		var box inbox
		w.network.serve("shop.example", box.ServeHTTP)
		w.endpoint("shop.example")
		twin := New(Options{Store: w.store, Sealer: plainSealer{}, Transport: w.transport})
		twin.Start()
		for range events {
			w.fire()
			twin.Wake()
		}
		w.lapse(10 * time.Second)
		if err := twin.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		seen := map[string]int{}
		for _, one := range box.all() {
			seen[one.id]++
		}
		if len(seen) != events || len(box.all()) != events {
			t.Errorf("%d events in %d requests, want %d in as many", len(seen), len(box.all()), events)
		}
	})
}

// Stop waits for what is in hand; cut off by its context, it leaves it to the next process.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Limits{})
		defer w.close()
		release := make(chan struct{})
		var box inbox
		w.network.serve("shop.example", func(out http.ResponseWriter, r *http.Request) {
			box.ServeHTTP(out, r)
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
		w.endpoint("shop.example")
		cut := w.fire()
		synctest.Wait()
		ctx, cancel := contextWithTimeout(t, time.Second)
		defer cancel()
		if err := w.service.Stop(ctx); err == nil {
			t.Error("Stop must say that it did not wait to the end")
		}
		if tries := w.tries(cut.ID); len(tries) != 1 || tries[0].State != payments.DeliveryPending {
			t.Errorf("%+v", tries)
		}
		w.start()
		w.lapse(deliveryLease + defaultPoll)
		if n := len(box.all()); n != 2 {
			t.Fatalf("%d requests after the restart", n)
		}
		stopped := make(chan struct{})
		go func() { w.stop(); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Fatal("Stop did not wait for the request in hand")
		default:
		}
		close(release)
		<-stopped
		if tries := w.tries(cut.ID); tries[0].State != payments.DeliveryDelivered {
			t.Errorf("%+v", tries)
		}
	})
}
