package app

import (
	"context"

	"switchyard/config"
	"switchyard/payments"
	"switchyard/store/sqlite"
	"switchyard/webhooks"
)

// buildWebhooks builds what tells merchants about events.
func (a *App) buildWebhooks(c *config.Config) {
	secrets := make(map[string]payments.Secret, len(c.Projects))
	for _, p := range c.Projects {
		secrets[p.ID] = p.WebhookSecret
	}
	a.webhooks = webhooks.New(webhooks.Options{
		Store: a.store, Sealer: a.vault, Secrets: secrets, AllowLoopback: c.Webhooks.AllowLoopback, Logger: a.log,
	})
	a.ledger = ledger{a.store, a.webhooks.Wake}
}

// ledger is the store for those who write events: nobody has to look for them.
type ledger struct {
	*sqlite.Store
	wake func()
}

// Apply wakes the dispatcher when there is something to tell.
func (l ledger) Apply(ctx context.Context, c payments.Change) error {
	err := l.Store.Apply(ctx, c)
	if err == nil && len(c.Events) > 0 {
		l.wake()
	}
	return err
}
