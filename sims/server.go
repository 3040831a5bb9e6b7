package sims

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"switchyard/sims/challenge"
	"switchyard/sims/fault"
	"switchyard/sims/journal"
	"switchyard/sims/later"
	"switchyard/sims/ledger"
	"switchyard/sims/notify"
	"switchyard/sims/psp"
)

// The streams of the seed that belong to no PSP; the PSPs' follow.
const (
	faultStream = iota
	webhookStream
	firstPSPStream
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	// drainFor is how long a stop waits for answers that are under way. Held connections end at once.
	drainFor = 2 * time.Second
)

// Options say how to run the simulators.
type Options struct {
	// Listen is the control address, such as "127.0.0.1:8090"; port 0 takes a free one. The PSPs listen on ports of the
	// same host.
	Listen string
	// FirstPort is the first PSP's port; the others take the ports after it, in the order of PSPs. 0 takes free ones.
	FirstPort int
	// Seed makes the simulators' choices reproducible; 0 does not.
	Seed int64
	// Logger is told what the simulators cannot tell anybody else; nil is silent.
	Logger *slog.Logger
}

// PSP is one simulated PSP.
type PSP struct {
	Name    string `json:"psp"`
	BaseURL string `json:"base_url"`
}

// Server is the simulators, running.
type Server struct {
	log     *slog.Logger
	ledger  *ledger.Book
	faults  *fault.Table
	later   *later.Queue
	outbox  *notify.Outbox
	counts  *counter
	journal *journal.Book
	control *door
	psps    []*host

	stopping  chan struct{}
	stopOnce  sync.Once
	refusalMu sync.Mutex // one change of who refuses connections at a time
}

// Start binds the control address and a port for each PSP, and serves. The error is that an address cannot be bound.
func Start(o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		log:      o.Logger,
		ledger:   ledger.New(),
		faults:   fault.NewTable(psp.NewRandom(o.Seed, faultStream)),
		later:    later.New(),
		counts:   newCounter(),
		journal:  journal.New(),
		stopping: make(chan struct{}),
	}
	s.outbox = notify.New(s.faults, psp.NewRandom(o.Seed, webhookStream), s.later, s.log)
	if err := s.open(o); err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainFor)
		defer cancel()
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

func (s *Server) open(o Options) error {
	machine, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return fmt.Errorf("simulators' address %q: %w", o.Listen, err)
	}
	for i, m := range makers() {
		h := &host{name: m.name, server: s}
		port := 0
		if o.FirstPort != 0 {
			port = o.FirstPort + i
		}
		if h.door, err = openDoor(net.JoinHostPort(machine, strconv.Itoa(port)), h, s.log); err != nil {
			return fmt.Errorf("simulator of %s: %w", m.name, err)
		}
		random := psp.NewRandom(o.Seed, uint64(firstPSPStream+i))
		h.challenges = challenge.NewDesk(h.door.url(), func() string { return random.Alphanumeric(32) })
		h.sim = m.make(psp.Deps{
			BaseURL:    h.door.url(),
			Ledger:     s.ledger,
			Random:     random,
			Challenges: h.challenges,
			Notify:     func(n psp.Notice) { s.outbox.Send(m.name, n) },
		})
		s.psps = append(s.psps, h)
	}
	// Nobody is served before everything is there to serve.
	for _, h := range s.psps {
		h.door.serve()
	}
	if s.control, err = openDoor(o.Listen, s.controlHandler(), s.log); err != nil {
		return fmt.Errorf("simulators' control address: %w", err)
	}
	s.control.serve()
	return nil
}

// URL is the base URL of the control API, without a trailing slash.
func (s *Server) URL() string { return s.control.url() }

// PSPs returns the simulated PSPs and where each answers.
func (s *Server) PSPs() []PSP {
	out := make([]PSP, len(s.psps))
	for i, h := range s.psps {
		out[i] = PSP{Name: h.name, BaseURL: h.door.url()}
	}
	return out
}

// Charges returns the ledger's rows, oldest first.
func (s *Server) Charges() []ledger.Charge { return s.ledger.Charges() }

// Stop ends everything: held connections and what was put off at once, answers under way after a moment or with
// ctx. It may be called again.
func (s *Server) Stop(ctx context.Context) error {
	var err error
	s.stopOnce.Do(func() {
		close(s.stopping)
		s.later.Stop()
		var wait sync.WaitGroup
		var mu sync.Mutex
		for _, d := range s.doors() {
			wait.Go(func() {
				closing := d.close(ctx)
				mu.Lock()
				defer mu.Unlock()
				err = errors.Join(err, closing)
			})
		}
		wait.Wait()
		s.outbox.Stop()
	})
	return err
}

func (s *Server) doors() []*door {
	var doors []*door
	if s.control != nil {
		doors = append(doors, s.control)
	}
	for _, h := range s.psps {
		doors = append(doors, h.door)
	}
	return doors
}

// host serves one PSP.
type host struct {
	name       string
	server     *Server
	sim        psp.Simulator
	challenges *challenge.Desk
	door       *door
}

// ServeHTTP answers a request to the PSP, or has a fault answer it.
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, challenge.Prefix) { // a payer's browser: no operation of the API
		h.challenges.ServeHTTP(h.noting(w, r, nil, ""), r)
		return
	}
	request, err := psp.ReadRequest(w, r)
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, psp.ErrTooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		psp.Text(status, "text/plain", err.Error()).Write(h.noting(w, r, nil, ""))
		return
	}
	body := request.Body // which Accept lets go of
	call := h.sim.Accept(request)
	h.server.counts.add(h.name, call.Operation)
	w = h.noting(w, r, body, call.Operation)
	f, faulty := h.server.faults.Pick(h.name, call.Operation)
	if !faulty {
		call.Run(psp.Orders{}).Write(w)
		return
	}
	applier := fault.Applier{After: h.server.later.After, Stopping: h.server.stopping}
	applier.Serve(w, r, h.sim, call, f)
}

// noting writes a call down, and its answer's status once there is one.
func (h *host) noting(w http.ResponseWriter, r *http.Request, body []byte, o psp.Operation) http.ResponseWriter {
	return &noting{ResponseWriter: w, answered: h.server.journal.Note(h.name, r, body, string(o))}
}

// noting tells the status of the answer that goes through it, before anybody can have read it.
type noting struct {
	http.ResponseWriter
	answered func(status int)
}

// WriteHeader begins the answer.
func (n *noting) WriteHeader(status int) {
	n.answered(status)
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// applyRefusals closes the PSPs that are to refuse connections and opens those that are not any more.
func (s *Server) applyRefusals(ctx context.Context) error {
	s.refusalMu.Lock()
	defer s.refusalMu.Unlock()
	var err error
	for _, h := range s.psps {
		if s.faults.Refuses(h.name) {
			h.door.slam()
		} else if reopening := h.door.reopen(ctx); reopening != nil {
			err = errors.Join(err, fmt.Errorf("simulator of %s: %w", h.name, reopening))
		}
	}
	return err
}
