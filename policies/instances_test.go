package policies_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router"
)

// TestLoserHearsWhoWon: of two who activate at the same time, the store lets one through, and the other is told who that was.
func TestLoserHearsWhoWon(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	one, two := open(t, s, toAlpha), open(t, s, toAlpha)
	overtakes := sync.OnceFunc(func() {
		r, err := two.Activate(t.Context(), bundle(toBoth), by("grace"))
		must(t, r, err)
	})
	s.before = func(c payments.Change) error { // between the read and the write of the first
		if c.Routing != nil && c.Routing.Policy.By == "ada" {
			overtakes()
		}
		return nil
	}
	_, err := one.Activate(t.Context(), bundle(toBravo), by("ada"))
	wantRefusal(t, err, policies.Conflict, "by grace", "a test of grace", hashOf(t, toBoth)[:12])
	two.wantInForce(toBoth)
	if got := s.kinds(); got != "start activate" {
		t.Errorf("history %q", got)
	}
	if _, err := one.Version(t.Context(), hashOf(t, toBravo)); err == nil {
		t.Error("the loser's version was stored")
	}

	// The same policy at the same time is one decision, and a switch meanwhile is no conflict.
	meanwhile := sync.OnceFunc(func() {
		r, err := two.Throw(t.Context(), policies.Target{Kind: payments.SwitchCost}, time.Now().Add(time.Hour), by("grace"))
		must(t, r, err)
		r, err = two.Activate(t.Context(), bundle(toBravo), by("grace"))
		must(t, r, err)
	})
	s.before = func(c payments.Change) error {
		if c.Routing.Policy.By == "ada" {
			meanwhile()
		}
		return nil
	}
	r, err := one.Activate(t.Context(), bundle(toBravo), by("ada"))
	if must(t, r, err); r.Changed || r.Status.By != "grace" || len(r.Status.Switches) != 1 {
		t.Errorf("%+v", r)
	}
	one.wantInForce(toBravo)
}

// TestFailedCommit: an activation is in force nowhere when its commit fails, and a version that a crash has left behind is
// found by the next.
func TestFailedCommit(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	i := open(t, s, toAlpha)
	full := errors.New("the disk is full")
	s.before = func(payments.Change) error { return full }
	if _, err := i.Activate(t.Context(), bundle(toBravo), by("ada")); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	s.before = nil
	i.wantInForce(toAlpha)
	left := payments.PolicyVersion{Hash: hashOf(t, toBravo), Files: bundle(toBravo), By: "grace", Because: "left behind", CreatedAt: time.Now()}
	if err := s.Apply(t.Context(), payments.Change{PolicyVersions: []payments.PolicyVersion{left}}); err != nil {
		t.Fatal(err)
	}
	i.again(s).wantInForce(toAlpha)
	r, err := i.Activate(t.Context(), bundle(toBravo), by("ada"))
	if must(t, r, err); !r.Changed {
		t.Errorf("%+v", r)
	}
	i.wantInForce(toBravo)
	if version, err := i.Version(t.Context(), left.Hash); err != nil || version.By != "grace" {
		t.Errorf("%+v %v", version, err)
	}
}

// TestInstancesConverge: what one instance decides, the others do within a few seconds.
func TestInstancesConverge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{}
		one, two := open(t, s, toAlpha), open(t, s, toAlpha)
		two.Start()
		defer two.Stop()
		r, err := one.Activate(t.Context(), bundle(toBravo), by("ada"))
		must(t, r, err)
		r, err = one.Throw(t.Context(), policies.Target{Kind: payments.SwitchGateway, GatewayConfigurationID: bravo}, time.Now().Add(time.Hour), by("ada"))
		must(t, r, err)
		two.wantInForce(toAlpha)
		time.Sleep(3 * time.Second)
		two.wantInForce(toBravo)
		if _, d := two.decided(); len(d.Order()) != 0 || two.Current().Switches[0].By != "ada" {
			t.Errorf("%+v", d)
		}

		s.mu.Lock()
		s.down = errors.New("not now")
		s.mu.Unlock()
		time.Sleep(time.Minute)
		two.wantInForce(toBravo)
		s.mu.Lock()
		s.down = nil
		s.mu.Unlock()
		r, err = one.Rollback(t.Context(), "", by("ada"))
		must(t, r, err)
		time.Sleep(3 * time.Second)
		two.wantInForce(toAlpha)
	})
}

