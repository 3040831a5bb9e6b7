package app

import (
	"context"
	"net/http"

	"switchyard/commitments"
	"switchyard/router/pace"
)

// watchCommitments prices the promised volumes before the first payment is routed.
func (a *App) watchCommitments(ctx context.Context) error {
	a.promised = commitments.New(commitments.Options{Store: a.store, Router: a.router, Logger: a.log})
	return a.promised.Update(ctx)
}

// showCommitments lets operators see how the promised volumes stand at the moment.
func (a *App) showCommitments(w http.ResponseWriter, r *http.Request) {
	standings, err := a.promised.Standings(r.Context())
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, struct {
		Success     bool            `json:"success"`
		Policy      string          `json:"config_version"`
		Commitments []pace.Standing `json:"commitments"`
	}{true, a.router.Config().Version, append([]pace.Standing{}, standings...)})
}
