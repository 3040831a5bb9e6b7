package api

import (
	"time"

	"switchyard/payments"
)

// expiresSoon is how long before its last day a card is said to expire soon.
const expiresSoon = 31 * 24 * time.Hour

// unknown stands where the vendor's mobile SDKs cannot read null.
const unknown = "unknown"

// The words for a check that nobody has made.
const unchecked = "unchecked"

// card writes a card. Its number is not in a payments.Card, so it cannot come out.
func (v *view) card(w *writer, c *payments.Card, e expansion) {
	f := &c.Facts
	w.open()
	w.full("id", c.ID)
	v.ofProject(w, e)
	sub(w, e, "token", func() *payments.Token { return v.findToken(tokenOf(c)) }, v.token)
	w.full("scheme", orUnknown(string(f.Scheme)))
	w.text("co_scheme", string(f.CoScheme))
	w.text("preferred_scheme", c.PreferredScheme)
	w.full("type", orUnknown(f.Type))
	w.text("bank_name", f.Bank)
	w.text("brand", f.Product)
	w.null("category")
	w.full("iin", f.IIN)
	w.full("last_4_digits", f.Last4)
	w.number("exp_month", f.ExpMonth)
	w.number("exp_year", f.ExpYear)
	w.full("cvc_check", cardCheck(c))
	w.full("avs_check", unknown)
	checks(w, "checks", cardCheck(c), unknown)
	w.text("name", f.Name)
	w.extra(c.Extra, "address1", "address2", "city", "state", "zip", "country_code", "billing_country_code", "ip_address")
	w.full("fingerprint", f.Fingerprint)
	w.null("token_type")
	w.flag("used", c.UsedBy != "")
	w.null("has_been_authorized")
	w.texts("metadata", c.Metadata)
	w.flag("expires_soon", v.expiresSoon(c))
	w.flag("sandbox", c.Sandbox)
	w.at("created_at", c.CreatedAt)
	w.null("updated_at", "update_type", "update_reason_code", "user_agent", "header_accept", "header_referer", "app_color_depth",
		"app_java_enabled", "app_language", "app_screen_height", "app_screen_width", "app_timezone_offset")
	w.flag("cvc_tokenized", false)
	w.null("tokenization_method", "payment_source_detail", "preferred_card_type", "initial_scheme_transaction_id", "payment_account_reference")
	w.close()
}

// checks writes the finer words for what the issuer checked; only the two coarse ones are known.
func checks(w *writer, name, cvc, avs string) {
	w.name(name)
	w.open()
	w.text("cvc_check", cvc)
	w.null("cvc_check_reason")
	w.text("avs_check", avs)
	w.null("avs_postal_check", "avs_postal_check_reason", "avs_street_check", "avs_street_check_reason", "avs_name_check", "avs_name_check_reason")
	w.close()
}

// cardCheck: nobody has asked the issuer about a card that was not used; of one that was, the transaction knows.
func cardCheck(c *payments.Card) string {
	if c.UsedBy == "" {
		return unchecked
	}
	return unknown
}

// tokenOf returns the id of the token that the card is on.
func tokenOf(c *payments.Card) string {
	if len(c.UsedBy) > len(payments.PrefixToken) && c.UsedBy[:len(payments.PrefixToken)] == payments.PrefixToken {
		return c.UsedBy
	}
	return ""
}

// expiresSoon is seen from now, or in an answer that must not change with time from when the card was made.
func (v *view) expiresSoon(c *payments.Card) bool {
	now := v.now
	if now.IsZero() {
		now = c.CreatedAt
	}
	over := time.Date(c.Facts.ExpYear, time.Month(c.Facts.ExpMonth)+1, 1, 0, 0, 0, 0, time.UTC)
	return over.Sub(now) < expiresSoon
}

func orUnknown(text string) string {
	if text == "" {
		return unknown
	}
	return text
}

// cardInformation writes what is known of a card from its first digits.
func cardInformation(w *writer, iin string, issuer payments.IssuerFacts) {
	facts := payments.CardFacts{Scheme: payments.SchemeOf(iin)}
	facts.Fill(issuer)
	w.open()
	w.full("iin", iin)
	w.full("scheme", orUnknown(string(facts.Scheme)))
	w.null("co_scheme")
	w.full("type", orUnknown(facts.Type))
	w.text("bank_name", facts.Bank)
	w.text("brand", facts.Product)
	w.null("category")
	w.text("country", facts.Country)
	w.close()
}
