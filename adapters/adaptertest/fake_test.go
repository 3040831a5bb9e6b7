package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

// defect is one way in which the fake adapter can be wrong.
type defect string

const (
	flawless         defect = "" // none
	neverSentAlways  defect = "reports every failure as never sent"
	unknownAlways    defect = "reports a failed preparation as unknown"
	triesAgain       defect = "sends the charging call again after a failure"
	leaksInError     defect = "puts the card number into its errors"
	leaksInLog       defect = "logs the CVC"
	leaksInOutcome   defect = "keeps the PSP's message as it came"
	dropsContext     defect = "does not pass its caller's context on"
	wrongExponent    defect = "takes every currency for one with two decimals"
	skipsNote        defect = "does not make the session durable"
	ignoresNote      defect = "charges though the session is not durable"
	changesReference defect = "sends another reference with every call"
	mixesUp          defect = "keeps a payment's state in the adapter"
	leavesOpen       defect = "does not close bodies"
	readsAll         defect = "reads without a limit"
	approvesAnything defect = "takes a hollow answer for an approval"
	declinesAnything defect = "takes a server's failure for a decline"
	inventsAbsence   defect = "takes an unanswered question for an absence"
	declaresFence    defect = "declares a fence that it has not"
	declaresVerify   defect = "declares a verification that it has not"
	declaresNoWayOut defect = "declares no way out of an unknown refund"
	acceptsAnyConfig defect = "does not check its configuration"
	showsKey         defect = "keeps its key as a plain text"
)

// fakeConfig is the configuration of the fake PSP.
type fakeConfig struct {
	BaseURL string          `yaml:"base_url"`
	Key     payments.Secret `yaml:"key"`
	Plain   string          `yaml:"plain"`

	defect defect
}

func (c *fakeConfig) Check(live bool) []adapters.FieldFault {
	var faults []adapters.FieldFault
	switch {
	case c.defect == acceptsAnyConfig:
	case c.Key.IsZero():
		faults = append(faults, adapters.FieldFault{Field: "key", Message: "is missing"})
	case live && strings.HasPrefix(c.Key.Reveal(), "test_"):
		faults = append(faults, adapters.FieldFault{Field: "key", Message: "is a test key"})
	}
	if live && !strings.HasPrefix(c.BaseURL, "https://") {
		faults = append(faults, adapters.FieldFault{Field: "base_url", Message: "is not https"})
	}
	return faults
}

func (c *fakeConfig) Open(d adapters.Deps) (adapters.Adapter, error) {
	a := &fake{defect: c.defect, deps: d, key: c.Key.Reveal()}
	options := wire.Options{Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{a.key}}
	if c.defect == readsAll {
		options.MaxBody = 1 << 40
	}
	if c.defect == leavesOpen {
		options.Transport = leaving{d.Transport}
	}
	a.client = wire.New(options)
	if c.defect == declaresFence {
		return struct{ adapters.Adapter }{a}, nil
	}
	return a, nil
}

// leaving hides the real body from whoever closes it.
type leaving struct{ http.RoundTripper }

func (l leaving) RoundTrip(req *http.Request) (*http.Response, error) {
	r, err := l.RoundTripper.RoundTrip(req)
	if err == nil {
		r.Body = io.NopCloser(r.Body)
	}
	return r, err
}

// fake is an adapter for a PSP of our own making: an intent is made, and confirming it charges.
type fake struct {
	defect  defect
	deps    adapters.Deps
	client  *wire.Client
	key     string
	last    atomic.Value // the reference of the last payment, when the defect is to keep it
	counter atomic.Int64
}

type fakeAnswer struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Captured int64  `json:"captured"`
	Refunded int64  `json:"refunded"`
}

func (a *fake) call(ctx context.Context, method, path string, card *payments.CardData, body any) (fakeAnswer, *wire.Response, error) {
	if a.defect == dropsContext {
		ctx = context.WithoutCancel(ctx)
	}
	var answer fakeAnswer
	request := wire.Request{Method: method, Path: path, JSON: body, BasicUser: a.key}
	if card != nil {
		request.Secrets = []string{card.Number.Reveal(), card.CVC.Reveal()}
	}
	r, err := a.client.Do(ctx, request)
	if err == nil && r.Status >= 300 {
		if json.Unmarshal(r.Body, &answer) == nil && r.Status == 402 {
			return answer, r, nil
		}
		err = r.Fault(answer.Code, answer.Message)
	}
	if err == nil && (a.defect != approvesAnything || len(r.Body) > 2) {
		err = r.JSON(&answer)
		if err == nil && answer.Status == "" {
			err = payments.Faultf(payments.Unknown, "no status")
		}
	}
	if err != nil && a.defect == neverSentAlways {
		err = payments.NewFault(payments.NeverSent, err)
	}
	return answer, r, err
}

