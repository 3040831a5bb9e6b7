package paymongo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// call is one request to PayMongo.
type call struct {
	method     string
	path       string
	query      url.Values
	key        string   // for Idempotency-Key; empty where a repeat changes nothing
	attributes any      // nil: no body
	secrets    []string // of this call alone: card number, CVC
}

// do sends a call and decodes the answer into v, which may be nil. The error is a *payments.Fault when there is no usable
// answer, or a *refusal.
func (a *adapter) do(ctx context.Context, c call, v any) error {
	request := wire.Request{
		Method: c.method, Path: c.path, Query: c.query, BasicUser: a.key.Reveal(), Header: http.Header{}, Secrets: c.secrets,
	}
	if c.key != "" {
		request.Header.Set("Idempotency-Key", c.key)
	}
	if c.attributes != nil {
		request.JSON = document[any]{Data: resource[any]{Attributes: c.attributes}}
	}
	answer, err := a.wire.Do(ctx, request)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK { // every success is 200, creations and deletions too
		return newRefusal(answer)
	}
	if v == nil {
		return nil
	}
	return answer.JSON(v)
}

// fetch sends a call that is answered with one object. With an id, it must be that one.
func fetch[T any](ctx context.Context, a *adapter, c call, id string) (resource[T], error) {
	var d document[T]
	if err := a.do(ctx, c, &d); err != nil {
		return resource[T]{}, err
	}
	if d.Data.ID == "" || id != "" && d.Data.ID != id {
		return resource[T]{}, payments.Faultf(payments.Unknown, "paymongo: the answer to %s %s is not the object that was asked for", c.method, c.path)
	}
	return d.Data, nil
}

// refusal is an answer other than 200.
type refusal struct {
	answer  *wire.Response
	entry   errorEntry   // the first; the zero value when the body cannot be read
	entries []errorEntry // all of them: checks of a whole request tell every fault at once
}

type errorEntry struct {
	Code    string `json:"code"`
	SubCode string `json:"sub_code"`
	Detail  string `json:"detail"`
	Source  struct {
		Pointer   string `json:"pointer"`
		Attribute string `json:"attribute"`
	} `json:"source"`
}

func newRefusal(answer *wire.Response) *refusal {
	r := &refusal{answer: answer}
	var body struct {
		Errors []errorEntry `json:"errors"`
	}
	if json.Unmarshal(answer.Body, &body) == nil && len(body.Errors) > 0 { // a 429 and some 5xx carry no JSON
		r.entry, r.entries = body.Errors[0], body.Errors
	}
	return r
}

// Error names the code alone: the detail is not redacted here.
func (r *refusal) Error() string { return "paymongo: refused: " + r.answer.Redact(r.rawCode()) }

// rawCode is PayMongo's most telling word.
func (r *refusal) rawCode() string {
	if r.entry.SubCode != "" {
		return r.entry.SubCode
	}
	return r.entry.Code
}

// field is the name of the attribute at fault, without its path.
func (r *refusal) field() string { return r.entry.field() }

func (e errorEntry) field() string {
	name := cmp.Or(e.Source.Pointer, e.Source.Attribute)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// names says whether an attribute is among those at fault.
func (r *refusal) names(field string) bool {
	return slices.ContainsFunc(r.entries, func(e errorEntry) bool { return e.field() == field })
}

// is says whether PayMongo refused with this code.
func (r *refusal) is(code string) bool { return r.entry.Code == code }

// asRefusal returns the refusal in err's chain, or nil.
func asRefusal(err error) *refusal {
	r, _ := errors.AsType[*refusal](err)
	return r
}

// missing says that PayMongo does not know the object that the call names.
func missing(err error) bool {
	r := asRefusal(err)
	return r != nil && r.answer.Status == http.StatusNotFound && r.is("resource_not_found")
}

// decline carries a declined outcome through the steps of an operation.
type decline struct{ outcome payments.Outcome }

func (d *decline) Error() string { return "paymongo: declined: " + string(d.outcome.Code) }

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

// rejected is the fault for what PayMongo cannot do, or not with what is known: nothing is sent.
func rejected(code payments.Code, why string) error {
	f := payments.Faultf(payments.Rejected, "paymongo: %s", why)
	f.Code = code
	return f
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
