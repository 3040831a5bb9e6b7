package payments_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"switchyard/payments"
)

func declined(code payments.Code) payments.Attempt {
	return payments.Attempt{
		ProjectID: "proj_a", ID: "tr_op_1", Operation: payments.OpSale, State: payments.AttemptDeclined, Code: code, CardKey: "key",
		GatewayConfigurationID: "gway_conf_1", Scheme: payments.SchemeMastercard,
	}
}

func TestTryOf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change       func(*payments.Attempt)
		counted      bool
		never, later time.Duration
	}{
		"a plain refusal":        {func(*payments.Attempt) {}, true, 0, 0},
		"of class F":             {func(a *payments.Attempt) { a.Code = payments.CardLost }, true, payments.NeverFor, 0},
		"by the scheme's advice": {func(a *payments.Attempt) { a.AdviceCode = "21" }, true, payments.NeverFor, 0},
		"by Visa's category": {func(a *payments.Attempt) {
			a.Scheme, a.Code, a.NetworkCode = payments.SchemeVisa, payments.CardInvalidNumber, "14"
		}, true, payments.NeverFor, 0},
		"to be tried after four days":       {func(a *payments.Attempt) { a.AdviceCode, a.NetworkCode = "27", "51" }, true, 0, 4 * 24 * time.Hour},
		"no funds":                          {func(a *payments.Attempt) { a.Code = payments.CardNoMoney }, true, 0, 0},
		"a verification":                    {func(a *payments.Attempt) { a.Operation = payments.OpVerify }, true, 0, 0},
		"the payer gave up":                 {func(a *payments.Attempt) { a.Code = payments.CustomerCanceled }, false, 0, 0},
		"the page expired":                  {func(a *payments.Attempt) { a.Code = payments.GatewayExpired }, false, 0, 0},
		"our settings":                      {func(a *payments.Attempt) { a.Code = payments.GatewayValidationError }, false, 0, 0},
		"approved":                          {func(a *payments.Attempt) { a.State = payments.AttemptApproved }, false, 0, 0},
		"failed: no issuer heard of it":     {func(a *payments.Attempt) { a.State = payments.AttemptFailed }, false, 0, 0},
		"not known":                         {func(a *payments.Attempt) { a.State = payments.AttemptUnknown }, false, 0, 0},
		"a refund":                          {func(a *payments.Attempt) { a.Operation = payments.OpRefund }, false, 0, 0},
		"a card that nothing is counted by": {func(a *payments.Attempt) { a.CardKey = "" }, false, 0, 0},
	} {
		a := declined(payments.CardDoNotHonor)
		tt.change(&a)
		got, ok := payments.TryOf(&a, today)
		want := payments.CardTry{}
		if tt.counted {
			want = payments.CardTry{ProjectID: a.ProjectID, CardKey: a.CardKey, AttemptID: a.ID, GatewayConfigurationID: a.GatewayConfigurationID, Code: a.Code, At: today, Words: got.Words}
		}
		if tt.never > 0 {
			want.NeverUntil = today.Add(tt.never)
		}
		if tt.later > 0 {
			want.LaterUntil = today.Add(tt.later)
		}
		if ok != tt.counted || got != want || (got.Words == "") != (tt.never+tt.later == 0) {
			t.Errorf("%s: %v, %+v", name, ok, got)
		}
	}
}

// TestHistoryOf compares the sum with one made the long way round.
func TestHistoryOf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var tries []payments.CardTry
		day, month, never, later := 0, 0, time.Time{}, time.Time{}
		for range rapid.IntRange(0, 20).Draw(t, "tries") {
			age := time.Duration(rapid.Int64Range(0, int64(40*24*time.Hour)).Draw(t, "age"))
			a := declined(rapid.SampledFrom([]payments.Code{payments.CardDoNotHonor, payments.CardStolen}).Draw(t, "code"))
			a.AdviceCode = rapid.SampledFrom([]string{"", "02", "30", "03"}).Draw(t, "advice")
			try, _ := payments.TryOf(&a, today.Add(-age))
			tries = append(tries, try)
			if age < 24*time.Hour {
				day++
			}
			if age < 30*24*time.Hour {
				month++
			}
			if try.NeverUntil.After(never) {
				never = try.NeverUntil
			}
			if try.LaterUntil.After(later) {
				later = try.LaterUntil
			}
		}
		h := payments.HistoryOf(tries, today)
		if month == 0 {
			if h != nil {
				t.Fatalf("%+v of nothing", h)
			}
			return
		}
		until := func(h *payments.Hold) time.Time {
			if h == nil {
				return time.Time{}
			}
			return h.Until
		}
		want := func(at time.Time) time.Time {
			if at.After(today) {
				return at
			}
			return time.Time{}
		}
		if h.Day != day || h.Month != month || !until(h.Never).Equal(want(never)) || !until(h.Later).Equal(want(later)) {
			t.Fatalf("%+v, want %d and %d, %s and %s", h, day, month, want(never), want(later))
		}
	})
}