// TestInstanceWithoutAGateway: an instance that cannot use what was decided keeps what it has, does what kill switches say, and
// says so until it can follow again. One that starts like that has the file's policy.
func TestInstanceWithoutAGateway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{}
		poor := func(o *policies.Options) { o.Compile = compiler(alpha) }
		one, two := open(t, s, toAlpha), open(t, s, toAlpha, poor)
		two.Start()
		defer two.Stop()
		r, err := one.Activate(t.Context(), bundle(toBravo), by("ada"))
		must(t, r, err)
		r, err = one.Throw(t.Context(), policies.Target{Kind: payments.SwitchGateway, GatewayConfigurationID: alpha}, time.Now().Add(time.Hour), by("ada"))
		must(t, r, err)
		time.Sleep(3 * time.Second)
		two.wantInForce(toAlpha)
		if _, d := two.decided(); len(d.Order()) != 0 {
			t.Errorf("a kill switch is not obeyed: %+v", d)
		}
		late := open(t, s, toAlpha, poor)
		for _, i := range []*instance{two, late} {
			behind := i.Current().Behind
			if behind == nil || len(behind.Faults) != 1 || !strings.Contains(behind.Reason, hashOf(t, toBravo)[:12]) {
				t.Errorf("%+v", behind)
			}
		}
		late.wantInForce(toAlpha)
		r, err = one.Rollback(t.Context(), "", by("ada"))
		must(t, r, err)
		time.Sleep(3 * time.Second)
		two.wantInForce(toAlpha)
		if behind := two.Current().Behind; behind != nil || two.Current().Kind != payments.RoutingRolledBack {
			t.Errorf("%+v", two.Current())
		}
	})
}

// TestSwitchEndsByItself: a kill switch leaves a gateway configuration out, says why in the decision, and ends at its time.
func TestSwitchEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{}
		i := open(t, s, toBoth)
		throw := func(target policies.Target, length time.Duration) {
			t.Helper()
			r, err := i.Throw(t.Context(), target, time.Now().Add(length), by("ada"))
			must(t, r, err)
		}
		throw(policies.Target{Kind: payments.SwitchGateway, GatewayConfigurationID: bravo}, time.Hour)
		throw(policies.Target{Kind: payments.SwitchMethod, GatewayConfigurationID: alpha, Method: "page"}, 2*time.Hour)
		first, d := i.decided()
		if first != alpha || !strings.Contains(fmt.Sprint(d.Candidates), "bravo is switched off until") || !strings.Contains(fmt.Sprint(d.Candidates), "a test of ada") {
			t.Errorf("%+v", d)
		}
		again := i.again(s) // a restart keeps it
		if first, d := again.decided(); first != alpha {
			t.Errorf("%+v", d)
		}
		time.Sleep(time.Hour)
		for _, i := range []*instance{i, again} {
			if first, d := i.decided(); first != bravo || len(i.Current().Switches) != 1 {
				t.Errorf("%+v %+v", d, i.Current().Switches)
			}
		}
		_, err := i.Withdraw(t.Context(), "gateway:"+bravo, by("ada"))
		wantRefusal(t, err, policies.Missing)
		throw(policies.Target{Kind: payments.SwitchCascades}, time.Hour)
		if _, d := i.decided(); len(d.Order()) != 1 {
			t.Errorf("%+v", d)
		}
		if len(s.state.Switches) != 2 {
			t.Errorf("what is over is kept: %+v", s.state.Switches)
		}
		r, err := i.Withdraw(t.Context(), "cascades", by("ada"))
		must(t, r, err)
		if _, d := i.decided(); len(d.Order()) != 2 {
			t.Errorf("%+v", d)
		}
	})
}

