package pivot

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The statuses of a session.
const (
	needsMethod  = "REQUIRE_PAYMENT_METHOD"
	needsConfirm = "REQUIRE_CONFIRMATION"
	needsAction  = "REQUIRE_ACTION"
	processing   = "PROCESSING" // also while a hold waits to be captured, for which no status is published
	paid         = "PAID"
	cancelled    = "CANCELLED"
	expired      = "EXPIRED"
)

// The reasons for which a session is cancelled by itself.
const reasonFailed, reasonFraud = "CHARGE_FAILED", "FRAUDULENT"

// pageTokenLength is how long the secret part of a hosted page's address is.
const pageTokenLength = 48

// session is a payment session with all that hangs on it.
type session struct {
	id, reference, mode, status, reason, customer string
	autoConfirm, hasMethod                        bool
	amount                                        int64 // minor units by ISO 4217
	order, metadata                               json.RawMessage
	billed                                        bool
	redirect                                      redirects
	options                                       options
	save, showSaved, bypass                       bool
	ticked                                        bool // the payer wants the card kept; without a page that goes without saying
	descriptor, expiration                        string
	expires                                       time.Time
	key                                           *pair
	// page is the hosted page's address, challenge the 3-D Secure page's while that is open.
	page, challenge  string
	charge           charge // without an id until there is one
	refunds          []refund
	created, updated string
	cancelledAt      string
}

// reserve takes the client's reference for a session that is or will be made.
func (s *Sim) reserve(in *createInput) {
	if in.problem != nil || in.reserved {
		return
	}
	if _, taken := s.references[in.Reference]; taken {
		duplicate := problem(http.StatusConflict, codeDuplicate, "The clientReferenceId was already used")
		in.problem = &duplicate
		return
	}
	s.references[in.Reference] = struct{}{}
	in.reserved = true
}

// createSession makes a session, and charges it at once if it is confirmed and brings its card.
func (s *Sim) createSession(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	in, ok := r.Decoded.(*createInput)
	if !ok {
		return s.Complain(psp.Broken500)
	}
	if in.problem != nil {
		return *in.problem
	}
	owner, bad := s.customerOf(in)
	var paidBy *card
	if bad == nil && in.chargesAtOnce() {
		paidBy, bad = s.cardOf(&session{customer: owner}, in.source)
	}
	if bad != nil {
		if in.reserved {
			delete(s.references, in.Reference)
		}
		return *bad
	}
	if s.reserve(in); in.problem != nil {
		return *in.problem
	}
	rec := shown.New(s.newSession(in, owner), o.HideFor)
	p := &rec.Live
	s.sessions[p.id] = rec
	s.byReference[p.reference] = p.id
	s.order = append(s.order, p.id)
	switch {
	case paidBy != nil:
		s.chargeCard(rec, *paidBy, o)
	case p.mode == modeRedirect:
		token := encode(s.deps.Random.Bytes(pageTokenLength))
		p.page = s.deps.BaseURL + "/" + detailsPath + "?token=" + token
		s.pages[token] = p.id
		if p.status == needsAction {
			s.openCharge(p)
		}
	}
	return success(s.resource(p))
}

func (s *Sim) newSession(in *createInput, owner string) session {
	at := now()
	p := session{
		id: s.newID(), reference: in.Reference, mode: in.Mode, customer: owner, autoConfirm: in.autoConfirm(),
		hasMethod: in.Method != nil, amount: in.minor, order: in.Order, metadata: in.Metadata, billed: in.billed,
		redirect: *in.Redirect, save: in.Save, showSaved: in.ShowSaved, bypass: in.Bypass, descriptor: in.Descriptor,
		expiration: in.Expiration, expires: in.expires, key: in.key, created: at, updated: at,
	}
	p.ticked = p.mode == modeAPI
	p.setOptions(in.Options)
	switch {
	case p.autoConfirm && p.hasMethod:
		p.status = needsAction // until the card decides, or the payer on the hosted page
	case !p.autoConfirm && (p.hasMethod || p.mode == modeRedirect):
		p.status = needsConfirm
	default:
		p.status = needsMethod
	}
	return p
}

func (p *session) setOptions(o *options) {
	if o != nil {
		p.options = *o
	}
	if p.options.Card.Capture == "" {
		p.options.Card.Capture = captureAutomatic
	}
	if p.options.Card.ThreeDS == "" {
		p.options.Card.ThreeDS = threeDSAuto
	}
}

