package sims_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"switchyard/sims"
	"switchyard/sims/ledger"
)

// patience is how long a test waits for what happens in the background: far longer than it takes on a busy machine, and less than
// the minute for which the simulators hold a request without an answer.
const patience = 30 * time.Second

// bench is a server with a client to drive it.
type bench struct {
	t      *testing.T
	server *sims.Server
	client *http.Client
}

func start(t *testing.T) *bench {
	t.Helper()
	server, err := sims.Start(sims.Options{Listen: "127.0.0.1:0", Seed: 1})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	b := &bench{t: t, server: server, client: &http.Client{
		Timeout:       2 * patience, // a test that hangs says where
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return b
}

// reply is an answer; err says that there was none.
type reply struct {
	status int
	header http.Header
	body   string
	json   any
	err    error
}

// at walks into the JSON by field names and indexes.
func (r reply) at(path ...any) any {
	v := r.json
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

func (r reply) text(path ...any) string {
	text, _ := r.at(path...).(string)
	return text
}

// number is a JSON number as it stands on the wire.
func (r reply) number(path ...any) string {
	n, _ := r.at(path...).(json.Number)
	return n.String()
}

type request struct {
	method, url, user, password string
	header                      map[string]string
	body                        any // encoded as JSON, or a string as it is
}

func (b *bench) send(ctx context.Context, in request) reply {
	b.t.Helper()
	var body io.Reader
	switch v := in.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(v)
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			b.t.Fatalf("encoding a body: %v", err)
		}
		body = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, in.method, in.url, body)
	if err != nil {
		b.t.Fatalf("request: %v", err)
	}
	if in.user != "" {
		r.SetBasicAuth(in.user, in.password)
	}
	for name, value := range in.header {
		r.Header.Set(name, value)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	out := reply{status: answer.StatusCode, header: answer.Header, body: string(text), err: err}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&out.json) != nil {
		out.json = nil
	}
	return out
}

// control calls the control API.
func (b *bench) control(method, path string, body any) reply {
	b.t.Helper()
	return b.send(b.t.Context(), request{method: method, url: b.server.URL() + path, body: body})
}

// abandon makes a call that gets no answer, and gives it up once the fault that was set for it has hit.
func (b *bench) abandon(call func(context.Context) reply) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	answers := make(chan reply, 1)
	go func() { answers <- call(ctx) }()
	eventually(b.t, "the fault hits", func() bool { return b.control("GET", "/_sim/faults", nil).at("faults", 0) == nil })
	cancel()
	if r := <-answers; r.err == nil {
		b.t.Errorf("answered: %d %s", r.status, r.body)
	}
}

type obj map[string]any

// fault sets a fault and insists that it is taken.
func (b *bench) fault(f obj) {
	b.t.Helper()
	if r := b.control("POST", "/_sim/faults", f); r.status != 200 {
		b.t.Fatalf("fault %v: %d %s", f, r.status, r.body)
	}
}

func (b *bench) clearFaults() {
	b.t.Helper()
	if r := b.control("DELETE", "/_sim/faults", nil); r.status != 200 {
		b.t.Fatalf("clearing faults: %d %s", r.status, r.body)
	}
}

func (b *bench) base(name string) string {
	b.t.Helper()
	for _, p := range b.server.PSPs() {
		if p.Name == name {
			return p.BaseURL
		}
	}
	b.t.Fatalf("no PSP %s", name)
	return ""
}

// rows are the ledger's rows of a reference.
func (b *bench) rows(reference string) []ledger.Charge {
	var out []ledger.Charge
	for _, c := range b.server.Charges() {
		if c.Reference == reference {
			out = append(out, c)
		}
	}
	return out
}

// wantRow insists on one row of a reference, as given but for id and time.
func (b *bench) wantRow(reference string, want ledger.Charge) {
	b.t.Helper()
	rows := b.rows(reference)
	if len(rows) != 1 {
		b.t.Fatalf("ledger of %s: %d rows, want 1: %+v", reference, len(rows), rows)
	}
	got := rows[0]
	if got.ID == "" || got.CreatedAt.IsZero() {
		b.t.Errorf("ledger of %s: no id or time: %+v", reference, got)
	}
	want.Reference, want.ID, want.CreatedAt = reference, got.ID, got.CreatedAt
	if got != want {
		b.t.Errorf("ledger of %s:\n got %+v\nwant %+v", reference, got, want)
	}
}

// eventually insists that something becomes true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		}
	}
}

// decide passes or fails a challenge page and returns where it leads.
func (b *bench) decide(page, outcome string) string {
	b.t.Helper()
	if r := b.send(b.t.Context(), request{method: "GET", url: page}); r.status != 200 || !strings.Contains(r.body, `value="authorize"`) {
		b.t.Fatalf("challenge page: %d %s", r.status, r.body)
	}
	r := b.send(b.t.Context(), request{
		method: "POST", url: page, body: url.Values{"outcome": {outcome}}.Encode(),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	if r.status != http.StatusSeeOther && r.status != http.StatusOK {
		b.t.Fatalf("challenge %s: %d %s", outcome, r.status, r.body)
	}
	return r.header.Get("Location")
}