// TestWatch: a changed file goes live by itself once it stands still, a broken one does not, and a pin is waited for.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{}
		i := open(t, s, toAlpha, func(o *policies.Options) { o.Watch, o.Every = true, time.Second })
		i.Start()
		defer i.Stop()
		time.Sleep(time.Second / 2)                                                                     // so that nothing here happens at the moment of a look
		for _, text := range []string{toBravo + "# ha", toBravo + "# half", toBravo + "# half of it"} { // an editor that writes slowly
			i.write(text)
			time.Sleep(time.Second)
			i.wantInForce(toAlpha)
		}
		time.Sleep(2 * time.Second)
		i.wantInForce(toBravo)

		i.write("default: {priority: [nobody]}\n")
		time.Sleep(time.Minute)
		i.wantInForce(toBravo)
		if i.Current().LastReload == nil || i.ReloadFailures() != 1 {
			t.Errorf("%d failures, %+v", i.ReloadFailures(), i.Current())
		}
		if err := os.Remove(i.file); err != nil { // as an editor does that renames
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		i.wantInForce(toBravo)
		i.write(toBoth)
		time.Sleep(3 * time.Second)
		i.wantInForce(toBoth)
		if failed := i.Current().LastReload; failed != nil {
			t.Errorf("%+v", failed)
		}

		r, err := i.Pin(t.Context(), time.Now().Add(time.Hour), by("ada"))
		must(t, r, err)
		i.write(toAlpha)
		time.Sleep(59 * time.Minute)
		i.wantInForce(toBoth)
		time.Sleep(2 * time.Minute)
		i.wantInForce(toAlpha)
	})
}

// TestWatchAfterAPinnedStart: a file that was changed under a pin goes live when the pin ends, after a start under the pin as well.
func TestWatchAfterAPinnedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{}
		before := open(t, s, toAlpha)
		r, err := before.Pin(t.Context(), time.Now().Add(time.Hour), by("ada"))
		must(t, r, err)
		before.write(toBravo)
		i := before.again(s, func(o *policies.Options) { o.Watch, o.Every = true, time.Second })
		i.Start()
		defer i.Stop()
		time.Sleep(59 * time.Minute)
		i.wantInForce(toAlpha)
		time.Sleep(2 * time.Minute)
		i.wantInForce(toBravo)
	})
}

