package paymongo

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"switchyard/sims/psp"
	"switchyard/sims/replay"
)

// The codes of errors.
const (
	codeRequired   = "parameter_required"
	codeInvalid    = "parameter_invalid"
	codeWrongType  = "parameter_data_type_invalid"
	codeFormat     = "parameter_format_invalid"
	codeTooSmall   = "parameter_below_minimum"
	codeTooLarge   = "parameter_above_maximum"
	codeFailed     = "resource_failed_state"
	codeProcessing = "resource_processing_state"
	codeSucceeded  = "resource_succeeded_state"
	codeCancelled  = "resource_cancelled_state"
	codeNotFound   = "resource_not_found"
)

// Complain is PayMongo's answer when it does nothing. Only the 401 is JSON.
func (s *Sim) Complain(c psp.Complaint) psp.Answer {
	var a psp.Answer
	switch c {
	case psp.Unauthorized401:
		a = problem(http.StatusUnauthorized, "api_key_invalid", "The API key you provided is invalid.")
	case psp.Throttled429:
		a = psp.Text(http.StatusTooManyRequests, "text/plain", "Too many requests, please try again later.")
	case psp.Unavailable503:
		a = psp.Text(http.StatusServiceUnavailable, "text/html", "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>")
	default:
		a = psp.Text(http.StatusInternalServerError, "text/plain", "Internal Server Error")
	}
	a.Unkept = true
	return a
}

func problem(status int, code, detail string) psp.Answer {
	return psp.JSON(status, psp.Object{"errors": []psp.Object{{"code": code, "detail": detail}}})
}

// badParameter is the answer to a request that is wrong in itself. No idempotency key keeps it.
func badParameter(code, pointer, detail string) psp.Answer {
	attribute := pointer[strings.LastIndex(pointer, ".")+1:]
	a := psp.JSON(http.StatusBadRequest, psp.Object{"errors": []psp.Object{{
		"code": code, "detail": detail, "source": psp.Object{"pointer": pointer, "attribute": attribute},
	}}})
	a.Unkept = true
	return a
}

func required(pointer string) psp.Answer {
	return badParameter(codeRequired, pointer, pointer+" is required.")
}

func notFound(what, id string) psp.Answer {
	a := problem(http.StatusNotFound, codeNotFound, "No such "+what+" with id "+id+".")
	a.Unkept = true
	return a
}

// failedState is the answer to what was tried and failed: a decline, a cancel that did not work.
func failedState(subCode, detail string) psp.Answer {
	return psp.JSON(http.StatusBadRequest, psp.Object{"errors": []psp.Object{{
		"code": codeFailed, "sub_code": subCode, "detail": detail,
	}}})
}

// wrongState is the answer to an operation that an intent's status does not allow.
func wrongState(status string) psp.Answer {
	code := codeProcessing
	switch status {
	case statusSucceeded:
		code = codeSucceeded
	case statusCancelled:
		code = codeCancelled
	case statusAwaitingMethod:
		code = codeFailed
	}
	return problem(http.StatusBadRequest, code, "The payment intent's status is "+status+".")
}

func refuseKey(v replay.Verdict) psp.Answer {
	if v == replay.Running {
		return problem(http.StatusConflict, codeProcessing, "A request with the same Idempotency-Key is being processed.")
	}
	return problem(http.StatusBadRequest, codeInvalid, "The Idempotency-Key was used with different parameters.")
}

// attributes reads data.attributes of the body. When it cannot, the answer says why.
func attributes(r *psp.Request, into any) (psp.Answer, bool) {
	return parseAttributes(r.Body, into)
}

func parseAttributes(body []byte, into any) (psp.Answer, bool) {
	if len(body) == 0 {
		return psp.Answer{}, true
	}
	var envelope struct {
		Data struct {
			Attributes json.RawMessage `json:"attributes"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return badParameter(codeFormat, "data", "The request body is not valid JSON."), false
	}
	if len(envelope.Data.Attributes) == 0 {
		return psp.Answer{}, true
	}
	err := json.Unmarshal(envelope.Data.Attributes, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return badParameter(codeWrongType, wrong.Field, wrong.Field+" should be a "+wrong.Type.Kind().String()+"."), false
	case err != nil:
		return badParameter(codeFormat, "data.attributes", "The attributes are not valid JSON."), false
	}
	return psp.Answer{}, true
}

// resource is one object in the envelope of PayMongo.
func resource(id, kind string, attributes psp.Object) psp.Object {
	return psp.Object{"id": id, "type": kind, "attributes": attributes}
}

func answer(data any) psp.Answer { return psp.JSON(http.StatusOK, psp.Object{"data": data}) }

func list(rows []psp.Object, more bool) psp.Answer {
	return psp.JSON(http.StatusOK, psp.Object{"data": rows, "has_more": more})
}

// orNull is null for an empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func metadataOrNull(m map[string]string) any {
	if len(m) == 0 {
		return nil
	}
	return m
}
