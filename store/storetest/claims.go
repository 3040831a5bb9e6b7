package storetest

import (
	"fmt"
	"testing"
	"time"

	"switchyard/payments"
)

// claims is what idempotency rests on.
func claims(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, Store){
		"a key is claimed once":          keyIsClaimedOnce,
		"a taken key is heard of first":  takenKeyFirst,
		"the first answer stays":         firstAnswerStays,
		"an answer may come at once":     answerAtOnce,
		"an open key is released":        keyIsReleased,
		"old answered claims are pruned": oldClaimsArePruned,
	})
}

func claimKey(key string) payments.ClaimKey {
	return payments.ClaimKey{ProjectID: project, Scope: "private POST /invoices", Key: key}
}

func keyIsClaimedOnce(t *testing.T, s Store) {
	claim := payments.Claim{ClaimKey: claimKey("k"), Fingerprint: []byte("first"), CreatedAt: epoch}
	mustApply(t, s, payments.Change{Claim: &claim})
	twin := claim
	twin.Fingerprint = []byte("second")
	wantError(t, "the same key", s.Apply(t.Context(), payments.Change{Claim: &twin}), payments.ErrClaimed)
	got, err := s.Claim(t.Context(), claim.ClaimKey)
	wantValue(t, "claim", got, err, claim)
	for _, key := range []payments.ClaimKey{
		{ProjectID: other, Scope: claim.Scope, Key: claim.Key},
		{ProjectID: project, Scope: "public POST /invoices", Key: claim.Key},
		{ProjectID: project, Scope: claim.Scope, Key: "K"},
	} {
		mustApply(t, s, payments.Change{Claim: &payments.Claim{ClaimKey: key, CreatedAt: epoch}})
	}
}

// takenKeyFirst has a twin that comes too late for everything: it must hear of the key, to answer as the first did.
func takenKeyFirst(t *testing.T, s Store) {
	c := Sample(project, "a")
	mustApply(t, s, c)
	wantError(t, "the same change again", s.Apply(t.Context(), c), payments.ErrClaimed)
	stale := payments.Change{Claim: c.Claim, Transactions: c.Transactions}
	stale.Transactions[0].Version = 7
	wantError(t, "the same key with a stale version", s.Apply(t.Context(), stale), payments.ErrClaimed)
}

func firstAnswerStays(t *testing.T, s Store) {
	claim := payments.Claim{ClaimKey: claimKey("k"), Fingerprint: []byte("f"), AttemptID: "tr_op_a", CreatedAt: epoch}
	mustApply(t, s, payments.Change{Claim: &claim})
	first, second := Sample(project, "a").Events[0].Snapshot, payments.Snapshot{Code: "second"}
	mustApply(t, s, payments.Change{Answer: &payments.Answer{ClaimKey: claim.ClaimKey, Snapshot: first}})
	event := payments.Event{ProjectID: project, ID: "ev_a"}
	mustApply(t, s, payments.Change{ // what comes with a second answer is not lost
		Answer: &payments.Answer{ClaimKey: claim.ClaimKey, Snapshot: second},
		Events: []payments.Event{event},
	})
	mustApply(t, s, payments.Change{Answer: &payments.Answer{ClaimKey: claimKey("nobody's"), Snapshot: second}})
	claim.Snapshot = &first
	got, err := s.Claim(t.Context(), claim.ClaimKey)
	wantValue(t, "claim", got, err, claim)
	_, err = s.Claim(t.Context(), claimKey("nobody's"))
	wantError(t, "claim that was answered and never made", err, payments.ErrNotFound)
	gotEvent, err := s.Event(t.Context(), project, event.ID)
	wantValue(t, "event", gotEvent, err, event)
}

func answerAtOnce(t *testing.T, s Store) {
	claim := payments.Claim{ClaimKey: claimKey("k"), Fingerprint: []byte("f"), CreatedAt: epoch, Snapshot: &payments.Snapshot{}}
	mustApply(t, s, payments.Change{Claim: &claim})
	got, err := s.Claim(t.Context(), claim.ClaimKey)
	wantValue(t, "claim with an empty answer", got, err, claim)

	open := payments.Claim{ClaimKey: claimKey("l"), Fingerprint: []byte("f"), CreatedAt: epoch}
	answer := payments.Snapshot{Code: "card.declined"}
	mustApply(t, s, payments.Change{Claim: &open, Answer: &payments.Answer{ClaimKey: open.ClaimKey, Snapshot: answer}})
	open.Snapshot = &answer
	got, err = s.Claim(t.Context(), open.ClaimKey)
	wantValue(t, "claim and answer in one change", got, err, open)
}

func keyIsReleased(t *testing.T, s Store) {
	claim := payments.Claim{ClaimKey: claimKey("k"), Fingerprint: []byte("f"), CreatedAt: epoch}
	mustApply(t, s, payments.Change{Claim: &claim})
	mustApply(t, s, payments.Change{Release: &claim.ClaimKey})
	_, err := s.Claim(t.Context(), claim.ClaimKey)
	wantError(t, "released claim", err, payments.ErrNotFound)
	mustApply(t, s, payments.Change{Release: &claim.ClaimKey}) // nothing to release is fine
	claim.Snapshot = &payments.Snapshot{Code: "done"}
	mustApply(t, s, payments.Change{Claim: &claim}) // free again
	mustApply(t, s, payments.Change{Release: &claim.ClaimKey})
	got, err := s.Claim(t.Context(), claim.ClaimKey)
	wantValue(t, "answered claim after a release", got, err, claim)
}

func oldClaimsArePruned(t *testing.T, s Store) {
	const many = 1100 // more than an implementation may delete at once
	before := epoch.Add(-72 * time.Hour)
	done := &payments.Snapshot{Code: "done"}
	old := payments.Claim{ClaimKey: claimKey("old"), Fingerprint: []byte("f"), CreatedAt: before.Add(-1), Snapshot: done}
	waiting, young := old, old
	waiting.Key, waiting.Snapshot = "waiting", nil
	young.Key, young.CreatedAt = "young", before
	for _, claim := range []payments.Claim{old, waiting, young} {
		mustApply(t, s, payments.Change{Claim: &claim})
	}
	callers(many, func(i int) {
		claim := old
		claim.Key = fmt.Sprint("old ", i)
		if err := s.Apply(t.Context(), payments.Change{Claim: &claim}); err != nil {
			t.Errorf("claim %d: %v", i, err)
		}
	})
	n, err := s.Prune(t.Context(), before)
	wantValue(t, "pruned", n, err, many+1)
	_, err = s.Claim(t.Context(), old.ClaimKey)
	wantError(t, "pruned claim", err, payments.ErrNotFound)
	for _, kept := range []payments.Claim{waiting, young} {
		got, err := s.Claim(t.Context(), kept.ClaimKey)
		wantValue(t, "kept claim", got, err, kept)
	}
	n, err = s.Prune(t.Context(), before)
	wantValue(t, "pruned again", n, err, 0)
}
