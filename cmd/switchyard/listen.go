package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"switchyard/payments"
	"switchyard/webhooks"
)

type listenCommand struct {
	ForwardTo string        `required:"" placeholder:"URL" help:"Where each event is posted to, as a webhook is."`
	API       string        `default:"http://127.0.0.1:8080" help:"The merchant API."`
	Project   string        `default:"test-proj_dev" help:"A sandbox project."`
	Key       string        `default:"key_sandbox_dev" env:"SWITCHYARD_KEY" help:"One of the project's keys."`
	Every     time.Duration `default:"1s" help:"How often the API is asked for new events."`
}

// Limits of listen.
const (
	listenTimeout   = 10 * time.Second // of one request
	eventsPerPage   = 100
	maxEventsBody   = 64 << 20 // a page of events with all their objects
	maxForwardReply = 64 << 10
)

// listened is what listen reads of an event.
type listened struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Sandbox bool   `json:"sandbox"`
}

func (l listenCommand) Run(env environment) error {
	if !strings.HasPrefix(l.Project, "test-") {
		return usageError{"listen is for sandbox projects (test-proj_…): a live project's events belong to its webhook endpoints"}
	}
	if u, err := url.Parse(l.ForwardTo); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return usageError{"--forward-to must be an http or https URL, such as http://127.0.0.1:3000/webhooks"}
	}
	f := forwarder{listenCommand: l, env: env, secret: webhooks.NewSecret(), client: &http.Client{
		Timeout:       listenTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // as webhooks do
	}}
	if err := f.run(env.ctx); env.ctx.Err() == nil {
		return err
	}
	return nil // asked to stop: whatever was cut off by that is no failure
}

// forwarder posts a project's events to a URL.
type forwarder struct {
	listenCommand
	env    environment
	secret payments.Secret
	client *http.Client
	cursor string // id of the last event that was seen; empty: there was none
}

func (f *forwarder) run(ctx context.Context) error {
	newest, _, err := f.events(ctx, url.Values{"limit": {"1"}})
	if err != nil {
		return err
	}
	if len(newest) > 0 {
		f.cursor = newest[0].ID
	}
	if _, err := fmt.Fprintf(f.env.stdout, "Events of %s go to %s\nSigning secret, for this run only: %s\nCtrl-C stops it.\n\n", f.Project, f.ForwardTo, f.secret.Reveal()); err != nil {
		return err
	}
	lost := false
	for {
		switch more, err := f.next(ctx); {
		case isRefusal(err):
			return err
		case err != nil && !lost:
			lost = true
			if _, err := fmt.Fprintln(f.env.stderr, "The API does not answer; trying again:", err); err != nil {
				return err
			}
		case err == nil:
			lost = false
			if more {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.Every):
		}
	}
}

// next forwards the next page of events and says whether there is another.
func (f *forwarder) next(ctx context.Context) (more bool, err error) {
	query := url.Values{"order": {"asc"}, "limit": {fmt.Sprint(eventsPerPage)}}
	if f.cursor != "" {
		query.Set("start_after", f.cursor)
	}
	events, more, err := f.events(ctx, query)
	if err != nil {
		return false, err
	}
	for _, e := range events {
		if !e.Sandbox {
			return false, refusal{"this project is live: listen is for sandbox projects"}
		}
		line := f.forward(ctx, e)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		f.cursor = e.ID
		if _, err := fmt.Fprintf(f.env.stdout, "%s  %-28s %s  %s\n", time.Now().Format(time.TimeOnly), e.Name, e.ID, line); err != nil {
			return false, err
		}
	}
	return more, nil
}

// forward posts one event and says what came of it.
func (f *forwarder) forward(ctx context.Context, e listened) string {
	body := webhooks.Body(e.ID, e.Name)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.ForwardTo, bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	request.Header.Set("Content-Type", "application/json")
	if err := webhooks.SetHeaders(request.Header, e.ID, time.Now(), body, f.secret); err != nil {
		return err.Error()
	}
	began := time.Now()
	response, err := f.client.Do(request)
	if err != nil {
		return "no answer: " + err.Error()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxForwardReply)) // so that the connection can be used again
	_ = response.Body.Close()
	return fmt.Sprintf("%s in %d ms", response.Status, time.Since(began).Milliseconds())
}

// refusal is an answer of the API that will not change.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

func isRefusal(err error) bool {
	_, ok := errors.AsType[refusal](err)
	return ok
}

// events reads a page of the project's events.
func (f *forwarder) events(ctx context.Context, query url.Values) (list []listened, more bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(f.API, "/")+"/events?"+query.Encode(), nil)
	if err != nil {
		return nil, false, usageError{fmt.Sprintf("--api: %v", err)}
	}
	request.SetBasicAuth(f.Project, f.Key)
	response, err := f.client.Do(request)
	if err != nil {
		return nil, false, fmt.Errorf("no merchant API answers at %s; start one with: switchyard dev: %w", f.API, err)
	}
	defer func() { _ = response.Body.Close() }() // it has been read
	var answer struct {
		Message string     `json:"message"`
		Events  []listened `json:"events"`
		HasMore bool       `json:"has_more"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxEventsBody)).Decode(&answer); err != nil {
		return nil, false, fmt.Errorf("what answers at %s is not the merchant API: %w", f.API, err)
	}
	switch {
	case response.StatusCode == http.StatusOK:
		return answer.Events, answer.HasMore, nil
	case response.StatusCode >= http.StatusInternalServerError || response.StatusCode == http.StatusTooManyRequests:
		return nil, false, fmt.Errorf("the merchant API answers %s: %s", response.Status, answer.Message)
	}
	return nil, false, refusal{fmt.Sprintf("the merchant API answers %s: %s", response.Status, answer.Message)}
}
