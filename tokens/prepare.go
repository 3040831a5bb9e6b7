package tokens

import (
	"context"
	"maps"
	"strings"
	"time"

	"switchyard/payments"
)

// Request is a token to be made, or what is to be changed of one.
type Request struct {
	Token      payments.Token         // what the merchant gave: project, customer, metadata, URLs, description, …
	Source     string                 // a card_ id, or a PSP's page as in Resolve; empty for none
	Verify     bool                   // switches verification on; false never switches it off
	SetDefault bool                   // makes the token its customer's default
	Claim      *payments.ClaimRequest // used by Commit when it is given none
	Public     bool                   // the caller is a payer's device: only Assign, and of the token only its source
}

// Prepared is a token write that has been checked and built, and is not done yet.
type Prepared struct {
	Token    payments.Token
	Customer payments.Customer // as it will be
	Card     *payments.Card    // the card that the token will have, as it will be; nil when it has none
	// Change holds the token, its card and customer, the transition and the event; no claim.
	Change payments.Change
	// Verify says that the token's source is to be verified at a PSP: the Change is written together with the attempt, in place
	// of Commit.
	Verify bool
	// Page says that the payer saves a method on a PSP's own page, which is the verification: at PageAt, or at any when that is
	// empty.
	Page   bool
	PageAt string

	claim *payments.ClaimRequest
	again func(ctx context.Context) (Prepared, error)
}

// Again prepares the same request anew. It is for the writer of a Change that met payments.ErrConflict.
func (p Prepared) Again(ctx context.Context) (Prepared, error) {
	if p.again == nil {
		return Prepared{}, changedMeanwhile(payments.ErrConflict)
	}
	return p.again(ctx)
}

// Create prepares a new token of a customer. The customer's first token becomes its default. Codes of its errors:
// CodeCustomerNotFound, CodeSourceInvalid, CodeSourceCardAlreadyUsed, card.expired, and CodeAuthenticationInvalid for a
// payer's device.
func (s *Service) Create(ctx context.Context, r Request) (Prepared, error) {
	if r.Public {
		return Prepared{}, notPublic()
	}
	c, err := s.Customer(ctx, r.Token.ProjectID, r.Token.CustomerID)
	if err != nil {
		return Prepared{}, err
	}
	t := r.Token
	t.ID, t.Version = payments.NewID(payments.PrefixToken), 1
	t.CardID, t.GatewayConfigurationID = "", ""
	t.Type, t.Verify, t.Verification = payments.TokenPending, r.Verify, payments.VerificationNotRequested
	t.CreatedAt, t.DeletedAt = s.now().UTC(), time.Time{}

	b := &builder{service: s, old: t, token: t, customer: c}
	if r.Verify {
		b.token.Verification = payments.VerificationPending
	}
	if r.Source != "" {
		if err := b.take(ctx, r.Source); err != nil {
			return Prepared{}, err
		}
	}
	if r.SetDefault || c.DefaultTokenID == "" {
		b.customer.DefaultTokenID = t.ID
	}
	// The customer is written in any case, so that it cannot be deleted without this token.
	b.customer.Version++
	b.change.Customers = []payments.Customer{b.customer}
	b.verify = b.token.Verify && (b.token.CardID != "" || b.page)
	p := b.prepared(payments.EventTokenCreated, "created")
	p.claim = r.Claim
	p.again = func(ctx context.Context) (Prepared, error) { return s.Create(ctx, r) }
	return p, nil
}

// Assign prepares a change of a token: a source for a token that has none or whose verification came to nothing,
// verification switched on, the customer's default, and the merchant's own fields (those that r.Token has set).
//
// A payer's device may put a source on a token that is to be verified and is not yet; anything else of its request is left
// out. Codes of the errors: CodeTokenNotFound, CodeMissingSource when there is nothing to do, CodeSourceInvalid,
// CodeSourceCardAlreadyUsed, card.expired, CodeStillProcessing while a verification runs, CodeAuthenticationInvalid.
func (s *Service) Assign(ctx context.Context, projectID, customerID, tokenID string, r Request) (Prepared, error) {
	t, err := s.Token(ctx, projectID, customerID, tokenID)
	if err != nil {
		return Prepared{}, err
	}
	if r.Public && !openToPublic(t) {
		return Prepared{}, notPublic()
	}
	if r.Source == "" && (r.Public || !changesAnything(r)) {
		return Prepared{}, payments.NewError(payments.CodeMissingSource, "A source is required: give the id of a card.")
	}
	c, err := s.Customer(ctx, projectID, t.CustomerID)
	if err != nil {
		return Prepared{}, err
	}
	b := &builder{service: s, old: t, token: t, customer: c}
	b.token.Version++
	if !r.Public {
		b.merge(r.Token)
	}
	if err := b.assign(ctx, r); err != nil {
		return Prepared{}, err
	}
	if r.SetDefault && !r.Public && c.DefaultTokenID != t.ID {
		b.customer.DefaultTokenID = t.ID
		b.customer.Version++
		b.change.Customers = []payments.Customer{b.customer}
	}
	p := b.prepared(payments.EventTokenUpdated, "verification asked for")
	p.claim = r.Claim
	p.again = func(ctx context.Context) (Prepared, error) { return s.Assign(ctx, projectID, customerID, tokenID, r) }
	return p, nil
}

