package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Times of the program's own listeners.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second  // of a whole request: bodies are small
	writeTimeout      = 120 * time.Second // longer than the longest road of one payment
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10
)

// server is one listener with its handler.
type server struct {
	http     *http.Server
	listener net.Listener
	failed   chan error // gets the error that ended serving, if it was not Stop
}

func listen(address string, h http.Handler, log *slog.Logger) (*server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("app: cannot listen on %s: %w", address, err)
	}
	return &server{
		listener: l,
		failed:   make(chan error, 1),
		http: &http.Server{
			Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
			IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}, nil
}

func (s *server) url() string { return "http://" + s.listener.Addr().String() }

func (s *server) serve() {
	go func() {
		if err := s.http.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
}

// stop takes no new connections and waits for the requests in hand, at most until ctx ends.
func (s *server) stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}
