package api

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/flow"
	"switchyard/payments"
)

func TestInvoiceFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.private("POST", "/invoices", map[string]any{
		"name": "Order 1", "amount": 10.50, "currency": "php", "customer_id": "", "order_id": "o-1", "reference_id": "r-1", "metadata": map[string]any{"a": 1},
		"statement_descriptor": "SHOP*1 a/b.", "return_url": "https://shop.example/r", "cancel_url": "https://shop.example/c", "webhook_url": "https://shop.example/h",
		"initiation_type": "cit", "payment_intent": "one-off", "auto_capture_at": "2026-03-05T00:00:00Z", "expires_at": "2026-03-06T00:00:00Z", "require_backend_capture": false,
		"tax": map[string]any{"amount": "1", "rate": "20"}, "shipping": map[string]any{"city": "Manila"}, "risk": map[string]any{"score": "7"}, "sca_exemption_reason": "low-value",
		"gateway_data": map[string]any{"k": "v"}, "details": []any{map[string]any{"name": "Shoes", "amount": "10.50", "quantity": 1}}, "verification": nil, "unknown": 1,
	}).ok(t)
	for name, want := range map[string]any{
		"name": "Order 1", "amount": "10.5", "currency": "PHP", "customer_id": nil, "order_id": "o-1", "reference_id": "r-1", "metadata": map[string]any{"a": "1"}, "statement_descriptor": "SHOP*1 a/b.",
		"webhook_url": "https://shop.example/h", "initiation_type": "cit", "payment_intent": "one-off", "auto_capture_at": "2026-03-05T00:00:00.000Z", "require_backend_capture": false,
		"tax": map[string]any{"amount": "1", "rate": "20"}, "risk": map[string]any{"score": "7"}, "gateway_data": map[string]any{"k": "v"}, "sca_exemption_reason": "low-value",
		"transaction": nil, "submerchant": nil, "billing": nil, "payment_methods": []any{}, "verification": false,
	} {
		if diff := cmp.Diff(want, g.at("invoice", name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if id := g.text("invoice", "details", 0, "id"); len(id) != len(prefixDetail)+32 || g.text("invoice", "details", 0, "name") != "Shoes" {
		t.Errorf("details: %v", g.at("invoice", "details"))
	}
	if read := w.private("GET", "/invoices/"+g.text("invoice", "id"), nil).ok(t); read.body != g.body {
		t.Errorf("read otherwise:\n%s\n%s", read.body, g.body)
	}
}

func TestInvoiceAmounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	details := func(lines ...any) []any { return lines }
	line := func(amount, quantity any) map[string]any {
		return map[string]any{"name": "x", "amount": amount, "quantity": quantity}
	}
	for name, test := range map[string]struct {
		body map[string]any
		want string
		code string
	}{
		"a text":                    {map[string]any{"amount": "9.99", "currency": "USD"}, "9.99", ""},
		"a number":                  {map[string]any{"amount": 9.99, "currency": "USD"}, "9.99", ""},
		"trailing zeros":            {map[string]any{"amount": "10.00", "currency": "USD"}, "10", ""},
		"no decimals":               {map[string]any{"amount": "1500", "currency": "JPY"}, "1500", ""},
		"three decimals":            {map[string]any{"amount": "1.234", "currency": "KWD"}, "1.234", ""},
		"too many decimals":         {map[string]any{"amount": "10.001", "currency": "PHP"}, "", payments.CodeInvalidAmount},
		"decimals of a yen":         {map[string]any{"amount": "1.5", "currency": "JPY"}, "", payments.CodeInvalidAmount},
		"nothing":                   {map[string]any{"currency": "PHP"}, "", payments.CodeInvalidAmount},
		"zero":                      {map[string]any{"amount": "0", "currency": "PHP"}, "", payments.CodeInvalidAmount},
		"less than zero":            {map[string]any{"amount": "-1", "currency": "PHP"}, "", payments.CodeInvalidAmount},
		"an exponent":               {map[string]any{"amount": "1e3", "currency": "PHP"}, "", payments.CodeInvalidAmount},
		"an object":                 {map[string]any{"amount": map[string]any{}, "currency": "PHP"}, "", payments.CodeInvalidAmount},
		"too much":                  {map[string]any{"amount": "99999999999999999999", "currency": "PHP"}, "", payments.CodeInvalidAmount},
		"no currency":               {map[string]any{"amount": "1"}, "", payments.CodeMissingCurrency},
		"no such currency":          {map[string]any{"amount": "1", "currency": "XXX"}, "", payments.CodeInvalidCurrency},
		"nothing, to verify":        {map[string]any{"currency": "PHP", "verification": true}, "0", ""},
		"zero, to verify":           {map[string]any{"amount": "0", "currency": "PHP", "verification": "true"}, "0", ""},
		"the sum of details":        {map[string]any{"currency": "PHP", "details": details(line("1.50", 2), line("0.25", nil))}, "3.25", ""},
		"more than the details":     {map[string]any{"amount": "5", "currency": "PHP", "details": details(line("1.50", 2))}, "5", ""},
		"details of nothing":        {map[string]any{"currency": "PHP", "details": details(line("1.50", 0))}, "", payments.CodeInvalidAmount},
		"details without an amount": {map[string]any{"currency": "PHP", "details": details(line(nil, 1))}, "", payments.CodeInvalidAmount},
		"details beyond all":        {map[string]any{"currency": "PHP", "details": details(line("90000000000000000", 2000))}, "", payments.CodeInvalidAmount},
		"details that are none":     {map[string]any{"amount": "1", "currency": "PHP", "details": details("x")}, "", payments.CodeValidation},
	} {
		test.body["name"] = "x"
		g := w.private("POST", "/invoices", test.body)
		if test.code == "" && g.text("invoice", "amount") != test.want || test.code != "" && (g.status != 400 || g.text("error_type") != test.code) {
			t.Errorf("%s: want %s%s, got %d %s", name, test.want, test.code, g.status, g.body)
		}
	}
	form := url.Values{"name": {"x"}, "currency": {"PHP"}, "details[0][name]": {"x"}, "details[0][amount]": {"2"}, "details[0][quantity]": {"3"}}
	if g := w.private("POST", "/invoices", form).ok(t); g.text("invoice", "amount") != "6" {
		t.Error(g.body)
	}
}

func TestInvoiceRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for field, test := range map[string]struct {
		value any
		code  string
	}{
		"name":                    {" ", payments.CodeMissingName},
		"payment_intent":          {"whim", payments.CodeInvalidType},
		"initiation_type":         {"x", payments.CodeInvalidType},
		"merchant_initiator_type": {"x", payments.CodeInvalidType},
		"statement_descriptor":    {"Zoë's", payments.CodeValidation},
		"return_url":              {"x", payments.CodeInvalidURL},
		"webhook_url":             {"x", payments.CodeInvalidURL},
		"metadata":                {"x", payments.CodeInvalidMetadata},
		"expires_at":              {"x", payments.CodeInvalidDate},
		"verification":            {"x", payments.CodeValidation},
		"require_backend_capture": {"x", payments.CodeValidation},
	} {
		body := map[string]any{"name": "x", "amount": "1", "currency": "PHP", field: test.value}
		if g := w.private("POST", "/invoices", body).fails(t, 400, test.code); g.text("invalid_fields", 0, "name") != field {
			t.Errorf("%s: %s", field, g.body)
		}
	}
	w.private("POST", "/invoices", map[string]any{"amount": "1", "currency": "PHP"}).fails(t, 400, payments.CodeMissingName)
	w.private("POST", "/invoices", map[string]any{"name": "x", "amount": "1", "currency": "PHP", "customer_id": "cust_nobody"}).fails(t, 404, payments.CodeCustomerNotFound)
	if g := w.invoice(map[string]any{"merchant_initiator_type": "recurring"}); g.text("invoice", "initiation_type") != "mit" || g.text("invoice", "merchant_initiator_type") != "recurring" {
		t.Error(g.body)
	}
}

func TestInvoiceUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/invoices/" + w.invoice(map[string]any{"tax": map[string]any{"rate": "20"}}).text("invoice", "id")
	g := w.private("PUT", path, map[string]any{"amount": "20", "tax": nil, "details": []any{map[string]any{"name": "Shoes", "id": "mine"}}, "shipping": map[string]any{"city": "Manila"}}).ok(t)
	if g.text("invoice", "amount") != "20" || g.text("invoice", "tax", "rate") != "20" || g.text("invoice", "details", 0, "id") != "mine" || g.text("invoice", "shipping", "city") != "Manila" {
		t.Error(g.body)
	}
	w.private("PUT", path, map[string]any{"amount": "1.001"}).fails(t, 400, payments.CodeInvalidAmount)
	w.private("PUT", path, map[string]any{"amount": "0"}).fails(t, 400, payments.CodeInvalidAmount)
	w.private("DELETE", path, nil).ok(t)
	w.private("GET", path, nil).fails(t, 404, payments.CodeInvoiceNotFound)
	w.private("GET", path+"/transactions", nil).fails(t, 404, payments.CodeInvoiceNotFound)
}

func TestInvoiceCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	path := "/invoices/" + w.invoice().text("invoice", "id") + "/customers"
	w.private("GET", path, nil).fails(t, 404, payments.CodeCustomerNotFound)
	w.private("POST", path, map[string]any{}).fails(t, 400, payments.CodeInvalidID)
	w.private("POST", path, map[string]any{"customer_id": "cust_nobody"}).fails(t, 404, payments.CodeCustomerNotFound)
	if g := w.private("POST", path, map[string]any{"customer_id": customer}).ok(t); g.text("customer", "id") != customer {
		t.Error(g.body)
	}
	if g := w.private("GET", path, nil).ok(t); g.text("customer", "id") != customer {
		t.Error(g.body)
	}
}

