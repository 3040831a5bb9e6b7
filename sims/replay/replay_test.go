package replay_test

import (
	"net/http"
	"sync"
	"testing"

	"switchyard/sims/psp"
	"switchyard/sims/replay"
)

func TestGuard(t *testing.T) {
	store := replay.New()
	var mu sync.Mutex
	runs := 0
	guard := func(key, body string, unkept bool) psp.Call {
		r := &psp.Request{Method: "POST", Path: []string{"refunds"}, Body: []byte(body)}
		refuse := func(v replay.Verdict) psp.Answer { return psp.Answer{Status: 400 + int(v)} }
		return store.Guard(&mu, key, store.Print(r), refuse, psp.Call{Run: func(psp.Orders) psp.Answer {
			runs++
			return psp.Answer{Status: 200 + runs, Unkept: unkept}
		}})
	}
	run := func(key, body string, unkept bool) int { return guard(key, body, unkept).Run(psp.Orders{}).Status }
	for i, c := range []struct {
		key, body    string
		unkept       bool
		status, runs int
	}{
		{"a", "1", false, 201, 1},
		{"a", "1", false, 201, 1},
		{"a", "2", false, 400 + int(replay.Mismatched), 1},
		{"b", "1", true, 202, 2},
		{"b", "2", false, 203, 3},
	} {
		if got := run(c.key, c.body, c.unkept); got != c.status || runs != c.runs {
			t.Errorf("call %d: %d after %d runs, want %d after %d", i, got, runs, c.status, c.runs)
		}
	}
	late := guard("c", "1", false)
	late.Reserve()
	if got := run("c", "1", false); got != 400+int(replay.Running) {
		t.Errorf("a repeat of what waits: %d", got)
	}
	if got := late.Run(psp.Orders{}).Status; got != 204 {
		t.Errorf("what waited: %d", got)
	}
	if got := run("c", "1", false); got != 204 {
		t.Errorf("a repeat of what is done: %d", got)
	}
	if http.StatusOK+runs != 204 {
		t.Errorf("%d runs", runs)
	}
}
