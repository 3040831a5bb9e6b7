package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

func tries(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"tries with a card are read by card":         triesAreReadByCard,
		"a try is counted once":                      triesAreCountedOnce,
		"old tries are pruned":                       oldTriesArePruned,
		"a try is written with its outcome, or not":  triesGoWithTheirChange,
		"a card that is tried all the time is bound": triesReadAreBounded,
	})
}

// try is a declined try with a card, so long after the epoch.
func try(projectID, card, attempt string, after time.Duration) payments.CardTry {
	return payments.CardTry{
		ProjectID: projectID, CardKey: card, AttemptID: attempt, GatewayConfigurationID: gateway, Code: payments.CardLost, At: epoch.Add(after),
		NeverUntil: epoch.Add(time.Hour), LaterUntil: epoch.Add(time.Minute), Words: "why" + oddText,
	}
}

func triesAreReadByCard(t *testing.T, s Store) {
	first, second := try(project, "card", "a", 0), try(project, "card", "b", time.Second)
	second.NeverUntil, second.LaterUntil, second.Words = time.Time{}, time.Time{}, ""
	mustApply(t, s, payments.Change{CardTries: []payments.CardTry{first, second, try(other, "card", "c", 0), try(project, "another", "d", 0)}})
	for since, want := range map[time.Duration][]payments.CardTry{-1: {second, first}, 0: {second}, time.Second: nil} {
		got, err := s.CardTries(t.Context(), project, "card", epoch.Add(since))
		wantValue(t, fmt.Sprint("tries after ", since), got, err, want)
	}
}

func triesAreCountedOnce(t *testing.T, s Store) {
	one := try(project, "card", "a", 0)
	mustApply(t, s, payments.Change{CardTries: []payments.CardTry{one, one}})
	mustApply(t, s, payments.Change{CardTries: []payments.CardTry{one}})
	got, err := s.CardTries(t.Context(), project, "card", time.Time{})
	wantValue(t, "tries", got, err, []payments.CardTry{one})
}

func triesGoWithTheirChange(t *testing.T, s Store) {
	mustApply(t, s, Sample(project, "there"))
	stale := Sample(project, "there").Attempts[0]
	stale.Version = 7
	err := s.Apply(t.Context(), payments.Change{CardTries: []payments.CardTry{try(project, "card", stale.ID, 0)}, Attempts: []payments.Attempt{stale}})
	wantError(t, "a stale attempt", err, payments.ErrConflict)
	got, err := s.CardTries(t.Context(), project, "card", time.Time{})
	wantValue(t, "tries", got, err, []payments.CardTry(nil))
}

func triesReadAreBounded(t *testing.T, s Store) {
	const many, most = 130, 100
	var c payments.Change
	for i := range many {
		c.CardTries = append(c.CardTries, try(project, "card", fmt.Sprint(i), time.Duration(i)))
	}
	mustApply(t, s, c)
	got, err := s.CardTries(t.Context(), project, "card", time.Time{})
	if err != nil || len(got) != most || got[0].At != epoch.Add(many-1) {
		t.Errorf("%d tries, the newest of %v: %v", len(got), got[:1], err)
	}
}

func oldTriesArePruned(t *testing.T, s Store) {
	const many = 1100 // more than an implementation may delete at once
	var c payments.Change
	for i := range many {
		c.CardTries = append(c.CardTries, try(project, fmt.Sprint("card ", i%7), fmt.Sprint(i), -1))
	}
	kept := try(project, "card 0", "young", 0)
	c.CardTries = append(c.CardTries, kept)
	mustApply(t, s, c)
	n, err := s.PruneCardTries(t.Context(), epoch)
	wantValue(t, "pruned", n, err, many)
	got, err := s.CardTries(t.Context(), project, "card 0", time.Time{})
	if diff := cmp.Diff([]payments.CardTry{kept}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
