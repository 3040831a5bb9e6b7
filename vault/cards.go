package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"switchyard/payments"
)

// CardInput is a card to be put into the vault.
type CardInput struct {
	ProjectID       string
	Data            payments.CardData // made by payments.NewCardData
	PreferredScheme string
	Metadata        map[string]string
	Extra           payments.Extra
	Sandbox         bool
}

// CardEdit is what may be changed of a card; nil means unchanged.
type CardEdit struct {
	PreferredScheme *string
	CVC             *string
	Metadata        map[string]string
}

// Put seals a card and holds its CVC. The snapshot has the Card. payments.ErrClaimed is returned as it is.
func (v *Vault) Put(ctx context.Context, in CardInput, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	if in.Data.Number.IsZero() {
		return payments.Snapshot{}, payments.NewError(string(payments.CardMissingNumber), "The card number is missing.")
	}
	card := payments.Card{
		ProjectID:       in.ProjectID,
		ID:              payments.NewID(payments.PrefixCard),
		Version:         1,
		Facts:           in.Data.Facts(),
		PreferredScheme: in.PreferredScheme,
		Metadata:        in.Metadata,
		Extra:           in.Extra,
		Sandbox:         in.Sandbox,
		CreatedAt:       v.now().UTC(),
	}
	card.Facts.Fingerprint = v.Fingerprint(in.Data)
	v.tell(&card.Facts, in.Data.Number)
	sealed, err := v.seal(ctx, card.ProjectID, card.ID, in.Data)
	if err != nil {
		return payments.Snapshot{}, err
	}
	answer := payments.Snapshot{Card: &card}
	change := payments.Change{
		Claim:       v.claim(card.ProjectID, claim, answer),
		Cards:       []payments.Card{card},
		SealedCards: []payments.SealedCard{sealed},
	}
	if err := v.store.Apply(ctx, change); err != nil {
		return payments.Snapshot{}, writeError(err, "put", card.ID)
	}
	if err := v.hold(ctx, card.ProjectID, card.ID, in.Data.CVC.Reveal()); err != nil {
		return payments.Snapshot{}, err
	}
	return answer, nil
}

// Update changes a card's preferred scheme or metadata, or gives it a new CVC. The snapshot has the Card. Codes of its
// errors: CodeCardNotFound, card.invalid-cvc. payments.ErrClaimed is returned as it is.
func (v *Vault) Update(ctx context.Context, projectID, cardID string, e CardEdit, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	for try := 1; ; try++ {
		answer, err := v.update(ctx, projectID, cardID, e, claim)
		if !errors.Is(err, payments.ErrConflict) || try == maxTries {
			return answer, err
		}
	}
}

