package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"switchyard/payments"
)

func walk(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"attempts are walked in the order of their sending": attemptsAreWalked,
		"a walk has pages of a sensible size":               walksAreBounded,
	})
}

// sentAt writes an attempt of its own payment that was sent so long after the epoch.
func sentAt(t *testing.T, s Store, projectID, gatewayID, name string, after time.Duration) string {
	t.Helper()
	c := Sample(projectID, name)
	c.Attempts = c.Attempts[:1]
	a := &c.Attempts[0]
	a.GatewayConfigurationID, a.SentAt = gatewayID, epoch.Add(after)
	mustApply(t, s, c)
	return a.ID
}

func attemptsAreWalked(t *testing.T, s Store) {
	var want []string
	sentAt(t, s, project, gateway, "early", -time.Nanosecond)
	for i, after := range []time.Duration{0, 0, 0, time.Nanosecond, time.Minute, time.Hour - time.Nanosecond} { // three at one moment
		projectID := project
		if i%2 == 1 {
			projectID = other // a gateway configuration may serve several projects
		}
		want = append(want, sentAt(t, s, projectID, gateway, fmt.Sprint("w", i), after))
	}
	sentAt(t, s, project, gateway, "late", time.Hour)
	sentAt(t, s, project, "gway_conf_other", "elsewhere", time.Minute)
	for _, limit := range []int{1, 2, 4, 100} {
		var got []string
		since, after := epoch, ""
		for {
			page, err := s.AttemptsSent(t.Context(), gateway, since, after, epoch.Add(time.Hour), limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				t.Fatalf("%d attempts on a page of %d", len(page), limit)
			}
			for _, a := range page {
				got = append(got, a.ID)
			}
			last := page[len(page)-1]
			since, after = last.SentAt, last.ID
		}
		if !slices.Equal(got, want) {
			t.Errorf("by pages of %d: %v, want %v", limit, got, want)
		}
	}
}

func walksAreBounded(t *testing.T, s Store) {
	for _, limit := range []int{0, -1, 1_000_000} {
		if _, err := s.AttemptsSent(t.Context(), gateway, epoch, "", epoch.Add(time.Hour), limit); err == nil {
			t.Errorf("a page of %d attempts was read", limit)
		}
	}
	page, err := s.AttemptsSent(t.Context(), gateway, time.Time{}, "", epoch, 10)
	wantValue(t, "a walk through nothing", page, err, []payments.Attempt(nil))
}
