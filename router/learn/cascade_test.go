package learn

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"switchyard/payments"
)

var cascadeCodes = map[payments.Code]payments.Class{
	payments.GatewayNetworkError: payments.ClassCascade, payments.CardDoNotHonor: payments.ClassCascadeOnce,
	payments.CardIssuerDown: payments.ClassCascadeOnce, payments.GatewayConfigurationError: payments.ClassConfig,
}

func TestChanceBeforeEvidence(t *testing.T) {
	t.Parallel()
	for code, want := range map[payments.Code]float64{
		payments.GatewayNetworkError: 0.85, payments.CardDoNotHonor: 0.15, payments.CardIssuerDown: 0.35, payments.CardIssuerFailed: 0.35,
		payments.CardIssuerMaintenance: 0.35, payments.CardIssuerMalfunction: 0.35, payments.GatewayConfigurationError: 0.85,
	} {
		class := code.Info().Class
		if got := NewCascades().Chance(code, class, "a", "b"); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
}

// TestChanceFollowsEvidence: what is seen at a pair moves it most, others like it less, and other setbacks not at all.
func TestChanceFollowsEvidence(t *testing.T) {
	t.Parallel()
	c := NewCascades()
	const class = payments.ClassCascadeOnce
	for range 200 {
		c.Observe(payments.CardDoNotHonor, class, "a", "b", true)
	}
	pair, back := c.Chance(payments.CardDoNotHonor, class, "a", "b"), c.Chance(payments.CardDoNotHonor, class, "b", "a")
	if pair < 0.97 || back >= pair || back < 0.5 || c.Chance(payments.CardIssuerDown, class, "a", "b") != 0.35 {
		t.Errorf("the pair %v, the way back %v", pair, back)
	}
	for range 2000 {
		c.Observe(payments.CardDoNotHonor, class, "a", "b", false)
	}
	if got := c.Chance(payments.CardDoNotHonor, class, "a", "b"); got > 0.05 {
		t.Errorf("%v after it has stopped to work for long", got)
	}
}

func TestCascadeProperties(t *testing.T) {
	t.Parallel()
	codes := []payments.Code{payments.GatewayNetworkError, payments.CardDoNotHonor, payments.CardIssuerDown, payments.GatewayConfigurationError}
	rapid.Check(t, func(t *rapid.T) {
		c := NewCascades()
		name := rapid.SampledFrom([]string{"a", "b", "c"})
		for range rapid.IntRange(0, 300).Draw(t, "tries") {
			code := rapid.SampledFrom(codes).Draw(t, "code")
			from, to := name.Draw(t, "from"), name.Draw(t, "to")
			before := c.Chance(code, cascadeCodes[code], from, to)
			good := rapid.Bool().Draw(t, "approved")
			c.Observe(code, cascadeCodes[code], from, to, good)
			after := c.Chance(code, cascadeCodes[code], from, to)
			if after <= 0 || after >= 1 || good && after < before-1e-3 || !good && after > before+1e-3 {
				t.Fatalf("%v became %v after %v", before, after, good)
			}
		}
		var text, again bytes.Buffer
		if err := c.Save(&text); err != nil {
			t.Fatal(err)
		}
		loaded := NewCascades()
		loaded.Observe(payments.CardDoNotHonor, payments.ClassCascadeOnce, "x", "y", true) // goes away
		if err := loaded.Load(bytes.NewReader(text.Bytes())); err != nil {
			t.Fatal(err)
		}
		if err := loaded.Save(&again); err != nil || again.String() != text.String() {
			t.Fatalf("%v: what was loaded is saved as something else", err)
		}
	})
}

func TestLoadRefusesCascades(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{", "[]", `{"version":2}`, `{"version":1,"more":1}`, `{"version":1,"all":{"nothing":[1,1]}}`, `{"version":1,"all":{"refused":[-1,1]}}`,
		`{"version":1,"all":{"refused":[4000,4000]}}`, `{"version":1,"pairs":[{"after":"x","from":"a","to":"b","seen":[1,1]}]}`,
		`{"version":1,"pairs":[{"after":"refused","from":"a","to":"b","seen":[900,900]}]}`,
	} {
		c := NewCascades()
		c.Observe(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b", true)
		before := c.Chance(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b")
		if err := c.Load(strings.NewReader(text)); !errors.Is(err, ErrState) {
			t.Errorf("%s: %v", text, err)
		}
		if c.Chance(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b") != before {
			t.Errorf("%s has changed what was learnt", text)
		}
	}
}

// TestManyCascadesAreKept: what has been learnt of more second tries than are remembered can be saved and loaded, whatever rounding has
// added to it.
func TestManyCascadesAreKept(t *testing.T) {
	t.Parallel()
	c := NewCascades()
	for i := range 300_000 {
		c.Observe(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b", i%7 == 0)
	}
	var state bytes.Buffer
	if err := c.Save(&state); err != nil {
		t.Fatal(err)
	}
	if err := NewCascades().Load(&state); err != nil {
		t.Error(err)
	}
}

func FuzzLoadCascades(f *testing.F) {
	f.Add(`{"version":1,"all":{"refused":[1,2]},"pairs":[{"after":"refused","from":"a","to":"b","seen":[1,1]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		c := NewCascades()
		if c.Load(strings.NewReader(text)) != nil {
			return
		}
		for code, class := range cascadeCodes {
			if got := c.Chance(code, class, "a", "b"); !(got > 0 && got < 1) {
				t.Errorf("%s has a chance of %v", code, got)
			}
		}
	})
}

func TestCascadesAreShared(t *testing.T) {
	t.Parallel()
	c := NewCascades()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				c.Observe(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b", true)
				c.Chance(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b")
				_ = c.Save(&bytes.Buffer{})
			}
		})
	}
	group.Wait()
}

// TestCascadesByOperators: what was seen can be looked at, forgotten of one gateway configuration, and forgotten as a whole.
func TestCascadesByOperators(t *testing.T) {
	t.Parallel()
	c := NewCascades()
	for range 50 {
		c.Observe(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b", true)
		c.Observe(payments.CardDoNotHonor, payments.ClassCascadeOnce, "c", "d", false)
	}
	list := c.Inspect()
	if len(list) != 2 || list[0].From != "a" || list[0].Seen < 45 || list[0].Chance < 0.7 || list[1].To != "d" || list[1].Chance > 0.2 {
		t.Errorf("%+v", list)
	}
	if c.ResetGateway("e") || !c.ResetGateway("b") || c.ResetGateway("b") || len(c.Inspect()) != 1 {
		t.Errorf("after the reset of one: %+v", c.Inspect())
	}
	if c.Reset(); len(c.Inspect()) != 0 || c.Chance(payments.CardDoNotHonor, payments.ClassCascadeOnce, "a", "b") != 0.15 {
		t.Errorf("after the reset: %+v", c.Inspect())
	}
}
