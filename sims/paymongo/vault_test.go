package paymongo_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"switchyard/sims/psp"
)

func TestCardIsVaultedByItsPayment(t *testing.T) {
	for _, c := range []struct {
		number, capture, payer string
		status                 string
		rows                   int
	}{
		{"4242424242424242", "automatic", "", "succeeded", 1},
		{"4242424242424242", "manual", "", "awaiting_capture", 1},
		{"4000000000000002", "automatic", "", "awaiting_payment_method", 0},
		{"4120000000000007", "automatic", "", "awaiting_next_action", 0},
		{"4120000000000007", "automatic", "authorize", "succeeded", 1},
		{"4120000000000007", "manual", "authorize", "awaiting_capture", 1},
		{"4120000000000007", "automatic", "fail", "awaiting_payment_method", 0},
		{"5234000000000106", "automatic", "authorize", "awaiting_payment_method", 0},
		{"5234000000000106", "manual", "authorize", "awaiting_payment_method", 0},
	} {
		t.Run(strings.Join([]string{c.number, c.capture, c.payer}, " "), func(t *testing.T) {
			s := open(t)
			customer, method := s.made("/customers", person("ada@example.com")), s.card(c.number)
			intent := s.intent(c.capture, customer)
			if rows, _ := s.saved(customer, ""); len(rows) > 0 {
				t.Fatalf("saved before the payment: %+v", rows)
			}
			page := s.attach(intent, method).object().Attributes.NextAction.Redirect.URL
			if c.payer != "" {
				s.decide(page, c.payer)
			}
			if got := s.call("GET", "/payment_intents/"+intent, nil).object().Attributes.Status; got != c.status {
				t.Errorf("status %s, want %s", got, c.status)
			}
			rows, _ := s.saved(customer, "")
			if len(rows) != c.rows {
				t.Fatalf("%d rows, want %d", len(rows), c.rows)
			}
			for _, r := range rows {
				if !strings.HasPrefix(r.ID, "cus_pm_") || r.Attributes["payment_method_id"] != method || r.Attributes["details"] != nil {
					t.Errorf("row %+v", r)
				}
			}
		})
	}
}

