package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

var update = flag.Bool("update", false, "write the golden files")

// sample is one of everything, with every field set that an answer shows.
func sample() payments.Snapshot {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	id := func(prefix string) string { return prefix + "0123456789abcdefghjkmnpqrstvwxyz" }
	php := func(minor int64) payments.Money { return payments.Money{Minor: minor, Currency: "PHP"} }
	keep := func(pairs ...string) payments.Extra {
		extra := payments.Extra{}
		for i := 0; i < len(pairs); i += 2 {
			extra[pairs[i]] = json.RawMessage(pairs[i+1])
		}
		return extra
	}
	customer := payments.Customer{
		ProjectID: projectID, ID: id("cust_"), Version: 2, Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Phone: "+33612345678",
		CountryCode: "GB", Currency: "PHP", ReferenceID: "ref-1", DefaultTokenID: id("tok_"), Metadata: map[string]string{"b": "2", "a": "1"},
		Extra:   keep("phone", `{"dialing_code":"0033","number":"612345678"}`, "is_business", "false", "city", `"London"`, "date_of_birth", `"1990-12-10T00:00:00.000Z"`),
		Sandbox: true, CreatedAt: at(0), RegisteredAt: at(-60),
	}
	card := payments.Card{
		ProjectID: projectID, ID: id("card_"), Version: 2, PreferredScheme: "visa", UsedBy: id("tok_"), Sandbox: true, CreatedAt: at(1),
		Facts: payments.CardFacts{Scheme: payments.SchemeVisa, IIN: "424242", Last4: "4242", ExpMonth: 12, ExpYear: 2031, Name: "Ada Lovelace", Fingerprint: "f00d"},
		Extra: keep("zip", `"75001"`, "country_code", `"FR"`),
	}
	token := payments.Token{
		ProjectID: projectID, ID: id("tok_"), CustomerID: customer.ID, Version: 3, CardID: card.ID, Type: payments.TokenCard, Verify: true,
		Verification: payments.VerificationSuccess, InvoiceID: id("iv_"), Summary: "Visa 4242", Description: "Ada's card", ReturnURL: "https://shop.example/r",
		CancelURL: "https://shop.example/c", InvoiceReturnURL: "shop.app://processout/return", WebhookURL: "https://shop.example/h", Metadata: map[string]string{"k": "v"}, CreatedAt: at(2),
	}
	invoice := payments.Invoice{
		ProjectID: projectID, ID: id("iv_"), Version: 2, TransactionID: id("tr_"), CustomerID: customer.ID, TokenID: token.ID, Name: "Order 1", Amount: php(2550),
		OrderID: "o-1", ReferenceID: "r-1", StatementDescriptor: "SHOP", ReturnURL: "https://shop.example/r", CancelURL: "https://shop.example/c", WebhookURL: "https://shop.example/h",
		Initiation: payments.CustomerInitiated, PaymentIntent: "one-off", ClientSecret: "secret", Metadata: map[string]string{"k": "<v>"}, Sandbox: true,
		Extra:         keep("details", `[{"id":"iv_det_1","name":"Shoes"}]`, "tax", `{"rate":"20"}`, "require_backend_capture", "true"),
		AutoCaptureAt: at(60), ExpiresAt: at(600), CreatedAt: at(3),
	}
	sale := payments.Attempt{
		ProjectID: projectID, ID: id("tr_op_"), Reference: id(""), TransactionID: id("tr_"), InvoiceID: invoice.ID, TokenID: token.ID, CustomerID: customer.ID, CardID: card.ID,
		Version: 2, Operation: payments.OpSale, State: payments.AttemptApproved, GatewayConfigurationID: gatewayID, PSP: "paymongo", Amount: php(2550),
		Refs: payments.ProviderRefs{Session: "pi_1", Charge: "pay_1"}, NetworkTransactionID: "nti-1", SentAt: at(4), EndedAt: at(5),
	}
	declined := sale
	declined.ID, declined.GatewayConfigurationID, declined.PSP, declined.State = id("tr_op_x"), "gway_conf_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "xendit", payments.AttemptDeclined
	declined.Code, declined.Message, declined.RawCode, declined.RawMessage, declined.Refs, declined.NetworkTransactionID = payments.CardDoNotHonor, "Refused.", "05", "do not honour", payments.ProviderRefs{}, ""
	refund := payments.Refund{
		ProjectID: projectID, ID: id("refd_"), TransactionID: id("tr_"), AttemptID: id("tr_op_r"), Version: 2, Status: payments.RefundSucceeded, Amount: php(1000),
		Reason: "customer_request", Information: "wrong size", Metadata: map[string]string{"k": "v"}, DetailIDs: []string{"iv_det_1"}, Sandbox: true, CreatedAt: at(6),
	}
	transaction := payments.Transaction{
		ProjectID: projectID, ID: id("tr_"), InvoiceID: invoice.ID, CustomerID: customer.ID, TokenID: token.ID, CardID: card.ID, Version: 5,
		Status: payments.StatusRefunded, Name: "Order 1", Currency: "PHP", Amount: 2550, Totals: payments.Totals{Authorized: 2550, Captured: 2550, Refunded: 1000},
		ChargeAttemptID: sale.ID, GatewayConfigurationID: gatewayID, PSP: "paymongo", AttemptsCount: 2, NetworkTransactionID: "nti-1", CVCCheck: "passed", AVSCheck: "unavailable",
		Metadata: map[string]string{"k": "v"}, Sandbox: true, CreatedAt: at(3), AuthorizedAt: at(5), CapturedAt: at(5), RefundedAt: at(6),
	}
	return payments.Snapshot{
		Customer: &customer, Token: &token, Card: &card, Invoice: &invoice, Transaction: &transaction,
		Attempts: []payments.Attempt{declined, sale}, Refunds: []payments.Refund{refund}, Refund: &refund,
	}
}

