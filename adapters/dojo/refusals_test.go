package dojo

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// TestTablesAreComplete compares the tables with the vendor's own lists.
func TestTablesAreComplete(t *testing.T) {
	t.Parallel()
	doc, err := published()
	if err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]map[string]meaning{
		"PaymentIntentStatus": intentOutcomes, "SetupIntentStatus": setupOutcomes, "CaptureStatus": captureOutcomes,
	} {
		listed := map[string]bool{}
		for _, word := range doc.Components.Schemas[name].Value.Enum {
			listed[word.(string)] = true
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(table))); diff != "" {
			t.Errorf("%s (-listed +in the table):\n%s", name, diff)
		}
	}
	// A charge is answered in the words of a capture.
	if diff := cmp.Diff(slices.Sorted(maps.Keys(captureOutcomes)), slices.Sorted(maps.Keys(chargeOutcomes))); diff != "" {
		t.Errorf("chargeOutcomes (-listed +in the table):\n%s", diff)
	}
}

// TestTablesSpeakOurLanguage looks for words that mean nothing, or two things.
func TestTablesSpeakOurLanguage(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]map[string]meaning{
		"intents": intentOutcomes, "setups": setupOutcomes, "captures": captureOutcomes, "charges": chargeOutcomes,
	} {
		for word, m := range table {
			switch {
			case m.code != "" && !m.code.Known():
				t.Errorf("%s: %s is %s, which is not in the closed list", name, word, m.code)
			case (m.status == payments.Declined) != (m.code != "" && !m.code.MeansUnknown()):
				t.Errorf("%s: %s is %q with the code %q", name, word, m.status, m.code)
			case m.status == "" && !m.code.MeansUnknown():
				t.Errorf("%s: %s is neither an outcome nor unknown", name, word)
			case m.status == payments.ActionRequired:
				t.Errorf("%s: %s asks for an action, and there is none", name, word)
			}
		}
	}
}

// TestOnlyOneWordMovesOn: of a charge of a setup intent only a plain decline may be tried elsewhere, and once.
func TestOnlyOneWordMovesOn(t *testing.T) {
	t.Parallel()
	for word := range chargeOutcomes {
		o, err := outcome(chargeOutcomes, word)
		r := payments.Result{Outcome: o, Fault: payments.AsFault(err)}
		if got := payments.CanTryNext(r, 0); got != (word == "Declined") {
			t.Errorf("after %s another PSP may be tried: %t", word, got)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const body = `{"type":"x","title":"One or more validation errors occurred.","status":400,"traceId":"00-1",
		"errors":{"Reference":["The Reference field is required."],"Amount.Value":["Too small.","Really."]}}`
	for _, tt := range []struct {
		status  int
		body    string
		kind    payments.FaultKind
		code    payments.Code // public
		message string
	}{
		{400, body, payments.Rejected, payments.GatewayValidationError, "One or more validation errors occurred. Amount.Value: Too small. Really. Reference: The Reference field is required."},
		{400, `{"title":"Bad","detail":"More."}`, payments.Rejected, payments.GatewayValidationError, "Bad More."},
		{404, `{"traceId":"00-1"}`, payments.Rejected, payments.GatewayValidationError, ""},
		{405, `{"type":"x"}`, payments.Rejected, payments.GatewayValidationError, ""},
		{409, `{"title":"Conflict"}`, payments.Unknown, payments.GatewayInvalidState, "Conflict"},
		{400, `{}`, payments.Unknown, payments.GatewayTimeout, ""},
		{404, `<html>`, payments.Unknown, payments.GatewayTimeout, ""},
		{400, `{"title":7}`, payments.Unknown, payments.GatewayTimeout, ""},
		{401, `{}`, payments.Misconfigured, payments.GatewayConfigurationError, ""},
		{403, `{"title":"Forbidden"}`, payments.Misconfigured, payments.GatewayConfigurationError, "Forbidden"},
		{429, ``, payments.Throttled, payments.GatewayRateLimitExceeded, ""},
		{500, `{"title":"Oops"}`, payments.Unknown, payments.GatewayTimeout, "Oops"},
	} {
		f := refused(&wire.Response{Status: tt.status, Header: http.Header{}, Body: []byte(tt.body)})
		if f.Kind != tt.kind || f.PublicCode() != tt.code || f.RawMessage != tt.message {
			t.Errorf("%d %s: %s, %s, %q", tt.status, tt.body, f.Kind, f.PublicCode(), f.RawMessage)
		}
	}
}

// TestPaidWith: what an intent calls its card is read wherever it stands, and what cannot be read costs nothing.
func TestPaidWith(t *testing.T) {
	t.Parallel()
	details := &paymentDetails{MethodID: testCard}
	events := func(text string) json.RawMessage { return json.RawMessage(text) }
	for name, tt := range map[string]struct {
		i    intent
		want string
	}{
		"details":          {intent{Details: details, Events: events(`[{"paymentMethodId":"pm_x"}]`)}, testCard},
		"an event":         {intent{Details: &paymentDetails{}, Events: events(`[{"paymentMethodId":"pm_x"},{"paymentMethodId":"` + testCard + `"}]`)}, testCard},
		"other events":     {intent{Events: events(`{"Authorized":1}`)}, ""},
		"no text":          {intent{Events: events(`[{"paymentMethodId":7}]`)}, ""},
		"no events":        {intent{Events: events(`[]`)}, ""},
		"nothing":          {intent{}, ""},
		"a setup intent's": {intent{SetupIntentID: testSetup, Details: details}, ""},
	} {
		if got := tt.i.card(); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
