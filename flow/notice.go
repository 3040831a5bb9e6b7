package flow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// noticePatience is how long a notice about a call that still runs is put off, a few seconds at a time: that call's own
// answer comes first.
const noticePatience = 2 * time.Minute

// Receive takes a PSP's webhook: it verifies it, stores it, and leaves the rest to background work, so that the PSP is
// acknowledged at once. A repeat is acknowledged and changes nothing. The error is payments.ErrForged for what is not the
// PSP's, a *payments.Error for an address that takes no webhooks, and anything else when the PSP should try again later.
func (e *Engine) Receive(ctx context.Context, gatewayID string, d payments.WebhookDelivery) error {
	gateway, ok := e.gateways[gatewayID]
	parser, can := gateway.Adapter.(adapters.WebhookParser)
	if !ok || !can {
		return payments.NewError(payments.CodeGatewayConfigurationNotFound, "No webhooks are taken at this address.")
	}
	notice, err := parser.ParseWebhook(ctx, d)
	if err != nil {
		e.log.WarnContext(ctx, "a webhook was turned away", "gateway_configuration", gatewayID, "psp", gateway.PSP, "error", err)
		return err
	}
	w := payments.InboundWebhook{
		ID: payments.NewID(payments.PrefixInbound), GatewayConfigurationID: gatewayID, PSP: gateway.PSP, EventKey: eventKey(notice, d.Body), Version: 1,
		State: payments.InboundReceived, Notice: notice, Body: withoutSecrets(d.Body), ReceivedAt: d.ReceivedAt,
	}
	named, err := e.named(ctx, w)
	if err != nil {
		return err
	}
	var change payments.Change
	if slices.ContainsFunc(named, worthAsking) {
		change.Jobs = []payments.Job{noticeJob(w, e.now())}
	} else { // the usual case: the PSP confirms what its answer has told already
		w.State, w.Result, w.AppliedAt = payments.InboundIgnored, ignoredBecause(named), e.now()
	}
	change.Inbound = []payments.InboundWebhook{w}
	err = e.ledger.Apply(ctx, change)
	if errors.Is(err, payments.ErrDuplicate) {
		e.log.InfoContext(ctx, "a webhook came again", "gateway_configuration", gatewayID, "psp", gateway.PSP, "event", notice.EventID, "type", notice.Type)
		return nil
	}
	if err != nil {
		return err
	}
	e.log.InfoContext(ctx, "webhook", "gateway_configuration", gatewayID, "psp", gateway.PSP, "inbound", w.ID, "event", notice.EventID, "type", notice.Type, "reference", notice.Reference)
	e.wake()
	return nil
}

// worthAsking says that a webhook about the attempt may tell of something new: it is open, or it may be late.
func worthAsking(a payments.Attempt) bool { return a.State.Open() || lateNews(&a) }

// lateNews says that a webhook about an attempt that ended as not done may tell that it was done after all: the PSP knows of
// what it never answered, or of what was paid on its page. A webhook about a plain decline confirms the PSP's own answer.
func lateNews(a *payments.Attempt) bool {
	return mayBeLate(a) && (a.State == payments.AttemptFailed || a.OnPage())
}

var (
	// links are the addresses in a webhook: of each, what follows the host. Some open a payer's page with saved cards on it.
	links = regexp.MustCompile(`(https?:(?:\\?/){2}[^/?#\s"'<>\\]+)(?:[/?#]|\\/)(?:[^\s"'<>\\]|\\/)*`)
	// secretFields are the texts in a webhook that its sender names as secrets: Pivot's sessions bring the key and the card that
	// was encrypted with it.
	secretFields = regexp.MustCompile(`(?i)("[a-z0-9_\-]*(?:secret|encrypt|client_?key)[a-z0-9_\-]*"|"token")\s*:\s*"(?:[^"\\]|\\.)*"`)
)

// withoutSecrets is a webhook's body as it is stored. It is there for operators to read: what is done about a webhook is decided
// by its notice.
func withoutSecrets(body []byte) []byte {
	return secretFields.ReplaceAll(links.ReplaceAll(body, []byte("${1}/***")), []byte(`${1}:"***"`))
}

