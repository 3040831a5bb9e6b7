package policies_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router/rules"
)

var (
	toAlpha = to(alpha)
	toBravo = to(bravo)
	toBoth  = to(bravo, alpha)
)

func wantRefusal(t *testing.T, err error, kind policies.ErrorKind, words ...string) {
	t.Helper()
	refused, ok := errors.AsType[*policies.Error](err)
	if !ok || refused.Kind != kind {
		t.Errorf("error %v, want a refusal of the kind %s", err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(refused.Text, w) {
			t.Errorf("the refusal %q does not say %q", refused.Text, w)
		}
	}
}

// TestStart: which policy is in force after a start.
func TestStart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		first  string // the file at the first start
		done   func(*instance)
		second string // the file at the second start
		want   string
		kinds  string
	}{
		{"the file's, the first time", toAlpha, func(*instance) {}, toAlpha, toAlpha, "start"},
		{"none without a file", "", func(*instance) {}, "", "", "start"},
		{"the file's when it has changed", toAlpha, func(*instance) {}, toBravo, toBravo, "start file"},
		{"the same when a comment has changed", toAlpha, func(*instance) {}, "# the same\n" + toAlpha, toAlpha, "start"},
		{
			"what was activated, while the file is as it was", toAlpha,
			func(i *instance) { must2(i.Activate(i.t.Context(), bundle(toBoth), by("ada"))) }, toAlpha, toBoth, "start activate",
		},
		{
			"what was activated when the configuration names no file", "",
			func(i *instance) { must2(i.Activate(i.t.Context(), bundle(toBoth), by("ada"))) }, "", toBoth, "start activate",
		},
		{
			"the file's when it has changed since an activation", toAlpha,
			func(i *instance) { must2(i.Activate(i.t.Context(), bundle(toBoth), by("ada"))) }, toBravo, toBravo, "start activate file",
		},
		{
			"what was activated after the file was changed", toAlpha,
			func(i *instance) { i.write(toBravo); must2(i.Activate(i.t.Context(), bundle(toBoth), by("ada"))) }, toBravo, toBoth, "start activate",
		},
		{
			"the file's when it was broken at the activation", toAlpha,
			func(i *instance) { i.write("rules: ["); must2(i.Activate(i.t.Context(), bundle(toBoth), by("ada"))) }, toBravo, toBravo, "start activate file",
		},
		{
			"what is pinned, whatever the file says", toAlpha,
			func(i *instance) { must2(i.Pin(i.t.Context(), time.Now().Add(time.Hour), by("ada"))) }, toBravo, toAlpha, "start pin",
		},
		{
			"the file's once nothing is pinned any more", toAlpha,
			func(i *instance) {
				must2(i.Pin(i.t.Context(), time.Now().Add(time.Hour), by("ada")))
				must2(i.Unpin(i.t.Context(), by("ada")))
			}, toBravo, toBravo, "start pin unpin file",
		},
		{
			"what was rolled back to", toAlpha,
			func(i *instance) {
				must2(i.Activate(i.t.Context(), bundle(toBravo), by("ada")))
				must2(i.Activate(i.t.Context(), bundle(toBoth), by("ada")))
				must2(i.Rollback(i.t.Context(), "", by("grace")))
			}, toAlpha, toBravo, "start activate activate rollback",
		},
		{
			"what the file has changed to and back", toAlpha,
			func(i *instance) {
				must2(i.Activate(i.t.Context(), bundle(toBravo), by("ada")))
				i.write(toBravo)
				must2(i.Reload(i.t.Context(), by("ada")))
				i.write(toAlpha)
				must2(i.Reload(i.t.Context(), by("ada")))
			}, toAlpha, toAlpha, "start activate file file",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &fakeStore{}
			first := open(t, s, test.first)
			first.wantInForce(test.first)
			test.done(first)
			if test.second != "" {
				first.write(test.second)
			}
			second := first.again(s)
			second.wantInForce(test.want)
			if got := s.kinds(); got != test.kinds {
				t.Errorf("history %q, want %q", got, test.kinds)
			}
		})
	}
}

// must2 fails the test by a panic: its callers have none at hand.
func must2(_ policies.Result, err error) {
	if err != nil {
		panic(err)
	}
}

