package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"switchyard/payments"
	"switchyard/projects"
	"switchyard/tokens"
	"switchyard/vault"
)

// Reads is what the API reads of the store by itself. Customers, tokens and cards are read through the packages that own
// them; the lists of them are not.
type Reads interface {
	Claim(ctx context.Context, key payments.ClaimKey) (payments.Claim, error)
	Payment(ctx context.Context, projectID, invoiceID string) (*payments.Payment, error)
	Invoice(ctx context.Context, projectID, id string) (payments.Invoice, error)
	Transaction(ctx context.Context, projectID, id string) (payments.Transaction, error)
	Refund(ctx context.Context, projectID, id string) (payments.Refund, error)
	Event(ctx context.Context, projectID, id string) (payments.Event, error)
	Customers(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Customer], error)
	TokensOf(ctx context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Token], error)
	Cards(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Card], error)
	Invoices(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Invoice], error)
	Transactions(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Transaction], error)
	TransactionsOf(ctx context.Context, projectID, customerID string, page payments.Page) (payments.List[payments.Transaction], error)
	Events(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.Event], error)
	WebhookEndpoints(ctx context.Context, projectID string, page payments.Page) (payments.List[payments.WebhookEndpoint], error)
	Deliveries(ctx context.Context, projectID, eventID string, page payments.Page) (payments.List[payments.Delivery], error)
}

// GatewayInfo is what merchants may know of a gateway configuration.
type GatewayInfo struct {
	ID           string
	ProjectID    string // empty: of all projects
	PSP          string // "paymongo"
	DisplayName  string // of the PSP: "PayMongo"
	URL          string // of the PSP's own site
	Name         string // of the configuration
	Currency     payments.Currency
	Enabled      bool
	CreatedAt    time.Time
	Capabilities payments.Capabilities
}

// Options build the merchant API. All but those with a default are needed.
type Options struct {
	Engine         engine
	Tokens         *tokens.Service
	Vault          *vault.Vault
	Projects       *projects.Registry
	Reads          Reads
	Inbox          Inbox
	Webhooks       Webhooks
	Gateways       []GatewayInfo
	IdempotencyKey payments.Secret             // of the HMAC over requests; when it changes, keys in use answer 422
	Ready          func(context.Context) error // nil: always ready
	Logger         *slog.Logger                // nil: silent
	MaxBody        int64                       // bytes; 0: 256 KiB
	Admission      Admission                   // how much is let in; zero: everything
	WaitLimit      time.Duration               // how long a request waits for its twin; 0: 20 s
	Now            func() time.Time            // nil: time.Now
}

const defaultWaitLimit = 20 * time.Second

// server answers requests.
type server struct {
	Options
	log       *slog.Logger
	engine    *gin.Engine
	twins     twins
	telemetry telemetry
	writers   writerPool
	admission *admission
}

// New returns the merchant API.
func New(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.WaitLimit <= 0 {
		o.WaitLimit = defaultWaitLimit
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	gin.SetMode(gin.ReleaseMode)
	s := &server{Options: o, log: slog.New(WithRequestID(o.Logger.Handler())), engine: gin.New(), telemetry: newTelemetry(), admission: newAdmission(o.Admission)}
	s.engine.ContextWithFallback = true
	s.engine.UseEscapedPath = true // an id with an escaped slash is one id
	s.engine.UnescapePathValues = true
	s.engine.RedirectTrailingSlash = false // SDKs do not follow redirects of a POST
	s.engine.ForwardedByClientIP = false
	s.addRoutes()
	s.addNotices()
	s.addReturns()
	return s
}

// ServeHTTP wraps every request: request id, CORS, HEAD, panics, and the one wide log event at its end.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event := &requestEvent{id: requestID(r), method: knownMethod(r.Method), began: s.Now()}
	ctx, span := s.telemetry.begin(context.WithValue(r.Context(), eventKey{}, event), r)
	out := &recorder{ResponseWriter: w, bodyless: r.Method == http.MethodHead}
	setHeaders(w.Header(), event.id)
	defer func() {
		if cause := recover(); cause != nil {
			s.panicked(ctx, out, event, cause)
		}
		event.status, event.bytes = out.status, out.bytes
		s.telemetry.end(ctx, span, event, s.Now())
		event.write(ctx, s.log, s.Now())
	}()
	switch r.Method {
	case http.MethodOptions:
		allowCrossOrigin(out.Header())
		out.WriteHeader(http.StatusNoContent)
		return
	case http.MethodHead:
		r = r.Clone(ctx)
		r.Method = http.MethodGet
	default:
		r = r.WithContext(ctx)
	}
	s.engine.ServeHTTP(out, r)
}

// panicked answers for a handler that could not, and leaves the connection to be closed when its answer is half out already.
func (s *server) panicked(ctx context.Context, out *recorder, event *requestEvent, cause any) {
	err, isError := cause.(error)
	if isError && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	// The stack says where; the value may hold anything, a card number too.
	s.log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", cause), "stack", string(debug.Stack()))
	e := publicError(errors.New("api: a handler panicked"))
	event.code, event.err = e.Code, e.Cause
	if out.status == 0 {
		writer := s.writers.get()
		defer s.writers.put(writer)
		writeError(writer, e)
		send(out, statusOfError(e), writer.buf)
	}
}

// setHeaders sets what every answer has.
func setHeaders(h http.Header, requestID string) {
	h.Set("X-Request-Id", requestID)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*") // no cookies here: whoever has the credentials may come from anywhere
	h.Set("Access-Control-Expose-Headers", "X-Request-Id, Idempotency-Replayed, "+headerClientSecret)
}

// allowCrossOrigin answers a browser's preflight.
func allowCrossOrigin(h http.Header) {
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Accept-Language, API-Version, Idempotency-Key, Disable-Logging, "+
		"X-Request-Id, X-ProcessOut-JS-Version, X-ProcessOut-Client-Secret, Session-Id, Installation-Id, Device-Id, Device-System-Name, Device-System-Version, Product-Version")
	h.Set("Access-Control-Max-Age", "86400")
}

// send writes one JSON document as the whole answer.
func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone misses nothing: its key has the answer
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status   int
	bytes    int
	bodyless bool // HEAD
}

// WriteHeader remembers the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (r *recorder) Write(data []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.bodyless {
		return len(data), nil
	}
	n, err := r.ResponseWriter.Write(data)
	r.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
