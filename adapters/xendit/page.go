package xendit

import (
	"context"
	"net/http"
	"strings"

	"switchyard/payments"
)

// The statuses of a session, beside ACTIVE, EXPIRED and CANCELED.
const statusCompleted = "COMPLETED"

// getSession reads a session that is known to exist. That it does not show is no answer to anything.
func (a *adapter) getSession(ctx context.Context, id string) (*session, error) {
	s := &session{}
	r, err := a.get(ctx, below(sessionsPath, id), nil, s)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, payments.Faultf(payments.Unknown, "xendit: a session that exists is not shown")
	case s.ID != id:
		return nil, payments.Faultf(payments.Unknown, "xendit: the answer is not about the session that was asked for")
	}
	return s, nil
}

// findSession asks what the payer did on a session's page. Xendit may add something behind our reference.
func (a *adapter) findSession(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	s, err := a.getSession(ctx, r.Refs.Session)
	if err != nil {
		return payments.Finding{}, err
	}
	saves := r.Operation == payments.OpVerify || r.Amount.Minor == 0
	if !strings.HasPrefix(s.Reference, r.Reference) && s.Reference != "" || s.Type != "" && (s.Type == typeSave) != saves {
		return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: the session is not that of this payment")
	}
	switch s.Status {
	case statusActive:
		f := payments.Finding{Kind: payments.Processing, Refs: s.refs()}
		if webAddress(s.Link) {
			f.Outcome = s.waiting()
		}
		return f, nil
	case statusCompleted:
		if saves {
			return s.saved()
		}
		return a.findPaid(ctx, s, r.Operation)
	case statusExpired, statusCanceled:
		return a.findOver(ctx, s, r.Operation)
	}
	// Its words are left out: what Xendit says of a session may hold the link.
	return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: the session has a status that is not known")
}

// saved is the outcome of a session on which the payer has saved a card.
func (s *session) saved() (payments.Finding, error) {
	if s.TokenID == "" {
		return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: the session is completed and shows no payment token")
	}
	refs := s.refs()
	refs.Method = s.TokenID
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved, Refs: refs}, Refs: refs}, nil
}

// findPaid asks for the payment of a completed session.
func (a *adapter) findPaid(ctx context.Context, s *session, op payments.Operation) (payments.Finding, error) {
	f, err := a.paidOn(ctx, s, op == payments.OpSale)
	if err != nil {
		return payments.Finding{}, err
	}
	if f.Kind == payments.NotFound { // canceled: a hold that was given back, on a session that takes no other payment
		f = over(f.Refs, payments.CustomerCanceled, statusCanceled)
	}
	for _, refs := range []*payments.ProviderRefs{&f.Refs, &f.Outcome.Refs} {
		*refs = s.refs().Merge(payments.ProviderRefs{Charge: s.PaymentID, Method: s.TokenID}).Merge(*refs)
	}
	return f, nil
}

// findOver asks about a session that has ended without its payer's success. A payment that was under way may still succeed.
func (a *adapter) findOver(ctx context.Context, s *session, op payments.Operation) (payments.Finding, error) {
	if s.RequestID != "" || s.PaymentID != "" {
		f, err := a.findPaid(ctx, s, op)
		if err != nil || f.Kind == payments.Processing || f.Outcome.Status == payments.Approved {
			return f, err
		}
	}
	return over(s.refs(), payments.GatewayExpired, s.Status), nil
}

// over is the finding that nothing was paid, and nothing will be.
func over(refs payments.ProviderRefs, code payments.Code, status string) payments.Finding {
	o := payments.Outcome{Status: payments.Declined, Code: code, RawCode: status, Refs: refs}
	return payments.Finding{Kind: payments.FoundOutcome, Outcome: o, Refs: refs}
}

// paidOn asks for the payment that a session names.
func (a *adapter) paidOn(ctx context.Context, s *session, sale bool) (payments.Finding, error) {
	switch {
	case s.RequestID != "":
		return a.findRequest(ctx, s.RequestID, sale)
	case s.PaymentID != "":
		return a.findPayment(ctx, s.PaymentID, sale)
	}
	return payments.Finding{}, payments.Faultf(payments.Unknown, "xendit: the session is completed and shows no payment")
}

// keepSession puts a session's id back over that of the payment request which the payer's payment has made: the attempt is known
// by the session.
func keepSession(known payments.ProviderRefs, shown *payments.ProviderRefs) {
	if isSession(known.Session) {
		shown.Session = known.Session
	}
}

// cancelSession makes sure that nobody can pay on a session's page any more. Xendit refuses that when somebody has.
func (a *adapter) cancelSession(ctx context.Context, id string) (payments.Fence, error) {
	answer, err := a.do(ctx, call{method: http.MethodPost, path: below(sessionsPath, id, "cancel")})
	if err != nil {
		return "", err
	}
	s := &session{}
	if ok(answer) {
		if err := answer.JSON(s); err != nil {
			return "", err
		}
		return a.fenceOf(ctx, id, s)
	}
	if fault := unanswered(answer); fault != nil {
		return "", fault
	}
	shown, err := a.get(ctx, below(sessionsPath, id), nil, s)
	switch {
	case err != nil:
		return "", err
	case shown == nil:
		return payments.FenceAbsent, nil
	}
	return a.fenceOf(ctx, id, s)
}

// fenceOf says whether a session can still be paid. A payment that was under way when it ended may still succeed.
func (a *adapter) fenceOf(ctx context.Context, id string, s *session) (payments.Fence, error) {
	switch {
	case s.ID != id, s.Status != statusCanceled && s.Status != statusExpired:
		return payments.FenceBroken, nil
	case s.RequestID == "" && s.PaymentID == "":
		return payments.Fenced, nil
	}
	f, err := a.paidOn(ctx, s, false)
	switch {
	case err != nil:
		return "", err
	case f.Kind == payments.NotFound, f.Outcome.Status == payments.Declined:
		return payments.Fenced, nil
	}
	return payments.FenceBroken, nil
}
