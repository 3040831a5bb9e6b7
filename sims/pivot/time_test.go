package pivot

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/sims/challenge"
	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

// call makes one request and returns the answer's data.
func call(s *Sim, method, path, body string, header http.Header) (status int, data map[string]any) {
	a := s.Accept(&psp.Request{Method: method, Path: strings.Split(path, "/"), Header: header, Body: []byte(body)}).Run(psp.Orders{})
	var out struct {
		Data map[string]any `json:"data"`
	}
	_ = json.Unmarshal(a.Body, &out) // a list is not looked into
	return a.Status, out.Data
}

func TestTimePasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := ledger.New()
		s := New(psp.Deps{
			BaseURL: "http://pivot.example", Ledger: book, Random: psp.NewRandom(1, 1), Notify: func(psp.Notice) {},
			Challenges: challenge.NewDesk("http://pivot.example", func() string { return "id" }),
		})
		login := func() http.Header {
			_, data := call(s, "POST", "v1/access-token", `{"grantType":"client_credentials"}`, http.Header{"X-Merchant-Id": {"m"}, "X-Merchant-Secret": {"s"}})
			token, _ := data["accessToken"].(string)
			return http.Header{"Authorization": {"Bearer " + token}, "X-Request-Id": {"0123456789abcdef"}}
		}
		header := login()
		create := `{"clientReferenceId":"late","amount":{"value":10000,"currency":"IDR"},"customer":{"email":"a@b.example"},
			"orderInformation":{"productDetails":[{"type":"DIGITAL","quantity":1,"price":{"value":10000,"currency":"IDR"}}]},
			"redirectUrl":{"successReturnUrl":"https://a.example/1","failureReturnUrl":"https://a.example/2","expirationReturnUrl":"https://a.example/3"},
			"mode":"API","autoConfirm":false,"paymentMethod":{"type":"CARD"}}`
		confirm := `{"paymentMethod":{"type":"CARD","card":{"number":"4000000000000101","expMonth":12,"expYear":60,"cvc":"123"}},"paymentMethodOptions":{"card":{}}}`
		status, made := call(s, "POST", "v2/payments", create, header)
		id, _ := made["id"].(string)
		if status != 200 {
			t.Fatalf("created: %d %v", status, made)
		}
		if status, asked := call(s, "POST", "v2/payments/"+id+"/confirm", confirm, header); status != 200 || asked["status"] != needsAction {
			t.Fatalf("confirmed: %d %v", status, asked)
		}
		time.Sleep(sessionLives)
		if status, _ = call(s, "GET", "v2/payments/"+id, "", header); status != 401 {
			t.Errorf("with a token of 15 minutes ago: %d", status)
		}
		_, ended := call(s, "GET", "v2/payments/"+id, "", login())
		charges, _ := ended["chargeDetails"].([]any)
		if ended["status"] != expired || len(charges) != 1 || charges[0].(map[string]any)["failureCode"] != "CHARGE_EXPIRED" {
			t.Errorf("15 minutes later: %v", ended)
		}
		if to := s.decided(id, true); to != "https://a.example/3" || len(book.Charges()) != 0 {
			t.Errorf("the payer comes too late: %s %v", to, book.Charges())
		}
		if status, _ := call(s, "POST", "v2/payments/"+id+"/cancel", `{"cancellationReason":"VOID_SESSION"}`, login()); status != 422 {
			t.Errorf("cancelled: %d", status)
		}
	})
}
