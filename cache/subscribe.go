package cache

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// pingAfter is the silence after which the subscription is tried; after another one it is taken for lost.
const pingAfter = 3 * time.Second

// message is what a Drop publishes.
type message struct {
	Node      string `json:"node"`
	ProjectID string `json:"project"`
	TokenID   string `json:"token"`
}

// Subscribe calls changed for each Drop of another instance, one call at a time, until Close. Two empty ids say that
// Drops may have been missed: everything that was read before is to be forgotten. That comes with every new subscription
// and, while Redis is away, once a second, so that nothing local gets older than that.
func (c *Cache) Subscribe(changed func(projectID, tokenID string)) {
	c.start(func() {
		for first := true; ; first = false {
			subscribed, err := c.follow(changed)
			if c.ctx.Err() != nil {
				return
			}
			if first || subscribed { // once per outage
				c.logger.Warn("there is no subscription to Redis: token mappings are read from the store", "error", err)
			}
			changed("", "")
			if !c.wait(c.pause) {
				return
			}
		}
	})
}

// follow subscribes and passes messages on until the connection is lost. It says whether there was one.
func (c *Cache) follow(changed func(projectID, tokenID string)) (subscribed bool, err error) {
	subscription := c.client.Subscribe(c.ctx, channel)
	defer func() { _ = subscription.Close() }() // closed already, or lost
	defer context.AfterFunc(c.ctx, func() { _ = subscription.Close() })()

	for silent := false; ; {
		m, err := subscription.ReceiveTimeout(c.ctx, pingAfter)
		switch {
		case err == nil:
			silent = false
		case timedOut(err) && !silent:
			silent = true
			if err := subscription.Ping(c.ctx); err != nil {
				return subscribed, err
			}
		default:
			return subscribed, err
		}
		switch m := m.(type) {
		case *redis.Subscription:
			subscribed = true
			changed("", "")
		case *redis.Message:
			c.pass(m.Payload, changed)
		}
	}
}

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// pass hands one message on. What cannot be read may have been a Drop.
func (c *Cache) pass(payload string, changed func(projectID, tokenID string)) {
	var m message
	if err := json.Unmarshal([]byte(payload), &m); err != nil {
		changed("", "")
		return
	}
	if m.Node != c.node {
		changed(m.ProjectID, m.TokenID)
	}
}
