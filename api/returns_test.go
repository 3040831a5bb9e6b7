package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"switchyard/payments"
)

func TestReturns(t *testing.T) {
	t.Parallel()
	key := payments.NewSecret("a key for tickets")
	address := ReturnAddress("https://pay.example/", key)
	h := New(Options{Engine: &fakeEngine{}, IdempotencyKey: key})
	get := func(method, target string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
		return w
	}
	known := address("test-proj_a", "tr_op_known")
	if !strings.HasPrefix(known, "https://pay.example/returns/") {
		t.Fatal(known)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := get(method, strings.TrimPrefix(known, "https://pay.example")+"?payment_intent_id=pi_1&status=succeeded")
		target, err := url.Parse(w.Header().Get("Location"))
		if w.Code != http.StatusSeeOther || err != nil || target.Host != "shop.example" || target.Query().Get("order") != "1" || !strings.HasPrefix(target.Query().Get("token"), "gway_req_") {
			t.Errorf("%s: %d to %q", method, w.Code, w.Header().Get("Location"))
		}
	}
	for name, target := range map[string]string{
		"an unknown attempt":    address("test-proj_a", "tr_op_none"),
		"another key's ticket":  ReturnAddress("https://pay.example", payments.NewSecret("another"))("test-proj_a", "tr_op_known"),
		"a changed ticket":      strings.Replace(known, "/returns/", "/returns/A", 1),
		"a ticket without sign": known[:strings.LastIndex(known, ".")],
		"nonsense":              "https://pay.example/returns/%2e%2e",
	} {
		if w := get(http.MethodGet, strings.TrimPrefix(target, "https://pay.example")); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
