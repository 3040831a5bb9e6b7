package dojo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"

	"switchyard/adapters"
	"switchyard/adapters/adaptertest"
)

// documentedElsewhere is a parameter that only the vendor's guides have.
const documentedElsewhere = "includeAuthorized"

// published is the vendor's own description of the calls.
var published = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := os.ReadFile("testdata/openapi/dojo-2025-09-10.yaml")
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // it is about paths, wherever they are
	return doc, doc.Validate(context.Background())
})

// publishedRoutes finds the operation of a request.
var publishedRoutes = sync.OnceValues(func() (routers.Router, error) {
	doc, err := published()
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// asPublished returns what is wrong with a request by the vendor's description, and the call that it is.
func asPublished(req *http.Request, body []byte) (string, error) {
	find, err := publishedRoutes()
	if err != nil {
		return "", err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		req.Body = http.NoBody
	}
	route, path, err := find.FindRoute(req)
	if err != nil {
		return "", fmt.Errorf("no such call: %w", err)
	}
	for name := range req.URL.Query() {
		if name != documentedElsewhere && route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return "", fmt.Errorf("there is no parameter %s", name)
		}
	}
	if len(body) > 0 && route.Operation.RequestBody == nil {
		return "", errors.New("the call has no body")
	}
	return route.Operation.OperationID, openapi3filter.ValidateRequest(req.Context(), &openapi3filter.RequestValidationInput{
		Request: req, PathParams: path, Route: route, Options: &openapi3filter.Options{AuthenticationFunc: keyed},
	})
}

// keyed wants the key as the vendor's guides have it: as it is, and a customer's own where cards are read or deleted.
func keyed(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	r, want := in.RequestValidationInput.Request, "Basic "+sandboxKey
	if strings.HasPrefix(r.URL.Path, publicPath+"/") {
		want = "Basic cs_sandbox_"
	}
	if key := r.Header.Get("Authorization"); !strings.HasPrefix(key, want) || len(key) == len(want) {
		return errors.New("the key is not the one for this call")
	}
	return nil
}

// watch holds every request against the vendor's description.
type watch struct {
	mu     sync.Mutex
	calls  map[string]bool // by the vendor's names
	faults map[string]bool
}

// requests is the watch over what the suite has adapters send. The suite makes their configurations by itself, so that none of
// them could be told of another.
var requests = watch{calls: map[string]bool{}, faults: map[string]bool{}}

// past sends requests on past the watch.
func (w *watch) past(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		again := r.Clone(r.Context())
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			again.Body = io.NopCloser(bytes.NewReader(body))
		}
		w.look(r, body)
		return next.RoundTrip(again)
	})
}

func (w *watch) look(r *http.Request, body []byte) {
	call, err := asPublished(r, body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[call] = true
	if err != nil {
		w.faults[fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, err)] = true
	}
}

// watched is Config, but for the watch.
type watched Config

func (c *watched) Check(live bool) []adapters.FieldFault { return (*Config)(c).Check(live) }

func (c *watched) Open(d adapters.Deps) (adapters.Adapter, error) {
	d.Transport = requests.past(d.Transport)
	return (*Config)(c).Open(d)
}

// TestConformance runs the suite, and holds every request of every fixture against the vendor's description.
func TestConformance(t *testing.T) {
	t.Parallel()
	t.Cleanup(func() { // after all parts of the suite, which run beside each other
		for fault := range requests.faults {
			t.Error(fault)
		}
		doc, err := published()
		if err != nil {
			t.Fatal(err)
		}
		var calls []string
		for _, path := range doc.Paths.Map() {
			for _, operation := range path.Operations() {
				calls = append(calls, operation.OperationID)
			}
		}
		slices.Sort(calls)
		if diff := cmp.Diff(calls, slices.Sorted(maps.Keys(requests.calls))); diff != "" {
			t.Errorf("calls (-published +made by the fixtures):\n%s", diff)
		}
	})
	p := Provider()
	p.NewConfig = func() adapters.Config { return (*watched)(Provider().NewConfig().(*Config)) }
	adaptertest.Run(t, adaptertest.Suite{Provider: p, Fixtures: os.DirFS("testdata")})
}

