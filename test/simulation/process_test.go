package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"switchyard/flow"
	"switchyard/payments"
	"switchyard/router"
	"switchyard/tokens"
	"switchyard/vault"
)

// Errors of a process that is gone, or whose disk fails.
var (
	errDead   = errors.New("simulation: this process is dead")
	errBusy   = errors.New("simulation: begin: database is locked")
	errHalted = errors.New("simulation: halted after a failed commit")
)

// process is one instance of the program: everything that a kill takes away. What it has on its way to a PSP goes on.
type process struct {
	w       *world
	name    string // "a1", "a2", …: the slot and how often it was started
	slot    int
	engine  *flow.Engine
	tokens  *tokens.Service
	vault   *vault.Vault
	dead    atomic.Bool
	retired atomic.Bool // ended in good order
	halted  atomic.Bool
	trap    atomic.Pointer[trap]
	busy    atomic.Int64 // until when the disk is busy, on the world's clock
}

// trap kills a process at a moment that matters.
type trap struct {
	where string // "before commit", "after commit", "in call"
	what  string // "intent", "outcome"; empty: any
}

// start begins a new process in a slot.
func (w *world) start(slot int) *process {
	p := &process{w: w, slot: slot}
	w.mu.Lock()
	if w.over {
		w.mu.Unlock()
		return nil
	}
	n := 1
	for _, old := range w.all {
		if old.slot == slot {
			n++
		}
	}
	p.name = fmt.Sprintf("%c%d", 'a'+slot, n)
	w.mu.Unlock()

	disk := &disk{Store: w.store, p: p}
	options := vault.Options{Store: disk, Keys: w.keys, FingerprintKey: payments.NewSecret("a fingerprint key of some length")}
	if w.cvcs != nil {
		options.CVC = w.cvcs
	}
	var err error
	if p.vault, err = vault.New(options); err != nil {
		w.t.Error(err)
		return nil
	}
	p.tokens = tokens.New(tokens.Options{Store: disk, Vault: p.vault, Cache: invalidations{w}, Gateways: w.infos})
	p.engine = flow.New(flow.Options{
		Ledger: disk, Tokens: p.tokens, Vault: p.vault, Gateways: w.gateways(p), Router: router.New(w.config, router.Settings{}),
		Projects: func(id string) (payments.Project, bool) {
			return payments.Project{ID: id, DefaultCurrency: currency, Sandbox: true}, true
		},
	})
	w.mu.Lock()
	w.slots[slot] = p
	w.all = append(w.all, p)
	w.logLocked("", "process %s starts", p.name)
	w.mu.Unlock()
	p.engine.Start()
	return p
}

// kill ends a process as kill -9 does, and starts another one after a while.
func (p *process) kill(why string) {
	if p.dead.Swap(true) {
		return
	}
	p.w.count("crash: " + why)
	p.w.log("", "process %s is killed: %s", p.name, why)
	p.engine.Quiet() // its background loop can write nothing any more
	p.tokens.Close()
	d := p.w.dice("restart", p.name)
	time.AfterFunc(d.between(50*time.Millisecond, 15*time.Second), func() { p.w.start(p.slot) })
}

// stop ends a process in good order.
func (p *process) stop() {
	p.retired.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.engine.Stop(ctx); err != nil {
		p.w.log("", "process %s does not stop: %v", p.name, err)
	}
	p.tokens.Close() // or its cache would be cleaned every second, for days
}

// springs says whether the trap closes here, and kills the process then.
func (p *process) springs(where string, c *payments.Change) bool {
	t := p.trap.Load()
	if t == nil || t.where != where || c != nil && !t.matches(c) || !p.trap.CompareAndSwap(t, nil) {
		return false
	}
	p.kill(where + " " + t.what)
	return true
}

func (t *trap) matches(c *payments.Change) bool {
	for i := range c.Attempts {
		intent := c.Attempts[i].Version == 1
		if t.what == "" || intent == (t.what == "intent") {
			return true
		}
	}
	return false
}

// crashes kills processes at moments that the seed chooses.
func (w *world) crashes() {
	d := newDice(w.seed, "crashes")
	for range w.plan.crashes {
		time.Sleep(d.between(0, w.plan.calm/time.Duration(w.plan.crashes+1)))
		t := trap{where: pick(d, "before commit", "after commit", "in call", "at once"), what: pick(d, "intent", "outcome", "")}
		slot := d.IntN(len(w.slots))
		p := w.live(slot)
		if p == nil {
			continue
		}
		if t.where == "at once" {
			p.kill("at once")
		} else {
			p.trap.Store(&t)
		}
	}
}

// live returns the process in a slot, nil while there is none.
func (w *world) live(slot int) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.slots[slot]
	if p == nil || p.dead.Load() || p.retired.Load() {
		return nil
	}
	return p
}

// anyLive returns a live process, or nil while there is none.
func (w *world) anyLive(d dice) *process {
	first := d.IntN(len(w.slots))
	for i := range w.slots {
		if p := w.live((first + i) % len(w.slots)); p != nil {
			return p
		}
	}
	return nil
}

// invalidations is the cache that instances share: it keeps nothing, and tells all of what has changed.
type invalidations struct{ w *world }

func (invalidations) Get(context.Context, string, string) ([]payments.Mapping, bool) {
	return nil, false
}
func (invalidations) Put(context.Context, string, string, []payments.Mapping) {}

func (i invalidations) Drop(_ context.Context, projectID, tokenID string) {
	i.w.mu.Lock()
	all := append([]*process(nil), i.w.all...)
	i.w.mu.Unlock()
	for _, p := range all {
		if !p.dead.Load() {
			p.tokens.Invalidate(projectID, tokenID)
		}
	}
}
