// Command crash kills the gateway again and again while it moves money, and then compares what it says with what happened.
//
// It builds the program with -tags crash, runs the simulated PSPs as a process that lives throughout, and the gateway as one
// that is killed in every round: at a point of package crash, or at a moment of its own choice. Merchants go on as real ones
// do: a request that was not answered is repeated with the same idempotency key. At the end the simulators' ledger, the store
// and every answer that was ever given must agree.
//
//	go run ./test/crash -rounds 1000 -seed 1
//
// The plan of payments, faults and deaths follows from the seed alone; how the processes interleave is up to the machine. The
// exit code is 1 when anything was violated, and the data directory is kept then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// defaultSettle is how long after the last death everything may take to become final.
const defaultSettle = 60 * time.Second

// options say how much is to be done.
type options struct {
	rounds int
	seed   uint64
	settle time.Duration
	binary string // built with -tags crash
	dir    string // for the data and the logs
	quick  bool   // stop at the first violation that a round shows
	hasty  bool   // what is still open in the end is counted and not judged: there was no time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := 0
	if err := command(ctx, os.Stdout, os.Args[1:]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "crash:", err)
		code = 1
	}
	stop()
	os.Exit(code)
}

var errViolated = errors.New("what must hold does not; see above")

func command(ctx context.Context, w io.Writer, args []string) (err error) {
	var o options
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 100, "how often the gateway is killed")
	flags.Uint64Var(&o.seed, "seed", 1, "the plan of payments, faults and deaths")
	flags.DurationVar(&o.settle, "settle", defaultSettle, "within which everything must be final after the last death")
	flags.StringVar(&o.binary, "binary", "", "a program built with -tags crash; by default it is built")
	names := flags.String("mutants", "", "plant the bugs whose names hold this text, one at a time, and check that each is found; - for all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.dir, err = os.MkdirTemp("", "switchyard-crash-"); err != nil {
		return err
	}
	if *names != "" {
		err = hunt(ctx, w, o, *names)
	} else {
		err = check(ctx, w, o)
	}
	if err != nil {
		return fmt.Errorf("%w; kept for a look: %s", err, o.dir)
	}
	return os.RemoveAll(o.dir)
}

// check runs the plan over the program as it is.
func check(ctx context.Context, w io.Writer, o options) error {
	if o.binary == "" {
		var err error
		if o.binary, err = build(ctx, o.dir, nil); err != nil {
			return err
		}
	}
	r, err := run(ctx, o)
	if err != nil {
		return err
	}
	r.print(w)
	if len(r.violations) > 0 {
		return errViolated
	}
	return nil
}
