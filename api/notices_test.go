package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"switchyard/payments"
)

// inbox answers what it is told to, and keeps what came.
type inbox struct {
	err  error
	got  []payments.WebhookDelivery
	path []string
}

func (i *inbox) Receive(_ context.Context, gatewayID string, d payments.WebhookDelivery) error {
	i.got, i.path = append(i.got, d), append(i.path, gatewayID)
	return i.err
}

func TestNotices(t *testing.T) {
	t.Parallel()
	const body = "{\"raw\":  \"bytes\"}\n"
	for _, test := range []struct {
		name   string
		err    error
		status int
	}{
		{"taken", nil, http.StatusOK},
		{"forged", payments.ErrForged, http.StatusUnauthorized},
		{"an address without webhooks", payments.NewError(payments.CodeGatewayConfigurationNotFound, "No."), http.StatusNotFound},
		{"the PSP cannot be asked", payments.NewFault(payments.Unknown, errors.New("503")), http.StatusServiceUnavailable},
		{"the store cannot take it", errors.New("disk"), http.StatusInternalServerError},
	} {
		box := &inbox{err: test.err}
		h := New(Options{Inbox: box})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/gateway-webhooks/gway_conf_a", strings.NewReader(body))
		r.Header.Set("X-Signature", "s")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), `"success":`) {
			t.Errorf("%s: %d %s", test.name, w.Code, w.Body)
		}
		if len(box.got) != 1 || string(box.got[0].Body) != body || box.got[0].Header["X-Signature"][0] != "s" || box.path[0] != "gway_conf_a" {
			t.Errorf("%s: the PSP's bytes did not arrive as they are: %+v", test.name, box.got)
		}
	}
	box := &inbox{}
	w := httptest.NewRecorder()
	New(Options{Inbox: box}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/gateway-webhooks/gway_conf_a", strings.NewReader(strings.Repeat("x", maxNotice+1))))
	if w.Code != http.StatusRequestEntityTooLarge || len(box.got) != 0 {
		t.Errorf("a huge webhook: %d", w.Code)
	}
}
