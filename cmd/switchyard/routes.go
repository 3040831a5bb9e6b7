package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
	"switchyard/payments"
	"switchyard/router/rules"
)

// routesCommand looks at routing policies, which needs neither a store nor a network, and changes the policy in force by the
// operators' listener of a gateway that runs.
type routesCommand struct {
	Validate routesValidate `cmd:"" help:"Report faults and likely mistakes. Exit code 2: the policy must not go live."`
	Diff     routesDiff     `cmd:"" help:"Say in sentences what changes from one policy to another."`
	Drive    routesDrive    `cmd:"" help:"Decide for any program that plays the world, in lines of JSON (docs/routing-benchmark.md)."`
	Explain  routesExplain  `cmd:"" help:"Say where a payment would go, rule by rule and candidate by candidate."`

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
	routing, _, err := r.read(r.File)
	if err != nil {
		return err
	}
	var errs []rules.Finding
	var out bytes.Buffer
	for _, f := range routing.Findings {
		if f.Severity == rules.SeverityError {
			errs = append(errs, f)
			continue
		}
		fmt.Fprintln(&out, f)
	}
	for _, what := range app.NotInForce(routing.Policy) {
		fmt.Fprintf(&out, "%s: not in force: %s\n", r.File, what)
	}
	if len(errs) == 0 {
		fmt.Fprintf(&out, "%s: policy %s can go live; rules: %d, findings: %d\n", r.File, routing.Policy.Version(), len(routing.Policy.Document().Rules), len(routing.Findings))
	}
	if _, err := out.WriteTo(env.stdout); err != nil {
		return err
	}
	if len(errs) > 0 {
		return config.PolicyFaults(errs)
	}
	return nil
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

type routesExplain struct {
	routesFor

	File     string `arg:"" type:"existingfile" help:"The routing policy."`
	Amount   string `required:"" placeholder:"AMOUNT" help:"In major units: 49.90."`
	Currency string `required:"" placeholder:"CODE" help:"ISO 4217."`
	Facts    string `placeholder:"JSON" help:"What else is known of the payment: {\"scheme\":\"visa\",\"issuer_country\":\"DE\",\"metadata\":{\"tier\":\"gold\"}}."`
}

// statedFacts are the facts of a payment as rules name them. What is left out is not known.
type statedFacts struct {
	Project         string              `json:"project"`
	Invoice         string              `json:"invoice"`
	Customer        string              `json:"customer"`
	Operation       payments.Operation  `json:"operation"`
	Method          rules.Method        `json:"method"`
	Scheme          payments.Scheme     `json:"scheme"`
	Funding         string              `json:"funding"`
	IssuerCountry   string              `json:"issuer_country"`
	CustomerCountry string              `json:"customer_country"`
	IIN             string              `json:"iin"`
	Initiation      payments.Initiation `json:"initiation"`
	Intent          string              `json:"payment_intent"`
	Incremental     bool                `json:"incremental"`
	SavedAt         []string            `json:"saved_at"` // gateway configurations
	Metadata        map[string]string   `json:"metadata"`
}

func (r routesExplain) Run(env environment) error {
	routing, c, err := r.read(r.File)
	if err != nil {
		return err
	}
	facts, err := r.facts(c)
	if err != nil {
		return err
	}
	trace, decision := routing.Explain(facts)
	return writeExplanation(env.stdout, trace, decision)
}

// facts are those of the command line: a sale with a card and its CVC unless it says otherwise.
func (r routesExplain) facts(c *config.Config) (payments.Facts, error) {
	stated := statedFacts{Project: config.DevProjectID, Operation: payments.OpSale, Method: rules.MethodCard}
	if len(c.Projects) > 0 {
		stated.Project = c.Projects[0].ID
	}
	if r.Facts != "" {
		decoder := json.NewDecoder(bytes.NewReader([]byte(r.Facts)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&stated); err != nil {
			return payments.Facts{}, usageError{"--facts: " + err.Error()}
		}
	}
	currency := payments.Currency(r.Currency)
	amount, err := payments.ParseAmount(r.Amount, currency)
	if err != nil {
		return payments.Facts{}, usageError{"--amount, --currency: " + err.Error()}
	}
	f := payments.Facts{
		ProjectID: stated.Project, InvoiceID: stated.Invoice, CustomerID: stated.Customer, Operation: stated.Operation, Amount: amount,
		Scheme: stated.Scheme, IIN: stated.IIN, CardCountry: stated.IssuerCountry, Funding: stated.Funding, CustomerCountry: stated.CustomerCountry,
		Intent: stated.Intent, Initiation: stated.Initiation, Incremental: stated.Incremental, Metadata: stated.Metadata,
	}
	switch stated.Method {
	case rules.MethodPage:
		f.Page = true
		return f, nil
	case rules.MethodToken:
		f.Mappings = map[string]payments.Mapping{}
	case rules.MethodCard:
	default:
		return f, usageError{"--facts: method is card, page or token"}
	}
	f.HasCard, f.HasCVC = true, true
	for _, id := range stated.SavedAt {
		if f.Mappings == nil {
			return f, usageError{"--facts: saved_at goes with the method token"}
		}
		f.Mappings[id] = payments.Mapping{Status: payments.MappingUsable, MethodRef: "saved"}
	}
	return f, nil
}

func writeExplanation(w io.Writer, trace rules.Trace, d payments.Decision) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\nDecision of %q:\n", trace, d.Rule)
	for _, c := range d.Candidates {
		fmt.Fprintf(&out, "  %-8s  %s: %s\n", c.Verdict, c.GatewayConfigurationID, d.Sentence(&c))
	}
	if d.Blocked != "" {
		fmt.Fprintf(&out, "The merchant is told: %s\n", d.Blocked)
	}
	_, err := out.WriteTo(w)
	return err
}
