package pivot

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// methodActive is the status of a saved method that can be charged.
const methodActive = "ACTIVE"

// keeper is a customer with what is saved under it. The documentation spells the list in two ways.
type keeper struct {
	Stored []stored `json:"storedPaymentMethods"`
	Store  []stored `json:"storePaymentMethods"`
}

// stored is a saved method. Wallets are among them, some in lower case and without a card.
type stored struct {
	Token     text       `json:"token"`
	Method    text       `json:"paymentMethod"`
	Channel   text       `json:"paymentChannel"`
	Status    text       `json:"status"`
	CreatedAt text       `json:"createdAt"`
	Card      *cardFacts `json:"card"`
}

func (m stored) isCard() bool {
	return m.Token != "" && m.Card != nil && cleanCode(string(m.Method)) == typeCard
}

func (m stored) usable() bool { return cleanCode(string(m.Status)) == methodActive }

// ListMethods lists the cards that are saved under a customer. A customer that Pivot does not know has none.
func (a *adapter) ListMethods(ctx context.Context, customerRef string) ([]payments.SavedMethod, error) {
	cards, err := a.cardsOf(ctx, customerRef)
	if err != nil {
		return nil, err
	}
	methods := make([]payments.SavedMethod, 0, len(cards))
	for _, c := range cards {
		created, err := time.Parse(time.RFC3339, string(c.CreatedAt))
		if err != nil {
			created = time.Time{}
		}
		methods = append(methods, payments.SavedMethod{
			MethodRef: string(c.Token), Usable: c.usable(), CreatedAt: created, Card: c.Card.facts(string(c.Channel)),
		})
	}
	return methods, nil
}

// cardsOf reads the cards of a customer.
func (a *adapter) cardsOf(ctx context.Context, customerRef string) ([]stored, error) {
	if customerRef == "" {
		return nil, payments.Faultf(payments.Rejected, "pivot: no customer is named")
	}
	answer, err := a.do(ctx, call{method: http.MethodGet, path: below(customersPath, customerRef)})
	if err != nil {
		return nil, err
	}
	if answer.Status == http.StatusNotFound && strings.EqualFold(errorOf(answer).code, resourceMissing) {
		return nil, nil
	}
	k, err := read[keeper](answer)
	if err != nil {
		return nil, err
	}
	var cards []stored
	for _, m := range append(k.Stored, k.Store...) {
		if m.isCard() {
			cards = append(cards, m)
		}
	}
	return cards, nil
}

// addMethod finds the token of a card that was to be saved with its charge: no answer about the payment has it. The payment is
// approved in any case, and ListMethods shows the token later.
func (a *adapter) addMethod(ctx context.Context, o *payments.Outcome, s *session) {
	paid := s.charge()
	if o.Status != payments.Approved || paid.Status != statusSuccess || s.CustomerID == "" {
		return
	}
	cards, err := a.cardsOf(ctx, string(s.CustomerID))
	if err != nil {
		return
	}
	var newest stored
	for _, c := range cards {
		if c.usable() && c.Card.same(paid.Card.cardFacts) && c.CreatedAt >= newest.CreatedAt {
			newest = c
		}
	}
	o.Refs.Method = string(newest.Token)
}

// same says that both are the same card: by Pivot's fingerprint, else by all that is shown of it.
func (f cardFacts) same(g cardFacts) bool {
	if f.Fingerprint != "" && g.Fingerprint != "" {
		return f.Fingerprint == g.Fingerprint
	}
	month := func(f cardFacts) string { return strings.TrimLeft(string(f.ExpMonth), "0") } // which may have come as a number
	return f.First6 != "" && f.Last4 != "" && f.First6 == g.First6 && f.Last4 == g.Last4 && month(f) == month(g) && f.ExpYear == g.ExpYear
}

// schemes translates networks.
var schemes = map[string]payments.Scheme{
	"VISA": payments.SchemeVisa, "MASTERCARD": payments.SchemeMastercard, "JCB": payments.SchemeJCB, "AMEX": payments.SchemeAmex,
}

// facts is what we may keep of the card. Pivot's fingerprint is not ours, so that it is left out.
func (f cardFacts) facts(channel string) payments.CardFacts {
	network := cleanCode(string(f.Network))
	if network == "" {
		network = cleanCode(channel)
	}
	facts := payments.CardFacts{
		Scheme: schemes[network], Name: strings.TrimSpace(string(f.FirstName) + " " + string(f.LastName)),
		IIN: digits(f.First6, 6), Last4: digits(f.Last4, 4),
	}
	if month, err := strconv.Atoi(string(f.ExpMonth)); err == nil && month >= 1 && month <= 12 {
		facts.ExpMonth = month
	}
	if year, err := strconv.Atoi(string(f.ExpYear)); err == nil && year >= 0 && year < 100 {
		facts.ExpYear = 2000 + year
	}
	return facts
}

// digits is t if it is so many digits, and nothing otherwise: a text from outside must not turn out to be a card number.
func digits(t text, count int) string {
	if len(t) != count || strings.Trim(string(t), "0123456789") != "" {
		return ""
	}
	return string(t)
}
