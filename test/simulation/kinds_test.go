package simulation

import (
	"context"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// Times of simulated PSPs.
const (
	callTimeout = 5 * time.Second
	promise     = 90 * time.Second // a request that is not fenced acts and shows within it, or never
	slowest     = 15 * time.Second // until something done shows
)

// kind is a sort of PSP: what it declares, and how it really behaves.
type kind struct {
	name       string
	caps       payments.Capabilities
	session    bool // a session is made and noted before the call that charges, and asked for after it
	fences     bool
	totals     bool // captures, voids and refunds are found out by totals
	hidden     bool // a hold shows only by the PSP's own id
	slow       bool // what was done takes a while to show
	page       bool
	increments bool
	continues  bool // the result of a payer's step has to be brought to it
	pending    float64
	steps      float64 // how often a payer has to take a step
	webhooks   bool
	adapter    func(*station) adapters.Adapter
}

func recovery(charge payments.Recovery, hold payments.Recovery, rest payments.Recovery) map[payments.Operation]payments.Recovery {
	return map[payments.Operation]payments.Recovery{
		payments.OpSale: charge, payments.OpAuthorize: hold, payments.OpVerify: hold,
		payments.OpCapture: rest, payments.OpRefund: rest, payments.OpVoid: rest, payments.OpIncrement: rest,
	}
}

// kinds are the sorts of PSPs that there are. Between them they have every ability and every way of finding out.
func kinds() []*kind {
	fenced := payments.Recovery{Ask: payments.AskByReference, Fence: true}
	noted := payments.Recovery{Ask: payments.AskBySession, Fence: true}
	absent := payments.Recovery{Ask: payments.AskByReference, AbsenceAfter: promise}
	again := payments.Recovery{Ask: payments.AskByReference, Resend: true, AbsenceAfter: promise}
	byTotals := payments.Recovery{Ask: payments.AskByTotals, AbsenceAfter: promise}
	able := payments.Capabilities{ManualCapture: true, PartialCapture: true, PartialRefund: true, MerchantInitiated: true}
	with := func(change func(*payments.Capabilities)) payments.Capabilities {
		c := able
		change(&c)
		return c
	}
	return []*kind{
		{
			name: "reference", fences: true, pending: 0.06, webhooks: true, increments: true,
			caps: with(func(c *payments.Capabilities) {
				c.MultiCapture, c.Recovery = true, recovery(fenced, fenced, absent)
			}),
			adapter: func(s *station) adapters.Adapter { return referencePSP{s} },
		},
		{
			name: "session", session: true, fences: true, totals: true, steps: 0.12, pending: 0.03, slow: true, continues: true,
			caps: with(func(c *payments.Capabilities) {
				c.ZeroVerify, c.NeedsCVC, c.Recovery = true, true, recovery(noted, noted, byTotals)
			}),
			adapter: func(s *station) adapters.Adapter { return sessionPSP{s} },
		},
		{
			name: "resend", hidden: true, webhooks: true, slow: true,
			caps: with(func(c *payments.Capabilities) {
				c.SavesInline, c.Recovery = true, recovery(again, payments.Recovery{Ask: payments.AskByReference, Resend: true}, again)
			}),
			adapter: func(s *station) adapters.Adapter { return resendPSP{s} },
		},
		{
			name: "page", session: true, fences: true, page: true, webhooks: true, steps: 0.15, pending: 0.05,
			caps: with(func(c *payments.Capabilities) {
				c.NeedsCVCSaved, c.PageSaves, c.SavesInline, c.MerchantInitiated, c.Recovery = true, true, true, false, recovery(noted, noted, absent)
			}),
			adapter: func(s *station) adapters.Adapter { return pagePSP{s} },
		},
		{
			name: "plain", slow: true, increments: true, totals: true,
			caps: with(func(c *payments.Capabilities) {
				c.MultiCapture, c.Recovery = true, recovery(absent, absent, byTotals)
			}),
			adapter: func(s *station) adapters.Adapter { return plainPSP{s} },
		},
	}
}

// The adapters differ in their abilities only.
type (
	plainPSP     struct{ *station }
	referencePSP struct{ *station }
	sessionPSP   struct{ *station }
	resendPSP    struct{ *station }
	pagePSP      struct{ *station }
)

func (p plainPSP) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return p.void(ctx, r)
}

func (p plainPSP) Increment(ctx context.Context, r payments.IncrementRequest) (payments.Outcome, error) {
	return p.increment(ctx, r)
}

func (p referencePSP) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return p.void(ctx, r)
}

func (p referencePSP) Increment(ctx context.Context, r payments.IncrementRequest) (payments.Outcome, error) {
	return p.increment(ctx, r)
}

func (p referencePSP) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	return p.abandon(ctx, r)
}

func (p referencePSP) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	return parseNotice(d)
}

func (p sessionPSP) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return p.void(ctx, r)
}

func (p sessionPSP) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	return p.abandon(ctx, r)
}

func (p sessionPSP) Continue(ctx context.Context, r payments.ContinueRequest) (payments.Outcome, error) {
	return p.carry(ctx, r)
}

func (p sessionPSP) Verify(ctx context.Context, r payments.VerifyRequest) (payments.Outcome, error) {
	return p.verify(ctx, r)
}

func (p sessionPSP) Tokenize(ctx context.Context, r payments.TokenizeRequest) (payments.Outcome, error) {
	return p.tokenize(ctx, r)
}

func (p sessionPSP) DeleteMethod(ctx context.Context, r payments.ForgetRequest) error {
	return p.deleteMethod(ctx, r)
}

func (p resendPSP) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return p.void(ctx, r)
}

func (p resendPSP) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	return parseNotice(d)
}

func (p pagePSP) Void(ctx context.Context, r payments.VoidRequest) (payments.Outcome, error) {
	return p.void(ctx, r)
}

func (p pagePSP) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	return p.abandon(ctx, r)
}

func (p pagePSP) StartSession(ctx context.Context, r payments.SessionRequest) (payments.Outcome, error) {
	return p.open(ctx, r)
}

func (p pagePSP) SyncCustomer(_ context.Context, payer payments.Payer) (string, error) {
	return "cus-" + payer.CustomerID, nil
}

func (p pagePSP) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	return parseNotice(d)
}
