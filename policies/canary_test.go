package policies_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router"
)

// payments of a shop in which one gateway configuration approves all and the other none.
func (i *instance) sell(many int) (arms map[payments.Arm]int) {
	arms = map[payments.Arm]int{}
	for n := range many {
		d := i.router.Decide(payments.Facts{
			ProjectID: "proj", InvoiceID: fmt.Sprint("iv_", n), Operation: payments.OpSale, Amount: payments.Money{Minor: 100_00, Currency: "PHP"}, HasCard: true, HasCVC: true,
		})
		arms[d.Arm]++
		first := d.Order()[0].GatewayConfigurationID
		i.router.Conclude(router.Conclusion{Decision: &d, Tried: []string{first}, Approved: first == alpha})
	}
	return arms
}

// TestCanaryIsStopped: a canary that does worse is stopped on every instance, is in the history with the reason, and stays stopped
// over a restart. Another policy may have a canary of its own.
func TestCanaryIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{}
		live := "canary: {file: careful.yaml, percent: 30}\n" + to(alpha, bravo)
		i := newInstance(t, s, live)
		if err := os.WriteFile(filepath.Join(filepath.Dir(i.file), "careful.yaml"), []byte(to(bravo, alpha)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := i.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := i.again(s)
		for _, each := range []*instance{i, other} {
			each.Start()
			defer each.Stop()
		}
		_, canary := i.decided()
		if version, err := i.Version(t.Context(), i.router.Config().Canary.Version); err != nil || version.Hash != i.Current().Policy {
			t.Errorf("decisions of the canary cannot be found: %v, %s", err, canary.ConfigVersion)
		}
		if arms := i.sell(10); arms[payments.ArmControl]+arms[payments.ArmCanary] != 10 || i.Current().Trial == nil {
			t.Fatalf("%v", arms)
		}
		i.sell(5_000)
		time.Sleep(time.Minute)
		synctest.Wait()
		for name, each := range map[string]*instance{"its own": i, "another": other, "a restarted": i.again(s)} {
			status := each.Current()
			if arms := each.sell(100); arms[""] != 100 || status.Stopped == nil || !strings.Contains(status.Stopped.Because, "worse in approval") || status.Trial != nil {
				t.Errorf("on %s instance: %v, %+v", name, arms, status)
			}
		}
		stopped := i.router.Config()
		r, err := i.Throw(t.Context(), policies.Target{Kind: payments.SwitchCost}, time.Now().Add(time.Hour), by("ada"))
		if must(t, r, err); i.router.Config() != stopped {
			t.Error("the configuration is put in force anew, though nothing of it has changed")
		}
		r, err = i.Withdraw(t.Context(), "cost", by("ada"))
		must(t, r, err)
		picky := i.again(s, func(o *policies.Options) { // which cannot use what comes next
			o.Compile = func(b policies.Bundle) (policies.Compiled, error) {
				if strings.Contains(b[0].Text, "percent: 40") {
					return policies.Compiled{}, errors.New("not here")
				}
				return compiler(alpha, bravo)(b)
			}
		})
		picky.Start()
		defer picky.Stop()
		if kinds := s.kinds(); kinds != "start stop throw withdraw" {
			t.Errorf("history: %s", kinds)
		}
		r, err = i.Activate(t.Context(), policies.Bundle{
			{Name: "routing.yaml", Text: "canary: {file: careful.yaml, percent: 40}\n" + to(alpha, bravo)}, {Name: "careful.yaml", Text: to(bravo)},
		}, by("ada"))
		must(t, r, err)
		if arms := i.sell(100); arms[payments.ArmCanary] == 0 || i.Current().Stopped != nil {
			t.Errorf("the canary of another policy: %v", arms)
		}
		time.Sleep(time.Minute)
		if arms := picky.sell(100); arms[""] != 100 || picky.Current().Behind == nil {
			t.Errorf("an instance that cannot follow has begun the stopped canary anew: %v", arms)
		}
		i.TrialEnded(router.TrialReport{Control: "of a policy that is gone"})
		time.Sleep(time.Minute)
		if i.Current().Stopped != nil {
			t.Error("the end of an old trial has stopped a new one")
		}
	})
}

// TestCanarysEndIsRecordedLater: a store that does not take the end of a canary is asked again.
func TestCanarysEndIsRecordedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{}
		i := newInstance(t, s, "canary: {file: careful.yaml, percent: 30}\n"+to(alpha, bravo))
		if err := os.WriteFile(filepath.Join(filepath.Dir(i.file), "careful.yaml"), []byte(to(bravo, alpha)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := i.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		var refused atomic.Int64
		s.before = func(payments.Change) error {
			if refused.Add(1) > 2 {
				return nil
			}
			return errors.New("the disk is full")
		}
		i.Start()
		defer i.Stop()
		i.sell(5_000)
		time.Sleep(time.Minute)
		if kinds := s.kinds(); kinds != "start stop" || i.Current().Stopped == nil {
			t.Errorf("history: %s, stopped: %+v", kinds, i.Current().Stopped)
		}
	})
}
