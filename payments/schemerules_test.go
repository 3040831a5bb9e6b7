package payments_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchyard/payments"
)

var (
	today   = time.Date(2026, time.November, 20, 0, 0, 0, 0, time.UTC)
	theFees = time.Date(2022, time.April, 1, 0, 0, 0, 0, time.UTC) // Visa's present list is in force from here on
)

// TestVisaCategories: the lists, code by code, as they hold today and as they held before.
func TestVisaCategories(t *testing.T) {
	t.Parallel()
	for _, list := range []struct {
		day        time.Time
		categories [4]string
	}{
		{today, [4]string{"04 07 12 14 15 41 43 46 57 R0 R1 R3", "03 19 51 59 61 62 65 75 78 86 91 93 96 N3 N4", "54 55 70 74 82 1A 6P N7", "05 01 02 06 13 30 39 52 53 85 92 94 ZZ"}},
		{theFees, [4]string{"14", "03 62 78 93", "", ""}},
		{theFees.Add(-1), [4]string{"03 04 07 12 15 41 43 46 57 62 78 93 R0 R1 R3", "19 51 59 61 65 75 86 91 96 N3 N4", "14 54 55 70 74 82 1A 6P N7", "05"}},
		{time.Time{}, [4]string{"03", "", "14", ""}},
	} {
		for i, codes := range list.categories {
			for code := range strings.FieldsSeq(codes) {
				rule, ok := payments.SchemeRuleAt(payments.SchemeVisa, code, "", list.day)
				if !ok || rule.Category != i+1 || rule.Scheme != payments.SchemeVisa || rule.Response != code || rule.Source == "" || rule.Meaning == "" {
					t.Errorf("%s on %s: %+v, want category %d", code, list.day.Format(time.DateOnly), rule, i+1)
				}
				never := rule.Action == payments.SchemeNever
				if limited := rule.Most == 15 && rule.Within == 30*24*time.Hour; never != (i == 0) || limited == never {
					t.Errorf("%s: %+v in category %d", code, rule, i+1)
				}
			}
		}
	}
}

// TestMastercardAdvice: every advice code, what it asks and when another try may come.
func TestMastercardAdvice(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for advice, want := range map[string]struct {
		action payments.SchemeAction
		after  time.Duration
	}{
		"01": {payments.SchemeFix, 0}, "02": {payments.SchemeLater, 72 * time.Hour}, "03": {payments.SchemeNever, 0}, "04": {payments.SchemeFix, 0},
		"21": {payments.SchemeNever, 0}, "22": {payments.SchemeFix, 0},
		"24": {payments.SchemeLater, time.Hour}, "25": {payments.SchemeLater, day}, "26": {payments.SchemeLater, 2 * day}, "27": {payments.SchemeLater, 4 * day},
		"28": {payments.SchemeLater, 6 * day}, "29": {payments.SchemeLater, 8 * day}, "30": {payments.SchemeLater, 10 * day},
		"40": {payments.SchemeNever, 0}, "41": {payments.SchemeNever, 0}, " 3 ": {payments.SchemeNever, 0},
	} {
		for _, scheme := range []payments.Scheme{payments.SchemeMastercard, payments.SchemeMaestro} {
			rule, ok := payments.SchemeRuleAt(scheme, "51", advice, today)
			if !ok || rule.Action != want.action || rule.After != want.after || rule.Scheme != payments.SchemeMastercard || rule.Source == "" {
				t.Errorf("%s, advice %q: %+v", scheme, advice, rule)
			}
		}
	}
	for _, advice := range []string{"05", "23", "31", "x", ""} {
		if rule, ok := payments.SchemeRuleAt(payments.SchemeMastercard, "05", advice, today); ok {
			t.Errorf("advice %q: %+v, want nothing", advice, rule)
		}
	}
}

