package pivot

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"switchyard/sims/psp"
)

// The codes of errors.
const (
	codeValidation  = "api_validation_error"
	codeCredentials = "credentials_invalid"
	codeNotFound    = "not_found"
	codeMissing     = "resource_missing"
	codeDuplicate   = "duplicate_error"
	codeIdempotency = "idempotency_error"
	// codeState goes with 422, for which no code is published.
	codeState = "unprocessable_entity"
)

// The sizes of a page.
const defaultPage, maxPage = 20, 100

// Complain is Pivot's answer when it does nothing.
func (s *Sim) Complain(c psp.Complaint) psp.Answer {
	switch c {
	case psp.Unauthorized401:
		return problem(http.StatusUnauthorized, codeCredentials, "The access token is invalid or has expired")
	case psp.Throttled429:
		return problem(http.StatusTooManyRequests, "frequency_above_limit", "Too many requests, try again later")
	case psp.Unavailable503:
		return problem(http.StatusServiceUnavailable, "service_unavailable", "The service is unavailable")
	default:
		return problem(http.StatusInternalServerError, "internal_error", "An internal error occurred")
	}
}

func success(data any) psp.Answer {
	return psp.JSON(http.StatusOK, psp.Object{"code": "00", "message": "Success", "data": data})
}

// listed is one page of rows.
func listed(r *psp.Request, rows []psp.Object) psp.Answer {
	page, size := positive(r.Query.Get("page"), 1), min(positive(r.Query.Get("perPage"), defaultPage), maxPage)
	from := min((page-1)*size, len(rows))
	return psp.JSON(http.StatusOK, psp.Object{
		"code": "00", "message": "Success", "data": rows[from:min(from+size, len(rows))],
		"pagination": psp.Object{
			"page": page, "perPage": size, "totalItems": len(rows), "totalPages": (len(rows) + size - 1) / size,
		},
	})
}

// positive reads a small number over 0, or gives the other one.
func positive(text string, otherwise int) int {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return otherwise
	}
	return int(n)
}

// problem is an error. Nothing was begun, so that a key may be used again.
func problem(status int, code, message string, details ...psp.Object) psp.Answer {
	kind := "API_ERROR"
	if status >= http.StatusInternalServerError {
		kind = "GATEWAY_ERROR"
	}
	if details == nil {
		details = []psp.Object{}
	}
	a := psp.JSON(status, psp.Object{
		"code": code, "message": message, "data": nil,
		"error": psp.Object{"type": kind, "details": details, "traceId": strconv.FormatInt(time.Now().UnixNano(), 16)},
	})
	a.Unkept = true
	return a
}

// invalid is the answer to a request that is wrong in itself.
func invalid(field, message string) psp.Answer {
	return problem(http.StatusBadRequest, codeValidation, "The request is not valid",
		psp.Object{"field": field, "message": message})
}

// refused is invalid as what a check returns.
func refused(field, message string) *psp.Answer {
	a := invalid(field, message)
	return &a
}

func missing(what string) psp.Answer {
	return problem(http.StatusNotFound, codeMissing, "The "+what+" was not found")
}

// wrongState is the answer to a request that is well formed and comes at the wrong time.
func wrongState(status string) psp.Answer {
	return problem(http.StatusUnprocessableEntity, codeState, "The status "+status+" does not allow this")
}

// decode reads a JSON body. When it cannot, the answer says why.
func decode(body []byte, into any) *psp.Answer {
	if err := json.Unmarshal(body, into); err != nil {
		return refused("", "The body is not the JSON that is expected: "+err.Error())
	}
	return nil
}

// orNull is null for an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func rawOrNull(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}
