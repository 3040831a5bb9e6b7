package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"switchyard/crash"
)

// build makes the program with its crash points, in dir. overlay is for planted bugs.
func build(ctx context.Context, dir string, overlay *overlay) (string, error) {
	binary := filepath.Join(dir, "switchyard")
	args := []string{"build", "-tags", "nomsgpack,crash", "-o", binary}
	if overlay != nil {
		binary = filepath.Join(dir, "switchyard-"+overlay.name)
		args = []string{"build", "-tags", "nomsgpack,crash", "-overlay", overlay.file, "-o", binary}
	}
	command := exec.CommandContext(ctx, "go", append(args, "switchyard/cmd/switchyard")...)
	if text, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the program does not build: %w\n%s", err, text)
	}
	return binary, nil
}

// tail keeps the last words of a process.
type tail struct {
	mu   sync.Mutex
	text []byte
	log  io.Writer
}

// kept is more than the line of a death needs, with what was said before it.
const kept = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > 2*kept {
		t.text = append([]byte(nil), t.text[len(t.text)-kept:]...)
	}
	return t.log.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// process is a running program of ours.
type process struct {
	command *exec.Cmd
	last    *tail
	output  *bufio.Reader
	died    chan struct{} // closed when it has ended
	err     error         // of its end
}

// launch starts the program. What it logs is added to a file.
func launch(binary, log string, env []string, args ...string) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	p := &process{command: exec.Command(binary, args...), last: &tail{log: file}, output: bufio.NewReader(read), died: make(chan struct{})} //nolint:noctx // its end is what this program is about
	p.command.Stdout, p.command.Stderr = write, p.last
	p.command.Env = append(append(os.Environ(), "SWITCHYARD_LOG_LEVEL=warn"), env...)
	err = p.command.Start()
	_ = write.Close()
	if err != nil {
		return nil, errors.Join(err, file.Close(), read.Close())
	}
	go func() {
		p.err = p.command.Wait()
		_, _ = file.Close(), read.Close()
		close(p.died)
	}()
	return p, nil
}

// kill ends the process as a loss of power would, and waits for its end.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.died
}

// stop ends the process as a supervisor would.
func (p *process) stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-p.died
	return p.err
}

// killedAt is the point at which the process has killed itself; empty when it was killed from outside.
func (p *process) killedAt() string {
	_, after, found := strings.Cut(p.last.String(), crash.Killed)
	if !found {
		return ""
	}
	point, _, _ := strings.Cut(after, "\n")
	return point
}

// says reads what the process prints up to a line that holds the text, and returns what follows the text in it.
func (p *process) says(text string) (string, error) {
	for {
		line, err := p.output.ReadString('\n')
		if err != nil {
			return "", err
		}
		if _, after, found := strings.Cut(line, text); found {
			return strings.TrimSpace(strings.Split(after, "(")[0]), nil
		}
	}
}

// simulators are the PSPs. They live throughout.
type simulators struct {
	*process
	url     string
	client  *http.Client
	gateway string // where their webhooks go: the gateway's address in all its lives
}

func startSimulators(o options) (*simulators, error) {
	p, err := launch(o.binary, filepath.Join(o.dir, "sims.log"), nil, "sims", "--listen", "127.0.0.1:0", "--seed", fmt.Sprint(o.seed))
	if err != nil {
		return nil, err
	}
	url, err := p.says("control at ")
	if err != nil {
		return nil, fmt.Errorf("the simulators do not start: %w\n%s", err, p.last)
	}
	address, err := freeAddress()
	return &simulators{process: p, url: url, client: &http.Client{}, gateway: address}, err
}

// freeAddress is one that nobody listens at.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// control asks the simulators' control API.
func (s *simulators) control(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if text, err = io.ReadAll(response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("simulators: %s %s: %s %s", method, path, response.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// misbehave sets the faults, in place of those before.
func (s *simulators) misbehave(ctx context.Context, faults []fault) error {
	if err := s.control(ctx, http.MethodDelete, "/_sim/faults", nil, nil); err != nil {
		return err
	}
	for _, f := range faults {
		if err := s.control(ctx, http.MethodPost, "/_sim/faults", f, nil); err != nil {
			return err
		}
	}
	return nil
}

// gateway is one life of the victim.
type gateway struct {
	*process
	url string
}

// portTries × portPause is how long the victim's port is waited for: between two lives an outgoing connection of this machine may
// take it for its own end, and gives it back.
const (
	portTries = 50
	portPause = 100 * time.Millisecond
)

// startGateway starts the victim on its data. It returns nil when it has died before it was ready, as its plan may say.
func startGateway(ctx context.Context, o options, sims *simulators, death string) (g *gateway, p *process, err error) {
	for range portTries {
		g, p, err = tryGateway(ctx, o, sims, death)
		if err == nil || p == nil || !strings.Contains(p.last.String(), syscall.EADDRINUSE.Error()) {
			break
		}
		select {
		case <-time.After(portPause):
		case <-ctx.Done():
			return nil, p, ctx.Err()
		}
	}
	return g, p, err
}

func tryGateway(ctx context.Context, o options, sims *simulators, death string) (*gateway, *process, error) {
	p, err := launch(o.binary, filepath.Join(o.dir, "gateway.log"), []string{crash.Variable + "=" + death},
		"dev", "--listen", sims.gateway, "--ops-listen", "127.0.0.1:0", "--sims-url", sims.url, "--data", filepath.Join(o.dir, "data"))
	if err != nil {
		return nil, nil, err
	}
	url, err := p.says("merchant API")
	if err == nil {
		err = ready(ctx, sims.client, url)
	}
	if err == nil {
		return &gateway{p, url}, p, nil
	}
	if p.kill(); p.killedAt() != "" {
		return nil, p, nil
	}
	return nil, p, fmt.Errorf("the gateway does not start: %w\n%s", err, p.last)
}

func ready(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /readyz: %s", response.Status)
	}
	return nil
}
