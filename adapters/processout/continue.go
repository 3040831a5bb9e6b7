package processout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"switchyard/payments"
)

// Suffixes of the idempotency keys with which the result of a payer's step is brought; a hash of the result follows, so that
// the same result is the same request and another one is another.
const (
	stepContinue       = "-continue-"
	stepVerifyContinue = "-verify-continue-"
)

const (
	// resultPrefix begins every result of a step. Other sources are cards, tokens and customers: what the payer's device
	// sends must not choose who pays.
	resultPrefix = "gway_req_"
	maxResult    = 64 << 10 // bytes; those of native SDKs have a few thousand
	hashLength   = 16       // bytes of a result's hash in a key
)

// Continue brings the result of the payer's step: the call that was answered with the step, with the result for its source.
// ProcessOut finds the step by the invoice or the token.
func (a *adapter) Continue(ctx context.Context, r payments.ContinueRequest) (payments.Outcome, error) {
	if !isResult(r.Result) {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "processout: what the payer's device sent is not the result of a step")
	}
	switch r.Operation {
	case payments.OpAuthorize, payments.OpSale:
		return settle(a.continueCharge(ctx, r))
	case payments.OpVerify:
		return settle(a.continueVerification(ctx, r))
	default: // no other operation has the payer take a step
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "processout: %s is not continued", r.Operation)
	}
}

func (a *adapter) continueCharge(ctx context.Context, r payments.ContinueRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" {
		return payments.Outcome{}, noInvoice()
	}
	sale := r.Operation == payments.OpSale
	e, err := a.do(ctx, call{
		method:  http.MethodPost,
		path:    chargePath(r.Refs.Session, sale),
		key:     r.Reference + stepContinue + hashOf(r.Result),
		body:    chargeBody{Source: r.Result, Incremental: r.Incremental, ThreeDS: true, Device: deviceOf(r.Payer)},
		secrets: []string{r.Result},
	})
	if err != nil {
		return payments.Outcome{}, about(afterStep(err), r.Refs.Session)
	}
	return e.charged(r.Refs.Session, sale, r.Amount.Currency)
}

func (a *adapter) continueVerification(ctx context.Context, r payments.ContinueRequest) (payments.Outcome, error) {
	if r.Refs.Session == "" || r.Refs.Customer == "" {
		return payments.Outcome{}, payments.Faultf(payments.Rejected, "processout: the verification's token is not known")
	}
	e, err := a.do(ctx, call{
		method:  http.MethodPut,
		path:    tokenPath(r.Refs.Customer, r.Refs.Session),
		key:     r.Reference + stepVerifyContinue + hashOf(r.Result),
		body:    tokenBody{Source: r.Result, Verify: true, ThreeDS: true, Device: deviceOf(r.Payer)},
		secrets: []string{r.Result},
	})
	if err != nil {
		return payments.Outcome{}, afterStep(err)
	}
	return e.verified(r.Refs)
}

// isResult says whether text may be the result of a step: the prefix and what base64 and tokens are made of. Nothing in it looks
// different when it is quoted, so that it is recognised and masked wherever it comes back.
func isResult(text string) bool {
	encoded, ok := strings.CutPrefix(text, resultPrefix)
	if !ok || encoded == "" || len(text) > maxResult {
		return false
	}
	return strings.Trim(encoded, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_.~") == ""
}

func hashOf(result string) string {
	sum := sha256.Sum256([]byte(result))
	return hex.EncodeToString(sum[:hashLength])
}

// afterStep judges the refusal of a step's result. That ProcessOut does not take the result (any more) says nothing of the
// payment: it may have been made with an earlier one, or may be made with the next. Only what the issuer or the acquirer said of
// the payment is a decline.
func afterStep(err error) error {
	judged := judge(err)
	d, declined := errors.AsType[*decline](judged)
	if r := asRefusal(err); declined && (d.outcome.Code == payments.GatewayNotFound || aboutRequest(r.code)) {
		return asKind(r.answer.Fault(r.code, r.message), payments.Unknown)
	}
	return repeated(judged)
}

// aboutRequest says whether an error type is none of a payment that was tried.
func aboutRequest(word string) bool {
	family, _, _ := strings.Cut(word, ".")
	return (family == "request" || family == "resource" || family == "three-d-s-2") && !payments.Code(word).Known()
}
