package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
	"switchyard/policies"
	"switchyard/router/rules"
)

// routesCommand looks at routing policies, which needs neither a store nor a network, and changes the policy in force by the
// operators' listener of a gateway that runs.
type routesCommand struct {
	Validate routesValidate `cmd:"" help:"Report faults and likely mistakes. Exit code 2: the policy must not go live."`
	Diff     routesDiff     `cmd:"" help:"Say in sentences what changes from one policy to another."`
	Drive    routesDrive    `cmd:"" help:"Decide for any program that plays the world, in lines of JSON (docs/routing-benchmark.md)."`
	Simulate routesSimulate `cmd:"" help:"Say where a payment would go, rule by rule and candidate by candidate."`
	Explain  routesExplain  `cmd:"" help:"Say why an invoice's payment went where it went."`
	Backtest routesBacktest `cmd:"" help:"Say what a policy would have done with the payments of the past: who moves, fees, approval with its interval."`

	Status   routesStatus   `cmd:"" help:"Say which policy is in force, since when, by whom and why; pins and kill switches."`
	Activate routesActivate `cmd:"" help:"Put a policy in force. Exit code 2: it must not go live."`
	Rollback routesRollback `cmd:"" help:"Put the policy before this one in force again, or a named version."`
	Reload   routesReload   `cmd:"" help:"Have the gateway read its policy's file again."`
	History  routesHistory  `cmd:"" help:"List what has happened to routing, newest first: what, who, when, why."`
	Versions routesVersions `cmd:"" help:"List the versions that can be put in force, newest first."`
	Show     routesShow     `cmd:"" help:"Print the text of a version."`
	Pin      routesPin      `cmd:"" help:"Keep the policy in force where it is, whatever the file says."`
	Unpin    routesUnpin    `cmd:"" help:"End a pin before its time."`
	Switch   routesSwitch   `cmd:"" help:"Throw, withdraw and list kill switches."`
}

// routesFor says whose gateway configurations a policy is for.
type routesFor struct {
	Config string `type:"path" placeholder:"FILE" help:"Configuration file whose gateway configurations are meant; default: those of dev, gway_conf_dev_<psp>."`
}

func (r routesFor) configuration() (*config.Config, error) {
	if r.Config == "" {
		return config.DevGateways(all.Providers()), nil
	}
	return config.Load(r.Config, config.Options{Providers: all.Providers(), WithoutRules: true})
}

func (r routesFor) read(file string) (*app.Routing, *config.Config, error) {
	c, err := r.configuration()
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	routing, err := app.ReadRouting(c, file, text)
	return routing, c, err
}

type routesValidate struct {
	routesFor

	File string `arg:"" type:"existingfile" help:"The routing policy."`
}

func (r routesValidate) Run(env environment) error {
	var out bytes.Buffer
	policy, err := r.validate(&out, r.File)
	if policy != nil {
		for _, name := range policies.Named(policy.Document()) {
			_, bad := r.validate(&out, filepath.Join(filepath.Dir(r.File), filepath.FromSlash(name)))
			if errors.Is(bad, fs.ErrNotExist) {
				bad = usageError{fmt.Sprintf("%s names %s, which is not beside it", r.File, name)}
			}
			err = errors.Join(err, bad)
		}
	}
	if _, err := out.WriteTo(env.stdout); err != nil {
		return err
	}
	return err
}

// validate looks at one file. The policy is nil when it cannot be read.
func (r routesValidate) validate(out *bytes.Buffer, file string) (*rules.Policy, error) {
	routing, c, err := r.read(file)
	if err != nil {
		return nil, err
	}
	var errs []rules.Finding
	for _, f := range routing.Findings {
		if f.Severity == rules.SeverityError {
			errs = append(errs, f)
			continue
		}
		fmt.Fprintln(out, f)
	}
	for _, what := range app.NotInForce(routing.Policy, c.IINs != nil) {
		fmt.Fprintf(out, "%s: not in force: %s\n", file, what)
	}
	if len(errs) > 0 {
		return routing.Policy, config.PolicyFaults(errs)
	}
	fmt.Fprintf(out, "%s: policy %s can go live; rules: %d, findings: %d\n", file, routing.Policy.Version(), len(routing.Policy.Document().Rules), len(routing.Findings))
	return routing.Policy, nil
}

type routesDiff struct {
	routesFor

	Old string `arg:"" type:"existingfile" help:"The policy now."`
	New string `arg:"" type:"existingfile" help:"The policy that is to take its place."`
}

func (r routesDiff) Run(env environment) error {
	before, _, errBefore := r.read(r.Old)
	after, _, errAfter := r.read(r.New)
	if err := errors.Join(errBefore, errAfter); err != nil {
		return err
	}
	changes := rules.Diff(before.Policy, after.Policy)
	if len(changes) == 0 {
		changes = []string{"Nothing changes: both mean the same."}
	}
	for _, line := range changes {
		if _, err := fmt.Fprintln(env.stdout, line); err != nil {
			return err
		}
	}
	return nil
}
