// Package program tests the built program from outside: as a newcomer who follows the README, and as a merchant over HTTP.
package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "switchyard-program-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "switchyard")
	build := exec.Command("go", "build", "-o", binary, "switchyard/cmd/switchyard")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(fmt.Sprintf("the program does not build: %v", err))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running switchyard.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *output
	ended  chan error    // gets the end, once
	gone   chan struct{} // closed when it has ended
	data   string
	api    string
	ops    string
	sims   string
	heard  func(path string, a answer) // is told what the merchant API answers, if a test listens
}

// output collects what the process prints, and lets a test wait for a line of it.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var urls = regexp.MustCompile(`(merchant API|operators|simulated PSPs)\s+(http://\S+)`)

// startDev runs `switchyard dev` on free ports.
func startDev(t *testing.T, data string, more ...string) *process {
	t.Helper()
	args := append([]string{"dev", "--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--sims-listen", "127.0.0.1:0", "--data", data}, more...)
	p := launch(t, args...)
	p.data = data
	deadline := time.After(patience)
	for {
		found := map[string]string{}
		for _, m := range urls.FindAllStringSubmatch(p.output.String(), -1) {
			found[m[1]] = m[2]
		}
		if len(found) == 3 {
			p.api, p.ops, p.sims = found["merchant API"], found["operators"], found["simulated PSPs"]
			return p
		}
		select {
		case <-p.output.wrote:
		case err := <-p.ended:
			t.Fatalf("dev ended: %v\n%s", err, p.output)
		case <-deadline:
			t.Fatalf("dev is not ready:\n%s", p.output)
		}
	}
}

func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), output: &output{wrote: make(chan struct{}, 1)}, ended: make(chan error, 1), gone: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.ended <- p.cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.gone // or it may write to its directory while that is removed
		if t.Failed() {
			text := p.output.String()
			t.Logf("the program's last words:\n%s", text[max(0, len(text)-4000):])
		}
	})
	return p
}

// exitCode waits for the end of the process.
func (p *process) exitCode() int {
	p.t.Helper()
	select {
	case err := <-p.ended:
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return exit.ExitCode()
		}
		if err != nil {
			p.t.Fatal(err)
		}
		return 0
	case <-time.After(patience):
		p.t.Fatalf("still running:\n%s", p.output)
		return -1
	}
}

func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	return p.exitCode()
}

// answer is an HTTP answer with its JSON.
type answer struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

// get follows a path of names into the JSON.
func (a answer) get(path ...string) any {
	var v any = a.json
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func (a answer) text1(path ...string) string {
	s, _ := a.get(path...).(string)
	return s
}

const (
	projectID = "test-proj_dev"
	key       = "key_sandbox_dev"
)

// call asks the merchant API with the project's key.
func (p *process) call(method, path string, body any, header ...string) answer {
	p.t.Helper()
	return p.callAs(projectID, key, method, path, body, header...)
}

func (p *process) callAs(user, password, method, path string, body any, header ...string) answer {
	p.t.Helper()
	a, err := ask(p.t.Context(), user, password, method, p.api+path, body, header...)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.heard != nil {
		p.heard(path, a)
	}
	return a
}

func ask(ctx context.Context, user, password, method, address string, body any, header ...string) (answer, error) {
	var reader io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case url.Values:
		reader, contentType = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return answer{}, err
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	r.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.json) // an answer that is no JSON has an empty object
	return a, nil
}

type object = map[string]any

func (p *process) sim(method, path string, body any) answer {
	p.t.Helper()
	a, err := ask(p.t.Context(), "", "", method, p.sims+path, body)
	if err != nil || a.status >= 300 {
		p.t.Fatalf("%s %s: %v %s", method, path, err, a.text)
	}
	return a
}

func (p *process) card(number string) string {
	p.t.Helper()
	a := p.callAs(projectID, "", "POST", "/cards", object{"name": "Ada Lovelace", "number": number, "exp_month": "12", "exp_year": "2031", "cvc2": "123"})
	return a.text1("card", "id")
}

func (p *process) invoice(amount, currency string) string {
	p.t.Helper()
	a := p.call("POST", "/invoices", object{"name": "Order", "amount": amount, "currency": currency})
	return a.text1("invoice", "id")
}

func (p *process) ledger() []any {
	p.t.Helper()
	charges, _ := p.sim("GET", "/_sim/ledger", nil).get("charges").([]any)
	return charges
}
