package dojo

import (
	"net/http"
	"slices"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The statuses of a setup intent, beside those that it shares with payment intents.
const (
	setupCompleted = "Completed"
	setupExpired   = "Expired"
	setupClosed    = "Closed"
)

const (
	setupPrefix = "si_sandbox_"
	maxTerms    = 10240
)

// setup is a setup intent: a card that its payer lets the merchant charge later.
type setup struct {
	id, status, method        string
	in                        setupInput
	card                      *card // nil until the payer has given it
	events                    []event
	challenge                 string
	pending                   card
	created, updated, expires time.Time
}

type setupInput struct {
	shared
	Kind     string `json:"merchantInitiatedTransactionType"`
	Terms    string `json:"terms"`
	Intended *money `json:"intendedAmount"`
	Customer *struct {
		ID    string `json:"id"`
		Email string `json:"emailAddress,omitempty"`
		Phone string `json:"phoneNumber,omitempty"`
	} `json:"customer"`
}

func (s *Sim) createSetup(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	in := setupInput{shared: shared{CaptureMode: captureAuto, Methods: []string{methodCard}}}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	if bad := in.check(); bad != nil {
		return *bad
	}
	if bad := in.Intended.check("IntendedAmount", 0); bad != nil {
		return *bad
	}
	switch {
	case in.CaptureMode != captureAuto:
		return invalid("CaptureMode", "The capture mode of a setup intent must be Auto.")
	case in.Kind == "":
		return invalid("MerchantInitiatedTransactionType", "The type is required.")
	case in.Terms == "" || tooLong(in.Terms, maxTerms):
		return invalid("Terms", "The terms must have 1 to 10240 characters.")
	case in.Customer != nil && (tooLong(in.Customer.Email, maxEmail) || tooLong(in.Customer.Phone, maxPhone)):
		return invalid("Customer", "The address and the number have limits.")
	case in.Customer != nil && in.Customer.ID != "" && s.customers[in.Customer.ID] == nil:
		return invalid("Customer.Id", "The customer was not found.")
	}
	at := now()
	si := setup{id: s.newID(setupPrefix), status: statusCreated, in: in, created: at, updated: at, expires: in.expiry()}
	s.setups[si.id] = shown.New(si, 0)
	return psp.JSON(http.StatusOK, si.resource())
}

func (si *setup) set(status string) { si.status, si.updated = status, now() }

// chargeable says whether the card may be charged now. The first charge completes the setup intent, and there is no second one.
func (si *setup) chargeable() bool { return si.card != nil && si.status == statusAuthorized }

func (si *setup) clone() setup {
	out := *si
	out.events = slices.Clone(si.events)
	return out
}

func (s *Sim) liveSetup(id string) (*shown.Record[setup], bool) {
	rec, known := s.setups[id]
	if known && rec.Live.status == statusCreated && !time.Now().Before(rec.Live.expires) {
		rec.Live.set(setupExpired)
	}
	return rec, known
}

func (s *Sim) getSetup(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	if rec, known := s.liveSetup(ids[0]); known {
		if si, found := rec.View(); found {
			return psp.JSON(http.StatusOK, si.resource())
		}
	}
	return notFound("The setup intent was not found.")
}

// deleteSetup is the fence of a setup intent, and closes an authorized one when it is told to.
func (s *Sim) deleteSetup(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, known := s.liveSetup(ids[0])
	if !known {
		return notFound("The setup intent was not found.")
	}
	si := &rec.Live
	status := statusCanceled
	switch {
	case o.Decline != psp.NoDecline:
		return badRequest("The setup intent cannot be canceled now.")
	case si.status == statusCreated:
	case si.status == statusAuthorized && r.Query.Get("includeAuthorized") == "true":
		status = setupClosed
	default:
		return badRequest("The setup intent is " + si.status + " and cannot be canceled.")
	}
	rec.Freeze(si.clone(), o.HideFor)
	si.challenge = ""
	si.set(status)
	return psp.JSON(http.StatusOK, si.resource())
}

// setUp authorizes a card. The message is that of a decline, or "".
func (s *Sim) setUp(rec *shown.Record[setup], with card, o psp.Orders) (message string) {
	rec.Freeze(rec.Live.clone(), o.HideFor)
	si := &rec.Live
	message = orderedMessage(o.Decline)
	if message == "" && with.acts.declines {
		message = messageDeclined
	}
	switch {
	case message != "":
		s.recordSetup(si, eventDeclined, with)
	case with.acts.challenge:
		si.pending = with
		si.challenge = s.deps.Challenges.Open(func(passed bool) string { return s.setupDecided(si.id, passed) })
	default:
		s.authorizeSetup(si, with)
	}
	return message
}

func (s *Sim) setupDecided(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, known := s.liveSetup(id)
	if !known {
		return ""
	}
	si := &rec.Live
	if si.status == statusCreated && si.challenge != "" {
		si.challenge = ""
		s.recordSetup(si, eventChallenged, si.pending)
		if passed {
			s.authorizeSetup(si, si.pending)
		} else {
			s.recordSetup(si, eventDeclined, si.pending)
		}
	}
	if si.status == statusAuthorized && si.in.Config.RedirectURL != "" {
		return si.in.Config.RedirectURL
	}
	return s.deps.BaseURL + "/" + checkoutPath + "/" + si.id
}

func (s *Sim) authorizeSetup(si *setup, with card) {
	si.card, si.method = &with, s.newID(methodPrefix)
	si.set(statusAuthorized)
	s.recordSetup(si, statusAuthorized, with)
}

func (s *Sim) recordSetup(si *setup, kind string, with card) {
	e := event{transaction: s.deps.Random.UUID(), kind: kind, method: si.method, at: now(), card: with}
	if kind == statusAuthorized {
		e.authCode = s.deps.Random.Alphanumeric(6)
	}
	si.events = append(slices.Clip(si.events), e)
}

func (si *setup) resource() psp.Object {
	events := make([]psp.Object, len(si.events))
	for i, e := range si.events {
		events[i] = e.resource()
	}
	return psp.Object{
		"id": si.id, "status": si.status, "paymentMethods": si.in.Methods, "customer": si.in.Customer,
		"billingAddress": si.in.Billing, "shippingDetails": si.in.Shipping, "createdAt": stamp(si.created),
		"updatedAt": stamp(si.updated), "expireAt": stamp(si.expires), "reference": si.in.Reference,
		"description": orNull(si.in.Description), "merchantConfig": psp.Object{"supportedPaymentMethods": supported()},
		"config": si.in.Config, "metadata": si.in.Metadata, "intendedAmount": si.in.Intended,
		"merchantInitiatedTransactionType": si.in.Kind, "terms": si.in.Terms, "paymentSource": "api", "setupEvents": events,
	}
}
