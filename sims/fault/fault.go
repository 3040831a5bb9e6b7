// Package fault makes a simulated PSP misbehave: a table of what is to go wrong, and how each fault is carried out
// on a request.
package fault

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"switchyard/sims/psp"
)

// Kind is the way in which something goes wrong.
type Kind string

// Faults by which nothing is processed.
const (
	Refuse          Kind = "refuse"
	Reset           Kind = "reset"
	Timeout         Kind = "timeout"
	Error500        Kind = "error_500"
	Error503        Kind = "error_503"
	Throttle429     Kind = "throttle_429"
	Unauthorized401 Kind = "unauthorized_401"
	DeclineSoft     Kind = "decline_soft"
	DeclineHard     Kind = "decline_hard"
)

// Faults by which money moves and the answer is bad.
const (
	ChargeThenTimeout Kind = "charge_then_timeout"
	ChargeThen500     Kind = "charge_then_500"
	ChargeThenReset   Kind = "charge_then_reset"
	CutBody           Kind = "cut_body"
	HTML200           Kind = "html_200"
)

// Faults of time.
const (
	Slow           Kind = "slow"
	ChargeLate     Kind = "charge_late"
	SlowVisibility Kind = "slow_visibility"
)

// Faults of webhooks.
const (
	Lost       Kind = "lost"
	Duplicate  Kind = "duplicate"
	Late       Kind = "late"
	OutOfOrder Kind = "out_of_order"
	Forged     Kind = "forged"
)

// webhookPrefix may stand before a webhook fault's name.
const webhookPrefix = "webhook_"

// Any stands for every PSP or every operation.
const Any = "*"

// maxDelay is the longest delay that may be asked for.
const maxDelay = time.Hour

func callKinds() []Kind {
	return []Kind{
		Refuse, Reset, Timeout, Error500, Error503, Throttle429, Unauthorized401, DeclineSoft, DeclineHard,
		ChargeThenTimeout, ChargeThen500, ChargeThenReset, CutBody, HTML200, Slow, ChargeLate, SlowVisibility,
	}
}

func webhookKinds() []Kind { return []Kind{Lost, Duplicate, Late, OutOfOrder, Forged} }

// Fault is one thing that is to go wrong.
type Fault struct {
	PSP       string  `json:"psp"`
	Operation string  `json:"operation"`
	Kind      Kind    `json:"fault"`
	Rate      float64 `json:"rate"`
	// Count is how many times are left; nil is without end.
	Count   *int  `json:"count,omitempty"`
	DelayMS int64 `json:"delay_ms"`
}

// Delay is the fault's delay.
func (f Fault) Delay() time.Duration { return time.Duration(f.DelayMS) * time.Millisecond }

// Parse reads a fault from JSON. Its error says to a human what is wrong with it. psps are the names of the PSPs.
func Parse(body []byte, psps []string) (Fault, error) {
	var in struct {
		PSP       string   `json:"psp"`
		Operation string   `json:"operation"`
		Kind      Kind     `json:"fault"`
		Rate      *float64 `json:"rate"`
		Count     *int     `json:"count"`
		DelayMS   int64    `json:"delay_ms"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Fault{}, fmt.Errorf("a fault is a JSON object {psp, operation, fault, rate, count, delay_ms}: %w", err)
	}
	f := Fault{PSP: in.PSP, Operation: in.Operation, Kind: in.Kind, Rate: 1, Count: in.Count, DelayMS: in.DelayMS}
	if in.Rate != nil {
		f.Rate = *in.Rate
	}
	if trimmed := Kind(strings.TrimPrefix(string(f.Kind), webhookPrefix)); slices.Contains(webhookKinds(), trimmed) {
		f.Kind = trimmed
	}
	return f, f.check(psps)
}

func (f Fault) check(psps []string) error {
	webhook := slices.Contains(webhookKinds(), f.Kind)
	switch {
	case f.PSP != Any && !slices.Contains(psps, f.PSP):
		return fmt.Errorf("psp %q is not one of *, %s", f.PSP, strings.Join(psps, ", "))
	case f.Operation != Any && !slices.Contains(psp.Operations(), psp.Operation(f.Operation)):
		return fmt.Errorf("operation %q is not one of *, %s", f.Operation, join(psp.Operations()))
	case !webhook && !slices.Contains(callKinds(), f.Kind):
		return fmt.Errorf("fault %q is not one of %s, %s", f.Kind, join(callKinds()), join(webhookKinds()))
	case webhook && f.Operation != Any && f.Operation != string(psp.Webhook):
		return fmt.Errorf("fault %q is one of webhooks and takes the operation webhook, not %q", f.Kind, f.Operation)
	case !webhook && f.Operation == string(psp.Webhook):
		return fmt.Errorf("fault %q is one of calls: webhooks take %s", f.Kind, join(webhookKinds()))
	case f.Rate < 0 || f.Rate > 1:
		return fmt.Errorf("rate %v is not between 0 and 1", f.Rate)
	case f.Count != nil && *f.Count < 1:
		return fmt.Errorf("count %d is not 1 or more", *f.Count)
	case f.DelayMS < 0 || f.DelayMS > maxDelay.Milliseconds():
		return fmt.Errorf("delay_ms %d is not between 0 and %d", f.DelayMS, maxDelay.Milliseconds())
	case f.Kind == Refuse && (f.Operation != Any || f.Rate != 1 || f.Count != nil):
		return fmt.Errorf("fault refuse closes the PSP's listener: it takes the operation *, the rate 1 and no count")
	case f.declines() && f.Operation != Any && !canDecline(psp.Operation(f.Operation)):
		return fmt.Errorf("fault %q needs an operation that can be declined, and %s cannot", f.Kind, f.Operation)
	}
	return nil
}

func (f Fault) declines() bool { return f.Kind == DeclineSoft || f.Kind == DeclineHard }

// canDecline says whether a PSP can decline an operation rather than merely not do it.
func canDecline(o psp.Operation) bool { return o.MovesMoney() }

// hits says whether the fault is about an operation of a PSP at all.
func (f Fault) hits(name string, o psp.Operation) bool {
	if f.PSP != Any && f.PSP != name || f.Operation != Any && f.Operation != string(o) {
		return false
	}
	if webhook := slices.Contains(webhookKinds(), f.Kind); webhook != (o == psp.Webhook) {
		return false
	}
	if f.declines() && f.Operation == Any {
		// A PSP that declines everything declines payments. Its fences still work: a declined one would say
		// that the charge has happened.
		return o == psp.Authorize || o == psp.Verify
	}
	return f.Kind != Refuse // whose calls never arrive
}

func join[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
