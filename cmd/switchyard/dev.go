package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
	"switchyard/sims"
)

type devCommand struct {
	Listen      string `default:"127.0.0.1:8080" help:"Address of the merchant API; loopback only."`
	OpsListen   string `default:"127.0.0.1:8081" help:"Address of the operators' listener; loopback only."`
	SimsListen  string `default:"127.0.0.1:8090" help:"Address of the simulators' control; loopback only."`
	SimsURL     string `placeholder:"URL" help:"Use the simulators that run there instead of starting some."`
	Data        string `default:"./switchyard-data" type:"path" help:"Directory of the embedded store; created, and kept between runs."`
	Routes      string `type:"existingfile" placeholder:"FILE" help:"Routing policy: rules, splits, fees (docs/routing.md), in force anew whenever it is changed; default: the PSPs in their usual order."`
	Smart       bool   `env:"SWITCHYARD_SMART" help:"Smart routing: payments go where they are approved. Its policy is routing.yaml in the data directory, made when it is missing."`
	RetryBudget bool   `help:"Count declined tries with a card and hold cards back, as serve does; off by default, since test cards are declined all day long."`
	Seed        int64  `help:"Make the simulators' choices reproducible; 0 means that they are not."`
	LogFormat   string `default:"text" enum:"text,json" help:"Log lines for people (text) or machines (json)."`
}

func (d devCommand) Run(env environment) error {
	for _, address := range []string{d.Listen, d.OpsListen, d.SimsListen} {
		if err := mustBeLoopback(address); err != nil {
			return err
		}
	}
	log := app.NewLogger(env.stderr, config.Log{Format: config.LogFormat(d.LogFormat)})
	psps, simsURL, stop, err := d.simulators(env, log)
	if err != nil {
		return err
	}
	defer stop()
	c, err := config.Dev(config.DevOptions{Listen: d.Listen, OpsListen: d.OpsListen, DataDir: d.Data, PSPs: psps, Providers: all.Providers(), Routes: d.Routes, Smart: d.Smart, RetryBudget: d.RetryBudget})
	if err != nil {
		return err
	}
	return runGateway(env, c, app.Options{Logger: log, WatchRules: true}, func(a *app.App) error {
		if err := registerWebhooks(env.ctx, simsURL, a.URL(), c.Gateways); err != nil {
			return err
		}
		return welcome(env.stdout, a, simsURL, c.Routing.Rules)
	})
}

// registerWebhooks tells the simulators where their webhooks go, as a merchant does in each PSP's dashboard.
func registerWebhooks(ctx context.Context, simsURL, api string, gateways []config.GatewayConfiguration) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := http.Client{}
	for _, g := range gateways {
		body, err := json.Marshal(map[string]string{"psp": g.PSP, "url": api + "/gateway-webhooks/" + g.ID, "secret": config.DevWebhookSecret(g.PSP)})
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(simsURL, "/")+"/_sim/webhooks", bytes.NewReader(body))
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("the simulators at %s do not take the webhooks' address: %w", simsURL, err)
		}
		_ = response.Body.Close()
		if response.StatusCode >= http.StatusMultipleChoices {
			return fmt.Errorf("the simulators at %s refuse the webhooks' address of %s with %s", simsURL, g.PSP, response.Status)
		}
	}
	return nil
}

// mustBeLoopback keeps the known key and the simulators off the network.
func mustBeLoopback(address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return usageError{fmt.Sprintf("%q is not an address: write host:port, such as 127.0.0.1:8080", address)}
	}
	if !config.IsLoopback(address) {
		return usageError{fmt.Sprintf("dev listens on loopback only, because its key is public knowledge: %q is not loopback; use 127.0.0.1, or serve with a configuration of your own", address)}
	}
	return nil
}

// simulators starts the simulated PSPs, or asks those that run elsewhere. It returns the PSPs' addresses by name.
func (d devCommand) simulators(env environment, log *slog.Logger) (psps map[string]string, url string, stop func(), err error) {
	if d.SimsURL != "" {
		psps, err := askSimulators(env.ctx, d.SimsURL)
		return psps, d.SimsURL, func() {}, err
	}
	s, err := sims.Start(sims.Options{Listen: d.SimsListen, Seed: d.Seed, Logger: log})
	if err != nil {
		return nil, "", nil, err
	}
	psps = make(map[string]string)
	for _, p := range s.PSPs() {
		psps[p.Name] = p.BaseURL
	}
	return psps, s.URL(), func() { stopSimulators(env.ctx, s, log) }, nil
}

func stopSimulators(ctx context.Context, s *sims.Server, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		log.WarnContext(ctx, "the simulators did not stop cleanly", "error", err)
	}
}

// Bounds of the question to simulators that run elsewhere.
const (
	askTimeout  = 10 * time.Second
	maxPSPsBody = 64 << 10
)

func askSimulators(ctx context.Context, url string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/_sim/psps", nil)
	if err != nil {
		return nil, usageError{fmt.Sprintf("--sims-url: %v", err)}
	}
	client := http.Client{}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no simulators answer at %s; start some with: switchyard sims: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		PSPs []sims.PSP `json:"psps"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxPSPsBody)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("what answers at %s is not a simulator: %w", url, err)
	}
	if len(answer.PSPs) == 0 {
		return nil, errors.New("the simulators at " + url + " name no PSP")
	}
	psps := make(map[string]string, len(answer.PSPs))
	for _, p := range answer.PSPs {
		psps[p.Name] = p.BaseURL
	}
	return psps, nil
}

// welcome prints what one needs to begin. Without a policy there is no file to speak of.
func welcome(w io.Writer, a *app.App, simsURL, policy string) error {
	if policy != "" {
		policy = "\n  routing policy " + policy + "   (in force whenever it is changed; see switchyard routes status)"
	}
	_, err := fmt.Fprintf(w, `
Switchyard is ready.

  merchant API   %[1]s
  operators      %[2]s   (/metrics, /gateways, /routing)
  simulated PSPs %[3]s   (/_sim/psps, /_sim/ledger, /_sim/faults)%[6]s

  project id     %[4]s
  key            %[5]s

Try it:

  curl -s -u %[4]s:%[5]s %[1]s/customers -d first_name=Ada -d last_name=Lovelace

Ctrl-C stops it. README.md has a five-minute tour.

`, a.URL(), a.OperatorsURL(), simsURL, config.DevProjectID, config.DevAPIKey, policy)
	return err
}
