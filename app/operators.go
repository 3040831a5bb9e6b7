package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
)

// operatorsHandler serves the operators' listener: metrics, health, and the state of every gateway configuration.
func (a *App) operatorsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.telemetry.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		a.reply(w, http.StatusOK, map[string]bool{"success": true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := a.Ready(r.Context()); err != nil {
			a.log.WarnContext(r.Context(), "not ready", "error", err)
			a.reply(w, http.StatusServiceUnavailable, map[string]bool{"success": false})
			return
		}
		a.reply(w, http.StatusOK, map[string]bool{"success": true})
	})
	mux.HandleFunc("GET /gateways", func(w http.ResponseWriter, _ *http.Request) {
		a.reply(w, http.StatusOK, struct {
			ConfigVersion string                 `json:"config_version"`
			Gateways      []router.BreakerStatus `json:"gateways"`
		}{a.router.Config().Version, a.router.Breakers()})
	})
	a.routingHandlers(mux)
	mux.HandleFunc("GET /gateways/{id}/webhooks", a.listInbound)
	mux.HandleFunc("GET /webhooks/{id}", a.showInbound)
	mux.HandleFunc("POST /webhooks/{id}/replay", a.replayInbound)
	mux.HandleFunc("GET /alerts", a.listAlerts)
	mux.HandleFunc("POST /alerts/{id}/close", a.closeAlert)
	mux.HandleFunc("POST /projects/{project}/attempts/{attempt}/resolve", a.resolveAttempt)
	mux.HandleFunc("POST /projects/{project}/attempts/{attempt}/look-again", a.lookAgain)
	mux.HandleFunc("GET /routing/commitments", a.showCommitments)
	a.beliefRoutes(mux)
	a.judgeHandlers(mux)
	return mux
}

// maxInbound bounds a list of webhooks.
const maxInbound = 100

// listInbound lists what a gateway configuration's PSP has sent, newest first, without the bodies. start_after pages on.
func (a *App) listInbound(w http.ResponseWriter, r *http.Request) {
	if !slices.ContainsFunc(a.router.Config().Gateways, func(g router.Gateway) bool { return g.ID == r.PathValue("id") }) {
		a.refuse(w, r, payments.ErrNotFound)
		return
	}
	list, err := a.store.InboundWebhooks(r.Context(), r.PathValue("id"), payments.Page{Limit: maxInbound, StartAfter: r.URL.Query().Get("start_after")})
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	for i := range list.Items {
		list.Items[i].Body = nil
	}
	a.reply(w, http.StatusOK, struct {
		Webhooks []payments.InboundWebhook `json:"webhooks"`
		HasMore  bool                      `json:"has_more"`
	}{append([]payments.InboundWebhook{}, list.Items...), list.HasMore})
}

// showInbound shows one webhook with its body as it came, but for what is secret in it.
func (a *App) showInbound(w http.ResponseWriter, r *http.Request) {
	one, err := a.store.InboundWebhook(r.Context(), r.PathValue("id"))
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	body := string(one.Body)
	one.Body = nil
	a.reply(w, http.StatusOK, struct {
		Webhook payments.InboundWebhook `json:"webhook"`
		Body    string                  `json:"body"`
	}{one, body})
}

// replayInbound looks at a webhook again, which asks the PSP again.
func (a *App) replayInbound(w http.ResponseWriter, r *http.Request) {
	if err := a.engine.Replay(r.Context(), r.PathValue("id")); err != nil {
		a.refuse(w, r, err)
		return
	}
	a.reply(w, http.StatusAccepted, map[string]bool{"success": true})
}

// maxAlerts bounds a list of alerts.
const maxAlerts = 200

// listAlerts lists what operators have to know of, newest first: what is open, or with all=true what was closed as well.
func (a *App) listAlerts(w http.ResponseWriter, r *http.Request) {
	list, err := a.store.Alerts(r.Context(), r.URL.Query().Get("all") != "true", maxAlerts)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "alerts": append([]payments.Alert{}, list...)})
}

// maxOrder bounds what an operator sends, in bytes.
const maxOrder = 16 << 10

// order is what an operator decides.
type order struct {
	Verdict   string `json:"verdict"`
	ChargeRef string `json:"charge_reference"`
	By        string `json:"by"`
	Because   string `json:"because"`
}

// readOrder reads an operator's decision. It has answered already when ok is false.
func (a *App) readOrder(w http.ResponseWriter, r *http.Request) (o order, ok bool) {
	if err := strictly(http.MaxBytesReader(w, r.Body, maxOrder), &o); err != nil || o.By == "" || o.Because == "" {
		a.reply(w, http.StatusBadRequest, map[string]any{"success": false, "message": `Send JSON that says who decides and why: {"by":"ada","because":"…"}.`})
		return order{}, false
	}
	return o, true
}

// closeAlert says that an operator has dealt with an alert.
func (a *App) closeAlert(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readOrder(w, r); ok {
		a.done(w, r, a.engine.CloseAlert(r.Context(), r.PathValue("id"), o.By, o.Because))
	}
}

// resolveAttempt ends an attempt whose outcome could not be found out, by an operator's word.
func (a *App) resolveAttempt(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readOrder(w, r); ok {
		a.done(w, r, a.engine.Resolve(r.Context(), flow.Resolution{
			ProjectID: r.PathValue("project"), AttemptID: r.PathValue("attempt"), Verdict: o.Verdict, ChargeRef: o.ChargeRef, By: o.By, Because: o.Because,
		}))
	}
}

// done answers an operator's order.
func (a *App) done(w http.ResponseWriter, r *http.Request, err error) {
	refused, public := errors.AsType[*payments.Error](err)
	switch {
	case err == nil:
		a.reply(w, http.StatusOK, map[string]bool{"success": true})
	case public && refused.Code == payments.CodeTransactionNotFound:
		a.reply(w, http.StatusNotFound, map[string]any{"success": false, "message": refused.Message})
	case public:
		a.reply(w, http.StatusConflict, map[string]any{"success": false, "message": refused.Message})
	default:
		a.refuse(w, r, err)
	}
}

func (a *App) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, payments.ErrNotFound) {
		a.reply(w, http.StatusNotFound, map[string]any{"success": false, "message": "There is no such webhook or gateway configuration."})
		return
	}
	a.log.ErrorContext(r.Context(), "an operator's request failed", "path", r.URL.Path, "error", err)
	a.reply(w, http.StatusInternalServerError, map[string]any{"success": false, "message": "It did not work; the log says why."})
}

func (a *App) reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		a.log.Debug("an operator did not read the answer", "error", err)
	}
}
