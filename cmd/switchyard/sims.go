package main

import (
	"fmt"

	"switchyard/app"
	"switchyard/config"
	"switchyard/sims"
)

type simsCommand struct {
	Listen       string `default:"127.0.0.1:8090" help:"Address of the simulators' control; each PSP gets a port of the same host."`
	FirstPSPPort int    `name:"first-psp-port" placeholder:"PORT" help:"Give the PSPs this port and the ones after it, for gateways on other machines; by default they take free ones."`
	Seed         int64  `help:"Make the simulators' choices reproducible; 0 means that they are not."`
}

func (s simsCommand) Run(env environment) error {
	log := app.NewLogger(env.stderr, config.Log{Format: config.LogText})
	server, err := sims.Start(sims.Options{Listen: s.Listen, FirstPort: s.FirstPSPPort, Seed: s.Seed, Logger: log})
	if err != nil {
		return err
	}
	defer stopSimulators(env.ctx, server, log)
	if _, err := fmt.Fprintf(env.stdout, "Simulators are ready; control at %s\n", server.URL()); err != nil {
		return err
	}
	for _, p := range server.PSPs() {
		if _, err := fmt.Fprintf(env.stdout, "  %-12s %s\n", p.Name, p.BaseURL); err != nil {
			return err
		}
	}
	<-env.ctx.Done()
	return nil
}
