package processout

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// call is one request to ProcessOut.
type call struct {
	method  string
	path    string
	query   url.Values
	key     string   // for Idempotency-Key; empty where a repeat changes nothing
	body    any      // nil: no body
	secrets []string // of this call alone: card number, CVC
}

// envelope is every answer: the flag, and an object under a key of its own.
type envelope struct {
	Success   *bool  `json:"success"`
	ErrorType string `json:"error_type"`
	Message   string `json:"message"`

	Card        *reference      `json:"card"`
	Customer    *reference      `json:"customer"`
	Event       *event          `json:"event"`
	Invoice     *invoice        `json:"invoice"`
	Transaction *transaction    `json:"transaction"`
	Refund      *refund         `json:"refund"`
	Token       *token          `json:"token"`
	Action      *customerAction `json:"customer_action"`

	Transactions *[]listedTransaction `json:"transactions"`
	HasMore      *bool                `json:"has_more"`

	redact func(string) string
}

// do sends a call and returns what succeeded. The error is a *payments.Fault when there is no usable answer, or a *refusal.
func (a *adapter) do(ctx context.Context, c call) (*envelope, error) {
	request := wire.Request{
		Method: c.method, Path: c.path, Query: c.query, JSON: c.body, Secrets: c.secrets,
		Header:    http.Header{},
		BasicUser: a.project, BasicPassword: a.key.Reveal(),
	}
	request.Header.Set("API-Version", apiVersion)
	if len(c.secrets) > 0 {
		request.Header.Set("Disable-Logging", "true") // ProcessOut keeps a log of requests
	}
	if c.key != "" {
		request.Header.Set("Idempotency-Key", c.key)
	}
	answer, err := a.wire.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	var e envelope
	failed := answer.Status < 200 || answer.Status > 299
	if failed {
		// The body of an error need not be theirs: a proxy in between has its own pages.
		if json.Unmarshal(answer.Body, &e) != nil {
			e = envelope{}
		}
	} else if err := answer.JSON(&e); err != nil {
		return nil, err
	}
	e.redact = answer.Redact
	switch {
	case failed, e.Success != nil && !*e.Success:
		return nil, &refusal{answer: answer, code: e.ErrorType, message: e.Message}
	case e.Success == nil:
		return nil, answer.Fault("", "the answer does not say that it succeeded")
	}
	return &e, nil
}

// refusal is an answer that says no.
type refusal struct {
	answer        *wire.Response
	code, message string // the vendor's error_type and message; empty when the body cannot be read
}

// Error names the code alone.
func (r *refusal) Error() string { return "processout: refused: " + r.answer.Redact(r.code) }

// asRefusal returns the refusal in err's chain, or nil.
func asRefusal(err error) *refusal {
	r, _ := errors.AsType[*refusal](err)
	return r
}

// missing says that ProcessOut does not know a thing of this kind: "invoice", "token".
func missing(err error, what string) bool {
	r := asRefusal(err)
	return r != nil && r.code == "resource."+what+".not-found"
}

// decline carries a declined outcome through the steps of an operation.
type decline struct{ outcome payments.Outcome }

func (d *decline) Error() string { return "processout: declined: " + string(d.outcome.Code) }

// settle turns a step's error into what the contract wants: a decline is an outcome.
func settle(o payments.Outcome, err error) (payments.Outcome, error) {
	if err == nil {
		return o, nil
	}
	if d, ok := errors.AsType[*decline](err); ok {
		return d.outcome, nil
	}
	return payments.Outcome{}, err
}

// preparing judges the error of a step that comes before the charging call: nothing was charged, whatever became of the
// step itself.
func preparing(err error) error {
	err = judge(err)
	if f, ok := errors.AsType[*payments.Fault](err); ok && f.Kind == payments.Unknown {
		f.Kind = payments.NeverSent
	}
	return err
}

// asking judges the error of a look-up. A refusal there is never a decline of the payment.
func asking(err error) error {
	err = judge(err)
	if d, ok := errors.AsType[*decline](err); ok {
		return &payments.Fault{Kind: payments.Rejected, RawCode: d.outcome.RawCode, RawMessage: d.outcome.RawMessage, Err: err}
	}
	return err
}

// incomplete is the fault for a success without the object that it should have.
func incomplete(what string) error {
	return payments.Faultf(payments.Unknown, "processout: the answer has no %s", what)
}
