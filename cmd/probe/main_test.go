package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"healthy", []string{server.URL + "/readyz"}, 0, ""},
		{"not ready", []string{server.URL + "/other"}, 1, "503"},
		{"nobody there", []string{gone.URL}, 1, "refused"},
		{"no URL", []string{"::"}, 1, "missing protocol scheme"},
		{"nothing", nil, 2, "usage"},
		{"too much", []string{server.URL, server.URL}, 2, "usage"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var stderr strings.Builder
			if code := run(c.args, &stderr); code != c.code || !strings.Contains(stderr.String(), c.says) {
				t.Errorf("exit code %d (%s), want %d and something about %q", code, &stderr, c.code, c.says)
			}
			if c.says == "" && stderr.Len() > 0 {
				t.Errorf("it says %q", &stderr)
			}
		})
	}
}
