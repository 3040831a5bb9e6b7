package adaptertest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"switchyard/payments"
)

// fault is something that goes wrong with a call, and what it must be reported as when the call is the one that moves the
// money.
type fault struct {
	name string
	kind payments.FaultKind
	make func(recorded Exchange) answer
}

// retryAfter is what the injected 429 asks for.
const retryAfter = 7 * time.Second

// endless is more than any adapter should read, in bytes.
const endless = 16 << 20

const errorPage = `<!DOCTYPE html><html><head><title>Error</title></head><body>Something went wrong.</body></html>`

// faults are what every call of every adapter is tried with.
func faults() []fault {
	fails := func(err error) func(Exchange) answer {
		return func(Exchange) answer {
			return func(*http.Request) (*http.Response, error) { return nil, err }
		}
	}
	answers := func(status int, header http.Header, body string) func(Exchange) answer {
		return func(Exchange) answer {
			return func(*http.Request) (*http.Response, error) {
				return newResponse(status, header.Clone(), strings.NewReader(body)), nil
			}
		}
	}
	page := http.Header{"Content-Type": {"text/html"}}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	unresolved := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "psp.test", IsNotFound: true}}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	return []fault{
		{"refused", payments.NeverSent, fails(refused)},
		{"unresolved", payments.NeverSent, fails(unresolved)},
		{"untrusted", payments.NeverSent, fails(x509.UnknownAuthorityError{})},
		{"timeout", payments.Unknown, fails(context.DeadlineExceeded)},
		{"reset", payments.Unknown, fails(reset)},
		{"hung-up", payments.Unknown, fails(io.EOF)},
		{"500", payments.Unknown, answers(500, http.Header{}, `{}`)},
		{"502", payments.Unknown, answers(502, page, errorPage)},
		{"503", payments.Unknown, answers(503, http.Header{}, ``)},
		{"504", payments.Unknown, answers(504, page, errorPage)},
		{"408", payments.Unknown, answers(408, http.Header{}, `{}`)},
		{"redirect", payments.Unknown, answers(302, http.Header{"Location": {BaseURL + "/elsewhere"}}, ``)},
		{"html-200", payments.Unknown, answers(200, page, errorPage)},
		{"empty-200", payments.Unknown, answers(200, http.Header{}, ``)},
		{"hollow-200", payments.Unknown, answers(200, http.Header{}, `{}`)},
		{"null-200", payments.Unknown, answers(200, http.Header{}, `null`)},
		{"other-200", payments.Unknown, answers(200, http.Header{}, `["unexpected"]`)},
		{"cut", payments.Unknown, cutBody},
		{"endless", payments.Unknown, endlessBody},
		{"429", payments.Throttled, answers(429, http.Header{"Retry-After": {"7"}}, `{}`)},
		{"401", payments.Misconfigured, answers(401, http.Header{}, `{}`)},
		{"403", payments.Misconfigured, answers(403, http.Header{}, `{}`)},
	}
}

// cutBody is the recorded answer with its second half lost.
func cutBody(recorded Exchange) answer {
	return func(*http.Request) (*http.Response, error) {
		r := recorded.answer()
		r.Body = io.NopCloser(io.MultiReader(
			io.LimitReader(r.Body, int64(len(recorded.Body)+len(recorded.Text))/2), failingReader{}))
		return r, nil
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// endlessBody is the recorded answer behind more white space than anybody should read: whoever reads without a limit gets to
// the answer and takes it.
func endlessBody(recorded Exchange) answer {
	return func(*http.Request) (*http.Response, error) {
		r := recorded.answer()
		r.Body = io.NopCloser(io.MultiReader(io.LimitReader(spaces{}, endless), r.Body))
		return r, nil
	}
}

type spaces struct{}

var blank = strings.Repeat(" ", 64<<10)

func (spaces) Read(p []byte) (int, error) {
	return copy(p, blank), nil
}

// eachFault plays the case once for every fault at every one of its calls, and asks what is wrong with how it ended. An optional
// call that this adapter leaves out is not asked about.
func (b *bench) eachFault(c Case, judge func(f fault, call int, r result, s *script) []error) []error {
	p, err := b.params(c)
	if err != nil {
		return []error{err}
	}
	var errs []error
	for i, e := range b.render(c, p) {
		for _, f := range faults() {
			r, s, o, err := b.playFresh(context.Background(), c, p, map[int]answer{i: f.make(e)})
			if err != nil {
				return []error{err}
			}
			if !s.reached(i) {
				continue
			}
			found := append(s.unfinished(false), o.leaks(c, r)...)
			found = append(found, judge(f, i, r, s)...)
			errs = append(errs, prefix(fmt.Sprintf("%s at call %d (%s %s)", f.name, i+1, e.Method, e.Path), found)...)
		}
	}
	return errs
}

// checkFaults plays a case that moves money with every fault.
func (b *bench) checkFaults(c Case) []error {
	charging := c.charging()
	if charging < 0 {
		return []error{errNoCharge}
	}
	return b.eachFault(c, func(f fault, call int, r result, s *script) []error {
		if call > charging {
			return afterCharge(c, r)
		}
		found := faultAt(f, call < charging, r)
		if made := len(s.made()); made != call+1 {
			found = append(found, fmt.Errorf("%d calls were made, the last should have been number %d", made, call+1))
		}
		return found
	})
}

// faultAt returns what is wrong with the report of a fault at the charging call or, when preparing is set, at one before it: the
// charging call was not sent then, so nothing is unknown.
func faultAt(f fault, preparing bool, r result) []error {
	want := f.kind
	if preparing && want == payments.Unknown {
		want = payments.NeverSent
	}
	var got *payments.Fault
	switch {
	case r.err == nil:
		return []error{fmt.Errorf("answered with %q, want a fault of kind %s", r.outcome.Status, want)}
	case !errors.As(r.err, &got):
		return []error{fmt.Errorf("the error holds no fault: %w", r.err)}
	case got.Kind != want:
		return []error{fmt.Errorf("fault %w, want the kind %s", got, want)}
	case want == payments.Throttled && got.RetryAfter != retryAfter:
		return []error{fmt.Errorf("the PSP asked for patience of %s, the fault says %s", retryAfter, got.RetryAfter)}
	}
	return nil
}

// afterCharge returns what is wrong with the report of a fault at a call after the charging one: the outcome may be known all the
// same; if it is not, it is unknown.
func afterCharge(c Case, r result) []error {
	if r.err == nil {
		if r.outcome.Status != c.Want.Status {
			return []error{fmt.Errorf("answered with %q, though the charging call was answered with %q", r.outcome.Status, c.Want.Status)}
		}
		return nil
	}
	if f := payments.AsFault(r.err); f.Kind != payments.Unknown {
		return []error{fmt.Errorf("fault %w, though the charging call was sent", f)}
	}
	return nil
}

// checkLookupFaults plays a lookup with every fault: a question that was not answered is an error, and never the answer that
// nothing was found.
func (b *bench) checkLookupFaults(c Case) []error {
	return b.eachFault(c, func(_ fault, _ int, r result, _ *script) []error {
		switch {
		case r.err != nil:
			return noFault(r.err)
		case r.finding.Kind != c.Want.Finding || r.finding.Outcome.Status != c.Want.Status:
			return []error{fmt.Errorf("found %q %q", r.finding.Kind, r.finding.Outcome.Status)}
		}
		return nil
	})
}

// noFault returns what is wrong with an error that holds no fault.
func noFault(err error) []error {
	if _, ok := errors.AsType[*payments.Fault](err); ok {
		return nil
	}
	return []error{fmt.Errorf("the error holds no fault: %w", err)}
}
