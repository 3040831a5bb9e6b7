package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"switchyard/config"
)

// door is where merchants find the gateway: shut while it is dead.
type door struct {
	mu      sync.Mutex
	url     string // empty while it is shut
	life    int    // how many lives there were
	last    bool   // there will be no further one
	changed chan struct{}
}

var errLastLife = errors.New("the gateway has no further life")

func newDoor() *door { return &door{changed: make(chan struct{})} }

// open lets merchants in to a new life; last says that it is not going to be killed.
func (d *door) open(url string, last bool) { d.change(url, 1, last) }
func (d *door) shut()                      { d.change("", 0, false) }

func (d *door) change(url string, lives int, last bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.url, d.life, d.last = url, d.life+lives, last
	close(d.changed)
	d.changed = make(chan struct{})
}

// enter waits for a life after the given one.
func (d *door) enter(ctx context.Context, after int) (url string, life int, err error) {
	for {
		d.mu.Lock()
		url, life, last, changed := d.url, d.life, d.last, d.changed
		d.mu.Unlock()
		if url != "" && life > after {
			return url, life, nil
		}
		if last {
			return "", 0, errLastLife
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", 0, ctx.Err()
		}
	}
}

// answer is what the gateway said.
type answer struct {
	status   int
	replayed bool
	text     string
	json     map[string]any
}

// at follows names into the JSON, to a text.
func (a answer) at(path ...string) string {
	var v any = a.json
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

type object = map[string]any

// request is one thing that a merchant asks for.
type request struct {
	method, path string
	body         any
	key          string // of idempotency; empty for questions
	public       bool   // without the project's key, as a browser asks
}

// client speaks to the gateway.
type client struct {
	door *door
	http *http.Client

	mu       sync.Mutex
	requests int // answered
	repeats  int // sent again, since no answer came
}

// maxTimePerRequest is longer than the gateway keeps a payer waiting.
const maxTimePerRequest = 30 * time.Second

func newClient(d *door) *client {
	return &client{door: d, http: &http.Client{Timeout: maxTimePerRequest, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second}}}
}

// ask makes a request until it is answered, in lives of the gateway after the given one and across as many as that takes. It
// returns the life that answered.
func (c *client) ask(ctx context.Context, r request, after int) (a answer, life int, err error) {
	for {
		url, life, err := c.door.enter(ctx, after)
		if err != nil {
			return answer{}, life, err
		}
		if a, err = c.once(ctx, url, r); err == nil {
			c.count(1, 0)
			return a, life, nil
		}
		after = life // which is over
		c.count(0, 1)
	}
}

func (c *client) count(requests, repeats int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests += requests
	c.repeats += repeats
}

func (c *client) answered() (requests, repeats int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests, c.repeats
}

// once makes a request once.
func (c *client) once(ctx context.Context, url string, r request) (answer, error) {
	var body io.Reader = http.NoBody
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return answer{}, err
		}
		body = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, url+r.path, body)
	if err != nil {
		return answer{}, err
	}
	q.GetBody = nil // the transport must not repeat it by itself: that is what is counted
	q.Header.Set("Content-Type", "application/json")
	if r.key != "" {
		q.Header["Idempotency-Key"] = []string{r.key}
	}
	q.SetBasicAuth(config.DevProjectID, config.DevAPIKey)
	if r.public {
		q.SetBasicAuth(config.DevProjectID, "")
	}
	response, err := c.http.Do(q)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, replayed: response.Header.Get("Idempotency-Replayed") == "true", text: string(text)}
	return a, json.Unmarshal(text, &a.json)
}
