package sims_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"switchyard/sims/ledger"
)

// pivot drives the Pivot simulator.
type pivot struct {
	*bench
	token string
}

func startPivot(t *testing.T) pivot {
	t.Helper()
	return pivotOn(start(t))
}

func pivotOn(b *bench) pivot {
	b.t.Helper()
	r := b.send(b.t.Context(), request{
		method: "POST", url: b.base("pivot") + "/v1/access-token", body: obj{"grantType": "client_credentials"},
		header: map[string]string{"X-MERCHANT-ID": "any", "X-MERCHANT-SECRET": "any"},
	})
	if r.status != 200 || r.text("data", "expiresIn") != "900" || strings.Count(r.text("data", "accessToken"), ".") != 2 {
		b.t.Fatalf("access token: %d %s", r.status, r.body)
	}
	return pivot{b, r.text("data", "accessToken")}
}

// key makes an idempotency key out of any text.
func key(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (p pivot) keyed(ctx context.Context, method, path string, body any, key string) reply {
	p.t.Helper()
	header := map[string]string{"Authorization": "Bearer " + p.token}
	if key != "" {
		header["X-REQUEST-ID"] = key
	}
	return p.send(ctx, request{method: method, url: p.base("pivot") + path, header: header, body: body})
}

func (p pivot) call(method, path string, body any) reply {
	p.t.Helper()
	return p.keyed(p.t.Context(), method, path, body, "")
}

func (p pivot) session(reference, value string, more obj) obj {
	return merge(obj{
		"clientReferenceId": reference, "amount": obj{"value": rawNumber(value), "currency": "IDR"},
		"customer": obj{"givenName": "Ada", "email": "ada@shop.example"},
		"orderInformation": obj{"productDetails": []obj{{
			"type": "DIGITAL", "name": "Thing", "quantity": 1, "price": obj{"value": rawNumber(value), "currency": "IDR"},
		}}},
		"redirectUrl": obj{
			"successReturnUrl": "https://shop.example/ok", "failureReturnUrl": "https://shop.example/no",
			"expirationReturnUrl": "https://shop.example/late",
		},
		"mode": "API", "autoConfirm": false, "paymentMethod": obj{"type": "CARD"},
	}, more)
}

func (p pivot) create(reference, value string, more obj) reply {
	p.t.Helper()
	return p.keyed(p.t.Context(), "POST", "/v2/payments", p.session(reference, value, more), key(reference))
}

func rawCard(number string) obj {
	return obj{"number": number, "expMonth": 12, "expYear": 40, "cvc": "123", "cardHolderFirstName": "Ada"}
}

func confirmation(card obj, threeDS, capture string) obj {
	return obj{
		"paymentMethod":        obj{"type": "CARD", "card": card},
		"paymentMethodOptions": obj{"card": obj{"captureMethod": capture, "threeDsMethod": threeDS}},
	}
}

// pay makes a session and confirms it with a raw card.
func (p pivot) pay(reference, value, number, threeDS, capture string) reply {
	p.t.Helper()
	r := p.create(reference, value, nil)
	if r.status != 200 || r.text("data", "status") != "REQUIRE_CONFIRMATION" || r.at("data", "paymentUrl") != nil {
		p.t.Fatalf("%s: %d %s", reference, r.status, r.body)
	}
	return p.call("POST", "/v2/payments/"+r.text("data", "id")+"/confirm", confirmation(rawCard(number), threeDS, capture))
}

func (p pivot) status(id string) string {
	return p.call("GET", "/v2/payments/"+id, nil).text("data", "status")
}

// encrypt does what a browser does with a card and a session's key.
func encrypt(t *testing.T, publicKey string, plain obj) string {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(publicKey)
	if err != nil {
		t.Fatalf("encryptionKey %q: %v", publicKey, err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatalf("encryptionKey %q: %v", publicKey, err)
	}
	public := parsed.(*rsa.PublicKey)
	if public.N.BitLen() != 2048 {
		t.Errorf("a key of %d bits", public.N.BitLen())
	}
	secret, nonce := make([]byte, 32), make([]byte, 12)
	_, _ = rand.Read(secret)
	_, _ = rand.Read(nonce)
	block, _ := aes.NewCipher(secret)
	gcm, _ := cipher.NewGCM(block)
	text, _ := json.Marshal(plain)
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Capitals, as in the vendor's sample: the case does not matter.
	whole, _ := json.Marshal(map[string][]byte{"EncryptedKey": wrapped, "Nonce": nonce, "Ciphertext": gcm.Seal(nil, nonce, text, nil)})
	return base64.StdEncoding.EncodeToString(whole)
}

func plainCard(number string) obj {
	return obj{
		"card":               obj{"number": number, "expiryMonth": "12", "expiryYear": "40", "cvc": "123", "nameOnCard": "Ada Lovelace"},
		"deviceInformations": obj{"country": "ID"}, "metadata": obj{},
	}
}

func TestPivotOutcomes(t *testing.T) {
	p := startPivot(t)
	for _, c := range []struct {
		number, threeDS, failure, issuer string
		challenge                        bool
	}{
		{"4242424242424242", "AUTOMATIC", "", "", false},
		{"4242424242424242", "CHALLENGE", "", "", false},
		{"4440000112200001", "AUTOMATIC", "", "", false},
		{"3550000112270002", "AUTOMATIC", "", "", true},
		{"5550000112220002", "NEVER", "", "", false},
		{"4012888888881881", "AUTOMATIC", "", "", false},
		{"4012888888881881", "CHALLENGE", "", "", true},
		{"4000000000000101", "NEVER", "", "", true},
		{"4000000000000002", "CHALLENGE", "DECLINED_BY_CHANNEL", "05", false},
		{"4440000334480001", "NEVER", "DECLINED_BY_CHANNEL", "05", false},
		{"5550000334400002", "AUTOMATIC", "DECLINED_BY_CHANNEL", "54", true},
		{"3550000334440003", "AUTOMATIC", "DECLINED_BY_CHANNEL", "N7", true},
		{"4440000334450004", "NEVER", "INVALID_ACCOUNT", "14", false},
		{"4440000334440005", "AUTOMATIC", "AUTHENTICATION_FAILED", "", true},
		{"5550000334460006", "NEVER", "SUSPECTED_FRAUD", "43", false},
		{"4440000334420007", "NEVER", "SUSPECTED_FRAUD", "59", false},
		{"4440000334410008", "NEVER", "BLOCKED_BY_FDS", "", false},
		{"4440000334400009", "NEVER", "REQUIRE_REVIEW", "", false},
		{"4440000334470010", "NEVER", "INSUFFICIENT_FUND", "51", false},
		{"4440000334460011", "AUTOMATIC", "CHANNEL_UNAVAILABLE", "91", true},
		{"3550000334430012", "NEVER", "CANCELLED_BY_USER", "", false},
		{"4448100334430014", "NEVER", "DECLINED_BY_CHANNEL", "05", false}, // without a billing address
	} {
		reference := c.threeDS + c.number[:3] + c.number[8:]
		r := p.pay(reference, "23456", c.number, c.threeDS, "automatic")
		if strings.Contains(r.body, c.number) {
			t.Errorf("%s: shown: %s", reference, r.body)
		}
		if c.challenge {
			if r.status != 200 || r.text("data", "status") != "REQUIRE_ACTION" || r.text("data", "chargeDetails", 0, "status") != "WAITING_FOR_USER_ACTION" ||
				r.at("data", "chargeDetails", 0, "authorizedAmount") != nil || p.rows(reference) != nil {
				t.Errorf("%s: %d %s", reference, r.status, r.body)
			}
			want := "https://shop.example/ok"
			if c.failure != "" {
				want = "https://shop.example/no"
			}
			if to := p.decide(r.text("data", "paymentUrl"), "authorize"); to != want {
				t.Errorf("%s: back to %s", reference, to)
			}
			r = p.call("GET", "/v2/payments/"+r.text("data", "id"), nil)
		}
		want := ledger.Charge{PSP: "pivot", AmountMinor: 2345600, Currency: "IDR", State: ledger.Captured, CapturedMinor: 2345600}
		status, charge := "PAID", "SUCCESS"
		if c.failure != "" {
			want.State, want.CapturedMinor, status, charge = ledger.Declined, 0, "CANCELLED", "FAILED"
		}
		details := []any{"data", "chargeDetails", 0}
		issuer := r.text(append(details, "card", "authorizationResult", "issuerAuthorizationCode")...)
		if r.text("data", "status") != status || r.text(append(details, "status")...) != charge || r.text(append(details, "failureCode")...) != c.failure ||
			c.failure != "" && issuer != c.issuer {
			t.Errorf("%s: %s", reference, r.body)
		}
		if reason := r.text("data", "cancellationReason"); (c.failure == "") != (reason == "") || (reason == "FRAUDULENT") != (c.failure == "BLOCKED_BY_FDS" || c.failure == "REQUIRE_REVIEW") {
			t.Errorf("%s: cancelled for %q", reference, reason)
		}
		p.wantRow(reference, want)
	}
}

func TestPivotEncryptedCard(t *testing.T) {
	p := startPivot(t)
	first, second := p.create("one", "10000", nil), p.create("two", "10000", nil)
	confirm := func(session reply, encrypted string) reply {
		return p.call("POST", "/v2/payments/"+session.text("data", "id")+"/confirm", confirmation(obj{"encryptedCard": encrypted}, "AUTOMATIC", "automatic"))
	}
	sealed := encrypt(t, first.text("data", "encryptionKey"), plainCard("4242424242424242"))
	noCVC := plainCard("4242424242424242")
	delete(noCVC["card"].(obj), "cvc")
	for name, encrypted := range map[string]string{
		"the other session's key": sealed,
		"no base64":               "*",
		"no JSON":                 base64.StdEncoding.EncodeToString([]byte("{")),
		"empty":                   base64.StdEncoding.EncodeToString([]byte("{}")),
		"a bad number":            encrypt(t, second.text("data", "encryptionKey"), plainCard("4242424242424241")),
		"no CVC":                  encrypt(t, second.text("data", "encryptionKey"), noCVC),
	} {
		r := confirm(second, encrypted)
		if r.status != 400 || r.text("code") != "api_validation_error" || strings.Contains(r.body, "42424242") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	r := confirm(first, sealed)
	if r.text("data", "status") != "PAID" || r.text("data", "paymentMethod", "card", "encryptedCard") != sealed || r.text("data", "chargeDetails", 0, "card", "last4") != "4242" {
		t.Errorf("confirmed: %d %s", r.status, r.body)
	}
	if r := p.call("GET", "/v2/payments/"+first.text("data", "id"), nil); strings.Contains(r.body, sealed) {
		t.Errorf("echoed again: %s", r.body)
	}
	if r := confirm(first, sealed); r.status != 422 {
		t.Errorf("confirmed twice: %d %s", r.status, r.body)
	}
	p.wantRow("one", ledger.Charge{PSP: "pivot", AmountMinor: 1000000, Currency: "IDR", State: ledger.Captured, CapturedMinor: 1000000})
	if p.rows("two") != nil {
		t.Errorf("ledger: %+v", p.rows("two"))
	}
}

func TestPivotRefusesBadRequests(t *testing.T) {
	p := startPivot(t)
	money := func(value, currency string) obj {
		return obj{"amount": obj{"value": rawNumber(value), "currency": currency}}
	}
	for field, more := range map[string]obj{
		"amount.value":                            money("10000.5", "IDR"),
		"amount.value ":                           money("0", "IDR"),
		"amount.value  ":                          money(`"10000"`, "IDR"),
		"amount.value   ":                         money("1e4", "IDR"),
		"amount.currency":                         money("10000", "USD"),
		"clientReferenceId":                       {"clientReferenceId": "with-dash"},
		"redirectUrl.failureReturnUrl":            {"redirectUrl": obj{"successReturnUrl": "https://a.example", "expirationReturnUrl": "https://a.example"}},
		"mode":                                    {"mode": "LINK"},
		"paymentType":                             {"paymentType": "MULTIPLE"},
		"showSavedPayment":                        {"showSavedPayment": true},
		"customer":                                {"customer": nil},
		"customerId":                              {"customer": nil, "customerId": "nobody"},
		"customer.email":                          {"customer": obj{"email": "ada"}},
		"customer.phoneNumber":                    {"customer": obj{"email": "a@b.example", "phoneNumber": obj{"countryCode": "+62", "number": "0812"}}},
		"orderInformation":                        {"orderInformation": nil},
		"orderInformation.productDetails":         {"orderInformation": obj{}},
		"paymentMethod.type":                      {"paymentMethod": obj{"type": "QR"}},
		"paymentMethod.card":                      {"autoConfirm": true},
		"paymentMethod.card ":                     {"paymentMethod": obj{"type": "CARD", "card": rawCard("4242424242424242")}},
		"paymentMethod.card.encryptedCard":        {"autoConfirm": true, "paymentMethod": obj{"type": "CARD", "card": obj{"encryptedCard": "x"}}},
		"paymentMethod.card.number":               {"autoConfirm": true, "paymentMethod": obj{"type": "CARD", "card": rawCard("4242424242424241")}},
		"paymentMethod.card.cvc":                  {"autoConfirm": true, "paymentMethod": obj{"type": "CARD", "card": obj{"token": "x"}}},
		"paymentMethod.card.token":                {"autoConfirm": true, "paymentMethod": obj{"type": "CARD", "card": obj{"token": "x", "cvc": "123"}}},
		"paymentMethodOptions.card.captureMethod": {"paymentMethodOptions": obj{"card": obj{"captureMethod": "MANUAL"}}},
		"expiryAt":                                {"expiryAt": "2020-01-01T00:00:00Z"},
	} {
		r := p.create("one", "10000", more)
		if r.status != 400 || r.text("code") != "api_validation_error" || r.text("error", "details", 0, "field") != strings.TrimSpace(field) {
			t.Errorf("%s: %d %s", field, r.status, r.body)
		}
	}
	session := p.create("one", "10000.00", nil) // zeros are no fraction, and nothing above took the reference or the key
	if session.status != 200 || session.number("data", "amount", "value") != "10000" || session.at("data", "chargeDetails") != nil {
		t.Fatalf("session: %d %s", session.status, session.body)
	}
	confirm := "/v2/payments/" + session.text("data", "id") + "/confirm"
	nested := obj{"paymentMethod": obj{"type": "CARD", "card": rawCard("4242424242424242"), "paymentMethodOptions": obj{"card": obj{}}}}
	if r := p.call("POST", confirm, nested); r.status != 400 || r.text("error", "details", 0, "field") != "paymentMethodOptions" {
		t.Errorf("options within the method: %d %s", r.status, r.body)
	}
	for _, token := range []string{"", "x", p.token + "x", strings.ToUpper(p.token)} {
		q := p
		q.token = token
		if r := q.call("GET", "/v2/payments", nil); r.status != 401 || r.text("code") != "credentials_invalid" {
			t.Errorf("token %q: %d %s", token, r.status, r.body)
		}
	}
	for path, code := range map[string]string{"/v2/payments/no": "resource_missing", "/v1/refunds/no": "resource_missing", "/v1/customers/no": "resource_missing", "/v3/x": "not_found"} {
		if r := p.call("GET", path, nil); r.status != 404 || r.text("code") != code {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

func TestPivotIdempotency(t *testing.T) {
	p := startPivot(t)
	create := func(reference, key string) reply {
		return p.keyed(t.Context(), "POST", "/v2/payments", p.session(reference, "10000", nil), key)
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 37), "0123-4567-89ab-cdef"} {
		if r := create("one", bad); r.status != 400 || r.text("error", "details", 0, "field") != "X-REQUEST-ID" {
			t.Errorf("key %q: %d %s", bad, r.status, r.body)
		}
	}
	first, again := create("one", key("a")), create("one", key("a"))
	if first.status != 200 || first.body != again.body {
		t.Errorf("replayed: %d %s, then %d %s", first.status, first.body, again.status, again.body)
	}
	if r := create("two", key("a")); r.status != 409 || r.text("code") != "idempotency_error" {
		t.Errorf("another body: %d %s", r.status, r.body)
	}
	if r := create("one", key("b")); r.status != 409 || r.text("code") != "duplicate_error" {
		t.Errorf("another key: %d %s", r.status, r.body)
	}
}
