// Package drive lets any program be the world in which routing decides: it asks and tells in lines of JSON, with the time of
// its own, and routing answers as it would in production. Nothing is charged, and no breaker is in play.
package drive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/learn"
	"switchyard/router/rules"
)

// Bounds of what is read and kept.
const (
	maxLine = 64 << 10
	// maxOpen is how many payments are remembered, so that their outcomes can be told; the oldest are forgotten first.
	maxOpen = 1 << 18
)

// line is one line of the input: a question or an outcome.
type line struct {
	At      time.Time `json:"at"`
	Decide  *question `json:"decide"`
	Outcome *outcome  `json:"outcome"`
}

// question asks where a payment goes. What is left out is not known.
type question struct {
	Payment         string              `json:"payment"`
	AmountMinor     int64               `json:"amount_minor"`
	Currency        payments.Currency   `json:"currency"`
	Method          rules.Method        `json:"method"`
	Scheme          payments.Scheme     `json:"scheme"`
	Funding         string              `json:"funding"`
	IssuerCountry   string              `json:"issuer_country"`
	CustomerCountry string              `json:"customer_country"`
	IIN             string              `json:"iin"`
	Customer        string              `json:"customer"`
	Initiation      payments.Initiation `json:"initiation"`
	Metadata        map[string]string   `json:"metadata"`
}

// outcome tells what became of a payment at a gateway.
type outcome struct {
	Payment string        `json:"payment"`
	Gateway string        `json:"gateway"`
	Result  string        `json:"result"` // approved, declined, technical or timeout
	Code    payments.Code `json:"code"`   // of a decline or a technical failure, in our words; may be empty
}

// answer is one line of the output.
type answer struct {
	Payment    string   `json:"payment"`
	Gateway    string   `json:"gateway"` // empty: nobody takes it
	Order      []string `json:"order"`
	Propensity float64  `json:"propensity"` // of the first; 1 when chance had no part in it
	Explore    bool     `json:"explore"`
	Reason     string   `json:"reason"`
}

// Gateways are gateway configurations that take everything: the ones that a policy names in its section gateways, in that
// order.
func Gateways(doc *rules.Document) []router.Gateway {
	list := make([]router.Gateway, 0, len(doc.Gateways))
	for i := range doc.Gateways {
		id := doc.Gateways[i].ID
		list = append(list, router.Gateway{
			ID: id, PSP: id, Enabled: true, Incremental: true, Page: true,
			Capabilities: payments.Capabilities{MerchantInitiated: true, ManualCapture: true, ZeroVerify: true},
		})
	}
	return list
}

// driver is one run. Its clock is the input's.
type driver struct {
	router *router.Router
	now    time.Time
	open   map[string]*decided
	order  []string // of open, oldest first
}

// decided is a payment whose outcomes may still be told.
type decided struct {
	decision payments.Decision
	unknown  []string // gateways that have not answered so far
}

