package config

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"switchyard/adapters"
	"switchyard/iin"
	"switchyard/router/rules"
)

// policy reads the routing policy that the file names, and says where it is. Its gateway configurations are those of the file, sound or not, so
// that a fault of one is not reported at every place that names it.
func (c *checker) policy() (string, *rules.Policy) {
	name := c.doc.Routing.Rules
	if name == "" {
		if c.has("routing.rules") {
			c.add("routing.rules", "must name a file; remove it, and routing.priority alone decides")
		}
		return "", nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.decoder.refs.folder, name)
	}
	text, err := c.decoder.refs.readFile(name)
	if err != nil {
		c.add("routing.rules", "the routing policy cannot be read: "+unreadable(err))
		return "", nil
	}
	known := make([]rules.Gateway, len(c.doc.Gateways))
	for i, g := range c.doc.Gateways {
		known[i].ID = g.ID
	}
	policy, faults := ReadPolicy(name, text, known)
	if faults != nil {
		c.ledger.policy = faults.List
	}
	return name, policy
}

// ReadPolicy reads a routing policy for some gateway configurations. Its faults are nil when there are none, and the policy is
// nil otherwise.
func ReadPolicy(file string, text []byte, gateways []rules.Gateway) (*rules.Policy, *Faults) {
	doc, _ := rules.Decode(filepath.ToSlash(file), text) // Compile reports these faults again, with its own
	policy, faults := rules.Compile(doc, gateways)
	if len(faults) > 0 {
		return nil, PolicyFaults(faults)
	}
	return policy, nil
}

// PolicyFaults are findings of a routing policy as faults of the configuration.
func PolicyFaults(findings []rules.Finding) *Faults {
	faults := &Faults{}
	for _, f := range findings {
		_, excerpt, _ := strings.Cut(f.String(), "\n")
		faults.List = append(faults.List, Fault{
			File: f.File, Line: f.Line, Column: f.Column, Message: string(f.Severity) + ": " + f.Message + " [" + string(f.Code) + "]", Excerpt: excerpt,
		})
	}
	return faults
}

// DevGateways is what routing knows of the gateway configurations of `switchyard dev`, which has one for each provider: to look
// at a policy without running anything.
func DevGateways(providers []adapters.Provider) *Config {
	psps := make(map[string]string, len(providers))
	for _, p := range providers {
		psps[p.Name] = ""
	}
	c := &Config{Routing: Routing{MaxAttempts: devMaxAttempts}}
	c.IINs, _ = iin.Read(bytes.NewReader(devIINs))
	for _, name := range devPSPs(DevOptions{PSPs: psps, Providers: providers}) {
		i := slices.IndexFunc(providers, func(p adapters.Provider) bool { return p.Name == name })
		g := GatewayConfiguration{
			ID: devGatewayID(name), PSP: name, Name: providers[i].DisplayName, ProjectID: DevProjectID, Enabled: true, Provider: providers[i],
			Capabilities: providers[i].Capabilities, Adapter: providers[i].NewConfig(),
		}
		c.Gateways = append(c.Gateways, g)
		c.Routing.Priority = append(c.Routing.Priority, g.ID)
	}
	return c
}
