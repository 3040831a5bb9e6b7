package processout

import "switchyard/sims/testcard"

// behaviour is what a card does, chosen when it is made.
type behaviour struct {
	// decline is the code with which payments and verifications are declined; afterwards is the same for all but
	// the first.
	decline, afterwards string
	// advice goes with a decline: what to do about it.
	advice string
	// challenge has the payer authenticate, by the action given; unlessMIT lets the merchant's own payments pass,
	// the other cards decline them.
	challenge string
	unlessMIT bool
	// fingerprint has a payer whose client can do it show the device first; a silentDevice does not answer.
	fingerprint, silentDevice bool
	// The operations that fail: with a code, or at all.
	failsPayments, failsCaptures, failsRefunds bool
	incrementFails                             string
	failsCVC                                   bool
	failsAVS                                   string
	// dispute is the event that follows the payment.
	dispute string
}

// behaviourOf is the vendor's published list of test cards. Every other number is approved, although the vendor's
// sandbox declines it.
func behaviourOf(number string) behaviour {
	switch number {
	case testcard.Challenge:
		return behaviour{challenge: actionRedirect}
	case "4000000000003063":
		return behaviour{fingerprint: true}
	case "4000000000003220":
		return behaviour{challenge: actionRedirect, fingerprint: true, silentDevice: true}
	case "4000000000003253":
		return behaviour{challenge: actionRedirect, unlessMIT: true, fingerprint: true}
	case "4000000000003246":
		return behaviour{challenge: actionURL}
	case "4000000000000010":
		return behaviour{failsCaptures: true}
	case "4000000000000028":
		return behaviour{failsCVC: true}
	case "4000000000000036":
		return behaviour{failsAVS: "failed"}
	case "4000000000000044":
		return behaviour{failsCVC: true, failsAVS: "failed"}
	case "4000000000000085":
		return behaviour{failsAVS: "failed-postal"}
	case "4000000000000093":
		return behaviour{failsAVS: "failed-address"}
	case "4000000000000077":
		return behaviour{failsRefunds: true}
	case "4000000000001216":
		return behaviour{failsPayments: true}
	case "4000000000006223", "4000000000000531":
		return behaviour{incrementFails: "card.declined"}
	case "4000000000003303":
		return behaviour{incrementFails: "card.no-money"}
	case "4000000000006009":
		return behaviour{afterwards: "card.no-money"}
	case "4000000000004301":
		return behaviour{afterwards: "card.expired"}
	case "5337480000007168":
		return behaviour{decline: "card.declined", advice: "do-not-retry"}
	}
	return behaviour{decline: declineOf(number), dispute: disputeOf(number)}
}

func declineOf(number string) string {
	switch number {
	case testcard.Declined:
		return "card.declined"
	case "4000000000002180":
		return "card.do-not-honor"
	case "4000000000002198":
		return "card.possible-fraud"
	case "4000000000002206":
		return "card.no-money"
	case "4000000000002214":
		return "card.expired"
	case "4000000000002222":
		return "card.stolen"
	case "4000000000002230":
		return "card.failed-cvc"
	case "4000000000002248":
		return "card.failed-avs"
	case "4000000000002255":
		return "card.not-authorized"
	case "4000000000002263":
		return "card.inactive"
	case "4000000000002271":
		return "card.lost"
	case "4000000000002289":
		return "card.region-not-authorized"
	case "4127969420587632":
		return "card.blacklisted"
	}
	return ""
}

func disputeOf(number string) string {
	switch number {
	case "4000000000000069":
		return "transaction.chargeback.created"
	case "4000000000000200": // and the merchant wins it
		return "transaction.chargeback.won"
	case "4000000000000309":
		return "transaction.retrieval-request"
	case "4000000000004004":
		return "transaction.fraud-notification"
	}
	return ""
}
