// Command switchyard is the payment router: `dev` to try it, `serve` to run it, `sims` for the simulated PSPs alone,
// `routes` for the routing policy.
//
// Exit codes: 0 after a clean stop, 1 after a failure, 2 for wrong usage or configuration, 3 when reconcile finds differences.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"switchyard/config"
)

// stopTimeout bounds a clean stop; it is below the 20 seconds that supervisors are told to allow.
const stopTimeout = 15 * time.Second

// Exit codes.
const (
	exitClean = iota
	exitFailure
	exitUsage
	exitDifferences
)

// commands is the whole command line.
type commands struct {
	Dev     devCommand     `cmd:"" help:"Run gateway, simulated PSPs and an embedded store in one process, on loopback."`
	Serve   serveCommand   `cmd:"" help:"Run the gateway alone, for production."`
	Sims    simsCommand    `cmd:"" help:"Run the simulated PSPs alone."`
	Listen  listenCommand  `cmd:"" help:"Post a sandbox project's events to a URL of your own machine, signed as webhooks are."`
	Version versionCommand `cmd:"" help:"Print the version."`

	Routes    routesCommand    `cmd:"" help:"The routing policy: look at one before it goes live, put it in force, roll it back, throw kill switches."`
	Reconcile reconcileCommand `cmd:"" help:"Compare the store with the PSPs, or with a settlement file. Exit code 3: there are differences."`
}

// environment is what a command may use of the process, so that a test can give it something else.
type environment struct {
	ctx    context.Context // ends when the process is asked to stop
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// errDifferences says that a comparison has found differences, and printed them.
var errDifferences = errors.New("there are differences")

// usageError is a fault of the command line.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(environment{ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run carries out one command line and returns the exit code.
func run(env environment, args []string) int {
	var c commands
	exited, code := false, exitClean
	parser, err := kong.New(&c, kong.Name("switchyard"), kong.Description("A payment router: one API, many PSPs, every decision explained."),
		kong.Writers(env.stdout, env.stderr), kong.Exit(func(n int) { exited, code = true, n }), kong.UsageOnError())
	if err != nil {
		return report(env, err)
	}
	chosen, err := parser.Parse(args)
	if exited { // --help
		return code
	}
	if err != nil {
		return report(env, usageError{err.Error() + " (see switchyard --help)"})
	}
	return report(env, chosen.Run(env))
}

// report prints an error and returns the exit code that goes with it.
func report(env environment, err error) int {
	if err == nil {
		return exitClean
	}
	if errors.Is(err, errDifferences) {
		return exitDifferences
	}
	if _, e := fmt.Fprintln(env.stderr, "switchyard:", err); e != nil {
		return exitFailure
	}
	var usage usageError
	var faults *config.Faults
	if errors.As(err, &usage) || errors.As(err, &faults) {
		return exitUsage
	}
	return exitFailure
}

type versionCommand struct{}

func (versionCommand) Run(env environment) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	_, err := fmt.Fprintln(env.stdout, "switchyard", version)
	return err
}
