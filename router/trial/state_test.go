package trial_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"switchyard/router/trial"
)

// TestStateGoesOn: a trial that is stored and taken up again says what it would have said otherwise.
func TestStateGoesOn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole, err := trial.New(trial.Settings{Minimum: 20})
		if err != nil {
			t.Fatal(err)
		}
		stored, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rapid.IntRange(0, 200).Draw(t, "payments") {
			arm := trial.Arm(i % 2)
			approved := rapid.IntRange(0, 9).Draw(t, "approved") > 5*int(arm)
			value := rapid.Int64Range(-50, 5000).Draw(t, "value")
			var part trial.Trial
			if err := json.Unmarshal(stored, &part); err != nil {
				t.Fatal(err)
			}
			if a, b := whole.Observe(arm, approved, value), part.Observe(arm, approved, value); a != b {
				t.Fatalf("%s and %s", a, b)
			}
			if diff := cmp.Diff(whole.Report(), part.Report()); diff != "" {
				t.Fatalf("(-whole +stored)\n%s", diff)
			}
			if stored, err = json.Marshal(&part); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestStateRefused(t *testing.T) {
	t.Parallel()
	const good = `{"version":1,"settings":{"alpha":0.05,"minimum":200,"effect":0.1},"arms":[[10,9,100,50],[5,5,90,0]],"decision":"go_on"}`
	var tr trial.Trial
	if err := json.Unmarshal([]byte(good), &tr); err != nil {
		t.Fatal(err)
	}
	before := tr.Report()
	for _, change := range [][2]string{
		{`"version":1`, `"version":2`},
		{`"alpha":0.05`, `"alpha":0`},
		{`"minimum":200`, `"minimum":0`},
		{`"effect":0.1`, `"effect":-1`},
		{`"decision":"go_on"`, `"decision":"maybe"`},
		{`"decision":"go_on"`, `"decision":"go_on","more":1`},
		{`[10,9,100,50]`, `[10,11,100,50]`},
		{`[10,9,100,50]`, `[10.5,9,100,50]`},
		{`[10,9,100,50]`, `[10,9,1e300,50]`},
		{`[10,9,100,50]`, `[10,9,100,-1]`},
		{`"version":1`, `"version":"1"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if err := json.Unmarshal([]byte(bad), &tr); !errors.Is(err, trial.ErrState) {
			t.Errorf("%s: error %v", change[1], err)
		}
	}
	if diff := cmp.Diff(before, tr.Report()); diff != "" {
		t.Errorf("a refused state changed the trial (-before +after)\n%s", diff)
	}
}

// FuzzState: whatever is stored, reading it neither panics nor brings about a trial that cannot go on.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"settings":{"alpha":0.05,"minimum":200,"effect":0.1},"arms":[[300,290,100,50],[205,205,90,0]],"decision":"worse","reason":"approval"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var tr trial.Trial
		if tr.UnmarshalJSON(text) != nil {
			return
		}
		tr.Observe(trial.Canary, true, 5)
		tr.Observe(trial.Control, false, -5)
		r := tr.Report()
		for _, d := range []*trial.Difference{r.Approval, r.Value} {
			if d != nil && !(d.Low <= d.Estimate && d.Estimate <= d.High) {
				t.Fatalf("%+v", r)
			}
		}
		if _, err := json.Marshal(&tr); err != nil {
			t.Fatal(err)
		}
	})
}
