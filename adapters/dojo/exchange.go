package dojo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The paths of the API.
const (
	intentsPath   = "/payment-intents"
	setupsPath    = "/setup-intents"
	customersPath = "/customers"
	publicPath    = "/customers/public" // what a customer's own secret opens
)

// setupPrefix is how the ids of setup intents begin.
const setupPrefix = "si_"

// below is the path of one object, or of a step of it.
func below(path, id string, step ...string) string {
	return strings.Join(append([]string{path, url.PathEscape(id)}, step...), "/")
}

// pathOf is the path of what a session is: a payment intent or a setup intent.
func pathOf(session string) string {
	if strings.HasPrefix(session, setupPrefix) {
		return below(setupsPath, session)
	}
	return below(intentsPath, session)
}

// call is one request to Dojo.
type call struct {
	method, path string
	query        url.Values
	body         any             // nil: no body
	once         string          // the idempotency key, which refunds alone have
	customer     payments.Secret // a customer's secret, as the key of this call or in its body
	asCustomer   bool            // the customer's secret is the key
}

// do sends a request once. The key stands in the header as it is: neither encoded nor with a user name.
func (a *adapter) do(ctx context.Context, c call) (*wire.Response, error) {
	key := a.key
	if c.asCustomer {
		key = c.customer
	}
	header := http.Header{"Authorization": {"Basic " + key.Reveal()}, "Version": {a.version}}
	if c.once != "" {
		header.Set("idempotencyKey", c.once)
	}
	return a.wire.Do(ctx, wire.Request{
		Method: c.method, Path: c.path, Query: c.query, Header: header, JSON: c.body, Secrets: []string{c.customer.Reveal()},
	})
}

// ask sends a request and reads its answer. The error is a *payments.Fault.
func (a *adapter) ask(ctx context.Context, c call, into any) error {
	answer, err := a.do(ctx, c)
	switch {
	case err != nil:
		return err
	case !ok(answer):
		return refused(answer)
	}
	return answer.JSON(into)
}

// ok says that an answer is one of success.
func ok(r *wire.Response) bool { return r.Status >= 200 && r.Status <= 299 }

// problem is how Dojo says no.
type problem struct {
	Type    string              `json:"type"`
	Title   string              `json:"title"`
	Detail  string              `json:"detail"`
	TraceID string              `json:"traceId"`
	Errors  map[string][]string `json:"errors"` // by field
}

// problemOf reads the body of a refusal. It is nil when Dojo did not write it: a proxy in between has its own pages.
func problemOf(r *wire.Response) *problem {
	var p problem
	if json.Unmarshal(r.Body, &p) != nil || p.Type == "" && p.Title == "" && p.TraceID == "" {
		return nil
	}
	return &p
}

// about says whether the problem is with a field, whatever it is part of.
func (p *problem) about(field string) bool {
	for name := range p.Errors {
		if strings.EqualFold(name[strings.LastIndexByte(name, '.')+1:], field) {
			return true
		}
	}
	return false
}

// text is the problem in a line: there is no code for it.
func (p *problem) text() string {
	parts := []string{p.Title, p.Detail}
	for _, field := range slices.Sorted(maps.Keys(p.Errors)) {
		parts = append(parts, field+": "+strings.Join(p.Errors[field], " "))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// refused returns the fault for an answer that is no success.
func refused(r *wire.Response) *payments.Fault {
	p, code, message := problemOf(r), "", ""
	if p != nil {
		code, message = strconv.Itoa(r.Status), p.text()
	}
	fault := r.Fault(code, withoutOpeners(message))
	switch {
	case fault.Kind != payments.Rejected:
	case p == nil:
		fault.Kind = payments.Unknown
	case r.Status == http.StatusConflict:
		// The intent is in another state, or another request is under way: that may be an earlier one of ours.
		fault.Kind, fault.Code = payments.Unknown, payments.GatewayInvalidState
	case p.about("savedCardId"):
		fault.MethodGone = true // the preselected card is not the customer's any more
	}
	return fault
}

// openers are customers' secrets, wherever they stand.
var openers = regexp.MustCompile(`\bcs_[A-Za-z0-9_-]+`)

// withoutOpeners masks customers' secrets in a text of Dojo's: it may repeat one that the request did not have.
func withoutOpeners(text string) string { return openers.ReplaceAllLiteralString(text, "***") }

// missing says that Dojo does not have what was asked for.
func missing(r *wire.Response) bool { return r.Status == http.StatusNotFound && problemOf(r) != nil }

// preparing judges the fault of a call before the one that charges: nothing was charged, whatever became of the call.
func preparing(err error) error {
	f := payments.AsFault(err)
	if f.Kind != payments.Unknown {
		return f
	}
	return &payments.Fault{Kind: payments.NeverSent, RawCode: f.RawCode, RawMessage: f.RawMessage, Err: f}
}

// durable makes references durable before anything can be charged; nothing may be charged when it fails.
func durable(ctx context.Context, note func(context.Context, payments.ProviderRefs) error, refs payments.ProviderRefs) error {
	if note == nil {
		return payments.Faultf(payments.NeverSent, "dojo: no way to make references durable was given")
	}
	if err := note(ctx, refs); err != nil {
		return payments.NewFault(payments.NeverSent, fmt.Errorf("dojo: making references durable: %w", err))
	}
	return nil
}

// unexpected is the fault for a good answer that does not answer the question.
func unexpected(what string) error {
	return payments.Faultf(payments.Unknown, "dojo: the answer is not about %s", what)
}

// rejected is the fault for what Dojo cannot do, or not with what is known.
func rejected(code payments.Code, why string) error {
	f := payments.Faultf(payments.Rejected, "dojo: %s", why)
	f.Code = code
	return f
}
