package api

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"switchyard/flow"
	"switchyard/payments"
)

// TestWhoMayCall tries every route with every kind of credentials: whoever may not call it gets 401 whatever the ids are, and
// whoever may gets something else.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range routes {
		path := ginParameter.ReplaceAllString(r.path, "nobody")
		for _, a := range []struct {
			name string
			ask  ask
			may  bool
		}{
			{"nobody", ask{anonymous: true}, r.access == anyone},
			{"a wrong key", ask{user: projectID, key: "key_wrong"}, r.access == anyone},
			{"another project's key", ask{user: projectID, key: otherKey}, r.access == anyone},
			{"an unknown project", ask{user: "proj_nobody"}, r.access == anyone},
			{"the public", ask{user: projectID}, r.access != privateOnly},
			{"the project", ask{user: projectID, key: projectKey}, true},
		} {
			a.ask.method, a.ask.path = r.method, path
			g := w.do(a.ask)
			if may := g.status != http.StatusUnauthorized; may != a.may && !needsMore(r, a.ask) {
				t.Errorf("%s calls %s %s: %d %s", a.name, r.method, r.path, g.status, g.body)
			}
			if g.status == http.StatusUnauthorized && !strings.HasPrefix(g.text("error_type"), "request.authentication") {
				t.Errorf("%s calls %s %s: %s", a.name, r.method, r.path, g.body)
			}
		}
	}
}

// needsMore: of these calls, public authentication makes some only.
func needsMore(r route, a ask) bool {
	return r.access == publicToo && a.key == "" && a.user == projectID && (strings.HasPrefix(r.path, "/invoices") || r.method == "PUT")
}

func TestHowToAuthenticate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	basic := func(user, key string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+key))
	}
	tests := map[string]struct {
		header, query string
		path, code    string
	}{
		"nothing":                         {path: "/customers", code: payments.CodeAuthentication},
		"a bearer":                        {header: "Bearer x", path: "/customers", code: payments.CodeAuthenticationInvalid},
		"no base64":                       {header: "Basic !", path: "/customers", code: payments.CodeAuthenticationInvalid},
		"a header":                        {header: basic(projectID, projectKey), path: "/customers"},
		"a query, as browsers":            {query: basic(projectID, ""), path: "/iins/424242"},
		"a query without base64":          {query: "Basic !", path: "/iins/424242", code: payments.CodeAuthenticationInvalid},
		"a query without a scheme":        {query: "x", path: "/iins/424242", code: payments.CodeAuthentication},
		"a private key in a query":        {query: basic(projectID, projectKey), path: "/customers", code: payments.CodeAuthenticationInvalid},
		"a header before a query":         {header: basic(projectID, projectKey), query: basic("proj_nobody", ""), path: "/customers"},
		"an empty project":                {header: basic("", ""), path: "/customers", code: payments.CodeAuthentication},
		"a colon in the key":              {header: basic(projectID, projectKey+":x"), path: "/customers", code: payments.CodeAuthenticationInvalid},
		"a key under another's id":        {header: basic(otherID, projectKey), path: "/customers", code: payments.CodeAuthenticationInvalid},
		"a private key for a public call": {header: basic(projectID, projectKey), path: "/iins/424242"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query := url.Values{"legacyrequest": {"true"}, "project_id": {projectID}, "x-API-Version": {"1.3.0.0"}}
			if test.query != "" {
				query.Set("x-Authorization", test.query)
			}
			r := httptest.NewRequest(http.MethodGet, test.path+"?"+query.Encode(), nil)
			if test.header != "" {
				r.Header.Set("Authorization", test.header)
			}
			g := w.send(r)
			if test.code == "" {
				g.ok(t)
				return
			}
			g.fails(t, 401, test.code)
			if g.header.Get("WWW-Authenticate") == "" {
				t.Error("a 401 must say how to authenticate")
			}
		})
	}
}

func TestNoDialogueInBrowsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := httptest.NewRequest(http.MethodGet, "/customers", nil)
	r.Header.Set("Origin", "https://shop.example")
	if g := w.send(r); g.header.Get("WWW-Authenticate") != "" {
		t.Error("a browser would ask the payer for a password")
	}
}

