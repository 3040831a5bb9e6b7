//go:build crash

package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptrace"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// atWork is how long after it was handed to the network a request counts as sent: the network takes it at once, and the PSP
// has begun to work on it.
const atWork = time.Millisecond

// switches is the process's one plan for its death, read from the environment when it is first needed.
var switches = sync.OnceValue(func() *plan {
	p, err := parse(os.Getenv(Variable)) //nolint:forbidigo // the only place that reads it, and in no release
	if err != nil {
		panic(err) //nolint:forbidigo // a test that asks for nonsense must not pass
	}
	p.die = die
	return p
})

// Point kills the process, if the environment says that it dies here.
func Point(name string) { switches().pass(name) }

// Calling returns a context under which requests pass CallSent and AnswerBegan.
func Calling(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { time.AfterFunc(atWork, func() { Point(CallSent) }) },
		GotFirstResponseByte: func() { Point(AnswerBegan) },
	})
}

// plan says when to die.
type plan struct {
	point string // empty: at none in particular
	rate  float64
	die   func(point string)

	mu     sync.Mutex
	left   int // passings of point until death
	random *rand.Rand
}

func parse(text string) (*plan, error) {
	parts := strings.Split(text, ":")
	switch {
	case text == "":
		return &plan{}, nil
	case parts[0] == "random" && len(parts) == 3:
		seed, err := strconv.ParseUint(parts[1], 10, 64)
		rate, rateErr := strconv.ParseFloat(parts[2], 64)
		if err == nil && rateErr == nil && rate >= 0 && rate <= 1 {
			return &plan{rate: rate, random: rand.New(rand.NewPCG(seed, 0))}, nil //nolint:gosec // a test's chance, the same under the same seed
		}
	case slices.Contains(Points(), parts[0]) && len(parts) <= 2:
		n := 1
		var err error
		if len(parts) == 2 {
			n, err = strconv.Atoi(parts[1])
		}
		if err == nil && n > 0 {
			return &plan{point: parts[0], left: n}, nil
		}
	}
	return nil, fmt.Errorf("crash: %s=%q is neither POINT[:N] nor random:SEED:RATE; the points are %s", Variable, text, strings.Join(Points(), ", "))
}

func (p *plan) pass(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.due(name) {
		p.die(name)
	}
}

func (p *plan) due(name string) bool {
	if p.random != nil {
		return p.random.Float64() < p.rate
	}
	if p.point != name || p.left == 0 {
		return false
	}
	p.left--
	return p.left == 0
}

// die ends the process with SIGKILL: nothing is flushed, closed or deferred. It does not return.
func die(point string) {
	_, _ = os.Stderr.WriteString(Killed + point + "\n")
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {} // other goroutines may run on for a moment, as in any death
}
