package dojo

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/sims/challenge"
	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

func call(s *Sim, method, path, body string) (status int, out map[string]any) {
	header := http.Header{"Authorization": {"Basic sk_sandbox_x"}, "Version": {"2025-09-10"}}
	a := s.Accept(&psp.Request{Method: method, Path: strings.Split(path, "/"), Header: header, Body: []byte(body)}).Run(psp.Orders{})
	_ = json.Unmarshal(a.Body, &out) // a page is not looked into
	return a.Status, out
}

func TestTimePasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := ledger.New()
		s := New(psp.Deps{
			BaseURL: "http://dojo.example", Ledger: book, Random: psp.NewRandom(1, 1), Notify: func(psp.Notice) {},
			Challenges: challenge.NewDesk("http://dojo.example", func() string { return "id" }),
		})
		intent := func(reference, more string) string {
			status, made := call(s, "POST", "payment-intents", `{"amount":{"value":100,"currencyCode":"EUR"},"reference":"`+reference+`"`+more+`}`)
			id, _ := made["id"].(string)
			if status != 200 {
				t.Fatalf("%s: %d %v", reference, status, made)
			}
			return id
		}
		hold := func(reference, action string) {
			id := intent(reference, `,"captureMode":"Manual","autoExpireIn":"00:01:00","autoExpireAction":"`+action+`"`)
			call(s, "POST", "checkout/"+id, "number=4242424242424242&expiry=12/60&cvc=123")
		}
		hold("released", "Release")
		hold("captured", "Capture")
		waiting := intent("waiting", "")
		_, owner := call(s, "POST", "customers", "{}")
		customerID, _ := owner["id"].(string)
		_, made := call(s, "POST", "customers/"+customerID+"/create-secret", "")
		secret, _ := made["secret"].(string)
		if rows := book.Charges(); len(rows) != 2 || rows[0].State != ledger.Authorized || rows[1].State != ledger.Authorized {
			t.Fatalf("held: %+v", rows)
		}
		if !s.opens(secret, customerID) {
			t.Error("a fresh secret opens nothing")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if rows := book.Charges(); rows[0].State != ledger.Voided || rows[1].State != ledger.Captured || rows[1].CapturedMinor != 100 {
			t.Errorf("a minute later: %+v", rows)
		}
		offering := `,"paymentMethods":["SavedCard"],"customer":{"id":"` + customerID + `","secret":"` + secret + `"}`
		saving := intent("saving", offering)
		page, visit := &s.intents[saving].Live, &psp.Request{Query: url.Values{"cid": {customerID}, "csc": {secret}}}
		if s.visitor(visit, page) == nil {
			t.Error("a page with a fresh secret does not know its visitor")
		}
		time.Sleep(secretLives)
		if s.opens(secret, customerID) {
			t.Error("an old secret opens")
		}
		if status, _ := call(s, "POST", "payment-intents", `{"amount":{"value":100,"currencyCode":"EUR"},"reference":"late"`+offering+`}`); status != 400 {
			t.Errorf("an intent with an old secret: %d", status)
		}
		if s.visitor(visit, page) != nil {
			t.Error("a page with an old secret knows its visitor")
		}
		time.Sleep(intentLives)
		if status, _ := call(s, "GET", "payment-intents/"+waiting, ""); status != 404 {
			t.Errorf("a month later: %d", status)
		}
	})
}
