package sims_test

import (
	"strings"
	"testing"
)

// outcomes are what the published test cards of a vendor do: "" is an approval, "3DS" a challenge, else a code.
type outcomes map[string]string

func (o outcomes) check(t *testing.T, pay func(number string) string) {
	t.Helper()
	for numbers, want := range o {
		for number := range strings.FieldsSeq(numbers) {
			if got := pay(number); got != want {
				t.Errorf("%s: %q, want %q", number, got, want)
			}
		}
	}
}

func TestPublishedCardsOfPayMongo(t *testing.T) {
	p := paymongo{start(t)}
	outcomes{
		"4343434343434345 4571736000000075 4009930000001421 4404520000001439 5555444444444457 5455590000000009": "",
		"5339080000000003 5240050000001440 5577510000001446 5123000000000002 5123000000000001 2222000000000008": "",
		"4120000000000007 5234000000000106 5417886761138807":                                                    "3DS",
		"4230000000000004 4400000000000016 4028220000001457 4111111111111111":                                   "generic_decline",
		"4200000000000018": "card_expired", "4300000000000017": "cvc_invalid", "4500000000000015": "fraudulent",
		"5100000000000198 5240460000001466": "insufficient_funds", "5200000000000197": "processor_blocked",
		"5300000000000196 5483530000001462": "lost_card", "5400000000000195": "stolen_card",
		"5500000000000194": "processor_unavailable", "4600000000000014": "blocked",
	}.check(t, func(number string) string {
		r := p.attach(p.intent("published", 2000, "automatic", nil), p.method(number))
		if r.text("data", "attributes", "status") == "awaiting_next_action" {
			return "3DS"
		}
		return r.text("errors", 0, "sub_code")
	})
}

func TestPublishedCardsOfProcessOut(t *testing.T) {
	p := processout{start(t)}
	outcomes{
		"4242424242424242 5555555555554444 378282246310005 30123456789019 3530111333300000 6011111111111117":    "",
		"4977830000000001 4360000001000005 5130290000000009 4658580000000008 4571730000000003 4023600000000002": "",
		"4338300000000009 4835910000000003 4000000000000119 4000000000000259 4000000000003238 4000000000003055": "",
		"4000000000003063 4000000000000010 4000000000000028 4000000000000036 4000000000000044 4000000000000069": "",
		"4000000000000077 4000000000000085 4000000000000093 4000000000000200 4000000000000309 4000000000004004": "",
		"4000000000006223 4000000000000531 4000000000003303 4000000000006009 4000000000004301":                  "",
		"4000000000000101 4000000000003220 4000000000003253 4000000000003246":                                   "3DS",
		"4000000000002180": "card.do-not-honor", "4000000000002198": "card.possible-fraud", "4000000000002206": "card.no-money",
		"4000000000002214": "card.expired", "4000000000002222": "card.stolen", "4000000000002230": "card.failed-cvc",
		"4000000000002248": "card.failed-avs", "4000000000002255": "card.not-authorized", "4000000000002263": "card.inactive",
		"4000000000002271": "card.lost", "4000000000002289": "card.region-not-authorized", "4127969420587632": "card.blacklisted",
		"4000000000000002 4000000000001216 5337480000007168": "card.declined",
	}.check(t, func(number string) string {
		r := p.pay(p.invoice("published", "10", "USD", nil), "capture", obj{"source": p.card(number)})
		if r.text("customer_action", "type") != "" {
			return "3DS"
		}
		return r.text("error_type")
	})
	customer := p.call("POST", "/customers", nil).text("customer", "id")
	for number, code := range map[string]string{"4000000000006009": "card.no-money", "4000000000004301": "card.expired"} {
		token := p.call("POST", "/customers/"+customer+"/tokens", obj{"source": p.card(number), "verify": true}).text("token", "id")
		if r := p.pay(p.invoice("later", "10", "USD", nil), "capture", obj{"source": token}); r.text("error_type") != code {
			t.Errorf("the second request of %s: %d %s", number, r.status, r.body)
		}
	}
	disputed := p.pay(p.invoice("disputed", "10", "USD", nil), "capture", obj{"source": p.card("4000000000000069")})
	if disputed.at("transaction", "chargedback") != true || disputed.text("transaction", "status") != "completed" {
		t.Errorf("chargeback: %s", disputed.body)
	}
}

func TestPublishedCardsOfXendit(t *testing.T) {
	x := xendit{start(t)}
	n := 0
	pay := func(number, amount, currency string) string {
		n++
		r := x.pay("published"+string(rune('a'+n%26))+string(rune('a'+n/26)), amount, currency, number, nil)
		if r.text("status") == "REQUIRES_ACTION" {
			return "3DS"
		}
		return r.text("failure_code")
	}
	outcomes{
		"4000000000001000 5200000000001005 4440000042200014 5123456789012346 378282246310005 340000000002708": "",
		"4000000000002503 5200000000002151 4440000009900010 5123450000000008 4200350000000801":                "3DS",
		"5413530000000501 3337000000000008 340000000002534 4000000000001091":                                  "3DS",
	}.check(t, func(number string) string { return pay(number, "50000", "IDR") })
	for _, c := range []struct{ amounts, currency, want string }{
		{"10051", "IDR", "EXPIRED_CARD"},
		{"10052", "IDR", "SUSPECTED_FRAUDULENT"},
		{"10053", "PHP", "DECLINED_BY_PROCESSOR"},
		{"10054 10.51", "PHP", "INSUFFICIENT_BALANCE"},
		{"10055", "IDR", "STOLEN_CARD"},
		{"10056", "IDR", "INACTIVE_OR_UNAUTHORIZED_CARD"},
		{"10057 10.30", "USD", "PROCESSOR_ERROR"},
		{"10058", "IDR", "INVALID_CVV"},
		{"10059 10.05 10.65", "USD", "DECLINED_BY_ISSUER"},
		{"10.14", "USD", "INVALID_CARD"},
		{"405400", "VND", "EXPIRED_CARD"},
		{"405900", "VND", "SUSPECTED_FRAUDULENT"},
		{"405100", "VND", "INSUFFICIENT_BALANCE"},
		{"400700", "VND", "STOLEN_CARD"},
		{"405500", "VND", "INACTIVE_OR_UNAUTHORIZED_CARD"},
		{"402500", "VND", "PROCESSOR_ERROR"},
		{"403900", "VND", "INVALID_CVV"},
		{"400300", "VND", "DECLINED_BY_ISSUER"},
		{"10054", "VND", ""},
	} {
		for amount := range strings.FieldsSeq(c.amounts) {
			if got := pay("4242424242424242", amount, c.currency); got != c.want {
				t.Errorf("%s %s: %q, want %q", c.currency, amount, got, c.want)
			}
		}
	}
	if small, large := pay("4200350000000801", "19.99", "THB"), pay("4200350000000801", "20", "THB"); small != "" || large != "3DS" {
		t.Errorf("the Thai card: %q under 20 baht, %q above", small, large)
	}
}
