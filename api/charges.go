package api

import (
	"context"
	"strings"

	"switchyard/flow"
	"switchyard/payments"
)

func (s *server) authorize(c *call) (reply, error) { return s.charge(c, s.Engine.Authorize) }
func (s *server) capture(c *call) (reply, error)   { return s.charge(c, s.Engine.Capture) }

// charge asks for an invoice's money.
func (s *server) charge(c *call, do func(context.Context, flow.ChargeRequest) (payments.Snapshot, error)) (reply, error) {
	request, err := s.chargeRequest(c)
	if err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			request.Claim = claim
			return do(c.ctx, request)
		},
		show: showCharge,
	})
}

func (s *server) chargeRequest(c *call) (flow.ChargeRequest, error) {
	f := c.fields
	r := flow.ChargeRequest{
		ProjectID: c.project.ID, InvoiceID: c.param("invoice"), Public: c.public(),
		Source:        f.text("source", textRule{code: payments.CodeSourceInvalid}),
		Amount:        f.amount("capture_amount"),
		AuthorizeOnly: f.flag("authorize_only"),
		Incremental:   f.flag("incremental"),
		SaveSource:    f.flag("save_source"),
		Preferred:     f.text("preferred_source", textRule{code: payments.CodeSourceInvalid}),
	}
	if cvc := cardCVC(f); cvc != "" {
		if strings.Trim(cvc, "0123456789") != "" || len(cvc) < 3 || len(cvc) > 4 {
			f.fault(string(payments.CardInvalidCVC), fieldCVC2, "The card's security code must have 3 or 4 digits.")
		}
		r.CVC = payments.NewSecret(cvc)
	}
	if f.amount("amount") != "" { // a slip that would cost the payer the difference
		f.fault(payments.CodeInvalidAmount, "amount", "How much is captured is capture_amount; how much is authorized is the invoice's amount.")
	}
	f.setTime(&r.AutoCaptureAt, "auto_capture_at")
	f.setMetadata(&r.Metadata, "metadata")
	r.ClientIP, r.UserAgent = c.payer()
	if !c.public() {
		return r, f.faults.err()
	}
	invoice, err := s.Reads.Invoice(c.ctx, c.project.ID, r.InvoiceID)
	if err := c.mayUseInvoice(&invoice, err); err != nil {
		return r, err
	}
	limitToPayer(f, &r, &invoice)
	return r, f.faults.err()
}

// limitToPayer takes out of a request what is the merchant's to say. That a token is the invoice's own customer's is checked
// by the engine.
func limitToPayer(f fields, r *flow.ChargeRequest, invoice *payments.Invoice) {
	switch {
	case r.Source == "":
		f.fault(payments.CodeMissingSource, "source", "Give a source: a card, or a customer token.")
	case strings.HasPrefix(r.Source, flow.PrefixContinuation): // goes on after a step
	case strings.HasPrefix(r.Source, payments.PrefixGateway): // a PSP's own page
	case !strings.HasPrefix(r.Source, payments.PrefixCard) && !strings.HasPrefix(r.Source, payments.PrefixToken):
		f.fault(payments.CodeSourceInvalid, "source", "The source must be a card, a customer token or a gateway configuration.")
	}
	r.Preferred = ""
	if r.Amount != "" {
		if amount, ok := parseAmount(f, "capture_amount", r.Amount, invoice.Amount.Currency); ok && amount != invoice.Amount {
			f.fault(payments.CodeInvalidAmount, "capture_amount", "How much of the invoice is captured is for the merchant to say: leave this field out.")
		}
		r.Amount = ""
	}
	r.AutoCaptureAt, r.Metadata = invoice.AutoCaptureAt, nil
	if string(invoice.Extra[fieldBackendCapture]) == "true" {
		r.AuthorizeOnly = true
	}
}

