package processout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"

	"switchyard/adapters"
	"switchyard/payments"
)

// result is what a payer's device comes back with.
const result = "gway_req_eyJib2R5Ijoie1widGhyZWVEUzJGaW5nZXJwcmludFRpbWVvdXRcIjp0cnVlfSJ9"

// steps are requests to continue, one of each operation that can be.
func steps(result string) []payments.ContinueRequest {
	var list []payments.ContinueRequest
	for _, of := range []payments.Operation{payments.OpAuthorize, payments.OpSale, payments.OpVerify} {
		list = append(list, payments.ContinueRequest{
			Operation: of, Reference: "r", Amount: payments.Money{Minor: 123400, Currency: "PHP"}, Result: result,
			Refs: payments.ProviderRefs{Session: "session_1", Customer: "cust_1"},
		})
	}
	return list
}

// longest is a result of the given length.
func longest(length int) string { return "gway_req_" + strings.Repeat("A", length-len("gway_req_")) }

func TestOnlyResultsAreSent(t *testing.T) {
	t.Parallel()
	calls := 0
	a := open(t, counting(&calls)).(adapters.Continuer)
	for text, good := range map[string]bool{
		result: true, "gway_req_e30": true, "gway_req_a+/=": true, "gway_req_a-_.~b": true, longest(64 << 10): true,
		"": false, "gway_req_": false, longest(64<<10 + 1): false, " gway_req_e30": false, "GWAY_REQ_e30": false,
		"tok_1": false, "card_1": false, "cust_1": false, "tok_gway_req_e30": false,
		"gway_req_e 30": false, "gway_req_e30\n": false, "gway_req_e\x00": false, "gway_req_é": false, "gway_req_\xff": false,
		`gway_req_"`: false, "gway_req_<a>": false, `gway_req_\u0041`: false,
	} {
		for _, r := range steps(text) {
			calls = 0
			_, err := a.Continue(t.Context(), r)
			want, made := payments.Rejected, 0
			if good {
				want, made = payments.Unknown, 1
			}
			if f := payments.AsFault(err); f == nil || f.Kind != want {
				t.Errorf("%s of %.40q: %v, want a fault of kind %s", r.Operation, text, err, want)
			}
			if calls != made {
				t.Errorf("%s of %.40q: %d calls, want %d", r.Operation, text, calls, made)
			}
			if len(text) > len("gway_req_") && strings.Contains(fmt.Sprintf("%v %+v", err, err), text) {
				t.Errorf("%s: the error shows %.40q", r.Operation, text)
			}
		}
	}
}

// counting is ProcessOut broken: it counts calls and processes none.
func counting(calls *int) *httpmock.MockTransport {
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
		*calls++
		return httpmock.NewStringResponse(500, ""), nil
	})
	return transport
}

func TestOnlyChargesAreContinued(t *testing.T) {
	t.Parallel()
	calls := 0
	a := open(t, counting(&calls)).(adapters.Continuer)
	r := steps(result)[0]
	for _, of := range []payments.Operation{payments.OpCapture, payments.OpRefund, payments.OpVoid, payments.OpIncrement, payments.OpTokenize, ""} {
		r.Operation = of
		if _, err := a.Continue(t.Context(), r); payments.AsFault(err) == nil || payments.AsFault(err).Kind != payments.Rejected {
			t.Errorf("%q: %v, want a rejected request", of, err)
		}
	}
	if calls > 0 {
		t.Errorf("%d calls were made", calls)
	}
}

// TestResultsAreSecret has ProcessOut repeat the result wherever it puts text.
func TestResultsAreSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{result, "gway_req_a+/b=c+d/e=", longest(64 << 10)} {
		for _, status := range []int{0, 200, 400, 401, 404, 409, 410, 429, 500} {
			transport := httpmock.NewMockTransport()
			transport.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
				raw, _ := io.ReadAll(r.Body)
				text := string(raw) + " " + url.QueryEscape(secret) + " https://psp.test/?token=" + secret
				if status == 0 {
					return nil, errors.New("cannot send " + text)
				}
				return httpmock.NewJsonResponse(status, map[string]any{"success": false, "error_type": "card." + secret, "message": text})
			})
			a := open(t, transport).(adapters.Continuer)
			for _, r := range steps(secret) {
				o, err := a.Continue(t.Context(), r)
				shown, marshalErr := json.Marshal(o)
				if marshalErr != nil {
					t.Fatal(marshalErr)
				}
				text := fmt.Sprintf("%v %+v %s", o, err, shown)
				if f := payments.AsFault(err); f != nil {
					text += fmt.Sprintf(" %+v %v", *f, f.Err)
				}
				if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
					t.Errorf("status %d, %s: the result shows", status, r.Operation)
				}
			}
		}
	}
}

// TestResultsHaveKeysOfTheirOwn: the same result of the same attempt is the same request, and anything else another one.
func TestResultsHaveKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	var keys []string
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		return httpmock.NewStringResponse(500, ""), nil
	})
	a := open(t, transport).(adapters.Continuer)
	send := func(reference, result string) []string {
		keys = nil
		for _, r := range steps(result) {
			r.Reference = reference
			_, _ = a.Continue(t.Context(), r)
		}
		return keys
	}
	first := send("r", result)
	if again := send("r", result); !slices.Equal(first, again) {
		t.Errorf("the same results have the keys %q, then %q", first, again)
	}
	all := slices.Concat(first[1:], send("r", result+"A"), send("s", result)[1:]) // a hold and a sale differ in their paths
	slices.Sort(all)
	if one := slices.Compact(slices.Clone(all)); len(one) != len(all)-1 {
		t.Errorf("%d keys, want %d: %q", len(one), len(all)-1, all)
	}
	for _, key := range all {
		if key == "" || strings.Contains(key, result) {
			t.Errorf("the key %q", key)
		}
	}
}