// confirm gives a session of mode API its card, and charges it.
func (s *Sim) confirm(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	in, ok := r.Decoded.(*confirmInput)
	if !ok {
		return s.Complain(psp.Broken500)
	}
	rec, known := s.live(ids[0])
	switch {
	case in.problem != nil:
		return *in.problem
	case !known:
		return missing("payment session")
	}
	p := &rec.Live
	if p.mode != modeAPI || p.status != needsMethod && p.status != needsConfirm {
		return wrongState(p.status)
	}
	paidBy, bad := s.cardOf(p, in.source)
	if bad != nil {
		return *bad
	}
	rec.Freeze(p.clone(), o.HideFor)
	p.setOptions(in.Options)
	p.hasMethod = true
	if in.Save != nil {
		p.save = *in.Save
	}
	s.chargeCard(rec, *paidBy, o)
	answer := s.resource(p)
	if in.source.encrypted != "" { // the vendor's answer echoes it
		answer["paymentMethod"] = psp.Object{"type": typeCard, "card": psp.Object{"encryptedCard": in.source.encrypted}}
	}
	return success(answer)
}

// cardOf finds the card behind a source. When it cannot, the answer says why.
func (s *Sim) cardOf(p *session, from source) (*card, *psp.Answer) {
	switch {
	case from.card != nil:
		return from.card, nil
	case from.encrypted != "":
		return s.open(p, from.encrypted, "paymentMethod.card.encryptedCard")
	}
	if c := s.stored(p.customer, from.token); c != nil {
		return c, nil
	}
	return nil, refused("paymentMethod.card.token", "is not an active stored card of the customer")
}

// cancel is the fence of a session that is not charged. What waits for the payer's action is refused too.
func (s *Sim) cancel(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	var in struct {
		Reason string `json:"cancellationReason"`
	}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	rec, known := s.live(ids[0])
	if !known {
		return missing("payment session")
	}
	p := &rec.Live
	switch {
	case !slices.Contains([]string{"REQUESTED_BY_CUSTOMER", "DUPLICATED", "VOID_SESSION"}, in.Reason):
		return invalid("cancellationReason", "must be REQUESTED_BY_CUSTOMER, DUPLICATED or VOID_SESSION")
	case p.status != needsMethod && p.status != needsConfirm:
		return wrongState(p.status)
	case o.Decline != psp.NoDecline:
		return problem(http.StatusBadRequest, codeValidation, "The payment session cannot be cancelled now")
	}
	rec.Freeze(p.clone(), o.HideFor)
	p.end(in.Reason)
	s.tell(eventCancelled, p, o.HideFor)
	return success(s.resource(p))
}

// end cancels a session.
func (p *session) end(reason string) {
	p.status, p.reason = cancelled, reason
	p.touch()
	p.cancelledAt = p.updated
}

func (p *session) touch() { p.updated = now() }

// clone shares nothing with p that changes.
func (p *session) clone() session {
	out := *p
	out.charge.captures = slices.Clone(p.charge.captures)
	out.refunds = slices.Clone(p.refunds)
	return out
}

// expire ends a session whose payer has not come in time.
func (p *session) expire() {
	if p.status != needsMethod && p.status != needsConfirm && p.status != needsAction || time.Now().Before(p.expires) {
		return
	}
	p.status, p.updated, p.challenge = expired, p.expires.UTC().Format(timeFormat), ""
	if p.charge.id != "" {
		p.charge.status, p.charge.failure, p.charge.updated = expired, expiredCharge(), p.updated
	}
}

// live finds a session as it is.
func (s *Sim) live(id string) (*shown.Record[session], bool) {
	rec, known := s.sessions[id]
	if known {
		rec.Live.expire()
	}
	return rec, known
}

// seen finds a session as look-ups show it.
func (s *Sim) seen(id string) (*session, bool) {
	rec, known := s.live(id)
	if !known {
		return nil, false
	}
	p, found := rec.View()
	p.expire() // what is shown may be older than what is
	return &p, found
}

func (s *Sim) getSession(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	p, found := s.seen(ids[0])
	if !found {
		return missing("payment session")
	}
	return success(s.resource(p))
}

// listSessions lists all sessions, newest first, or the one of a reference. The answer is a list even then.
func (s *Sim) listSessions(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	rows := []psp.Object{}
	for p := range s.among(r) {
		rows = append(rows, s.resource(p))
	}
	return listed(r, rows)
}

func (s *Sim) listCharges(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	rows := []psp.Object{}
	for p := range s.among(r) {
		if p.charge.id != "" {
			rows = append(rows, p.chargeResource())
		}
	}
	return listed(r, rows)
}

// among goes through the sessions that a query asks for, newest first, as look-ups show them.
func (s *Sim) among(r *psp.Request) func(yield func(*session) bool) {
	ids := s.order
	if reference := r.Query.Get("clientReferenceId"); reference != "" {
		ids = []string{s.byReference[reference]}
	}
	return func(yield func(*session) bool) {
		for _, id := range slices.Backward(ids) {
			if p, found := s.seen(id); found && !yield(p) {
				return
			}
		}
	}
}
