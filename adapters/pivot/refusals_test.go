package pivot

import (
	"strings"
	"testing"

	"switchyard/payments"
)

// The vendor's lists, as they stand in its documentation: of issuers' codes by failure code, and of the codes of answers. The 82
// is listed twice under DECLINED_BY_CHANNEL, among the general refusals and for the CVC.
var (
	listedFailures = map[string]string{
		"DECLINED_BY_CHANNEL":   "01 03 05 06 12 13 22 40 57 61 62 63 64 65 6P 70 82 92 93 100 109 110 115 54 101 N7",
		"INVALID_ACCOUNT":       "14 15 21 46 52 53 78 79 111",
		"AUTHENTICATION_FAILED": "",
		"SUSPECTED_FRAUD":       "04 07 41 43 200 34 59 83",
		"INSUFFICIENT_FUND":     "51 116 121",
		"CHANNEL_UNAVAILABLE":   "19 80 90 91 96 911",
		"CANCELLED_BY_USER":     "",
		"CHARGE_EXPIRED":        "",
		"BLOCKED_BY_FDS":        "",
		"REQUIRE_REVIEW":        "",
	}
	listedRefusals = `api_validation_error credentials_invalid resource_not_complete forbidden_access not_found resource_missing
		duplicate_error idempotency_error frequency_above_limit internal_error bad_gateway service_unavailable gateway_timeout`
	neverRetried = []string{"SUSPECTED_FRAUD", "BLOCKED_BY_FDS", "REQUIRE_REVIEW"}
)

func TestFailuresAreComplete(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for raw, list := range listedFailures {
		row, ok := failures[raw]
		if !ok {
			t.Errorf("%s is not translated", raw)
		}
		issuers := strings.Fields(list)
		for _, issuer := range issuers {
			if listed[issuer] {
				t.Errorf("%s is listed twice", issuer)
			}
			listed[issuer] = true
			if _, ok := row.issuers[issuer]; !ok {
				t.Errorf("%s with %s is not translated", raw, issuer)
			}
			if issuerCode(issuer) != issuer {
				t.Errorf("%s with %s can never be found", raw, issuer)
			}
		}
		if len(row.issuers) != len(issuers) {
			t.Errorf("%s has %d issuers' codes, and the vendor lists %d", raw, len(row.issuers), len(issuers))
		}
	}
	if extra := len(failures) - len(listedFailures); extra != 1 { // that without a reason
		t.Errorf("%d failure codes are not in the vendor's list", extra)
	}
}

func TestFailuresSpeakOurLanguage(t *testing.T) {
	t.Parallel()
	check := func(what string, code payments.Code) {
		if !code.Known() || code.MeansUnknown() {
			t.Errorf("%s is %s, which is no code for a decline", what, code)
		}
	}
	for raw, row := range failures {
		check(raw, row.code)
		for issuer, code := range row.issuers {
			check(raw+" with "+issuer, code)
		}
	}
}

// TestSuspicionsAreNeverTriedAgain plays every failure code with every issuer's code, and each alone.
func TestSuspicionsAreNeverTriedAgain(t *testing.T) {
	t.Parallel()
	issuers := []string{"", "00", "ZZ"}
	for _, list := range listedFailures {
		issuers = append(issuers, strings.Fields(list)...)
	}
	never := func(raw, issuer string) {
		code := failureCode(raw, issuer)
		r := payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: code}}
		if payments.CanTryNext(r, 0) || code.Info().Class != payments.ClassNever {
			t.Errorf("%s with %s is %s, which may be tried again", raw, issuer, code)
		}
	}
	for _, raw := range neverRetried {
		for _, issuer := range issuers {
			never(raw, issuer)
		}
	}
	for raw := range failures {
		for issuer := range failures[failedByFraud].issuers {
			never(raw, issuer)
		}
	}
}

