package api

import (
	"maps"
	"math"
	"strconv"
	"strings"

	"switchyard/payments"
)

const (
	maxDescriptor = 25 // characters of a statement descriptor
	maxDetails    = 500
	prefixDetail  = "iv_det_"
)

// passedThrough are the fields of an invoice that come back as they were given.
var passedThrough = []string{
	"submerchant", "submerchant_id", "exemption_reason_3ds2", "sca_exemption_reason", "challenge_indicator", "gateway_data",
	"merchant_initiator_type", "statement_descriptor_phone", "statement_descriptor_city", "statement_descriptor_company",
	"statement_descriptor_url", "risk", "shipping", "device", "external_fraud_tools", "tax", "payment_type", "billing", "unsupported_feature_bypass",
}

// intents are the vendor's words for why a payment is made.
var intents = []string{
	"one-off", "recurring", "recurring-standing-order", "recurring-subscription", "installment", "unscheduled",
	"unscheduled-delayed-charge", "unscheduled-resubmission", "unscheduled-no-show", "unscheduled-reauthorization",
}

// readInvoice reads the fields of a new invoice.
func readInvoice(f fields, i *payments.Invoice) error {
	i.Name = strings.TrimSpace(f.text("name", textRule{max: maxShort, code: payments.CodeInvalidName}))
	if i.Name == "" {
		f.fault(payments.CodeMissingName, "name", "An invoice needs a name, for example the order's.")
	}
	i.Verification = f.flag("verification")
	f.setText(&i.CustomerID, "customer_id", textRule{code: payments.CodeInvalidID})
	f.setText(&i.OrderID, "order_id", textRule{max: maxDescription})
	f.setText(&i.ReferenceID, "reference_id", textRule{max: maxDescription})
	i.StatementDescriptor = f.text("statement_descriptor", textRule{max: maxDescriptor})
	if strings.ContainsFunc(i.StatementDescriptor, func(r rune) bool { return !descriptorRune(r) }) {
		f.fault(payments.CodeValidation, "statement_descriptor", "This field may have letters, digits, spaces and . * / only.")
	}
	f.setURL(&i.ReturnURL, "return_url")
	f.setURL(&i.CancelURL, "cancel_url")
	f.setHook(&i.WebhookURL, "webhook_url")
	f.setMetadata(&i.Metadata, "metadata")
	f.setTime(&i.AutoCaptureAt, "auto_capture_at")
	f.setTime(&i.ExpiresAt, "expires_at")
	i.PaymentIntent = f.enum("payment_intent", payments.CodeInvalidType, intents...)
	i.Initiation = payments.Initiation(f.enum("initiation_type", payments.CodeInvalidType, string(payments.CustomerInitiated), string(payments.MerchantInitiated)))
	if initiator := f.enum("merchant_initiator_type", payments.CodeInvalidType, "one-off", "recurring"); initiator != "" && i.Initiation == "" {
		i.Initiation = payments.MerchantInitiated // the older way to say so
	}
	f.keep(&i.Extra, passedThrough...)
	if f.has("require_backend_capture") {
		keepValue(&i.Extra, fieldBackendCapture, f.flag("require_backend_capture"))
	}
	details := keepDetails(f, &i.Extra)
	i.Amount = newAmount(f, details, i.Verification)
	return f.faults.err()
}

// fieldBackendCapture: the payer's device may only authorize.
const fieldBackendCapture = "require_backend_capture"

func descriptorRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(" .*/", r)
}

// editInvoice puts the given fields over an invoice's.
func editInvoice(f fields, i *payments.Invoice) error {
	fresh := fields{values: f.values, within: f.within, faults: &faults{}} // an edit may be repeated
	i.Extra = maps.Clone(i.Extra)                                          // it may be shared with whoever read it
	fresh.keep(&i.Extra, "tax", "shipping")
	keepDetails(fresh, &i.Extra)
	if text := fresh.amount("amount"); text != "" {
		if amount, ok := parseAmount(fresh, "amount", text, i.Amount.Currency); ok {
			mustBePositive(fresh, amount, i.Verification)
			i.Amount = amount
		}
	}
	return fresh.faults.err()
}

// newAmount reads amount and currency. Without an amount it is the sum of the details, and for a verification zero.
func newAmount(f fields, details []fields, verification bool) payments.Money {
	currency, err := payments.ParseCurrency(f.text("currency", textRule{code: payments.CodeInvalidCurrency}))
	if err != nil {
		f.refuse("currency", err)
		return payments.Money{}
	}
	text := f.amount("amount")
	if text == "" && len(details) > 0 {
		amount := payments.Money{Minor: sumOf(details, currency), Currency: currency}
		mustBePositive(f, amount, verification)
		return amount
	}
	if text == "" && verification {
		return payments.Money{Currency: currency}
	}
	amount, ok := parseAmount(f, "amount", text, currency)
	if ok {
		mustBePositive(f, amount, verification)
	}
	return amount
}

func mustBePositive(f fields, amount payments.Money, zeroToo bool) {
	if amount.Minor == 0 && !zeroToo {
		f.fault(payments.CodeInvalidAmount, "amount", "The amount must be more than zero.")
	}
}

func parseAmount(f fields, name, text string, currency payments.Currency) (payments.Money, bool) {
	amount, err := payments.ParseAmount(text, currency)
	if err != nil {
		f.refuse(name, err)
	}
	return amount, err == nil
}

// refuse adds an error of the domain as the fault of a field.
func (f fields) refuse(name string, err error) {
	e := publicError(err)
	f.fault(e.Code, name, e.Message)
}

// sumOf adds up amount times quantity. An overflow is a fault; the sum is zero then.
func sumOf(details []fields, currency payments.Currency) int64 {
	sum := int64(0)
	for _, d := range details {
		price, ok := parseAmount(d, "amount", d.amount("amount"), currency)
		if !ok {
			continue
		}
		quantity := int64(1)
		if d.has("quantity") {
			quantity = int64(d.number("quantity", payments.CodeValidation))
		}
		if quantity < 0 || price.Minor > 0 && quantity > (math.MaxInt64-sum)/price.Minor {
			d.fault(payments.CodeInvalidAmount, "quantity", "The details add up to more than an amount can be.")
			return 0
		}
		sum += price.Minor * quantity
	}
	return sum
}

// keepDetails keeps the lines of an invoice, each with an id, by which refunds may name it.
func keepDetails(f fields, extra *payments.Extra) []fields {
	if !f.has("details") {
		return nil
	}
	details := f.objects("details")
	if len(details) > maxDetails {
		f.fault(payments.CodeValidation, "details", "An invoice has "+strconv.Itoa(maxDetails)+" details at most.")
		return nil
	}
	kept := make([]map[string]any, 0, len(details))
	for _, d := range details {
		d.text("name", textRule{max: maxShort, code: payments.CodeInvalidName})
		line := maps.Clone(d.values)
		if line == nil {
			line = map[string]any{}
		}
		if line["id"] == nil {
			line["id"] = payments.NewID(prefixDetail)
		}
		kept = append(kept, line)
	}
	keepValue(extra, "details", kept)
	return details
}
