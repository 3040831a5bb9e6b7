package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"switchyard/app"
	"switchyard/config"
)

// runGateway builds the gateway, tells when it serves, and stops it cleanly when the process is asked to.
func runGateway(env environment, c *config.Config, log *slog.Logger, serving func(*app.App) error) error {
	a, err := app.New(env.ctx, c, app.Options{Logger: log})
	if err != nil {
		return err
	}
	a.Start()
	err = serving(a)
	if err == nil {
		select {
		case <-env.ctx.Done():
		case err = <-a.Failed():
			err = fmt.Errorf("a listener ended: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(env.ctx), stopTimeout)
	defer cancel()
	return errors.Join(err, a.Stop(ctx))
}
