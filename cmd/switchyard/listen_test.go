package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"switchyard/config"
)

// console is what a command writes; lines can be waited for.
type console struct {
	mu   sync.Mutex
	cond *sync.Cond
	text bytes.Buffer
}

func newConsole() *console {
	c := &console{}
	c.cond = sync.NewCond(&c.mu)
	return c
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cond.Broadcast()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// await waits until the pattern is there and returns its first group. The test's own deadline ends a wait in vain.
func (c *console) await(t *testing.T, pattern string) string {
	t.Helper()
	stop := context.AfterFunc(t.Context(), c.cond.Broadcast)
	defer stop()
	find := regexp.MustCompile(pattern)
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if found := find.FindStringSubmatch(c.text.String()); found != nil {
			return found[len(found)-1]
		}
		if t.Context().Err() != nil {
			t.Fatalf("%s is not in\n%s", pattern, c.text.String())
		}
		c.cond.Wait()
	}
}

// command runs a command line until the returned function stops it, which returns its exit code.
func command(t *testing.T, args ...string) (out, errs *console, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	env := environment{ctx: ctx, stdout: newConsole(), stderr: newConsole()}
	code := make(chan int, 1)
	go func() { code <- run(env, args) }()
	end := sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { end() })
	return env.stdout.(*console), env.stderr.(*console), end
}

// webhook is what a merchant's server gets.
type webhook struct {
	header http.Header
	body   []byte
	id     string
	event  string
}

