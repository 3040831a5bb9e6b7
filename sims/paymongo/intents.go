package paymongo

import (
	"slices"
	"strconv"
	"time"

	"switchyard/sims/ledger"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The statuses of an intent. None says "failed": a declined intent waits for another payment method.
const (
	statusAwaitingMethod  = "awaiting_payment_method"
	statusAwaitingAction  = "awaiting_next_action"
	statusAwaitingCapture = "awaiting_capture"
	statusSucceeded       = "succeeded"
	statusCancelled       = "cancelled"
)

const (
	captureManual    = "manual"
	captureAutomatic = "automatic"
	// The limits of an intent's amount, in centavos.
	minAmount, maxAmount = 2000, 999999999
	defaultDescriptor    = "SIMULATED MERCHANT"
)

type intent struct {
	id, clientKey, status, captureType string
	amount                             int64 // centavos
	description, descriptor            string
	allowed                            []string
	threeDSecure                       string
	metadata                           map[string]string
	saveFor                            string // the customer that setup_future_usage names
	returnURL, challengeURL            string
	// method is the payment method that is being charged or has been; charge is the id that its payment has
	// or will have once money is taken.
	method, charge   string
	lastError        psp.Object
	payments         []payment
	created, updated int64
}

// clone shares nothing with pi that changes.
func (pi *intent) clone() intent {
	out := *pi
	out.payments = slices.Clone(pi.payments)
	for i := range out.payments {
		out.payments[i].refunds = slices.Clone(out.payments[i].refunds)
	}
	return out
}

func (pi *intent) touch() { pi.updated = time.Now().Unix() }

type intentInput struct {
	Amount      *int64   `json:"amount"`
	Currency    string   `json:"currency"`
	Allowed     []string `json:"payment_method_allowed"`
	CaptureType string   `json:"capture_type"`
	Description string   `json:"description"`
	Descriptor  string   `json:"statement_descriptor"`
	Options     struct {
		Card struct {
			ThreeDSecure string `json:"request_three_d_secure"`
		} `json:"card"`
	} `json:"payment_method_options"`
	Save     *saveInput        `json:"setup_future_usage"`
	Metadata map[string]string `json:"metadata"`
}

// saveInput asks for the card to be saved once it has paid.
type saveInput struct {
	SessionType string `json:"session_type"`
	Customer    string `json:"customer_id"`
}

func (s *Sim) createIntent(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in intentInput
	if bad, ok := attributes(r, &in); !ok {
		return bad
	}
	if bad, ok := s.checkIntent(in); !ok {
		return bad
	}
	now := time.Now().Unix()
	pi := intent{
		id: s.newID("pi_"), status: statusAwaitingMethod, captureType: in.CaptureType, amount: *in.Amount,
		description: in.Description, descriptor: in.Descriptor, allowed: in.Allowed,
		threeDSecure: in.Options.Card.ThreeDSecure, metadata: in.Metadata, created: now, updated: now,
	}
	if pi.captureType == "" {
		pi.captureType = captureAutomatic
	}
	if pi.descriptor == "" {
		pi.descriptor = defaultDescriptor
	}
	if in.Save != nil {
		pi.saveFor = in.Save.Customer
	}
	pi.clientKey = pi.id + "_client_" + s.deps.Random.Base58(idLength)
	s.intents[pi.id] = shown.New(pi, 0)
	return answer(pi.resource())
}

func (s *Sim) checkIntent(in intentInput) (psp.Answer, bool) {
	bad := func(a psp.Answer) (psp.Answer, bool) { return a, false }
	switch {
	case in.Amount == nil:
		return bad(required("amount"))
	case *in.Amount < minAmount:
		return bad(badParameter(codeTooSmall, "amount", "The minimum value for amount is "+strconv.Itoa(minAmount)+"."))
	case *in.Amount > maxAmount:
		return bad(badParameter(codeTooLarge, "amount", "The maximum value for amount is "+strconv.Itoa(maxAmount)+"."))
	case in.Currency == "":
		return bad(required("currency"))
	case in.Currency != "PHP":
		return bad(badParameter(codeInvalid, "currency", "The value for currency can only be PHP."))
	case len(in.Allowed) == 0:
		return bad(required("payment_method_allowed"))
	case in.CaptureType != "" && in.CaptureType != captureAutomatic && in.CaptureType != captureManual:
		return bad(badParameter(codeInvalid, "capture_type", "capture_type can only be automatic or manual."))
	case in.CaptureType == captureManual && !s.settings.Hold:
		return bad(problem(400, "organization_not_allowed", "Your organization is not allowed to use manual capture."))
	case in.Save == nil:
		return psp.Answer{}, true
	}
	return s.checkSave(*in.Save)
}

// checkSave checks setup_future_usage: a capability of the account, for customers of its own.
func (s *Sim) checkSave(in saveInput) (psp.Answer, bool) {
	const sessionType = "setup_future_usage.session_type"
	var bad psp.Answer
	switch {
	case in.SessionType == "":
		bad = required(sessionType)
	case in.SessionType == "off_session": // for subscriptions only
		bad = badParameter(codeInvalid, sessionType, "Off session payments are not yet supported.")
	case in.SessionType != "on_session":
		bad = badParameter(codeInvalid, sessionType, sessionType+" can only be on_session or off_session.")
	case !s.settings.Vaulting:
		bad = badParameter(codeInvalid, sessionType, "On session payments are not yet supported.")
	case in.Customer == "":
		bad = required("setup_future_usage.customer_id")
	case s.customers[in.Customer] == nil:
		bad = notFound("customer", in.Customer)
	default:
		return psp.Answer{}, true
	}
	return bad, false
}

func (s *Sim) getIntent(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rec, known := s.intents[ids[0]]
	if !known {
		return notFound("payment_intent", ids[0])
	}
	pi, visible := rec.View()
	if !visible {
		return notFound("payment_intent", ids[0])
	}
	return answer(pi.resource())
}

// capture takes all of a hold or a part; what is left is released.
func (s *Sim) capture(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.intents[ids[0]]
	if !known {
		return notFound("payment_intent", ids[0])
	}
	var in struct {
		Amount *int64 `json:"amount"`
	}
	if bad, ok := attributes(r, &in); !ok {
		return bad
	}
	pi := &rec.Live
	amount := pi.amount
	if in.Amount != nil {
		amount = *in.Amount
	}
	switch {
	case pi.status != statusAwaitingCapture:
		return wrongState(pi.status)
	case amount < 1:
		return badParameter(codeTooSmall, "amount", "The minimum value for amount is 1.")
	case amount > pi.amount:
		return problem(400, "allowed_amount_exceeded", "The amount is greater than what was authorized.")
	case o.Decline != psp.NoDecline:
		return failedState(orderedDecline(o.Decline), "The capture failed.")
	}
	rec.Freeze(pi.clone(), o.HideFor)
	s.settle(pi, amount, o.HideFor)
	return answer(pi.resource())
}

// cancel is the fence of an intent that is not charged, and gives a hold back. Once money is taken it is refused.
func (s *Sim) cancel(_ *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.intents[ids[0]]
	if !known {
		return notFound("payment_intent", ids[0])
	}
	pi := &rec.Live
	switch pi.status {
	case statusAwaitingMethod, statusAwaitingAction:
	case statusAwaitingCapture:
		// Whoever cancels a hold that look-ups do not show yet means to fence, and must be told that it is
		// too late.
		if rec.Hidden() {
			return wrongState(pi.status)
		}
		if m := s.methods[pi.method]; m != nil && m.acts.cancelFails {
			return failedState("generic_decline", "The authorization could not be cancelled.")
		}
	default:
		return wrongState(pi.status)
	}
	if o.Decline != psp.NoDecline {
		return failedState(orderedDecline(o.Decline), "The cancellation failed.")
	}
	rec.Freeze(pi.clone(), o.HideFor)
	held := pi.status == statusAwaitingCapture
	pi.status, pi.challengeURL = statusCancelled, ""
	pi.touch()
	if held {
		s.book(pi, ledger.Voided, 0, 0)
	}
	return answer(pi.resource())
}

// book writes the intent's charge into the ledger.
func (s *Sim) book(pi *intent, state ledger.State, captured, refunded int64) {
	s.deps.Ledger.Put(ledger.Charge{
		PSP: name, ID: pi.charge, Reference: pi.metadata["reference"], AmountMinor: pi.amount, Currency: "PHP",
		State: state, CapturedMinor: captured, RefundedMinor: refunded,
	})
}

func (pi *intent) resource() psp.Object {
	payments := make([]psp.Object, len(pi.payments))
	for i := range pi.payments {
		payments[i] = pi.payments[i].resource(pi)
	}
	var next, options, save, lastError any
	if pi.status == statusAwaitingAction {
		next = psp.Object{"type": "redirect", "redirect": psp.Object{"url": pi.challengeURL, "return_url": orNull(pi.returnURL)}}
	}
	if pi.threeDSecure != "" {
		options = psp.Object{"card": psp.Object{"request_three_d_secure": pi.threeDSecure}}
	}
	if pi.saveFor != "" {
		save = psp.Object{"session_type": "on_session", "customer_id": pi.saveFor}
	}
	if pi.lastError != nil {
		lastError = pi.lastError
	}
	return resource(pi.id, "payment_intent", psp.Object{
		"amount": pi.amount, "capture_type": pi.captureType, "client_key": pi.clientKey, "currency": "PHP",
		"description": orNull(pi.description), "livemode": false, "statement_descriptor": pi.descriptor,
		"status": pi.status, "last_payment_error": lastError, "payment_method_allowed": pi.allowed,
		"payments": payments, "next_action": next, "payment_method_options": options,
		"metadata": metadataOrNull(pi.metadata), "setup_future_usage": save,
		"created_at": pi.created, "updated_at": pi.updated,
	})
}
