package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

func one(value any) (fields, *faults) {
	f := &faults{}
	return fields{values: map[string]any{"x": value}, faults: f}, f
}

// TestFieldTypes: what each kind of field takes, gives, and refuses.
func TestFieldTypes(t *testing.T) {
	t.Parallel()
	text := func(f fields) any { return f.text("x", textRule{max: 5}) }
	flag := func(f fields) any { return f.flag("x") }
	number := func(f fields) any { return f.number("x", payments.CodeValidation) }
	amount := func(f fields) any { return f.amount("x") }
	word := func(f fields) any { return f.enum("x", payments.CodeInvalidType, "a", "b") }
	metadata := func(f fields) any { var m map[string]string; f.setMetadata(&m, "x"); return m }
	items := func(f fields) any { return f.list("x") }
	texts := func(f fields) any { return f.texts("x") }
	email := func(f fields) any { s := "old"; f.setEmail(&s, "x"); return s }
	country := func(f fields) any { s := "old"; f.setCountry(&s, "x"); return s }
	address := func(f fields) any { s := "old"; f.setURL(&s, "x"); return s }
	hook := func(f fields) any { s := "old"; f.setHook(&s, "x"); return s }
	ip := func(f fields) any { s := "old"; f.setIP(&s, "x"); return s }
	person := func(f fields) any { s := "old"; f.setName(&s, "x"); return s }
	at := func(f fields) any { var at time.Time; f.setTime(&at, "x"); return at }
	moment := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	type m = map[string]any
	tests := []struct {
		name string
		read func(fields) any
		in   any
		want any // nil: it is refused
	}{
		{"text", text, "abc", "abc"},
		{"text", text, nil, ""},
		{"text", text, "", ""},
		{"text", text, json.Number("10.5"), "10.5"},
		{"text", text, "ééééé", "ééééé"},
		{"text", text, "abcdef", nil},
		{"text", text, true, nil},
		{"text", text, m{}, nil},
		{"text", text, []any{}, nil},
		{"flag", flag, true, true},
		{"flag", flag, nil, false},
		{"flag", flag, "true", true},
		{"flag", flag, "1", true},
		{"flag", flag, "", false},
		{"flag", flag, "False", false},
		{"flag", flag, json.Number("1"), true},
		{"flag", flag, json.Number("0"), false},
		{"flag", flag, json.Number("2"), nil},
		{"flag", flag, "yes", nil},
		{"flag", flag, m{}, nil},
		{"number", number, json.Number("12"), 12},
		{"number", number, " 12 ", 12},
		{"number", number, "", 0},
		{"number", number, nil, 0},
		{"number", number, json.Number("1.5"), nil},
		{"number", number, "twelve", nil},
		{"number", number, true, nil},
		{"number", number, "99999999999999999999", nil},
		{"amount", amount, json.Number("10.50"), "10.50"},
		{"amount", amount, " 9.99 ", "9.99"},
		{"amount", amount, nil, ""},
		{"amount", amount, false, nil},
		{"enum", word, "a", "a"},
		{"enum", word, "", ""},
		{"enum", word, nil, ""},
		{"enum", word, "c", nil},
		{"enum", word, m{}, nil},
		{"metadata", metadata, m{"a": "b", "n": json.Number("5"), "z": nil}, map[string]string{"a": "b", "n": "5"}},
		{"metadata", metadata, m{}, map[string]string{}},
		{"metadata", metadata, []any{}, map[string]string{}},
		{"metadata", metadata, nil, map[string]string(nil)},
		{"metadata", metadata, m{"a": m{}}, nil},
		{"metadata", metadata, m{"a": true}, nil},
		{"metadata", metadata, "a", nil},
		{"metadata", metadata, []any{"a"}, nil},
		{"metadata", metadata, m{"a": strings.Repeat("x", maxMetadataValue+1)}, nil},
		{"metadata", metadata, m{"": "x"}, nil},
		{"list", items, []any{"a"}, []any{"a"}},
		{"list", items, m{"1": "b", "0": "a", "10": "c"}, []any{"a", "b", "c"}},
		{"list", items, nil, []any(nil)},
		{"list", items, "", []any(nil)},
		{"list", items, m{"a": "b"}, nil},
		{"list", items, m{"-1": "b"}, nil},
		{"list", items, m{"01": "b"}, nil},
		{"list", items, "a", nil},
		{"texts", texts, []any{"a", "b"}, []string{"a", "b"}},
		{"texts", texts, []any{json.Number("1")}, nil},
		{"email", email, "ada@example.com", "ada@example.com"},
		{"email", email, "", ""},
		{"email", email, nil, "old"},
		{"email", email, "Ada <ada@example.com>", nil},
		{"email", email, "ada", nil},
		{"email", email, "a@b@c", nil},
		{"country", country, "fr", "FR"},
		{"country", country, "", ""},
		{"country", country, "XX", nil},
		{"country", country, "FRA", nil},
		{"url", address, "https://example.com/back?x=1", "https://example.com/back?x=1"},
		{"url", address, "my.app://processout/return", "my.app://processout/return"},
		{"url", address, "", ""},
		{"url", address, "/relative", nil},
		{"url", address, "javascript:alert(1)", nil},
		{"url", address, "data:text/html,x", nil},
		{"url", address, "https://exa mple", nil},
		{"url", address, "https:", nil},
		{"hook", hook, "https://example.com/hook", "https://example.com/hook"},
		{"hook", hook, "", ""},
		{"hook", hook, "my.app://x", nil},
		{"ip", ip, "192.0.2.1", "192.0.2.1"},
		{"ip", ip, "2001:db8::1", "2001:db8::1"},
		{"ip", ip, "", ""},
		{"ip", ip, "300.1.1.1", nil},
		{"name", person, "Zoë O’Neill-沢", "Zoë O’Neill-沢"},
		{"name", person, "Ada 😀\x00 €Lovelace ", "Ada  Lovelace"},
		{"name", person, strings.Repeat("a", 81), nil},
		{"time", at, "2026-01-02T03:04:05Z", moment},
		{"time", at, "2026-01-02T05:04:05+02:00", moment},
		{"time", at, "Fri, 02 Jan 2026 03:04:05 GMT", moment},
		{"time", at, json.Number("1767323045"), moment},
		{"time", at, "1767323045", moment},
		{"time", at, "2026-01-02", moment.Truncate(24 * time.Hour)},
		{"time", at, "", time.Time{}},
		{"time", at, "tomorrow", nil},
		{"time", at, json.Number("-1"), nil},
		{"time", at, "999999999999999", nil},
		{"time", at, true, nil},
	}
	for _, test := range tests {
		f, faults := one(test.in)
		got := test.read(f)
		if test.want == nil {
			if err := faults.err(); err == nil || faults.first.Fields[0].Name != "x" {
				t.Errorf("%s of %v: must be refused, got %v", test.name, test.in, got)
			}
			continue
		}
		if err := faults.err(); err != nil || !cmp.Equal(got, test.want) {
			t.Errorf("%s of %v: want %v, got %v (%v)", test.name, test.in, test.want, got, err)
		}
	}
}

