// Package router says where a payment goes and why, and guards the calls that are made there.
//
// Decide is a pure function of configuration, facts, health and time: it names every gateway configuration of the project, the
// chosen one first, each with a reason that an operator can read. A Router holds the configuration in force and one circuit
// breaker per gateway configuration; Do runs a call under that breaker, a deadline and a span. The package knows neither
// adapters nor HTTP: gateway configurations are ids with declared abilities.
package router

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"switchyard/payments"
	"switchyard/router/rules"
)

// Gateway is one gateway configuration as routing sees it.
type Gateway struct {
	ID          string
	PSP         string // "paymongo"
	DisplayName string // the PSP's own spelling, "PayMongo"; PSP when empty
	ProjectID   string // empty: every project may use it
	Name        string // the operator's own name for it
	Enabled     bool
	// Incremental: a hold can be raised later (the adapter is an Incrementer).
	Incremental bool
	// MaxInFlight is how many charges may be under way there at once; 0 is no limit. Other calls have room of their own: a flood
	// of charges must not keep what has been charged from being found out, captured or given back.
	MaxInFlight int
	// Page: payers can pay on a page of the PSP's own (the adapter is a SessionStarter).
	Page         bool
	Capabilities payments.Capabilities
}

// Config is what decisions are made from. It must not be changed after Compile.
type Config struct {
	Version     string // Compile puts a hash of the content here when it is empty, the policy's hash included
	Gateways    []Gateway
	Priority    []string // gateway configuration ids, first to last; those not named come after them, in the order of Gateways
	MaxAttempts int      // the most candidates that one payment may try, unless Policy says; less than 1 counts as 1
	Budget      Budget   // of declined tries with one card; when it counts, Policy's numbers take its place
	// Policy are the operators' rules; nil: Priority alone decides. Its gateway configurations are those of Gateways.
	Policy *rules.Policy
	// Canary decides in place of this configuration for the payments that Policy's canary names, Shadow for none: what it would
	// do is compared. Both differ from this configuration in their policy alone, and are compiled; nil: there is none.
	Canary, Shadow *Config

	plan *plan
}

// Compile prepares c for Decide, which does the same at every call for a Config that was not compiled. An id that is listed
// twice counts once, and a priority that names no gateway is passed over: reporting these is the business of whoever reads
// the configuration from a file.
func Compile(c Config) *Config {
	if c.Version == "" {
		c.Version = contentHash(&c)
	}
	c.plan = newPlan(&c)
	return &c
}

// versionLength is the number of hexadecimal digits of a content hash: enough to tell configurations apart at a glance.
const versionLength = 12

func contentHash(c *Config) string {
	content := struct {
		Gateways    []Gateway
		Priority    []string
		MaxAttempts int
		Budget      Budget
		Policy      string `json:",omitempty"`
	}{Gateways: c.Gateways, Priority: c.Priority, MaxAttempts: c.MaxAttempts, Budget: c.Budget}
	if c.Policy != nil {
		content.Policy = c.Policy.Hash
	}
	written, err := json.Marshal(content)
	if err != nil { // strings, numbers, and lists and maps of them can always be written
		return ""
	}
	sum := sha256.Sum256(written)
	return hex.EncodeToString(sum[:])[:versionLength]
}

// Condition is how one gateway configuration is at the moment.
type Condition struct {
	Available bool
	// LastResort: available, but after every other candidate.
	LastResort bool
	Reason     string    // a sentence; may be empty when the gateway configuration is simply available
	Until      time.Time // when the condition is looked at anew; zero when it is not known
}

// Health holds conditions by gateway configuration id. A gateway configuration that is missing in it is available.
type Health map[string]Condition
