package api

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sdk is how one of the vendor's SDKs speaks: what was seen on the wire of the unmodified libraries.
type sdk struct {
	name        string
	agent       string
	list        string         // the query of a list without options
	expanded    string         // the query of a read that expands transaction and customer
	getBody     string         // what a GET carries as its body
	options     map[string]any // what a POST or PUT carries beside its fields
	header      []string
	emptyAction bool
}

var sdks = []sdk{
	{
		name: "go", agent: "ProcessOut Go-Bindings/v5.6.0",
		list:     "?end_before=&filter=&limit=0&start_after=",
		expanded: "?end_before=&expand%5B%5D=transaction&expand%5B%5D=customer&filter=&limit=0&start_after=",
		getBody:  `{"expand":null,"filter":"","limit":0,"end_before":"","start_after":""}`,
		options:  map[string]any{"expand": nil, "filter": "", "limit": 0, "end_before": "", "start_after": ""},
	},
	{
		name: "node", agent: "ProcessOut NodeJS-Bindings/8.0.0",
		expanded: "?expand=transaction%2Ccustomer",
	},
	{
		name: "python", agent: "ProcessOut Python-Bindings/6.18.0",
		expanded: "?expand=transaction&expand=customer", emptyAction: true,
	},
	{
		name: "php", agent: "ProcessOut PHP-Bindings/7.4.0",
		expanded: "?expand[]=transaction&expand[]=customer",
	},
	{
		name: "ruby", agent: "ProcessOut Ruby-Bindings/6.0.0",
		list:     "?&filter=&limit=&end_before=&start_after=",
		expanded: "?expand=transaction&expand=customer&filter=&limit=&end_before=&start_after=",
		options:  map[string]any{"expand": []any{}, "filter": "", "limit": "", "end_before": "", "start_after": ""},
		header:   []string{"Idempotency-Key", "", "Disable-Logging", ""},
	},
}

// nulls are the fields that an SDK does not set and sends all the same.
func (s sdk) body(fields map[string]any, unset string) map[string]any {
	body := map[string]any{}
	for name := range strings.FieldsSeq(unset) {
		body[name] = nil
	}
	maps.Copy(body, s.options)
	maps.Copy(body, fields)
	return body
}

const (
	unsetCustomer = "balance currency email first_name last_name company_name address1 address2 city state zip country_code ip_address phone legal_document date_of_birth is_business sex metadata id reference_id registered_at phone_number"
	unsetToken    = "metadata return_url cancel_url description invoice_id manual_invoice_cancellation webhook_url gateway_configuration_id source settings device verify verify_metadata set_default verify_statement_descriptor invoice_return_url summary"
	unsetInvoice  = "customer_id name order_id amount currency metadata details submerchant reference_id exemption_reason_3ds2 sca_exemption_reason challenge_indicator gateway_data merchant_initiator_type initiation_type payment_intent statement_descriptor statement_descriptor_phone statement_descriptor_city statement_descriptor_company statement_descriptor_url return_url cancel_url webhook_url risk shipping device require_backend_capture external_fraud_tools tax payment_type billing unsupported_feature_bypass verification auto_capture_at expires_at"
	unsetCapture  = "device incremental authorize_only synchronous retry_drop_liability_shift capture_amount auto_capture_at enable_three_d_s_2 metadata capture_statement_descriptor override_mac_blocking external_three_d_s save_source source"
)

