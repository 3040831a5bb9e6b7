package app

import (
	"encoding/json"
	"net/http"

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
	return mux
}

func (a *App) reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		a.log.Debug("an operator did not read the answer", "error", err)
	}
}