// TestManyDecide: whoever decides at the same time, on whichever instance, what was decided is one line of history, and what is in
// force is its end. Decisions go on meanwhile, each by a policy as a whole.
func TestManyDecide(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	list := []*instance{open(t, s, toAlpha), open(t, s, toAlpha)}
	texts := []string{toAlpha, toBravo, toBoth}
	first := map[string]string{} // where a payment goes, by config_version
	for n, text := range texts {
		c, err := compiler(alpha, bravo)(bundle(text))
		if err != nil {
			t.Fatal(err)
		}
		first[c.Config.Version] = []string{alpha, bravo, bravo}[n]
	}
	var payers, operators sync.WaitGroup
	stop := make(chan struct{})
	for _, i := range list {
		payers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got, d := i.decided(); first[d.ConfigVersion] != got {
					t.Errorf("%s decides for %s, want %s", d.ConfigVersion, got, first[d.ConfigVersion])
					return
				}
			}
		})
	}
	for n := range 8 {
		operators.Go(func() {
			i := list[n%len(list)]
			for round := range 20 {
				_, err := i.Activate(t.Context(), bundle(texts[(n+round)%len(texts)]), by(fmt.Sprint("operator ", n)))
				if refused, ok := errors.AsType[*policies.Error](err); err != nil && (!ok || refused.Kind != policies.Conflict) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	operators.Wait()
	close(stop)
	payers.Wait()
	wantOneLine(t, s)
	for _, i := range list {
		next := i.again(s)
		if next.Current().Policy != s.state.Policy.Hash {
			t.Errorf("%s is in force, the history ends with %s", next.Current().Policy, s.state.Policy.Hash)
		}
	}
}

// wantOneLine checks that the history is one line: numbered without gaps, each entry from where the one before has ended.
func wantOneLine(t testing.TB, s *fakeStore) {
	t.Helper()
	from := ""
	for n, e := range s.events {
		if e.Seq != int64(n+1) || e.From != from {
			t.Fatalf("entry %d has the number %d and comes from %q, the one before has ended with %q", n+1, e.Seq, e.From, from)
		}
		from = e.Hash
	}
	if s.state.Policy.Hash != from || s.state.Version != int64(len(s.events)) {
		t.Fatalf("%q is decided, version %d; the history ends with %q after %d entries", s.state.Policy.Hash, s.state.Version, from, len(s.events))
	}
}

// TestAnyOrder: whatever is done, in whatever order and wherever: the history is one line, an instance does what was decided after
// its next look, and every decision's config_version names the policy that has decided.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = anyOrder(t, rt) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// anyOrder says what is wrong after some steps, or "".
func anyOrder(t *testing.T, rt *rapid.T) string {
	s := &fakeStore{}
	list := []*instance{open(t, s, toAlpha), open(t, s, toAlpha)}
	for _, i := range list {
		i.Start()
	}
	defer func() {
		for _, i := range list {
			i.Stop()
		}
	}()
	texts := []string{toAlpha, toBravo, toBoth, "default: {priority: [nobody]}\n"}
	targets := []policies.Target{{Kind: payments.SwitchGateway, GatewayConfigurationID: alpha}, {Kind: payments.SwitchLearning}, {Kind: payments.SwitchGateway, GatewayConfigurationID: bravo}}
	for range rapid.IntRange(1, 12).Draw(rt, "steps") {
		n := rapid.IntRange(0, len(list)-1).Draw(rt, "instance")
		i, ctx := list[n], t.Context()
		text, target := rapid.SampledFrom(texts).Draw(rt, "text"), rapid.SampledFrom(targets).Draw(rt, "target")
		until := time.Now().Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "minutes")) * time.Minute)
		switch rapid.IntRange(0, 8).Draw(rt, "what") {
		case 0:
			_, _ = i.Activate(ctx, bundle(text), by("ada"))
		case 1:
			_, _ = i.Rollback(ctx, "", by("ada"))
		case 2:
			i.write(text)
			_, _ = i.Reload(ctx, by("ada"))
		case 3:
			_, _ = i.Pin(ctx, until, by("ada"))
		case 4:
			_, _ = i.Unpin(ctx, by("ada"))
		case 5:
			_, _ = i.Throw(ctx, target, until, by("ada"))
		case 6:
			_, _ = i.Withdraw(ctx, target.ID(), by("ada"))
		case 7:
			time.Sleep(30 * time.Minute)
		case 8:
			if text != texts[3] { // a broken file refuses the start
				i.write(text)
				i.Stop()
				list[n] = i.again(s)
				list[n].Start()
			}
		}
	}
	wantOneLine(t, s)
	time.Sleep(3 * time.Second)
	for _, i := range list {
		status := i.Current()
		_, d := i.decided()
		version, err := i.Version(t.Context(), d.ConfigVersion)
		if err != nil || status.Policy != s.state.Policy.Hash || version.Hash != s.state.Policy.Hash {
			return fmt.Sprintf("%s was decided, %s is in force, and a decision says %s, which is %s (%v)", s.state.Policy.Hash, status.Policy, d.ConfigVersion, version.Hash, err)
		}
		for _, k := range s.state.Switches {
			if k.Kind == payments.SwitchGateway && time.Now().Before(k.Until) != switchedOff(d, k.GatewayConfigurationID) {
				return fmt.Sprintf("%s is thrown until %s, and the decision is %+v", k.ID, k.Until, d)
			}
		}
	}
	return ""
}

func switchedOff(d payments.Decision, gateway string) bool {
	for _, c := range d.Candidates {
		if c.GatewayConfigurationID == gateway {
			return strings.Contains(c.Reason, "switched off until")
		}
	}
	return false
}

var _ policies.Router = (*router.Router)(nil)
