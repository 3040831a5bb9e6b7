package main

import (
	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
)

type serveCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Configuration file; config/example.yaml documents every key."`
}

func (s serveCommand) Run(env environment) error {
	c, err := config.Load(s.Config, config.Options{Providers: all.Providers()})
	if err != nil {
		return err
	}
	log := app.NewLogger(env.stderr, c.Log)
	return runGateway(env, c, app.Options{Logger: log}, func(a *app.App) error {
		log.Info("serving", "merchants", a.URL(), "operators", a.OperatorsURL())
		return nil
	})
}
