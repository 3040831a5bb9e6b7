package adaptertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/adapters"
	"switchyard/payments"
)

// webhookPrefix begins the names of fixtures that are a Webhook, not a Case.
const webhookPrefix = "webhook-"

// Webhook is one fixture file whose name begins with "webhook-": a delivery of the PSP, as it came, and what it is about. It is
// signed with the secret in config.yaml. From every good one the suite makes forgeries of its own, so that fixtures of forged
// deliveries are needed only for what it cannot think of.
//
// There are three kinds of PSP. Most sign the body. Of those that send a fixed secret in a header, the fixture says
// body_unsigned. Those that prove nothing have no headers: the adapter asks the PSP, and the fixture has the exchange.
type Webhook struct {
	Name string `json:"-"`
	Doc  string `json:"doc"` // what is special, for people
	// Headers are those that prove the delivery, each of them needed. The usual others are added.
	Headers      map[string]string `json:"headers"`
	Body         json.RawMessage   `json:"body"` // delivered without white space, as PSPs send JSON
	Text         string            `json:"text"` // the body as it is, when it is not JSON or its white space is signed
	BodyUnsigned bool              `json:"body_unsigned"`
	Exchanges    []Exchange        `json:"exchanges"`
	Want         WebhookWant       `json:"want"`
}

// WebhookWant is what the adapter must make of a delivery: a notice with exactly these fields, unless Forged or Fault is
// given.
type WebhookWant struct {
	EventID   string                `json:"event_id"`
	Type      string                `json:"type"`
	Reference string                `json:"reference"`
	Refs      payments.ProviderRefs `json:"refs"`

	Forged bool               `json:"forged"`
	Fault  payments.FaultKind `json:"fault"`
}

func (w *WebhookWant) notice() payments.Notice {
	return payments.Notice{EventID: w.EventID, Type: w.Type, Reference: w.Reference, Refs: w.Refs}
}

func (w *Webhook) good() bool { return !w.Want.Forged && w.Want.Fault == "" }

// asks says that the delivery proves nothing by itself.
func (w *Webhook) asks() bool { return len(w.Headers) == 0 }

// valid prepares the body and says what is wrong with the fixture.
func (w *Webhook) valid() error {
	if len(w.Body) > 0 {
		var compact bytes.Buffer
		if err := json.Compact(&compact, w.Body); err != nil {
			return err
		}
		w.Text = compact.String()
	}
	for name, value := range w.Headers {
		if value == "" {
			return fmt.Errorf("the header %s proves nothing", name)
		}
	}
	for i, e := range w.Exchanges {
		if e.Method == "" || e.Path == "" || e.Status == 0 {
			return fmt.Errorf("exchange %d needs method, path and status", i)
		}
	}
	if w.good() && w.asks() && len(w.Exchanges) == 0 {
		return errors.New("nothing proves this delivery: neither a header nor an exchange")
	}
	return nil
}