// TestStartWithoutTheFile: a configuration that names no file any more has no policy.
func TestStartWithoutTheFile(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	open(t, s, toAlpha)
	i := open(t, s, "")
	i.wantInForce("")
	must2(i.Rollback(t.Context(), "", by("ada")))
	i.wantInForce(toAlpha)
}

func TestActivate(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	i := open(t, s, toAlpha)
	r, err := i.Activate(t.Context(), bundle(toBravo), by("ada"))
	must(t, r, err)
	if !r.Changed || r.From != hashOf(t, toAlpha) || r.Status.By != "ada" || r.Status.Kind != payments.RoutingActivated || r.Status.Because == "" || r.Status.Since.IsZero() {
		t.Errorf("%+v", r)
	}
	if first, d := i.decided(); first != bravo || d.ConfigVersion != r.Status.ConfigVersion {
		t.Errorf("%+v", d)
	}
	r, err = i.Activate(t.Context(), bundle("# said otherwise\n"+toBravo), by("grace"))
	if must(t, r, err); r.Changed || r.Status.By != "ada" {
		t.Errorf("the same once more: %+v", r)
	}
	version, err := i.Version(t.Context(), hashOf(t, toBravo)[:8])
	if err != nil || version.By != "ada" || version.Parent != hashOf(t, toAlpha) || version.Files[0].Text != toBravo {
		t.Errorf("%+v %v", version, err)
	}
	r, err = i.ActivateVersion(t.Context(), version.Parent, by("grace"))
	if must(t, r, err); !r.Changed {
		t.Errorf("%+v", r)
	}
	i.wantInForce(toAlpha)
}

// TestRefusals: what cannot be done is refused with what to do, and changes nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	i := open(t, s, toAlpha)
	ctx, soon := t.Context(), time.Now().Add(time.Hour)
	gateway := policies.Target{Kind: payments.SwitchGateway, GatewayConfigurationID: alpha}
	for name, test := range map[string]struct {
		kind  policies.ErrorKind
		words string
		do    func() (policies.Result, error)
	}{
		"nobody":    {policies.Invalid, "by and because", func() (policies.Result, error) { return i.Activate(ctx, bundle(toBravo), policies.Order{Because: "x"}) }},
		"no reason": {policies.Invalid, "by and because", func() (policies.Result, error) { return i.Rollback(ctx, "", policies.Order{By: "ada", Because: " "}) }},
		"a long reason": {policies.Invalid, "300", func() (policies.Result, error) {
			return i.Unpin(ctx, policies.Order{By: "ada", Because: strings.Repeat("x", 301)})
		}},
		"no such version":  {policies.Missing, "/routing/versions", func() (policies.Result, error) { return i.ActivateVersion(ctx, "abcdef", by("ada")) }},
		"too short a hash": {policies.Missing, "/routing/versions", func() (policies.Result, error) { return i.ActivateVersion(ctx, hashOf(t, toAlpha)[:5], by("ada")) }},
		"nothing before":   {policies.Missing, "No policy was in force before", func() (policies.Result, error) { return i.Rollback(ctx, "", by("ada")) }},
		"another in force": {policies.Conflict, "Another policy is in force", func() (policies.Result, error) {
			return i.Activate(ctx, bundle(toBravo), policies.Order{By: "ada", Because: "x", IfCurrent: hashOf(t, toBoth)})
		}},
		"a pin without an end": {policies.Invalid, "Say until when", func() (policies.Result, error) { return i.Pin(ctx, time.Time{}, by("ada")) }},
		"a pin that is over":   {policies.Invalid, "is over", func() (policies.Result, error) { return i.Pin(ctx, time.Now(), by("ada")) }},
		"a pin for ever":       {policies.Invalid, "90 days", func() (policies.Result, error) { return i.Pin(ctx, time.Now().Add(91*24*time.Hour), by("ada")) }},
		"a switch for long": {policies.Invalid, "7 days", func() (policies.Result, error) {
			return i.Throw(ctx, gateway, time.Now().Add(8*24*time.Hour), by("ada"))
		}},
		"a switch without reason": {policies.Invalid, "by and because", func() (policies.Result, error) { return i.Throw(ctx, gateway, soon, policies.Order{}) }},
		"an unknown gateway": {policies.Invalid, `no gateway configuration "nobody"`, func() (policies.Result, error) {
			return i.Throw(ctx, policies.Target{Kind: payments.SwitchGateway, GatewayConfigurationID: "nobody"}, soon, by("ada"))
		}},
		"an unknown method": {policies.Invalid, "card, page or token", func() (policies.Result, error) {
			return i.Throw(ctx, policies.Target{Kind: payments.SwitchMethod, GatewayConfigurationID: alpha, Method: "cash"}, soon, by("ada"))
		}},
		"an unknown kind": {policies.Invalid, "learning, exploration, cost and cascades", func() (policies.Result, error) {
			return i.Throw(ctx, policies.Target{Kind: "all"}, soon, by("ada"))
		}},
		"a gateway for learning": {policies.Invalid, "names no gateway", func() (policies.Result, error) {
			return i.Throw(ctx, policies.Target{Kind: payments.SwitchLearning, GatewayConfigurationID: alpha}, soon, by("ada"))
		}},
		"a switch that is not thrown": {policies.Missing, "GET /routing", func() (policies.Result, error) { return i.Withdraw(ctx, "gateway:"+alpha, by("ada")) }},
	} {
		_, err := test.do()
		if err == nil {
			t.Errorf("%s: done", name)
			continue
		}
		wantRefusal(t, err, test.kind, test.words)
	}
	if _, err := i.Activate(ctx, bundle("default: {priority: [nobody]}\n"), by("ada")); err == nil {
		t.Error("a policy with faults went live")
	} else if faults, ok := errors.AsType[rules.Faults](err); !ok || faults[0].Line != 1 {
		t.Errorf("%v", err)
	}
	i.wantInForce(toAlpha)
	if got := s.kinds(); got != "start" {
		t.Errorf("history %q", got)
	}
}

