package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"switchyard/config"
	"switchyard/flow"
	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router"
	"switchyard/router/rules"
)

// buildPolicies puts in force what operators have decided about routing, and what the policy's file says.
func (a *App) buildPolicies(ctx context.Context, c *config.Config, gateways []flow.Gateway, watch bool) error {
	s := policies.New(policies.Options{
		Store: a.store, Router: a.router, Compile: compiler(c, gateways), File: c.PolicyFile, Watch: watch, Every: lookEvery(watch), Logger: a.log,
	})
	if err := s.Open(ctx); err != nil {
		return faultsOf(err)
	}
	a.policies = s
	return nil
}

// watchEvery is how often the policy's file is looked at where somebody is editing it.
const watchEvery = time.Second

func lookEvery(watch bool) time.Duration {
	if watch {
		return watchEvery
	}
	return 0 // as the life cycle has it
}

// checkPolicy refuses a policy that must not go live.
func checkPolicy(c *config.Config, gateways []flow.Gateway) error {
	bundle, err := policies.ReadBundle(c.PolicyFile)
	if err != nil {
		return &config.Faults{List: []config.Fault{{File: c.PolicyFile, Message: err.Error()}}}
	}
	_, err = compiler(c, gateways)(bundle)
	return faultsOf(err)
}

// faultsOf are the faults of a policy as faults of the configuration; any other error stays what it is.
func faultsOf(err error) error {
	if faults, ok := errors.AsType[rules.Faults](err); ok {
		return config.PolicyFaults(faults)
	}
	return err
}

// compiler checks policies against the gateway configurations of c, as `switchyard routes validate` does.
func compiler(c *config.Config, gateways []flow.Gateway) func(policies.Bundle) (policies.Compiled, error) {
	base := routingOf(c, gateways)
	base.Policy = nil
	known := rulesGateways(&base)
	return func(b policies.Bundle) (policies.Compiled, error) {
		if len(b) == 0 {
			return policies.Compiled{Hash: payments.NoPolicy, Config: router.Compile(base)}, nil
		}
		policy, findings, err := checkFile(b[0], known, &base)
		if err != nil {
			return policies.Compiled{}, err
		}
		routing := base
		routing.Policy = policy
		named := map[string]*router.Config{}
		hash, err := hashOf(b, policy, func(f payments.PolicyFile) (*rules.Policy, error) {
			tried, _, err := checkFile(f, known, &base)
			if err != nil {
				return nil, err
			}
			beside := base
			beside.Policy = tried
			named[f.Name] = router.Compile(beside)
			return tried, nil
		})
		if err != nil {
			return policies.Compiled{}, err
		}
		if c := policy.Document().Canary; c != nil {
			routing.Canary = named[c.File]
		}
		if c := policy.Document().Shadow; c != nil {
			routing.Shadow = named[c.File]
		}
		compiled := router.Compile(routing)
		if hash != policy.Hash { // the files that it names are a part of what decides
			routing.Version = textHash(compiled.Version + hash)[:len(compiled.Version)]
			compiled = router.Compile(routing)
		}
		return policies.Compiled{Hash: hash, Config: compiled, Findings: findings, NotInForce: NotInForce(policy, c.IINs != nil)}, nil
	}
}

// checkFile compiles one file and looks for mistakes. What must not go live is rules.Faults.
func checkFile(f payments.PolicyFile, known []rules.Gateway, base *router.Config) (*rules.Policy, []rules.Finding, error) {
	doc, _ := rules.Decode(f.Name, []byte(f.Text)) // Compile reports these faults again, with its own
	policy, faults := rules.Compile(doc, known)
	if len(faults) > 0 {
		return nil, nil, faults
	}
	findings := analyse(policy, base, time.Now())
	for _, finding := range findings {
		if finding.Severity == rules.SeverityError {
			faults = append(faults, finding)
		}
	}
	if len(faults) > 0 {
		return nil, nil, faults
	}
	return policy, findings, nil
}

// hashOf is the hash of a bundle's meaning: that of its policy, or with the files that it names one over all of them.
func hashOf(b policies.Bundle, policy *rules.Policy, compile func(payments.PolicyFile) (*rules.Policy, error)) (string, error) {
	names := policies.Named(policy.Document())
	if len(names) == 0 {
		return policy.Hash, nil
	}
	meaning := []string{policy.Hash}
	for _, name := range names {
		file, there := b.File(name)
		if !there {
			return "", rules.Faults{{
				Severity: rules.SeverityError, Code: rules.CodeMissing, File: b[0].Name, Line: 1, Column: 1, Message: "the policy names " + name + ", which has to come with it",
			}}
		}
		named, err := compile(file)
		if err != nil {
			return "", err
		}
		meaning = append(meaning, name, named.Hash)
	}
	return textHash(strings.Join(meaning, "\x00")), nil
}

func textHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// ReloadRules reads the routing policy's file again. What is wrong with it is logged, and the policy in force stays.
func (a *App) ReloadRules(ctx context.Context, because string) {
	result, err := a.policies.Reload(ctx, policies.Order{By: policies.Itself, Because: because})
	if err == nil && !result.Changed {
		a.log.InfoContext(ctx, "the routing policy's file has not changed since the last decision", "because", because, "in_force", policies.Short(result.Status.Policy))
	}
}