func openToPublic(t payments.Token) bool {
	return t.Verify && (t.Verification == payments.VerificationPending || t.Verification == payments.VerificationFailed)
}

func notPublic() error {
	return payments.NewError(payments.CodeAuthenticationInvalid, "This needs the project's private key.")
}

// changesAnything says whether a request without a source asks for something.
func changesAnything(r Request) bool {
	t := r.Token
	return r.Verify || r.SetDefault || t.Metadata != nil || t.VerifyMetadata != nil || t.Extra != nil || t.ManualInvoiceCancellation ||
		t.Description+t.Summary+t.ReturnURL+t.CancelURL+t.InvoiceReturnURL+t.WebhookURL+t.VerifyStatementDescriptor+t.InvoiceID != ""
}

// builder makes a Prepared out of what was read.
type builder struct {
	service  *Service
	old      payments.Token
	token    payments.Token
	customer payments.Customer
	card     *payments.Card
	change   payments.Change
	verify   bool
	page     bool
	pageAt   string
}

// assign puts a source on the token, or switches its verification on, or leaves both alone.
func (b *builder) assign(ctx context.Context, r Request) error {
	if r.Source == "" {
		return b.switchOn(ctx, r.Verify)
	}
	switch {
	case b.old.Type != payments.TokenPending && b.old.Verification == payments.VerificationPending:
		return payments.NewError(payments.CodeStillProcessing,
			"The token's source is being verified. Read the token again later.")
	case b.old.Chargeable():
		return payments.NewError(payments.CodeSourceInvalid, "This token already has a source; create another token.")
	}
	if b.old.CardID != r.Source {
		if _, err := b.service.retireCard(ctx, &b.change, b.old); err != nil {
			return err
		}
	}
	b.token.CardID, b.token.GatewayConfigurationID = "", ""
	b.token.Verify = b.old.Verify || r.Verify
	if err := b.take(ctx, r.Source); err != nil {
		return err
	}
	if b.token.Verify {
		b.token.Verification = payments.VerificationPending
		b.verify = true
	}
	return nil
}

// switchOn asks for the verification of a token that was made without: of its card now, or of the one it will get.
func (b *builder) switchOn(ctx context.Context, verify bool) error {
	if b.old.CardID != "" {
		card, err := b.service.vault.Card(ctx, b.old.ProjectID, b.old.CardID)
		if err != nil {
			return err
		}
		b.card = &card
	}
	if !verify || b.old.Verify {
		return nil
	}
	if b.old.Type == payments.TokenGatewayToken {
		return payments.NewError(payments.CodeValidation, "Only a token of a card can be verified.")
	}
	b.token.Verify = true
	b.token.Verification = payments.VerificationPending
	b.verify = b.card != nil
	return nil
}

// take puts a source on the token: a card, or a method that the payer is to save on a PSP's own page.
func (b *builder) take(ctx context.Context, source string) error {
	if !strings.HasPrefix(source, payments.PrefixGateway) {
		return b.takeCard(ctx, source)
	}
	at, err := b.service.pageOf(b.token.ProjectID, source)
	if err != nil {
		return err
	}
	b.page, b.pageAt = true, at
	b.token.Type, b.token.GatewayConfigurationID = payments.TokenGatewayToken, at
	b.token.Verify, b.token.Verification = true, payments.VerificationPending
	return nil
}

// takeCard claims a single-use card for the token.
func (b *builder) takeCard(ctx context.Context, source string) error {
	card, err := b.service.freshCard(ctx, b.token.ProjectID, source)
	if err != nil {
		return err
	}
	card.UsedBy = b.token.ID
	card.Version++
	b.card = &card
	b.change.Cards = append(b.change.Cards, card)
	b.token.CardID, b.token.Type = card.ID, payments.TokenCard
	return nil
}

