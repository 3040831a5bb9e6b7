package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

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
	mux.HandleFunc("GET /gateways/{id}/webhooks", a.listInbound)
	mux.HandleFunc("GET /webhooks/{id}", a.showInbound)
	mux.HandleFunc("POST /webhooks/{id}/replay", a.replayInbound)
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

// showInbound shows one webhook with its body as it came.
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