func (v *Vault) update(ctx context.Context, projectID, cardID string, e CardEdit, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	card, err := v.Card(ctx, projectID, cardID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	cvc := ""
	if e.CVC != nil {
		cvc = *e.CVC
	}
	if err := checkCVC(cvc, card.Facts.Scheme); err != nil {
		return payments.Snapshot{}, err
	}
	var change payments.Change
	if e.PreferredScheme != nil || e.Metadata != nil {
		if e.PreferredScheme != nil {
			card.PreferredScheme = *e.PreferredScheme
		}
		if e.Metadata != nil {
			card.Metadata = e.Metadata
		}
		card.Facts.Fill(v.Issuer(card.Facts.IIN))
		card.Version++
		change.Cards = []payments.Card{card}
	}
	answer := payments.Snapshot{Card: &card}
	change.Claim = v.claim(projectID, claim, answer)
	if change.Claim != nil || change.Cards != nil {
		if err := v.store.Apply(ctx, change); err != nil {
			return payments.Snapshot{}, writeError(err, "update", cardID)
		}
	}
	if err := v.hold(ctx, projectID, cardID, cvc); err != nil {
		return payments.Snapshot{}, err
	}
	return answer, nil
}

// checkCVC is stricter than HoldCVC, as the card's scheme is known here; "" is no CVC.
func checkCVC(cvc string, scheme payments.Scheme) error {
	switch {
	case cvc == "":
		return nil
	case isCVC(cvc) && (len(cvc) == 3 || scheme == payments.SchemeAmex):
		return nil
	}
	return invalidCVC("The card's security code must have 3 digits, or 4 on an American Express card.")
}

// Delete anonymizes a card: its number and the holder's name are gone for good. A card that a live customer token uses is
// refused with CodeValidation. The snapshot has the Card. payments.ErrClaimed is returned as it is.
func (v *Vault) Delete(ctx context.Context, projectID, cardID string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	for try := 1; ; try++ {
		answer, err := v.delete(ctx, projectID, cardID, claim)
		if !errors.Is(err, payments.ErrConflict) || try == maxTries {
			return answer, err
		}
	}
}

func (v *Vault) delete(ctx context.Context, projectID, cardID string, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	card, err := v.Card(ctx, projectID, cardID)
	if err != nil {
		return payments.Snapshot{}, err
	}
	// Deleting a token deletes its card with it, so that a card which is still there has a token which is.
	if strings.HasPrefix(card.UsedBy, payments.PrefixToken) {
		return payments.Snapshot{}, payments.Errorf(payments.CodeValidation,
			"The card is on the customer token %s. Delete the token: that deletes the card too.", card.UsedBy)
	}
	card, key := v.Anonymize(card)
	answer := payments.Snapshot{Card: &card}
	change := payments.Change{
		Claim:        v.claim(projectID, claim, answer),
		Cards:        []payments.Card{card},
		ForgetSealed: []payments.CardKey{key},
	}
	if err := v.store.Apply(ctx, change); err != nil {
		return payments.Snapshot{}, writeError(err, "delete", cardID)
	}
	v.WipeCVC(ctx, projectID, cardID)
	return answer, nil
}

// Anonymize returns the next version of a card, deleted and without its holder's name, and the key of the number to be
// forgotten with it. It writes nothing: both go into the change of the caller, who wipes the CVC afterwards.
func (v *Vault) Anonymize(card payments.Card) (payments.Card, payments.CardKey) {
	card.Version++
	card.DeletedAt = v.now().UTC()
	card.Facts.Name = ""
	return card, payments.CardKey{ProjectID: card.ProjectID, CardID: card.ID}
}

// Rewrap seals a card again, under a new data key and the current key-encryption key, so that an old key can be retired.
// It does nothing when the card is under the current key already.
func (v *Vault) Rewrap(ctx context.Context, projectID, cardID string) error {
	for try := 1; ; try++ {
		err := v.rewrap(ctx, projectID, cardID)
		if !errors.Is(err, payments.ErrConflict) || try == maxTries {
			return err
		}
	}
}

// rewrap writes a new version of the card with the number, so that a card that is deleted meanwhile stays without one. The
// store takes the old record away before it puts the new one, in one commit.
func (v *Vault) rewrap(ctx context.Context, projectID, cardID string) error {
	card, err := v.Card(ctx, projectID, cardID)
	if err != nil {
		return err
	}
	sealed, err := v.sealed(ctx, projectID, cardID)
	if err != nil {
		return err
	}
	data, err := v.unseal(ctx, projectID, cardID, sealed)
	if err != nil {
		return err
	}
	again, err := v.seal(ctx, projectID, cardID, data)
	if err != nil || again.KeyID == sealed.KeyID {
		return err
	}
	v.tell(&card.Facts, data.Number)
	card.Version++
	err = v.store.Apply(ctx, payments.Change{
		Cards:        []payments.Card{card},
		ForgetSealed: []payments.CardKey{{ProjectID: projectID, CardID: cardID}},
		SealedCards:  []payments.SealedCard{again},
	})
	if err != nil {
		return writeError(err, "rewrap", cardID)
	}
	return nil
}

// claim is the idempotency claim to be written with an answer, nil when the caller has no key.
func (v *Vault) claim(projectID string, r *payments.ClaimRequest, answer payments.Snapshot) *payments.Claim {
	if r == nil {
		return nil
	}
	return &payments.Claim{
		ClaimKey:    payments.ClaimKey{ProjectID: projectID, Scope: r.Scope, Key: r.Key},
		Fingerprint: r.Fingerprint,
		Snapshot:    &answer,
		CreatedAt:   v.now().UTC(),
	}
}

// writeError leaves payments.ErrClaimed as it is, since callers replay on it.
func writeError(err error, what, cardID string) error {
	if errors.Is(err, payments.ErrClaimed) {
		return payments.ErrClaimed
	}
	return fmt.Errorf("vault: %s card %s: %w", what, cardID, err)
}