// TestRollbackGoesFurtherBack: one rollback after another does not bring the policy back that was left.
func TestRollbackGoesFurtherBack(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	i := open(t, s, toAlpha)
	for _, text := range []string{toBravo, toBoth} {
		r, err := i.Activate(t.Context(), bundle(text), by("ada"))
		must(t, r, err)
	}
	for _, want := range []string{toBravo, toAlpha} {
		r, err := i.Rollback(t.Context(), "", by("grace"))
		must(t, r, err)
		i.wantInForce(want)
	}
	_, err := i.Rollback(t.Context(), "", by("grace"))
	wantRefusal(t, err, policies.Missing)
	r, err := i.Rollback(t.Context(), hashOf(t, toBoth), by("grace"))
	must(t, r, err)
	i.wantInForce(toBoth)
}

// TestHistory: who, when, why and from what, one entry for each decision.
func TestHistory(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	i := open(t, s, toAlpha)
	end := time.Now().Add(time.Hour).UTC()
	target := policies.Target{Kind: payments.SwitchMethod, GatewayConfigurationID: alpha, Method: "card"}
	for range 2 { // the second time, all but pin and unpin is so already
		r, err := i.Activate(t.Context(), bundle(toBravo), by("ada"))
		must(t, r, err)
		r, err = i.Throw(t.Context(), target, end, by("grace"))
		must(t, r, err)
	}
	r, err := i.Pin(t.Context(), end, by("ada"))
	must(t, r, err)
	_, err = i.Activate(t.Context(), bundle(toBoth), by("grace"))
	wantRefusal(t, err, policies.Conflict, "pinned until", "by ada", "Unpin it")
	_, err = i.Rollback(t.Context(), "", by("grace"))
	wantRefusal(t, err, policies.Conflict, "pinned until")
	r, err = i.Unpin(t.Context(), by("ada"))
	must(t, r, err)
	r, err = i.Withdraw(t.Context(), target.ID(), by("ada"))
	must(t, r, err)

	list, err := i.History(t.Context(), 0, 100)
	if err != nil || len(list) != 6 || s.kinds() != "start activate throw pin unpin withdraw" {
		t.Fatalf("%s: %+v %v", s.kinds(), list, err)
	}
	thrown, activated := list[3], list[4]
	if thrown.Switch != "method:"+alpha+":card" || !thrown.Until.Equal(end) || thrown.By != "grace" || thrown.Because != "a test of grace" || thrown.At.IsZero() {
		t.Errorf("%+v", thrown)
	}
	if activated.From != hashOf(t, toAlpha) || activated.Hash != hashOf(t, toBravo) || activated.Seq != 2 {
		t.Errorf("%+v", activated)
	}
	if older, err := i.History(t.Context(), 3, 1); err != nil || len(older) != 1 || older[0].Seq != 2 {
		t.Errorf("%+v %v", older, err)
	}
	if versions, err := i.Versions(t.Context(), "", 10); err != nil || len(versions) != 2 || versions[0].Hash != hashOf(t, toBravo) {
		t.Errorf("%+v %v", versions, err)
	}
}

