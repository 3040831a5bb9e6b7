package api

import (
	"context"
	"slices"
	"strconv"
	"time"

	"switchyard/payments"
)

// Webhooks tells merchants about events. Whatever changes an endpoint answers with a snapshot of it; NewestSecret opens the
// secret of one that was just made or given a new one.
type Webhooks interface {
	CheckURL(url string) error
	Endpoint(ctx context.Context, projectID, id string) (payments.WebhookEndpoint, error)
	CreateEndpoint(ctx context.Context, e payments.WebhookEndpoint, claim *payments.ClaimRequest) (payments.Snapshot, error)
	UpdateEndpoint(ctx context.Context, projectID, id string, edit func(*payments.WebhookEndpoint) error, claim *payments.ClaimRequest) (payments.Snapshot, error)
	DeleteEndpoint(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, error)
	EnableEndpoint(ctx context.Context, projectID, id string, claim *payments.ClaimRequest) (payments.Snapshot, error)
	RotateSecret(ctx context.Context, projectID, id string, overlap time.Duration, claim *payments.ClaimRequest) (payments.Snapshot, error)
	NewestSecret(ctx context.Context, e *payments.WebhookEndpoint) (payments.Secret, error)

	ReplayEvent(ctx context.Context, projectID, eventID, endpointID string, claim *payments.ClaimRequest) (payments.Snapshot, error)
	ReplayRange(ctx context.Context, projectID, endpointID string, since, until time.Time, claim *payments.ClaimRequest) (payments.Snapshot, error)
}

// How long a secret that was replaced goes on signing.
const (
	defaultOverlap = 24 * time.Hour
	maxOverlap     = 7 * 24 * time.Hour
)

func (s *server) listWebhookEndpoints(c *call) (reply, error) {
	found, err := s.Reads.WebhookEndpoints(c.ctx, c.project.ID, c.options.page)
	if err != nil {
		return reply{}, badCursor(err)
	}
	v := c.reading(payments.Snapshot{})
	return showing(v, func(w *writer) {
		page(w, "webhook_endpoints", c.options, found, func(one *payments.WebhookEndpoint) { v.webhookEndpoint(w, one, v.expand) })
	}), nil
}

func (s *server) createWebhookEndpoint(c *call) (reply, error) {
	e := payments.WebhookEndpoint{ProjectID: c.project.ID, Sandbox: c.project.Sandbox, Enabled: true}
	if !c.fields.has("url") {
		c.fields.fault(payments.CodeInvalidURL, "url", "This field is needed: the https URL that webhooks are sent to.")
	}
	if err := editWebhookEndpoint(c.fields, &e); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Webhooks.CreateEndpoint(c.ctx, e, claim)
		},
		show: showNewSecret,
	})
}

func (s *server) getWebhookEndpoint(c *call) (reply, error) {
	e, err := s.Webhooks.Endpoint(c.ctx, c.project.ID, c.param("endpoint"))
	if err != nil {
		return reply{}, err
	}
	v := c.reading(payments.Snapshot{Endpoint: &e})
	return showing(v, func(w *writer) { showWebhookEndpoint(w, v) }), nil
}

// updateWebhookEndpoint changes what was given and leaves the rest.
func (s *server) updateWebhookEndpoint(c *call) (reply, error) {
	if err := editWebhookEndpoint(c.fields, &payments.WebhookEndpoint{}); err != nil { // on the request's account, not the endpoint's
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Webhooks.UpdateEndpoint(c.ctx, c.project.ID, c.param("endpoint"), func(e *payments.WebhookEndpoint) error {
				return editWebhookEndpoint(c.fields, e)
			}, claim)
		},
		show: showWebhookEndpoint,
	})
}

func (s *server) deleteWebhookEndpoint(c *call) (reply, error) {
	return s.once(c, mutation{do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return s.Webhooks.DeleteEndpoint(c.ctx, c.project.ID, c.param("endpoint"), claim)
	}})
}

func (s *server) enableWebhookEndpoint(c *call) (reply, error) {
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Webhooks.EnableEndpoint(c.ctx, c.project.ID, c.param("endpoint"), claim)
		},
		show: showWebhookEndpoint,
	})
}

func (s *server) rotateWebhookSecret(c *call) (reply, error) {
	const field = "old_secret_expires_in"
	overlap := defaultOverlap
	if c.fields.has(field) {
		seconds := c.fields.number(field, payments.CodeValidation)
		if seconds < 0 || seconds > int(maxOverlap/time.Second) {
			c.fields.fault(payments.CodeValidation, field, "This field must be a number of seconds from 0 to "+strconv.Itoa(int(maxOverlap/time.Second))+".")
		}
		overlap = time.Duration(seconds) * time.Second
	}
	if err := c.fields.faults.err(); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{
		do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
			return s.Webhooks.RotateSecret(c.ctx, c.project.ID, c.param("endpoint"), overlap, claim)
		},
		show: showNewSecret,
	})
}