func TestCharges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/invoices/" + w.invoice().text("invoice", "id")
	g := w.private("POST", path+"/authorize", map[string]any{
		"source": w.card(), "incremental": true, "auto_capture_at": 1767323045, "metadata": map[string]any{"a": "b"},
		"device": map[string]any{"ip_address": "192.0.2.7", "user_agent": "Phone"}, "enable_three_d_s_2": true, "synchronous": nil,
	}).ok(t)
	if g.text("transaction", "status") != "authorized" || g.at("transaction", "authorized") != true || g.at("transaction", "captured") != false || g.text("transaction", "authorized_amount") != "100" ||
		g.text("transaction", "gateway_configuration_id") != gatewayID || g.text("transaction", "payment_type") != "card" {
		t.Error(g.body)
	}
	r := w.engine.request().(flow.ChargeRequest)
	if !r.Incremental || r.AutoCaptureAt.Unix() != 1767323045 || r.Metadata["a"] != "b" || r.ClientIP != "192.0.2.7" || r.UserAgent != "Phone" || r.Public {
		t.Errorf("the engine was asked: %+v", r)
	}
	w.private("POST", path+"/three-d-s", map[string]any{"source": w.card(), "enable_three_d_s_2": true}).ok(t)
	if g := w.private("POST", path+"/capture", map[string]any{"source": "", "capture_amount": "50.00"}).ok(t); g.text("transaction", "status") != "completed" || g.text("transaction", "available_amount") != "100" {
		t.Error(g.body)
	}
	if r := w.engine.request().(flow.ChargeRequest); r.Amount != "50.00" || r.Source != "" {
		t.Errorf("the engine was asked: %+v", r)
	}
	w.private("POST", path+"/capture", map[string]any{"source": w.card(), "authorize_only": true}).fails(t, 400, payments.CodeValidation)
	w.private("POST", path+"/capture", map[string]any{"source": map[string]any{}}).fails(t, 400, payments.CodeSourceInvalid)
	w.private("POST", path+"/capture", map[string]any{"capture_amount": []any{}}).fails(t, 400, payments.CodeInvalidAmount)
	w.private("POST", path+"/void", map[string]any{"metadata": "x"}).fails(t, 400, payments.CodeInvalidMetadata)

	g = w.private("POST", path+"/refunds", map[string]any{"amount": 10, "reason": "duplicate", "information": "twice", "metadata": map[string]any{"a": "b"}, "invoice_detail_ids": []any{"iv_det_1"}}).ok(t)
	if g.text("refund", "amount") != "10" || g.text("refund", "reason") != "duplicate" || g.at("refund", "has_failed") != false || g.text("refund", "status") != "succeeded" || !cmp.Equal(g.at("refund", "invoice_detail_ids"), []any{"iv_det_1"}) {
		t.Error(g.body)
	}
	w.private("POST", path+"/refunds", map[string]any{"amount": "1", "reason": "boredom"}).fails(t, 400, payments.CodeValidation)
	transaction := "/transactions/" + g.text("refund", "transaction_id")
	if g := w.private("POST", transaction+"/refunds", map[string]any{"amount": "1"}).ok(t); g.text("refund", "reason") != "other" {
		t.Error(g.body)
	}
	if list := w.private("GET", transaction+"/refunds?limit=1", nil).ok(t); list.text("refunds", 0, "amount") != "1" || list.at("has_more") != true {
		t.Error(list.body)
	}
	refund := transaction + "/refunds/" + g.text("refund", "id")
	if g := w.private("GET", refund+"?expand=transaction", nil).ok(t); g.text("refund", "transaction", "status") != "refunded" {
		t.Error(g.body)
	}
	w.private("GET", "/transactions/tr_other/refunds/"+g.text("refund", "id"), nil).fails(t, 404, payments.CodeRefundNotFound)
}

