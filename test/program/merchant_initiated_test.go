package program

import (
	"strings"
	"testing"
)

// TestMerchantInitiatedLeavesOutOnSession: a PSP that charges only while the payer is there is left out of a payment that the
// merchant initiates, and the decision says why; so is every page, where nobody would act.
func TestMerchantInitiatedLeavesOutOnSession(t *testing.T) {
	t.Parallel()
	p := startDev(t, t.TempDir())
	customer := p.customer(object{"currency": "PHP"})
	token := p.call("POST", "/customers/"+customer+"/tokens", object{"source": p.card("4343434343434345")}).text1("token", "id")
	p.only("paymongo")
	card := p.call("GET", "/customers/"+customer+"/tokens/"+token, nil).text1("token", "card_id")
	p.call("PUT", "/cards/"+card, object{"cvc2": "123"})
	p.capture(p.invoiceOf(customer, "100.00", "PHP", nil), "completed", object{"source": token}) // vaulted at PayMongo now
	p.sim("DELETE", "/_sim/faults", nil)

	mit := object{"initiation_type": "mit"}
	invoice := p.invoiceOf(customer, "100.00", "PHP", mit)
	p.call("PUT", "/cards/"+card, object{"cvc2": "123"}) // it is not for the lack of a CVC
	p.capture(invoice, "completed", object{"source": token})
	verdicts := p.verdicts(invoice)
	for psp, says := range map[string]string{"paymongo": "merchant-initiated", "dojo": "", "pivot": ""} {
		if v := verdicts[psp]; !strings.HasPrefix(v, "excluded: ") || !strings.Contains(v, says) {
			t.Errorf("%s is %q", psp, v)
		}
	}
	if taken := p.attempts(invoice); len(taken) != 1 || taken[0] != "processout approved" && taken[0] != "xendit approved" {
		t.Errorf("attempts: %q", taken)
	}
	for currency, page := range map[string]string{"GBP": dojoPage, "IDR": pivotPage, "PHP": xenditPage} {
		invoice := p.invoiceOf(customer, "25000", currency, mit)
		a := p.call("POST", "/invoices/"+invoice+"/capture", object{"source": page})
		if a.status != 400 || a.get("customer_action") != nil || !strings.Contains(a.text, "nobody") && !strings.Contains(a.text, "merchant-initiated") {
			t.Errorf("%s for a merchant-initiated payment: %d %s", page, a.status, a.text)
		}
	}
	p.charged("paymongo", 10000)
}

// verdicts are the candidates of an invoice's decision by PSP: "excluded: why".
func (p *process) verdicts(invoice string) map[string]string {
	p.t.Helper()
	out := map[string]string{}
	list, _ := p.call("GET", "/invoices/"+invoice+"/decision", nil).get("decision", "candidates").([]any)
	for _, one := range list {
		c := one.(object)
		out[c["psp"].(string)] = c["verdict"].(string) + ": " + c["reason"].(string)
	}
	return out
}
