// Package commitments watches the volumes that operators have promised to PSPs, and lets smart routes know what it is worth to send
// payments to whom one is missing. It is not on the way of a payment. It keeps nothing: what it says follows from the policy in
// force, the money that the store has counted and the time.
package commitments

import (
	"context"
	"log/slog"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/pace"
	"switchyard/router/rules"
)

// Store counts the money that is taken.
type Store interface {
	Volumes(ctx context.Context, since time.Time) ([]payments.Volume, error)
}

// Options build a Watcher. Store and Router are needed.
type Options struct {
	Store  Store
	Router *router.Router   // whose policy is watched, and who is told the prices
	Every  time.Duration    // how often the prices are made anew; default one minute
	Logger *slog.Logger     // default: nothing is logged
	Now    func() time.Time // default time.Now
}

const (
	defaultEvery = time.Minute
	// glance is how often the policy in force is compared with the one that the prices are for.
	glance = time.Second
)

// Watcher keeps the prices of one router.
type Watcher struct {
	options Options
	priced  *rules.Policy // the prices are for
	stop    chan struct{}
	done    chan struct{} // nil before Start
}

// New returns a Watcher. Update makes the prices once, Start keeps them.
func New(o Options) *Watcher {
	if o.Every <= 0 {
		o.Every = defaultEvery
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Watcher{options: o, stop: make(chan struct{})}
}

// Start keeps the prices from now on.
func (w *Watcher) Start() {
	w.done = make(chan struct{})
	go w.loop()
}

// Stop ends that, at most until ctx ends. It must not be called twice. Without Start it does nothing.
func (w *Watcher) Stop(ctx context.Context) error {
	if w.done == nil {
		return nil
	}
	close(w.stop)
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *Watcher) loop() {
	defer close(w.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	every, look := time.NewTicker(w.options.Every), time.NewTicker(glance)
	defer every.Stop()
	defer look.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-every.C:
		case <-look.C:
			if w.options.Router.Config().Policy == w.priced {
				continue
			}
		}
		if err := w.Update(ctx); err != nil {
			w.options.Logger.WarnContext(ctx, "what promised volumes are worth is not up to date", "error", err)
		}
	}
}

// Update makes the prices anew and puts them in force. When the volumes cannot be read, those before stay, unless they are for
// another policy.
func (w *Watcher) Update(ctx context.Context) error {
	policy := w.options.Router.Config().Policy
	if policy != w.priced {
		w.options.Router.SetPrices(nil)
		w.priced = policy
	}
	standings, err := w.standings(ctx, policy)
	if err != nil {
		return err
	}
	w.options.Router.SetPrices(prices(standings))
	return nil
}

// Standings say how the promised volumes of the policy in force stand, in its order.
func (w *Watcher) Standings(ctx context.Context) ([]pace.Standing, error) {
	return w.standings(ctx, w.options.Router.Config().Policy)
}

func (w *Watcher) standings(ctx context.Context, policy *rules.Policy) ([]pace.Standing, error) {
	if policy == nil || len(policy.Document().Commitments) == 0 {
		return nil, nil
	}
	doc, now := policy.Document(), w.options.Now().UTC()
	volumes, err := w.options.Store.Volumes(ctx, pace.Since(doc.Commitments, now))
	if err != nil {
		return nil, err
	}
	list := make([]pace.Standing, 0, len(doc.Commitments))
	for i := range doc.Commitments {
		list = append(list, pace.Stand(&doc.Commitments[i], doc.Rates, volumes, now))
	}
	return list, nil
}

// prices are what the router is told: nothing of what is on its pace. A payment that counts towards two volumes is worth both.
func prices(standings []pace.Standing) router.Prices {
	list := router.Prices{}
	for i := range standings {
		s := &standings[i]
		if s.Price <= 0 {
			continue
		}
		for _, c := range s.Currencies {
			list[router.Priced{Gateway: s.Gateway, Currency: c}] += s.Price
		}
	}
	return list
}
