package hosted_test

import (
	"strings"
	"testing"

	"switchyard/sims/hosted"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]hosted.Form{
		"number=4242+4242-4242 4242&expiry=12/40&cvc=123&name=Ada+L&save=on": {Number: "4242424242424242", Month: 12, Year: 2040, ExpiryIsGood: true, CVC: "123", Name: "Ada L", Save: true},
		"pay_with=new&number=42&expiry=01+/+2031":                            {Number: "42", Month: 1, Year: 2031, ExpiryIsGood: true},
		"pay_with=pm_1&cvc=020&number=4242424242424242&expiry=12/40":         {Saved: "pm_1", CVC: "020"},
		"action=cancel":            {Cancel: true},
		"expiry=13/40&number=":     {},
		"expiry=1240":              {},
		"expiry=12/040":            {},
		"%zz":                      {},
		"expiry=12/-1&action=pay":  {},
		"expiry=0/40&pay_with=new": {},
	} {
		if got := hosted.Parse([]byte(body)); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", body, got, want)
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	p := hosted.New()
	page := p.Show(200, hosted.Page{
		Vendor: "Dojo", Text: "Pay <b>", Ask: true, Button: "Pay", OffersSave: true, Problem: "no & no",
		Saved: []hosted.Saved{{ID: `pm_"1`, Label: "VISA 4242", Chosen: true}, {ID: "pm_2", Label: "VISA 0101"}},
	})
	text := string(page.Body)
	for _, want := range []string{"Pay &lt;b&gt;", `value="pm_&#34;1" checked`, `value="pm_2">`, `value="new">`, `name="save"`, "no &amp; no"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	over := string(p.Show(200, hosted.Page{Vendor: "Dojo", Text: "It is over."}).Body)
	if strings.Contains(over, "<form") || !strings.Contains(over, "It is over.") {
		t.Errorf("over: %s", over)
	}
	fresh := string(p.Show(200, hosted.Page{Vendor: "Dojo", Ask: true, Button: "Pay"}).Body)
	if strings.Contains(fresh, "radio") || strings.Contains(fresh, `name="save"`) {
		t.Errorf("fresh: %s", fresh)
	}
	if a := hosted.Redirect("https://shop.example/ok"); a.Status != 303 || a.Header.Get("Location") != "https://shop.example/ok" {
		t.Errorf("redirect: %+v", a)
	}
}
