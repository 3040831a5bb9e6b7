package dojo

import (
	"net/http"
	"slices"
	"strings"

	"switchyard/sims/currency"
	"switchyard/sims/hosted"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

const (
	// vendor is the name that a payer sees.
	vendor   = "Dojo"
	exponent = 2
)

// formInput is the page's form after its card number has become facts.
type formInput struct {
	cancels, saves bool
	saved          string
	card           *card
	problem        string
}

// readForm checks the page's form and drops the card's number and CVV. A saved card needs no CVV.
func (s *Sim) readForm(body []byte) any {
	form := hosted.Parse(body)
	in := &formInput{cancels: form.Cancel, saves: form.Save, saved: form.Saved}
	if form.Cancel || form.Saved != "" {
		return in
	}
	c, good := s.describe(form.Number, form.CVC, form.Name, form.Month, form.Year)
	switch {
	case !good || !form.ExpiryIsGood:
		in.problem = "The card number or its expiry is not valid."
	case !goodCVV(form.CVC):
		in.problem = "The CVC must have 3 or 4 digits."
	default:
		in.card = c
	}
	return in
}

func (s *Sim) over(status int, text string) psp.Answer {
	return s.printer.Show(status, hosted.Page{Vendor: vendor, Text: text})
}

// showPage shows a payer what is to be paid, or what the card is to be kept for.
func (s *Sim) showPage(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	if rec, known := s.liveSetup(ids[0]); known {
		return s.showSetup(&rec.Live, http.StatusOK, "")
	}
	rec, known := s.live(ids[0])
	switch {
	case !known:
		return s.over(http.StatusNotFound, "There is no such payment.")
	case rec.Live.challenge != "":
		return hosted.Redirect(rec.Live.challenge)
	}
	return s.showIntent(r, &rec.Live, http.StatusOK, "")
}

// showIntent shows the form of an intent, if it is still to be paid.
func (s *Sim) showIntent(r *psp.Request, pi *intent, status int, problem string) psp.Answer {
	if pi.status != statusCreated || pi.in.Setup != "" {
		return s.over(status, "This payment is "+pi.status+".")
	}
	amount := pi.in.Amount.Currency + " " + currency.Format(pi.total, exponent)
	page := hosted.Page{
		Vendor: vendor, Text: "Payment of " + amount + " for " + pi.in.Reference + ".", Problem: problem, Ask: true, Button: "Pay",
	}
	if c := s.visitor(r, pi); c != nil {
		page.OffersSave = true
		preferred := max(c.at(r.Query.Get("cpm")), 0)
		for i, one := range c.cards {
			page.Saved = append(page.Saved, hosted.Saved{
				ID: one.id, Label: one.card.scheme() + " ending in " + one.card.Last4, Chosen: i == preferred,
			})
		}
	}
	return s.printer.Show(status, page)
}

// visitor is the customer whose secret the page's address carries, or nil.
func (s *Sim) visitor(r *psp.Request, pi *intent) *customer {
	id := r.Query.Get("cid")
	if pi.in.Customer == nil || pi.in.Customer.ID != id || !slices.Contains(pi.in.Methods, methodSaved) ||
		!s.opens(r.Query.Get("csc"), id) {
		return nil
	}
	return s.customers[id]
}

// payOnPage is the payer's own act: it pays an intent, or lets a card be charged later.
func (s *Sim) payOnPage(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	in, ok := r.Decoded.(*formInput)
	if !ok {
		return s.Complain(psp.Broken500)
	}
	if rec, known := s.liveSetup(ids[0]); known {
		return s.setUpOnPage(rec, in, o)
	}
	rec, known := s.live(ids[0])
	if !known || rec.Live.challenge != "" || rec.Live.status != statusCreated || rec.Live.in.Setup != "" {
		return s.showPage(r, ids, o)
	}
	pi := &rec.Live
	with := attempt{save: in.saves}
	visitor := s.visitor(r, pi)
	switch {
	case in.cancels:
		return s.leave(pi.in.Config.CancelURL, "You have not paid.")
	case in.problem != "":
		return s.showIntent(r, pi, http.StatusBadRequest, in.problem)
	case in.saved == "":
		with.card = *in.card
		with.save = in.saves && visitor != nil
	case visitor == nil || visitor.at(in.saved) < 0:
		return s.showIntent(r, pi, http.StatusBadRequest, "The saved card cannot be used here.")
	default:
		with = attempt{card: visitor.cards[visitor.at(in.saved)].card, method: in.saved}
	}
	message := s.pay(rec, with, o)
	switch {
	case message != "":
		return s.showIntent(r, pi, http.StatusPaymentRequired, "The card was declined. "+message)
	case pi.challenge != "":
		return hosted.Redirect(pi.challenge)
	}
	return s.leave(pi.in.Config.RedirectURL, "Thank you for your payment.")
}

// leave sends the payer on, if anybody has said where.
func (s *Sim) leave(address, text string) psp.Answer {
	if address != "" {
		return hosted.Redirect(address)
	}
	return s.over(http.StatusOK, text)
}

// showSetup shows the form of a setup intent, if it still waits for a card.
func (s *Sim) showSetup(si *setup, status int, problem string) psp.Answer {
	switch {
	case si.challenge != "":
		return hosted.Redirect(si.challenge)
	case si.status != statusCreated:
		return s.over(status, "This request is "+si.status+".")
	}
	return s.printer.Show(status, hosted.Page{
		Vendor: vendor, Text: strings.TrimSpace(si.in.Reference + ": " + si.in.Terms), Problem: problem, Ask: true, Button: "Agree",
	})
}

func (s *Sim) setUpOnPage(rec *shown.Record[setup], in *formInput, o psp.Orders) psp.Answer {
	si := &rec.Live
	switch {
	case si.challenge != "" || si.status != statusCreated:
		return s.showSetup(si, http.StatusOK, "")
	case in.cancels:
		return s.leave(si.in.Config.CancelURL, "Your card was not kept.")
	case in.card == nil:
		return s.showSetup(si, http.StatusBadRequest, "A card is needed. "+in.problem)
	}
	message := s.setUp(rec, *in.card, o)
	switch {
	case message != "":
		return s.showSetup(si, http.StatusPaymentRequired, "The card was declined. "+message)
	case si.challenge != "":
		return hosted.Redirect(si.challenge)
	}
	return s.leave(si.in.Config.RedirectURL, "Thank you. Your card was kept.")
}
