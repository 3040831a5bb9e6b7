package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"switchyard/app"
	"switchyard/config"
)

// runGateway builds the gateway, tells when it serves, and stops it cleanly when the process is asked to. SIGHUP reads the routing
// policy's file again, unless the gateway belongs to a terminal and there is no such file: then it ends the process, as ever.
func runGateway(env environment, c *config.Config, o app.Options, serving func(*app.App) error) error {
	hangups := make(chan os.Signal, 1)
	if !o.WatchRules || c.PolicyFile != "" {
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	a, err := app.New(env.ctx, c, o)
	if err != nil {
		return err
	}
	a.Start()
	err = serving(a)
	if err == nil {
		err = serve(env.ctx, a, hangups)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(env.ctx), stopTimeout)
	defer cancel()
	return errors.Join(err, a.Stop(ctx))
}

// serve returns when the process is asked to stop, or cannot serve any more.
func serve(ctx context.Context, a *app.App, hangups <-chan os.Signal) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-a.Failed():
			return fmt.Errorf("a listener ended: %w", err)
		case <-hangups:
			a.ReloadRules(ctx, "SIGHUP")
		}
	}
}
