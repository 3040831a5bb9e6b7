package paymongo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"

	"switchyard/payments"
)

var maria = payments.Payer{CustomerID: "cust_test", FirstName: "Maria", LastName: "Santos", Email: "maria@shop.test", Phone: "+639170000000"}

func TestCustomerOf(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit               func(*payments.Payer)
		first, last, phone string
	}{
		"everything":     {func(*payments.Payer) {}, "Maria", "Santos", "+639170000000"},
		"spaces":         {func(p *payments.Payer) { p.FirstName, p.Email = " Maria  Luz ", " maria@shop.test " }, "Maria Luz", "Santos", "+639170000000"},
		"no last name":   {func(p *payments.Payer) { p.FirstName, p.LastName = "Maria Luz Santos", "" }, "Maria Luz", "Santos", "+639170000000"},
		"no first name":  {func(p *payments.Payer) { p.FirstName, p.LastName = "", "Maria Santos" }, "Maria", "Santos", "+639170000000"},
		"one name":       {func(p *payments.Payer) { p.LastName = "" }, "Maria", "Maria", "+639170000000"},
		"no phone":       {func(p *payments.Payer) { p.Phone = "" }, "Maria", "Santos", ""},
		"national phone": {func(p *payments.Payer) { p.Phone = "0917 000 0000" }, "Maria", "Santos", ""},
		"spaced phone":   {func(p *payments.Payer) { p.Phone = "+63 917" }, "Maria", "Santos", ""},
		"only a plus":    {func(p *payments.Payer) { p.Phone = "+" }, "Maria", "Santos", ""},
	} {
		p := maria
		tt.edit(&p)
		c, err := customerOf(p)
		want := newCustomer{tt.first, tt.last, "maria@shop.test", tt.phone, "email", customerLabels{"cust_test"}}
		if err != nil || c != want {
			t.Errorf("%s: %+v %v, want %+v", name, c, err, want)
		}
	}
}

// TestIncompleteCustomerIsNotSent asks for a fault that says what is missing, and for no call.
func TestIncompleteCustomerIsNotSent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(*payments.Payer)
		says []string
	}{
		"no e-mail":  {func(p *payments.Payer) { p.Email = " " }, []string{"lacks an e-mail address"}},
		"no name":    {func(p *payments.Payer) { p.FirstName, p.LastName = "", " " }, []string{"lacks a name"}},
		"no data":    {func(p *payments.Payer) { *p = payments.Payer{CustomerID: "cust_test"} }, []string{"a name and an e-mail address"}},
		"no id ours": {func(p *payments.Payer) { p.CustomerID = "" }, []string{"an id of ours"}},
	} {
		transport := httpmock.NewMockTransport()
		p := maria
		tt.edit(&p)
		id, err := speaking(t, transport).SyncCustomer(t.Context(), p)
		f := payments.AsFault(err)
		if f == nil || f.Kind != payments.Rejected || id != "" {
			t.Errorf("%s: %q %v, want a rejected request", name, id, err)
			continue
		}
		for _, text := range tt.says {
			if !strings.Contains(f.Error(), text) {
				t.Errorf("%s: %v does not say %q", name, f, text)
			}
		}
		if calls := transport.GetTotalCallCount(); calls > 0 {
			t.Errorf("%s: %d calls were made", name, calls)
		}
	}
}

// register is PayMongo with customers whose e-mail addresses are unique.
type register struct {
	mu   sync.Mutex
	made []resource[json.RawMessage]
	keys map[string]int
}

func (g *register) make(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var d document[json.RawMessage]
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		return nil, err
	}
	g.keys[r.Header.Get("Idempotency-Key")]++
	if len(g.made) > 0 {
		return httpmock.NewStringResponse(422, `{"errors":[{"code":"invalid_request_body","source":{"pointer":"data.attributes.email"}}]}`), nil
	}
	d.Data.ID = fmt.Sprintf("cus_%d", len(g.made)+1)
	g.made = append(g.made, d.Data)
	return httpmock.NewJsonResponse(200, d)
}

func (g *register) find(*http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return httpmock.NewJsonResponse(200, map[string]any{"data": g.made, "has_more": false})
}

// TestSyncsAtOnceMakeOneCustomer syncs one customer many times at once, none of which knows of the others.
func TestSyncsAtOnceMakeOneCustomer(t *testing.T) {
	t.Parallel()
	g := &register{keys: map[string]int{}}
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("POST", testBase+"/customers", g.make)
	transport.RegisterResponder("GET", testBase+"/customers", g.find)
	transport.RegisterResponder("GET", testBase+"/customers/cus_1", httpmock.NewStringResponder(200, `{"data":{"id":"cus_1","attributes":{}}}`))
	a := speaking(t, transport)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if id, err := a.SyncCustomer(t.Context(), maria); id != "cus_1" || err != nil {
				t.Errorf("%q %v, want cus_1", id, err)
			}
		})
	}
	wg.Wait()
	if len(g.keys) != 1 || g.keys[""] > 0 {
		t.Errorf("%d idempotency keys, want one", len(g.keys))
	}
	other := maria
	other.CustomerID = "cust_other"
	const why = "another customer of this account has the same e-mail address"
	if id, err := a.SyncCustomer(t.Context(), other); id != "" || payments.AsFault(err).Kind != payments.Rejected || !strings.Contains(err.Error(), why) {
		t.Errorf("another customer of ours with the e-mail address: %q %v, want a rejected request that says so", id, err)
	}
}

// TestDeletedCustomerIsMadeAnew syncs a customer whom PayMongo has deleted, but still gives as its repeated answer.
func TestDeletedCustomerIsMadeAnew(t *testing.T) {
	t.Parallel()
	answers := map[string]string{}
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder("POST", testBase+"/customers", func(r *http.Request) (*http.Response, error) {
		key := r.Header.Get("Idempotency-Key")
		if answers[key] == "" {
			answers[key] = fmt.Sprintf(`{"data":{"id":"cus_%d","attributes":{}}}`, len(answers)+1)
		}
		return httpmock.NewStringResponse(200, answers[key]), nil
	})
	for id, responder := range map[string]httpmock.Responder{
		"cus_1": httpmock.NewStringResponder(404, `{"errors":[{"code":"resource_not_found"}]}`),
		"cus_2": httpmock.NewStringResponder(200, `{"data":{"id":"cus_2","attributes":{"deleted":true}}}`),
		"cus_3": httpmock.NewStringResponder(200, `{"data":{"id":"cus_3","attributes":{}}}`),
	} {
		transport.RegisterResponder("GET", testBase+"/customers/"+id, responder)
	}
	if id, err := speaking(t, transport).SyncCustomer(t.Context(), maria); id != "cus_3" || err != nil {
		t.Errorf("%q %v, want cus_3", id, err)
	}
}

func TestCustomerKey(t *testing.T) {
	t.Parallel()
	c, err := customerOf(maria)
	if err != nil {
		t.Fatal(err)
	}
	renamed := c
	renamed.FirstName = "Ana"
	keys := map[string]bool{c.key(""): true, c.key("cus_1"): true, renamed.key(""): true}
	if len(keys) != 3 || !keys[c.key("")] {
		t.Error("the key must follow the request and the customer that is replaced, and nothing else")
	}
	for key := range keys {
		if len(key) > 255 || strings.Contains(key, "aria") {
			t.Errorf("the key %s is too long, or shows who it is about", key)
		}
	}
}