func (a *fake) Authorize(ctx context.Context, r payments.AuthorizeRequest) (payments.Outcome, error) {
	if a.defect == mixesUp {
		a.last.Store(r.Reference)
	}
	if a.defect == changesReference {
		r.Reference += strconv.FormatInt(a.counter.Add(1), 10)
	}
	amount := json.Number(strconv.FormatInt(r.Amount.Minor, 10))
	if a.defect == wrongExponent {
		amount = json.Number(strconv.FormatInt(r.Amount.Minor/100*100, 10))
	}
	intent, _, err := a.call(ctx, "POST", "/intents", nil, map[string]any{
		"amount": amount, "currency": r.Amount.Currency, "reference": r.Reference, "capture": r.Capture,
	})
	if err != nil {
		if f := payments.AsFault(err); f.Kind == payments.Unknown && a.defect != unknownAlways {
			return payments.Outcome{}, payments.NewFault(payments.NeverSent, f)
		}
		return payments.Outcome{}, err
	}
	refs := payments.ProviderRefs{Session: intent.ID}
	if a.defect != skipsNote {
		if err := r.Note(ctx, refs); err != nil && a.defect != ignoresNote {
			return payments.Outcome{}, payments.NewFault(payments.NeverSent, err)
		}
	}
	return a.confirm(ctx, r, refs)
}

func (a *fake) confirm(ctx context.Context, r payments.AuthorizeRequest, refs payments.ProviderRefs) (payments.Outcome, error) {
	body := map[string]any{"method": r.Source.Method}
	if card := r.Source.Card; card != nil {
		body = map[string]any{"number": card.Number.Reveal(), "cvc": card.CVC.Reveal()}
		if a.defect == leaksInLog {
			a.deps.Logger.Debug("confirming", "cvc", card.CVC.Reveal())
		}
	}
	body["reference"] = r.Reference
	if a.defect == mixesUp {
		body["reference"] = a.last.Load()
	}
	path := "/intents/" + url.PathEscape(refs.Session) + "/confirm"
	answer, response, err := a.call(ctx, "POST", path, r.Source.Card, body)
	if err != nil && a.defect == triesAgain {
		answer, response, err = a.call(ctx, "POST", path, r.Source.Card, body)
	}
	if err != nil {
		if a.defect == leaksInError && r.Source.Card != nil {
			err = payments.NewFault(payments.AsFault(err).Kind, fmt.Errorf("card %s: %w", r.Source.Card.Number.Reveal(), err))
		}
		if a.defect == declinesAnything {
			return payments.Outcome{Status: payments.Declined, Code: payments.CardDeclined}, nil
		}
		return payments.Outcome{}, err
	}
	o := payments.Outcome{Refs: refs, RawCode: response.Redact(answer.Code), RawMessage: response.Redact(answer.Message)}
	if a.defect == leaksInOutcome {
		o.RawMessage = answer.Message
	}
	switch {
	case response.Status == 402:
		codes := map[string]payments.Code{"funds": payments.CardNoMoney, "stolen": payments.CardStolen}
		o.Status, o.Code = payments.Declined, payments.CardDeclined
		if code, ok := codes[answer.Code]; ok {
			o.Code = code
		}
	case answer.Status == "ok", answer.Status == "" && a.defect == approvesAnything:
		o.Status = payments.Approved
	case answer.Status == "action":
		o.Status, o.Action = payments.ActionRequired, &payments.CustomerAction{Type: "redirect", Value: "https://psp.test/3ds"}
	default:
		return payments.Outcome{}, payments.Faultf(payments.Unknown, "status that is not known")
	}
	return o, nil
}

func (a *fake) amend(ctx context.Context, path, reference string, refs payments.ProviderRefs, amount payments.Money) (payments.Outcome, error) {
	answer, _, err := a.call(ctx, "POST", path, nil, map[string]any{
		"intent": refs.Session, "amount": amount.Minor, "reference": reference,
	})
	if err == nil && answer.Status != "ok" && a.defect != approvesAnything {
		err = payments.Faultf(payments.Unknown, "status that is not known")
	}
	if err != nil {
		return payments.Outcome{}, err
	}
	return payments.Outcome{Status: payments.Approved, Refs: payments.ProviderRefs{Operation: answer.ID}}, nil
}

func (a *fake) Capture(ctx context.Context, r payments.CaptureRequest) (payments.Outcome, error) {
	return a.amend(ctx, "/captures", r.Reference, r.Refs, r.Amount)
}

func (a *fake) Refund(ctx context.Context, r payments.RefundRequest) (payments.Outcome, error) {
	return a.amend(ctx, "/refunds", r.Reference, r.Refs, r.Amount)
}

func (a *fake) Lookup(ctx context.Context, r payments.LookupRequest) (payments.Finding, error) {
	answer, _, err := a.call(ctx, "GET", "/intents/"+url.PathEscape(r.Refs.Session), nil, nil)
	switch {
	case err != nil && a.defect == inventsAbsence:
		return payments.Finding{Kind: payments.NotFound}, nil
	case err != nil:
		return payments.Finding{}, err
	case answer.Status == "new":
		return payments.Finding{Kind: payments.Processing}, nil
	case answer.Status != "ok":
		return payments.Finding{}, payments.Faultf(payments.Unknown, "status that is not known")
	case r.Operation.Charges():
		return payments.Finding{Kind: payments.FoundOutcome, Outcome: payments.Outcome{Status: payments.Approved}}, nil
	}
	return payments.Finding{Kind: payments.FoundTotals, Totals: payments.Totals{
		Authorized: answer.Captured, Captured: answer.Captured, Refunded: answer.Refunded,
	}}, nil
}

func (a *fake) Abandon(ctx context.Context, r payments.AbandonRequest) (payments.Fence, error) {
	_, response, err := a.call(ctx, "DELETE", "/intents/"+url.PathEscape(r.Refs.Session), nil, nil)
	switch {
	case response != nil && response.Status == 409:
		return payments.FenceBroken, nil
	case err != nil:
		return "", err
	}
	return payments.Fenced, nil
}