// TestRetryAdviceIsKept: Pivot says which refusals hold for the card everywhere, and which are good to be tried elsewhere.
func TestRetryAdviceIsKept(t *testing.T) {
	t.Parallel()
	elsewhere := func(code payments.Code) bool {
		return payments.CanTryNext(payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: code}}, 0)
	}
	for _, raw := range []string{"INVALID_ACCOUNT", "AUTHENTICATION_FAILED", "INSUFFICIENT_FUND", "CANCELLED_BY_USER", "CHARGE_EXPIRED"} {
		for _, issuer := range append(strings.Fields(listedFailures[raw]), "") {
			if code := failureCode(raw, issuer); elsewhere(code) {
				t.Errorf("%s with %s is %s, which is tried elsewhere", raw, issuer, code)
			}
		}
	}
	for _, issuer := range append(strings.Fields(listedFailures["CHANNEL_UNAVAILABLE"]), "") {
		if code := failureCode("CHANNEL_UNAVAILABLE", issuer); !elsewhere(code) {
			t.Errorf("CHANNEL_UNAVAILABLE with %s is %s, which is not tried elsewhere", issuer, code)
		}
	}
}

func TestFailureCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw, issuer string
		want        payments.Code
	}{
		{"", "", payments.CardDeclined},
		{"", "05", payments.CardDeclined},
		{"", "43", payments.CardStolen},
		{"BRAND_NEW", "41", payments.CardLost},
		{" declined_by_channel ", " 5 ", payments.CardDoNotHonor}, // a leading zero that got lost
		{"DECLINED_BY_CHANNEL", "n7", payments.CardFailedCVC},
		{"DECLINED_BY_CHANNEL", "82", payments.CardFailedCVC},
		{"DECLINED_BY_CHANNEL", "51", payments.CardDeclined}, // not of this failure
		{"INVALID_ACCOUNT", "43", payments.CardInvalidAccount},
		{"SUSPECTED_FRAUD", "05", payments.CardPossibleFraud},
	} {
		if got := failureCode(tt.raw, tt.issuer); got != tt.want {
			t.Errorf("%q with %q is %s, want %s", tt.raw, tt.issuer, got, tt.want)
		}
	}
}

func TestRefusalsAreComplete(t *testing.T) {
	t.Parallel()
	listed := strings.Fields(listedRefusals)
	for _, code := range listed {
		row, ok := refusals[code]
		switch {
		case !ok:
			t.Errorf("%s is not translated", code)
		case !row.code.Known() || row.code.MeansUnknown() && row.kind != payments.Unknown:
			t.Errorf("%s is %s of kind %s", code, row.code, row.kind)
		case code != strings.ToLower(code):
			t.Errorf("%s can never be found", code)
		}
	}
	if len(refusals) != len(listed) {
		t.Errorf("%d refusals, and the vendor lists %d", len(refusals), len(listed))
	}
}

func TestTextTakesAnything(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]text{
		`"a"`: "a", `""`: "", `null`: "", `12`: "12", `1.50`: "1.50", `true`: "true", `{"a":1}`: "", `["a"]`: "",
	} {
		got := text("before")
		if err := got.UnmarshalJSON([]byte(raw)); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", raw, got, err, want)
		}
	}
}

func TestAmountTakesAnything(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]int64{
		`{"value":10000,"currency":"IDR"}`: 1_000_000, `{"value":"10000.00","currency":"IDR"}`: 1_000_000, `10000`: 1_000_000, `"10000.00"`: 1_000_000,
		`{"value":"0.01"}`: 1, `{"value":1e4}`: 0, `{"value":"0.001"}`: 0, `{"value":-5}`: 0, `null`: 0, `{}`: 0, `[]`: 0, `true`: 0, `{"value":{}}`: 0,
	} {
		var a amount
		if err := a.UnmarshalJSON([]byte(raw)); err != nil || a.money().Minor != want {
			t.Errorf("%s: %d, %v, want %d", raw, a.money().Minor, err, want)
		}
	}
}
