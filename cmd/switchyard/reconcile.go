package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"switchyard/adapters/all"
	"switchyard/app"
	"switchyard/config"
	"switchyard/payments"
	"switchyard/reconcile"
)

type reconcileCommand struct {
	Config     string `xor:"store" required:"" type:"path" placeholder:"FILE" help:"Configuration file of the gateway whose store is compared."`
	Data       string `xor:"store" required:"" type:"path" placeholder:"DIR" help:"Or: data directory of a dev; its simulators must run."`
	SimsURL    string `default:"http://127.0.0.1:8090" placeholder:"URL" help:"With --data: where the simulators' control is."`
	Gateway    string `placeholder:"ID" help:"Compare this gateway configuration only."`
	Since      string `default:"24h" help:"Charges made since: so long ago (24h, 7d), a day in UTC (2026-03-31) or a time (RFC 3339)."`
	Until      string `placeholder:"TIME" help:"Charges made until then, that moment excluded; default: now."`
	Settlement string `type:"existingfile" placeholder:"FILE" help:"Compare with this settlement file (CSV) in place of the PSP."`
	Columns    string `placeholder:"OURS=THEIRS,…" help:"Names of the settlement file's columns, where they are not ours: reference=Order,amount=Gross."`
	Format     string `default:"table" enum:"table,json,csv" help:"For people (table), or for machines (json; csv: the differences alone)."`
	ApplyLate  bool   `help:"Have the running gateway look at late charges: it asks the PSP itself, and gives the money back."`
	Operators  string `placeholder:"URL" help:"With --apply-late: the operators' listener; default: the configuration's ops_listen."`
	By         string `default:"switchyard reconcile" help:"With --apply-late: who decides, for the log."`
}

func (r reconcileCommand) Run(env environment) error {
	now := time.Now().UTC()
	since, until, err := r.window(now)
	if err != nil {
		return err
	}
	c, err := r.configuration(env.ctx)
	if err != nil {
		return err
	}
	o := app.ReconcileOptions{GatewayID: r.Gateway, Since: since, Until: until, Logger: app.NewLogger(env.stderr, config.Log{Format: config.LogText, Level: slog.LevelWarn})}
	if o.Settlement, err = r.settlement(c); err != nil {
		return err
	}
	report, err := app.Reconcile(env.ctx, c, o)
	if errors.Is(err, app.ErrNoGateway) {
		return usageError{fmt.Sprintf("--gateway %s: there is no such gateway configuration; there are %s", r.Gateway, strings.Join(app.GatewayIDs(c), ", "))}
	}
	if err != nil {
		return err
	}
	write := map[string]func(io.Writer, *reconcile.Report) error{"table": reconcile.WriteTable, "json": reconcile.WriteJSON, "csv": reconcile.WriteCSV}[r.Format]
	if err := write(env.stdout, report); err != nil {
		return err
	}
	if r.ApplyLate {
		if err := r.applyLate(env, c, report.Differences()); err != nil {
			return err
		}
	}
	switch {
	case len(report.Differences()) > 0:
		return errDifferences
	case !report.Whole():
		return errors.New("not everything could be compared; the report says what")
	}
	return nil
}

// window reads --since and --until.
func (r reconcileCommand) window(now time.Time) (since, until time.Time, err error) {
	if since, err = moment(r.Since, now); err != nil {
		return since, until, usageError{"--since: " + err.Error()}
	}
	until = now
	if r.Until != "" {
		if until, err = moment(r.Until, now); err != nil {
			return since, until, usageError{"--until: " + err.Error()}
		}
	}
	if !since.Before(until) {
		return since, until, usageError{"--since must be before --until"}
	}
	return since, until, nil
}

// moment reads a time that is given as so long ago, as a day in UTC, or in full.
func moment(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 24h, 7d, 2026-03-31 or 2026-03-31T10:00:00Z", text)
}

// configuration is that of the gateway, or of a dev with its simulators.
func (r reconcileCommand) configuration(ctx context.Context) (*config.Config, error) {
	if r.Config != "" {
		return config.Load(r.Config, config.Options{Providers: all.Providers()})
	}
	if _, err := os.Stat(filepath.Join(r.Data, "switchyard.db")); err != nil {
		return nil, usageError{fmt.Sprintf("--data: there is no store of a dev in %s", r.Data)}
	}
	psps, err := askSimulators(ctx, r.SimsURL)
	if err != nil {
		return nil, err
	}
	return config.Dev(config.DevOptions{DataDir: r.Data, PSPs: psps, Providers: all.Providers()})
}

// settlement reads the settlement file, if there is one. It is that of one gateway configuration.
func (r reconcileCommand) settlement(c *config.Config) (*reconcile.Settlement, error) {
	if r.Settlement == "" {
		if r.Columns != "" {
			return nil, usageError{"--columns goes with --settlement"}
		}
		return nil, nil
	}
	if r.Gateway == "" && len(c.Gateways) != 1 {
		return nil, usageError{"--settlement: say with --gateway whose file it is; there are " + strings.Join(app.GatewayIDs(c), ", ")}
	}
	columns, err := reconcile.ParseColumns(r.Columns)
	if err != nil {
		return nil, usageError{"--columns: " + err.Error()}
	}
	file, err := os.Open(r.Settlement)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	s, err := reconcile.ReadSettlement(file, columns)
	if line, ok := errors.AsType[*reconcile.LineError](err); ok {
		return nil, usageError{fmt.Sprintf("%s:%d: %s", r.Settlement, line.Line, line.Message)}
	}
	return s, err
}

// applyLate has the running gateway look at every charge that it does not know to be late. What came of each goes to stderr.
func (r reconcileCommand) applyLate(env environment, c *config.Config, differences []reconcile.Difference) error {
	operators := r.Operators
	if operators == "" {
		operators = "http://" + c.OpsListen
	}
	var failed []error
	for _, d := range differences {
		if d.Class != reconcile.Late || d.Here.Status == string(payments.AttemptLate) {
			continue
		}
		address := fmt.Sprintf("%s/projects/%s/attempts/%s/look-again", strings.TrimRight(operators, "/"), url.PathEscape(d.ProjectID), url.PathEscape(d.AttemptID))
		state, err := lookAgain(env.ctx, address, r.By)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", d.AttemptID, err))
			continue
		}
		if _, err := fmt.Fprintf(env.stderr, "%s is %s\n", d.AttemptID, state); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// maxOperatorsBody bounds an answer of the operators' listener.
const maxOperatorsBody = 64 << 10

// lookAgain asks the running gateway to look at an attempt, and returns the attempt's state.
func lookAgain(ctx context.Context, address, by string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*askTimeout) // the gateway asks a PSP meanwhile
	defer cancel()
	body, err := json.Marshal(map[string]string{"by": by, "because": "a reconciliation found the charge at the PSP"})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", usageError{"--operators: " + err.Error()}
	}
	client := http.Client{}
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("the gateway's operators' listener does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct{ State, Message string }
	if err := json.NewDecoder(io.LimitReader(response.Body, maxOperatorsBody)).Decode(&answer); err != nil {
		return "", fmt.Errorf("what answers at %s is no operators' listener: %w", address, err)
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the gateway refuses: %s", answer.Message)
	}
	return answer.State, nil
}
