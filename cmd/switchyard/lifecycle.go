package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"switchyard/payments"
	"switchyard/policies"
)

type routesStatus struct {
	operators
}

func (r routesStatus) Run(env environment) error {
	var answer changed
	if err := r.ask(env.ctx, http.MethodGet, "/routing", nil, &answer); err != nil {
		return err
	}
	return writeStatus(env.stdout, &answer.Routing)
}

type routesActivate struct {
	decision

	File      string `arg:"" optional:"" type:"existingfile" help:"The routing policy."`
	Version   string `placeholder:"HASH" help:"A stored version in place of a file: its hash, the beginning of that, or a decision's config_version."`
	IfCurrent string `placeholder:"HASH" help:"Only if this policy is in force: somebody else's change stays."`
}

func (r routesActivate) Run(env environment) error {
	if (r.File == "") == (r.Version == "") {
		return usageError{"routes activate takes a FILE, or the --version of a stored policy"}
	}
	more := map[string]any{"version": r.Version, "if_current": r.IfCurrent}
	if r.File != "" {
		bundle, err := policies.ReadBundle(r.File)
		if err != nil {
			return usageError{err.Error()}
		}
		more["name"], more["text"], more["files"] = filepath.Base(r.File), bundle[0].Text, bundle[1:]
	}
	return r.carryOut(env, http.MethodPost, "/routing/activate", more)
}

// carryOut sends an order about routing and prints what came of it.
func (d decision) carryOut(env environment, method, path string, more map[string]any) error {
	var answer changed
	if err := d.ask(env.ctx, method, path, d.order(more), &answer); err != nil {
		return err
	}
	var out bytes.Buffer
	for _, f := range answer.Findings {
		if answer.Changed {
			fmt.Fprintln(&out, f)
		}
	}
	for _, what := range answer.NotInForce {
		fmt.Fprintf(&out, "not in force: %s\n", what)
	}
	now := policies.Short(answer.Routing.Policy)
	switch before := policies.Short(answer.From); {
	case !answer.Changed && path == reloadPath && answer.Routing.Pinned == nil && (answer.Routing.Kind == payments.RoutingActivated || answer.Routing.Kind == payments.RoutingRolledBack):
		fmt.Fprintf(&out, "Nothing changes: the file means what it meant at the last decision, and what was decided stays. To have the file's policy all the same, activate it.\n\n")
	case !answer.Changed:
		fmt.Fprintf(&out, "Nothing changes: it was so already.\n\n")
	case before != now:
		fmt.Fprintf(&out, "Policy %s is in force in place of %s.\n\n", now, before)
	default:
		fmt.Fprintf(&out, "Done.\n\n")
	}
	if err := writeStatus(&out, &answer.Routing); err != nil {
		return err
	}
	_, err := out.WriteTo(env.stdout)
	return err
}

type routesRollback struct {
	decision

	To        string `placeholder:"HASH" help:"The version to go back to; default: the one from which the present one has come."`
	IfCurrent string `placeholder:"HASH" help:"Only if this policy is in force."`
}

func (r routesRollback) Run(env environment) error {
	return r.carryOut(env, http.MethodPost, "/routing/rollback", map[string]any{"version": r.To, "if_current": r.IfCurrent})
}

type routesReload struct {
	decision
}

const reloadPath = "/routing/reload"

func (r routesReload) Run(env environment) error {
	return r.carryOut(env, http.MethodPost, reloadPath, nil)
}

// span is how long something lasts.
type span struct {
	For   string `placeholder:"DURATION" help:"How long: 90m, 24h."`
	Until string `placeholder:"TIME" help:"In place of --for: 2026-01-31T18:00:00Z."`
}

func (s span) more(more map[string]any) map[string]any {
	more["for"], more["until"] = s.For, s.Until
	return more
}

type routesPin struct {
	decision
	span

	IfCurrent string `placeholder:"HASH" help:"Only if this policy is in force."`
}

func (r routesPin) Run(env environment) error {
	return r.carryOut(env, http.MethodPost, "/routing/pin", r.more(map[string]any{"if_current": r.IfCurrent}))
}

type routesUnpin struct {
	decision
}

func (r routesUnpin) Run(env environment) error {
	return r.carryOut(env, http.MethodDelete, "/routing/pin", nil)
}

type routesSwitch struct {
	Throw    switchThrow    `cmd:"" help:"Take something out of routing until a time, seven days at most."`
	Withdraw switchWithdraw `cmd:"" help:"End a kill switch before its time."`
	List     routesStatus   `cmd:"" help:"List the kill switches that are thrown."`
}

type switchThrow struct {
	decision
	span

	Kind    string `arg:"" enum:"gateway,method,learning,exploration,cost,cascades" help:"gateway, method, learning, exploration, cost or cascades."`
	Gateway string `arg:"" optional:"" help:"The gateway configuration, of the kinds gateway and method."`
	Method  string `arg:"" optional:"" help:"card, page or token, of the kind method."`
}

func (r switchThrow) Run(env environment) error {
	return r.carryOut(env, http.MethodPost, "/routing/switches", r.more(map[string]any{"kind": r.Kind, "gateway": r.Gateway, "method": r.Method}))
}

type switchWithdraw struct {
	decision

	ID string `arg:"" help:"Its id, as routes status shows it: gateway:gway_conf_1."`
}

func (r switchWithdraw) Run(env environment) error {
	return r.carryOut(env, http.MethodDelete, "/routing/switches/"+url.PathEscape(r.ID), nil)
}

type routesHistory struct {
	operators

	Limit  int    `default:"20" help:"How many entries, 100 at most."`
	Before string `placeholder:"NUMBER" help:"Those before this entry."`
}

func (r routesHistory) Run(env environment) error {
	var answer struct {
		History []payments.RoutingEvent `json:"history"`
	}
	if err := r.ask(env.ctx, http.MethodGet, "/routing/history"+page(r.Limit, r.Before), nil, &answer); err != nil {
		return err
	}
	return writeHistory(env.stdout, answer.History)
}

type routesVersions struct {
	operators

	Limit  int    `default:"20" help:"How many versions, 100 at most."`
	Before string `placeholder:"HASH" help:"Those before this version."`
}

func (r routesVersions) Run(env environment) error {
	var answer struct {
		InForce  string                   `json:"in_force"`
		Versions []payments.PolicyVersion `json:"versions"`
	}
	if err := r.ask(env.ctx, http.MethodGet, "/routing/versions"+page(r.Limit, r.Before), nil, &answer); err != nil {
		return err
	}
	return writeVersions(env.stdout, answer.Versions, answer.InForce)
}

type routesShow struct {
	operators

	Version string `arg:"" help:"Its hash, the beginning of that, or a decision's config_version."`
}

func (r routesShow) Run(env environment) error {
	var answer struct {
		Version payments.PolicyVersion `json:"version"`
	}
	if err := r.ask(env.ctx, http.MethodGet, "/routing/versions/"+url.PathEscape(r.Version), nil, &answer); err != nil {
		return err
	}
	return writeVersion(env.stdout, &answer.Version)
}
