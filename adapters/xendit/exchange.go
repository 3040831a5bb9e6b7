package xendit

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// apiVersion is sent with every call of version 3.
const apiVersion = "2024-11-11"

// The paths of the API.
const (
	requestsPath     = "/v3/payment_requests"
	paymentsPath     = "/v3/payments"
	tokensPath       = "/v3/payment_tokens"
	refundsPath      = "/refunds"
	transactionsPath = "/transactions"
)

// below is the path of one object, or of a step of it.
func below(path, id string, step ...string) string {
	return strings.Join(append([]string{path, url.PathEscape(id)}, step...), "/")
}

// call is one request to Xendit.
type call struct {
	method, path string
	query        url.Values
	body         any
	key          string   // the idempotency key, where a call takes one
	secrets      []string // of the card in the body
}

// do sends a request once.
func (a *adapter) do(ctx context.Context, c call) (*wire.Response, error) {
	header := http.Header{}
	switch {
	case strings.HasPrefix(c.path, "/v3/"):
		header.Set("Api-Version", apiVersion)
	case strings.HasPrefix(c.path, customersPath):
		header.Set("Api-Version", customersVersion)
	}
	if a.forUser != "" {
		header.Set("For-User-Id", a.forUser)
	}
	if c.key != "" {
		header.Set("Idempotency-Key", c.key)
	}
	return a.wire.Do(ctx, wire.Request{
		Method: c.method, Path: c.path, Query: c.query, Header: header, JSON: c.body,
		BasicUser: a.key.Reveal(), Secrets: c.secrets,
	})
}

// ok says that an answer is one of success.
func ok(r *wire.Response) bool { return r.Status == http.StatusOK || r.Status == http.StatusCreated }

// get reads one object. The answer is nil when Xendit shows nothing by that name.
func (a *adapter) get(ctx context.Context, path string, query url.Values, into any) (*wire.Response, error) {
	r, err := a.do(ctx, call{method: http.MethodGet, path: path, query: query})
	switch {
	case err != nil:
		return nil, err
	case r.Status == http.StatusNotFound:
		return nil, nil
	case !ok(r):
		return nil, r.Fault(errorOf(r))
	}
	return r, r.JSON(into)
}

// getCharge reads a payment, or with requestsPath a payment request, that is known to exist. That it does not show is no
// answer to anything.
func (a *adapter) getCharge(ctx context.Context, path, id string) (*charge, *wire.Response, error) {
	c := &charge{}
	r, err := a.get(ctx, below(path, id), nil, c)
	switch {
	case err != nil:
		return nil, nil, err
	case r == nil:
		return nil, nil, payments.Faultf(payments.Unknown, "xendit: %s does not show %s", path, id)
	case path == requestsPath && c.RequestID != id, path == paymentsPath && c.PaymentID != id:
		return nil, nil, payments.Faultf(payments.Unknown, "xendit: the answer is not about %s", id)
	}
	return c, r, nil
}

// unanswered is the fault for a refusal that does not say what became of the object; nil when it is the object's own state that
// forbids the step.
func unanswered(r *wire.Response) *payments.Fault {
	rawCode, rawMessage := errorOf(r)
	fault := r.Fault(rawCode, rawMessage)
	if fault.Kind != payments.Rejected || requestErrors[rawCode].kind == payments.Throttled {
		return fault
	}
	return nil
}

// preparing turns the fault of a call before the one that moves money into what it is for the operation: that call was not
// sent.
func preparing(err error) error {
	f := payments.AsFault(err)
	if f.Kind != payments.Unknown {
		return f
	}
	return &payments.Fault{Kind: payments.NeverSent, RawCode: f.RawCode, RawMessage: f.RawMessage, Err: f}
}
