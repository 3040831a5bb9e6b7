package vault

import (
	"context"
	"errors"
	"fmt"

	"switchyard/payments"
)

// checkProject is where the records lie that prove the keys. No project has this id.
const checkProject = "vault"

// Check proves that the configured keys are those that this store's cards were sealed with. A key leaves a record when it is
// first used as the current one; a key of the same id that cannot open it is another key. Without this, a wrong key would
// show only when somebody pays with a saved card.
func (v *Vault) Check(ctx context.Context, current string, ids []string) error {
	for _, id := range ids {
		record, err := v.store.SealedCard(ctx, checkProject, id)
		if errors.Is(err, payments.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("vault: check of key %s: %w", id, err)
		}
		if _, err := v.unseal(ctx, checkProject, id, record); err != nil {
			return fmt.Errorf("vault: vault.keys.%s is not the key that this store's cards were sealed with; put the right one back", id)
		}
	}
	if _, err := v.store.SealedCard(ctx, checkProject, current); !errors.Is(err, payments.ErrNotFound) {
		return err
	}
	record, err := v.seal(ctx, checkProject, current, payments.CardData{})
	if err != nil {
		return err
	}
	err = v.store.Apply(ctx, payments.Change{SealedCards: []payments.SealedCard{record}})
	if errors.Is(err, payments.ErrDuplicate) {
		return nil // another process was first
	}
	return err
}