// Run answers the questions of in on out, one line each, flushed at once, until in ends. An error names the line that is at
// fault.
func Run(c *router.Config, in io.Reader, out io.Writer) error {
	d := &driver{open: map[string]*decided{}}
	settings := router.Settings{Now: func() time.Time { return d.now }}
	if c.Policy != nil {
		settings.Beliefs = learn.New(router.Memory(c.Policy))
	}
	d.router = router.New(c, settings)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		a, err := d.take(lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if a == nil {
			continue
		}
		text, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

// take does what one line says. Only a question has an answer.
func (d *driver) take(text []byte) (*answer, error) {
	var l line
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return nil, err
	}
	switch {
	case l.At.IsZero():
		return nil, errors.New(`"at" is missing: give the time of the line, as 2026-01-01T00:00:00Z`)
	case l.Decide == nil == (l.Outcome == nil):
		return nil, errors.New(`give either "decide" or "outcome"`)
	}
	d.now = l.At
	if l.Outcome != nil {
		return nil, d.learn(l.Outcome)
	}
	return d.decide(l.Decide)
}

func (d *driver) decide(q *question) (*answer, error) {
	f, err := q.facts()
	if err != nil {
		return nil, err
	}
	decision := d.router.Decide(f)
	d.remember(q.Payment, decision)
	a := &answer{Payment: q.Payment, Order: []string{}, Propensity: 1, Explore: decision.Explored, Reason: decision.Blocked}
	for _, c := range decision.Order() {
		a.Order = append(a.Order, c.GatewayConfigurationID)
	}
	if len(a.Order) == 0 {
		if a.Reason == "" {
			a.Reason = "no gateway can take this payment"
		}
		return a, nil
	}
	first := &decision.Candidates[0]
	a.Gateway, a.Reason = first.GatewayConfigurationID, decision.Sentence(first)
	if first.Estimate != nil {
		a.Propensity = first.Estimate.Propensity
	}
	return a, nil
}

// facts are those of a sale with a card and its CVC, unless the question says otherwise.
func (q *question) facts() (payments.Facts, error) {
	f := payments.Facts{
		InvoiceID: q.Payment, CustomerID: q.Customer, Operation: payments.OpSale, Amount: payments.Money{Minor: q.AmountMinor, Currency: q.Currency},
		Scheme: q.Scheme, Funding: q.Funding, CardCountry: q.IssuerCountry, CustomerCountry: q.CustomerCountry, IIN: q.IIN,
		Initiation: q.Initiation, Metadata: q.Metadata, HasCard: true, HasCVC: true,
	}
	switch {
	case q.Payment == "":
		return f, errors.New(`"payment" is missing: give each payment a name of its own`)
	case q.AmountMinor < 0 || !q.Currency.Valid():
		return f, errors.New("give amount_minor, which is not negative, and an ISO 4217 currency")
	}
	switch q.Method {
	case "", rules.MethodCard:
	case rules.MethodPage:
		f.Page, f.HasCard, f.HasCVC = true, false, false
	case rules.MethodToken:
		f.Mappings = map[string]payments.Mapping{}
	default:
		return f, errors.New("method is card, page or token")
	}
	return f, nil
}

// remember keeps a decision until its outcome is told.
func (d *driver) remember(payment string, decision payments.Decision) {
	if _, again := d.open[payment]; !again {
		if len(d.order) == maxOpen {
			delete(d.open, d.order[0])
			d.order = d.order[1:]
		}
		d.order = append(d.order, payment)
	}
	d.open[payment] = &decided{decision: decision}
}

func (d *driver) learn(o *outcome) error {
	open := d.open[o.Payment]
	if open == nil {
		return fmt.Errorf("no decision for payment %q is known", o.Payment)
	}
	if !slices.ContainsFunc(open.decision.Candidates, func(c payments.Candidate) bool { return c.GatewayConfigurationID == o.Gateway }) {
		return fmt.Errorf("there is no gateway %q", o.Gateway)
	}
	learnt := learn.Outcome{Gateway: o.Gateway}
	if i := slices.Index(open.unknown, o.Gateway); i >= 0 {
		learnt.Resolves, open.unknown = true, slices.Delete(open.unknown, i, i+1)
	}
	code := o.Code
	switch o.Result {
	case "approved":
		learnt.Result.Outcome.Status = payments.Approved
	case "declined":
		if code == "" {
			code = payments.CardDeclined
		}
		learnt.Result.Outcome = payments.Outcome{Status: payments.Declined, Code: code}
	case "technical":
		fault := payments.Faultf(payments.NeverSent, "technical")
		fault.Code, learnt.Result.Fault = code, fault
	case "timeout":
		if learnt.Resolves {
			open.unknown = append(open.unknown, o.Gateway)
			return nil // still not known
		}
		learnt.Unknown, open.unknown = true, append(open.unknown, o.Gateway)
	default:
		return fmt.Errorf("the result %q is none of approved, declined, technical and timeout", o.Result)
	}
	d.router.Observe(&open.decision, learnt)
	return nil
}
