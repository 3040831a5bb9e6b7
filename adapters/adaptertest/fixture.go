package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"switchyard/adapters"
	"switchyard/payments"
)

// OpForget is the operation of a Case for adapters.MethodDeleter; payments has no name for it, since no attempt is one.
const OpForget payments.Operation = "forget"

// OpSession is the operation of a Case for adapters.SessionStarter: the payer pays on the PSP's page. The request's method is
// the preselected one, and its hold says that the money is not taken at once.
const OpSession payments.Operation = "session"

// The operations of cases for the other abilities that no attempt is one of.
const (
	OpSync           payments.Operation = "sync-customer"   // adapters.CustomerSyncer; want.refs.customer is what it returns
	OpList           payments.Operation = "list-methods"    // adapters.MethodLister, of request.refs.customer; want.methods
	OpForgetCustomer payments.Operation = "forget-customer" // adapters.CustomerDeleter, of request.refs.customer
	OpContinue       payments.Operation = "continue"        // adapters.Continuer, of the operation request.of with request.result
	OpListCharges    payments.Operation = "list-charges"    // adapters.ChargeLister, from request.since until request.until, at request.cursor; want.listed, want.next
)

// Case is one fixture file: an operation, the exchanges that the adapter is expected to have with the PSP, in this order,
// and what it must make of them. The name is the file's, without ".json".
//
// In every text of Exchanges these are replaced: {{reference}} by the reference of the request, {{currency}} by the currency.
// A JSON value that is exactly "{{amount}}" becomes the amount as a JSON number in the PSP's units, "{{amount_text}}" the
// same as a string ("12.5"), "{{amount_decimal}}" a string with all decimals ("12.50"). In want_form values they are
// replaced as text.
type Case struct {
	Name      string             `json:"-"`
	Doc       string             `json:"doc"` // what is special, for people
	Operation payments.Operation `json:"operation"`
	Request   Request            `json:"request,omitzero"`
	Exchanges []Exchange         `json:"exchanges"`
	Want      Want               `json:"want"`
}

// Request says how the request differs from the suite's own, which is a customer-initiated payment with a card. Only what a
// case needs is given.
type Request struct {
	Amount               string                `json:"amount,omitzero"` // major units; "1234" unless given
	Currency             payments.Currency     `json:"currency,omitzero"`
	Of                   payments.Operation    `json:"of,omitzero"` // what a lookup or abandon asks about
	Card                 *Card                 `json:"card,omitzero"`
	Method               string                `json:"method,omitzero"` // a saved method in place of the card
	CVC                  string                `json:"cvc,omitzero"`    // with Method
	NoCVC                bool                  `json:"no_cvc,omitzero"` // the card without its CVC
	Save                 bool                  `json:"save,omitzero"`
	Hold                 bool                  `json:"hold,omitzero"`       // of a session
	ShowSaved            bool                  `json:"show_saved,omitzero"` // of a session
	Incremental          bool                  `json:"incremental,omitzero"`
	Initiation           payments.Initiation   `json:"initiation,omitzero"`
	PaymentIntent        string                `json:"payment_intent,omitzero"`
	NetworkTransactionID string                `json:"network_transaction_id,omitzero"`
	Reason               string                `json:"reason,omitzero"`
	Refs                 payments.ProviderRefs `json:"refs,omitzero"`
	Before               payments.Totals       `json:"before,omitzero"` // minor units
	SentSecondsAgo       int                   `json:"sent_seconds_ago,omitzero"`
	NoPayer              bool                  `json:"no_payer,omitzero"` // nothing is known of the payer
	Result               string                `json:"result,omitzero"`   // of the payer's step, to continue with
	Since                time.Time             `json:"since,omitzero"`    // of a list of charges
	Until                time.Time             `json:"until,omitzero"`    // likewise
	Cursor               string                `json:"cursor,omitzero"`   // likewise
}

// Card is a PSP's published test card.
type Card struct {
	Number   string `json:"number,omitzero"`
	ExpMonth int    `json:"exp_month,omitzero"`
	ExpYear  int    `json:"exp_year,omitzero"`
	CVC      string `json:"cvc,omitzero"`
	Name     string `json:"name,omitzero"`
}

