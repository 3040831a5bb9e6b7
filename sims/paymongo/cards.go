package paymongo

import "switchyard/sims/testcard"

// publishedTypo is on the vendor's list of cards that work, although its check digit is wrong.
const publishedTypo = "5123000000000002"

// behaviour is what a card does, chosen when its payment method is made.
type behaviour struct {
	// decline is the sub_code with which an attach is declined.
	decline string
	// challenge has the payer authenticate; declineAfter is what follows even if the payer passes.
	challenge    bool
	declineAfter string
	// cancelFails has the cancelling of a hold fail.
	cancelFails bool
}

// behaviourOf is the vendor's published list of test cards. Every other number is approved.
func behaviourOf(number string) behaviour {
	switch number {
	case testcard.Challenge, "4120000000000007":
		return behaviour{challenge: true}
	case "4230000000000004": // would ask for 3-D Secure, but is declined before
		return behaviour{decline: "generic_decline"}
	case "5234000000000106":
		return behaviour{challenge: true, declineAfter: "generic_decline"}
	case "5417881844647288":
		return behaviour{cancelFails: true}
	case "5417886761138807":
		return behaviour{challenge: true, cancelFails: true}
	}
	return behaviour{decline: declineOf(number)}
}

func declineOf(number string) string {
	switch number {
	case testcard.Declined, "4400000000000016", "4028220000001457", "4111111111111111":
		return "generic_decline"
	case "4200000000000018":
		return "card_expired"
	case "4300000000000017":
		return "cvc_invalid"
	case "4500000000000015":
		return "fraudulent"
	case "5100000000000198", "5240460000001466":
		return "insufficient_funds"
	case "5200000000000197":
		return "processor_blocked"
	case "5300000000000196", "5483530000001462":
		return "lost_card"
	case "5400000000000195":
		return "stolen_card"
	case "5500000000000194":
		return "processor_unavailable"
	case "4600000000000014":
		return "blocked"
	}
	return ""
}

// declineText is what a decline says to a human.
func declineText(subCode string) string {
	switch subCode {
	case "card_expired":
		return "The card used for the payment has expired. Please use another card."
	case "cvc_invalid":
		return "The CVC/CVN of the card is invalid. Please check and try again."
	case "insufficient_funds":
		return "The card does not have sufficient funds. Please use another card."
	case "authentication_error":
		return "The card was not authenticated. Please try again or use another card."
	case "processor_unavailable":
		return "The payment processor is unavailable. Please try again later."
	}
	return "The payment was declined by the issuing bank. Please use another card or contact your bank."
}
