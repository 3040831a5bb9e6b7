package tokens_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
	"switchyard/tokens"
)

func TestClaims(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	claim := &payments.ClaimRequest{Scope: "private POST /customers/c/tokens", Key: "k", Fingerprint: []byte("f")}
	r := b.request(c, "", false)
	r.Claim = claim
	p, err := b.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := b.Commit(t.Context(), p, nil) // the request's own claim
	if err != nil {
		t.Fatal(err)
	}
	kept := b.store.claims[payments.ClaimKey{ProjectID: project, Scope: claim.Scope, Key: "k"}]
	if diff := cmp.Diff(answer, *kept.Snapshot); diff != "" || string(kept.Fingerprint) != "f" || !kept.CreatedAt.Equal(noon) {
		t.Errorf("claim %+v: %s", kept, diff)
	}
	card := b.card(t)
	if p, err = b.Create(t.Context(), b.request(c, card.ID, false)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), p, claim); err != payments.ErrClaimed { //nolint:errorlint // as it is
		t.Errorf("got %v, want ErrClaimed itself", err)
	}
	if b.store.cards[id{project, card.ID}].UsedBy != "" || !b.vault.HasCVC(t.Context(), project, card.ID) {
		t.Error("a replay has taken the card")
	}
}

func TestCommitRefusesWhatIsToBeVerified(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, err := b.Create(t.Context(), b.request(b.customer(t), b.card(t).ID, true))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Commit(t.Context(), p, nil)
	wantCode(t, err, payments.CodeStillProcessing)
	if len(b.store.tokens) != 0 {
		t.Error("written")
	}
}

func TestCommitDecidesAgainAfterAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.customer(t)
	p, err := b.Create(t.Context(), b.request(c, b.card(t).ID, false))
	if err != nil {
		t.Fatal(err)
	}
	first := b.token(t, c, "", false) // becomes the default in between
	answer, err := b.Commit(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Customer.DefaultTokenID != first.ID || answer.Customer.Version != 3 {
		t.Errorf("customer %+v", answer.Customer)
	}
	var none tokens.Prepared
	_, err = none.Again(t.Context())
	wantCode(t, err, payments.CodeStillProcessing)
}
