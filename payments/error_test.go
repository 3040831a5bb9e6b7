package payments_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"switchyard/payments"
)

func TestErrorCode(t *testing.T) {
	t.Parallel()
	notFound := payments.NewError(payments.CodeCardNotFound, "No such card.")
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"nil", nil, ""},
		{"internal", io.EOF, ""},
		{"direct", notFound, payments.CodeCardNotFound},
		{"wrapped", fmt.Errorf("pay: %w", notFound), payments.CodeCardNotFound},
		{"joined", errors.Join(io.EOF, notFound), payments.CodeCardNotFound},
		{"the first in the chain", &payments.Error{Code: payments.CodeSourceInvalid, Cause: notFound}, payments.CodeSourceInvalid},
	}
	for _, tt := range tests {
		if got := payments.ErrorCode(tt.err); got != tt.want {
			t.Errorf("%s: ErrorCode = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	err := payments.Errorf(payments.CodeInvalidAmount, "The amount has %d decimals.", 3)
	if want := "request.validation.invalid-amount: The amount has 3 decimals."; err.Error() != want {
		t.Errorf("Error() = %q, want %q", err.Error(), want)
	}
	if err.Unwrap() != nil {
		t.Errorf("Unwrap() = %v, want nil", err.Unwrap())
	}

	err.Cause = io.ErrUnexpectedEOF
	if want := "request.validation.invalid-amount: The amount has 3 decimals.: unexpected EOF"; err.Error() != want {
		t.Errorf("Error() = %q, want %q", err.Error(), want)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is not in the chain")
	}
	if err.Message != "The amount has 3 decimals." {
		t.Errorf("the cause is in the public message: %q", err.Message)
	}
}
