package simulation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"switchyard/payments"
)

// fate is what happens to one request on its way.
type fate struct {
	what    string // empty: nothing unusual
	refusal error  // it never gets there, or is turned away
	lost    bool   // it never gets there, and nobody knows
	unheard bool   // it gets there, and its answer is lost
	there   time.Duration
	back    time.Duration
}

// fateOf is drawn for every request. Nothing goes wrong once the world is calm. It keeps the PSP's promise: a request acts and
// shows within it, or never, unless the PSP is one that lies.
func (b *bank) fateOf(d dice, op payments.Operation, ref string) fate {
	f := fate{there: d.between(10*time.Millisecond, 300*time.Millisecond), back: d.between(10*time.Millisecond, 300*time.Millisecond)}
	if b.storm && b.w.now() > 5*time.Minute && b.w.now() < stormEnds {
		f.what, f.lost, f.there = "nothing comes through", true, callTimeout
		return f
	}
	if b.w.calm() || !d.chance(b.weather) {
		return f
	}
	switch d.weigh(2, 1, 0.5, 3, 3, 3, 2, 2, 1, 2) {
	case 0:
		f.what, f.refusal = "connection refused", payments.Faultf(payments.NeverSent, "refused")
	case 1:
		throttled := payments.Faultf(payments.Throttled, "429")
		throttled.RetryAfter = time.Duration(d.IntN(5)) * time.Second
		f.what, f.refusal = "throttled", throttled
	case 2:
		f.what, f.refusal = "credentials refused", payments.Faultf(payments.Misconfigured, "401")
	case 3:
		f.what, f.lost, f.there = "request lost", true, callTimeout
	case 4:
		f.what, f.unheard, f.back = "answer lost", true, callTimeout
	case 5:
		f.what, f.there = "request delayed", b.delay(d, op, ref)
	case 6:
		f.what, f.lost = "server error before acting", true
	case 7:
		f.what, f.unheard = "server error after acting", true
	case 8:
		f.what, f.unheard = "connection reset after acting", true
	case 9:
		f.what, f.there = "slow", d.between(time.Second, 4*time.Second)
	}
	return f
}

// stormEnds is when a PSP that was unreachable for days is back.
const stormEnds = 90 * time.Hour

// delay is how late a request arrives that the client has given up.
func (b *bank) delay(d dice, op payments.Operation, ref string) time.Duration {
	recovery := b.kind.caps.Recovery[op]
	longest := 10 * time.Minute
	if recovery.AbsenceAfter > 0 {
		longest = recovery.AbsenceAfter - slowest - time.Second
		if b.liar && d.chance(0.5) {
			longest = 20 * time.Minute
		}
	}
	late := d.between(callTimeout, longest)
	if recovery.AbsenceAfter > 0 && late > recovery.AbsenceAfter-slowest-time.Second {
		b.w.mu.Lock()
		b.lies[ref] = true
		b.w.mu.Unlock()
		b.w.count("fault: a request that acts after the promised time")
	}
	return late
}

// notify sends webhooks about a charge: never, once, twice, late, out of order. It is called with the world's mu held.
func (b *bank) notify(c *charge, what string) {
	if !b.kind.webhooks {
		return
	}
	w := b.w
	d := newDice(w.seed, "hook", b.id, c.label, what, fmt.Sprint(len(c.history)))
	copies := d.weigh(1, 5, 2, 1)
	if w.calm() {
		copies = max(1, copies)
	}
	body := strings.Join([]string{signature, "evt-" + c.label + "-" + what + fmt.Sprint(len(c.history)), pick(d, "paid", "failed", what), c.ref, c.session, c.id}, "|")
	for n := range copies {
		wait := d.between(50*time.Millisecond, 3*time.Second)
		if d.chance(0.2) {
			wait = d.between(3*time.Second, 30*time.Minute)
			w.counts["fault: webhook late"]++
		}
		sender := newDice(w.seed, "sender", c.label, what, fmt.Sprint(wait, n))
		time.AfterFunc(wait, func() { b.deliver(sender, body) })
	}
	if copies != 1 {
		w.counts["fault: webhook lost or repeated"]++
	}
	if d.chance(0.05) {
		w.counts["fault: webhook forged"]++
		forged := newDice(w.seed, "forger", c.label, what)
		time.AfterFunc(d.between(0, time.Minute), func() { b.deliver(forged, "forged"+body[len(signature):]) })
	}
}

// signature is what a simulated PSP signs its webhooks with.
const signature = "signed"

// deliver tries to get a webhook to the program, a few times.
func (b *bank) deliver(d dice, body string) {
	for range 4 {
		b.w.mu.Lock()
		over := b.w.over
		b.w.mu.Unlock()
		if over {
			return
		}
		p := b.w.anyLive(d)
		if p != nil {
			err := p.engine.Receive(context.Background(), b.id, payments.WebhookDelivery{Body: []byte(body), ReceivedAt: time.Now()})
			forged := !strings.HasPrefix(body, signature)
			if forged && err == nil {
				b.w.mu.Lock()
				b.w.violate("forged webhooks are turned away", "", "%s was taken", body)
				b.w.mu.Unlock()
			}
			if err == nil && !p.dead.Load() || forged {
				return
			}
		}
		time.Sleep(d.between(5*time.Second, time.Minute))
	}
}

func parseNotice(d payments.WebhookDelivery) (payments.Notice, error) {
	parts := strings.Split(string(d.Body), "|")
	if len(parts) != 6 || parts[0] != signature {
		return payments.Notice{}, payments.ErrForged
	}
	return payments.Notice{EventID: parts[1], Type: parts[2], Reference: parts[3], Refs: payments.ProviderRefs{Session: parts[4], Charge: parts[5]}}, nil
}
