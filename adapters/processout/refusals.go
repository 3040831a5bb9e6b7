package processout

import (
	"errors"
	"net/http"

	"switchyard/payments"
)

// faultKinds classifies error types that are not payment codes and whose HTTP status says too little.
var faultKinds = map[string]payments.FaultKind{
	"request.authentication":                              payments.Misconfigured,
	"request.authentication.invalid":                      payments.Misconfigured,
	"request.authentication.invalid-project-id":           payments.Misconfigured,
	"request.configuration.missing-gateway-configuration": payments.Misconfigured,
	"request.gateway.not-available":                       payments.Misconfigured,
	"request.gateway.not-supported":                       payments.Misconfigured,
	"request.gateway.operation-not-supported":             payments.Misconfigured,
	"resource.gateway-configuration.not-found":            payments.Misconfigured,
	"resource.project.not-found":                          payments.Misconfigured,
	"sandbox.not-supported":                               payments.Misconfigured,
	"service.not-supported":                               payments.Misconfigured,
	"request.rate.exceeded":                               payments.Throttled,
	// About an earlier request of ours: the card and the key are this attempt's own.
	"request.idempotency-key.invalid":  payments.Unknown,
	"request.source.card-already-used": payments.Unknown,
	"request.still-processing":         payments.Unknown,
}

// goneCodes say of a payment with a saved method that the method does not exist (any more), or cannot be charged.
var goneCodes = map[string]bool{
	"request.source.invalid":      true,
	"resource.card.not-found":     true,
	"resource.customer.not-found": true,
	"resource.token.not-found":    true,
}

// codeOf translates a payment code. The vendor's codes are ours; it adds some at any time, and a new one is a decline.
func codeOf(word string) payments.Code {
	if code := payments.Code(word); code.Known() {
		return code
	}
	return payments.PaymentDeclined
}

// judge decides what a refusal is: a *decline, or a *payments.Fault. Other errors pass.
func judge(err error) error {
	r := asRefusal(err)
	if r == nil {
		return err
	}
	fault := r.answer.Fault(r.code, r.message)
	status := r.answer.Status
	switch {
	case status >= 300 && fault.Kind != payments.Rejected:
		return fault // the status says it all: 401, 403, 408, 429, 3xx, 5xx
	case r.code == "", status == http.StatusConflict:
		// A 4xx that ProcessOut did not write, or one about an earlier request of ours.
		return asKind(fault, payments.Unknown)
	case faultKinds[r.code] != "":
		return asKind(fault, faultKinds[r.code])
	case payments.Code(r.code).Known(), status == http.StatusGone:
		return declineOr(fault, codeOf(r.code))
	}
	return fault
}

// declineOr is a decline with the code, or the fault made Unknown when the code leaves open whether money moved.
func declineOr(fault *payments.Fault, code payments.Code) error {
	if code.MeansUnknown() {
		fault.Code = code
		return asKind(fault, payments.Unknown)
	}
	return &decline{payments.Outcome{Status: payments.Declined, Code: code, RawCode: fault.RawCode, RawMessage: fault.RawMessage}}
}

func asKind(fault *payments.Fault, kind payments.FaultKind) *payments.Fault {
	fault.Kind = kind
	return fault
}

// methodGone marks the refusal of a saved method that ProcessOut does not have (any more).
func methodGone(err error) error {
	r := asRefusal(err)
	if r == nil || !goneCodes[r.code] {
		return err
	}
	err = judge(err)
	if f, ok := errors.AsType[*payments.Fault](err); ok && f.Kind == payments.Rejected {
		f.MethodGone = true
	}
	return err
}

// repeated judges the error of a charging call that was sent before without an answer: a request that is refused now may be
// one that was accepted then.
func repeated(err error) error {
	if f, ok := errors.AsType[*payments.Fault](err); ok && f.Kind == payments.Rejected {
		f.Kind, f.MethodGone = payments.Unknown, false
	}
	return err
}
