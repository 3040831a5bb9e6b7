package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"switchyard/app"
	"switchyard/config"
	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router/rules"
)

type routesSimulate struct {
	routesFor
	operators

	File     string `arg:"" optional:"" type:"existingfile" help:"A routing policy, looked at by itself, with all gateway configurations in health. Without one a running gateway is asked, with what is in force, known and ill there now."`
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

// knownFacts are the keys of statedFacts.
const knownFacts = "project, invoice, customer, operation, method, scheme, funding, issuer_country, customer_country, iin, initiation, payment_intent, incremental, saved_at, metadata"

// schemes are the words of the fact.
var schemes = []string{
	string(payments.SchemeVisa), string(payments.SchemeMastercard), string(payments.SchemeAmex), string(payments.SchemeDiners), string(payments.SchemeJCB),
	string(payments.SchemeDiscover), string(payments.SchemeUnionPay), string(payments.SchemeMaestro), string(payments.SchemeCarteBancaire),
}

// check refuses what no payment has, and what would match no rule therefore.
func (s *statedFacts) check() error {
	for _, fact := range []struct {
		name, value string
		known       []string
	}{
		{"operation", string(s.Operation), []string{"authorize", "sale", "verify"}},
		{"scheme", string(s.Scheme), schemes},
		{"funding", s.Funding, []string{"credit", "debit", "prepaid"}},
		{"initiation", string(s.Initiation), []string{"cit", "mit"}},
	} {
		if fact.value != "" && !slices.Contains(fact.known, fact.value) {
			return fmt.Errorf("%s is one of %s; not %q", fact.name, strings.Join(fact.known, ", "), fact.value)
		}
	}
	for _, fact := range []struct{ name, country string }{{"issuer_country", s.IssuerCountry}, {"customer_country", s.CustomerCountry}} {
		if fact.country != "" && (len(fact.country) != 2 || fact.country != strings.ToUpper(fact.country)) {
			return fmt.Errorf("%s is two capital letters, such as DE, not %q", fact.name, fact.country)
		}
	}
	return nil
}

func (r routesSimulate) Run(env environment) error {
	if r.File == "" {
		facts, err := r.facts("")
		if err != nil {
			return err
		}
		var answer explained
		if err := r.ask(env.ctx, http.MethodPost, "/routing/simulate", map[string]any{"facts": facts}, &answer); err != nil {
			return err
		}
		return writeExplanation(env.stdout, &answer.Explanation)
	}
	routing, c, err := r.read(r.File)
	if err != nil {
		return err
	}
	project := ""
	if len(c.Projects) > 0 {
		project = c.Projects[0].ID
	}
	facts, err := r.facts(project)
	if err != nil {
		return err
	}
	if c.IINs != nil {
		card := payments.CardFacts{Scheme: facts.Scheme, Country: facts.CardCountry, Type: facts.Funding}
		card.Fill(c.IINs.Lookup(facts.IIN))
		facts.Scheme, facts.CardCountry, facts.Funding = card.Scheme, card.Country, card.Type
	}
	e := routing.Explain(facts)
	if err := writeExplanation(env.stdout, &e); err != nil || !smartly(routing.Policy.Document(), e.Decision.Rule) {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, "Nothing is known of the gateway configurations here, so that the smart route stands in the order of its list. Without a file, a running gateway says where it goes.")
	return err
}

// smartly says that the rule of a decision has a smart route.
func smartly(doc *rules.Document, rule string) bool {
	for i := range doc.Rules {
		if doc.Rules[i].Name == rule {
			return doc.Rules[i].Route.Kind == rules.RouteSmart
		}
	}
	return doc.Default.Kind == rules.RouteSmart
}

// facts are those of the command line: a sale with a card and its CVC in a project, unless it says otherwise.
func (r routesSimulate) facts(project string) (payments.Facts, error) {
	stated := statedFacts{Project: cmp.Or(project, config.DevProjectID), Operation: payments.OpSale, Method: rules.MethodCard}
	if r.Facts != "" {
		decoder := json.NewDecoder(bytes.NewReader([]byte(r.Facts)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&stated); err != nil {
			return payments.Facts{}, usageError{"--facts: " + err.Error() + "; write an object of JSON with some of: " + knownFacts}
		}
	}
	if err := stated.check(); err != nil {
		return payments.Facts{}, usageError{"--facts: " + err.Error()}
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

// explained is the answer to a question about one payment.
type explained struct {
	Explanation app.Explanation `json:"explanation"`
}

func writeExplanation(w io.Writer, e *app.Explanation) error {
	var out bytes.Buffer
	d := &e.Decision
	if e.Trace != "" {
		fmt.Fprintln(&out, e.Trace)
	}
	fmt.Fprintf(&out, "Decision of %q:\n", d.Rule)
	for _, s := range e.Sentences {
		fmt.Fprintf(&out, "  %-8s  %s: %s\n", s.Verdict, s.GatewayConfigurationID, s.Sentence)
	}
	if d.Blocked != "" {
		fmt.Fprintf(&out, "The merchant is told: %s\n", d.Blocked)
	}
	if d.Explored {
		fmt.Fprintln(&out, "Chance chose the first of them, to learn how it does now.")
	}
	if d.Arm != "" {
		fmt.Fprintf(&out, "A canary is running; this payment is on the side of %s.\n", d.Arm)
	}
	if len(e.Attempts) > 0 {
		fmt.Fprintln(&out, "What was tried:")
	}
	for _, t := range e.Attempts {
		fmt.Fprintf(&out, "  %s  %-9s %s: %s\n", when(t.At), t.Operation, t.GatewayConfigurationID, t.Sentence)
	}
	if !d.DecidedAt.IsZero() && len(e.Attempts) > 0 {
		fmt.Fprintf(&out, "Decided at %s by config_version %s.\n", when(d.DecidedAt), d.ConfigVersion)
	}
	_, err := out.WriteTo(w)
	return err
}

type routesExplain struct {
	operators

	Invoice string `arg:"" help:"Id of the invoice: iv_…"`
	Project string `placeholder:"ID" help:"Its project; default: every project of the gateway is looked through."`
}

func (r routesExplain) Run(env environment) error {
	path := "/routing/explain/" + url.PathEscape(r.Invoice)
	if r.Project != "" {
		path += "?" + url.Values{"project": {r.Project}}.Encode()
	}
	var answer explained
	if err := r.ask(env.ctx, http.MethodGet, path, nil, &answer); err != nil {
		return err
	}
	if e := &answer.Explanation; len(e.Attempts) == 0 && len(e.Decision.Order()) > 0 {
		if _, err := io.WriteString(env.stdout, "Nobody has tried to pay this invoice. Where it would go now, by what the invoice says; no card is known:\n"); err != nil {
			return err
		}
	}
	return writeExplanation(env.stdout, &answer.Explanation)
}

type routesBacktest struct {
	operators

	File string        `arg:"" type:"existingfile" help:"The policy in question."`
	Last time.Duration `default:"168h" help:"How far back to look."`
	Most int           `default:"50000" help:"How many payments to look at."`
}

func (r routesBacktest) Run(env environment) error {
	bundle, err := policies.ReadBundle(r.File)
	if err != nil {
		return usageError{err.Error()}
	}
	var answer struct {
		Text string `json:"text"`
	}
	if err := r.ask(env.ctx, http.MethodPost, "/routing/backtest", map[string]any{
		"name": bundle[0].Name, "text": bundle[0].Text, "files": bundle[1:], "since": time.Now().Add(-r.Last).UTC(), "most": r.Most,
	}, &answer); err != nil {
		return err
	}
	_, err = io.WriteString(env.stdout, answer.Text)
	return err
}
