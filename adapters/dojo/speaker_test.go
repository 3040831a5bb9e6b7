package dojo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// What the tests are about.
const (
	testKey      = sandboxKey + "c8oLGaI5msxsXbpBDpdtwJEz"
	testSecret   = "PDYkJQq6sESYHp_zJuTTBQ"
	testCustomer = "cust_sandbox_vjUhNwRjBE2xSeLVS_DFyQ"
	testOpener   = "cs_sandbox_xrLk_6EwFBiRXRDkDYu6bxy1XwXxoF1YiNvyCY4er5D"
	testIntent   = "pi_sandbox_gii78EXbJEyeVnuBglFgQA"
	testSetup    = "si_sandbox_c9RbgPcWbkGcUIbsFSzHcA"
	testCard     = "pm_RDg255vaRu6RRHluXQLG1A"
	testRef      = "At4k2m9x7q1w8e5r3t6y0u2i4o6p8a0b"
)

func testNow() time.Time { return time.Date(2026, time.April, 1, 10, 0, 0, 0, time.UTC) }

// said is one answer of the PSP.
type said struct {
	status int
	body   string
	err    error
}

func (s said) response() *http.Response {
	return &http.Response{StatusCode: s.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(s.body))}
}

// speaker plays the PSP: one list of answers for each call, the last of which stays. Every request is held against the vendor's
// description.
type speaker struct {
	t       testing.TB
	answers map[string][]said

	mu     sync.Mutex
	heard  []string // method and path
	bodies []string
	keys   []string
}

func (s *speaker) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	if _, err := asPublished(req, body); err != nil {
		s.t.Errorf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := req.Method + " " + req.URL.Path
	s.heard = append(s.heard, name)
	s.bodies = append(s.bodies, string(body))
	s.keys = append(s.keys, req.Header.Get("Authorization"))
	list := s.answers[name]
	if len(list) == 0 {
		s.t.Errorf("unexpected call %s", name)
		return nil, errors.New("unexpected")
	}
	if len(list) > 1 {
		s.answers[name] = list[1:]
	}
	if list[0].err != nil {
		return nil, list[0].err
	}
	return list[0].response(), nil
}

// bodyOf is the body of the last call with this name.
func (s *speaker) bodyOf(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, heard := range slices.Backward(s.heard) {
		if heard == name {
			return s.bodies[i]
		}
	}
	s.t.Errorf("%s was not called", name)
	return ""
}

// opened builds an adapter on a transport.
func opened(t testing.TB, transport http.RoundTripper, edit ...func(*Config)) *adapter {
	t.Helper()
	c := Provider().NewConfig().(*Config)
	c.APIKey, c.WebhookSecret = payments.NewSecret(testKey), payments.NewSecret(testSecret)
	c.MandateTerms = "We may charge the balance of your order later."
	for _, e := range edit {
		e(c)
	}
	made, err := c.Open(adapters.Deps{Transport: transport, Now: testNow})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*adapter)
}

// speaking builds an adapter and the PSP that it speaks to.
func speaking(t testing.TB, answers map[string][]said) (*adapter, *speaker) {
	t.Helper()
	s := &speaker{t: t, answers: answers}
	return opened(t, s), s
}

// noted is a Note that remembers.
type noted struct {
	refs []payments.ProviderRefs
	err  error
}

func (n *noted) take(_ context.Context, refs payments.ProviderRefs) error {
	n.refs = append(n.refs, refs)
	return n.err
}

// The names of calls.
const (
	callIntents   = "POST " + intentsPath
	callIntent    = "GET " + intentsPath + "/" + testIntent
	callSetups    = "POST " + setupsPath
	callSetup     = "GET " + setupsPath + "/" + testSetup
	callSecret    = "POST " + customersPath + "/" + testCustomer + "/create-secret"
	callCustomer  = "GET " + customersPath + "/" + testCustomer
	callCustomers = "POST " + customersPath
	callSearch    = "POST " + customersPath + "/search"
	callMethods   = "GET " + publicPath + "/" + testCustomer + "/payment-methods"
)

const (
	saidNotFound = `{"type":"https://tools.ietf.org/html/rfc7231#section-6.5.4","title":"Not Found","status":404,"traceId":"00-a4"}`
	saidSecret   = `{"secret":"` + testOpener + `","createdAt":"2026-04-01T10:00:00Z","expireAt":"2026-04-01T10:15:00Z"}`
	saidLink     = "https://pay.dojo.tech:443/checkout/" + testIntent + "?cid=" + testCustomer + "&csc=" + testOpener + "&cpm=" + testCard
	saidIntent   = `{"id":"` + testIntent + `","status":"Created","reference":"` + testRef + `","amount":{"value":1050,"currencyCode":"GBP"},` +
		`"customer":{"id":"` + testCustomer + `"},"paymentLink":"` + saidLink + `"}`
	saidSetup = `{"id":"` + testSetup + `","status":"Created","reference":"` + testRef + `"}`
)
