package dojo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"switchyard/adapters"
	"switchyard/payments"
)

// TestOpenerIsInTheLinkAlone: a customer's secret opens its cards. However Dojo repeats one, in the answer to the call that made it
// or to any other, nothing shows it but the link, which is the payer's.
func TestOpenerIsInTheLinkAlone(t *testing.T) {
	t.Parallel()
	problem := `{"type":"` + testOpener + `","title":"no ` + testOpener + `","detail":"` + saidLink + `","traceId":"` + testOpener + `","errors":{"` +
		testOpener + `":["csc=` + testOpener + `&x"]}}`
	intentWith := func(status string) string {
		return strings.Replace(saidIntent, `"Created"`, `"`+status+`"`, 1)
	}
	cards := `{"customerId":"` + testCustomer + `","savedPaymentMethods":[{"id":"` + testCard + `","cardDetails":{"pan":"` + testOpener + `","scheme":"` + testOpener + `"}}]}`
	answers := []said{
		{status: 200, body: intentWith(intentCreated)},
		{status: 200, body: intentWith(intentCaptured)},
		{status: 200, body: intentWith(intentCanceled)},
		{status: 200, body: intentWith(testOpener)},
		{status: 200, body: `"` + testOpener + `"`},
		{status: 200, body: testOpener},
		{status: 200, body: cards},
		{status: 200, body: `{"paymentIntentId":"` + testIntent + `","status":"Declined","message":"` + testOpener + `"}`},
		{status: 200, body: `{"paymentIntentId":"` + testIntent + `","status":"Failed","message":"` + testOpener + `"}`},
		{status: 200, body: `{"id":"` + testSetup + `","status":"` + testOpener + `"}`},
		{status: 400, body: problem},
		{status: 401, body: problem},
		{status: 404, body: problem},
		{status: 409, body: problem},
		{status: 500, body: problem},
		{err: errors.New("cannot reach " + saidLink + " with " + testKey)},
	}
	links := 0
	for _, answer := range answers {
		var log bytes.Buffer
		n := &noted{}
		var outcomes []payments.Outcome
		var shown []any
		keep := func(o payments.Outcome, err error) {
			outcomes = append(outcomes, o)
			if f := payments.AsFault(err); f != nil {
				shown = append(shown, *f, f.Error())
			}
		}
		a := repeating(t, answer, &log)
		for _, refs := range []payments.ProviderRefs{{}, {Session: testIntent, Customer: testCustomer}, {Session: testSetup}} {
			for _, amount := range []int64{0, 1050} {
				r := testSession(n)
				r.Refs, r.Amount.Minor = refs, amount
				keep(a.StartSession(t.Context(), r))
			}
			for _, op := range []payments.Operation{payments.OpSale, payments.OpAuthorize, payments.OpVerify, payments.OpCapture} {
				f, err := a.Lookup(t.Context(), payments.LookupRequest{Operation: op, Reference: testRef, Refs: refs, Amount: fuzzAmount})
				keep(f.Outcome, err)
				shown = append(shown, f.Refs, f.Kind)
			}
			fence, err := a.Abandon(t.Context(), payments.AbandonRequest{Operation: payments.OpVerify, Refs: refs})
			keep(payments.Outcome{}, err)
			shown = append(shown, fence)
		}
		keep(a.Authorize(t.Context(), fuzzCharge(fuzzRefs)))
		methods, err := a.ListMethods(t.Context(), testCustomer)
		keep(payments.Outcome{}, err)
		keep(payments.Outcome{}, a.DeleteCustomer(t.Context(), testCustomer))
		keep(payments.Outcome{}, a.DeleteMethod(t.Context(), payments.ForgetRequest{CustomerRef: testCustomer, MethodRef: testCard}))
		_, err = a.SyncCustomer(t.Context(), testPayer())
		keep(payments.Outcome{}, err)
		for _, o := range outcomes {
			if o.Action != nil && strings.Contains(o.Action.Value, testOpener) {
				links++
				o.Action.Value = ""
			}
			shown = append(shown, o, o.Action)
		}
		text, err := json.Marshal([]any{outcomes, methods})
		if err != nil {
			t.Fatal(err)
		}
		all := fmt.Sprintf("%+v %#v %v %+v %s %s", shown, shown, methods, n.refs, text, log.String())
		if at := strings.Index(all, testOpener); at >= 0 {
			t.Errorf("after %d %s: the secret shows in …%s…", answer.status, answer.body, all[max(0, at-200):at])
		}
	}
	if links == 0 {
		t.Error("no link has the secret: the test looks at nothing")
	}
}

// repeating builds an adapter whose every call is answered alike, except the one for a customer's secret.
func repeating(t *testing.T, answer said, log *bytes.Buffer) *adapter {
	t.Helper()
	c := Provider().NewConfig().(*Config)
	c.APIKey, c.MandateTerms = payments.NewSecret(testKey), "terms"
	made, err := c.Open(adapters.Deps{
		Now: testNow, Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			given := answer
			if strings.HasSuffix(r.URL.Path, "/create-secret") {
				given = said{status: http.StatusOK, body: saidSecret}
			}
			if given.err != nil {
				return nil, given.err
			}
			return given.response(), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*adapter)
}
