package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"switchyard/adapters/wire"
	"switchyard/config"
	"switchyard/payments"
	"switchyard/reconcile"
	"switchyard/store/sqlite"
)

// ReconcileOptions say what to compare.
type ReconcileOptions struct {
	GatewayID    string    // one gateway configuration; empty: all
	Since, Until time.Time // of the charges' making: Since is included, Until is not
	Settlement   *reconcile.Settlement
	Logger       *slog.Logger
}

// ErrNoGateway says that the configuration does not have the gateway configuration.
var ErrNoGateway = errors.New("there is no such gateway configuration")

// Reconcile compares the store with its PSPs. It runs beside the gateway, in a process of its own: it opens the store for
// reading alone, without the lock that the gateway holds, and asks the PSPs with its own connections, so that a long comparison
// takes neither time nor room from payments, and works while the gateway is down. It changes nothing.
func Reconcile(ctx context.Context, c *config.Config, o ReconcileOptions) (_ *reconcile.Report, err error) {
	view, err := sqlite.OpenView(ctx, c.Store.Path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	transport := wire.NewTransport()
	defer transport.CloseIdleConnections()
	open, err := openGateways(c, transport, o.Logger)
	if err != nil {
		return nil, err
	}
	var gateways []reconcile.Gateway
	for _, g := range open {
		if o.GatewayID == "" || g.ID == o.GatewayID {
			gateways = append(gateways, reconcile.Gateway{ID: g.ID, PSP: g.PSP, Adapter: g.Adapter, Timeout: g.Timeout})
		}
	}
	if len(gateways) == 0 {
		return nil, ErrNoGateway
	}
	return reconcile.Run(ctx, reconcile.Options{
		Store: view, Gateways: gateways, Since: o.Since, Until: o.Until, Settlement: o.Settlement, Now: time.Now,
	})
}

// GatewayIDs lists the gateway configurations of a configuration.
func GatewayIDs(c *config.Config) []string {
	ids := make([]string, 0, len(c.Gateways))
	for _, g := range c.Gateways {
		ids = append(ids, g.ID)
	}
	return slices.Sorted(slices.Values(ids))
}

// lookAgain asks the PSP once more about an attempt that ended as not done. Should it have charged, the money goes back.
func (a *App) lookAgain(w http.ResponseWriter, r *http.Request) {
	o, ok := a.readOrder(w, r)
	if !ok {
		return
	}
	a.log.WarnContext(r.Context(), "an operator has a PSP asked again", "attempt", r.PathValue("attempt"), "by", o.By, "because", o.Because)
	state, err := a.engine.LookAgain(r.Context(), r.PathValue("project"), r.PathValue("attempt"))
	if err != nil {
		if fault, ok := errors.AsType[*payments.Fault](err); ok {
			a.reply(w, http.StatusBadGateway, map[string]any{"success": false, "message": "The PSP gave no answer: " + string(fault.Kind) + ". Try again."})
			return
		}
		a.done(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "state": state})
}