// delivery is the webhook as it came in.
func (w *Webhook) delivery() payments.WebhookDelivery {
	header := map[string][]string{
		"Content-Type": {"application/json"}, "User-Agent": {"PSP/1.0"}, "Accept": {"*/*"},
	}
	for name, value := range w.Headers {
		header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	return payments.WebhookDelivery{Header: header, Body: []byte(w.Text), ReceivedAt: now()}
}

// reception is what an adapter made of a delivery.
type reception struct {
	notice   payments.Notice
	err      error
	panicked any
}

// receive gives a delivery to the adapter.
func (o *opened) receive(ctx context.Context, w Webhook, d payments.WebhookDelivery, injected map[int]answer) (r reception, s *script) {
	s = &script{exchanges: w.Exchanges, injected: injected}
	parser, ok := o.Adapter.(adapters.WebhookParser)
	if !ok {
		return reception{err: errors.New("the adapter takes no webhooks, and a fixture says that it does")}, s
	}
	defer func() { r.panicked = recover() }()
	r.notice, r.err = parser.ParseWebhook(s.with(ctx), d)
	return r, s
}

// sound returns what no reception may be, whatever was delivered.
func (r reception) sound() []error {
	_, fault := errors.AsType[*payments.Fault](r.err)
	switch {
	case r.panicked != nil:
		return []error{fmt.Errorf("panic: %v", r.panicked)}
	case r.err != nil && r.notice != (payments.Notice{}):
		return []error{errors.New("both a notice and an error")}
	case r.err != nil && !fault && !errors.Is(r.err, payments.ErrForged):
		return []error{fmt.Errorf("the error is neither payments.ErrForged nor a fault: %w", r.err)}
	}
	return nil
}

// is returns what is wrong with the reception of the fixture's own delivery.
func (r reception) is(want WebhookWant) []error {
	errs := r.sound()
	switch {
	case len(errs) > 0:
	case want.Forged:
		errs = r.isForged()
	case want.Fault != "" && (r.err == nil || errors.Is(r.err, payments.ErrForged)):
		errs = []error{fmt.Errorf("the answer is %+v, %w; want a fault of kind %s", r.notice, errOrNone(r.err), want.Fault)}
	case want.Fault != "":
		errs = (&Want{Fault: want.Fault}).compareFault(r.err)
	case r.err != nil:
		errs = []error{fmt.Errorf("error %w, want a notice", r.err)}
	default:
		if diff := cmp.Diff(want.notice(), r.notice); diff != "" {
			errs = []error{fmt.Errorf("notice (-want +got):\n%s", diff)}
		}
	}
	return errs
}

// isForged returns what is wrong with the reception of a forged delivery.
func (r reception) isForged() []error {
	errs := r.sound()
	if len(errs) == 0 && !errors.Is(r.err, payments.ErrForged) {
		errs = append(errs, fmt.Errorf("the answer is %+v, %w; want payments.ErrForged", r.notice, errOrNone(r.err)))
	}
	return errs
}

var errNone = errors.New("no error")

func errOrNone(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

// webhookChecks lists the questions about webhooks.
func (b *bench) webhookChecks() []check {
	list := []check{{"webhooks/coverage", b.checkWebhookCoverage}}
	for _, w := range b.webhooks {
		list = append(list, check{"webhooks/" + w.Name, func() []error { return b.checkWebhook(w) }})
		if !w.good() {
			continue
		}
		list = append(list,
			check{"webhooks/" + w.Name + "/replayed", func() []error { return b.checkReplay(w) }},
			check{"webhooks/" + w.Name + "/forged", func() []error { return b.checkForged(w) }},
			check{"webhooks/" + w.Name + "/malformed", func() []error { return b.checkMalformed(w) }},
		)
		if w.asks() {
			list = append(list, check{"webhooks/" + w.Name + "/unanswered", func() []error { return b.checkUnanswered(w) }})
		} else {
			list = append(list, check{"webhooks/" + w.Name + "/secrets", func() []error { return b.checkWebhookSecrets(w) }})
		}
	}
	return list
}

// checkWebhookCoverage asks for the fixtures that an adapter needs which takes webhooks.
func (b *bench) checkWebhookCoverage() []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	if _, ok := o.Adapter.(adapters.WebhookParser); !ok {
		if len(b.webhooks) > 0 {
			return []error{errors.New("there are fixtures of webhooks, and the adapter takes none")}
		}
		return nil
	}
	has := func(is func(Webhook) bool) bool { return slices.ContainsFunc(b.webhooks, is) }
	var errs []error
	if !has(func(w Webhook) bool { return w.good() && w.Want.Refs != (payments.ProviderRefs{}) }) {
		errs = append(errs, errors.New("a fixture is missing: a good webhook that names a payment (want.refs)"))
	}
	unsigned := has(func(w Webhook) bool { return w.good() && w.asks() })
	if unsigned && !has(func(w Webhook) bool { return w.Want.Forged && len(w.Exchanges) > 0 }) {
		errs = append(errs, errors.New("a fixture is missing: a webhook that the PSP, when asked, knows nothing of (want.forged)"))
	}
	return errs
}

// checkWebhook delivers a webhook and compares what is made of it.
func (b *bench) checkWebhook(w Webhook) []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	d := w.delivery()
	r, s := o.receive(context.Background(), w, d, nil)
	errs := append(s.unfinished(true), s.missing()...)
	errs = append(errs, r.is(w.Want)...)
	return append(errs, o.gossip(w, d, r)...)
}

