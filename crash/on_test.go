//go:build crash

package crash

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		ok   bool
	}{
		{"", true},
		{"after-intent", true},
		{"after-intent:3", true},
		{"random:7:0.25", true},
		{"after-intent:0", false},
		{"after-intent:x", false},
		{"after-intent:1:2", false},
		{"nowhere:1", false},
		{"random:7", false},
		{"random:7:1.5", false},
		{"random:-1:0.5", false},
	} {
		if _, err := parse(tc.text); (err == nil) != tc.ok {
			t.Errorf("%q: error %v", tc.text, err)
		}
	}
}

// deaths passes the point many times, and says at which passings the process would have died.
func deaths(t *testing.T, text string) []int {
	t.Helper()
	p, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	n := 0
	p.die = func(string) { at = append(at, n) }
	for n = 1; n <= 100; n++ {
		p.pass(AfterIntent)
		p.pass(BeforeNote)
	}
	return at
}

func TestDeaths(t *testing.T) {
	t.Parallel()
	if got := deaths(t, "after-intent:3"); !slices.Equal(got, []int{3}) {
		t.Errorf("died at passings %v, want the third alone", got)
	}
	if got := deaths(t, ""); got != nil {
		t.Errorf("died at %v without being told to", got)
	}
	one, again, other := deaths(t, "random:1:0.1"), deaths(t, "random:1:0.1"), deaths(t, "random:2:0.1")
	if len(one) == 0 || !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Errorf("a seed's deaths are not its own: %v, %v, %v", one, again, other)
	}
}
