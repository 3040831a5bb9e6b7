package api

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"switchyard/payments"
)

// codeConstants reads the codes of errors out of the source of payments, so that a new one cannot be forgotten here.
func codeConstants(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../payments/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				codes[spec.Names[0].Name] = text
			}
		}
		return true
	})
	if len(codes) < 40 {
		t.Fatalf("found only %d codes", len(codes))
	}
	return codes
}

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	for name, code := range codeConstants(t) {
		status, ok := statuses[code]
		if !ok {
			t.Errorf("payments.%s has no status", name)
			continue
		}
		want := http.StatusBadRequest
		switch {
		case strings.HasSuffix(code, ".not-found") || code == "request.route-not-found":
			want = 404
		case strings.HasPrefix(code, "request.authentication"):
			want = 401
		case code == "request.still-processing":
			want = 409
		case code == "request.too-much":
			want = 413
		case code == "request.idempotency-key.invalid":
			want = 422
		case code == "request.rate.exceeded":
			want = 429
		case code == "service.overloaded":
			want = 503
		case code == "service.internal-error":
			want = 500
		}
		if status != want {
			t.Errorf("payments.%s: want %d, got %d", name, want, status)
		}
	}
}

func TestStatusOfDeclineCodes(t *testing.T) {
	t.Parallel()
	for _, info := range payments.Codes() {
		code := string(info.Code)
		want := http.StatusGone
		if strings.HasPrefix(code, "card.") || strings.HasPrefix(code, "customer.") {
			want = http.StatusBadRequest // as a fault of the request; as a payment's result it is a refusal and 410
		}
		if got := statusOf(code); got != want {
			t.Errorf("%s: want %d, got %d", code, want, got)
		}
	}
	if got := statusOf("something.new"); got != http.StatusInternalServerError {
		t.Errorf("a code that nobody knows: %d", got)
	}
}

func TestPublicError(t *testing.T) {
	t.Parallel()
	secret := "disk of db-7 is full"
	for _, test := range []struct {
		err  error
		code string
	}{
		{errors.New(secret), payments.CodeInternal},
		{context.DeadlineExceeded, payments.CodeInternal},
		{fmt.Errorf(secret+": %w", payments.ErrConflict), payments.CodeStillProcessing},
		{fmt.Errorf(secret+": %w", payments.ErrClaimed), payments.CodeStillProcessing},
		{fmt.Errorf(secret+": %w", payments.ErrMoneyGuard), payments.CodeInvalidAmount},
		{fmt.Errorf(secret+": %w", payments.ErrDuplicate), payments.CodeInvalidID},
		{fmt.Errorf(secret+": %w", &payments.TransitionError{Subject: "transaction", From: "voided", To: "pending"}), payments.CodeValidation},
		{fmt.Errorf(secret+": %w", payments.NewError(payments.CodeCardNotFound, "No.")), payments.CodeCardNotFound},
		{&payments.Error{Code: payments.CodeValidation, Message: "No.", Cause: errors.New(secret)}, payments.CodeValidation},
	} {
		e := publicError(test.err)
		var w writer
		writeError(&w, e)
		if e.Code != test.code || strings.Contains(string(w.buf), secret) {
			t.Errorf("%v: want %s, got %s", test.err, test.code, w.buf)
		}
	}
}

// TestInternalErrors: the caller learns nothing, the log everything.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.fail = errors.New("disk of db-7 is full")
	g := w.private("GET", "/customers", nil).fails(t, 500, payments.CodeInternal)
	if strings.Contains(g.body, "db-7") {
		t.Errorf("the caller learns: %s", g.body)
	}
	lines := w.log.lines(t)
	last := lines[len(lines)-1]
	if text, _ := last["error"].(string); !strings.Contains(text, "db-7") || last["level"] != "ERROR" || last["code"] != payments.CodeInternal {
		t.Errorf("the log says %v", last)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	down := errors.New("the store does not answer")
	w := newWorld(t, func(o *Options) { o.Ready = func(context.Context) error { return down } })
	w.do(ask{method: "GET", path: "/healthz", anonymous: true}).ok(t)
	if g := w.do(ask{method: "GET", path: "/readyz", anonymous: true}).fails(t, 503, codeNotReady); strings.Contains(g.body, "store") {
		t.Errorf("the caller learns: %s", g.body)
	}
	newWorld(t).do(ask{method: "GET", path: "/readyz", anonymous: true}).ok(t)
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, a := range []ask{
		{method: "GET", path: "/no-such-thing"},
		{method: "GET", path: "/customers/"},
		{method: "PATCH", path: "/customers"},
		{method: "DELETE", path: "/customers"},
		{method: "BREW", path: "/customers"},
		{method: "POST", path: "/invoices/iv_1/payout", body: map[string]any{}},
		{method: "GET", path: "/customers/../../etc/passwd"},
	} {
		a.user, a.key = projectID, projectKey
		w.do(a).fails(t, 404, payments.CodeRouteNotFound)
	}
}