func merchant(t *testing.T) (string, <-chan webhook) {
	t.Helper()
	got := make(chan webhook, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var body struct {
			ID   string `json:"event_id"`
			Type string `json:"event_type"`
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Error(err)
		}
		got <- webhook{header: r.Header.Clone(), body: raw, id: body.ID, event: body.Type}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/webhooks", got
}

func (w webhook) verify(t *testing.T, secret string) {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := wh.Verify(w.body, w.header); err != nil {
		t.Errorf("%s: %v", w.event, err)
	}
}

func call(t *testing.T, method, url string, body any) map[string]any {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(config.DevProjectID, config.DevAPIKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %v (%v)", method, url, response.Status, answer, err)
	}
	return answer
}

// The whole program: an event of dev reaches an endpoint, the URL that a token names, and what listens, each signed with its
// own secret; the delivery is shown.
func TestEventsReachTheMerchant(t *testing.T) {
	t.Parallel()
	out, _, stopDev := command(t, "dev", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--sims-listen", "127.0.0.1:0", "--data", t.TempDir())
	api := out.await(t, `merchant API\s+(http://\S+)`)
	call(t, "POST", api+"/customers", map[string]any{"first_name": "Before"})

	local, listened := merchant(t)
	listening, _, stopListen := command(t, "listen", "--forward-to", local, "--api", api, "--every", "20ms")
	secret := listening.await(t, `(whsec_\S+)`)
	hook, delivered := merchant(t)
	endpoint := call(t, "POST", api+"/webhook-endpoints", map[string]any{"url": hook})["webhook_endpoint"].(map[string]any)
	own, named := merchant(t)

	customer := call(t, "POST", api+"/customers", map[string]any{"first_name": "Ada"})["customer"].(map[string]any)
	call(t, "POST", api+"/customers/"+customer["id"].(string)+"/tokens", map[string]any{"webhook_url": own})
	for _, event := range []string{"customer.created", "customer.token.created"} {
		got := <-listened
		if got.event != event || got.header.Get("webhook-id") != got.id {
			t.Errorf("listen posts %s, want %s", got.event, event)
		}
		got.verify(t, secret)
		listening.await(t, event+`\s+`+got.id+`\s+(202 Accepted)`)
		got = <-delivered // of two subjects, and still in order: the second was fired after the first was answered
		got.verify(t, endpoint["secret"].(string))
	}
	got := <-named
	got.verify(t, config.DevSigningSecret)
	if got.event != "customer.token.created" {
		t.Errorf("the token's own URL gets %s", got.event)
	}
	if code := stopListen(); code != exitClean {
		t.Errorf("listen ends with %d", code)
	}
	if strings.Contains(listening.String(), "Before") || strings.Count(listening.String(), "customer.created") != 1 {
		t.Errorf("what happened before is not posted:\n%s", listening)
	}
	if code := stopDev(); code != exitClean {
		t.Errorf("dev ends with %d", code)
	}
}

// fakeAPI answers the calls of listen from a script, the last answer for ever, and says what it was asked.
func fakeAPI(t *testing.T, answers ...string) (string, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n := len(asked)
		asked = append(asked, r.URL.RawQuery)
		mu.Unlock()
		user, key, _ := r.BasicAuth()
		if user != "test-proj_dev" || key != "key_sandbox_dev" {
			t.Errorf("asked as %s with %s", user, key)
		}
		status, body, _ := strings.Cut(answers[min(n, len(answers)-1)], " ")
		var code int
		if _, err := fmt.Sscan(status, &code); err != nil {
			t.Error(err)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string { mu.Lock(); defer mu.Unlock(); return asked }
}

func TestListenPages(t *testing.T) {
	t.Parallel()
	event := func(id string) string { return `{"id":"` + id + `","name":"customer.created","sandbox":true}` }
	api, asked := fakeAPI(t,
		`200 {"events":[]}`,
		`200 {"events":[`+event("ev_1")+`,`+event("ev_2")+`],"has_more":true}`,
		`200 {"events":[`+event("ev_3")+`]}`,
		`503 {"message":"later"}`,
		`200 {"events":[]}`,
		`200 {"events":[`+event("ev_4")+`]}`,
		`200 {"events":[]}`,
	)
	local, got := merchant(t)
	out, errs, stop := command(t, "listen", "--forward-to", local, "--api", api+"/", "--every", "1ms")
	for _, id := range []string{"ev_1", "ev_2", "ev_3", "ev_4"} {
		if one := <-got; one.id != id {
			t.Errorf("%s, want %s", one.id, id)
		}
	}
	out.await(t, "ev_4")
	if code := stop(); code != exitClean || !strings.Contains(errs.String(), "503") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	want := []string{"limit=1", "limit=100&order=asc", "limit=100&order=asc&start_after=ev_2", "limit=100&order=asc&start_after=ev_3", "limit=100&order=asc&start_after=ev_3"}
	if first := asked()[:len(want)]; fmt.Sprint(first) != fmt.Sprint(want) {
		t.Errorf("asked %v, want %v", first, want)
	}
}

// A local server that is not there is said, and the next event is tried all the same.
func TestListenWithoutAServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	api, _ := fakeAPI(t, `200 {"events":[]}`, `200 {"events":[{"id":"ev_1","name":"a","sandbox":true},{"id":"ev_2","name":"b","sandbox":true}]}`, `200 {"events":[]}`)
	out, _, stop := command(t, "listen", "--forward-to", server.URL, "--api", api)
	out.await(t, `(ev_1)\s+no answer`)
	out.await(t, `(ev_2)\s+no answer`)
	if code := stop(); code != exitClean {
		t.Errorf("exit code %d", code)
	}
}

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	wrongKey, _ := fakeAPI(t, `401 {"message":"who are you"}`)
	live, _ := fakeAPI(t, `200 {"events":[]}`, `200 {"events":[{"id":"ev_1","name":"a","sandbox":false}]}`)
	other, _ := fakeAPI(t, `200 hello`)
	gone := httptest.NewServer(nil)
	gone.Close()
	local, got := merchant(t)
	for name, tc := range map[string]struct {
		args []string
		code int
		text string
	}{
		"a live project":       {[]string{"--forward-to", local, "--project", "proj_acme"}, exitUsage, "sandbox projects"},
		"nowhere to go":        {nil, exitUsage, "--forward-to"},
		"no URL":               {[]string{"--forward-to", "localhost:3000"}, exitUsage, "http or https URL"},
		"a wrong key":          {[]string{"--forward-to", local, "--api", wrongKey}, exitFailure, "who are you"},
		"live events":          {[]string{"--forward-to", local, "--api", live}, exitFailure, "live"},
		"no API":               {[]string{"--forward-to", local, "--api", gone.URL}, exitFailure, "switchyard dev"},
		"something else":       {[]string{"--forward-to", local, "--api", other}, exitFailure, "not the merchant API"},
		"an address of no API": {[]string{"--forward-to", local, "--api", "http://%zz"}, exitUsage, "--api"},
	} {
		var errs bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		code := run(environment{ctx: ctx, stdout: io.Discard, stderr: &errs}, append([]string{"listen"}, tc.args...))
		cancel()
		if code != tc.code || !strings.Contains(errs.String(), tc.text) {
			t.Errorf("%s: exit code %d, %s", name, code, errs.String())
		}
	}
	if len(got) != 0 {
		t.Error("something was forwarded")
	}
}

// The defaults fit switchyard dev.
func TestListenDefaults(t *testing.T) {
	t.Parallel()
	api, asked := fakeAPI(t, `401 {"message":"enough"}`) // which checks project and key
	_ = run(environment{ctx: t.Context(), stdout: io.Discard, stderr: io.Discard}, []string{"listen", "--forward-to", "http://127.0.0.1:1/", "--api", api})
	if len(asked()) != 1 || config.DevProjectID != "test-proj_dev" || config.DevAPIKey != "key_sandbox_dev" {
		t.Errorf("asked %v as %s", asked(), config.DevProjectID)
	}
}