// TestSDKs walks through a merchant's day in the words of each SDK.
func TestSDKs(t *testing.T) {
	t.Parallel()
	for _, s := range sdks {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			header := append([]string{"User-Agent", s.agent, "API-Version", "1.4.0.0"}, s.header...)
			call := func(method, path string, body any) got {
				t.Helper()
				g := w.private(method, path, body, header...).ok(t)
				if null := strings.Contains(g.body, `"customer_action":null`); null {
					t.Errorf("null breaks the Node SDK: %s", g.body)
				}
				return g
			}
			get := func(path string) got {
				t.Helper()
				if s.getBody != "" {
					return call("GET", path, s.getBody)
				}
				return call("GET", path, nil)
			}
			customer := call("POST", "/customers", s.body(map[string]any{"first_name": "John", "last_name": "Smith", "currency": "USD"}, unsetCustomer))
			id := customer.text("customer", "id")
			if diff := cmp.Diff(map[string]any{}, customer.at("customer", "metadata")); diff != "" || customer.at("customer", "balance") != "0" {
				t.Errorf("a new customer: %s", customer.body)
			}
			saved := call("PUT", "/customers/"+id, s.body(map[string]any{"email": "john@example.com"}, unsetCustomer))
			if saved.text("customer", "first_name") != "John" || saved.text("customer", "email") != "john@example.com" {
				t.Errorf("PUT is partial: %s", saved.body)
			}
			created := call("POST", "/customers/"+id+"/tokens", s.body(map[string]any{"source": w.card()}, unsetToken))
			action, has := created.json["customer_action"]
			if has != s.emptyAction || has && !cmp.Equal(action, map[string]any{}) {
				t.Errorf("customer_action: %v", created.json["customer_action"])
			}
			token := created.text("token", "id")
			for _, one := range get("/customers/" + id + "/tokens" + s.list).at("tokens").([]any) {
				if one.(map[string]any)["customer_id"] != id {
					t.Errorf("a token without its customer: %v", one)
				}
			}
			invoice := call("POST", "/invoices", s.body(map[string]any{"name": "Order", "amount": "9.99", "currency": "USD", "customer_id": id}, unsetInvoice)).text("invoice", "id")
			captured := call("POST", "/invoices/"+invoice+"/capture", s.body(map[string]any{"source": token}, unsetCapture))
			if _, has := captured.json["customer_action"]; has != s.emptyAction || captured.text("transaction", "status") != "completed" {
				t.Errorf("capture: %s", captured.body)
			}
			read := get("/invoices/" + invoice + s.expanded)
			if read.text("invoice", "transaction", "id") != captured.text("transaction", "id") || read.text("invoice", "customer", "id") != id {
				t.Errorf("expanded as %s: %s", s.expanded, read.body)
			}
			if found := call("POST", "/transactions", s.body(nil, "")).at("transactions").([]any); len(found) != 1 {
				t.Errorf("%d transactions", len(found))
			}
			call("POST", "/invoices/"+invoice+"/refunds", s.body(map[string]any{"amount": "1.00"}, "reason information invoice_detail_ids metadata"))
			deleted := call("DELETE", "/customers/"+id+"/tokens/"+token+s.list, s.getBody)
			if strings.TrimSpace(deleted.body) != `{"success":true}` {
				t.Errorf("DELETE answers %s", deleted.body)
			}
			w.private("GET", "/customers/"+id+"/tokens/"+token, nil, header...).fails(t, 404, "resource.token.not-found")
		})
	}
}

// TestBrowserSDK: the script's requests carry their headers in the query too, and may come without preflight.
func TestBrowserSDK(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authorization := "Basic " + base64.StdEncoding.EncodeToString([]byte(projectID+":"))
	query := "?legacyrequest=true&project_id=" + projectID + "&x-Content-Type=application%2Fjson&x-API-Version=1.3.0.0&x-Authorization=" +
		strings.ReplaceAll(strings.ReplaceAll(authorization, " ", "%20"), "=", "%3D") + "&x-ProcessOut-JS-Version=1.9.8"
	send := func(method, path, body string) got {
		t.Helper()
		r := httptest.NewRequest(method, path+query, strings.NewReader(body))
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
		r.Header.Set("Origin", "https://shop.example")
		g := w.send(r)
		if g.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: the browser may not read the answer", path)
		}
		return g
	}
	send("POST", "/telemetry", `{"events":[]}`).ok(t)
	card := send("POST", "/cards", `{"number":"4242 4242 4242 4242","exp_month":"12","exp_year":"31","cvc2":"123","contact":{"zip":"75001"},"device":{"request_origin":"web"}}`).ok(t)
	customer := w.customer()
	token := w.token(customer, map[string]any{"verify": true}).ok(t).text("token", "id")
	path := "/customers/" + customer + "/tokens/" + token
	w.engine.set("action")
	first := `{"source":"` + card.text("card", "id") + `","enable_three_d_s_2":true,"device":{"request_origin":"web","app_color_depth":24},"app_color_depth":24}`
	g := send("PUT", path, first).ok(t)
	if g.text("customer_action", "type") != "redirect" || g.text("customer_action", "value") == "" || g.at("customer_action", "metadata") == nil {
		t.Errorf("no action: %s", g.body)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := httptest.NewRequest(http.MethodOptions, "/cards", nil)
	r.Header.Set("Origin", "https://shop.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,x-processout-client-secret")
	g := w.send(r)
	if g.status != 204 || g.body != "" {
		t.Errorf("%d %s", g.status, g.body)
	}
	allowed := strings.ToLower(g.header.Get("Access-Control-Allow-Headers"))
	for _, name := range []string{"authorization", "content-type", "api-version", "idempotency-key", "x-processout-js-version", "x-processout-client-secret"} {
		if !strings.Contains(allowed, name) {
			t.Errorf("%s may not be sent", name)
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		if !strings.Contains(g.header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("%s may not be sent", method)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	get := w.private("GET", "/customers", nil).ok(t)
	r := httptest.NewRequest(http.MethodHead, "/customers", nil)
	r.SetBasicAuth(projectID, projectKey)
	head := w.send(r)
	if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != get.header.Get("Content-Length") {
		t.Errorf("%d %q %v", head.status, head.body, head.header)
	}
}
