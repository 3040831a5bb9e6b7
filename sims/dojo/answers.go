package dojo

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"switchyard/sims/psp"
)

// Complain is Dojo's answer when it does nothing.
func (s *Sim) Complain(c psp.Complaint) psp.Answer {
	switch c {
	case psp.Unauthorized401:
		return problem(http.StatusUnauthorized, "Unauthorized", "", nil)
	case psp.Throttled429:
		return problem(http.StatusTooManyRequests, "Too Many Requests", "", nil)
	case psp.Unavailable503:
		return problem(http.StatusServiceUnavailable, "Service Unavailable", "", nil)
	default:
		return problem(http.StatusInternalServerError, "An error occurred while processing your request.", "", nil)
	}
}

// problem is an error by RFC 7807. Nothing was begun, so that a key may be used again.
func problem(status int, title, detail string, errors psp.Object) psp.Answer {
	body := psp.Object{
		"type": "https://httpstatuses.io/" + strconv.Itoa(status), "title": title, "status": status,
		"traceId": "00-" + strconv.FormatInt(time.Now().UnixNano(), 16),
	}
	if detail != "" {
		body["detail"] = detail
	}
	if errors != nil {
		body["errors"] = errors
	}
	a := psp.JSON(status, body)
	a.Header.Set("Content-Type", "application/problem+json; charset=utf-8")
	a.Unkept = true
	return a
}

// invalid is the answer to a request that is wrong in itself.
func invalid(field, message string) psp.Answer {
	return problem(http.StatusBadRequest, "One or more validation errors occurred.", "", psp.Object{field: []string{message}})
}

// refused is invalid as what a check returns.
func refused(field, message string) *psp.Answer {
	a := invalid(field, message)
	return &a
}

func notFound(detail string) psp.Answer {
	return problem(http.StatusNotFound, "Not Found", detail, nil)
}

// conflict is the answer to a request that comes at the wrong time.
func conflict(detail string) psp.Answer {
	return problem(http.StatusConflict, "Conflict", detail, nil)
}

func badRequest(detail string) psp.Answer {
	return problem(http.StatusBadRequest, "Bad Request", detail, nil)
}

// decode reads a JSON body that has no other fields than the schema. When it cannot, the answer says why.
func decode(body []byte, into any) *psp.Answer {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return refused("$", "The body is not the JSON that is expected: "+err.Error())
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