// TestFaultsDoNotEcho: a card number in the wrong field does not come back, whatever is wrong with it there.
func TestFaultsDoNotEcho(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, field := range []string{"email", "currency", "country_code", "id", "ip_address", "sex", "is_business", "phone", "metadata", "date_of_birth", "reference_id", "zip"} {
		for _, value := range []any{goodCard + " ", []any{goodCard}, map[string]any{"": goodCard}} {
			g := w.private("POST", "/customers", map[string]any{field: value})
			if g.status != 400 {
				if _, isText := value.(string); !isText && field != "phone" { // whose unknown members are ignored
					t.Errorf("%s = %v: got %d", field, value, g.status)
				}
				continue
			}
			if strings.Contains(g.body, "42424242") || len(g.at("invalid_fields").([]any)) == 0 {
				t.Errorf("%s = %v: %s", field, value, g.body)
			}
		}
	}
	for _, a := range []ask{
		{method: "POST", path: "/invoices", body: map[string]any{"name": "x", "amount": goodCard + "x", "currency": "PHP"}},
		{method: "POST", path: "/invoices", body: map[string]any{"name": "x", "amount": "1", "currency": goodCard}},
		{method: "GET", path: "/customers?expand=" + goodCard},
		{method: "GET", path: "/customers?limit=" + goodCard + "x"},
		{method: "GET", path: "/customers?start_after=" + goodCard},
		{method: "GET", path: "/cards/" + goodCard},
		{method: "GET", path: "/iins/" + goodCard},
		{method: "GET", path: "/" + goodCard},
		{method: "POST", path: "/cards", body: map[string]any{"name": goodCard, "number": "4242424242424241", "exp_month": goodCard, "exp_year": 2031, "cvc2": goodCard}},
		{method: "POST", path: "/customers", body: `{"a":` + goodCard + "x}"},
		{method: "POST", path: "/customers", body: map[string]any{}, header: map[string]string{"Idempotency-Key": goodCard + "\t"}},
	} {
		a.user, a.key = projectID, projectKey
		g := w.do(a)
		if g.status < 400 || strings.Contains(g.body, "42424242") {
			t.Errorf("%s %s: %d %s", a.method, a.path, g.status, g.body)
		}
	}
	if text := w.log.String(); strings.Contains(text, "42424242") {
		t.Errorf("the log has it:\n%s", text)
	}
}

func TestInvalidFieldsAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.private("POST", "/customers", map[string]any{"email": "x", "country_code": "XX", "phone": map[string]any{"number": true}}).fails(t, 400, payments.CodeInvalidEmail)
	want := []any{"email", "country_code", "phone.number"}
	var got []any
	for _, fault := range g.at("invalid_fields").([]any) {
		got = append(got, fault.(map[string]any)["name"])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if g.text("message") != g.text("invalid_fields", 0, "message") {
		t.Error("the message is not that of the first fault")
	}
}
