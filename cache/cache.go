// Package cache shares token mappings between instances through Redis. Redis is an accelerator: without it reads go to the
// store, which is slower; nothing is wrong and nothing fails.
package cache

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"switchyard/payments"
)

const (
	defaultTTL = 10 * time.Minute // of rows: it frees memory, and bounds what a lost Drop of a dead instance leaves behind
	emptyTTL   = 5 * time.Second  // of "no rows": a new token's first payment writes some soon
	// tombstoneTTL is how long a Drop keeps rows out. It is longer than a reader takes from reading the store to its Put.
	tombstoneTTL = 10 * time.Second
	tombstone    = "-"

	dialTimeout    = 200 * time.Millisecond
	defaultTimeout = 100 * time.Millisecond
	bufferSize     = 4 << 10 // bytes; rows of one token are a few hundred

	keyPrefix = "switchyard:"
	channel   = keyPrefix + "mappings:changed"
)

// Options are what a Cache is made of.
type Options struct {
	Address  string // host:port
	Username string
	Password payments.Secret
	DB       int
	TLS      bool
	TTL      time.Duration    // of rows; 0: 10 minutes
	Timeout  time.Duration    // of one command; 0: 100 ms
	Now      func() time.Time // nil: time.Now
	Logger   *slog.Logger     // nil: silent
}

// Cache is a tokens.Cache in Redis. It is safe for concurrent use.
type Cache struct {
	client *redis.Client
	redis  *downSwitch // before every command
	ttl    time.Duration
	now    func() time.Time
	logger *slog.Logger
	node   string        // names this process, so that it does not act on what it said itself
	pause  time.Duration // between two tries to reach Redis in the background
	owed   debts

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	gate sync.Mutex // between starting work and Close
	work sync.WaitGroup
}

// New returns a cache. It does not connect: that Redis is not there (yet) is no failure. Close it when it is no longer
// needed.
func New(o Options) (*Cache, error) {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, errors.New("cache: the address of Redis must be host:port")
	}
	c := &Cache{ttl: o.TTL, now: o.Now, logger: o.Logger, node: rand.Text(), pause: downPause}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if c.ttl <= 0 {
		c.ttl = defaultTTL
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	options := &redis.Options{
		Addr:            o.Address,
		Username:        o.Username,
		Password:        o.Password.Reveal(),
		DB:              o.DB,
		Protocol:        2, // nothing here needs the pushes of version 3
		DisableIdentity: true,
		// The defaults retry and wait until a dead Redis stalls every command for more than a second.
		MaxRetries:               -1,
		DialerRetries:            1,
		DialTimeout:              max(dialTimeout, o.Timeout),
		ReadTimeout:              o.Timeout,
		WriteTimeout:             o.Timeout,
		PoolTimeout:              o.Timeout,
		ReadBufferSize:           bufferSize,
		WriteBufferSize:          bufferSize,
		PipelinePoolSize:         -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if o.TLS {
		options.TLSConfig = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	c.client = redis.NewClient(options)
	c.redis = &downSwitch{now: c.now, pause: downPause}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the subscriptions and the connections. It waits for callbacks that run.
func (c *Cache) Close() error {
	c.gate.Lock()
	c.stop()
	c.gate.Unlock()
	c.work.Wait()
	return c.client.Close()
}

func key(projectID, tokenID string) string {
	return keyPrefix + projectID + ":mappings:" + tokenID
}

// Get returns the rows of a token, and false when it has none or cannot be asked.
func (c *Cache) Get(ctx context.Context, projectID, tokenID string) ([]payments.Mapping, bool) {
	if c.owed.has(change{projectID, tokenID}, c.now()) {
		return nil, false
	}
	var text []byte
	err := c.redis.try(func() (err error) {
		text, err = c.client.Get(context.WithoutCancel(ctx), key(projectID, tokenID)).Bytes()
		return err
	})
	if err != nil || string(text) == tombstone {
		return nil, false
	}
	var rows []payments.Mapping
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, false
	}
	for _, row := range rows {
		if row.ProjectID != projectID || row.TokenID != tokenID {
			return nil, false
		}
	}
	return rows, true
}

// Put keeps rows that were just read from the store. It does nothing when there are rows already, or a Drop was a moment
// ago: these rows may be older than it.
func (c *Cache) Put(ctx context.Context, projectID, tokenID string, rows []payments.Mapping) {
	if c.owed.has(change{projectID, tokenID}, c.now()) {
		return
	}
	ttl := c.ttl
	if len(rows) == 0 {
		rows, ttl = []payments.Mapping{}, emptyTTL
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return
	}
	// Rows that could not be kept are read from the store again.
	_ = c.redis.try(func() error {
		return c.client.SetNX(context.WithoutCancel(ctx), key(projectID, tokenID), text, ttl).Err()
	})
}

// Drop forgets the rows of a token and tells the other instances. While Redis cannot be reached it is owed: this instance
// reads the store for that token until Redis has been told.
func (c *Cache) Drop(ctx context.Context, projectID, tokenID string) {
	owed := c.owed.add(change{projectID, tokenID}, c.now().Add(c.ttl))
	if c.drop(context.WithoutCancel(ctx), owed.change) == nil {
		c.owed.settle(owed)
		return
	}
	if c.owed.collect() {
		c.start(c.payDebts)
	}
}

// drop puts a tombstone in place of the rows, which keeps out a Put that is under way, and then says so.
func (c *Cache) drop(ctx context.Context, ch change) error {
	text, err := json.Marshal(message{Node: c.node, ProjectID: ch.projectID, TokenID: ch.tokenID})
	if err != nil {
		return err
	}
	return c.redis.try(func() error {
		_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Set(ctx, key(ch.projectID, ch.tokenID), tombstone, tombstoneTTL)
			p.Publish(ctx, channel, text)
			return nil
		})
		return err
	})
}

// start runs f until it ends by itself or by Close.
func (c *Cache) start(f func()) {
	c.gate.Lock()
	defer c.gate.Unlock()
	if c.ctx.Err() == nil {
		c.work.Go(f)
	}
}

// wait returns false when the cache was closed meanwhile.
func (c *Cache) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}
