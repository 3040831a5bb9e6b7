package shown_test

import (
	"testing"
	"testing/synctest"
	"time"

	"switchyard/sims/shown"
)

func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		see := func(r *shown.Record[string], want string) {
			t.Helper()
			if got, found := r.View(); got != want || found != (want != "") {
				t.Errorf("view %q %v, want %q", got, found, want)
			}
		}
		r := shown.New("a", 0)
		see(r, "a")
		r.Freeze(r.Live, 0)
		r.Live = "b"
		see(r, "b")
		r.Freeze(r.Live, time.Minute)
		r.Live = "c"
		see(r, "b")
		<-time.After(30 * time.Second) // by the bubble's clock
		r.Freeze(r.Live, time.Minute)
		r.Live = "d"
		<-time.After(45 * time.Second)
		see(r, "b") // what is hidden stays hidden until all of it may show
		<-time.After(15 * time.Second)
		see(r, "d")

		hidden := shown.New("x", time.Minute)
		hidden.Freeze(hidden.Live, time.Minute)
		hidden.Live = "y"
		see(hidden, "")
		<-time.After(time.Minute)
		see(hidden, "y")
	})
}
