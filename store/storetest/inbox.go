package storetest

import (
	"testing"

	"switchyard/payments"
)

func inbox(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"a webhook is kept as it came":        inboundIsKept,
		"an event comes once":                 inboundComesOnce,
		"attempts are found by a PSP's names": attemptsAreNamed,
	})
}

const gateway = "gway_conf_suite"

func inbound(id, event string) payments.InboundWebhook {
	return payments.InboundWebhook{
		ID: id, GatewayConfigurationID: gateway, PSP: "psp", EventKey: event, Version: 1, State: payments.InboundReceived,
		Notice: payments.Notice{EventID: event, Type: "paid", Reference: "reference", Refs: payments.ProviderRefs{Session: "session"}},
		Body:   []byte(`{"paid": true}`), ReceivedAt: epoch,
	}
}

func inboundIsKept(t *testing.T, s Store) {
	first, second := inbound("whin_1", "evt_1"), inbound("whin_2", "evt_2")
	mustApply(t, s, payments.Change{Inbound: []payments.InboundWebhook{first}})
	mustApply(t, s, payments.Change{Inbound: []payments.InboundWebhook{second}})
	got, err := s.InboundWebhook(t.Context(), first.ID)
	wantValue(t, "webhook", got, err, first)
	first.Version, first.State, first.Result, first.AppliedAt = 2, payments.InboundApplied, "asked", epoch
	mustApply(t, s, payments.Change{Inbound: []payments.InboundWebhook{first}})
	wantError(t, "a version that is not the next", s.Apply(t.Context(), payments.Change{Inbound: []payments.InboundWebhook{first}}), payments.ErrConflict)
	listed, err := s.InboundWebhooks(t.Context(), gateway, payments.Page{Limit: 10})
	wantValue(t, "webhooks, newest first", listed.Items, err, []payments.InboundWebhook{second, first})
	listed, err = s.InboundWebhooks(t.Context(), "gway_conf_other", payments.Page{Limit: 10})
	if err != nil || len(listed.Items) != 0 {
		t.Errorf("another gateway configuration sees %d webhooks (%v)", len(listed.Items), err)
	}
	_, err = s.InboundWebhook(t.Context(), "whin_none")
	wantError(t, "no webhook", err, payments.ErrNotFound)
}

func inboundComesOnce(t *testing.T, s Store) {
	mustApply(t, s, payments.Change{Inbound: []payments.InboundWebhook{inbound("whin_1", "evt_1")}})
	wantError(t, "the same event", s.Apply(t.Context(), payments.Change{Inbound: []payments.InboundWebhook{inbound("whin_2", "evt_1")}}), payments.ErrDuplicate)
	elsewhere := inbound("whin_3", "evt_1")
	elsewhere.GatewayConfigurationID = "gway_conf_other"
	mustApply(t, s, payments.Change{Inbound: []payments.InboundWebhook{elsewhere}})
}

func attemptsAreNamed(t *testing.T, s Store) {
	c := Sample(project, "a")
	a := &c.Attempts[0]
	a.GatewayConfigurationID, a.Reference, a.Refs.Session = gateway, "reference1", ""
	mustApply(t, s, c)
	find := func(reference, session string) int {
		t.Helper()
		found, err := s.AttemptsNamed(t.Context(), gateway, reference, session)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if find("reference1", "") != 1 || find("", "session1") != 0 || find("", "") != 0 || find("reference2", "") != 0 {
		t.Error("attempts are not found by our reference, or by nothing")
	}
	learnt := *a
	learnt.Version, learnt.Refs.Session = 2, "session1"
	mustApply(t, s, payments.Change{Attempts: []payments.Attempt{learnt}})
	if find("", "session1") != 1 || find("reference1", "session1") != 1 {
		t.Error("an attempt is not found by the session that it learnt later, or twice by both names")
	}
}