// TestReload: whatever is wrong with the file leaves what is in force in force, and is said until it is put right.
func TestReload(t *testing.T) {
	t.Parallel()
	s := &fakeStore{}
	var log bytes.Buffer
	i := open(t, s, toAlpha, func(o *policies.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	i.write("default: {priority: [nobody]}\n")
	_, err := i.Reload(t.Context(), by("ada"))
	if _, ok := errors.AsType[rules.Faults](err); !ok {
		t.Errorf("%v", err)
	}
	i.wantInForce(toAlpha)
	failed := i.Current().LastReload
	if failed == nil || len(failed.Faults) != 1 || i.ReloadFailures() != 1 {
		t.Fatalf("%+v", i.Current())
	}
	if !strings.Contains(log.String(), "file=routing.yaml line=1 column=22 code=unknown-gateway") {
		t.Errorf("the log does not say where:\n%s", log.String())
	}
	i.write("shadow: {file: candidate.yaml}\n" + toAlpha)
	_, err = i.Reload(t.Context(), by("ada"))
	wantRefusal(t, err, policies.Unread, "candidate.yaml")
	if failed := i.Current().LastReload; failed == nil || !strings.Contains(failed.Reason, "candidate.yaml") {
		t.Errorf("%+v", failed)
	}

	i.write(toBravo)
	r, err := i.Reload(t.Context(), by("ada"))
	if must(t, r, err); !r.Changed || i.Current().LastReload != nil || r.Status.LastReload != nil {
		t.Errorf("%+v", r)
	}
	i.wantInForce(toBravo)
	r, err = i.Reload(t.Context(), by("ada"))
	if must(t, r, err); r.Changed {
		t.Errorf("an unchanged file: %+v", r)
	}
	r, err = i.Activate(t.Context(), bundle(toBoth), by("grace"))
	must(t, r, err)
	r, err = i.Reload(t.Context(), by("ada"))
	if must(t, r, err); r.Changed {
		t.Errorf("an operator's policy was lost to a file that has not changed: %+v", r)
	}
	r, err = i.Pin(t.Context(), time.Now().Add(time.Hour), by("grace"))
	must(t, r, err)
	i.write(toAlpha)
	_, err = i.Reload(t.Context(), by("ada"))
	wantRefusal(t, err, policies.Conflict, "pinned")
	i.wantInForce(toBoth)

	_, err = open(t, &fakeStore{}, "").Reload(t.Context(), by("ada"))
	wantRefusal(t, err, policies.Invalid, "routing.rules")
}

// TestDifferences: what would change, from the policy in force or from a version.
func TestDifferences(t *testing.T) {
	t.Parallel()
	i := open(t, &fakeStore{}, toAlpha)
	from, changes, err := i.Differences(t.Context(), "", bundle(toBravo))
	if err != nil || from != hashOf(t, toAlpha) || len(changes) == 0 {
		t.Errorf("%s %q %v", from, changes, err)
	}
	if _, changes, err = i.Differences(t.Context(), hashOf(t, toAlpha), bundle(toAlpha)); err != nil || len(changes) != 0 {
		t.Errorf("%q %v", changes, err)
	}
	none := open(t, &fakeStore{}, "")
	if _, changes, err = none.Differences(t.Context(), "", bundle(toAlpha)); err != nil || len(changes) != 1 || !strings.Contains(changes[0], "no policy before") {
		t.Errorf("%q %v", changes, err)
	}
	if c, err := i.Check(bundle(toBravo)); err != nil || c.Hash != hashOf(t, toBravo) {
		t.Errorf("%+v %v", c, err)
	}
	i.wantInForce(toAlpha)
}