func (s *server) replayToEndpoint(c *call) (reply, error) {
	var since, until time.Time
	c.fields.setTime(&since, "since")
	c.fields.setTime(&until, "until")
	for name, at := range map[string]time.Time{"since": since, "until": until} {
		if at.IsZero() && c.fields.faults.err() == nil {
			c.fields.fault(payments.CodeInvalidDate, name, "since and until are needed: the events fired from the one to the other are sent again.")
		}
	}
	if err := c.fields.faults.err(); err != nil {
		return reply{}, err
	}
	return s.once(c, mutation{do: func(claim *payments.ClaimRequest) (payments.Snapshot, error) {
		return s.Webhooks.ReplayRange(c.ctx, c.project.ID, c.param("endpoint"), since, until, claim)
	}})
}

// editWebhookEndpoint puts the given fields over an endpoint's.
func editWebhookEndpoint(f fields, e *payments.WebhookEndpoint) error {
	f.setHook(&e.URL, "url")
	if f.has("url") && f.values["url"] == "" {
		f.fault(payments.CodeInvalidURL, "url", "This field must not be empty.")
	}
	f.setText(&e.Description, "description", textRule{max: maxDescription, code: payments.CodeInvalidDescription})
	f.setFlag(&e.Enabled, "enabled")
	const whitelist = "events_whitelist"
	if f.has(whitelist) {
		known := payments.EventNames()
		e.Events = nil
		for _, name := range f.texts(whitelist) {
			if !slices.Contains(known, name) {
				f.fault(payments.CodeValidation, whitelist, "This field must be a list of names of events, such as transaction.captured; an empty one stands for all.")
				break
			}
			if !slices.Contains(e.Events, name) {
				e.Events = append(e.Events, name)
			}
		}
	}
	return f.faults.err()
}

// checkHook says whether webhooks may be sent to a URL.
func (s *server) checkHook(url string) error { return s.Webhooks.CheckURL(url) }

func showWebhookEndpoint(w *writer, v *view) {
	object(w, "webhook_endpoint", v.snapshot.Endpoint, v.webhookEndpoint, v.expand)
}

// showNewSecret shows an endpoint with its secret: this once, and when the same request is repeated.
func showNewSecret(w *writer, v *view) {
	secret, err := v.s.Webhooks.NewestSecret(v.ctx, v.snapshot.Endpoint)
	v.err = firstOf(v.err, err)
	object(w, "webhook_endpoint", v.snapshot.Endpoint, func(w *writer, o *payments.WebhookEndpoint, e expansion) {
		w.open()
		v.webhookEndpointFields(w, o, e)
		w.full("secret", secret.Reveal())
		w.close()
	}, v.expand)
}

// webhookEndpoint writes an endpoint.
func (v *view) webhookEndpoint(w *writer, o *payments.WebhookEndpoint, e expansion) {
	w.open()
	v.webhookEndpointFields(w, o, e)
	w.close()
}

func (v *view) webhookEndpointFields(w *writer, o *payments.WebhookEndpoint, e expansion) {
	w.full("id", o.ID)
	v.ofProject(w, e)
	w.full("url", o.URL)
	w.text("description", o.Description)
	w.name("events_whitelist")
	w.openList()
	for _, name := range o.Events {
		w.value(name)
	}
	w.closeList()
	w.flag("enabled", o.Enabled)
	w.text("disabled_reason", o.DisabledReason)
	w.at("disabled_at", o.DisabledAt)
	w.flag("sandbox", o.Sandbox)
	w.at("created_at", o.CreatedAt)
}

// webhook writes one try to deliver an event.
func (v *view) webhook(w *writer, d *payments.Delivery, ev *payments.Event, e expansion) {
	w.open()
	w.full("id", d.ID)
	v.ofProject(w, e)
	sub(w, e, "event", func() *payments.Event { return ev }, v.event)
	w.full("event_id", d.EventID)
	w.text("webhook_endpoint_id", d.EndpointID)
	w.number("attempt", d.Try)
	w.full("request_url", d.URL)
	w.full("request_method", "POST")
	if r := d.Response; r != nil {
		w.text("response_body", r.Body)
		code := ""
		if r.Status != 0 {
			code = strconv.Itoa(r.Status)
		}
		w.text("response_code", code)
		w.text("response_headers", r.Header)
		w.number("response_time_ms", int(r.Duration.Milliseconds()))
	} else {
		w.null("response_body", "response_code", "response_headers", "response_time_ms")
	}
	w.full("status", string(d.State))
	w.at("created_at", d.CreatedAt)
	w.at("release_at", d.RunAt)
	w.close()
}
