// Package hosted is the page on which a payer gives a card at a simulated PSP, and the form that comes back from it.
package hosted

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"switchyard/sims/psp"
)

// NewCard is the choice of a card that is typed in.
const NewCard = "new"

// The names of the form's fields.
const (
	fieldAction = "action"
	fieldWith   = "pay_with"
	fieldNumber = "number"
	fieldExpiry = "expiry"
	fieldCVC    = "cvc"
	fieldName   = "name"
	fieldSave   = "save"
)

const actionCancel = "cancel"

// Page is what a payer sees.
type Page struct {
	// Vendor is whose page it is.
	Vendor string
	// Text says what is to be paid or, when the page does not Ask, what became of it.
	Text string
	// Problem is what was wrong with the form before.
	Problem string
	// Ask shows the form.
	Ask bool
	// Button is what the button that sends the form says.
	Button string
	Saved  []Saved
	// OffersSave shows the box to tick that saves the card.
	OffersSave bool
}

// Saved is a card that the payer may choose instead of typing one in.
type Saved struct {
	ID, Label string
	// Chosen is the one that is selected at first.
	Chosen bool
}

// Form is what a payer sends.
type Form struct {
	// Cancel says that the payer does not want to pay; nothing else is read then.
	Cancel bool
	// Saved is the id of a saved card, "" for one that is typed in.
	Saved        string
	Number, CVC  string
	Month, Year  int
	Name         string
	Save         bool
	ExpiryIsGood bool
}

// Printer shows pages. It is safe for concurrent use.
type Printer struct{ page *template.Template }

// New makes a printer.
func New() *Printer { return &Printer{template.Must(template.New("page").Parse(pageHTML))} }

// Show is the page as an answer.
func (p *Printer) Show(status int, page Page) psp.Answer {
	chosen := false
	for _, one := range page.Saved {
		chosen = chosen || one.Chosen
	}
	var text strings.Builder
	err := p.page.Execute(&text, struct {
		Page
		NewCard       string
		NewCardChosen bool
	}{page, NewCard, !chosen})
	if err != nil {
		return psp.Text(http.StatusInternalServerError, "text/plain", "the page cannot be shown: "+err.Error())
	}
	return psp.Text(status, "text/html; charset=utf-8", text.String())
}

// Redirect sends the payer's browser elsewhere.
func Redirect(address string) psp.Answer {
	return psp.Answer{Status: http.StatusSeeOther, Header: http.Header{"Location": {address}}}
}

// Parse reads a form. What it cannot read is as if it were left out.
func Parse(body []byte) Form {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return Form{}
	}
	f := Form{
		Cancel: values.Get(fieldAction) == actionCancel, CVC: strings.TrimSpace(values.Get(fieldCVC)),
		Name: strings.TrimSpace(values.Get(fieldName)), Save: values.Get(fieldSave) != "",
	}
	if with := values.Get(fieldWith); with != "" && with != NewCard {
		f.Saved = with
		return f
	}
	f.Number = strings.NewReplacer(" ", "", "-", "").Replace(values.Get(fieldNumber))
	f.Month, f.Year, f.ExpiryIsGood = expiry(values.Get(fieldExpiry))
	return f
}

// expiry reads MM/YY or MM/YYYY.
func expiry(text string) (month, year int, ok bool) {
	first, second, found := strings.Cut(strings.ReplaceAll(text, " ", ""), "/")
	month, monthErr := strconv.Atoi(first)
	year, yearErr := strconv.Atoi(second)
	if !found || monthErr != nil || yearErr != nil || month < 1 || month > 12 || year < 0 {
		return 0, 0, false
	}
	switch len(second) {
	case 2:
		return month, 2000 + year, true
	case 4:
		return month, year, true
	}
	return 0, 0, false
}

const pageHTML = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Vendor}} (simulated)</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}label{display:block;margin:.5rem 0}input[type=text]{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}button{font:inherit;padding:.5rem 1rem;margin:1rem .5rem 0 0}.problem{color:#a00}</style>
</head><body><h1>{{.Vendor}} (simulated)</h1><p>{{.Text}}</p>
{{if .Problem}}<p class="problem" role="alert">{{.Problem}}</p>{{end}}
{{if .Ask}}<form method="post">
{{if .Saved}}{{range .Saved}}<label><input type="radio" name="pay_with" value="{{.ID}}"{{if .Chosen}} checked{{end}}> {{.Label}}</label>
{{end}}<label><input type="radio" name="pay_with" value="{{$.NewCard}}"{{if $.NewCardChosen}} checked{{end}}> Another card</label>{{else}}<input type="hidden" name="pay_with" value="{{.NewCard}}">{{end}}
<label>Card number <input type="text" name="number" inputmode="numeric" autocomplete="off" placeholder="4242 4242 4242 4242"></label>
<label>Expiry (MM/YY) <input type="text" name="expiry" autocomplete="off" placeholder="12/40"></label>
<label>CVC <input type="text" name="cvc" inputmode="numeric" autocomplete="off" placeholder="123"></label>
<label>Name on card <input type="text" name="name" autocomplete="off"></label>
{{if .OffersSave}}<label><input type="checkbox" name="save" value="on"> Save for future use</label>{{end}}
<button name="action" value="pay">{{.Button}}</button><button name="action" value="cancel">Cancel</button></form>{{end}}
</body></html>
`
