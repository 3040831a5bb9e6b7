package fault

import (
	"context"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"

	"switchyard/sims/psp"
)

// holdFor is how long a request without an answer keeps its connection, if its client waits that long.
const holdFor = time.Minute

// Applier carries faults out.
type Applier struct {
	// After does something later, without the request that asked for it.
	After func(time.Duration, func())
	// Stopping is closed when the server stops: no connection is held any longer.
	Stopping <-chan struct{}
}

// Serve answers a call as the fault has it. It may end the handler by panicking with http.ErrAbortHandler, the
// HTTP server's own way to drop a connection.
func (a Applier) Serve(w http.ResponseWriter, r *http.Request, sim psp.Simulator, call psp.Call, f Fault) {
	if !call.Operation.MovesMoney() {
		f.Kind = plain(f.Kind)
	}
	ctx := r.Context()
	switch f.Kind {
	case Reset:
		reset(w)
	case Timeout:
		a.hold(ctx, holdFor)
		drop()
	case Error500:
		sim.Complain(psp.Broken500).Write(w)
	case Error503:
		sim.Complain(psp.Unavailable503).Write(w)
	case Throttle429:
		sim.Complain(psp.Throttled429).Write(w)
	case Unauthorized401:
		sim.Complain(psp.Unauthorized401).Write(w)
	case DeclineSoft:
		call.Run(psp.Orders{Decline: psp.SoftDecline}).Write(w)
	case DeclineHard:
		call.Run(psp.Orders{Decline: psp.HardDecline}).Write(w)
	case ChargeThenTimeout:
		call.Run(psp.Orders{})
		a.hold(ctx, holdFor)
		drop()
	case ChargeThen500:
		call.Run(psp.Orders{})
		sim.Complain(psp.Broken500).Write(w)
	case ChargeThenReset:
		call.Run(psp.Orders{})
		reset(w)
	case CutBody:
		cut(w, call.Run(psp.Orders{}))
	case HTML200:
		call.Run(psp.Orders{})
		psp.Text(http.StatusOK, "text/html; charset=utf-8", strayPage).Write(w)
	case Slow:
		answer := call.Run(psp.Orders{})
		a.hold(ctx, f.Delay())
		answer.Write(w)
	case ChargeLate:
		if call.Reserve != nil {
			call.Reserve()
		}
		a.After(f.Delay(), func() { call.Run(psp.Orders{}) })
		a.hold(ctx, holdFor)
		drop()
	case SlowVisibility:
		call.Run(psp.Orders{HideFor: f.Delay()})
		sim.Complain(psp.Broken500).Write(w)
	default:
		call.Run(psp.Orders{}).Write(w)
	}
}

// plain is what a fault comes down to where no money moves.
func plain(k Kind) Kind {
	switch k {
	case ChargeThenTimeout, ChargeLate:
		return Timeout
	case ChargeThen500, SlowVisibility:
		return Error500
	case ChargeThenReset:
		return Reset
	default:
		return k
	}
}

// strayPage is what a proxy in between might answer.
const strayPage = "<!doctype html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>"

// hold waits until the time is over, the client has gone or the server stops.
func (a Applier) hold(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-a.Stopping:
	}
}

// drop closes the connection without an answer.
func drop() { panic(http.ErrAbortHandler) }

// reset closes the connection so that the client sees it reset.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		drop()
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the client would see an orderly end
	}
	_ = connection.Close() // there is nothing left to say on it
}

// cut promises the whole answer and sends half of it.
func cut(w http.ResponseWriter, answer psp.Answer) {
	body := answer.Body
	if len(body) < 2 {
		body = []byte(strayPage)
	}
	maps.Copy(w.Header(), answer.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.Status)
	_, _ = w.Write(body[:len(body)/2])        // the connection goes down in any case
	_ = http.NewResponseController(w).Flush() // so that the half does arrive
	drop()
}
