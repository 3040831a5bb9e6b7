package journal

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const pan = "4242424242424242"

func TestMaskBody(t *testing.T) {
	t.Parallel()
	const form, object = "application/x-www-form-urlencoded", "application/json"
	for _, tc := range []struct{ kind, in, want string }{
		{object, ``, ``},
		{object, `{"amount":10000,"value":10000.01,"big":123456789012}`, `{"amount":10000,"big":123456789012,"value":10000.01}`},
		{object, `{"details":{"card_number":"4242424242424242","cvc":"123","exp_month":12}}`, `{"details":{"card_number":"[masked]","cvc":"[masked]","exp_month":12}}`},
		{object, `{"number":4242424242424242,"cvc2":"1234","cvn":123}`, `{"cvc2":"[masked]","cvn":"[masked]","number":"[masked]"}`},
		{object, `{"cvc":"","cvc2":null,"secret":false}`, `{"cvc":"","cvc2":null,"secret":false}`},
		{object, `{"customer":{"id":"cust_1","secret":"cs_sandbox_abcdef"}}`, `{"customer":{"id":"cust_1","secret":"[masked]"}}`},
		{object, `{"card":{"encryptedCard":"eyJlbmMi","token":"b2c1"},"encryptionKey":"MIIB"}`, `{"card":{"encryptedCard":"[masked]","token":"[masked]"},"encryptionKey":"[masked]"}`},
		{object, `{"token":{"id":"x"},"payment_token_id":"pt-1"}`, `{"payment_token_id":"pt-1","token":"[masked]"}`},
		{object, `{"name":"my card is 4242 4242 4242 4242, thanks"}`, `{"name":"my card is [masked], thanks"}`},
		{object, `{"x":4242424242424242,"y":[4242424242424242.0]}`, `{"x":"[masked]","y":["[masked]"]}`},
		{object, `{"4242424242424242":1}`, `{"[masked]":1}`},
		{object, `["a sk_test_abcdef b","xnd_development_1234","key_sandbox_x1234","cs_sandbox_-_ab12","eyJhbGciOi.J9.x_y"]`, `["a [masked] b","[masked]","[masked]","[masked]","[masked]"]`},
		{object, `{"url":"https://pay.dojo.tech/checkout/pi_1?cid=cust_1&csc=abc&token=q#f"}`, `{"url":"https://pay.dojo.tech/checkout/pi_1?cid=cust_1\u0026csc=[masked]\u0026token=[masked]#f"}`},
		{object, `{"reference":"424242424242","phone":"+639171234567"}`, `{"phone":"+639171234567","reference":"424242424242"}`},
		{object, `{"ids":["06gzjmwpkg0036cakpz93k2eyjt5jssh","whsk_switchyard"]}`, `{"ids":["06gzjmwpkg0036cakpz93k2eyjt5jssh","whsk_switchyard"]}`},
		{object, `{"broken":`, `"[10 bytes that cannot be shown]"`},
		{object, `{} {"cvc":"123"}`, `"[16 bytes that cannot be shown]"`},
		{object, `"` + strings.Repeat("x", maxBody) + `"`, `"[65538 bytes that cannot be shown]"`},
		{form, `card[number]=4242424242424242&cvc2=123&cvc=&amount=10.00&name=4242-4242-4242-4242`, `{"amount":["10.00"],"card[number]":["[masked]"],"cvc":[""],"cvc2":["[masked]"],"name":["[masked]"]}`},
		{form, `%zz`, `"[3 bytes that cannot be shown]"`},
	} {
		if got := string(maskBody(tc.kind, []byte(tc.in))); got != tc.want {
			t.Errorf("%.80s:\n got %.200s\nwant %s", tc.in, got, tc.want)
		}
	}
}

