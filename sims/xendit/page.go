package xendit

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"switchyard/sims/currency"
	"switchyard/sims/hosted"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
	"switchyard/sims/testcard"
)

// vendor is the name that a payer sees.
const vendor = "Xendit"

// formInput is the page's form after its card number has become facts.
type formInput struct {
	cancels, saves, hasCVN bool
	saved                  string
	card                   *card
	problem                string
}

// readForm checks the page's form and drops the card's number and CVN. A saved card needs no CVN.
func (s *Sim) readForm(body []byte) any {
	form := hosted.Parse(body)
	in := &formInput{cancels: form.Cancel, saves: form.Save, saved: form.Saved, hasCVN: form.CVC != ""}
	switch {
	case form.Cancel:
	case form.Saved == "" && (!testcard.Valid(form.Number) || !form.ExpiryIsGood || testcard.Expired(form.Month, form.Year, time.Now())):
		in.problem = "The card number or its expiry is not valid."
	case (form.Saved == "" || in.hasCVN) && !goodCVN(form.CVC):
		in.problem = "The CVN must have 3 or 4 digits."
	case form.Saved == "":
		in.card = s.describe(form.Number, form.Month, form.Year)
		in.card.hasCVN = true
		in.card.holder.FirstName = form.Name
	}
	return in
}

// showPage shows a payer what is to be paid, or that a card is to be kept.
func (s *Sim) showPage(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rec, known := s.liveSession(s.pages[ids[0]])
	switch {
	case !known:
		return s.printer.Show(http.StatusNotFound, hosted.Page{Vendor: vendor, Text: "There is no such payment."})
	case rec.Live.status != sessionActive:
		return s.printer.Show(http.StatusOK, hosted.Page{Vendor: vendor, Text: "This payment is over: " + rec.Live.status + "."})
	case rec.Live.challenge != "":
		return hosted.Redirect(rec.Live.challenge)
	}
	return s.ask(&rec.Live, http.StatusOK, "")
}

// ask shows the form.
func (s *Sim) ask(p *session, status int, problem string) psp.Answer {
	page := hosted.Page{Vendor: vendor, Problem: problem, Ask: true}
	if p.in.Type == sessionSave {
		page.Text, page.Button = "Your card is kept for later payments: "+p.in.Reference+".", "Save"
		return s.printer.Show(status, page)
	}
	amount := p.in.Currency + " " + currency.Format(p.amount, exponentOf(p.in.Currency))
	page.Text, page.Button = "Payment of "+amount+" for "+p.in.Reference+".", "Pay"
	page.OffersSave = p.in.Save == saveOptional
	for i, t := range s.offered(p) {
		page.Saved = append(page.Saved, hosted.Saved{
			ID: t.id, Label: t.card.network() + " ending in " + t.card.Last4, Chosen: i == 0,
		})
	}
	return s.printer.Show(status, page)
}

// offered are the customer's saved cards, oldest first, on a page that has to do with saving.
func (s *Sim) offered(p *session) []*token {
	var list []*token
	if p.in.Type != sessionPay || p.in.Customer == "" || p.in.Save != saveOptional && p.in.Save != saveForced {
		return nil
	}
	for _, t := range s.tokens {
		if t.customer == p.in.Customer && t.status == tokenActive {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *token) int { return strings.Compare(a.created+a.id, b.created+b.id) })
	return list
}

// payOnPage is the payer's own act: the charging call of a session that pays.
func (s *Sim) payOnPage(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	in, ok := r.Decoded.(*formInput)
	rec, known := s.liveSession(s.pages[ids[0]])
	if !ok || !known || rec.Live.status != sessionActive || rec.Live.challenge != "" {
		return s.showPage(r, ids, o)
	}
	p := &rec.Live
	switch {
	case in.cancels: // the session goes on: the payer may come back
		return s.leave(p.in.CancelURL, "You have not paid.")
	case in.problem != "":
		return s.ask(p, http.StatusBadRequest, in.problem)
	}
	paidBy := in.card
	if in.saved != "" {
		list := s.offered(p)
		at := slices.IndexFunc(list, func(t *token) bool { return t.id == in.saved })
		if at < 0 {
			return s.ask(p, http.StatusBadRequest, "The saved card cannot be used here.")
		}
		saved := list[at].card
		saved.hasCVN = in.hasCVN
		paidBy = &saved
	}
	rec.Freeze(*p, o.HideFor)
	p.tries++
	var failure string
	if p.in.Type == sessionSave {
		failure = s.saveOnPage(p, *paidBy, o)
	} else {
		failure = s.chargeOnPage(p, *paidBy, in, o)
	}
	switch {
	case failure != "":
		return s.ask(p, http.StatusPaymentRequired, "The card was declined. "+failure)
	case p.challenge != "":
		return hosted.Redirect(p.challenge)
	}
	return s.leave(p.in.SuccessURL, "Thank you.")
}

