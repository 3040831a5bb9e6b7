package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// driven lets another program decide: it is given one JSON line per question and per outcome on its standard input, and
// answers each question with one line. It knows the gateways alpha, bravo, charlie and delta.
type driven struct {
	command *exec.Cmd
	in      *bufio.Writer
	pipe    io.Closer
	out     *bufio.Scanner
	now     int
	err     error // the first that went wrong; everything after it is void
}

type driveLine struct {
	At      time.Time     `json:"at"`
	Decide  *driveDecide  `json:"decide,omitempty"`
	Outcome *driveOutcome `json:"outcome,omitempty"`
}

type driveDecide struct {
	Payment       string `json:"payment"`
	AmountMinor   int64  `json:"amount_minor"`
	Currency      string `json:"currency"`
	Method        string `json:"method"`
	Scheme        string `json:"scheme"`
	Funding       string `json:"funding"`
	IssuerCountry string `json:"issuer_country"`
	IIN           string `json:"iin"`
}

type driveOutcome struct {
	Payment string `json:"payment"`
	Gateway string `json:"gateway"`
	Result  string `json:"result"`
	Code    string `json:"code,omitempty"`
}

type driveAnswer struct {
	Payment    string   `json:"payment"`
	Gateway    string   `json:"gateway"`
	Order      []string `json:"order"`
	Propensity float64  `json:"propensity"`
	Explore    bool     `json:"explore"`
	Reason     string   `json:"reason"`
}

var errDrive = errors.New("the driven program")

// newDriven starts the command, which is words separated by spaces.
func newDriven(command string) *driven {
	d := &driven{}
	words := strings.Fields(command)
	if len(words) == 0 {
		d.fail(errors.New("no command"))
		return d
	}
	c := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // the operator's own command; it ends with its input
	c.Stderr = os.Stderr
	in, inErr := c.StdinPipe()
	out, outErr := c.StdoutPipe()
	d.fail(errors.Join(inErr, outErr))
	if d.err == nil {
		d.fail(c.Start())
	}
	if d.err == nil {
		d.command, d.in, d.pipe, d.out = c, bufio.NewWriter(in), in, bufio.NewScanner(out)
	}
	return d
}

func (d *driven) choose(n int, p *payment) int {
	d.now = n
	what := describe(n, p)
	what.InvoiceID = paymentName(n)
	d.write(driveLine{At: at(n), Decide: &driveDecide{
		Payment: what.InvoiceID, AmountMinor: what.Amount.Minor, Currency: string(what.Amount.Currency), Method: "card",
		Scheme: string(what.Scheme), Funding: what.Funding, IssuerCountry: what.CardCountry, IIN: what.IIN,
	}})
	if d.err != nil {
		return 0
	}
	if err := d.in.Flush(); err != nil {
		d.fail(err)
		return 0
	}
	if !d.out.Scan() {
		d.fail(cmp.Or(d.out.Err(), io.ErrUnexpectedEOF))
		return 0
	}
	var answer driveAnswer
	if err := json.Unmarshal(d.out.Bytes(), &answer); err != nil {
		d.fail(err)
		return 0
	}
	for k, name := range gatewayNames {
		if name == answer.Gateway && answer.Payment == what.InvoiceID {
			return k
		}
	}
	d.fail(fmt.Errorf("payment %s was asked for, and the answer is gateway %q for %q", what.InvoiceID, answer.Gateway, answer.Payment))
	return 0
}

func (d *driven) learn(n int, _ *payment, k int, r result) {
	o := driveOutcome{Payment: paymentName(n), Gateway: gatewayNames[k]}
	switch r {
	case approved:
		o.Result = "approved"
	case declined:
		o.Result, o.Code = "declined", "card.do-not-honor"
	case technical:
		o.Result, o.Code = "technical", "gateway.maintenance"
	case timedOut:
		o.Result = "timeout"
	}
	d.write(driveLine{At: at(d.now), Outcome: &o})
}

func (d *driven) write(l driveLine) {
	if d.err != nil {
		return
	}
	line, err := json.Marshal(l)
	if err == nil {
		_, err = d.in.Write(append(line, '\n'))
	}
	d.fail(err)
}

// fail keeps the first error.
func (d *driven) fail(err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("%w: %w", errDrive, err)
	}
}

// close ends the program and returns what went wrong.
func (d *driven) close() error {
	if d.command == nil {
		return d.err
	}
	if d.err == nil {
		d.fail(d.in.Flush())
	}
	d.fail(d.pipe.Close())
	if d.err != nil {
		_ = d.command.Process.Kill() // it may wait for ever for what does not come
	}
	d.fail(d.command.Wait())
	return d.err
}