// Exchange is one call and its answer.
type Exchange struct {
	Method string            `json:"method"`
	Path   string            `json:"path"`            // below the base URL, or an absolute URL
	Query  map[string]string `json:"query,omitempty"` // exactly these parameters
	// Charge marks the call that moves the money. It need not be given when only one call is not a GET.
	Charge   bool              `json:"charge,omitzero"`
	Optional bool              `json:"optional,omitzero"` // the adapter may leave the call out
	Headers  map[string]string `json:"want_headers,omitempty"`
	JSON     json.RawMessage   `json:"want_json,omitempty"`   // every field here must be in the body with this value
	Form     map[string]string `json:"want_form,omitempty"`   // the same for a form
	Absent   []string          `json:"want_absent,omitempty"` // dotted paths that must not be in the body

	Status        int               `json:"status"`
	AnswerHeaders map[string]string `json:"headers,omitempty"`
	Body          json.RawMessage   `json:"body,omitempty"` // the answer
	Text          string            `json:"text,omitzero"`  // the answer when it is not JSON
}

// Want is what the adapter must make of the exchanges. Empty fields are not compared, except that an outcome without a Fault
// is expected unless Fault is given. Of references, those that are given are compared.
type Want struct {
	Status               payments.OutcomeStatus   `json:"status,omitzero"`
	Code                 payments.Code            `json:"code,omitzero"`
	Class                string                   `json:"class,omitzero"` // the policy class of the code: "A" to "I"
	RawCode              string                   `json:"raw_code,omitzero"`
	NetworkCode          string                   `json:"network_code,omitzero"`
	AdviceCode           string                   `json:"advice_code,omitzero"`
	Refs                 payments.ProviderRefs    `json:"refs,omitzero"`
	NetworkTransactionID string                   `json:"network_transaction_id,omitzero"`
	Action               *payments.CustomerAction `json:"action,omitzero"`
	Amount               string                   `json:"amount,omitzero"` // major units
	CVCCheck             string                   `json:"cvc_check,omitzero"`
	AVSCheck             string                   `json:"avs_check,omitzero"`

	MethodOnly payments.Initiation `json:"method_only,omitzero"`

	Fault       payments.FaultKind `json:"fault,omitzero"`
	MethodGone  bool               `json:"method_gone,omitzero"`
	SaveRefused bool               `json:"save_refused,omitzero"`

	Methods []WantMethod `json:"methods,omitempty"` // for a list of methods: all of them, in order

	Listed *[]WantListed `json:"listed,omitempty"` // for a page of charges: all its rows, in order
	Next   string        `json:"next,omitzero"`    // where the list goes on; compared with Listed

	Finding payments.FindingKind `json:"finding,omitzero"` // for a lookup; the fields above are then those of its outcome
	Totals  *payments.Totals     `json:"totals,omitzero"`
	Fence   payments.Fence       `json:"fence,omitzero"` // for an abandon

	Noted *payments.ProviderRefs `json:"noted,omitzero"` // what Note was told last
}

// WantMethod is a saved method that a list must show. Empty fields are not compared.
type WantMethod struct {
	Ref      string          `json:"ref,omitzero"`
	Scheme   payments.Scheme `json:"scheme,omitzero"`
	Last4    string          `json:"last4,omitzero"`
	ExpMonth int             `json:"exp_month,omitzero"`
	ExpYear  int             `json:"exp_year,omitzero"`
	Unusable bool            `json:"unusable,omitzero"`
}

// WantListed is a row that a page of charges must show. Amounts are minor units; one that is left out is not told. All fields are
// compared.
type WantListed struct {
	Kind      payments.ListedKind   `json:"kind"`
	Reference string                `json:"reference,omitzero"`
	Refs      payments.ProviderRefs `json:"refs,omitzero"`
	Status    payments.ListedStatus `json:"status"`
	Amount    int64                 `json:"amount"`
	Currency  payments.Currency     `json:"currency"`
	Captured  *int64                `json:"captured,omitempty"`
	Refunded  *int64                `json:"refunded,omitempty"`
	CreatedAt time.Time             `json:"created_at"`
}

