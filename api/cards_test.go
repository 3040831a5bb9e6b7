package api

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"switchyard/payments"
)

func TestCards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.public("POST", "/cards", map[string]any{
		"name": "Ada Lovelace", "number": "4242-4242 42424242", "exp_month": 12, "exp_year": "31", "cvc2": 123, "exp_day": "1",
		"preferred_scheme": "visa", "metadata": map[string]any{"a": "b"}, "contact": map[string]any{"address1": "1 Road", "zip": "75001", "country_code": "fr"},
		"device": map[string]any{"request_origin": "web"}, "token_type": nil, "applepay_response": nil,
	}).ok(t)
	for name, want := range map[string]any{
		"last_4_digits": "4242", "iin": "424242", "exp_month": 12.0, "exp_year": 2031.0, "scheme": "visa", "name": "Ada Lovelace", "used": false,
		"preferred_scheme": "visa", "address1": "1 Road", "zip": "75001", "country_code": "FR", "sandbox": true, "cvc_check": "unchecked", "expires_soon": false, "project_id": projectID,
	} {
		if g.at("card", name) != want {
			t.Errorf("%s: want %v, got %v", name, want, g.at("card", name))
		}
	}
	path := "/cards/" + g.text("card", "id")
	w.public("POST", "/cards", url.Values{"number": {goodCard}, "exp_month": {"12"}, "exp_year": {"2031"}}).ok(t)
	if read := w.private("GET", path, nil).ok(t); read.body != g.body {
		t.Errorf("read otherwise: %s", read.body)
	}
	if list := w.private("GET", "/cards", nil).ok(t); list.at("count") != 2.0 {
		t.Error(list.body)
	}
	w.private("DELETE", path, nil).ok(t)
	w.private("GET", path, nil).fails(t, 404, payments.CodeCardNotFound)
	if all := w.log.String(); strings.Contains(all, goodCard) {
		t.Error("the log has the number")
	}
}

func TestCardRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, test := range map[string]struct {
		change map[string]any
		code   payments.Code
	}{
		"a wrong check digit": {map[string]any{"number": "4242424242424241"}, payments.CardInvalidNumber},
		"no number":           {map[string]any{"number": nil}, payments.CardMissingNumber},
		"a number in a list":  {map[string]any{"number": []any{goodCard}}, payments.CardInvalidNumber},
		"letters":             {map[string]any{"number": "4242x"}, payments.CardInvalidNumber},
		"no year":             {map[string]any{"exp_year": nil}, payments.CardMissingExpiry},
		"a wrong month":       {map[string]any{"exp_month": "13"}, payments.CardInvalidExpiryMonth},
		"a month in words":    {map[string]any{"exp_month": "May"}, payments.CardInvalidExpiryMonth},
		"an old card":         {map[string]any{"exp_year": 2020}, payments.CardExpired},
		"a short code":        {map[string]any{"cvc2": "12"}, payments.CardInvalidCVC},
		"a code as an object": {map[string]any{"cvc2": map[string]any{}}, payments.CardInvalidCVC},
		"a number as a name":  {map[string]any{"name": goodCard}, payments.CardInvalidName},
	} {
		body := cardBody(goodCard)
		maps.Copy(body, test.change)
		g := w.public("POST", "/cards", body)
		if g.status != 400 || g.text("error_type") != string(test.code) || strings.Contains(g.body, "42424242") {
			t.Errorf("%s: want %s, got %d %s", name, test.code, g.status, g.body)
		}
	}
	body := cardBody(goodCard)
	body["contact"] = map[string]any{"country_code": "XX"}
	w.public("POST", "/cards", body).fails(t, 400, payments.CodeInvalidCountry)
}

// TestCardsOfAKnownIssuer: a card and its first digits show what the table of issuers tells; the country has no place in a card.
func TestCardsOfAKnownIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.public("POST", "/cards", cardBody("5105105105105100")).ok(t)
	if g.text("card", "type") != "prepaid" || g.text("card", "bank_name") != "Bank of Kent" || g.text("card", "brand") != "classic" || g.text("card", "iin") != "510510" {
		t.Error(g.body)
	}
	g = w.public("GET", "/iins/510510", nil).ok(t)
	if g.text("card_information", "type") != "prepaid" || g.text("card_information", "bank_name") != "Bank of Kent" || g.text("card_information", "country") != "GB" || g.text("card_information", "brand") != "classic" {
		t.Error(g.body)
	}
}

func TestIINs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for iin, scheme := range map[string]string{"424242": "visa", "37828224": "american express", "999999": "unknown"} {
		if g := w.public("GET", "/iins/"+iin, nil).ok(t); g.text("card_information", "scheme") != scheme || g.text("card_information", "iin") != iin {
			t.Error(g.body)
		}
	}
	for _, bad := range []string{"42424", "424242424", "42424x", "%2e%2e%2f%2e%2e"} {
		w.public("GET", "/iins/"+bad, nil).fails(t, 400, payments.CodeValidation)
	}
}