// TestOtherProjects: what belongs to another project is not there.
func TestOtherProjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	token := w.token(customer, map[string]any{"source": w.card()}).ok(t).text("token", "id")
	paid := w.paid()
	transaction, invoice := paid.text("transaction", "id"), paid.text("transaction", "invoice_id")
	refund := w.private("POST", "/invoices/"+invoice+"/refunds", map[string]any{"amount": "1"}).ok(t).text("refund", "id")
	event := w.private("GET", "/events", nil).text("events", 0, "id")
	card := w.card()
	for _, test := range []struct {
		method, path string
		body         any
		code         string
	}{
		{"GET", "/customers/" + customer, nil, payments.CodeCustomerNotFound},
		{"PUT", "/customers/" + customer, map[string]any{"first_name": "Eve"}, payments.CodeCustomerNotFound},
		{"DELETE", "/customers/" + customer, nil, payments.CodeCustomerNotFound},
		{"GET", "/customers/" + customer + "/transactions", nil, payments.CodeCustomerNotFound},
		{"GET", "/customers/" + customer + "/tokens", nil, payments.CodeCustomerNotFound},
		{"POST", "/customers/" + customer + "/tokens", map[string]any{}, payments.CodeCustomerNotFound},
		{"GET", "/customers/" + customer + "/tokens/" + token, nil, payments.CodeTokenNotFound},
		{"PUT", "/customers/" + customer + "/tokens/" + token, map[string]any{"source": card}, payments.CodeTokenNotFound},
		{"DELETE", "/customers/" + customer + "/tokens/" + token, nil, payments.CodeTokenNotFound},
		{"GET", "/customers/" + customer + "/tokens/" + token + "/gateways", nil, payments.CodeTokenNotFound},
		{"GET", "/cards/" + card, nil, payments.CodeCardNotFound},
		{"PUT", "/cards/" + card, map[string]any{"cvc2": "123"}, payments.CodeCardNotFound},
		{"DELETE", "/cards/" + card, nil, payments.CodeCardNotFound},
		{"POST", "/invoices", map[string]any{"name": "x", "amount": "1", "currency": "PHP", "customer_id": customer}, payments.CodeCustomerNotFound},
		{"GET", "/invoices/" + invoice, nil, payments.CodeInvoiceNotFound},
		{"PUT", "/invoices/" + invoice, map[string]any{"amount": "1"}, payments.CodeInvoiceNotFound},
		{"DELETE", "/invoices/" + invoice, nil, payments.CodeInvoiceNotFound},
		{"GET", "/invoices/" + invoice + "/customers", nil, payments.CodeInvoiceNotFound},
		{"GET", "/invoices/" + invoice + "/decision", nil, payments.CodeInvoiceNotFound},
		{"GET", "/invoices/" + invoice + "/transactions", nil, payments.CodeInvoiceNotFound},
		{"POST", "/invoices/" + invoice + "/capture", map[string]any{"source": card}, payments.CodeInvoiceNotFound},
		{"POST", "/invoices/" + invoice + "/three-d-s", map[string]any{"source": card}, payments.CodeInvoiceNotFound},
		{"POST", "/invoices/" + invoice + "/void", nil, payments.CodeInvoiceNotFound},
		{"POST", "/invoices/" + invoice + "/refunds", nil, payments.CodeInvoiceNotFound},
		{"GET", "/transactions/" + transaction, nil, payments.CodeTransactionNotFound},
		{"GET", "/transactions/" + transaction + "/refunds", nil, payments.CodeTransactionNotFound},
		{"POST", "/transactions/" + transaction + "/refunds", nil, payments.CodeTransactionNotFound},
		{"GET", "/transactions/" + transaction + "/refunds/" + refund, nil, payments.CodeRefundNotFound},
		{"GET", "/events/" + event, nil, payments.CodeEventNotFound},
		{"GET", "/events/" + event + "/webhooks", nil, payments.CodeEventNotFound},
		{"GET", "/gateway-configurations/gway_conf_nobody", nil, payments.CodeGatewayConfigurationNotFound},
		{"GET", "/gateways/nobody/gateway-configurations", nil, payments.CodeGatewayNotFound},
		{"GET", "/projects/" + projectID, nil, payments.CodeProjectNotFound},
	} {
		g := w.do(ask{method: test.method, path: test.path, body: test.body, user: otherID, key: otherKey})
		if g.status != 404 || g.text("error_type") != test.code {
			t.Errorf("%s %s: want 404 %s, got %d %s", test.method, test.path, test.code, g.status, g.body)
		}
	}
	for _, path := range []string{"/customers", "/cards", "/invoices", "/transactions", "/events"} {
		if g := w.do(ask{method: "GET", path: path, user: otherID, key: otherKey}).ok(t); g.at("count") != 0.0 {
			t.Errorf("%s shows another project's: %s", path, g.body)
		}
	}
	w.private("GET", "/gateway-configurations/gway_conf_cccccccccccccccccccccccccccccccc", nil).fails(t, 404, payments.CodeGatewayConfigurationNotFound)
}