// checkReplay delivers a webhook again: at once, hours later as PSPs do, under another content type, to another instance and
// many times at the same time. It is about the same each time, and is left as it was.
func (b *bench) checkReplay(w Webhook) []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	var errs []error
	try := func(place string, edit func(*payments.WebhookDelivery)) {
		d := w.delivery()
		if edit != nil {
			edit(&d)
		}
		before := payments.WebhookDelivery{Header: maps.Clone(d.Header), Body: bytes.Clone(d.Body), ReceivedAt: d.ReceivedAt}
		r, _ := o.receive(context.Background(), w, d, nil)
		found := r.is(w.Want)
		if !cmp.Equal(before, d) {
			found = append(found, errors.New("the delivery was changed"))
		}
		errs = append(errs, prefix(place, found)...)
	}
	try("first", nil)
	try("again", nil)
	try("hours later", func(d *payments.WebhookDelivery) { d.ReceivedAt = d.ReceivedAt.Add(retriedFor) })
	try("without a content type", func(d *payments.WebhookDelivery) { delete(d.Header, "Content-Type") })
	for _, kind := range []string{"text/plain", "application/json; charset=utf-8", "application/x-www-form-urlencoded", ";"} {
		try("as "+kind, func(d *payments.WebhookDelivery) { d.Header["Content-Type"] = []string{kind} })
	}
	if o, err = b.open(); err != nil {
		return []error{err}
	}
	try("elsewhere", nil)

	receptions := make([]reception, parallel)
	var wg sync.WaitGroup
	for i := range receptions {
		wg.Go(func() { receptions[i], _ = o.receive(context.Background(), w, w.delivery(), nil) })
	}
	wg.Wait()
	for _, r := range receptions {
		errs = append(errs, prefix("among many", r.is(w.Want))...)
	}
	return errs
}

// retriedFor is how long after the first try a PSP may still repeat a delivery, signed as it was at first.
const retriedFor = 72 * time.Hour

// checkUnanswered delivers a webhook that proves nothing while the PSP cannot be asked: that is a fault, since the delivery
// may be good.
func (b *bench) checkUnanswered(w Webhook) []error {
	var errs []error
	for i, e := range w.Exchanges {
		for _, f := range faults() {
			o, err := b.open()
			if err != nil {
				return []error{err}
			}
			d := w.delivery()
			r, s := o.receive(context.Background(), w, d, map[int]answer{i: f.make(e)})
			found := append(s.unfinished(false), r.sound()...)
			found = append(found, faultAt(f, false, result{err: r.err})...)
			found = append(found, o.gossip(w, d, r)...)
			if made := len(s.made()); made != i+1 {
				found = append(found, fmt.Errorf("%d calls were made, the last should have been number %d", made, i+1))
			}
			errs = append(errs, prefix(fmt.Sprintf("%s at call %d (%s %s)", f.name, i+1, e.Method, e.Path), found)...)
		}
		o, err := b.open()
		if err != nil {
			return []error{err}
		}
		for name, echo := range o.echoes(Case{Request: Request{NoCVC: true}}) {
			d := w.delivery()
			r, _ := o.receive(context.Background(), w, d, map[int]answer{i: echo})
			errs = append(errs, prefix(name, append(r.sound(), o.gossip(w, d, r)...))...)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	r, s := o.receive(ended, w, w.delivery(), nil)
	found := faultAt(fault{kind: payments.NeverSent}, false, result{err: r.err})
	if made := len(s.made()); made > 0 {
		found = append(found, fmt.Errorf("%d calls were made", made))
	}
	return append(errs, prefix("cancelled before", found)...)
}

// gossip returns what the reception of a delivery has let out: a secret, or what proves a delivery.
func (o *opened) gossip(w Webhook, d payments.WebhookDelivery, r reception) []error {
	errs := prefix("webhook", o.leaks(Case{Request: Request{NoCVC: true}}, result{err: r.err}))
	told := fmt.Sprintf("%v %+v %#v", r.err, r.err, r.err)
	noted := fmt.Sprintf("%+v %#v", r.notice, r.notice)
	for i, secret := range o.secrets {
		if strings.Contains(noted, secret) {
			errs = append(errs, fmt.Errorf("the notice shows secret %d of the configuration", i+1))
		}
	}
	for _, proof := range proofs(w, d) {
		if strings.Contains(told, proof) || strings.Contains(noted, proof) || strings.Contains(o.log.String(), proof) {
			errs = append(errs, errors.New("the error, the notice or the log repeats what proves a delivery"))
		}
	}
	return errs
}

// leastProof is how long a part of a header must be to prove anything.
const leastProof = 16

// proofs are the signatures and tokens of a delivery and of the good one that it was made from.
func proofs(w Webhook, d payments.WebhookDelivery) []string {
	values := slices.Collect(maps.Values(w.Headers))
	for name := range w.Headers {
		values = append(values, d.Header[http.CanonicalHeaderKey(name)]...)
	}
	var list []string
	for _, value := range values {
		for _, part := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(",;= ", r) }) {
			if len(part) >= leastProof {
				list = append(list, part)
			}
		}
	}
	return list
}