// merge puts the fields that a merchant has set over those of the token.
func (b *builder) merge(given payments.Token) {
	t := &b.token
	for _, f := range []struct{ dst, src *string }{
		{&t.Description, &given.Description},
		{&t.Summary, &given.Summary},
		{&t.ReturnURL, &given.ReturnURL},
		{&t.CancelURL, &given.CancelURL},
		{&t.InvoiceReturnURL, &given.InvoiceReturnURL},
		{&t.WebhookURL, &given.WebhookURL},
		{&t.VerifyStatementDescriptor, &given.VerifyStatementDescriptor},
		{&t.InvoiceID, &given.InvoiceID},
	} {
		if *f.src != "" {
			*f.dst = *f.src
		}
	}
	if given.Metadata != nil {
		t.Metadata = given.Metadata
	}
	if given.VerifyMetadata != nil {
		t.VerifyMetadata = given.VerifyMetadata
	}
	if given.Extra != nil {
		extra := maps.Clone(t.Extra)
		if extra == nil {
			extra = make(payments.Extra, len(given.Extra))
		}
		maps.Copy(extra, given.Extra)
		t.Extra = extra
	}
	t.ManualInvoiceCancellation = t.ManualInvoiceCancellation || given.ManualInvoiceCancellation
}

// prepared completes the change.
func (b *builder) prepared(event, why string) Prepared {
	s, now := b.service, b.service.now().UTC()
	if b.old.Verification != b.token.Verification {
		b.change.Transitions = append(b.change.Transitions, payments.Transition{
			ProjectID: b.token.ProjectID,
			Subject:   "token",
			SubjectID: b.token.ID,
			From:      string(b.old.Verification),
			To:        string(b.token.Verification),
			Why:       why,
			At:        now,
		})
	}
	b.change.Tokens = []payments.Token{b.token}
	b.change.Events = append(b.change.Events, s.event(event, b.customer, &b.token, b.card))
	return Prepared{Token: b.token, Customer: b.customer, Card: b.card, Change: b.change, Verify: b.verify, Page: b.page, PageAt: b.pageAt}
}

// Commit writes what was prepared. When an object was changed meanwhile, it prepares again. The snapshot has the Token, the
// Customer and the Card. payments.ErrClaimed is returned as it is. A token whose card is to be verified is not for Commit.
func (s *Service) Commit(ctx context.Context, p Prepared, claim *payments.ClaimRequest) (payments.Snapshot, error) {
	if claim == nil {
		claim = p.claim
	}
	first := true
	return retried(func() (payments.Snapshot, error) {
		if !first {
			var err error
			if p, err = p.Again(ctx); err != nil {
				return payments.Snapshot{}, err
			}
		}
		first = false
		if p.Verify { // was switched on meanwhile, if the caller minded Verify
			return payments.Snapshot{}, changedMeanwhile(nil)
		}
		answer := payments.Snapshot{Token: &p.Token, Customer: &p.Customer, Card: p.Card}
		change := p.Change
		change.Claim = s.claim(p.Token.ProjectID, claim, answer)
		if err := s.write(ctx, change, "write token"); err != nil {
			return payments.Snapshot{}, err
		}
		for _, card := range change.Cards { // on the token, or gone: its CVC has served
			s.vault.WipeCVC(ctx, card.ProjectID, card.ID)
		}
		s.Changed(ctx, p.Token.ProjectID, p.Token.ID)
		return answer, nil
	})
}

// freshCard returns a card that a source names and that nothing has used yet.
func (s *Service) freshCard(ctx context.Context, projectID, source string) (payments.Card, error) {
	if !strings.HasPrefix(source, payments.PrefixCard) {
		return payments.Card{}, payments.NewError(payments.CodeSourceInvalid, "The source must be the id of a card, or of a gateway configuration whose page is to save a method.")
	}
	card, err := s.vault.Card(ctx, projectID, source)
	switch {
	case payments.ErrorCode(err) == payments.CodeCardNotFound:
		return payments.Card{}, payments.NewError(payments.CodeSourceInvalid, "There is no card with the id that was given as the source.")
	case err != nil:
		return payments.Card{}, err
	case card.UsedBy != "":
		return payments.Card{}, payments.NewError(payments.CodeSourceCardAlreadyUsed, "This card was used already. Ask for the card again and use the new id.")
	case expired(card.Facts, s.now().UTC()):
		return payments.Card{}, payments.NewError(string(payments.CardExpired), "The card has expired.")
	}
	return card, nil
}

// expired says whether the last day of the card's month has passed.
func expired(f payments.CardFacts, now time.Time) bool {
	return f.ExpYear != 0 && (f.ExpYear < now.Year() || f.ExpYear == now.Year() && f.ExpMonth < int(now.Month()))
}
