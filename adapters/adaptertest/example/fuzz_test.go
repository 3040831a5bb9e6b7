package example

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"switchyard/adapters"
	"switchyard/payments"
)

// answering is a transport that answers every call alike.
type answering struct {
	status int
	body   string
}

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

// FuzzAuthorize asks that any answer is an outcome or a fault, and that none approves which does not say so.
func FuzzAuthorize(f *testing.F) {
	for _, body := range []string{
		`{"id":"ch_1","reference":"r","status":"captured","currency":"EUR","amount":5}`, `{"id":"ch_1","reference":"r","status":"declined"}`,
		`{"error":{"code":"key_reused"}}`, `{}`, `null`, `[]`, `<html>`, ``,
	} {
		f.Add(201, body)
		f.Add(409, body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		a, err := (&Config{}).Open(adapters.Deps{Transport: answering{status, body}})
		if err != nil {
			t.Fatal(err)
		}
		o, err := a.Authorize(t.Context(), payments.AuthorizeRequest{
			Reference: "r", Amount: payments.Money{Minor: 5, Currency: "EUR"}, Capture: true, Source: payments.Source{Card: &payments.CardData{}},
		})
		_, fault := errors.AsType[*payments.Fault](err)
		switch {
		case err != nil && !fault:
			t.Errorf("the error holds no fault: %v", err)
		case o.Status == payments.Approved && !strings.Contains(body, statusCaptured):
			t.Errorf("%s is approved", body)
		}
	})
}

// FuzzReadEvent asks that nothing in an event is more than a name.
func FuzzReadEvent(f *testing.F) {
	for _, body := range []string{`{"id":"evt_1","type":"charge.captured","data":{"charge":"ch_1"}}`, `{"data":[]}`, `null`, ``} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if n := readEvent(body); n.Refs.Session != "" || n.Refs.Customer != "" || n.Refs.Method != "" {
			t.Errorf("%q names %+v", body, n.Refs)
		}
	})
}
