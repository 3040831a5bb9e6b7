package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"switchyard/payments"
)

func routing(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"a version is kept as it came":      versionIsKept,
		"versions come newest first":        versionsAreListed,
		"a version is found by its names":   versionIsNamed,
		"the state has one next version":    routingStateMoves,
		"history comes newest first":        routingHistory,
		"one of many changes the state":     oneChangesRouting,
		"a lost race leaves nothing behind": lostRoutingLeavesNothing,
	})
}

func policyVersion(hash string) payments.PolicyVersion {
	return payments.PolicyVersion{
		Hash: hash, Parent: payments.NoPolicy, By: "ada", Because: oddText, CreatedAt: epoch,
		Files: []payments.PolicyFile{{Name: "routing.yaml", Text: "default: {smart: all}\n# " + oddText}, {Name: "candidate.yaml", Text: "…"}},
	}
}

func versionIsKept(t *testing.T, s Store) {
	first := policyVersion("ab12")
	mustApply(t, s, payments.Change{PolicyVersions: []payments.PolicyVersion{first}})
	again := first
	again.By, again.Files = "grace", nil
	mustApply(t, s, payments.Change{PolicyVersions: []payments.PolicyVersion{again}}) // the same meaning, later: the first stays
	mustApply(t, s, payments.Change{PolicyConfigs: []payments.PolicyConfig{
		{ConfigVersion: "later", Hash: "ab12", At: epoch.Add(time.Hour)}, {ConfigVersion: "early", Hash: "ab12", At: epoch}, {ConfigVersion: "other", Hash: "cd34", At: epoch},
	}})
	mustApply(t, s, payments.Change{PolicyConfigs: []payments.PolicyConfig{{ConfigVersion: "early", Hash: "cd34", At: epoch.Add(time.Hour)}}})
	first.ConfigVersions = []string{"early", "later"}
	got, err := s.PolicyVersion(t.Context(), "ab12")
	wantValue(t, "version", got, err, first)
	_, err = s.PolicyVersion(t.Context(), "ab")
	wantError(t, "no version", err, payments.ErrNotFound)

	mustApply(t, s, payments.Change{PolicyVersions: []payments.PolicyVersion{{Hash: payments.NoPolicy, By: "switchyard", CreatedAt: epoch}}})
	got, err = s.PolicyVersion(t.Context(), payments.NoPolicy)
	wantValue(t, "a version without files", got, err, payments.PolicyVersion{Hash: payments.NoPolicy, By: "switchyard", CreatedAt: epoch, ConfigVersions: []string{}})
}

func versionsAreListed(t *testing.T, s Store) {
	var want []payments.PolicyVersion
	for i := range 5 {
		version := policyVersion(fmt.Sprint("hash", i))
		mustApply(t, s, payments.Change{PolicyVersions: []payments.PolicyVersion{version}})
		version.Files, version.ConfigVersions = nil, []string{}
		want = append([]payments.PolicyVersion{version}, want...)
	}
	got, err := s.PolicyVersions(t.Context(), "", 3)
	wantValue(t, "the newest versions", got, err, want[:3])
	got, err = s.PolicyVersions(t.Context(), got[2].Hash, 3)
	wantValue(t, "the versions before", got, err, want[3:])
}

func versionIsNamed(t *testing.T, s Store) {
	for _, hash := range []string{"ab12", "ab34", "cd56"} {
		mustApply(t, s, payments.Change{
			PolicyVersions: []payments.PolicyVersion{policyVersion(hash)}, PolicyConfigs: []payments.PolicyConfig{{ConfigVersion: "config-" + hash, Hash: hash, At: epoch}},
		})
	}
	for name, want := range map[string][]string{"ab": {"ab12", "ab34"}, "cd5": {"cd56"}, "cd56": {"cd56"}, "config-ab34": {"ab34"}, "config": nil, "b": nil} {
		got, err := s.PolicyHashes(t.Context(), name, 5)
		wantValue(t, "versions named "+name, got, err, want)
	}
}