func TestSetupFutureUsageIsChecked(t *testing.T) {
	s := open(t)
	customer := s.made("/customers", person("ada@example.com"))
	check := func(name string, setup obj, status int, code, pointer, detail string) {
		t.Helper()
		r := s.call("POST", "/payment_intents", obj{
			"amount": 2000, "currency": "PHP", "payment_method_allowed": []string{"card"}, "setup_future_usage": setup,
		})
		if !r.is(status, code, pointer) || detail != "" && r.Errors[0].Detail != detail {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	const sessionType = "setup_future_usage.session_type"
	check("no session type", obj{"customer_id": customer}, 400, "parameter_required", sessionType, "")
	check("another session type", obj{"session_type": "always", "customer_id": customer}, 400, "parameter_invalid", sessionType, "")
	check("no customer", obj{"session_type": "on_session"}, 400, "parameter_required", "setup_future_usage.customer_id", "")
	check("unknown customer", obj{"session_type": "on_session", "customer_id": "cus_x"}, 404, "resource_not_found", "", "")
	check("not text", obj{"session_type": "on_session", "customer_id": 7}, 400, "parameter_data_type_invalid", "setup_future_usage.customer_id", "")
	check("off session", obj{"session_type": "off_session", "customer_id": customer}, 400, "parameter_invalid", sessionType,
		"Off session payments are not yet supported.")
	if _, err := s.sim.Adjust([]byte(`{"vaulting":false}`)); err != nil {
		t.Fatal(err)
	}
	check("vaulting is off", obj{"session_type": "on_session", "customer_id": customer}, 400, "parameter_invalid", sessionType,
		"On session payments are not yet supported.")
	if r := s.attach(s.intent("automatic", ""), s.card("4242424242424242")); r.object().Attributes.Status != "succeeded" {
		t.Errorf("a payment that saves nothing, with vaulting off: %d %s", r.status, r.body)
	}
	if _, err := s.sim.Adjust([]byte(`{"vaulting":true}`)); err != nil {
		t.Fatal(err)
	}
	s.intent("automatic", customer)
}

func TestSavedCardNeedsItsCVCEachTime(t *testing.T) {
	s := open(t)
	customer := s.made("/customers", person("ada@example.com"))
	card := s.vaulted(customer)
	refused := func(when string) {
		t.Helper()
		intent := s.intent("automatic", "")
		if r := s.attach(intent, card); !r.is(400, "parameter_required", "cvc") {
			t.Errorf("%s: %d %s", when, r.status, r.body)
		}
		if got := s.call("GET", "/payment_intents/"+intent, nil).object().Attributes.Status; got != "awaiting_payment_method" {
			t.Errorf("%s: the intent is %s", when, got)
		}
	}
	write := func(attributes obj) reply { return s.call("PUT", "/payment_methods/"+card, attributes) }
	refused("never written")
	if r := write(obj{"type": "card", "details": obj{"cvc": "123"}}); r.status != 200 {
		t.Errorf("an update of the details: %d %s", r.status, r.body)
	}
	refused("written among the details")
	if r := write(obj{"type": "card", "cvc": 123}); !r.is(400, "parameter_data_type_invalid", "cvc") {
		t.Errorf("a number: %d %s", r.status, r.body)
	}
	if r := write(obj{"type": "card", "cvc": "12"}); !r.is(400, "parameter_format_invalid", "cvc") {
		t.Errorf("too short: %d %s", r.status, r.body)
	}
	refused("never written well")
	for range 2 {
		write(obj{"type": "card", "cvc": "123"})
		if r := s.attach(s.intent("automatic", ""), card); r.object().Attributes.Status != "succeeded" {
			t.Fatalf("with its CVC: %d %s", r.status, r.body)
		}
		refused("used up")
	}
	write(obj{"type": "card", "cvc": "123"})
	r := &psp.Request{
		Method: "POST", Path: []string{"payment_intents", s.intent("automatic", ""), "attach"},
		Header: http.Header{"Authorization": {"Basic c2tfdGVzdF9hbnk6"}},
		Body:   []byte(`{"data":{"attributes":{"payment_method":"` + card + `"}}}`),
	}
	if answer := s.sim.Accept(r).Run(psp.Orders{Decline: psp.SoftDecline}); answer.Status != 400 {
		t.Errorf("an ordered decline: %d", answer.Status)
	}
	refused("used up by a decline")
}

func TestDeletedCardsCannotBeCharged(t *testing.T) {
	s := open(t)
	customer := s.made("/customers", person("ada@example.com"))
	gone := func(what, card string) {
		t.Helper()
		if r := s.call("PUT", "/payment_methods/"+card, obj{"type": "card", "cvc": "123"}); !r.is(404, "resource_not_found", "") {
			t.Errorf("%s: CVC: %d %s", what, r.status, r.body)
		}
		if r := s.attach(s.intent("automatic", ""), card); !r.is(404, "resource_not_found", "") {
			t.Errorf("%s: attach: %d %s", what, r.status, r.body)
		}
	}
	path := "/customers/" + customer + "/payment_methods/"
	card := s.vaulted(customer)
	if r := s.call("PUT", "/customers/"+customer, obj{"default_payment_method_id": card}); r.object().Attributes.Default != card {
		t.Errorf("default: %d %s", r.status, r.body)
	}
	if r := s.call("PUT", "/customers/"+customer, obj{"default_payment_method_id": "pm_x"}); !r.is(404, "resource_not_found", "") {
		t.Errorf("an unknown default: %d %s", r.status, r.body)
	}
	for _, want := range []int{200, 404} {
		if r := s.call("DELETE", path+card, nil); r.status != want {
			t.Errorf("delete by the method: %d %s, want %d", r.status, r.body, want)
		}
	}
	gone("deleted by the method", card)
	if r := s.call("GET", "/customers/"+customer, nil); r.object().Attributes.Default != "" {
		t.Errorf("the deleted default: %s", r.body)
	}

	card = s.vaulted(customer)
	rows, _ := s.saved(customer, "")
	for _, want := range []int{200, 404} {
		if r := s.call("DELETE", path+rows[0].ID, nil); r.status != want {
			t.Errorf("delete by the row: %d %s, want %d", r.status, r.body, want)
		}
	}
	gone("deleted by the row", card)

	card = s.vaulted(customer)
	if r := s.call("DELETE", "/customers/"+customer, nil); r.status != 200 || !r.object().Attributes.Deleted || r.object().ID != customer {
		t.Errorf("delete the customer: %d %s", r.status, r.body)
	}
	gone("deleted with the customer", card)
	for _, c := range [][2]string{{"GET", ""}, {"DELETE", ""}, {"PUT", ""}, {"GET", "/payment_methods"}, {"DELETE", "/payment_methods/" + card}} {
		if r := s.call(c[0], "/customers/"+customer+c[1], nil); !r.is(404, "resource_not_found", "") {
			t.Errorf("%s%s of a deleted customer: %d %s", c[0], c[1], r.status, r.body)
		}
	}
	s.made("/customers", person("ada@example.com"))
}

func TestCustomersAreValidated(t *testing.T) {
	s := open(t)
	taken := person("ada@example.com")
	taken["phone"] = "+639170000000"
	s.made("/customers", taken)
	for _, c := range []struct {
		name, field string
		value       any
	}{
		{"no first name", "first_name", nil},
		{"no last name", "last_name", ""},
		{"no e-mail", "email", nil},
		{"no device", "default_device", nil},
		{"another device", "default_device", "pager"},
		{"no address", "email", "grace"},
		{"national phone", "phone", "0917 000 0000"},
		{"taken e-mail", "email", "ada@example.com"},
		{"taken phone", "phone", "+639170000000"},
	} {
		in := person("grace@example.com")
		in[c.field] = c.value
		if r := s.call("POST", "/customers", in); !r.is(422, "invalid_request_body", "data.attributes."+c.field) {
			t.Errorf("%s: %d %s", c.name, r.status, r.body)
		}
	}
	if r := s.call("POST", "/customers", obj{}); len(r.Errors) != 4 {
		t.Errorf("every fault at once: %s", r.body)
	}
}

func TestSavedCardsComeInPages(t *testing.T) {
	s := open(t)
	customer := s.made("/customers", person("ada@example.com"))
	const cards = 12
	want := make([]string, cards)
	for i := range cards {
		want[cards-1-i] = s.vaulted(customer)
	}
	var got []string
	query := ""
	for _, more := range []bool{true, false} {
		rows, hasMore := s.saved(customer, query)
		if hasMore != more {
			t.Errorf("has_more %t after %d cards", hasMore, len(got))
		}
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.Attributes["payment_method_id"]))
		}
		query = "?after=" + rows[len(rows)-1].ID
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("cards %v, want %v", got, want)
	}
}

func TestChallengeNeedsAWayBack(t *testing.T) {
	s := open(t)
	r := s.call("POST", "/payment_intents/"+s.intent("automatic", "")+"/attach", obj{"payment_method": s.card("4120000000000007")})
	if !r.is(400, "parameter_required", "return_url") {
		t.Errorf("without return_url: %d %s", r.status, r.body)
	}
}
