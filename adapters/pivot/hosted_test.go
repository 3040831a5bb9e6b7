package pivot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

const (
	payPage    = "https://pay-stg.pivot.test/detail?token=eyJhbGciOiJIUzI1NiJ9"
	hostedOpen = `"mode":"REDIRECT","paymentUrl":"` + payPage + `"`
)

func checkout() payments.SessionRequest {
	return payments.SessionRequest{
		Reference: fakeReference, Amount: fakeAmount, Capture: true, Save: true, Description: "Order 1001",
		ReturnURL: "https://shop.test/thanks", CancelURL: "https://shop.test/cart",
		Payer: payments.Payer{FirstName: "Siti", Email: "siti@shop.test"},
	}
}

func TestStartSession(t *testing.T) {
	t.Parallel()
	saved := checkout()
	saved.Save, saved.ShowSaved, saved.Capture, saved.CancelURL, saved.Payer.CustomerRef = false, true, false, "", "cus-1"
	saved.ExpiresAt = time.Date(2026, time.April, 1, 17, 30, 0, 999, time.FixedZone("WIB", 7*3600))
	stranger := checkout()
	stranger.ShowSaved = true // nothing can be shown of somebody whom Pivot does not know
	for name, tt := range map[string]struct {
		request payments.SessionRequest
		want    map[string]any
	}{
		"first payment": {checkout(), map[string]any{
			"clientReferenceId": fakeReference, "mode": "REDIRECT", "autoConfirm": true, "saveForFutureUse": true, "showSavedPayment": nil,
			"customerId": nil, "customer.email": "siti@shop.test", "paymentMethod.type": "CARD", "paymentMethod.card": nil,
			"paymentMethodOptions.card.captureMethod": "automatic", "amount.value": 1234.0, "amount.currency": "IDR", "expiryAt": nil,
			"redirectUrl.successReturnUrl": "https://shop.test/thanks", "redirectUrl.failureReturnUrl": "https://shop.test/cart",
			"redirectUrl.expirationReturnUrl": "https://shop.test/cart", "expirationMode": "STRICT",
		}},
		"saved cards": {saved, map[string]any{
			"mode": "REDIRECT", "saveForFutureUse": false, "showSavedPayment": true, "customerId": "cus-1", "customer": nil,
			"paymentMethodOptions.card.captureMethod": "manual", "expiryAt": "2026-04-01T10:30:00Z",
			"redirectUrl.failureReturnUrl": "https://shop.test/thanks",
		}},
		"stranger": {stranger, map[string]any{"showSavedPayment": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, a := newFake(t, nil)
			fake.on(postSessions, 200, sessionAnswer(statusNeedsAction, hostedOpen))
			var noted payments.ProviderRefs
			tt.request.Note = func(_ context.Context, refs payments.ProviderRefs) error {
				noted = refs
				return nil
			}
			o, err := a.StartSession(t.Context(), tt.request)
			if err != nil || o.Status != payments.ActionRequired || o.Action.Value != payPage || o.Refs.Session != fakeSession {
				t.Fatalf("%+v, %v", o, err)
			}
			if noted != (payments.ProviderRefs{Session: fakeSession, Customer: "cus-1"}) {
				t.Errorf("noted %+v", noted)
			}
			made := fake.made(postSessions)[0]
			for path, want := range tt.want {
				if diff := cmp.Diff(want, made.at(path)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
			}
		})
	}
}

func TestStartSessionAgain(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	fake.on(getSession, 200, sessionAnswer(statusNeedsConfirm, hostedOpen))
	r := checkout()
	r.Refs.Session = fakeSession
	o, err := a.StartSession(t.Context(), r)
	if err != nil || o.Status != payments.ActionRequired || o.Action.Value != payPage {
		t.Errorf("%+v, %v; want the page of the session that exists", o, err)
	}
	if made := len(fake.made(postSessions)); made > 0 {
		t.Error("another session was made")
	}
}

// TestNoPageWithoutNote: what nobody can ask about later must not be paid.
func TestNoPageWithoutNote(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	fake.on(postSessions, 200, sessionAnswer(statusNeedsAction, hostedOpen))
	r := checkout()
	r.Note = func(context.Context, payments.ProviderRefs) error { return errors.New("the disk is full") }
	o, err := a.StartSession(t.Context(), r)
	if f := payments.AsFault(err); f == nil || f.Kind != payments.NeverSent || o.Action != nil {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestStartSessionFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		want   payments.FaultKind
	}{
		"refused":    {400, `{"code":"api_validation_error"}`, payments.Rejected},
		"taken":      {409, `{"code":"duplicate_error"}`, payments.Unknown},
		"hollow":     {200, `{}`, payments.Unknown},
		"no session": {200, `{"code":"00","data":{"status":"REQUIRE_ACTION"}}`, payments.Unknown},
		"failed":     {502, ``, payments.Unknown},
	} {
		fake, a := newFake(t, nil)
		fake.on(postSessions, tt.status, tt.body)
		if _, err := a.StartSession(t.Context(), checkout()); payments.AsFault(err) == nil || payments.AsFault(err).Kind != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	_, a := newFake(t, nil)
	r := checkout()
	r.Payer = payments.Payer{}
	if o, err := a.StartSession(t.Context(), r); err != nil || o.Status != payments.Declined {
		t.Errorf("without an address: %+v, %v", o, err)
	}
	r = checkout()
	r.Amount.Minor++
	if _, err := a.StartSession(t.Context(), r); payments.AsFault(err) == nil || payments.AsFault(err).Kind != payments.Rejected {
		t.Errorf("a fraction: %v", err)
	}
}

// TestPageNeedsAnAmount: nothing is sent for a page on which there would be nothing to pay.
func TestPageNeedsAnAmount(t *testing.T) {
	t.Parallel()
	_, a := newFake(t, nil)
	r := checkout()
	r.Amount.Minor = 0
	_, err := a.StartSession(t.Context(), r)
	if f := payments.AsFault(err); f == nil || f.Kind != payments.Rejected || !strings.Contains(f.Error(), "the page needs an amount") {
		t.Errorf("%v, want a refusal that says why", err)
	}
}

// TestTokenIsInTheLinkAlone: the page's token lets anybody pay. However Pivot repeats it, nothing shows it but the link, which is the
// payer's.
func TestTokenIsInTheLinkAlone(t *testing.T) {
	t.Parallel()
	const token = "eyJhbGciOiJIUzI1NiJ9"
	failed := `"chargeDetails":[{"id":"c1","status":"FAILED","failureCode":"` + token + `","failureMessage":"no ` + token + ` at ` + payPage + `","card":{
		"authorizationResult":{"issuerAuthorizationCode":"` + token + `","cvvResult":"` + token + `"}}}],"cancellationReason":"` + token + `"`
	refusal := `{"code":"` + payPage + `","message":"` + payPage + `","error":{"type":"` + payPage + `","details":[{"field":"` + payPage + `","message":"` + payPage + `"}]}}`
	links := 0
	for _, tt := range []struct {
		status int
		body   string
	}{
		{200, sessionAnswer(statusNeedsAction, hostedOpen)},
		{200, sessionAnswer(statusNeedsConfirm, hostedOpen)},
		{200, sessionAnswer(statusPaid, hostedOpen+`,"saveForFutureUse":true,"chargeDetails":[{"id":"c1","status":"SUCCESS"}]`)},
		{200, sessionAnswer(statusCancelled, hostedOpen+","+failed)},
		{200, sessionAnswer(statusCancelled, hostedOpen+`,"cancellationReason":"`+token+`"`)},
		{200, sessionAnswer(statusExpired, hostedOpen+","+failed)},
		{200, sessionAnswer(token, hostedOpen)},
		{400, refusal},
		{404, refusal},
		{409, refusal},
		{422, refusal},
		{500, refusal},
		{200, `"` + payPage + `"`},
		{200, payPage},
	} {
		fake, a := newFake(t, nil)
		for _, call := range []string{postSessions, getSession, getSession + "/cancel", "POST " + sessionsPath + "/" + fakeSession + "/cancel"} {
			fake.on(call, tt.status, tt.body)
		}
		fake.on("GET "+customersPath+"/cus-1", tt.status, tt.body)
		fake.on("GET "+sessionsPath, tt.status, strings.NewReplacer(`"data":{`, `"data":[{`, `}}`, `}]}`).Replace(tt.body))
		var shown []any
		keep := func(o payments.Outcome, err error) {
			if o.Action != nil && strings.Contains(o.Action.Value, token) {
				links++
				o.Action = nil
			}
			if f := payments.AsFault(err); f != nil {
				shown = append(shown, *f, f.Error(), f.Err)
			}
			shown = append(shown, o)
		}
		for _, refs := range []payments.ProviderRefs{{}, {Session: fakeSession}} {
			r := checkout()
			r.Refs = refs
			r.Note = func(_ context.Context, noted payments.ProviderRefs) error {
				shown = append(shown, noted)
				return nil
			}
			keep(a.StartSession(t.Context(), r))
			f, err := a.Lookup(t.Context(), payments.LookupRequest{Operation: payments.OpSale, Reference: fakeReference, Refs: refs, Amount: fakeAmount})
			keep(f.Outcome, err)
			fence, err := a.Abandon(t.Context(), payments.AbandonRequest{Operation: payments.OpSale, Refs: refs})
			keep(payments.Outcome{}, err)
			shown = append(shown, f.Kind, f.Refs, f.Totals, fence)
		}
		if all := fmt.Sprintf("%+v %#v", shown, shown); strings.Contains(all, token) {
			t.Errorf("after %d %s: the token shows in %s", tt.status, tt.body, all)
		}
	}
	if links == 0 {
		t.Error("no link has the token: the test looks at nothing")
	}
}

// TestGuestsSaveNothing: to Pivot, all of them are one customer.
func TestGuestsSaveNothing(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, func(c *Config) { c.GuestEmail, c.ReturnURL = "guest@shop.test", "https://shop.test" })
	fake.on(postSessions, 200, sessionAnswer(statusNeedsAction, hostedOpen))
	r := checkout()
	r.Payer, r.ReturnURL, r.CancelURL = payments.Payer{}, "", ""
	if _, err := a.StartSession(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	made := fake.made(postSessions)[0]
	if made.at("customer.email") != "guest@shop.test" || made.at("saveForFutureUse") != false ||
		made.at("redirectUrl.successReturnUrl") != "https://shop.test" {
		t.Errorf("the session was made with %s", made.raw)
	}
}

func TestPartlyApprovedHold(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	fake.on(getSession, 200, sessionAnswer(statusProcessing, `"chargeDetails":[{"id":"c1","status":"WAITING_FOR_CAPTURE","authorizedAmount":{"value":"1000","currency":"IDR"}}]`))
	f, err := a.Lookup(t.Context(), payments.LookupRequest{
		Operation: payments.OpAuthorize, Reference: fakeReference, Refs: payments.ProviderRefs{Session: fakeSession}, Amount: fakeAmount,
	})
	if err != nil || f.Outcome.Status != payments.Approved || f.Outcome.Amount.Minor != 100_000 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestListMethods(t *testing.T) {
	t.Parallel()
	const customer = "GET " + customersPath + "/cus-1"
	const card = `{"token":"tok_1","paymentMethod":"CARD","paymentChannel":"VISA","status":"ACTIVE","createdAt":"2026-04-01T10:00:00Z","card":{
		"fingerprint":"f1","network":"VISA","first6":"444000","first8":"44400001","last4":"0001","expMonth":"01","expYear":"39",
		"cardHolderFirstName":"Siti","cardHolderLastName":"Aminah"}}`
	const wallet = `{"token":"tok_2","paymentMethod":"ewallet","paymentChannel":"dana","status":"ACTIVE"}`
	const old = `{"token":"tok_3","paymentMethod":"card","paymentChannel":"mastercard","status":"INACTIVE","createdAt":"?","card":{
		"first6":"5550000112230001","last4":"x","expMonth":13,"expYear":2039}}`
	first := payments.SavedMethod{
		MethodRef: "tok_1", Usable: true, CreatedAt: time.Date(2026, time.April, 1, 10, 0, 0, 0, time.UTC),
		Card: payments.CardFacts{Scheme: payments.SchemeVisa, IIN: "444000", Last4: "0001", ExpMonth: 1, ExpYear: 2039, Name: "Siti Aminah"},
	}
	third := payments.SavedMethod{MethodRef: "tok_3", Card: payments.CardFacts{Scheme: payments.SchemeMastercard}}
	for name, tt := range map[string]struct {
		status int
		body   string
		want   []payments.SavedMethod
		fault  payments.FaultKind
	}{
		"one spelling":     {200, `{"code":"00","data":{"id":"cus-1","storedPaymentMethods":[` + card + `,` + wallet + `,` + old + `]}}`, []payments.SavedMethod{first, third}, ""},
		"other spelling":   {200, `{"code":"00","data":{"id":"cus-1","storePaymentMethods":[` + card + `]}}`, []payments.SavedMethod{first}, ""},
		"null":             {200, `{"code":"00","data":{"id":"cus-1","storedPaymentMethods":null}}`, []payments.SavedMethod{}, ""},
		"unknown customer": {404, `{"code":"resource_missing"}`, []payments.SavedMethod{}, ""},
		"unknown address":  {404, `{"code":"not_found"}`, nil, payments.Rejected},
		"forbidden":        {403, `{"code":"forbidden_access"}`, nil, payments.Misconfigured},
		"no answer":        {500, ``, nil, payments.Unknown},
		"hollow":           {200, `{"code":"00"}`, nil, payments.Unknown},
	} {
		fake, a := newFake(t, nil)
		fake.on(customer, tt.status, tt.body)
		got, err := a.ListMethods(t.Context(), "cus-1")
		if f := payments.AsFault(err); (f == nil) != (tt.fault == "") || f != nil && f.Kind != tt.fault {
			t.Errorf("%s: %v, want the fault %q", name, err, tt.fault)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestAmbiguousChargeIsSentAlike: what is sent again after an unknown outcome is the same to the letter, at any later time.
func TestAmbiguousChargeIsSentAlike(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	fake.on(postSessions, 502, "")
	if _, err := a.Authorize(t.Context(), savedSale()); payments.AsFault(err) == nil || payments.AsFault(err).Kind != payments.Unknown {
		t.Fatal(err)
	}
	fake.pass(time.Minute)
	fake.on(postSessions, 200, sessionAnswer(statusPaid, ""))
	if o, err := a.Authorize(t.Context(), savedSale()); err != nil || o.Status != payments.Approved {
		t.Fatalf("%+v, %v", o, err)
	}
	calls := fake.made(postSessions)
	if len(calls) != 2 || calls[0].raw != calls[1].raw || calls[0].header.Get("X-Request-Id") != calls[1].header.Get("X-Request-Id") {
		t.Error("the second request is not the first")
	}
}

func TestNoChargeWithoutNote(t *testing.T) {
	t.Parallel()
	fake, a := newFake(t, nil)
	fake.on(postSessions, 200, sessionAnswer(statusNeedsConfirm, `"encryptionKey":"`+readVector(t).EncryptionKey+`"`))
	r := savedSale()
	r.Source, r.Payer = payments.Source{Card: &payments.CardData{Number: payments.NewSecret("4242424242424242")}}, payments.Payer{Email: "siti@shop.test"}
	_, err := a.Authorize(t.Context(), r)
	if f := payments.AsFault(err); f == nil || f.Kind != payments.NeverSent {
		t.Errorf("%v, want a call that was never sent", err)
	}
	if made := len(fake.made(postConfirm)); made > 0 {
		t.Error("it was charged")
	}
	// A saved card is charged in one call; where its id cannot be noted, the reference is left to ask by.
	r = savedSale()
	r.Note = func(context.Context, payments.ProviderRefs) error { return errors.New("the disk is full") }
	_, err = a.Authorize(t.Context(), r)
	if f := payments.AsFault(err); f == nil || f.Kind != payments.Unknown {
		t.Errorf("%v, want an unknown outcome", err)
	}
}
