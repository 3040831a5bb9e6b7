package app

import (
	"context"
	"net/http"
	"time"

	"switchyard/learning"
	"switchyard/payments"
	"switchyard/router/learn"
)

// loadBeliefs takes up what smart routing knew when the program last ran. One process holds the store, so that there is nobody
// to share with.
func (a *App) loadBeliefs(ctx context.Context) error {
	k := learning.New(learning.Options{Store: a.store, Beliefs: a.router.Beliefs(), Cascades: a.router.Cascades(), Instance: payments.NewReference(), Logger: a.log})
	if err := k.Load(ctx); err != nil {
		return err
	}
	a.learning = k
	return nil
}

// beliefRoutes let operators look at what smart routing believes, and put it right.
func (a *App) beliefRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /routing/beliefs", func(w http.ResponseWriter, _ *http.Request) {
		a.reply(w, http.StatusOK, struct {
			Success     bool                `json:"success"`
			Beliefs     learn.Report        `json:"beliefs"`
			SecondTries []learn.SecondTries `json:"second_tries"`
		}{true, a.router.Beliefs().Inspect(time.Now()), a.router.Cascades().Inspect()})
	})
	beliefs, cascades := a.router.Beliefs(), a.router.Cascades()
	mux.HandleFunc("POST /routing/beliefs/reset", a.ordered("what smart routing had learnt is forgotten", func(*http.Request) bool {
		beliefs.Reset()
		cascades.Reset()
		return true
	}))
	mux.HandleFunc("POST /routing/beliefs/{gateway}/reset", a.ordered("what smart routing had learnt of a gateway configuration is forgotten", func(r *http.Request) bool {
		known, tried := beliefs.ResetGateway(r.PathValue("gateway")), cascades.ResetGateway(r.PathValue("gateway"))
		return known || tried
	}))
	mux.HandleFunc("POST /routing/beliefs/{gateway}/recover", a.ordered("an operator says that a gateway configuration is well again", func(r *http.Request) bool {
		return beliefs.Recover(r.PathValue("gateway"))
	}))
}

// ordered carries out what an operator orders by name and with a reason, and logs it. do says whether there was anything to do.
func (a *App) ordered(what string, do func(*http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o, ok := a.readOrder(w, r)
		if !ok {
			return
		}
		if !do(r) {
			a.reply(w, http.StatusNotFound, map[string]any{"success": false, "message": "Nothing is known of such a gateway configuration, or nothing is wrong there."})
			return
		}
		a.log.WarnContext(r.Context(), "an operator's order about what smart routing believes", "what", what, "gateway_configuration", r.PathValue("gateway"), "by", o.By, "because", o.Because)
		a.reply(w, http.StatusOK, map[string]bool{"success": true})
	}
}