// threeDS has nothing to ask the payer for: the PSP that takes the payment asks for its own 3-D Secure step, in the answer to
// authorize or capture. Without an action the caller goes on to those.
func (s *server) threeDS(c *call) (reply, error) {
	if _, err := s.Reads.Invoice(c.ctx, c.project.ID, c.param("invoice")); err != nil {
		return reply{}, missing(err, payments.CodeInvoiceNotFound)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) { showAction(w, v) }), nil
}

func (s *server) void(c *call) (reply, error)      { return s.amend(c, s.Engine.Void) }
func (s *server) increment(c *call) (reply, error) { return s.amend(c, s.Engine.Increment) }

// amend changes a hold.
func (s *server) amend(c *call, do func(context.Context, flow.AmendRequest) (payments.Snapshot, error)) (reply, error) {
	request := flow.AmendRequest{ProjectID: c.project.ID, InvoiceID: c.param("invoice"), Amount: c.fields.amount("amount")}
	c.fields.setMetadata(&request.Metadata, "metadata")
	if err := c.fields.faults.err(); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			request.Claim = claim
			return do(c.ctx, request)
		},
		show: showTransaction,
	})
}

func showTransaction(w *writer, v *view) {
	object(w, "transaction", v.snapshot.Transaction, v.transaction, v.expand)
}

// showCharge tells a merchant the whole story with the answer, as the vendor does.
func showCharge(w *writer, v *view) {
	e := v.expand
	if !v.public {
		e = e.with("operations")
	}
	showAction(w, v)
	object(w, "transaction", v.snapshot.Transaction, v.transaction, e)
}

// showAction writes the payer's next step. Without one the member is left out, since null breaks the Node SDK; only the Python
// SDK gets an empty one, which breaks most others.
func showAction(w *writer, v *view) {
	action := v.snapshot.Action
	if action == nil {
		if v.emptyAction {
			w.name("customer_action")
			w.open()
			w.close()
		}
		return
	}
	w.name("customer_action")
	w.open()
	w.full("type", action.Type)
	w.full("value", action.Value)
	w.texts("metadata", action.Metadata)
	w.close()
}

// writeEstimate writes what smart routing believed of a candidate.
func writeEstimate(w *writer, e *payments.Estimate) {
	w.name("estimate")
	w.open()
	w.float("approval", e.Approval)
	w.float("sd", e.SD)
	w.float("availability", e.Availability)
	w.float("propensity", e.Propensity)
	if e.FeeMinor != nil {
		w.number("fee_minor", int(*e.FeeMinor))
	}
	if e.Impaired {
		w.flag("impaired", true)
	}
	w.close()
}

// writeDecision writes why each candidate was taken or left, and what was tried.
func writeDecision(w *writer, d *payments.Decision, attempts []payments.Attempt) {
	w.open()
	w.full("config_version", d.ConfigVersion)
	w.full("rule", d.Rule)
	list(w, "candidates", d.Candidates, func(c *payments.Candidate) {
		w.open()
		w.full("gateway_configuration_id", c.GatewayConfigurationID)
		w.full("psp", c.PSP)
		w.full("verdict", string(c.Verdict))
		w.full("reason", d.Sentence(c))
		if c.Page {
			w.flag("page", true)
		}
		if c.Score != nil {
			w.float("score", *c.Score)
		}
		if e := c.Estimate; e != nil {
			writeEstimate(w, e)
		}
		w.close()
	})
	list(w, "attempts", attempts, func(a *payments.Attempt) {
		w.open()
		w.full("id", a.ID)
		w.full("reference", a.Reference)
		w.full("gateway_configuration_id", a.GatewayConfigurationID)
		w.full("psp", a.PSP)
		w.full("operation", string(a.Operation))
		w.full("state", string(a.State))
		if a.Code != "" {
			w.full("code", string(a.Code))
		}
		w.full("reason", a.Reason())
		w.at("started_at", a.SentAt)
		if !a.EndedAt.IsZero() {
			w.at("ended_at", a.EndedAt)
		}
		w.close()
	})
	if !d.DecidedAt.IsZero() {
		w.at("decided_at", d.DecidedAt)
	}
	w.close()
}
