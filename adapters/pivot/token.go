package pivot

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

const (
	tokenPath = "/v1/access-token"

	tokenLife    = 15 * time.Minute // unless the answer says otherwise
	maxTokenLife = 24 * time.Hour
	tokenMargin  = time.Minute // a token is renewed so long before it expires
	// youngToken: a token that is refused at this age has not expired; another one would be refused too.
	youngToken = 30 * time.Second
)

// accessToken authenticates calls for a while.
type accessToken struct {
	value  payments.Secret
	issued time.Time
	until  time.Time // to be renewed then
}

// fetchToken asks Pivot for an access token. It moves no money, so that no fault of it is ever Unknown to a caller.
func (a *adapter) fetchToken(ctx context.Context, now time.Time) (accessToken, error) {
	header := http.Header{}
	header.Set("X-Merchant-Id", a.merchant)
	header.Set("X-Merchant-Secret", a.secret.Reveal())
	r, err := a.wire.Do(ctx, wire.Request{Method: http.MethodPost, Path: tokenPath, Header: header, JSON: struct {
		Grant string `json:"grantType"`
	}{"client_credentials"}})
	if err != nil {
		return accessToken{}, err
	}
	told, err := read[struct {
		Token   string `json:"accessToken"`
		Expires text   `json:"expiresIn"` // seconds, in a string
	}](r)
	switch {
	case err != nil:
		return accessToken{}, err
	case told.Token == "":
		return accessToken{}, payments.Faultf(payments.Unknown, "pivot: the answer has no access token")
	}
	life := tokenLife
	if seconds, err := strconv.ParseUint(string(told.Expires), 10, 32); err == nil && seconds > 0 {
		life = min(time.Duration(seconds)*time.Second, maxTokenLife)
	}
	return accessToken{
		value: payments.NewSecret(told.Token), issued: now, until: now.Add(life - min(tokenMargin, life/2)),
	}, nil
}

// tokenCache keeps the access token. However many calls need a new one at once, it is asked for once.
type tokenCache struct {
	now   func() time.Time
	fetch func(context.Context) (accessToken, error)

	mu      sync.Mutex
	current accessToken
	flight  *flight // nil while nobody asks
}

// flight is one request for a token, which others wait for.
type flight struct {
	done  chan struct{}
	token accessToken
	err   error
	cut   bool // the caller that made the request has given up: its error is nobody else's
}

// get returns a token that is valid for a while, within the caller's time.
func (c *tokenCache) get(ctx context.Context) (accessToken, error) {
	for {
		c.mu.Lock()
		if current := c.current; !current.value.IsZero() && c.now().Before(current.until) {
			c.mu.Unlock()
			return current, nil
		}
		f := c.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			c.flight = f
			c.mu.Unlock()
			c.fly(ctx, f)
			return f.token, f.err
		}
		c.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return accessToken{}, payments.NewFault(payments.NeverSent, ctx.Err())
		}
		if !f.cut {
			return f.token, f.err
		}
	}
}

// fly makes the request and tells those who wait.
func (c *tokenCache) fly(ctx context.Context, f *flight) {
	f.token, f.err = c.fetch(ctx)
	f.cut = f.err != nil && ctx.Err() != nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.err == nil {
		c.current = f.token
	}
	c.flight = nil
	close(f.done)
}

// refuse forgets a token that Pivot has refused, and says whether a new one may fare better.
func (c *tokenCache) refuse(t accessToken) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current.issued.Equal(t.issued) && c.current.value.Equal(t.value.Reveal()) {
		c.current = accessToken{}
	}
	return c.now().Sub(t.issued) >= youngToken
}