// eventKey tells repeats apart: by the PSP's own event id, else by the content.
func eventKey(n payments.Notice, body []byte) string {
	if n.EventID != "" {
		return n.EventID
	}
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// noticeJob is the work of looking at a stored webhook.
func noticeJob(w payments.InboundWebhook, now time.Time) payments.Job {
	return payments.Job{Key: "notice:" + w.ID, Kind: payments.JobNotice, SubjectID: w.ID, RunAt: now, CreatedAt: now}
}

// Replay looks at a stored webhook again.
func (e *Engine) Replay(ctx context.Context, id string) error {
	w, err := e.ledger.InboundWebhook(ctx, id)
	if err != nil {
		return err
	}
	if err := e.ledger.Apply(ctx, payments.Change{Jobs: []payments.Job{noticeJob(w, e.now())}}); err != nil {
		return err
	}
	e.wake()
	return nil
}

// applyNotice acts on a stored webhook: the attempts that it names and that are open take its references, and the PSP is
// asked about them now. What the webhook claims decides nothing.
func (e *Engine) applyNotice(ctx context.Context, j payments.Job) error {
	w, err := e.ledger.InboundWebhook(ctx, j.SubjectID)
	if errors.Is(err, payments.ErrNotFound) {
		return e.drop(ctx, j)
	}
	if err != nil {
		return err
	}
	named, err := e.named(ctx, w)
	if err != nil {
		return err
	}
	change := payments.Change{DoneJobs: held(j)}
	now, asked := e.now(), 0
	for _, a := range named {
		switch {
		case lateNews(&a):
			again := recheckJob(&a, 0, now)
			again.RunAt = now
			change.Jobs = append(change.Jobs, again)
			asked++
			continue
		case !a.State.Open():
			continue
		case a.State == payments.AttemptSent && now.Sub(a.SentAt) < e.gateways[a.GatewayConfigurationID].Timeout+leaseGrace && now.Sub(w.ReceivedAt) < noticePatience:
			return e.postpone(ctx, j, questionInterval) // the call itself is about to tell
		}
		asked++
		if merged := learned(&a, w.Notice); merged != a.Refs {
			a.Refs = merged
			a.Version++
			change.Attempts = append(change.Attempts, a)
		}
		change.Jobs = append(change.Jobs, askJob(&a, now, now))
	}
	w.State, w.Result, w.AppliedAt = payments.InboundApplied, fmt.Sprintf("asked %s about %d attempts", w.PSP, asked), now
	if asked == 0 {
		w.State, w.Result = payments.InboundIgnored, ignoredBecause(named)
	}
	w.Version++
	change.Inbound = []payments.InboundWebhook{w}
	if err := e.ledger.Apply(ctx, change); err != nil {
		return err // a conflict too: the job is tried again with what is stored then
	}
	e.wake()
	return nil
}

// named reads the attempts that a webhook may be about.
func (e *Engine) named(ctx context.Context, w payments.InboundWebhook) ([]payments.Attempt, error) {
	return e.ledger.AttemptsNamed(ctx, w.GatewayConfigurationID, plainReference(w.Notice.Reference), w.Notice.Refs.Session)
}

func ignoredBecause(named []payments.Attempt) string {
	if len(named) > 0 {
		return "what it names is settled already"
	}
	return "names no attempt of this gateway configuration"
}

// plainReference undoes what a PSP may add to our reference: Xendit's sessions append a suffix after an underscore.
func plainReference(reference string) string {
	plain, _, _ := strings.Cut(reference, "_")
	return plain
}

// learned is what an attempt knows of the PSP's names after the notice: a charge learns its session and payment; an operation
// on a charge knows them already.
func learned(a *payments.Attempt, n payments.Notice) payments.ProviderRefs {
	if !a.Operation.Charges() {
		return a.Refs
	}
	news := payments.ProviderRefs{Session: n.Refs.Session, Charge: n.Refs.Charge}
	if a.Operation == payments.OpVerify && a.Refs.Customer == "" {
		news.Customer = n.Refs.Customer // a session of a customer's cannot be asked about without the customer
	}
	if a.Refs.Session != "" && n.Refs.Session != "" && a.Refs.Session != n.Refs.Session {
		return a.Refs // of another session: our reference was reused or guessed
	}
	return a.Refs.Merge(news)
}