func TestMaskAuthorization(t *testing.T) {
	t.Parallel()
	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for value, want := range map[string]string{
		"Basic " + encode("sk_test_1234:"):               "Basic base64(sk_…:)",
		"Basic " + encode("sk_test_1234"):                "Basic base64(sk_…)",
		"Basic " + encode("xnd_development_12:"):         "Basic base64(xnd_…:)",
		"Basic " + encode("test-proj_12:key_sandbox_12"): "Basic base64(test-proj_…:key_…)",
		"basic sk_sandbox_switchyard":                    "Basic sk_…",
		"Basic cs_sandbox_0123":                          "Basic cs_…",
		"Basic whatever it is":                           "Basic …",
		"Bearer eyJhbGciOi.J9.x":                         "Bearer",
		"Digest username=x":                              Masked,
		"sk_test_1234":                                   Masked,
		"Basic":                                          Masked,
	} {
		if got := maskAuthorization(value); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

// noted is the only call of a journal that was told of one.
func noted(t *testing.T, r *http.Request, body string) Call {
	t.Helper()
	b := New()
	b.Note("dojo", r, []byte(body), "prepare")(201)
	calls := b.Calls("")
	if len(calls) != 1 || calls[0].N != 1 || calls[0].PSP != "dojo" || calls[0].Operation != "prepare" || calls[0].Status != 201 || calls[0].At.IsZero() {
		t.Fatalf("calls: %+v", calls)
	}
	return calls[0]
}

func TestNote(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/customers/"+pan+"/x?reference_id=a1&client_key=pi_1_client_2&q="+pan, nil)
	for name, value := range map[string]string{
		"Authorization": "Basic sk_sandbox_12345", "Version": "2025-09-10", "Content-Type": "application/json", "Idempotencykey": "k1",
		"X-Merchant-Secret": "hush", "X-Merchant-Id": "m1", "Cookie": "session=1", "X-Forwarded-For": "192.0.2.1",
	} {
		r.Header.Set(name, value)
	}
	c := noted(t, r, `{"amount":1}`)
	want := map[string]string{"Authorization": "Basic sk_…", "Version": "2025-09-10", "Content-Type": "application/json", "Idempotencykey": "k1", "X-Merchant-Secret": Masked, "X-Merchant-Id": "m1"}
	if fmt.Sprint(c.Headers) != fmt.Sprint(want) || string(c.Body) != `{"amount":1}` || c.Method != "POST" || c.Path != "/customers/[masked]/x" {
		t.Errorf("call: %+v %s", c, c.Body)
	}
	if fmt.Sprint(c.Query) != "map[client_key:[[masked]] q:[[masked]] reference_id:[a1]]" {
		t.Errorf("query: %v", c.Query)
	}
}

// A payer's browser brings no credentials.
func TestNotePage(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/checkout/a1b2?csc=cs_1": "/checkout/*", "/detail?token=eyJ": "/detail", "/_3ds/a1b2": "/_3ds/*", "/": "/", "/" + pan: "/[masked]",
	} {
		r := httptest.NewRequest("POST", path, nil)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c := noted(t, r, "number="+pan+"&cvc=123&x=y"); c.Path != want || c.Body != nil || len(c.Query) != 0 || len(c.Headers) != 0 {
			t.Errorf("%s: %+v %s", path, c, c.Body)
		}
	}
}

func TestBookIsBounded(t *testing.T) {
	t.Parallel()
	b := New()
	r := httptest.NewRequest("GET", "/x", nil)
	for i := range limit + 3 {
		b.Note([]string{"one", "two"}[i%2], r, nil, "lookup")
	}
	calls := b.Calls("")
	if len(calls) != limit || calls[0].N != 4 || calls[limit-1].N != limit+3 {
		t.Errorf("%d calls, from %d to %d", len(calls), calls[0].N, calls[len(calls)-1].N)
	}
	for i, c := range calls[1:] {
		if c.N != calls[i].N+1 {
			t.Fatalf("%d comes after %d", c.N, calls[i].N)
		}
	}
	if ones := b.Calls("one"); len(ones) != limit/2 || ones[0].N != 5 {
		t.Errorf("of one PSP: %d, the first is %d", len(ones), ones[0].N)
	}
	b.Reset()
	if calls := b.Calls(""); calls == nil || len(calls) != 0 {
		t.Errorf("after a reset: %v", calls)
	}
	b.Note("one", r, nil, "lookup")
	if calls := b.Calls(""); len(calls) != 1 || calls[0].N != 1 || calls[0].Status != 0 {
		t.Errorf("after a reset: %+v", calls)
	}
}

// FuzzMask: whatever a body is, no card number, key or CVC by its name comes through.
func FuzzMask(f *testing.F) {
	for _, seed := range []string{"", "x", `","cvc":"`, "1", "4", "\\", " ", "-", "a", "0.", "e5", "\u00e9", "\xff"} {
		f.Add(seed, seed, true)
		f.Add("name", seed, false)
	}
	f.Fuzz(func(t *testing.T, name, around string, form bool) {
		quoted := func(text string) string { return string(encoded(strings.ToValidUTF8(text, "?"))) }
		const secret, cvc = "sk_test_canary_key", "canary-cvc"
		body, kind := fmt.Sprintf(`{%s:[%s,{%s:%s}],"cvc":%q,"list":[{"CVC2":%q}]}`,
			quoted(name), quoted(around+pan+around), quoted(pan+name), quoted(around+" "+secret), cvc, cvc), "application/json"
		if form {
			body, kind = fmt.Sprintf("a%s=%s&cvc=%s&card[cvc2]=%s&b=%s", "x", pan, cvc, cvc, secret), "application/x-www-form-urlencoded"
		}
		got := string(maskBody(kind, []byte(body)))
		for _, hidden := range []string{pan, secret, cvc} {
			if strings.Contains(got, hidden) {
				t.Errorf("%s in %s\nfrom %s", hidden, got, body)
			}
		}
		raw := string(maskBody(kind, []byte(around)))
		if strings.Contains(raw, pan) {
			t.Errorf("%s from %s", raw, around)
		}
	})
}
