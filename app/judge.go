package app

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"switchyard/backtests"
	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router"
	"switchyard/router/rules"
)

// judgeHandlers serve what changes nothing: why a payment went where it went, where one would go, and what another policy would
// have done.
func (a *App) judgeHandlers(mux *http.ServeMux) {
	var one sync.Mutex // one replay at a time: each reads many payments
	mux.HandleFunc("GET /routing/explain/{invoice}", a.explainInvoice)
	mux.HandleFunc("POST /routing/simulate", a.simulate)
	mux.HandleFunc("POST /routing/backtest", func(w http.ResponseWriter, r *http.Request) {
		if !one.TryLock() {
			a.reply(w, http.StatusConflict, map[string]any{"success": false, "message": "Another backtest is running; try again when it has ended."})
			return
		}
		defer one.Unlock()
		a.backtest(w, r)
	})
}

// Explanation is a decision in words.
type Explanation struct {
	ProjectID string            `json:"project_id,omitempty"`
	InvoiceID string            `json:"invoice_id,omitempty"`
	Decision  payments.Decision `json:"decision"`
	Sentences []Sentence        `json:"sentences"`          // one for each candidate
	Trace     string            `json:"trace,omitempty"`    // rule by rule
	Attempts  []Tried           `json:"attempts,omitempty"` // what was tried, first to last
}

// Sentence says in words why a candidate was taken or left.
type Sentence struct {
	GatewayConfigurationID string           `json:"gateway_configuration_id"`
	Verdict                payments.Verdict `json:"verdict"`
	Sentence               string           `json:"sentence"`
}

// Tried is an attempt in words.
type Tried struct {
	AttemptID              string             `json:"attempt_id"`
	Operation              payments.Operation `json:"operation"`
	GatewayConfigurationID string             `json:"gateway_configuration_id"`
	At                     time.Time          `json:"at"`
	Sentence               string             `json:"sentence"`
}

func explanationOf(d *payments.Decision) Explanation {
	e := Explanation{Decision: *d, Sentences: make([]Sentence, 0, len(d.Candidates))}
	for i := range d.Candidates {
		c := &d.Candidates[i]
		e.Sentences = append(e.Sentences, Sentence{c.GatewayConfigurationID, c.Verdict, d.Sentence(c)})
	}
	return e
}

// explainInvoice says why an invoice's payment went where it went. Without a project in the query, every project is looked
// through.
func (a *App) explainInvoice(w http.ResponseWriter, r *http.Request) {
	wanted := a.projectIDs
	if project := r.URL.Query().Get("project"); project != "" {
		wanted = []string{project}
	}
	for _, project := range wanted {
		d, attempts, err := a.engine.Explain(r.Context(), project, r.PathValue("invoice"))
		if payments.ErrorCode(err) == payments.CodeInvoiceNotFound {
			continue
		}
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		e := explanationOf(&d)
		e.ProjectID, e.InvoiceID = project, r.PathValue("invoice")
		for i := range attempts {
			t := &attempts[i]
			e.Attempts = append(e.Attempts, Tried{t.ID, t.Operation, t.GatewayConfigurationID, t.SentAt, t.Reason()})
		}
		a.reply(w, http.StatusOK, map[string]any{"success": true, "explanation": e})
		return
	}
	a.reply(w, http.StatusNotFound, map[string]any{"success": false, "message": "There is no such invoice; name its project with ?project= if it is not one of this configuration."})
}

// question is a payment, or a time, and the policy that it is put to.
type question struct {
	Name  string                `json:"name"` // of the policy's file, for faults
	Text  string                `json:"text"` // empty: the policy in force
	Files []payments.PolicyFile `json:"files"`

	Facts payments.Facts `json:"facts"` // of a simulation

	Since time.Time `json:"since"` // of a backtest
	Until time.Time `json:"until"` // now, if it is missing
	Most  int       `json:"most"`  // payments that are looked at
}

// config compiles the policy in question; nil is the one in force.
func (a *App) candidate(q *question) (*router.Config, error) {
	if q.Text == "" {
		return nil, nil //nolint:nilnil // the one in force
	}
	bundle := append(policies.Bundle{{Name: cmp.Or(q.Name, defaultPolicyName), Text: q.Text}}, q.Files...)
	compiled, err := a.policies.Check(bundle)
	return compiled.Config, err
}

// What is sent, for those who have sent something else.
const (
	exampleSimulation = `{"facts":{"project_id":"…","operation":"sale","amount":{"minor":4990,"currency":"EUR"},"scheme":"visa","has_card":true,"has_cvc":true}}, and the policy as "text" if it is not the one in force.`
	exampleBacktest   = `{"text":"…","since":"2026-01-24T00:00:00Z","until":"2026-01-31T00:00:00Z"}.`
)

// simulate says where a payment would go now: with the present health, beliefs and kill switches.
func (a *App) simulate(w http.ResponseWriter, r *http.Request) {
	var q question
	if !a.readQuestion(w, r, &q, exampleSimulation) {
		return
	}
	f := &q.Facts
	if !f.Amount.Currency.Valid() || f.Amount.Minor < 0 || !f.Operation.Charges() {
		a.reply(w, http.StatusBadRequest, map[string]any{"success": false, "message": "Send the facts of a payment: " + exampleSimulation + " The operation is sale, authorize or verify."})
		return
	}
	c, err := a.candidate(&q)
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	d := a.router.Simulate(c, q.Facts)
	e := explanationOf(&d)
	if c == nil {
		c = a.router.Config()
	}
	if c.Policy != nil {
		facts := rules.FactsOf(f)
		e.Trace = rules.Explain(c.Policy, &facts).String()
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "explanation": e})
}

// Bounds of a backtest.
const (
	defaultReplayed = 50_000
	mostReplayed    = 1_000_000
	usualSpan       = 7 * 24 * time.Hour
)

// backtest says what a policy would have done with the payments of a time.
func (a *App) backtest(w http.ResponseWriter, r *http.Request) {
	var q question
	if !a.readQuestion(w, r, &q, exampleBacktest) {
		return
	}
	now := time.Now().UTC()
	if q.Until.IsZero() {
		q.Until = now
	}
	if q.Since.IsZero() {
		q.Since = q.Until.Add(-usualSpan)
	}
	if q.Most == 0 {
		q.Most = defaultReplayed
	}
	if !q.Since.Before(q.Until) || q.Most < 1 || q.Most > mostReplayed {
		a.reply(w, http.StatusBadRequest, map[string]any{"success": false, "message": "since must be before until, and most from 1 to 1000000."})
		return
	}
	c, err := a.candidate(&q)
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	if c == nil {
		c = a.router.Config()
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.stopping, cancel)()
	result, err := backtests.Run(ctx, a.store, backtests.Request{Candidate: c, Beliefs: a.router.Beliefs(), Since: q.Since, Until: q.Until, Most: q.Most})
	if ctx.Err() != nil {
		a.reply(w, http.StatusServiceUnavailable, map[string]any{"success": false, "message": "The backtest was cut off: the program stops, or nobody waits for it any more."})
		return
	}
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "result": result, "text": result.String()})
}

// readQuestion reads what an operator asks; the example says how. It has answered already when it returns false.
func (a *App) readQuestion(w http.ResponseWriter, r *http.Request, q *question, example string) bool {
	err := strictly(http.MaxBytesReader(w, r.Body, maxPolicyOrder), q)
	if err != nil {
		a.reply(w, http.StatusBadRequest, map[string]any{"success": false, "message": "Send JSON: " + example + " This was not it: " + err.Error()})
	}
	return err == nil
}
