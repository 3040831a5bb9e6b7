package simulation

import (
	"context"
	"time"

	"switchyard/payments"
)

// station is one process's adapter to one PSP.
type station struct {
	p *process
	b *bank
}

// exchange sends one request. act runs at the PSP, with the world's mu held, if and when the request arrives.
func exchange[T any](ctx context.Context, s *station, op payments.Operation, ref string, act func() (T, error)) (T, error) {
	var none T
	w, label := s.b.w, s.b.w.label(ref)
	if s.p.dead.Load() {
		return none, payments.NewFault(payments.NeverSent, errDead)
	}
	d := w.dice("net", s.b.id, string(op), label)
	f := s.b.fateOf(d, op, ref)
	if f.what != "" {
		w.count("fault: " + f.what)
		w.log(label, "%s: %s: %s", s.b.kind.name, op, f.what)
	}
	s.deadIn(d, f)
	if f.refusal != nil {
		time.Sleep(f.there)
		return none, f.refusal
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(callTimeout)
	}
	left := time.Until(deadline)
	type answer struct {
		value T
		err   error
	}
	var got answer
	moves := 0
	if op != payments.OpLookup && op != payments.OpAbandon && op != payments.OpTokenize {
		moves = 1
	}
	arrive := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.over {
			got.value, got.err = act()
		}
		s.b.flying[ref] -= moves
	}
	w.mu.Lock()
	s.b.flying[ref] += moves
	w.mu.Unlock()
	switch {
	case f.lost:
		time.Sleep(min(f.there, left))
		w.mu.Lock()
		s.b.flying[ref] -= moves
		w.mu.Unlock()
		return none, payments.Faultf(payments.Unknown, "simulation: %s", f.what)
	case f.there >= left: // it goes on without us
		time.AfterFunc(f.there, arrive)
		time.Sleep(left)
		return none, payments.Faultf(payments.Unknown, "simulation: no answer in time")
	}
	time.Sleep(f.there)
	arrive()
	time.Sleep(min(f.back, time.Until(deadline)))
	if f.unheard || time.Now().After(deadline) {
		return none, payments.Faultf(payments.Unknown, "simulation: the answer is lost")
	}
	return got.value, got.err
}

// deadIn kills the process in the middle of the call, if that is planned.
func (s *station) deadIn(d dice, f fate) {
	if t := s.p.trap.Load(); t != nil && t.where == "in call" {
		time.AfterFunc(d.between(0, f.there+f.back), func() { s.p.springs("in call", nil) })
	}
}

// Authorize charges, after a session was made and noted where the PSP needs one.
func (s *station) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	op := payments.OpAuthorize
	if r.Capture {
		op = payments.OpSale
	}
	return s.charge(ctx, op, &charge{
		ref: r.Reference, amount: r.Amount.Minor, capture: r.Capture, wantsMethod: r.Save && s.b.kind.caps.SavesInline, customer: r.Payer.CustomerRef,
	}, r.Source, r.Refs, r.Note)
}

func (s *station) verify(ctx context.Context, r payments.VerifyRequest) (payments.Outcome, error) {
	return s.charge(ctx, payments.OpVerify, &charge{ref: r.Reference, verify: true, wantsMethod: true, customer: r.Payer.CustomerRef}, r.Source, r.Refs, r.Note)
}

func (s *station) charge(ctx context.Context, op payments.Operation, c *charge, source payments.Source, refs payments.ProviderRefs, note func(context.Context, payments.ProviderRefs) error) (payments.Outcome, error) {
	if s.b.kind.session && refs.Session == "" {
		if err := s.prepare(ctx, c, note); err != nil {
			return payments.Outcome{}, err
		}
	}
	s.b.mayBeAsked(c.ref)
	o, err := exchange(ctx, s, op, c.ref, func() (payments.Outcome, error) { return s.b.receive(c, source) })
	s.b.settled(c.ref, payments.AsFault(err), o)
	return o, err
}

