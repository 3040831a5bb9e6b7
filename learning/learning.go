// Package learning keeps what smart routing learns: written down now and then, so that it survives restarts, and told to the
// other instances that share the store. None of it is on the way of a payment, and nothing of it can stop one: what cannot be
// kept is learnt anew.
package learning

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
)

// Store is where it is kept.
type Store interface {
	Apply(ctx context.Context, c payments.Change) error
	Learned(ctx context.Context) (payments.Learned, error)
	NewsOfLearning(ctx context.Context, after int64, limit int) ([]payments.LearnedNews, error)
	NewestNews(ctx context.Context) (int64, error)
}

// Options build a Keeper. All but the times and the logger are needed.
type Options struct {
	Store    Store
	Beliefs  *learn.Learner
	Cascades *learn.Cascades // what is believed of second tries; nil: not kept
	Instance string          // the name of this process among those that share the store
	Save     time.Duration   // how often the whole is written down; default one minute
	// Share is how often instances tell each other what they have seen; 0 when there is one instance only.
	Share  time.Duration
	Logger *slog.Logger     // default: nothing is logged
	Now    func() time.Time // default time.Now
}

const defaultSave = time.Minute

// Bounds of what is read.
const (
	maxState = 256 << 20 // of a state, once it is unpacked
	maxNews  = 100       // pieces of news at once
)

// Keeper keeps one learner's knowledge.
type Keeper struct {
	options Options
	heard   int64  // place in the others' news
	saved   uint64 // Changes of the beliefs that are written down
	stop    chan struct{}
	done    chan struct{} // nil before Start
}

// New returns a Keeper. Load takes up what is kept, Start keeps it.
func New(o Options) *Keeper {
	if o.Save <= 0 {
		o.Save = defaultSave
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Keeper{options: o, stop: make(chan struct{})}
}

// Load takes up what was kept. A state that cannot be used is passed over with a warning: learning begins anew then. An error
// is the store's.
func (k *Keeper) Load(ctx context.Context) error {
	var err error
	if k.heard, err = k.options.Store.NewestNews(ctx); err != nil {
		return err
	}
	kept, err := k.options.Store.Learned(ctx)
	if errors.Is(err, payments.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := k.unpack(kept.State); err != nil {
		k.options.Logger.WarnContext(ctx, "what smart routing had learnt cannot be used; it learns anew", "written_at", kept.At, "error", err)
		return nil
	}
	k.saved = k.options.Beliefs.Changes()
	k.options.Logger.InfoContext(ctx, "smart routing goes on from what it knew", "written_at", kept.At, "outcomes", k.options.Beliefs.Outcomes())
	return nil
}

// unpack takes up a state: the beliefs, and behind them what is believed of second tries, each packed by itself.
func (k *Keeper) unpack(state []byte) error {
	from := bytes.NewReader(state)
	packed, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	packed.Multistream(false)
	bounded := io.LimitReader(packed, maxState)
	if err := k.options.Beliefs.Load(bounded); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, bounded); err != nil { // what stands behind begins where this ends
		return err
	}
	if k.options.Cascades == nil {
		return nil
	}
	switch err := packed.Reset(from); {
	case errors.Is(err, io.EOF): // kept before there were any
		return nil
	case err != nil:
		return err
	}
	packed.Multistream(false)
	return k.options.Cascades.Load(io.LimitReader(packed, maxState))
}

// Start keeps what is learnt from now on.
func (k *Keeper) Start() {
	k.done = make(chan struct{})
	go k.loop()
}

// Stop writes the whole down once more and ends, at most until ctx ends. It must not be called twice. Without Start it does
// nothing.
func (k *Keeper) Stop(ctx context.Context) error {
	if k.done == nil {
		return nil
	}
	close(k.stop)
	select {
	case <-k.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return errors.Join(k.tell(ctx), k.Save(ctx))
}

func (k *Keeper) loop() {
	defer close(k.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	save := time.NewTicker(k.options.Save)
	defer save.Stop()
	var share <-chan time.Time
	if k.options.Share > 0 {
		ticker := time.NewTicker(k.options.Share)
		defer ticker.Stop()
		share = ticker.C
	}
	for {
		var err error
		select {
		case <-k.stop:
			return
		case <-save.C:
			err = k.Save(ctx)
		case <-share:
			err = errors.Join(k.tell(ctx), k.hear(ctx))
		}
		if err != nil {
			k.options.Logger.WarnContext(ctx, "what smart routing has learnt is not kept", "error", err)
		}
	}
}

// Save writes the whole down, if anything was learnt or forgotten since.
func (k *Keeper) Save(ctx context.Context) error {
	now := k.options.Now().UTC()
	changes := k.options.Beliefs.Changes()
	if changes == k.saved {
		return nil
	}
	var state bytes.Buffer
	packed := gzip.NewWriter(&state)
	if err := errors.Join(k.options.Beliefs.Save(packed, now), packed.Close()); err != nil {
		return err
	}
	if k.options.Cascades != nil {
		packed.Reset(&state)
		if err := errors.Join(k.options.Cascades.Save(packed), packed.Close()); err != nil {
			return err
		}
	}
	kept := payments.Learned{Instance: k.options.Instance, At: now, State: state.Bytes()}
	if err := k.options.Store.Apply(ctx, payments.Change{Learned: &kept}); err != nil {
		return err
	}
	k.saved = changes
	return nil
}

// tell gives the others what was seen here since the last time.
func (k *Keeper) tell(ctx context.Context) error {
	if k.options.Share <= 0 {
		return nil
	}
	delta := k.options.Beliefs.Export()
	if len(delta.Counts) == 0 {
		return nil
	}
	counts, err := json.Marshal(delta)
	if err != nil {
		return err
	}
	return k.options.Store.Apply(ctx, payments.Change{LearnedNews: []payments.LearnedNews{
		{Instance: k.options.Instance, At: k.options.Now().UTC(), Counts: counts},
	}})
}

// hear learns from what the others have seen. News that cannot be read is passed over: it would be there the next time, too.
func (k *Keeper) hear(ctx context.Context) error {
	var errs []error
	for {
		list, err := k.options.Store.NewsOfLearning(ctx, k.heard, maxNews)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for i := range list {
			k.heard = list[i].Seq
			if list[i].Instance == k.options.Instance {
				continue
			}
			if err := k.merge(&list[i]); err != nil {
				errs = append(errs, fmt.Errorf("news of %s: %w", list[i].Instance, err))
			}
		}
		if len(list) < maxNews {
			return errors.Join(errs...)
		}
	}
}

func (k *Keeper) merge(news *payments.LearnedNews) error {
	var delta learn.Delta
	if err := json.Unmarshal(news.Counts, &delta); err != nil {
		return err
	}
	return k.options.Beliefs.Merge(delta, k.options.Now())
}
