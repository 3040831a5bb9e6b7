package processout

import (
	"net/http"

	"switchyard/sims/psp"
)

// The codes of errors that more than one endpoint gives.
const (
	codeValidation    = "request.validation.error"
	codeAmount        = "request.validation.invalid-amount"
	codeSource        = "request.source.invalid"
	codeMissingSource = "request.validation.missing-source"
	codeCardUsed      = "request.source.card-already-used"
	codeResult        = "request.validation.redirect-result-invalid"
)

// Complain is ProcessOut's answer when it does nothing.
func (s *Sim) Complain(c psp.Complaint) psp.Answer {
	switch c {
	case psp.Unauthorized401:
		return problem(http.StatusUnauthorized, "request.authentication.invalid", "The project's credentials are invalid.")
	case psp.Throttled429:
		a := problem(http.StatusTooManyRequests, "request.rate.exceeded", "The request rate was exceeded.")
		a.Header["X-Ratelimit"] = []string{"3000"}
		a.Header["X-Ratelimit-Remaining"] = []string{"0"}
		return a
	case psp.Unavailable503:
		return problem(http.StatusServiceUnavailable, "service.not-available", "The service is not available.")
	default:
		return problem(http.StatusInternalServerError, "internal-server-error", "An internal error occurred.")
	}
}

// problem is an error that no idempotency key keeps.
func problem(status int, code, message string) psp.Answer {
	a := psp.JSON(status, psp.Object{"success": false, "error_type": code, "message": message})
	a.Unkept = true
	return a
}

func invalid(code, message string) psp.Answer { return problem(http.StatusBadRequest, code, message) }

func notFound(what string) psp.Answer {
	return problem(http.StatusNotFound, "resource."+what+".not-found", "The "+what+" was not found.")
}

// declined is the answer to a payment that was tried and refused.
func declined(code string) psp.Answer {
	a := problem(http.StatusGone, code, "The payment was declined.")
	a.Unkept = false
	return a
}

// success is an answer with one object under a key, or with none if the key is empty.
func success(key string, value any) psp.Answer {
	body := psp.Object{"success": true}
	if key != "" {
		body[key] = value
	}
	return psp.JSON(http.StatusOK, body)
}

// orNull is null for an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
