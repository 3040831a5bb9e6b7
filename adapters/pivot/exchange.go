package pivot

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The paths of the API.
const (
	sessionsPath  = "/v2/payments"
	customersPath = "/v1/customers"
	refundsPath   = "/v1/refunds"
)

// perPage is how many objects a list shows at once unless asked for more.
const perPage = 20

// successCode is what every answer of success says beside HTTP 200, creations included.
const successCode = "00"

// below is the path of one object, or of a step of it.
func below(path, id string, step ...string) string {
	return strings.Join(append([]string{path, url.PathEscape(id)}, step...), "/")
}

// call is one request to Pivot.
type call struct {
	method, path string
	query        url.Values
	body         any
	key          string   // the idempotency key: 16 to 36 letters and digits
	secrets      []string // of the body and of what the answer repeats of it
}

// do sends a request once; one that is refused for its access token, which may have expired early, is sent once more with a new
// one. A request without a token is not sent.
func (a *adapter) do(ctx context.Context, c call) (*wire.Response, error) {
	token, err := a.tokens.get(ctx)
	if err != nil {
		return nil, preparing(err)
	}
	r, err := a.send(ctx, c, token)
	if err != nil || r.Status != http.StatusUnauthorized || !a.tokens.refuse(token) {
		return r, err
	}
	if token, err = a.tokens.get(ctx); err != nil {
		return nil, preparing(err)
	}
	r, err = a.send(ctx, c, token)
	if err == nil && r.Status == http.StatusUnauthorized {
		a.tokens.refuse(token)
	}
	return r, err
}

func (a *adapter) send(ctx context.Context, c call, token accessToken) (*wire.Response, error) {
	header := http.Header{}
	header.Set("Authorization", "Bearer "+token.value.Reveal())
	if a.subMerchant != "" {
		header.Set("X-Submerchant-Id", a.subMerchant)
	}
	if c.key != "" {
		header.Set("X-Request-Id", c.key)
	}
	return a.wire.Do(ctx, wire.Request{
		Method: c.method, Path: c.path, Query: c.query, Header: header, JSON: c.body,
		Secrets: append(slices.Clone(c.secrets), token.value.Reveal()),
	})
}

// envelope is around everything that Pivot answers.
type envelope struct {
	Code       text            `json:"code"`
	Data       json.RawMessage `json:"data"`
	Pagination struct {
		TotalItems text `json:"totalItems"`
	} `json:"pagination"`
}

// open takes the envelope off an answer of success. An answer of any other kind is a fault.
func open(r *wire.Response) (envelope, error) {
	var e envelope
	if r.Status != http.StatusOK {
		return e, refused(r)
	}
	if err := r.JSON(&e); err != nil {
		return e, err
	}
	if e.Code != successCode {
		return e, refused(r)
	}
	return e, nil
}

// read decodes an answer with one object.
func read[T any](r *wire.Response) (*T, error) {
	e, err := open(r)
	if err != nil {
		return nil, err
	}
	var one *T
	if json.Unmarshal(e.Data, &one) != nil || one == nil {
		return nil, payments.Faultf(payments.Unknown, "pivot: the answer does not have the object that was expected")
	}
	return one, nil
}

// list decodes an answer with many objects. It is whole when there is no further page: a filter that Pivot ignores must not look
// like absence.
func list[T any](r *wire.Response) (rows []T, whole bool, err error) {
	e, err := open(r)
	if err != nil {
		return nil, false, err
	}
	if json.Unmarshal(e.Data, &rows) != nil {
		return nil, false, payments.Faultf(payments.Unknown, "pivot: the answer is no list")
	}
	total, err := strconv.Atoi(string(e.Pagination.TotalItems))
	if err != nil {
		return rows, rows != nil && len(rows) < perPage, nil
	}
	return rows, total <= len(rows), nil
}

// preparing turns the fault of a call before the one that moves money into what it is for the operation: that call was not
// sent. The fault may be shared with other callers, so that it is copied.
func preparing(err error) error {
	f := *payments.AsFault(err)
	if f.Kind == payments.Unknown {
		f = payments.Fault{Kind: payments.NeverSent, RawCode: f.RawCode, RawMessage: f.RawMessage, Err: f.Err}
	}
	return &f
}