// prepare makes a session and has it noted. It charges nothing, so that whatever goes wrong here was never sent.
func (s *station) prepare(ctx context.Context, c *charge, note func(context.Context, payments.ProviderRefs) error) error {
	session, err := exchange(ctx, s, payments.OpTokenize, c.ref, func() (string, error) { return s.b.prepared(c), nil })
	if err != nil {
		return payments.NewFault(payments.NeverSent, err)
	}
	if err := note(ctx, payments.ProviderRefs{Session: session}); err != nil {
		return payments.NewFault(payments.NeverSent, err)
	}
	return nil
}

// open opens the PSP's page: nothing is charged before the payer acts there.
func (s *station) open(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	c := &charge{
		ref: r.Reference, amount: r.Amount.Minor, capture: r.Capture, verify: r.Amount.Minor == 0, page: true,
		wantsMethod: r.Save, customer: r.Payer.CustomerRef, ends: r.ExpiresAt.Sub(s.b.w.began),
	}
	if err := s.prepare(ctx, c, r.Note); err != nil {
		return payments.Outcome{}, err
	}
	s.b.w.mu.Lock()
	s.b.charges[c.ref].given = true
	s.b.w.mu.Unlock()
	return payments.Outcome{
		Status: payments.ActionRequired, Refs: payments.ProviderRefs{Session: "se-" + c.ref},
		Action: &payments.CustomerAction{Type: "redirect", Value: actionLink + c.ref},
	}, nil
}

// carry brings the result of a payer's step.
func (s *station) carry(ctx context.Context, r payments.ContinueRequest) (payments.Outcome, error) {
	return exchange(ctx, s, r.Operation, r.Reference, func() (payments.Outcome, error) {
		c := s.b.charges[r.Reference]
		if c == nil || c.standing != waiting {
			return payments.Outcome{}, payments.Faultf(payments.Rejected, "no such step")
		}
		if c.stepped {
			s.b.decide(c, false)
		}
		return s.b.outcome(c), nil
	})
}

func (s *station) amend(ctx context.Context, op payments.Operation, ref string, refs payments.ProviderRefs, amount int64) (payments.Outcome, error) {
	return exchange(ctx, s, op, ref, func() (payments.Outcome, error) { return s.b.amend(op, ref, refs.Charge, amount) })
}

// Capture takes a hold's money.
func (s *station) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	return s.amend(ctx, payments.OpCapture, r.Reference, r.Refs, r.Amount.Minor)
}

// Refund gives money back.
func (s *station) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	return s.amend(ctx, payments.OpRefund, r.Reference, r.Refs, r.Amount.Minor)
}

func (s *station) void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return s.amend(ctx, payments.OpVoid, r.Reference, r.Refs, r.Amount.Minor)
}

func (s *station) increment(ctx context.Context, r payments.IncrementRequest) (payments.Outcome, error) {
	return s.amend(ctx, payments.OpIncrement, r.Reference, r.Refs, r.Amount.Minor)
}

// Lookup says what the PSP shows of an operation.
func (s *station) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	return exchange(ctx, s, payments.OpLookup, r.Reference, func() (payments.Finding, error) { return s.b.find(r), nil })
}

func (s *station) abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	if s.b.kind.session && r.Refs.Session == "" {
		return payments.Fenced, nil // without a noted session nothing is ever charged
	}
	return exchange(ctx, s, payments.OpAbandon, r.Reference, func() (payments.Fence, error) { return s.b.fence(r), nil })
}

func (s *station) tokenize(ctx context.Context, r payments.TokenizeRequest) (payments.Outcome, error) {
	return exchange(ctx, s, payments.OpTokenize, r.Reference, func() (payments.Outcome, error) {
		method := "m-" + r.Reference
		s.b.methods[method] = true
		return payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Method: method, Customer: "cus-" + r.Payer.CustomerID}}, nil
	})
}

func (s *station) deleteMethod(ctx context.Context, r payments.ForgetRequest) error {
	_, err := exchange(ctx, s, payments.OpTokenize, r.MethodRef[2:], func() (struct{}, error) {
		delete(s.b.methods, r.MethodRef)
		return struct{}{}, nil
	})
	return err
}
