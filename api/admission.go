package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"switchyard/payments"
)

// Admission says how much is let in. What is refused is refused before any work, with a time to come back. A zero is no limit.
type Admission struct {
	InFlight           int // calls that change something, at once, of all projects
	InFlightPerProject int // likewise, of one project
	InFlightNotices    int // webhooks of PSPs and returning payers at once: room of their own, which charges cannot take

	PerKey   float64 // requests a second of one project's key
	PerPayer float64 // requests a second of one payer's address
}

const (
	burstSeconds = 2 // what may come at once, in seconds of the rate
	minBurst     = 10
	retryFull    = time.Second // when to come back to a program that has its hands full
	maxLimiters  = 100_000     // keys and payers' addresses that are remembered; about 20 MB
)

// admission lets requests in.
type admission struct {
	limits   Admission
	limiters *otter.Cache[string, *rate.Limiter]

	mu       sync.Mutex
	working  int
	projects map[string]int
	notices  int
}

func newAdmission(limits Admission) *admission {
	return &admission{
		limits: limits, projects: map[string]int{},
		limiters: otter.Must(&otter.Options[string, *rate.Limiter]{MaximumSize: maxLimiters}), // who comes seldom is forgotten first
	}
}

// pace takes one request of a caller's rate, or says when there will be room again.
func (a *admission) pace(c *call, now time.Time) error {
	limit, who := a.limits.PerKey, "key/"+c.project.ID
	if c.public() {
		limit, who = a.limits.PerPayer, "payer/"+c.project.ID+"/"+c.gin.ClientIP()
	}
	if limit <= 0 {
		return nil
	}
	limiter, _ := a.limiters.ComputeIfAbsent(who, func() (*rate.Limiter, bool) {
		return rate.NewLimiter(rate.Limit(limit), max(minBurst, int(limit*burstSeconds))), false
	})
	reservation := limiter.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	return tooBusy(c, payments.CodeRateExceeded, "Too many requests. Slow down, and try again after the time in Retry-After.", wait)
}

// enter takes room for a call that changes something. The caller leaves when it is done.
func (a *admission) enter(c *call) (leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := c.project.ID
	switch {
	case a.limits.InFlight > 0 && a.working >= a.limits.InFlight:
		return nil, tooBusy(c, payments.CodeOverloaded, "Switchyard has its hands full. This call did nothing: repeat it, with the same Idempotency-Key, after the time in Retry-After.", retryFull)
	case a.limits.InFlightPerProject > 0 && a.projects[id] >= a.limits.InFlightPerProject:
		return nil, tooBusy(c, payments.CodeRateExceeded, "This project has too many calls in flight. This call did nothing: repeat it, with the same Idempotency-Key, after the time in Retry-After.", retryFull)
	}
	a.working++
	a.projects[id]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.working--
		if a.projects[id]--; a.projects[id] == 0 {
			delete(a.projects, id)
		}
	}, nil
}

// enterNotice takes room for what PSPs and returning payers send.
func (a *admission) enterNotice(c *call) (leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limits.InFlightNotices > 0 && a.notices >= a.limits.InFlightNotices {
		return nil, tooBusy(c, payments.CodeOverloaded, "Switchyard has its hands full: try again soon.", retryFull)
	}
	a.notices++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.notices--
	}, nil
}

// tooBusy refuses a call with the time to come back.
func tooBusy(c *call, code, message string, wait time.Duration) error {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	c.gin.Writer.Header().Set("Retry-After", strconv.Itoa(seconds))
	return payments.NewError(code, message)
}

// changes says that a call may change something or ask PSPs, and so needs room.
func changes(r route) bool {
	return r.access != anyone && (r.method != http.MethodGet || r.asksPSPs)
}