// leave sends the payer on, if anybody has said where.
func (s *Sim) leave(address, text string) psp.Answer {
	if address != "" {
		return hosted.Redirect(address)
	}
	return s.printer.Show(http.StatusOK, hosted.Page{Vendor: vendor, Text: text})
}

// tryReference is the reference of one try: Xendit's own, made of the session's.
func (s *Sim) tryReference(p *session) string {
	return p.in.Reference + "_" + s.deps.Random.UUID()[:8] + "-" + strconv.Itoa(p.tries)
}

// chargeOnPage makes a payment request of its own for each try. It returns the failure of one that is declined.
func (s *Sim) chargeOnPage(p *session, paidBy card, in *formInput, o psp.Orders) (failure string) {
	at := now()
	rq := request{
		id: s.newID("pr-"), reference: s.tryReference(p), page: p.id, kind: typePay, country: p.in.Country,
		currency: p.in.Currency, capture: p.in.Capture, customer: p.in.Customer, description: p.in.Description, amount: p.amount,
		metadata: p.in.Metadata, card: paidBy, token: in.saved, created: at, updated: at,
		props: properties{
			SkipThreeD: p.in.Properties.Cards.SkipThreeD, OnFile: p.in.Properties.Cards.OnFile,
			SuccessURL: p.in.SuccessURL, FailureURL: p.in.CancelURL,
		},
	}
	if rq.capture == "" {
		rq.capture = captureAuto
	}
	if in.saved == "" && (p.in.Save == saveForced || p.in.Save == saveOptional && in.saves) {
		rq.kind = typePayAndSave
	}
	if rq.props.merchantInitiated() {
		rq.props.OnFile = "" // that is what the card is saved for; this payment is the payer's own
	}
	rec := s.store(rq, o)
	s.charge(rec, o)
	s.follow(p, rec, o.HideFor)
	return rec.Live.failure
}

// follow moves a session on after a try that pays.
func (s *Sim) follow(p *session, rec *shown.Record[request], hideFor time.Duration) {
	rq := &rec.Live
	p.trying, p.challenge = "", ""
	switch rq.status {
	case statusRequiresAction:
		p.trying, p.challenge = rq.id, rq.challengeURL
	case statusAuthorized, statusSucceeded:
		p.paymentRequest, p.payment, p.token = rq.id, rq.payment.id, rq.token
		p.status, p.updated = sessionCompleted, now()
		s.tellSession(p, eventCompleted, hideFor)
	}
}

// backOnPage goes on when the payer comes back from a challenge, and says where the payer goes next.
func (s *Sim) backOnPage(p *session, rq *request) string {
	if p.status == sessionActive && p.trying == rq.id {
		s.follow(p, s.requests[rq.id], 0)
	}
	return p.wayBack()
}

// wayBack is where a payer goes who is done, or else the page, which asks again or says that it is over.
func (p *session) wayBack() string {
	if p.status == sessionCompleted {
		return p.in.SuccessURL
	}
	return p.link
}

// saveOnPage makes a payment token of its own for each try. It returns the failure of one that is declined.
func (s *Sim) saveOnPage(p *session, with card, o psp.Orders) (failure string) {
	at := now()
	t := &token{
		id: s.newID("pt-"), reference: s.tryReference(p), page: p.id, country: p.in.Country, currency: p.in.Currency,
		customer: p.in.Customer, card: with, created: at, updated: at,
		props: properties{
			SkipThreeD: p.in.Properties.Cards.SkipThreeD, OnFile: p.in.Properties.Cards.OnFile,
			SuccessURL: p.in.SuccessURL, FailureURL: p.in.CancelURL,
		},
	}
	s.openToken(t, o)
	s.followSaved(p, t, o.HideFor)
	return t.failure
}

// followSaved moves a session on after a try that saves.
func (s *Sim) followSaved(p *session, t *token, hideFor time.Duration) {
	p.trying, p.challenge = "", ""
	switch t.status {
	case tokenRequiresAction:
		p.trying, p.challenge = t.id, t.challengeURL
	case tokenActive:
		p.token, p.status, p.updated = t.id, sessionCompleted, now()
		s.tellSession(p, eventCompleted, hideFor)
	}
}

func (s *Sim) savedOnPage(p *session, t *token) string {
	if p.status == sessionActive && p.trying == t.id {
		s.followSaved(p, t, 0)
	}
	return p.wayBack()
}
