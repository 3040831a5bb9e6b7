package sims

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// reopenTries × reopenPause is how long a port is waited for that something else has taken meanwhile.
	reopenTries = 200
	reopenPause = 25 * time.Millisecond
)

// door is one address that can be shut, so that connections are refused, and opened again at the same port.
type door struct {
	handler http.Handler
	log     *slog.Logger
	address string

	mu       sync.Mutex
	listener net.Listener // nil while shut
	server   *http.Server
	stopped  bool
	requests int // being answered, by this server or one that was slammed
	idle     *sync.Cond

	loops sync.WaitGroup // accept loops
}

// openDoor binds an address. Connections wait until serve.
func openDoor(address string, handler http.Handler, log *slog.Logger) (*door, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	d := &door{handler: handler, log: log, address: listener.Addr().String(), listener: listener}
	d.idle = sync.NewCond(&d.mu)
	return d, nil
}

// url is the door's base URL. A door on every address is reached on this machine's own.
func (d *door) url() string {
	machine, port, _ := net.SplitHostPort(d.address) // an address of the operating system's making
	if ip := net.ParseIP(machine); ip != nil && ip.IsUnspecified() {
		machine = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(machine, port)
}

// serve begins to answer.
func (d *door) serve() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serveLocked()
}

func (d *door) serveLocked() {
	server := &http.Server{
		Handler:           http.HandlerFunc(d.answer),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	listener := d.listener
	d.server = server
	d.loops.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("simulator stopped listening", "address", d.address, "error", err)
		}
	})
}

func (d *door) answer(w http.ResponseWriter, r *http.Request) {
	d.count(1)
	defer d.count(-1)
	d.handler.ServeHTTP(w, r)
}

func (d *door) count(change int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.requests += change; d.requests == 0 {
		d.idle.Broadcast()
	}
}

// slam shuts the door and drops everybody who is inside.
func (d *door) slam() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		return
	}
	// The listener goes by itself: the server may not have begun to serve it.
	if err := errors.Join(d.server.Close(), ignoreClosed(d.listener.Close())); err != nil {
		d.log.Debug("closing a simulator's listener", "address", d.address, "error", err)
	}
	d.listener = nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// reopen opens a shut door at the address it had.
func (d *door) reopen(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil || d.stopped {
		return nil
	}
	listener, err := rebind(ctx, d.address)
	if err != nil {
		return fmt.Errorf("opening %s again: %w", d.address, err)
	}
	d.listener = listener
	d.serveLocked()
	return nil
}

// rebind binds an address that was free a moment ago. An outgoing connection of this machine may have taken the
// port for its own end, and gives it back.
func rebind(ctx context.Context, address string) (net.Listener, error) {
	pause := time.NewTicker(reopenPause)
	defer pause.Stop()
	for try := 1; ; try++ {
		listener, err := net.Listen("tcp", address)
		if err == nil || try == reopenTries {
			return listener, err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		}
	}
}

// close shuts the door for good: answers under way have until drainFor or ctx, then their connections are dropped.
func (d *door) close(ctx context.Context) error {
	d.mu.Lock()
	d.stopped = true
	server, open := d.server, d.listener != nil
	if open && server == nil {
		_ = d.listener.Close() // bound and never served
	}
	d.listener = nil
	d.mu.Unlock()
	var err error
	if open && server != nil {
		drain, cancel := context.WithTimeout(ctx, drainFor)
		defer cancel()
		if server.Shutdown(drain) != nil {
			err = server.Close()
		}
	}
	d.loops.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.requests > 0 {
		d.idle.Wait()
	}
	return err
}
