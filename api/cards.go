package api

import (
	"strings"
	"time"

	"switchyard/payments"
	"switchyard/vault"
)

// Names of the fields that hold what must not be kept in clear.
const (
	fieldNumber = "number"
	fieldCVC    = "cvc"
	fieldCVC2   = "cvc2"
)

// publicCardAge is how long a payer's device may give a card that it has made a new security code.
const publicCardAge = 15 * time.Minute

func (s *server) listCards(c *call) (reply, error) {
	found, err := s.Reads.Cards(c.ctx, c.project.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "cards", c.options, found, func(one *payments.Card) { v.card(w, one, v.expand) })
	}), nil
}

func (s *server) getCard(c *call) (reply, error) {
	card, err := s.Vault.Card(c.ctx, c.project.ID, c.param("card"))
	if err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{Card: &card})
	return showing(v, func(w *writer) { showCard(w, v) }), nil
}

func (s *server) createCard(c *call) (reply, error) {
	f := c.fields
	in := vault.CardInput{ProjectID: c.project.ID, Sandbox: c.project.Sandbox}
	number := f.text(fieldNumber, textRule{code: string(payments.CardInvalidNumber)})
	month := f.number("exp_month", string(payments.CardInvalidExpiryMonth))
	year := f.number("exp_year", string(payments.CardInvalidExpiryYear))
	name := f.text("name", textRule{code: string(payments.CardInvalidName)})
	cvc := cardCVC(f)
	f.setText(&in.PreferredScheme, "preferred_scheme", textRule{max: maxShort})
	f.setMetadata(&in.Metadata, "metadata")
	keepContact(f.object("contact"), &in.Extra)
	if err := f.faults.err(); err != nil {
		return reply{}, err
	}
	data, err := payments.NewCardData(number, month, year, cvc, name, s.Now())
	if err != nil {
		return reply{}, err
	}
	in.Data = data
	return s.once(c, mutation{
		do:   func(claim *payments.ClaimRequest) (payments.Snapshot, error) { return s.Vault.Put(c.ctx, in, claim) },
		show: showCard,
		card: &data,
	})
}

// updateCard gives a card a new security code or another preferred scheme.
func (s *server) updateCard(c *call) (reply, error) {
	f := c.fields
	var edit vault.CardEdit
	if cvc := cardCVC(f); cvc != "" {
		edit.CVC = &cvc
	}
	if f.has("preferred_scheme") {
		scheme := f.text("preferred_scheme", textRule{max: maxShort})
		edit.PreferredScheme = &scheme
	}
	if !c.public() {
		f.setMetadata(&edit.Metadata, "metadata")
	}
	if err := f.faults.err(); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			if err := s.mayUpdateCard(c, edit); err != nil {
				return payments.Snapshot{}, err
			}
			return s.Vault.Update(c.ctx, c.project.ID, c.param("card"), edit, claim)
		},
		show: showCard,
	})
}

// mayUpdateCard lets a payer's device give a security code to a card that was made a moment ago and has not served yet.
func (s *server) mayUpdateCard(c *call, edit vault.CardEdit) error {
	if !c.public() {
		return nil
	}
	if edit.CVC == nil {
		return errNeedsKey
	}
	card, err := s.Vault.Card(c.ctx, c.project.ID, c.param("card"))
	if err != nil {
		return err
	}
	if card.UsedBy != "" || s.Now().Sub(card.CreatedAt) > publicCardAge {
		return errNeedsKey
	}
	return nil
}

func (s *server) deleteCard(c *call) (reply, error) {
	return s.once(c, mutation{do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return s.Vault.Delete(c.ctx, c.project.ID, c.param("card"), claim)
	}})
}

// getIIN says what is known of a card from its first digits. More than eight are refused: that could be a whole number.
func (s *server) getIIN(c *call) (reply, error) {
	const shortest, longest = 6, 8
	iin := c.param("iin")
	if len(iin) < shortest || len(iin) > longest || strings.Trim(iin, "0123456789") != "" {
		return reply{}, payments.NewError(payments.CodeValidation, "Give the first six to eight digits of the card number, and no more.")
	}
	return reply{show: func(w *writer) error {
		w.name("card_information")
		cardInformation(w, iin, s.Vault.Issuer(iin))
		return nil
	}}, nil
}

// cardCVC reads the security code under both of its names.
func cardCVC(f fields) string {
	rule := textRule{code: string(payments.CardInvalidCVC)}
	if cvc := f.text(fieldCVC2, rule); cvc != "" {
		return cvc
	}
	return f.text(fieldCVC, rule)
}

// keepContact keeps the holder's address.
func keepContact(f fields, extra *payments.Extra) {
	for _, name := range []string{"address1", "address2", "city", "state"} {
		if f.has(name) {
			keepText(extra, name, f.text(name, textRule{max: maxShort}))
		}
	}
	if f.has("zip") {
		keepText(extra, "zip", f.text("zip", textRule{max: maxZip}))
	}
	for _, name := range []string{"country_code", "billing_country_code"} {
		if f.has(name) {
			country := ""
			f.setCountry(&country, name)
			keepText(extra, name, country)
		}
	}
}

func showCard(w *writer, v *view) {
	object(w, "card", v.snapshot.Card, v.card, v.expand)
}
