package pivot

import (
	"strings"

	"switchyard/sims/psp"
	"switchyard/sims/testcard"
)

// cardDigits is the length of every test card's number.
const cardDigits = 16

// failure is why a charge fails: a code, and the issuer's own where the issuer had a say.
type failure struct {
	code, issuer, message string
	// risk says that the risk engine has stopped it.
	risk bool
}

// The failures. Three that differ share a code and are told apart by the issuer's.
func declinedByChannel() failure {
	return failure{code: "DECLINED_BY_CHANNEL", issuer: "05", message: "The payment was declined by the channel"}
}

func expiredCard() failure {
	return failure{code: "DECLINED_BY_CHANNEL", issuer: "54", message: "The card has expired"}
}

func wrongCVV() failure {
	return failure{code: "DECLINED_BY_CHANNEL", issuer: "N7", message: "The CVV is wrong"}
}

func stolenCard() failure {
	return failure{code: "SUSPECTED_FRAUD", issuer: "43", message: "The card was reported stolen"}
}

func notAuthenticated() failure {
	return failure{code: "AUTHENTICATION_FAILED", message: "The cardholder was not authenticated"}
}

func expiredCharge() failure {
	return failure{code: "CHARGE_EXPIRED", message: "The charge was not completed in time"}
}

// orderedFailure is the failure that a fault has ordered.
func orderedFailure(d psp.Decline) failure {
	if d == psp.HardDecline {
		return stolenCard()
	}
	return declinedByChannel()
}

// behaviour is what a card does, chosen when its number arrives.
type behaviour struct {
	failure failure
	// challenge has the payer authenticate unless the request says never; always, whatever it says; frictionless
	// cards never ask.
	challenge, always, frictionless bool
	// foreign cards need a billing address.
	foreign bool
}

// behaviourOf is the vendor's published list of test cards, which is the same for each of three schemes. Every other
// number is approved, and asks for a challenge only if the request does.
func behaviourOf(number string) behaviour {
	switch number {
	case testcard.Approved, "4440000112200001", "5550000112230001", "3550000112280001":
		return behaviour{frictionless: true}
	case testcard.Declined:
		return behaviour{failure: declinedByChannel(), frictionless: true}
	case testcard.Challenge:
		return behaviour{challenge: true, always: true}
	case "4440000112290002", "5550000112220002", "3550000112270002":
		return behaviour{challenge: true}
	case "4448100334430014", "5558100334460014", "3558100334410014":
		return behaviour{challenge: true, foreign: true}
	}
	for _, scheme := range []string{"44400003344", "55500003344", "35500003344"} {
		rest, found := strings.CutPrefix(number, scheme)
		if !found || len(number) != cardDigits {
			continue
		}
		// A check digit, then the number of the scenario.
		if f := failureOf(rest[1:]); f.code != "" {
			return behaviour{failure: f, challenge: true}
		}
	}
	return behaviour{}
}

// failureOf is the failure of a scenario of the vendor's list.
func failureOf(scenario string) failure {
	switch scenario {
	case "0001":
		return declinedByChannel()
	case "0002":
		return expiredCard()
	case "0003":
		return wrongCVV()
	case "0004":
		return failure{code: "INVALID_ACCOUNT", issuer: "14", message: "The account is not valid"}
	case "0005":
		return notAuthenticated()
	case "0006":
		return stolenCard()
	case "0007":
		return failure{code: "SUSPECTED_FRAUD", issuer: "59", message: "The card is blocked"}
	case "0008":
		return failure{code: "BLOCKED_BY_FDS", message: "The payment was blocked by the fraud detection system", risk: true}
	case "0009":
		return failure{code: "REQUIRE_REVIEW", message: "The payment needs a review", risk: true}
	case "0010":
		return failure{code: "INSUFFICIENT_FUND", issuer: "51", message: "The balance is not sufficient"}
	case "0011":
		return failure{code: "CHANNEL_UNAVAILABLE", issuer: "91", message: "The channel is unavailable"}
	case "0012":
		return failure{code: "CANCELLED_BY_USER", message: "The payer cancelled the payment"}
	}
	return failure{}
}

// advice is what the vendor recommends about a failure.
func (f failure) advice() any {
	switch {
	case f.code == "":
		return nil
	case f.code == "SUSPECTED_FRAUD" || f.code == "INVALID_ACCOUNT" || f.risk:
		return "Do not retry with the same card"
	}
	return "Retry later or with another card"
}
