package pivot

import (
	"net/http"

	"switchyard/sims/currency"
	"switchyard/sims/hosted"
	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// vendor is the name that a payer sees.
const vendor = "Pivot"

// formInput is the page's form after its card number has become facts.
type formInput struct {
	cancels, saves bool
	source         source
	problem        string
}

// readForm checks the page's form and drops the card's number and CVC.
func (s *Sim) readForm(body []byte) any {
	form := hosted.Parse(body)
	in := &formInput{cancels: form.Cancel, saves: form.Save}
	switch {
	case form.Cancel:
	case !goodCVC(form.CVC):
		in.problem = "The CVC must have 3 or 4 digits."
	case form.Saved != "":
		in.source.token = form.Saved
	default:
		c, bad := s.describe(form.Number, form.Month, form.Year, "")
		if bad != nil || !form.ExpiryIsGood {
			in.problem = "The card number or its expiry is not valid."
			return in
		}
		c.firstName = form.Name
		in.source.card = c
	}
	return in
}

// sessionOfPage finds the session of a hosted page.
func (s *Sim) sessionOfPage(r *psp.Request) (*shown.Record[session], bool) {
	return s.live(s.pages[r.Query.Get("token")])
}

// payable says whether the payer can still give a card on the page.
func (p *session) payable() bool {
	return p.challenge == "" && (p.status == needsMethod || p.status == needsConfirm || p.status == needsAction)
}

// showPage shows a payer what is to be paid.
func (s *Sim) showPage(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	rec, known := s.sessionOfPage(r)
	switch {
	case !known:
		return s.printer.Show(http.StatusNotFound, hosted.Page{Vendor: vendor, Text: "There is no such payment."})
	case rec.Live.challenge != "":
		return hosted.Redirect(rec.Live.challenge)
	case !rec.Live.payable():
		return s.printer.Show(http.StatusOK, hosted.Page{Vendor: vendor, Text: "This payment is over: " + rec.Live.status + "."})
	}
	return s.ask(&rec.Live, http.StatusOK, "")
}

// ask shows the form.
func (s *Sim) ask(p *session, status int, problem string) psp.Answer {
	page := hosted.Page{
		Vendor: vendor, Text: "Payment of IDR " + currency.Format(p.amount, exponent) + " for " + p.reference + ".",
		Problem: problem, Ask: true, Button: "Pay", OffersSave: p.save,
	}
	if c := s.customers[p.customer]; c != nil && p.showSaved {
		for i, one := range c.cards {
			page.Saved = append(page.Saved, hosted.Saved{
				ID: one.token, Label: one.card.network() + " ending in " + one.card.Last4, Chosen: i == 0,
			})
		}
	}
	return s.printer.Show(status, page)
}

// payOnPage charges the card that the payer has given: the charging call of mode REDIRECT.
func (s *Sim) payOnPage(r *psp.Request, _ []string, o psp.Orders) psp.Answer {
	in, ok := r.Decoded.(*formInput)
	rec, known := s.sessionOfPage(r)
	if !ok || !known || !rec.Live.payable() {
		return s.showPage(r, nil, o)
	}
	p := &rec.Live
	switch {
	case in.cancels:
		return hosted.Redirect(p.redirect.Failure) // the session goes on: the payer may come back
	case in.problem != "":
		return s.ask(p, http.StatusBadRequest, in.problem)
	case in.source.token != "" && !p.showSaved:
		return s.ask(p, http.StatusBadRequest, "The saved card cannot be used here.")
	}
	paidBy, bad := s.cardOf(p, in.source)
	if bad != nil {
		return s.ask(p, http.StatusBadRequest, "The saved card cannot be used here.")
	}
	rec.Freeze(p.clone(), o.HideFor)
	p.hasMethod = true
	p.ticked = in.saves
	s.chargeCard(rec, *paidBy, o)
	if p.challenge != "" {
		return hosted.Redirect(p.challenge)
	}
	return hosted.Redirect(p.wayBack())
}