// TestAsPublished plants one fault after the other in requests that are right.
func TestAsPublished(t *testing.T) {
	t.Parallel()
	const (
		intent = `{"amount":{"value":1050,"currencyCode":"GBP"},"reference":"r","captureMode":"Auto","paymentMethods":["SavedCard","Card"],` +
			`"customer":{"id":"c","secret":"s","savedCardId":"p"},"config":{"redirectUrl":"https://shop.test"},"expireAt":"2026-04-01T10:16:40Z"}`
		setup  = `{"reference":"r","merchantInitiatedTransactionType":"Unscheduled","terms":"t","paymentMethods":["Card"]}`
		person = `{"name":"Maria","emailAddress":"maria@shop.test","phoneNumber":"+447000000000"}`
		refund = `{"amount":100,"refundReason":"r","notes":"n"}`
	)
	for _, tt := range []struct{ name, call, body, from, to, header string }{
		{"intent", "POST /payment-intents", intent, "", "", ""},
		{"unknown field", "POST /payment-intents", intent, `"reference"`, `"currency":"GBP","reference"`, ""},
		{"unknown field in a part", "POST /payment-intents", intent, `"secret"`, `"token":"x","secret"`, ""},
		{"capital letter", "POST /payment-intents", intent, `"savedCardId"`, `"SavedCardId"`, ""},
		{"amount as text", "POST /payment-intents", intent, `1050`, `"1050"`, ""},
		{"amount in major units", "POST /payment-intents", intent, `1050`, `10.5`, ""},
		{"no amount", "POST /payment-intents", intent, `"amount"`, `"tipsAmount"`, ""},
		{"no currency", "POST /payment-intents", intent, `,"currencyCode":"GBP"`, ``, ""},
		{"no reference", "POST /payment-intents", intent, `"reference":"r",`, ``, ""},
		{"long reference", "POST /payment-intents", intent, `"r"`, `"` + strings.Repeat("r", 61) + `"`, ""},
		{"other capture mode", "POST /payment-intents", intent, `"Auto"`, `"automatic"`, ""},
		{"expiry as a number", "POST /payment-intents", intent, `"2026-04-01T10:16:40Z"`, `1775038600`, ""},
		{"methods as text", "POST /payment-intents", intent, `["SavedCard","Card"]`, `"Card"`, ""},
		{"no body", "POST /payment-intents", "", "", "", ""},
		{"no version", "POST /payment-intents", intent, "", "", "Version"},
		{"no key", "POST /payment-intents", intent, "", "", "Authorization"},
		{"setup", "POST /setup-intents", setup, "", "", ""},
		{"no terms", "POST /setup-intents", setup, `,"terms":"t"`, ``, ""},
		{"no type", "POST /setup-intents", setup, `"merchantInitiatedTransactionType":"Unscheduled",`, ``, ""},
		{"amount of a setup", "POST /setup-intents", setup, `"terms"`, `"amount":{"value":1,"currencyCode":"GBP"},"terms"`, ""},
		{"person", "POST /customers", person, "", "", ""},
		{"short number", "POST /customers", person, `"+447000000000"`, `"+44"`, ""},
		{"our own id", "POST /customers", person, `"name"`, `"reference":"x","name"`, ""},
		{"refund", "POST /payment-intents/pi_1/refunds", refund, "", "", ""},
		{"refund without its key", "POST /payment-intents/pi_1/refunds", refund, "", "", "Idempotencykey"},
		{"refund with a currency", "POST /payment-intents/pi_1/refunds", refund, `100`, `{"value":100,"currencyCode":"GBP"}`, ""},
		{"reversal", "POST /payment-intents/pi_1/reversal", "", "", "", ""},
		{"reversal with a body", "POST /payment-intents/pi_1/reversal", `{"amount":100}`, "100", "101", ""},
		{"no such step", "POST /payment-intents/pi_1/capture", `{"amount":100}`, "100", "101", ""},
		{"no such method", "PUT /payment-intents/pi_1", "", "", "", "-"},
		{"no such parameter", "GET /payment-intents/pi_1?returnCancelled=true", "", "", "", "-"},
		{"no truth value", "GET /payment-intents/pi_1?returnCanceled=ja", "", "", "", "-"},
		{"cards with the server's key", "GET /customers/public/c/payment-methods", "", "", "", "-"},
	} {
		body := strings.Replace(tt.body, tt.from, tt.to, 1)
		method, target, _ := strings.Cut(tt.call, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "https://psp.test"+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{
			"Authorization": {"Basic " + testKey}, "Version": {defaultVersion}, "Content-Type": {"application/json"}, "Idempotencykey": {"k"},
		}
		r.Header.Del(tt.header)
		_, err = asPublished(r, []byte(body))
		if good := tt.from == "" && tt.header == "" && (tt.body != "" || tt.name == "reversal"); (err == nil) != good {
			t.Errorf("%s: %v, want it to pass: %t", tt.name, err, good)
		}
	}
}
