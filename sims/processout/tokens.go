package processout

import (
	"net/http"
	"slices"

	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The states of a token's verification.
const (
	verifyNotRequested = "not-requested"
	verifyPending      = "pending"
	verifySuccess      = "success"
	verifyFailed       = "failed"
)

type token struct {
	id, customer, card, description, created string
	returnURL, invoiceReturnURL, cancelURL   string
	metadata, verifyMetadata                 map[string]string
	// verify says that a verification was asked for; status is how far it is.
	verify bool
	status string
	// invoice is the verification's; manual keeps its hold.
	invoice string
	manual  bool
	// declined is why the verification failed.
	declined string
}

// chargeable says whether the token pays.
func (t *token) chargeable() bool {
	return t.card != "" && (t.status == verifySuccess || t.status == verifyNotRequested)
}

// classifyToken tells a verification from a token that is merely kept. What was asked for at creation stays asked for.
func (s *Sim) classifyToken(r *psp.Request, ids []string) psp.Operation {
	if input(r).flag("verify") {
		return psp.Verify
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(ids) > 1 {
		if rec, known := s.tokens[ids[1]]; known && rec.Live.verify && input(r).text("source") != "" {
			return psp.Verify
		}
	}
	return psp.Tokenize
}

func (s *Sim) createToken(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer")
	}
	in := input(r)
	if bad := s.checkSource(in.text("source"), false); bad != nil {
		return *bad
	}
	if id := in.text("invoice_id"); id != "" {
		if _, known := s.live(id); !known {
			return notFound("invoice")
		}
	}
	t := token{
		id: s.newID("tok_"), customer: c.id, description: in.text("description"), created: now(),
		returnURL: in.text("return_url"), invoiceReturnURL: in.text("invoice_return_url"), cancelURL: in.text("cancel_url"),
		metadata: in.texts("metadata"), verifyMetadata: in.texts("verify_metadata"), verify: in.flag("verify"),
		status: verifyNotRequested, invoice: in.text("invoice_id"), manual: in.flag("manual_invoice_cancellation"),
	}
	if t.verify {
		t.status = verifyPending
	}
	rec := shown.New(t, o.HideFor)
	s.tokens[t.id] = rec
	c.tokens = append(c.tokens, t.id)
	if c.defaultToken == "" || in.flag("set_default") {
		c.defaultToken = t.id
	}
	s.tellToken("customer.token.created", &rec.Live, o.HideFor)
	return s.assign(rec, in, o)
}

// updateToken gives a token its card. A verification that was asked for then runs.
func (s *Sim) updateToken(r *psp.Request, ids []string, o psp.Orders) psp.Answer {
	rec, bad := s.tokenOf(ids)
	if bad != nil {
		return *bad
	}
	in := input(r)
	source := in.text("source")
	if resumed(source) || source != "" && source == rec.Live.card {
		return s.resumeToken(rec, source, o)
	}
	if in.flag("set_default") {
		s.customers[rec.Live.customer].defaultToken = rec.Live.id
	}
	asked := in.flag("verify") && rec.Live.card == ""
	if source == "" {
		if asked {
			return invalid(codeMissingSource, "The source is missing.")
		}
		return s.tokenAnswer(rec, nil)
	}
	if bad := s.checkSource(source, true); bad != nil {
		return *bad
	}
	if rec.Live.chargeable() || rec.Live.card != "" && rec.Live.status == verifyPending {
		return invalid(codeSource, "The token has its source already.")
	}
	rec.Freeze(rec.Live, o.HideFor)
	if asked || rec.Live.verify {
		rec.Live.verify, rec.Live.status = true, verifyPending
	}
	return s.assign(rec, in, o)
}

// checkSource says what is wrong with the source of a token, which may be left out unless it is required.
func (s *Sim) checkSource(source string, required bool) *psp.Answer {
	var bad psp.Answer
	c := s.cards[source]
	switch {
	case source == "" && !required:
		return nil
	case source == "":
		bad = invalid(codeMissingSource, "The source is missing.")
	case c == nil:
		bad = invalid(codeSource, "The source is invalid.")
	case c.used:
		bad = invalid(codeCardUsed, "The card was already used.")
	default:
		return nil
	}
	return &bad
}

// assign puts a card on a token and verifies it if that was asked for.
func (s *Sim) assign(rec *shown.Record[token], in fields, o psp.Orders) psp.Answer {
	t, source := &rec.Live, in.text("source")
	if source == "" {
		return s.tokenAnswer(rec, nil)
	}
	t.card = source
	s.cards[source].used = true
	if !t.verify {
		s.tellToken("customer.token.updated", t, o.HideFor)
		return s.tokenAnswer(rec, nil)
	}
	proof := s.verificationInvoice(t, o)
	action, code := s.attempt(proof, try{
		source: source, card: source, verifies: t.id, keepsHold: t.manual, takesSteps: in.flag("enable_three_d_s_2"),
	}, o)
	return s.verified(rec, proof, action, code, o)
}

// verified is the answer to a verification that has ended, or gone one step further.
func (s *Sim) verified(rec *shown.Record[token], proof *shown.Record[invoice], action psp.Object, code string, o psp.Orders) psp.Answer {
	if code != "" {
		return declined(code)
	}
	s.endVerification(&proof.Live, o)
	return s.tokenAnswer(rec, action)
}

// verificationInvoice is the invoice that the verification authorizes: the caller's, or one over nothing.
func (s *Sim) verificationInvoice(t *token, o psp.Orders) *shown.Record[invoice] {
	if rec, known := s.live(t.invoice); known && rec.Live.open() {
		rec.Freeze(rec.Live, o.HideFor)
		return rec
	}
	iv := invoice{
		id: s.newID("iv_"), name: "Verification", currency: s.customers[t.customer].currency, customer: t.customer,
		reference: t.verifyMetadata["reference"], metadata: t.verifyMetadata, verification: true,
		returnURL: t.invoiceReturnURL, created: now(),
	}
	if iv.reference == "" {
		iv.reference = t.metadata["reference"]
	}
	if iv.currency == "" {
		iv.currency = "USD"
	}
	if iv.returnURL == "" {
		iv.returnURL = t.returnURL
	}
	t.invoice = iv.id
	return s.store(iv, o)
}

// concludeToken ends a token's verification.
func (s *Sim) concludeToken(id, code string, o psp.Orders) {
	rec, known := s.tokens[id]
	if !known { // deleted meanwhile
		return
	}
	rec.Live.status, rec.Live.declined = verifySuccess, code
	if code != "" {
		rec.Live.status = verifyFailed
	}
	s.tellToken("customer.token.updated", &rec.Live, o.HideFor)
}

// resumeToken answers a payer's client that is back from a step.
func (s *Sim) resumeToken(rec *shown.Record[token], source string, o psp.Orders) psp.Answer {
	t := &rec.Live
	proof, known := s.live(t.invoice)
	if known && proof.Live.tx.step.repeats {
		if !resumed(source) {
			return invalid(codeSource, "The token has its source already.")
		}
		rec.Freeze(*t, o.HideFor)
		action, code, bad := s.bring(proof, try{source: source}, o)
		if bad != nil {
			return *bad
		}
		return s.verified(rec, proof, action, code, o)
	}
	if t.status == verifyFailed {
		return declined(t.declined)
	}
	if known && proof.Live.tx.pending != nil {
		return s.tokenAnswer(rec, proof.Live.tx.step.action())
	}
	return s.tokenAnswer(rec, nil)
}

// tokenAnswer is a token as it is, with what the payer has to do if there is something.
func (s *Sim) tokenAnswer(rec *shown.Record[token], action psp.Object) psp.Answer {
	body := psp.Object{"success": true, "token": s.tokenResource(&rec.Live)}
	if action != nil {
		body["customer_action"] = action
	}
	return psp.JSON(http.StatusOK, body)
}

// tokenOf finds a customer's token.
func (s *Sim) tokenOf(ids []string) (*shown.Record[token], *psp.Answer) {
	if s.customers[ids[0]] == nil {
		bad := notFound("customer")
		return nil, &bad
	}
	rec, known := s.tokens[ids[1]]
	if !known || rec.Live.customer != ids[0] {
		bad := notFound("token")
		return nil, &bad
	}
	return rec, nil
}

func (s *Sim) getToken(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rec, bad := s.tokenOf(ids)
	if bad != nil {
		return *bad
	}
	t, visible := rec.View()
	if !visible {
		return notFound("token")
	}
	return success("token", s.tokenResource(&t))
}

func (s *Sim) listTokens(r *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	c, known := s.customers[ids[0]]
	if !known {
		return notFound("customer")
	}
	rows := []psp.Object{}
	for _, id := range slices.Backward(c.tokens) {
		if t, visible := s.tokens[id].View(); visible {
			rows = append(rows, s.tokenResource(&t))
		}
	}
	return page(r, "tokens", rows)
}

func (s *Sim) deleteToken(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rec, bad := s.tokenOf(ids)
	if bad != nil {
		return *bad
	}
	c := s.customers[ids[0]]
	c.tokens = slices.DeleteFunc(c.tokens, func(id string) bool { return id == ids[1] })
	if c.defaultToken == ids[1] {
		c.defaultToken = ""
	}
	delete(s.tokens, ids[1])
	s.tellToken("customer.token.deleted", &rec.Live, 0)
	return success("", nil)
}

func (s *Sim) tokenResource(t *token) psp.Object {
	kind, embedded := "pending", any(nil)
	if c, known := s.cards[t.card]; known {
		kind, embedded = "card", c.resource()
	}
	isDefault := false
	if c, known := s.customers[t.customer]; known {
		isDefault = c.defaultToken == t.id
	}
	return psp.Object{
		"id": t.id, "customer_id": t.customer, "gateway_configuration_id": nil, "card": embedded, "card_id": orNull(t.card),
		"type": kind, "metadata": orEmpty(t.metadata), "is_subscription_only": false, "is_default": isDefault,
		"return_url": orNull(t.returnURL), "cancel_url": orNull(t.cancelURL), "summary": nil, "is_chargeable": t.chargeable(),
		"created_at": t.created, "description": orNull(t.description), "invoice_id": orNull(t.invoice),
		"manual_invoice_cancellation": t.manual, "verification_status": t.status, "can_get_balance": false,
	}
}