// TestPublicInvoice: a payer's device reads and pays the one invoice whose secret it has, and nothing more.
func TestPublicInvoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	created := w.invoice(map[string]any{"customer_id": customer})
	invoice, secret := created.text("invoice", "id"), created.header.Get("X-ProcessOut-Client-Secret")
	if secret == "" || secret != w.private("GET", "/invoices/"+invoice, nil).header.Get("X-ProcessOut-Client-Secret") {
		t.Fatal("creating and reading an invoice must tell its client secret")
	}
	other := w.invoice().header.Get("X-ProcessOut-Client-Secret")
	for name, header := range map[string][]string{"no secret": nil, "an empty secret": {headerClientSecret, ""}, "another invoice's": {headerClientSecret, other}} {
		for _, call := range []ask{
			{method: "GET", path: "/invoices/" + invoice},
			{method: "POST", path: "/invoices/" + invoice + "/authorize", body: map[string]any{"source": w.card()}},
			{method: "POST", path: "/invoices/" + invoice + "/capture", body: map[string]any{"source": w.card()}},
		} {
			if g := w.public(call.method, call.path, call.body, header...); g.status != 401 {
				t.Errorf("%s: %s %s: %d", name, call.method, call.path, g.status)
			}
		}
	}
	w.public("GET", "/invoices/iv_nobody", nil, headerClientSecret, secret).fails(t, 401, payments.CodeAuthenticationInvalid)

	g := w.public("GET", "/invoices/"+invoice+"?expand=transaction.operations,customer,token", nil, headerClientSecret, secret).ok(t)
	if g.at("invoice", "transaction", "id") == nil || g.at("invoice", "customer") != nil || g.at("invoice", "transaction", "operations") != nil {
		t.Errorf("a payer sees: %s", g.body)
	}
	capture := func(fields map[string]any) got {
		return w.public("POST", "/invoices/"+invoice+"/capture", fields, headerClientSecret, secret)
	}
	capture(map[string]any{}).fails(t, 400, payments.CodeMissingSource)
	capture(map[string]any{"source": customer}).fails(t, 400, payments.CodeSourceInvalid)
	capture(map[string]any{"source": w.card(), "capture_amount": "1.00"}).fails(t, 400, payments.CodeInvalidAmount)

	w.engine.set("declined")
	g = capture(map[string]any{"source": w.card()}).fails(t, 410, string(payments.CardDoNotHonor))
	if strings.Contains(g.body, "paymongo") {
		t.Errorf("a payer learns where it was declined: %s", g.body)
	}
	g = w.public("GET", "/invoices/"+invoice+"?expand=transaction", nil, headerClientSecret, secret).ok(t)
	if strings.Contains(g.text("invoice", "transaction", "error_message"), "paymongo") {
		t.Errorf("a payer learns where it was declined: %s", g.body)
	}
	w.engine.set("")
	g = capture(map[string]any{"source": w.card(), "capture_amount": "100", "metadata": map[string]any{"a": "b"}, "expand": []string{"customer"}}).ok(t)
	if g.at("transaction", "operations") != nil || g.at("transaction", "customer") != nil || g.text("transaction", "status") != "completed" {
		t.Errorf("a payer's capture answers: %s", g.body)
	}
	if r := w.engine.request().(flow.ChargeRequest); !r.Public || r.Amount != "" || r.Metadata != nil || r.ClientIP == "" {
		t.Errorf("the engine was asked: %+v", r)
	}
}