// rendered is every kind of object, bare and with everything expanded.
func rendered(w *world, s payments.Snapshot, expand bool) map[string][]byte {
	api, _ := w.api.(*server)
	project, _ := api.Projects.Project(projectID)
	v := &view{ctx: w.t.Context(), s: api, project: project, snapshot: &s, configuration: true}
	of := func(k kind) expansion {
		if expand {
			return firstLevel(k)
		}
		return nil
	}
	out := map[string][]byte{}
	write := func(name string, do func(*writer)) {
		var buf writer
		do(&buf)
		out[name] = buf.buf
	}
	event := payments.Event{ProjectID: projectID, ID: "ev_1", Name: payments.EventTransactionRefunded, Snapshot: s, Sandbox: true, FiredAt: noon}
	write("customer", func(b *writer) { v.customer(b, s.Customer, of(kindCustomer)) })
	write("token", func(b *writer) { v.token(b, s.Token, of(kindToken)) })
	write("card", func(b *writer) { v.card(b, s.Card, of(kindCard)) })
	write("invoice", func(b *writer) { v.invoice(b, s.Invoice, of(kindInvoice)) })
	write("transaction", func(b *writer) { v.transaction(b, s.Transaction, of(kindTransaction)) })
	write("refund", func(b *writer) { v.refund(b, s.Refund, of(kindRefund)) })
	write("event", func(b *writer) { v.event(b, &event, of(kindEvent)) })
	write("gateway_configuration", func(b *writer) { v.gatewayConfiguration(b, &api.Gateways[0], of(kindGatewayConfig)) })
	write("project", func(b *writer) { v.tenant(b, &project, nil) })
	rows := operationsOf(s.Transaction, &payments.Payment{Attempts: s.Attempts})
	if len(rows) > 0 {
		write("operation", func(b *writer) { v.operation(b, &rows[len(rows)-1], of(kindOperation)) })
	}
	return out
}

// TestGolden holds the JSON of every object against a file that people can read. Run with -update to write the files.
func TestGolden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for suffix, expand := range map[string]bool{"": false, ".expanded": true} {
		for name, got := range rendered(w, sample(), expand) {
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, got, "", "  "); err != nil {
				t.Fatalf("%s is not JSON: %v\n%s", name, err, got)
			}
			pretty.WriteByte('\n')
			path := filepath.Join("testdata", "golden", name+suffix+".json")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
	}
}

// TestRenderingIsPure: what went through a store's JSON renders to the same bytes, and so does the same thing later.
func TestRenderingIsPure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := rendered(w, sample(), true)
	w.now.pass(24 * 365 * time.Hour)
	for name, again := range rendered(w, copied(sample()), true) {
		if !bytes.Equal(first[name], again) {
			t.Errorf("%s:\n%s\n%s", name, first[name], again)
		}
	}
}

// TestEmptyObjects: objects of which little is known render too, with the same members.
func TestEmptyObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := payments.Snapshot{Customer: &payments.Customer{}, Token: &payments.Token{}, Card: &payments.Card{}, Invoice: &payments.Invoice{}, Transaction: &payments.Transaction{}, Refund: &payments.Refund{}}
	full := rendered(w, sample(), false)
	for name, data := range rendered(w, empty, false) {
		if diff := cmp.Diff(members(t, full[name]), members(t, data)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestDocumentHasEveryMember: the document describes the members that answers have, and no others.
func TestDocumentHasEveryMember(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	schemas := map[string]string{
		"customer": "Customer", "token": "Token", "card": "Card", "invoice": "Invoice", "transaction": "Transaction", "refund": "Refund", "event": "Event",
		"gateway_configuration": "GatewayConfiguration", "project": "Project", "operation": "Operation",
	}
	for name, data := range rendered(newWorld(t), sample(), false) {
		described := slices.Sorted(maps.Keys(doc.Components.Schemas[schemas[name]].Value.Properties))
		if diff := cmp.Diff(described, members(t, data)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func members(t *testing.T, data []byte) []string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(object))
}

// TestWriterTexts: every text comes through as it is.
func TestWriterTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", `"quoted" \ back`, "tab\tnew\nline\x00", "<script>&", "é沢😀", "\u2028", "broken \xff"} {
		var w writer
		w.value(text)
		want, err := json.Marshal(text)
		if err != nil || !bytes.Equal(w.buf, want) {
			t.Errorf("%q: want %s, got %s (%v)", text, want, w.buf, err)
		}
	}
}
