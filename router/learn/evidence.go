package learn

import "switchyard/payments"

// evidence is what a result says of a gateway.
type evidence uint8

const (
	evidenceNone      evidence = iota // nothing
	evidenceAlive                     // it answered; the answer is nobody's merit or fault
	evidenceApproved                  //
	evidenceDeclined                  // the issuer, or the PSP for its part, refused
	evidenceTechnical                 // the gateway failed, or did not answer
)

// laterStrength is how much a refusal for funds or limits counts: it is mostly the payer's, but a gateway that sends
// better data gets fewer of them.
const laterStrength = 0.25

// judge says what a result is evidence of, and how strongly. Blame follows the policy of the decline codes: what is
// attributed to the PSP is technical, a refusal that might have gone otherwise elsewhere is about approval, and what is the
// payer's or the merchant's own (data, consent, fraud, configuration) says only that the gateway answers.
func judge(r payments.Result) (e evidence, strength float64) {
	if f := r.Fault; f != nil {
		switch f.Kind {
		case payments.NeverSent, payments.Unknown:
			return evidenceTechnical, 1
		case payments.Throttled, payments.Misconfigured, payments.Rejected: // the router lets it rest; it is not ill
			return evidenceNone, 0
		}
		return evidenceNone, 0
	}
	switch r.Outcome.Status {
	case payments.Approved:
		return evidenceApproved, 1
	case payments.Declined:
		return judgeDecline(r.Outcome.Code)
	case payments.ActionRequired, payments.Pending: // the end is still to come
		return evidenceNone, 0
	}
	return evidenceNone, 0
}

func judgeDecline(c payments.Code) (e evidence, strength float64) {
	info := c.Info()
	if info.Attribution == payments.AttributedPSP {
		return evidenceTechnical, 1
	}
	switch info.Class {
	case payments.ClassCascade, payments.ClassCascadeOnce:
		return evidenceDeclined, 1
	case payments.ClassLater:
		return evidenceDeclined, laterStrength
	case payments.ClassStepUp, payments.ClassFixData, payments.ClassNever, payments.ClassChangeCredential:
		return evidenceAlive, 1
	case payments.ClassUnknown, payments.ClassConfig:
	}
	return evidenceNone, 0
}