// TestBackendCapture: a payer's device cannot take what the merchant wants to take itself.
func TestBackendCapture(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.invoice(map[string]any{"require_backend_capture": "true"})
	path := "/invoices/" + created.text("invoice", "id") + "/capture"
	g := w.public("POST", path, map[string]any{"source": w.card()}, headerClientSecret, created.header.Get(headerClientSecret)).ok(t)
	if g.text("transaction", "status") != "authorized" {
		t.Errorf("a payer captured: %s", g.body)
	}
	if g := w.private("POST", path, map[string]any{}).ok(t); g.text("transaction", "status") != "completed" {
		t.Errorf("the merchant could not capture: %s", g.body)
	}
}

func TestPublicToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	customer := w.customer()
	plain := w.token(customer, map[string]any{}).ok(t).text("token", "id")
	verified := w.token(customer, map[string]any{"verify": true, "metadata": map[string]any{"a": "b"}}).ok(t).text("token", "id")
	path := "/customers/" + customer + "/tokens/"
	w.public("PUT", path+plain, map[string]any{"source": w.card()}).fails(t, 401, payments.CodeAuthenticationInvalid)
	w.public("GET", path+verified, nil).fails(t, 401, payments.CodeAuthenticationInvalid)

	w.engine.set("declined")
	g := w.public("PUT", path+verified, map[string]any{"source": w.card()}).fails(t, 410, string(payments.CardDoNotHonor))
	if strings.Contains(g.body, "paymongo") {
		t.Errorf("a payer learns where it was declined: %s", g.body)
	}
	w.engine.set("") // failed: another card may be tried
	g = w.public("PUT", path+verified, map[string]any{"source": w.card(), "metadata": map[string]any{"a": "changed"}, "expand": []string{"customer"}}).ok(t)
	if g.text("token", "verification_status") != "success" || g.text("token", "metadata", "a") != "b" || g.at("token", "customer") != nil {
		t.Errorf("a payer's assignment answers: %s", g.body)
	}
	w.public("PUT", path+verified, map[string]any{"source": w.card()}).fails(t, 401, payments.CodeAuthenticationInvalid)
}

func TestPublicCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	card := w.card()
	path := "/cards/" + card
	w.public("GET", path, nil).fails(t, 401, payments.CodeAuthenticationInvalid)
	w.public("PUT", path, map[string]any{"preferred_scheme": "visa"}).fails(t, 401, payments.CodeAuthenticationInvalid)
	w.public("PUT", path, map[string]any{"cvc": "321", "preferred_scheme": "visa"}).ok(t)
	w.public("PUT", path, map[string]any{"cvc2": "12"}).fails(t, 400, string(payments.CardInvalidCVC))

	used := w.card()
	w.token(w.customer(), map[string]any{"source": used}).ok(t)
	w.public("PUT", "/cards/"+used, map[string]any{"cvc": "321"}).fails(t, 401, payments.CodeAuthenticationInvalid)
	w.private("PUT", "/cards/"+used, map[string]any{"cvc": "321"}).ok(t)

	w.now.pass(publicCardAge + time.Second)
	w.public("PUT", path, map[string]any{"cvc": "321"}).fails(t, 401, payments.CodeAuthenticationInvalid)
	w.private("PUT", path, map[string]any{"cvc": "321"}).ok(t)
}

// TestNoGatewaysForPayers: why no gateway can take a payment is told to the merchant alone.
func TestNoGatewaysForPayers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.invoice()
	path, secret := "/invoices/"+created.text("invoice", "id")+"/capture", created.header.Get(headerClientSecret)
	refusal := payments.NewError(payments.CodeNoGateway, "No gateway configuration can take this payment.")
	refusal.Fields = []payments.FieldFault{{Name: gatewayID, Message: "PayMongo is switched off."}}
	w.engine.fail = refusal
	if g := w.private("POST", path, map[string]any{"source": "card_x"}).fails(t, 400, payments.CodeNoGateway); g.at("invalid_fields") == nil {
		t.Errorf("the merchant learns nothing: %s", g.body)
	}
	if g := w.public("POST", path, map[string]any{"source": "card_x"}, headerClientSecret, secret).fails(t, 400, payments.CodeNoGateway); g.at("invalid_fields") != nil {
		t.Errorf("the payer learns: %s", g.body)
	}
}
