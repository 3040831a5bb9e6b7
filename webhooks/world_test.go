package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"switchyard/payments"
	"switchyard/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const project = "test-proj_one"

// plainSealer keeps texts readable and bound to their record.
type plainSealer struct{}

func (plainSealer) SealText(_ context.Context, projectID, recordID, text string) ([]byte, error) {
	return []byte(projectID + "/" + recordID + "/" + text), nil
}

func (plainSealer) OpenText(_ context.Context, projectID, recordID string, sealed []byte) (string, error) {
	text, ok := strings.CutPrefix(string(sealed), projectID+"/"+recordID+"/")
	if !ok {
		return "", errors.New("sealed for another record")
	}
	return text, nil
}

// network is an internet of hosts by name, in memory, so that time in a bubble can pass.
type network struct {
	mu    sync.Mutex
	hosts map[string]*host
}

// host is an endpoint's server.
type host struct {
	conns  chan net.Conn
	closed chan struct{}
	server *http.Server
}

func (h *host) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}
func (h *host) Close() error   { return nil }
func (h *host) Addr() net.Addr { return &net.TCPAddr{} }

// serve puts a host into the network.
func (n *network) serve(name string, handler http.HandlerFunc) {
	h := &host{conns: make(chan net.Conn), closed: make(chan struct{}), server: &http.Server{Handler: handler}}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name+":443"] = h
	go func() { _ = h.server.Serve(h) }()
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	h := n.hosts[address]
	n.mu.Unlock()
	if h == nil {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
	}
	ours, theirs := net.Pipe()
	select {
	case h.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is a store, a network, and the service between them.
type world struct {
	t         *testing.T
	store     *sqlite.Store
	network   *network
	transport *http.Transport
	service   *Service
	life      *life
	limits    Limits
	events    int
}

// newWorld must be called in a bubble.
func newWorld(t *testing.T, limits Limits) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "test.db"), Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	n := &network{hosts: map[string]*host{}}
	// A connection that DialTLS returns counts as past its handshake.
	w := &world{t: t, store: store, network: n, transport: &http.Transport{DialTLSContext: n.dial}, limits: limits}
	w.start()
	return w
}

// life is the store as one process sees it, until the process is dead.
type life struct {
	*sqlite.Store
	dead     atomic.Bool
	loseEnds atomic.Int64 // so many ends of tries are not written
}

var errDead = errors.New("the process is dead")

func (l *life) Apply(ctx context.Context, c payments.Change) error {
	if len(c.Ended) > 0 && l.loseEnds.Add(-1) >= 0 || l.dead.Load() {
		return errDead
	}
	return l.Store.Apply(ctx, c)
}

func (l *life) LeaseDeliveries(ctx context.Context, lease payments.DeliveryLease) ([]payments.Delivery, error) {
	if l.dead.Load() {
		return nil, errDead
	}
	return l.Store.LeaseDeliveries(ctx, lease)
}

func (w *world) start() {
	w.life = &life{Store: w.store}
	w.service = New(Options{
		Store: w.life, Sealer: plainSealer{}, Transport: w.transport, Limits: w.limits,
		Secrets: map[string]payments.Secret{project: projectSecret},
	})
	w.service.Start()
}

var projectSecret = payments.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

// crash ends the process without a word: what it holds stays leased, and what it has heard is forgotten.
func (w *world) crash() {
	w.life.dead.Store(true)
	w.stop()
	w.start()
}

// lapse lets time go by, and what is due at its last moment end: whoever sleeps for as long may be woken first.
func (w *world) lapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) stop() {
	w.t.Helper()
	if err := w.service.Stop(context.Background()); err != nil {
		w.t.Errorf("Stop: %v", err)
	}
}

func (w *world) close() {
	w.t.Helper()
	w.stop()
	w.transport.CloseIdleConnections()
	for _, h := range w.network.hosts {
		close(h.closed)
		_ = h.server.Close()
	}
	if err := w.store.Close(); err != nil {
		w.t.Errorf("Close: %v", err)
	}
}

func (w *world) apply(c payments.Change) {
	w.t.Helper()
	if err := w.store.Apply(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
	w.service.Wake()
}

// endpoint makes an endpoint at a host and returns it with its secret.
func (w *world) endpoint(host string, events ...string) (payments.WebhookEndpoint, payments.Secret) {
	w.t.Helper()
	e := payments.WebhookEndpoint{ProjectID: project, URL: "https://" + host + "/hook", Events: events, Enabled: true, Sandbox: true}
	snapshot, err := w.service.CreateEndpoint(w.t.Context(), e, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	secret, err := w.service.NewestSecret(w.t.Context(), snapshot.Endpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	return *snapshot.Endpoint, secret
}

func (w *world) stored(e payments.WebhookEndpoint) payments.WebhookEndpoint {
	w.t.Helper()
	now, err := w.store.WebhookEndpoint(w.t.Context(), project, e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return now
}

// event is the n-th event about a subject. Its id tells both, and its time: the clock of payments.NewID is shared by all bubbles.
func event(subject, n int) payments.Event {
	token := &payments.Token{ProjectID: project, ID: fmt.Sprint("tok_", subject)}
	return payments.Event{
		ProjectID: project, ID: fmt.Sprintf("%s%022d_%d_%d", payments.EventIDAt(time.Now()), n, subject, n), Name: payments.EventTokenUpdated,
		Snapshot: payments.Snapshot{Token: token}, FiredAt: time.Now().UTC(),
	}
}

// fire makes an event about a subject of its own.
func (w *world) fire() payments.Event {
	w.t.Helper()
	w.events++
	e := event(-w.events, 0)
	w.apply(payments.Change{Events: []payments.Event{e}})
	return e
}

// tries lists what was tried for an event, first to last.
func (w *world) tries(eventID string) []payments.Delivery {
	w.t.Helper()
	list, err := w.store.Deliveries(w.t.Context(), project, eventID, payments.Page{Limit: 100, Ascending: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return list.Items
}

// received is what an endpoint gets.
type received struct {
	header http.Header
	raw    []byte
	id     string
	event  string
	at     time.Time
}

// inbox is an endpoint that remembers what it gets and answers as it is told.
type inbox struct {
	mu     sync.Mutex
	got    []received
	answer func(n int, w http.ResponseWriter) // of the n-th request; nil: 200
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one := read(r)
	i.mu.Lock()
	i.got = append(i.got, one)
	n, answer := len(i.got), i.answer
	i.mu.Unlock()
	if answer != nil {
		answer(n, w)
	}
}

func read(r *http.Request) received {
	raw, _ := io.ReadAll(r.Body)
	var body struct {
		ID   string `json:"event_id"`
		Type string `json:"event_type"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		body.ID = err.Error()
	}
	return received{header: r.Header.Clone(), raw: raw, id: body.ID, event: body.Type, at: time.Now()}
}

func (i *inbox) all() []received {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.got)
}

func status(code int) func(int, http.ResponseWriter) {
	return func(_ int, w http.ResponseWriter) { w.WriteHeader(code) }
}
