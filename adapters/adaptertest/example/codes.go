package example

import (
	"encoding/json"

	"switchyard/adapters/wire"
	"switchyard/payments"
)

// declines translates every decline_code of Acme Pay's list.
var declines = map[string]payments.Code{
	"authentication_failed": payments.CardFailed3DS,
	"card_expired":          payments.CardExpired,
	"card_lost":             payments.CardLost,
	"card_stolen":           payments.CardStolen,
	"cvc_wrong":             payments.CardFailedCVC,
	"insufficient_funds":    payments.CardNoMoney,
	"issuer_refused":        payments.CardDoNotHonor,
	"issuer_unreachable":    payments.CardIssuerDown,
	"limit_exceeded":        payments.CardExceededLimits,
	"suspected_fraud":       payments.CardPossibleFraud,
}

// declineCode is ours for one of Acme Pay's. A code that is new is a decline without a reason.
func declineCode(raw string) payments.Code {
	if code, known := declines[raw]; known {
		return code
	}
	return payments.CardDeclined
}

// refusals translates the error codes that say more than their HTTP status. One whose class leaves the outcome open may speak of
// an earlier request of ours that was processed.
var refusals = map[string]payments.Code{
	"amount_too_large": payments.CardInvalidAmount,
	"invalid_state":    payments.GatewayInvalidState,
	"key_reused":       payments.GatewayDuplicate,
}

// refusal is the fault for an answer that is not one of success: by its HTTP status, unless the table knows better.
func refusal(answer *wire.Response) *payments.Fault {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(answer.Body, &body) // an answer that is not Acme Pay's has neither
	fault := answer.Fault(body.Error.Code, body.Error.Message)
	if fault.Code = refusals[body.Error.Code]; fault.Code.MeansUnknown() {
		fault.Kind = payments.Unknown
	}
	return fault
}
