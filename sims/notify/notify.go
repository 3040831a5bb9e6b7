// Package notify sends the simulated PSPs' webhooks, and loses, repeats, delays, swaps and forges them when told to.
package notify

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"switchyard/sims/fault"
	"switchyard/sims/later"
	"switchyard/sims/psp"
)

const (
	workers         = 4
	maxQueued       = 4096
	deliveryTimeout = 10 * time.Second
	// swapDelay is how long an event that is out of order comes after the one that overtakes it.
	swapDelay = 200 * time.Millisecond
	// maxHold is how long an event waits to be overtaken before it goes out all the same.
	maxHold = 2 * time.Second
	// maxAnswerBytes is as much of an answer as is read, so that the connection can be used again.
	maxAnswerBytes = 64 << 10
)

// backoff returns the pauses between the tries. The PSPs' own last hours; a test has seconds.
func backoff() []time.Duration {
	return []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
}

// Signer makes the headers that prove a webhook.
type Signer func(secret string, body []byte, at time.Time) http.Header

// Outbox sends webhooks in the background. It is safe for concurrent use.
type Outbox struct {
	faults *fault.Table
	random *psp.Random
	later  *later.Queue
	log    *slog.Logger
	client *http.Client
	jobs   chan job
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	targets map[string]target
	held    map[string]job
	era     int // what was sent in an earlier one is not wanted any more
}

type target struct {
	url, secret string
	sign        Signer
}

type job struct {
	psp   string
	body  []byte
	to    target
	era   int
	tries int
	// forged events are sent once; an unsigned one has no proof at all.
	forged, unsigned bool
}

// New starts an outbox. Waiting events and repeats wait in queue.
func New(faults *fault.Table, random *psp.Random, queue *later.Queue, log *slog.Logger) *Outbox {
	ctx, stop := context.WithCancel(context.Background())
	o := &Outbox{
		faults: faults, random: random, later: queue, log: log, stop: stop,
		jobs:    make(chan job, maxQueued),
		targets: map[string]target{},
		held:    map[string]job{},
		client: &http.Client{
			Timeout:       deliveryTimeout,
			Transport:     &http.Transport{MaxIdleConnsPerHost: workers, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	for range workers {
		o.done.Go(func() { o.work(ctx) })
	}
	return o
}

// Register has a PSP's events sent to an address; an empty one ends it. The error says what is wrong with it.
func (o *Outbox) Register(name, address, secret string, sign Signer) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if address == "" {
		delete(o.targets, name)
		return nil
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return fmt.Errorf("url %q is not an http or https address", address)
	}
	o.targets[name] = target{address, secret, sign}
	return nil
}

// Targets returns the address registered for each PSP.
func (o *Outbox) Targets() map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := map[string]string{}
	for name, to := range o.targets {
		out[name] = to.url
	}
	return out
}

// Send sends a PSP's notice, if an address is registered for it.
func (o *Outbox) Send(name string, n psp.Notice) {
	o.mu.Lock()
	to, known := o.targets[name]
	era := o.era
	o.mu.Unlock()
	if !known {
		return
	}
	j := job{psp: name, body: n.Body, to: to, era: era}
	if n.After > 0 {
		o.later.After(n.After, func() { o.dispatch(j, n.Forged) })
		return
	}
	o.dispatch(j, n.Forged)
}

// dispatch lets a fault have its way with the event.
func (o *Outbox) dispatch(j job, forgery func() []byte) {
	f, faulty := o.faults.Pick(j.psp, psp.Webhook)
	if !faulty {
		o.enqueue(j)
		return
	}
	switch f.Kind {
	case fault.Lost:
		// Lost on the way: the PSP has seen no 2xx, so it tries again, and that one may be lost too.
		o.again(j, "lost", func(next job) { o.dispatch(next, forgery) })
	case fault.Duplicate:
		o.enqueue(j)
		o.enqueue(j)
	case fault.Late:
		o.later.After(f.Delay(), func() { o.enqueue(j) })
	case fault.OutOfOrder:
		o.hold(j)
	case fault.Forged:
		j.body, j.forged = forgery(), true
		j.unsigned = o.random.Chance(0.5)
		j.to.secret = "not-the-secret-" + o.random.Alphanumeric(16)
		o.enqueue(j)
	default:
		o.enqueue(j)
	}
}

// hold keeps an event until the PSP's next one has gone out.
func (o *Outbox) hold(j job) {
	o.mu.Lock()
	_, waiting := o.held[j.psp]
	if !waiting {
		o.held[j.psp] = j
	}
	o.mu.Unlock()
	if waiting {
		o.enqueue(j) // overtakes the one that waits
		return
	}
	o.later.After(maxHold, func() { o.release(j.psp, 0) })
}

func (o *Outbox) release(name string, after time.Duration) {
	o.mu.Lock()
	j, waiting := o.held[name]
	delete(o.held, name)
	o.mu.Unlock()
	if waiting {
		o.later.After(after, func() { o.push(j) })
	}
}

// enqueue sends an event now; one that is held for it follows.
func (o *Outbox) enqueue(j job) {
	o.push(j)
	o.release(j.psp, swapDelay)
}

func (o *Outbox) push(j job) {
	select {
	case o.jobs <- j:
	default:
		o.log.Warn("webhook dropped: too many wait", "psp", j.psp)
	}
}

func (o *Outbox) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-o.jobs:
			if !o.wanted(j) {
				continue
			}
			if err := o.deliver(ctx, j); err != nil {
				o.retry(j, err)
			}
		}
	}
}

func (o *Outbox) wanted(j job) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return j.era == o.era
}

func (o *Outbox) deliver(ctx context.Context, j job) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, j.to.url, bytes.NewReader(j.body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if !j.unsigned {
		maps.Copy(r.Header, j.to.sign(j.to.secret, j.body, time.Now()))
	}
	answer, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read only to be drained
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswerBytes)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("answered %d", answer.StatusCode)
	}
	return nil
}

func (o *Outbox) retry(j job, cause error) {
	o.again(j, cause.Error(), o.push)
}

// again sends an event that did not arrive once more after the next pause, until there is none left.
func (o *Outbox) again(j job, cause string, send func(job)) {
	pauses := backoff()
	if j.tries >= len(pauses) || j.forged || !o.wanted(j) {
		o.log.Debug("webhook given up", "psp", j.psp, "error", cause)
		return
	}
	pause := pauses[j.tries]
	j.tries++
	o.later.After(pause, func() { send(j) })
}

// Reset drops every event that has not been sent. The addresses stay: they are set up once, when the gateway starts.
func (o *Outbox) Reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.era++
	clear(o.held)
}

// Stop ends the outbox and waits for it.
func (o *Outbox) Stop() {
	o.stop()
	o.done.Wait()
	o.client.CloseIdleConnections()
}