// bench is an adapter with its fixtures.
type bench struct {
	Suite
	config   []byte    // config.yaml
	cases    []Case    // by file name
	webhooks []Webhook // ditto
}

// load reads the fixtures.
func load(s Suite) (*bench, error) {
	b := &bench{Suite: s}
	var err error
	if b.config, err = fs.ReadFile(s.Fixtures, "config.yaml"); err != nil {
		return nil, fmt.Errorf("adaptertest: %s needs testdata/config.yaml: %w", s.Provider.Name, err)
	}
	names, err := fs.Glob(s.Fixtures, "*.json")
	if err != nil {
		return nil, fmt.Errorf("adaptertest: %w", err)
	}
	for _, name := range names { // sorted by Glob
		data, err := fs.ReadFile(s.Fixtures, name)
		if err != nil {
			return nil, fmt.Errorf("adaptertest: %w", err)
		}
		if err := b.add(strings.TrimSuffix(path.Base(name), ".json"), data); err != nil {
			return nil, fmt.Errorf("adaptertest: %s: %w", name, err)
		}
	}
	return b, nil
}

// add reads one fixture.
func (b *bench) add(name string, data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if strings.HasPrefix(name, webhookPrefix) {
		w := Webhook{Name: name}
		if err := decoder.Decode(&w); err != nil {
			return err
		}
		if err := w.valid(); err != nil {
			return err
		}
		b.webhooks = append(b.webhooks, w)
		return nil
	}
	c := Case{Name: name}
	if err := decoder.Decode(&c); err != nil {
		return err
	}
	if err := c.valid(); err != nil {
		return err
	}
	b.cases = append(b.cases, c)
	return nil
}

func (c *Case) valid() error {
	for i, e := range c.Exchanges {
		if e.Method == "" || e.Path == "" || e.Status == 0 {
			return fmt.Errorf("exchange %d needs method, path and status", i)
		}
	}
	if c.Operation == payments.OpLookup || c.Operation == payments.OpAbandon || c.Operation == OpContinue {
		if c.Request.Of == "" {
			return fmt.Errorf("a %s needs request.of", c.Operation)
		}
	}
	return nil
}

// newConfig decodes config.yaml over the provider's defaults.
func (b *bench) newConfig() (adapters.Config, error) {
	config := b.Provider.NewConfig()
	if err := yaml.UnmarshalWithOptions(b.config, config, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("config.yaml: %w", err)
	}
	return config, nil
}

// charging is the index of the call that moves the money, -1 if there is none.
func (c *Case) charging() int {
	only := -1
	for i, e := range c.Exchanges {
		if e.Charge {
			return i
		}
		if e.Method != http.MethodGet {
			if only >= 0 {
				only = len(c.Exchanges) // more than one: the fixture has to say
			} else {
				only = i
			}
		}
	}
	if only == len(c.Exchanges) {
		return -1
	}
	return only
}

// approving returns, for every operation that moves money or saves a method, the first fixture that approves with each sequence
// of calls.
func (b *bench) approving() []Case {
	var list []Case
	seen := map[string]bool{}
	for _, c := range b.cases {
		switch c.Operation {
		case payments.OpLookup, payments.OpAbandon, OpForget, OpSession, OpSync, OpList, OpForgetCustomer, OpListCharges:
			continue
		}
		if key := c.sequence(); c.Want.Status == payments.Approved && !seen[key] {
			seen[key] = true
			list = append(list, c)
		}
	}
	return list
}

// sequence tells cases apart by their calls.
func (c *Case) sequence() string {
	key := []string{string(c.Operation)}
	for _, e := range c.Exchanges {
		key = append(key, e.Method, e.Path)
	}
	return strings.Join(key, " ")
}

// lookups returns, for every operation, its first lookup that finds it.
func (b *bench) lookups() []Case {
	var list []Case
	seen := map[payments.Operation]bool{}
	for _, c := range b.cases {
		found := c.Want.Finding == payments.FoundOutcome || c.Want.Finding == payments.FoundTotals
		if c.Operation == payments.OpLookup && found && !seen[c.Request.Of] {
			seen[c.Request.Of] = true
			list = append(list, c)
		}
	}
	return list
}
