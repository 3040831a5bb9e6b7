package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard/payments"
	"switchyard/projects"
	"switchyard/tokens"
	"switchyard/vault"
	"switchyard/webhooks"
)

const (
	projectID  = "test-proj_one"
	projectKey = "key_sandbox_one"
	otherID    = "test-proj_two"
	otherKey   = "key_sandbox_two"
	goodCard   = "4242424242424242"
)

// noon is when the tests happen.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 123_000_000, time.UTC)

// world is an API with everything behind it but the PSPs.
type world struct {
	t      testing.TB
	store  *memory
	engine *fakeEngine
	api    http.Handler
	log    *logBuffer
	now    *clock
}

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// lines returns the log's records.
func (b *logBuffer) lines(t testing.TB) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(b.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		lines = append(lines, record)
	}
	return lines
}

// issuerOf knows one issuer.
func issuerOf(digits string) payments.IssuerFacts {
	if !strings.HasPrefix(digits, "510510") {
		return payments.IssuerFacts{}
	}
	return payments.IssuerFacts{Country: "GB", Funding: "prepaid", Bank: "Bank of Kent", Product: "classic"}
}

// newWorld builds an API; change may change its options.
func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, store: newMemory(), log: &logBuffer{}, now: &clock{at: noon}}
	w.engine = &fakeEngine{store: w.store, now: w.now.Now, action: &payments.CustomerAction{Type: "redirect", Value: "https://psp.example/3ds"}}
	keys, err := vault.LocalKeys("k1", map[string]payments.Secret{"k1": payments.NewSecret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))})
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(vault.Options{Store: w.store, Keys: keys, FingerprintKey: payments.NewSecret(strings.Repeat("f", 32)), Now: w.now.Now, Issuers: issuerOf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	gateways := []GatewayInfo{
		{ID: gatewayID, PSP: "paymongo", DisplayName: "PayMongo", URL: "https://www.paymongo.com", Name: "Main", Currency: "PHP", Enabled: true, CreatedAt: noon},
		{ID: "gway_conf_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", PSP: "xendit", DisplayName: "Xendit", Name: "Spare", CreatedAt: noon},
		{ID: "gway_conf_cccccccccccccccccccccccccccccccc", ProjectID: otherID, PSP: "dojo", Name: "Theirs", Enabled: true, CreatedAt: noon},
	}
	var known []tokens.GatewayInfo
	for _, g := range gateways {
		known = append(known, tokens.GatewayInfo{ID: g.ID, ProjectID: g.ProjectID, PSP: g.PSP, Name: g.Name})
	}
	service := tokens.New(tokens.Options{Store: w.store, Vault: v, Gateways: known, Now: w.now.Now})
	t.Cleanup(service.Close)
	registry, err := projects.New([]projects.Entry{
		{Project: payments.Project{ID: projectID, Name: "One", Email: "one@example.com", DefaultCurrency: "PHP", Sandbox: true, CreatedAt: noon}, Keys: []payments.Secret{payments.NewSecret(projectKey)}},
		{Project: payments.Project{ID: otherID, Name: "Two", Sandbox: true, CreatedAt: noon}, Keys: []payments.Secret{payments.NewSecret(otherKey)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Webhooks: webhooks.New(webhooks.Options{Store: w.store, Sealer: v, Now: w.now.Now}),
		Engine:   w.engine, Tokens: service, Vault: v, Projects: registry, Reads: w.store, Gateways: gateways,
		IdempotencyKey: payments.NewSecret("idempotency"), Now: w.now.Now,
		Logger: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&o)
	}
	w.api = New(o)
	return w
}

// ask is a request in the making.
type ask struct {
	method, path string
	body         any // string: as it is; url.Values: a form; nil: none; anything else: JSON
	user         string
	key          string
	header       map[string]string
	anonymous    bool
}

// got is an answer.
type got struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (w *world) do(a ask) got {
	w.t.Helper()
	var body io.Reader
	kind := ""
	switch b := a.body.(type) {
	case nil:
	case string:
		body, kind = strings.NewReader(b), "application/json"
	case url.Values:
		body, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		data, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		body, kind = bytes.NewReader(data), "application/json"
	}
	r := httptest.NewRequest(a.method, a.path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if !a.anonymous {
		r.SetBasicAuth(a.user, a.key)
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) got {
	w.t.Helper()
	out := httptest.NewRecorder()
	w.api.ServeHTTP(out, r)
	g := got{status: out.Code, header: out.Header(), body: out.Body.String()}
	if g.body != "" {
		if err := json.Unmarshal([]byte(g.body), &g.json); err != nil {
			w.t.Fatalf("%s %s: the answer is not JSON: %v\n%s", r.Method, r.URL, err, g.body)
		}
		checkAgainstDocument(w.t, r, g)
	}
	if g.header.Get("X-Request-Id") == "" {
		w.t.Errorf("%s %s: no X-Request-Id", r.Method, r.URL)
	}
	return g
}

// private and public call with the project's two kinds of credentials.
func (w *world) private(method, path string, body any, header ...string) got {
	w.t.Helper()
	return w.do(ask{method: method, path: path, body: body, user: projectID, key: projectKey, header: pairs(header)})
}

func (w *world) public(method, path string, body any, header ...string) got {
	w.t.Helper()
	return w.do(ask{method: method, path: path, body: body, user: projectID, header: pairs(header)})
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

// at follows a path into the answer: names of members and numbers of elements.
func (g got) at(path ...any) any {
	var v any = g.json
	for _, p := range path {
		switch p := p.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[p]
		case int:
			items, _ := v.([]any)
			if p >= len(items) {
				return nil
			}
			v = items[p]
		}
	}
	return v
}

func (g got) text(path ...any) string {
	text, _ := g.at(path...).(string)
	return text
}

// ok fails the test unless the call succeeded.
func (g got) ok(t testing.TB) got {
	t.Helper()
	if g.status != http.StatusOK || g.at("success") != true {
		t.Fatalf("not a success: %d %s", g.status, g.body)
	}
	return g
}

// fails fails the test unless the call failed as said.
func (g got) fails(t testing.TB, status int, code string) got {
	t.Helper()
	if g.status != status || g.at("success") != false || g.text("error_type") != code || g.text("message") == "" {
		t.Fatalf("want %d %s, got %d %s", status, code, g.status, g.body)
	}
	return g
}

// Things that most tests need.

func (w *world) customer() string {
	w.t.Helper()
	return w.private("POST", "/customers", map[string]any{"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "currency": "PHP"}).ok(w.t).text("customer", "id")
}

func (w *world) card() string {
	w.t.Helper()
	return w.public("POST", "/cards", cardBody(goodCard)).ok(w.t).text("card", "id")
}

func cardBody(number string) map[string]any {
	return map[string]any{"name": "Ada Lovelace", "number": number, "exp_month": "12", "exp_year": "2031", "cvc2": "123"}
}

func (w *world) token(customer string, fields map[string]any) got {
	w.t.Helper()
	return w.private("POST", "/customers/"+customer+"/tokens", fields)
}

func (w *world) invoice(fields ...map[string]any) got {
	w.t.Helper()
	body := map[string]any{"name": "Order 1", "amount": "100.00", "currency": "PHP"}
	for _, f := range fields {
		maps.Copy(body, f)
	}
	return w.private("POST", "/invoices", body).ok(w.t)
}

// paid is an invoice that was paid in one step.
func (w *world) paid() got {
	w.t.Helper()
	return w.private("POST", fmt.Sprintf("/invoices/%s/capture", w.invoice().text("invoice", "id")), map[string]any{"source": w.card()}).ok(w.t)
}
