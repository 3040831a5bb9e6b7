package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// ears is the merchants' server that hears of events. It lives throughout, as theirs does.
type ears struct {
	url    string
	server *http.Server

	mu    sync.Mutex
	heard map[string]int // how often, by event
}

func listenForEvents() (*ears, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	e := &ears{url: "http://localhost:" + port + "/events", heard: map[string]int{}}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

func (e *ears) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var body struct {
		Event string `json:"event_id"`
	}
	if text, err := io.ReadAll(r.Body); err == nil && json.Unmarshal(text, &body) == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard[body.Event]++
	}
}

// count says how many events were heard, and how many of these more than once.
func (e *ears) count() (events, again int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.heard {
		if n > 1 {
			again++
		}
	}
	return len(e.heard), again
}

func (e *ears) missing(ids []string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var missing []string
	for _, id := range ids {
		if e.heard[id] == 0 {
			missing = append(missing, id)
		}
	}
	return missing
}

// subscribe asks for all events.
func (w *world) subscribe(ctx context.Context) error {
	a, _, err := w.client.ask(ctx, request{method: http.MethodPost, path: "/webhook-endpoints", body: object{"url": w.ears.url}, key: "ears"}, 0)
	if err == nil && a.at("webhook_endpoint", "id") == "" {
		err = fmt.Errorf("the merchants' server is not taken: %s", a.text)
	}
	return err
}

// listenTo waits until every event has been heard. A hasty run waits for that too: a delivery that died holds its lease longer
// than such a run lasts.
func (w *world) listenTo(ctx context.Context, began time.Time) error {
	ids, err := w.events(ctx)
	if err != nil {
		return err
	}
	missing := w.ears.missing(ids)
	for len(missing) > 0 && time.Since(began) < max(w.settle, defaultSettle) {
		select {
		case <-time.After(betweenAsks):
		case <-ctx.Done():
			return ctx.Err()
		}
		missing = w.ears.missing(missing)
	}
	w.result.events = len(ids)
	_, w.result.heardAgain = w.ears.count()
	for _, id := range missing {
		w.result.violations = append(w.result.violations, violation{unheard, id})
	}
	return nil
}

// events lists the ids of all events that merchants are told of.
func (w *world) events(ctx context.Context) ([]string, error) {
	var ids []string
	for path := "/events?limit=100&order=asc"; ; {
		a, _, err := w.client.ask(ctx, request{method: http.MethodGet, path: path}, 0)
		if err != nil {
			return nil, err
		}
		list, _ := a.json["events"].([]any)
		for _, one := range list {
			if event, ok := one.(map[string]any); ok && event["name"] != "customer.created" { // some are older than the endpoint
				id, _ := event["id"].(string)
				ids = append(ids, id)
				path = "/events?limit=100&order=asc&start_after=" + id
			}
		}
		if more, _ := a.json["has_more"].(bool); !more || len(list) == 0 {
			return ids, nil
		}
	}
}
