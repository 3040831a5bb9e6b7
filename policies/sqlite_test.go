package policies_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"switchyard/policies"
	"switchyard/store/sqlite"
)

// TestOnSQLite: two instances on a real store decide at the same time, and what they have decided outlives it.
func TestOnSQLite(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	open1 := func() *sqlite.Store {
		s, err := sqlite.Open(t.Context(), sqlite.Options{Path: data})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open1()
	list := []*instance{open(t, s, toAlpha), open(t, s, toAlpha)}
	var operators sync.WaitGroup
	for n := range 8 {
		operators.Go(func() {
			for round, text := range []string{toBravo, toBoth, toAlpha} {
				_, err := list[(n+round)%2].Activate(t.Context(), bundle(text), by(fmt.Sprint("operator ", n)))
				if refused, ok := errors.AsType[*policies.Error](err); err != nil && (!ok || refused.Kind != policies.Conflict) {
					t.Error(err)
				}
			}
		})
	}
	operators.Wait()
	events, err := list[0].History(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for n, e := range events {
		before := "" // of the first
		if n+1 < len(events) {
			before = events[n+1].Hash
		}
		if e.Seq != int64(len(events)-n) || e.From != before || e.From == e.Hash {
			t.Errorf("entry %d of %d: %+v, after %s", n, len(events), e, before)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open1()
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	again := list[0].again(s)
	if again.Current().Policy != events[0].Hash || again.Current().By != events[0].By {
		t.Errorf("%+v is in force, %+v was decided", again.Current(), events[0])
	}
	for _, text := range []string{toAlpha, toBravo, toBoth} {
		if version, err := again.Version(t.Context(), hashOf(t, text)[:12]); err != nil || len(version.ConfigVersions) != 1 || version.Files[0].Text != text {
			t.Errorf("%+v %v", version, err)
		}
	}
}