func TestVoidAndIncrement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/invoices/" + w.invoice().text("invoice", "id")
	w.private("POST", path+"/authorize", map[string]any{"source": w.card(), "incremental": true}).ok(t)
	if g := w.private("POST", path+"/increment_authorization", map[string]any{"amount": "5.50"}).ok(t); g.text("transaction", "authorized_amount") != "105.5" {
		t.Error(g.body)
	}
	if g := w.private("POST", path+"/void", map[string]any{}).ok(t); g.text("transaction", "status") != "voided" || g.at("transaction", "voided") != true {
		t.Error(g.body)
	}
}

// TestOperations: a request, then for every step its attempt and its result.
func TestOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/invoices/" + w.invoice().text("invoice", "id")
	w.engine.set("declined")
	w.private("POST", path+"/capture", map[string]any{"source": w.card()}).fails(t, 410, string(payments.CardDoNotHonor))
	w.engine.set("")
	g := w.private("POST", path+"/capture", map[string]any{"source": w.card()}).ok(t)
	type row struct {
		kind            string
		attempt, failed bool
	}
	want := []row{
		{"request", true, false},
		{"authorization", true, false},
		{"authorization", false, true},
		{"authorization", true, false},
		{"authorization", false, false},
		{"capture", true, false},
		{"capture", false, false},
	}
	var got []row
	ids := map[string]bool{}
	for i := range g.at("transaction", "operations").([]any) {
		got = append(got, row{g.text("transaction", "operations", i, "type"), g.at("transaction", "operations", i, "is_attempt") == true, g.at("transaction", "operations", i, "has_failed") == true})
		ids[g.text("transaction", "operations", i, "id")] = true
	}
	if !cmp.Equal(want, got, cmp.AllowUnexported(row{})) || len(ids) != len(want) {
		t.Errorf("%v", got)
	}
	if g.text("transaction", "operations", 2, "error_code") != "card.do-not-honor" || g.text("transaction", "operations", 2, "gateway_data", "raw_code") != "05" || g.text("transaction", "operations", 4, "gateway_operation_id") != "pay_123" {
		t.Error(g.body)
	}
	read := w.private("GET", path+"?expand=transaction.operations.gateway_configuration.gateway", nil).ok(t)
	if read.text("invoice", "transaction", "operations", 1, "gateway_configuration", "gateway", "name") != "paymongo" || read.text("invoice", "transaction", "operations", 1, "id") != g.text("transaction", "operations", 1, "id") {
		t.Error(read.body)
	}
	if listed := w.private("GET", "/transactions?expand=refunds,operations", nil).ok(t); !cmp.Equal(listed.at("transactions", 0, "refunds"), []any{}) || len(listed.at("transactions", 0, "operations").([]any)) != len(want) {
		t.Error(listed.body)
	}
	if plain := w.private("GET", path+"/transactions", nil).ok(t); plain.at("transaction", "operations") != nil || plain.text("transaction", "status") != "completed" {
		t.Error(plain.body)
	}
}

func TestDecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	score := 0.75
	w.engine.decision = payments.Decision{ConfigVersion: "v1", Rule: "default", DecidedAt: noon, Candidates: []payments.Candidate{
		{GatewayConfigurationID: gatewayID, PSP: "paymongo", Verdict: payments.Chosen, Reason: "First in priority.", Score: &score},
		{GatewayConfigurationID: "gway_conf_b", PSP: "xendit", Verdict: payments.Excluded, Reason: "Does not take PHP."},
	}}
	path := "/invoices/" + w.invoice().text("invoice", "id")
	g := w.private("GET", path+"/decision", nil).ok(t)
	if !cmp.Equal(g.at("decision", "attempts"), []any{}) || g.at("decision", "candidates", 0, "score") != 0.75 || g.text("decision", "candidates", 1, "verdict") != "excluded" {
		t.Error(g.body)
	}
	if _, has := g.at("decision", "candidates", 1).(map[string]any)["score"]; has {
		t.Error("a score that there is not")
	}
	w.engine.set("declined")
	w.private("POST", path+"/capture", map[string]any{"source": w.card()})
	w.engine.set("pending")
	w.private("POST", path+"/capture", map[string]any{"source": w.card()})
	g = w.private("GET", path+"/decision", nil).ok(t)
	if g.text("decision", "attempts", 0, "state") != "declined" || g.text("decision", "attempts", 0, "code") != "card.do-not-honor" || g.text("decision", "attempts", 0, "ended_at") == "" ||
		g.text("decision", "attempts", 1, "state") != "unknown" || g.at("decision", "attempts", 1, "ended_at") != nil || len(g.text("decision", "attempts", 1, "reference")) != 32 {
		t.Error(g.body)
	}
}
