package paymongo_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"switchyard/sims/challenge"
	"switchyard/sims/ledger"
	"switchyard/sims/paymongo"
	"switchyard/sims/psp"
)

type obj = map[string]any

// shop is an account at the simulator.
type shop struct {
	t    *testing.T
	sim  *paymongo.Sim
	desk *challenge.Desk
}

func open(t *testing.T) shop {
	t.Helper()
	random := psp.NewRandom(1, 1)
	desk := challenge.NewDesk("https://psp.test", random.UUID)
	return shop{t, paymongo.New(psp.Deps{
		BaseURL: "https://psp.test", Ledger: ledger.New(), Random: random, Challenges: desk, Notify: func(psp.Notice) {},
	}), desk}
}

// reply is an answer with its first error, or with its object.
type reply struct {
	status int
	body   string
	Data   json.RawMessage `json:"data"`
	Errors []struct {
		Code, Detail string
		Source       struct{ Pointer string }
	} `json:"errors"`
	HasMore bool `json:"has_more"`
}

// is says whether the answer is a refusal with this status, code and pointer.
func (r reply) is(status int, code, pointer string) bool {
	return r.status == status && len(r.Errors) > 0 && r.Errors[0].Code == code && r.Errors[0].Source.Pointer == pointer
}

// object is an answered object.
type object struct {
	ID         string `json:"id"`
	Attributes struct {
		Status     string `json:"status"`
		Deleted    bool   `json:"deleted"`
		Default    string `json:"default_payment_method_id"`
		NextAction struct {
			Redirect struct {
				URL string `json:"url"`
			} `json:"redirect"`
		} `json:"next_action"`
	} `json:"attributes"`
}

func (r reply) object() (o object) {
	_ = json.Unmarshal(r.Data, &o) // an answer of another shape has no id and no status
	return o
}

func (s shop) call(method, path string, attributes any) reply {
	s.t.Helper()
	address, err := url.Parse(path)
	if err != nil {
		s.t.Fatal(err)
	}
	r := &psp.Request{
		Method: method, Path: strings.FieldsFunc("v1"+address.Path, func(c rune) bool { return c == '/' }), Query: address.Query(),
		Header: http.Header{"Authorization": {"Basic c2tfdGVzdF9hbnk6"}}, // sk_test_any:
	}
	if attributes != nil {
		if r.Body, err = json.Marshal(obj{"data": obj{"attributes": attributes}}); err != nil {
			s.t.Fatal(err)
		}
	}
	answer := s.sim.Accept(r).Run(psp.Orders{})
	out := reply{status: answer.Status, body: string(answer.Body)}
	if err := json.Unmarshal(answer.Body, &out); err != nil {
		s.t.Fatalf("%s %s: %d %s: %v", method, path, answer.Status, answer.Body, err)
	}
	return out
}

// made makes an object and returns its id.
func (s shop) made(path string, attributes any) string {
	s.t.Helper()
	r := s.call("POST", path, attributes)
	if r.status != 200 || r.object().ID == "" {
		s.t.Fatalf("%s: %d %s", path, r.status, r.body)
	}
	return r.object().ID
}

func person(email string) obj {
	return obj{"first_name": "Ada", "last_name": "Lovelace", "email": email, "default_device": "email"}
}

func (s shop) card(number string) string {
	s.t.Helper()
	return s.made("/payment_methods", obj{"type": "card", "details": obj{"card_number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}})
}

// intent makes one that saves its card, unless the customer is "".
func (s shop) intent(capture, customer string) string {
	s.t.Helper()
	attributes := obj{"amount": 2000, "currency": "PHP", "payment_method_allowed": []string{"card"}, "capture_type": capture}
	if customer != "" {
		attributes["setup_future_usage"] = obj{"session_type": "on_session", "customer_id": customer}
	}
	return s.made("/payment_intents", attributes)
}

func (s shop) attach(intent, method string) reply {
	s.t.Helper()
	return s.call("POST", "/payment_intents/"+intent+"/attach", obj{"payment_method": method, "return_url": "https://shop.test/back"})
}

// row ties a card to a customer.
type row struct {
	ID         string         `json:"id"`
	Attributes map[string]any `json:"attributes"`
}

func (s shop) saved(customer, query string) ([]row, bool) {
	s.t.Helper()
	r := s.call("GET", "/customers/"+customer+"/payment_methods"+query, nil)
	var rows []row
	if err := json.Unmarshal(r.Data, &rows); r.status != 200 || err != nil {
		s.t.Fatalf("list: %d %s", r.status, r.body)
	}
	return rows, r.HasMore
}

// vaulted saves a card and returns it.
func (s shop) vaulted(customer string) string {
	s.t.Helper()
	method := s.card("4242424242424242")
	if r := s.attach(s.intent("automatic", customer), method); r.object().Attributes.Status != "succeeded" {
		s.t.Fatalf("saving: %d %s", r.status, r.body)
	}
	return method
}

// decide passes or fails the payer's authentication.
func (s shop) decide(page, outcome string) {
	s.t.Helper()
	r := httptest.NewRequest("POST", page, strings.NewReader("outcome="+outcome))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	if s.desk.ServeHTTP(w, r); w.Code != http.StatusSeeOther {
		s.t.Fatalf("challenge: %d", w.Code)
	}
}
