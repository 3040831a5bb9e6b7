package sandbox

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const scrubSecret = "sk_test_c4NaRy0123"

func aScrubber() *scrubber {
	return newScrubber([]string{"", scrubSecret, "p@ss word/1"}, []string{"", "917"})
}

func TestScrubText(t *testing.T) {
	t.Parallel()
	s := aScrubber()
	for in, want := range map[string]string{
		"":                                                  "",
		"nothing to hide":                                   "nothing to hide",
		"tr_op_01h8xk2m at 2026-04-01T10:00":                "tr_op_01h8xk2m at 2026-04-01T10:00",
		"key " + scrubSecret + ".":                          "key ***.",
		"as p%40ss+word%2F1 and p@ss word/1":                "as *** and ***",
		"Basic c2tfdGVzdF9jNE5hUnkwMTIzOg==":                "Basic ***", // the key as the user name
		"card 4242424242424242 declined":                    "card *** declined",
		"card 4242 4242 4242 4242.":                         "card ***.",
		"4242-4242-4242-4242":                               "***",
		"4242424242424242917":                               "***",
		"424242XXXXXX4242":                                  "424242XXXXXX4242",
		"cvc 917 wrong":                                     "cvc *** wrong",
		"9170":                                              "9170",
		"to maria.santos+1@shop.test today":                 "to *** today",
		"https://pay.test/detail?token=abc":                 "https://pay.test/detail?***",
		"https://pay.test/x#secret":                         "https://pay.test/x#***",
		"https://u:p@pay.test/3ds/ch_12":                    "https://***@pay.test/3ds/ch_12",
		"https://pay.test/checkout/0123456789abcdef01234/x": "https://pay.test/checkout/***/x",
		"/pay?csc=abc failed":                               "/pay?*** failed",
		"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc end":  "jwt *** end",
		"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END":        "***",
		"cipher " + strings.Repeat("Ab9+/", 30) + " end":    "cipher *** end",
		strings.Repeat("1", 65):                             "***",
		"bad \xff utf-8":                                    "bad \uFFFD utf-8",
	} {
		if got := s.text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestScrubJSON(t *testing.T) {
	t.Parallel()
	s := aScrubber()
	for in, want := range map[string]string{
		`{}`:                                  `{}`,
		` [1, 2] `:                            `[1,2]`,
		`"x"`:                                 `"x"`,
		`{"z":1,"a":{"b":[true,null,"<&>"]}}`: `{"z":1,"a":{"b":[true,null,"<&>"]}}`,
		`{"id":"ch_1","amount":2550,"cents":25.50}`:                    `{"id":"ch_1","amount":2550,"cents":25.50}`,
		`{"card":{"number":"4111","cvc":"1","exp_month":12}}`:          `{"card":{"number":"***","cvc":"***","exp_month":12}}`,
		`{"n":4242424242424242}`:                                       `{"n":"***"}`,
		`{"n":917}`:                                                    `{"n":"***"}`,
		`{"encryptedCard":{"data":"x","n":1,"on":true}}`:               `{"encryptedCard":{"data":"***","n":"***","on":true}}`,
		`{"encryptionKey":"short"}`:                                    `{"encryptionKey":"***"}`,
		`{"customer":{"secret":"cs_1","id":"cust_1"}}`:                 `{"customer":{"secret":"***","id":"cust_1"}}`,
		`{"clientSessionSecret":"a","client_key":"b"}`:                 `{"clientSessionSecret":"***","client_key":"***"}`,
		`{"access_token":"a","token":"b","token_id":"tok_1"}`:          `{"access_token":"***","token":"***","token_id":"tok_1"}`,
		`{"token":{"id":"tok_1"}}`:                                     `{"token":{"id":"tok_1"}}`,
		`{"emails":["a","b"],"pan":["1"]}`:                             `{"emails":["***","***"],"pan":["***"]}`,
		`{"cvc_check":"passed","masked_card":"400000XXXXXX1091"}`:      `{"cvc_check":"passed","masked_card":"400000XXXXXX1091"}`,
		`{"4242424242424242":"x","a@b.test":1}`:                        `{"***":"x","***":1}`,
		`{"message":"card \u0034242424242424242 of maria@shop.test"}`:  `{"message":"card *** of ***"}`,
		`{"email":"","cvc":"","secret":null}`:                          `{"email":"","cvc":"","secret":null}`,
		`{"amount":1234,"text":"1234","currency":"EUR","secret":1234}`: `{"amount":"{{amount}}","text":"1234","currency":"EUR","secret":"***"}`,
	} {
		got, err := s.json([]byte(in), mask, map[string]string{"1234": `"{{amount}}"`})
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", in, got, err, want)
		}
	}
	got, err := s.json([]byte(`{"cvc":"917","note":"for a@b.test","link":"https://a.test/b","at":"2026-04-01T10:00:00.5Z"}`), anything, nil)
	if want := `{"cvc":"*","note":"*","link":"https://a.test/b","at":"*"}`; err != nil || string(got) != want {
		t.Errorf("a request becomes %s %v, want %s", got, err, want)
	}
	for _, in := range []string{``, `{`, `{"a":1}x`, `{"a"}`, `<html>`, strings.Repeat("[", 1000)} {
		if got, err := s.json([]byte(in), mask, nil); err == nil {
			t.Errorf("%q is taken for JSON: %s", in, got)
		}
	}
}

func TestLeak(t *testing.T) {
	t.Parallel()
	s := aScrubber()
	for text, leaks := range map[string]bool{
		"nothing": false, "*** 2026-04-01": false, "***@psp.test": false, "key " + scrubSecret: true, "4242 4242 4242 4242": true,
		`"cvc": "917"`: true, "maria@shop.test": true, "c2tfdGVzdF9jNE5hUnkwMTIzOg==": true,
	} {
		if got := s.leak(text); (got != "") != leaks || strings.Contains(got, "c4NaRy") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// plainSecret is a secret that no mask and no quoting can make or hide.
var plainSecret = regexp.MustCompile(`^[A-Za-z0-9_]{8,}$`)

// FuzzScrub asks that nothing of what the scrubber knows survives, in text and in JSON, and that JSON stays JSON.
func FuzzScrub(f *testing.F) {
	for _, seed := range []string{
		`{"card":{"number":"4242424242424242","cvc":"917"},"email":"maria@shop.test"}`, "4242 4242-4242 4242 917", "https://a:b@c.test/d?e=f",
		`{"a":[{"secret":{"b":["c"]}}]}`, `"\u0034242424242424242"`, "x " + scrubSecret + " 917", "\xff\x00", strings.Repeat("1", 100),
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "a@b.c@d.e", "917917 917-917",
	} {
		f.Add(seed, scrubSecret, "917")
	}
	f.Fuzz(func(t *testing.T, text, secret, cvc string) {
		if !plainSecret.MatchString(secret) || len(cvc) < 3 || len(cvc) > 4 || strings.Trim(cvc, "0123456789") != "" {
			t.Skip()
		}
		s := newScrubber([]string{secret}, []string{cvc})
		got := s.text(text)
		if what := s.leak(got); what != "" || !utf8.ValidString(got) {
			t.Errorf("%q becomes %q, which has %s", text, got, what)
		}
		body, err := s.json([]byte(text), mask, nil)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) || !json.Valid(body) {
			t.Fatalf("%q becomes %q", text, body)
		}
		for _, leaf := range leavesOf(t, body) {
			if what := s.leak(leaf); what != "" {
				t.Errorf("%q becomes %q, which has %s", text, body, what)
			}
		}
	})
}

// leavesOf returns every name, text and number of a document.
func leavesOf(t *testing.T, body []byte) []string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var list []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				list = append(list, name)
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case string:
			list = append(list, v)
		case json.Number:
			list = append(list, v.String())
		}
	}
	walk(v)
	return slices.Compact(list)
}