func TestSchemeRuleAt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		scheme           payments.Scheme
		response, advice string
		action           payments.SchemeAction // empty: no rule
		code             payments.Code
	}{
		"65 of Visa is a count":                       {payments.SchemeVisa, "65", "", payments.SchemeLimited, ""},
		"65 of Mastercard is a soft decline":          {payments.SchemeMastercard, "65", "", payments.SchemeFix, payments.CardNeedsAuthentication},
		"and stays one with advice":                   {payments.SchemeMastercard, "65", "02", payments.SchemeLater, payments.CardNeedsAuthentication},
		"1A of Visa is a soft decline":                {payments.SchemeVisa, "1a", "", payments.SchemeFix, payments.CardNeedsAuthentication},
		"70 of Visa is a PIN":                         {payments.SchemeVisa, "70", "", payments.SchemeFix, payments.CardMissingPIN},
		"57 of Mastercard forbids nothing":            {payments.SchemeMastercard, "57", "", "", ""},
		"a leading zero was lost":                     {payments.SchemeVisa, "4", "", payments.SchemeNever, ""},
		"advice that forbids holds for any scheme":    {payments.SchemeAmex, "100", "03", payments.SchemeNever, ""},
		"and where the scheme is not known":           {payments.SchemeUnknown, "05", "21", payments.SchemeNever, ""},
		"other advice is of Mastercard alone":         {payments.SchemeVisa, "51", "24", payments.SchemeLimited, ""},
		"a category that forbids comes before advice": {payments.SchemeVisa, "41", "24", payments.SchemeNever, ""},
		"a prepaid card is empty":                     {payments.SchemeMastercard, "51", "40", payments.SchemeNever, ""},
		"a prepaid card is refused otherwise":         {payments.SchemeMastercard, "05", "40", "", ""},
		"a card for one payment, no response code":    {payments.SchemeMastercard, "", "41", payments.SchemeNever, ""},
		"nothing is told":                             {payments.SchemeVisa, "", "", "", ""},
		"American Express gives no category":          {payments.SchemeAmex, "05", "", "", ""},
		"a page's card is not known":                  {payments.SchemeUnknown, "41", "", "", ""},
	} {
		rule, ok := payments.SchemeRuleAt(tt.scheme, tt.response, tt.advice, today)
		if ok != (tt.action != "") || rule.Action != tt.action || rule.Code != tt.code {
			t.Errorf("%s: %+v", name, rule)
		}
	}
	rule, _ := payments.SchemeRuleAt(payments.SchemeVisa, "14", "", today)
	if got := rule.String(); got != "visa, response code 14, category 1: the issuer will never approve" {
		t.Error(got)
	}
	rule, _ = payments.SchemeRuleAt(payments.SchemeMastercard, "05", "3", today)
	if got := rule.String(); got != "mastercard, advice code 03: do not try again" {
		t.Error(got)
	}
}

// TestUnderSchemeRules: whatever the PSP's code, a scheme's never means that no PSP is tried, and nothing is ever softened.
func TestUnderSchemeRules(t *testing.T) {
	t.Parallel()
	schemes := []payments.Scheme{"", payments.SchemeVisa, payments.SchemeMastercard, payments.SchemeAmex, payments.SchemeMaestro}
	responses := strings.Fields("- 00 03 04 05 07 12 14 15 41 43 46 51 54 57 59 62 65 70 78 82 91 96 1A R0 R1 R3 N7 100")
	advices := strings.Fields("- 01 02 03 04 21 22 24 30 40 41 99")
	codes := payments.Codes()
	rapid.Check(t, func(t *rapid.T) {
		clean := func(s string) string { return strings.Trim(s, "-") }
		before := payments.Outcome{
			Status: payments.Declined, Code: rapid.SampledFrom(codes).Draw(t, "code").Code,
			NetworkCode: clean(rapid.SampledFrom(responses).Draw(t, "response")), AdviceCode: clean(rapid.SampledFrom(advices).Draw(t, "advice")),
		}
		scheme := rapid.SampledFrom(schemes).Draw(t, "scheme")
		r := payments.UnderSchemeRules(payments.Result{Outcome: before}, scheme, today)
		rule, ok := payments.SchemeRuleAt(scheme, before.NetworkCode, before.AdviceCode, today)
		if ok && rule.Action == payments.SchemeNever && payments.CanTryNext(r, 0) {
			t.Fatalf("%s says never, and %s may go on", rule, r.Outcome.Code)
		}
		if payments.CanTryNext(r, 0) && !payments.CanTryNext(payments.Result{Outcome: before}, 0) {
			t.Fatalf("%s became %s, which may go on", before.Code, r.Outcome.Code)
		}
		if was := before.Class(); (was == payments.ClassNever || was == payments.ClassUnknown) && r.Outcome.Code != before.Code {
			t.Fatalf("%s became %s", before.Code, r.Outcome.Code)
		}
		if again := payments.UnderSchemeRules(r, scheme, today); again != r {
			t.Fatalf("a second look changes %+v to %+v", r, again)
		}
	})
}

func TestUnderSchemeRulesLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	approved := payments.Result{Outcome: payments.Outcome{Status: payments.Approved, NetworkCode: "04", AdviceCode: "03"}}
	fault := payments.Result{Fault: &payments.Fault{Kind: payments.Unknown}}
	typo := payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardInvalidNumber, NetworkCode: "14"}}
	for _, r := range []payments.Result{approved, fault, typo} {
		if got := payments.UnderSchemeRules(r, payments.SchemeVisa, today); got != r {
			t.Errorf("%+v became %+v", r, got)
		}
	}
	soft := payments.Result{Outcome: payments.Outcome{Status: payments.Declined, Code: payments.CardExceededActivityLimits, NetworkCode: "65"}}
	if got := payments.UnderSchemeRules(soft, payments.SchemeMastercard, today).Outcome.Code; got != payments.CardNeedsAuthentication {
		t.Errorf("65 of Mastercard is %s", got)
	}
	if got := payments.UnderSchemeRules(soft, payments.SchemeVisa, today).Outcome.Code; got != payments.CardExceededActivityLimits {
		t.Errorf("65 of Visa is %s", got)
	}
}
