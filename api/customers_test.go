package api

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

func TestCustomers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.private("POST", "/customers", map[string]any{
		"id": "my-customer", "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "company_name": "Engines", "address1": "1 Road", "city": "London",
		"zip": 12345, "country_code": "gb", "ip_address": "192.0.2.1", "phone": map[string]any{"number": "0612345678", "dialing_code": "+33"}, "legal_document": "X",
		"date_of_birth": "1990-12-10", "is_business": "true", "sex": "female", "metadata": map[string]any{"n": 1}, "reference_id": "ref-1", "registered_at": 1767323045,
		"currency": "eur", "balance": "12", "unknown": true,
	}).ok(t)
	for name, want := range map[string]any{
		"id": "my-customer", "email": "ada@example.com", "country_code": "GB", "zip": "12345", "is_business": true, "date_of_birth": "1990-12-10T00:00:00.000Z", "balance": "0",
		"phone": map[string]any{"number": "0612345678", "dialing_code": "0033"}, "metadata": map[string]any{"n": "1"}, "registered_at": "2026-01-02T03:04:05.000Z",
		"created_at": "2026-03-04T12:00:00.123Z", "currency": "EUR", "reference_id": "ref-1", "address2": nil, "default_token_id": nil, "sandbox": true,
	} {
		if diff := cmp.Diff(want, g.at("customer", name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if stored, err := w.store.Customer(t.Context(), projectID, "my-customer"); err != nil || stored.Phone != "+33612345678" {
		t.Errorf("PSPs would be told the phone number %q (%v)", stored.Phone, err)
	}
	w.private("POST", "/customers", map[string]any{"id": "my-customer"}).fails(t, 400, payments.CodeInvalidID)
	read := w.private("GET", "/customers/my-customer", nil).ok(t)
	if !cmp.Equal(read.json, g.json) {
		t.Errorf("read otherwise: %s", read.body)
	}
}

func TestCustomerUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/customers/" + w.private("POST", "/customers", map[string]any{"first_name": "Ada", "city": "London", "email": "ada@example.com", "currency": "EUR", "metadata": map[string]any{"a": "b"}}).ok(t).text("customer", "id")
	g := w.private("PUT", path, map[string]any{"first_name": nil, "last_name": "Byron", "city": nil, "email": nil, "metadata": nil, "phone": map[string]any{"number": nil, "dialing_code": nil}}).ok(t)
	if g.text("customer", "first_name") != "Ada" || g.text("customer", "last_name") != "Byron" || g.text("customer", "city") != "London" || g.text("customer", "metadata", "a") != "b" || g.at("customer", "phone") != nil {
		t.Errorf("null changes nothing: %s", g.body)
	}
	g = w.private("PUT", path, url.Values{"email": {""}, "city": {""}, "metadata[c]": {"d"}}).ok(t)
	if g.at("customer", "email") != nil || g.at("customer", "city") != nil || !cmp.Equal(g.at("customer", "metadata"), map[string]any{"c": "d"}) {
		t.Errorf("an empty text clears: %s", g.body)
	}
	w.private("PUT", path, map[string]any{"currency": "USD"}).fails(t, 400, payments.CodeInvalidCurrency)
	w.private("PUT", path, map[string]any{"default_token_id": "tok_nobody"}).fails(t, 404, payments.CodeTokenNotFound)
	w.private("PUT", path, map[string]any{"email": "x"}).fails(t, 400, payments.CodeInvalidEmail)
	if w.private("GET", path, nil).at("customer", "email") != nil {
		t.Error("a refused change was made")
	}
}

func TestCustomerRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for field, test := range map[string]struct {
		value any
		code  string
	}{
		"email":         {"nobody", payments.CodeInvalidEmail},
		"currency":      {"EURO", payments.CodeInvalidCurrency},
		"country_code":  {"EU", payments.CodeInvalidCountry},
		"metadata":      {map[string]any{"a": []any{}}, payments.CodeInvalidMetadata},
		"registered_at": {"soon", payments.CodeInvalidDate},
		"date_of_birth": {"soon", payments.CodeInvalidDate},
		"sex":           {"x", payments.CodeValidation},
		"ip_address":    {"x", payments.CodeValidation},
		"is_business":   {"maybe", payments.CodeValidation},
		"reference_id":  {"with space", payments.CodeValidation},
		"phone":         {"0612345678", payments.CodeValidation},
		"zip":           {"12345678901234567", payments.CodeValidation},
		"first_name":    {map[string]any{}, payments.CodeInvalidName},
		"id":            {"no/slash", payments.CodeInvalidID},
	} {
		g := w.private("POST", "/customers", map[string]any{field: test.value}).fails(t, 400, test.code)
		if g.text("invalid_fields", 0, "name") != field {
			t.Errorf("%s: %s", field, g.body)
		}
	}
}

func TestInternationalPhone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"+33 6 12-34": "+3361234", "0033 612": "+33612", "0612345678": "", "": "", "++33": "", "+": "", "abc": ""} {
		if got := internationalPhone(in); got != want {
			t.Errorf("%q: want %q, got %q", in, want, got)
		}
	}
}

func TestDeletedCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	invoice := w.invoice(map[string]any{"customer_id": customer}).text("invoice", "id")
	if g := w.private("GET", "/invoices/"+invoice+"/customers", nil).ok(t); g.text("customer", "id") != customer {
		t.Error(g.body)
	}
	if g := w.private("DELETE", "/customers/"+customer, nil).ok(t); g.body != `{"success":true}`+"\n" {
		t.Error(g.body)
	}
	w.private("GET", "/customers/"+customer, nil).fails(t, 404, payments.CodeCustomerNotFound)
	if g := w.private("GET", "/invoices/"+invoice+"?expand=customer", nil).ok(t); g.at("invoice", "customer") != nil || g.text("invoice", "customer_id") != customer {
		t.Errorf("what is deleted cannot be expanded: %s", g.body)
	}
}

func TestCustomerExpanded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	token := w.token(customer, map[string]any{"source": w.card()}).ok(t).text("token", "id")
	w.invoice(map[string]any{"customer_id": customer})
	g := w.private("GET", "/customers/"+customer+"?expand=tokens.card,default_token,transactions.invoice,project", nil).ok(t)
	if g.text("customer", "tokens", 0, "id") != token || g.text("customer", "tokens", 0, "card", "last_4_digits") != "4242" || g.text("customer", "default_token", "id") != token ||
		g.text("customer", "transactions", 0, "invoice", "name") != "Order 1" || g.text("customer", "project", "id") != projectID || g.at("customer", "project", "private_key") != nil {
		t.Error(g.body)
	}
	if g := w.private("GET", "/customers/"+customer+"/transactions", nil).ok(t); g.at("count") != 1.0 {
		t.Error(g.body)
	}
	if g := w.private("GET", "/customers/"+w.customer()+"?expand=tokens", nil).ok(t); !cmp.Equal(g.at("customer", "tokens"), []any{}) {
		t.Errorf("an expanded list that is empty is []: %s", g.body)
	}
}
