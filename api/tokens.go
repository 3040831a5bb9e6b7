package api

import (
	"switchyard/flow"
	"switchyard/payments"
	"switchyard/tokens"
)

const maxDescription = 255 // characters

func (s *server) listTokens(c *call) (reply, error) {
	customer, err := s.Tokens.Customer(c.ctx, c.project.ID, c.param("customer"))
	if err != nil {
		return reply{}, err
	}
	found, err := s.Reads.TokensOf(c.ctx, c.project.ID, customer.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{Customer: &customer})
	return showing(v, func(w *writer) {
		page(w, "tokens", c.options, found, func(one *payments.Token) { v.ownToken(w, one) })
	}), nil
}

func (s *server) getToken(c *call) (reply, error) {
	token, err := s.Tokens.Token(c.ctx, c.project.ID, c.param("customer"), c.param("token"))
	if err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{Token: &token})
	return showing(v, func(w *writer) { showToken(w, v) }), nil
}

func (s *server) createToken(c *call) (reply, error) {
	return s.writeToken(c, func(r tokens.Request) (tokens.Prepared, error) { return s.Tokens.Create(c.ctx, r) })
}

// assignToken gives a token its source. A payer's device may do so while the token waits to be verified; the tokens package
// says when that is, and leaves out everything else of its request.
func (s *server) assignToken(c *call) (reply, error) {
	token, err := s.Tokens.Token(c.ctx, c.project.ID, c.param("customer"), c.param("token"))
	if err != nil {
		return reply{}, err
	}
	if source := c.fields.text("source", textRule{code: payments.CodeSourceInvalid}); source != "" && token.Verify {
		snapshot, goesOn, err := s.Engine.ContinueVerification(c.ctx, token, source)
		if goesOn || err != nil {
			return c.changed(mutation{show: showTokenAndAction}, snapshot), err
		}
	}
	return s.writeToken(c, func(r tokens.Request) (tokens.Prepared, error) {
		return s.Tokens.Assign(c.ctx, c.project.ID, c.param("customer"), c.param("token"), r)
	})
}

// writeToken prepares a token and writes it: by a verification at a PSP when the token asks for one.
func (s *server) writeToken(c *call, prepare func(tokens.Request) (tokens.Prepared, error)) (reply, error) {
	verify := flow.VerifyRequest{}
	verify.ClientIP, verify.UserAgent = c.payer()
	request, err := s.tokenRequest(c)
	if err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			prepared, err := prepare(request)
			if err != nil {
				return payments.Snapshot{}, err
			}
			if !prepared.Verify {
				return s.Tokens.Commit(c.ctx, prepared, claim)
			}
			verify.Prepared, verify.Claim = prepared, claim
			return s.Engine.Verify(c.ctx, verify)
		},
		show: showTokenAndAction,
	})
}

func (s *server) deleteToken(c *call) (reply, error) {
	return s.once(c, mutation{do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return s.Tokens.Delete(c.ctx, c.project.ID, c.param("customer"), c.param("token"), claim)
	}})
}

// tokenGateways answers how the token stands at each gateway configuration.
func (s *server) tokenGateways(c *call) (reply, error) {
	token, err := s.Tokens.Token(c.ctx, c.project.ID, c.param("customer"), c.param("token"))
	if err != nil {
		return reply{}, err
	}
	hasCVC := token.CardID != "" && s.Vault.HasCVC(c.ctx, c.project.ID, token.CardID)
	rows, err := s.Tokens.Coverage(c.ctx, token, hasCVC)
	if err != nil {
		return reply{}, err
	}
	return reply{show: func(w *writer) error {
		list(w, "gateways", rows, func(m *payments.Mapping) { tokenGateway(w, m) })
		return nil
	}}, nil
}

// tokenRequest reads what both ways of writing a token take.
func (s *server) tokenRequest(c *call) (tokens.Request, error) {
	f := c.fields
	t := payments.Token{ProjectID: c.project.ID, CustomerID: c.param("customer")}
	f.setText(&t.Description, "description", textRule{max: maxDescription, code: payments.CodeInvalidDescription})
	f.setText(&t.Summary, "summary", textRule{max: maxDescription})
	f.setText(&t.VerifyStatementDescriptor, "verify_statement_descriptor", textRule{max: maxDescriptor})
	f.setText(&t.InvoiceID, "invoice_id", textRule{code: payments.CodeInvalidID})
	f.setURL(&t.ReturnURL, "return_url")
	f.setURL(&t.CancelURL, "cancel_url")
	f.setURL(&t.InvoiceReturnURL, "invoice_return_url")
	f.setHook(&t.WebhookURL, "webhook_url")
	f.setMetadata(&t.Metadata, "metadata")
	f.setMetadata(&t.VerifyMetadata, "verify_metadata")
	f.setFlag(&t.ManualInvoiceCancellation, "manual_invoice_cancellation")
	request := tokens.Request{
		Token: t, Source: f.text("source", textRule{code: payments.CodeSourceInvalid}),
		Verify: f.flag("verify"), SetDefault: f.flag("set_default"), Public: c.public(),
	}
	if page := f.text("gateway_configuration_id", textRule{code: payments.CodeInvalidID}); request.Source == "" && page != "" {
		request.Source = page // its page is where the payer gives the source
	}
	if err := f.faults.err(); err != nil {
		return request, err
	}
	if t.InvoiceID != "" && !c.public() {
		if _, err := s.Reads.Invoice(c.ctx, c.project.ID, t.InvoiceID); err != nil {
			return request, missing(err, payments.CodeInvoiceNotFound)
		}
	}
	return request, nil
}

func showToken(w *writer, v *view) {
	if v.snapshot.Token == nil {
		w.null("token")
		return
	}
	w.name("token")
	v.ownToken(w, v.snapshot.Token)
}

func showTokenAndAction(w *writer, v *view) {
	showAction(w, v)
	showToken(w, v)
}

// payer is what is known of the payer's device: it is calling itself, or the merchant's server says what it is.
func (c *call) payer() (ip, agent string) {
	if c.public() {
		return c.gin.ClientIP(), c.request.UserAgent()
	}
	device := c.fields.object("device")
	device.setIP(&ip, "ip_address")
	return ip, device.text("user_agent", textRule{})
}