func routingState(version int64) payments.RoutingState {
	return payments.RoutingState{
		Version: version, FileMark: "mark", Policy: payments.PolicyChoice{Hash: "ab12", Kind: payments.RoutingActivated, Since: epoch, By: "ada", Because: oddText},
		Pin: &payments.PolicyPin{Until: epoch, By: "ada", Because: "a long weekend", At: epoch},
		Switches: []payments.KillSwitch{{
			ID: "method:gway_conf_1:card", Kind: payments.SwitchMethod, GatewayConfigurationID: "gway_conf_1", Method: "card", Until: epoch, By: "ada", Because: "late", At: epoch,
		}},
	}
}

func routingStateMoves(t *testing.T, s Store) {
	_, err := s.RoutingState(t.Context())
	wantError(t, "nothing decided", err, payments.ErrNotFound)
	for version := range int64(3) {
		state := routingState(version + 1)
		mustApply(t, s, payments.Change{Routing: &state})
		got, err := s.RoutingState(t.Context())
		wantValue(t, "state", got, err, state)
	}
	for _, version := range []int64{1, 2, 3, 5} {
		state := routingState(version)
		wantError(t, fmt.Sprint("version ", version, " after version 3"), s.Apply(t.Context(), payments.Change{Routing: &state}), payments.ErrConflict)
	}
}

func routingEvent(seq int64) payments.RoutingEvent {
	return payments.RoutingEvent{
		Seq: seq, Kind: payments.RoutingThrown, Hash: "ab12", From: "cd34", Switch: "learning", Until: epoch, By: "ada", Because: oddText, At: epoch,
	}
}

func routingHistory(t *testing.T, s Store) {
	for seq := range int64(4) {
		mustApply(t, s, payments.Change{RoutingEvents: []payments.RoutingEvent{routingEvent(seq + 1)}})
	}
	got, err := s.RoutingEvents(t.Context(), 0, 3)
	wantValue(t, "the newest events", got, err, []payments.RoutingEvent{routingEvent(4), routingEvent(3), routingEvent(2)})
	got, err = s.RoutingEvents(t.Context(), 2, 3)
	wantValue(t, "the events before", got, err, []payments.RoutingEvent{routingEvent(1)})
	wantError(t, "a number that is taken", s.Apply(t.Context(), payments.Change{RoutingEvents: []payments.RoutingEvent{routingEvent(4)}}), payments.ErrConflict)
}

func oneChangesRouting(t *testing.T, s Store) {
	const rounds = 5
	for version := range int64(rounds) {
		won := winners(t, payments.ErrConflict, func(i int) error {
			state := routingState(version + 1)
			state.FileMark = fmt.Sprint(i)
			event := routingEvent(version + 1)
			event.By = fmt.Sprint(i)
			return s.Apply(t.Context(), payments.Change{Routing: &state, RoutingEvents: []payments.RoutingEvent{event}})
		})
		if len(won) != 1 {
			t.Fatalf("%d of many have made version %d", len(won), version+1)
		}
		state, err := s.RoutingState(t.Context())
		events, errEvents := s.RoutingEvents(t.Context(), 0, 1)
		if err := errors.Join(err, errEvents); err != nil {
			t.Fatal(err)
		}
		if who := fmt.Sprint(won[0]); state.FileMark != who || events[0].By != who {
			t.Errorf("the state is of %s, the event of %s, and %s has won", state.FileMark, events[0].By, who)
		}
	}
}

func lostRoutingLeavesNothing(t *testing.T, s Store) {
	state := routingState(1)
	mustApply(t, s, payments.Change{Routing: &state})
	err := s.Apply(t.Context(), payments.Change{
		PolicyVersions: []payments.PolicyVersion{policyVersion("ab12")}, PolicyConfigs: []payments.PolicyConfig{{ConfigVersion: "config", Hash: "ab12", At: epoch}},
		Routing: &state, RoutingEvents: []payments.RoutingEvent{routingEvent(1)},
	})
	wantError(t, "a version that is there", err, payments.ErrConflict)
	if _, err := s.PolicyVersion(t.Context(), "ab12"); !errors.Is(err, payments.ErrNotFound) {
		t.Errorf("the loser's version is there (%v)", err)
	}
	if list, err := s.RoutingEvents(t.Context(), 0, 1); err != nil || len(list) != 0 {
		t.Errorf("the loser's event is there: %v (%v)", list, err)
	}
}
