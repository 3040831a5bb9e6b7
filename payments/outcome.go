package payments

import (
	"errors"
	"fmt"
	"time"
)

// Operation is what is asked of a PSP.
type Operation string

// The operations. A sale authorizes and captures in one call.
const (
	OpAuthorize Operation = "authorize"
	OpSale      Operation = "sale"
	OpCapture   Operation = "capture"
	OpVoid      Operation = "void"
	OpRefund    Operation = "refund"
	OpIncrement Operation = "increment"
	OpVerify    Operation = "verify"
	OpTokenize  Operation = "tokenize"
	OpLookup    Operation = "lookup"
	OpAbandon   Operation = "abandon"
)

// Charges says whether the operation takes or holds a payer's money, or tries to: only such operations choose a PSP and
// only such may be refused by a breaker.
func (o Operation) Charges() bool { return o == OpAuthorize || o == OpSale || o == OpVerify }

// ProviderRefs are a PSP's names for what it keeps of a payment. Which of its objects is which is said in the adapter.
type ProviderRefs struct {
	Session   string `json:"session,omitempty"`   // what groups the payment: intent, invoice, payment request, session
	Charge    string `json:"charge,omitempty"`    // the payment itself, where it has an id of its own
	Operation string `json:"operation,omitempty"` // the refund, capture or void of this attempt
	Customer  string `json:"customer,omitempty"`  // the PSP's customer
	Method    string `json:"method,omitempty"`    // the saved payment method at the PSP
}

// Merge returns r with every non-empty reference of newer put over it.
func (r ProviderRefs) Merge(newer ProviderRefs) ProviderRefs {
	for _, f := range []struct{ dst, src *string }{
		{&r.Session, &newer.Session},
		{&r.Charge, &newer.Charge},
		{&r.Operation, &newer.Operation},
		{&r.Customer, &newer.Customer},
		{&r.Method, &newer.Method},
	} {
		if *f.src != "" {
			*f.dst = *f.src
		}
	}
	return r
}

// OutcomeStatus is what a PSP answered.
type OutcomeStatus string

// The outcomes of a call that got a usable answer.
const (
	Approved       OutcomeStatus = "approved"
	Declined       OutcomeStatus = "declined"
	ActionRequired OutcomeStatus = "action"
	Pending        OutcomeStatus = "pending" // the PSP has taken it and will say later
)

// Outcome is a usable answer of a PSP. A decline is a value, not an error.
type Outcome struct {
	Status               OutcomeStatus
	Code                 Code   // of our closed list; set when declined
	RawCode, RawMessage  string // the PSP's own words, kept beside ours; never a card number
	NetworkCode          string // the card scheme's response code, where the PSP tells it
	AdviceCode           string // the card scheme's advice to the merchant, likewise
	Refs                 ProviderRefs
	NetworkTransactionID string
	Amount               Money // what was really approved; the zero value means: as asked
	Action               *CustomerAction
	MethodOnly           Initiation // who alone may start payments with Refs.Method; empty: as the PSP's capabilities say
	Fee                  Money      // the PSP's fee when it tells; the zero value means: not told
	CVCCheck, AVSCheck   string     // the words of the merchant API: passed, failed, unchecked, unavailable
}

// Class is the policy class of a decline.
func (o Outcome) Class() Class { return o.Code.Info().Class }

// FaultKind says why a call has no usable answer. It decides what may happen next.
type FaultKind string

// The fault kinds. Only Unknown leaves open whether the PSP acted.
const (
	NeverSent     FaultKind = "never-sent"    // refused connection, DNS, TLS, breaker open, deadline before the write
	Throttled     FaultKind = "throttled"     // 429: the PSP did nothing and asks for patience
	Misconfigured FaultKind = "misconfigured" // 401, 403, a feature that is not enabled
	Rejected      FaultKind = "rejected"      // another 4xx about our request
	Unknown       FaultKind = "unknown"       // timeout after the write, reset, 5xx, unparsable, cut body
)

// Fault is an error of a PSP call. Text in it is redacted; it never holds a card number, CVC or key.
type Fault struct {
	Kind                FaultKind
	Code                Code // what a merchant is told if no other candidate is left; empty means the kind's own
	RawCode, RawMessage string
	RetryAfter          time.Duration // as told by the PSP; 0 means not told
	MethodGone          bool          // the saved method does not exist at the PSP (any more): nothing was charged
	SaveRefused         bool          // the account cannot save methods: nothing was charged, and the same payment without saving may pass
	// Local: no call was made, because of ourselves (a breaker, a pause, a vault that cannot be opened). It says nothing of the PSP.
	Local bool
	Err   error // the cause, for logs
}

func (f *Fault) Error() string {
	text := "psp: " + string(f.Kind)
	if f.RawCode != "" {
		text += " (" + f.RawCode + ")"
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// PublicCode is the code that a merchant is shown for the fault.
func (f *Fault) PublicCode() Code {
	if f.Code != "" {
		return f.Code
	}
	switch f.Kind {
	case NeverSent:
		return GatewayNetworkError
	case Throttled:
		return GatewayRateLimitExceeded
	case Misconfigured:
		return GatewayConfigurationError
	case Rejected:
		return GatewayValidationError
	case Unknown:
		return GatewayTimeout
	}
	return GatewayUnknownError
}

// NewFault returns a fault of the given kind with its cause.
func NewFault(kind FaultKind, err error) *Fault { return &Fault{Kind: kind, Err: err} }

// Faultf returns a fault whose cause is the formatted text.
func Faultf(kind FaultKind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// AsFault returns the fault in err's chain. Any other error is an Unknown fault: when in doubt, the PSP may have acted.
// It returns nil for a nil error.
func AsFault(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Kind: Unknown, Err: err}
}

// MeansUnknown says that a code from a PSP leaves open whether money moved, in whatever HTTP status it came.
func (c Code) MeansUnknown() bool { return c != "" && c.Info().Class == ClassUnknown }

// FindingKind is what a look-up found.
type FindingKind string

// The kinds of finding.
const (
	FoundOutcome FindingKind = "outcome"    // the operation has this outcome
	FoundTotals  FindingKind = "totals"     // the payment's totals now; the operation's effect follows from those before
	NotFound     FindingKind = "not-found"  // the PSP shows nothing of the operation; no proof that it will not
	Processing   FindingKind = "processing" // the PSP knows it and is still working, or waits for the payer
)

// Finding is the answer to "what became of it?".
type Finding struct {
	Kind    FindingKind
	Outcome Outcome // for FoundOutcome
	Totals  Totals  // for FoundTotals
	Refs    ProviderRefs
}

// Result is what one call at a PSP came to: an outcome, or a fault.
type Result struct {
	Outcome Outcome
	Fault   *Fault
}

// CanTryNext says whether a payment may go on at the next candidate after this result. cascades counts how often the payment
// has moved on after a decline already: a decline of class B moves on once.
func CanTryNext(r Result, cascades int) bool {
	if r.Fault != nil {
		switch r.Fault.Kind {
		case NeverSent, Throttled, Misconfigured:
			return true
		case Rejected:
			return r.Fault.MethodGone || r.Fault.SaveRefused // what was refused is not the payment itself
		case Unknown:
			return false
		}
		return false
	}
	if r.Outcome.Status != Declined {
		return false
	}
	switch r.Outcome.Class() {
	case ClassCascade, ClassConfig:
		return true
	case ClassCascadeOnce:
		return cascades == 0
	case ClassStepUp, ClassFixData, ClassLater, ClassNever, ClassUnknown, ClassChangeCredential:
		return false
	}
	return false
}

// Attribute says whose doing a result is. Only what is attributed to the PSP may move a breaker or a health score.
func Attribute(r Result) Attribution {
	if r.Fault != nil {
		switch r.Fault.Kind {
		case NeverSent, Throttled, Unknown:
			return AttributedPSP
		case Misconfigured, Rejected:
			return AttributedMerchant
		}
		return AttributedPSP
	}
	if r.Outcome.Status == Declined {
		return r.Outcome.Code.Info().Attribution
	}
	return AttributedNobody
}

// AttributedNobody marks a result that nobody is to blame for.
const AttributedNobody Attribution = ""

// Reason says in a sentence what came of the attempt and what that means for other candidates.
func (a *Attempt) Reason() string {
	switch a.State {
	case AttemptSent:
		return "the call is under way, or was cut off: its outcome will be asked for"
	case AttemptUnknown:
		return "it is not known whether the PSP acted: it is asked, and nothing is tried elsewhere meanwhile"
	case AttemptPending:
		return "the PSP has taken it and will tell later"
	case AttemptAction:
		return "the PSP waits for the payer"
	case AttemptApproved:
		return "approved"
	case AttemptDeclined:
		return a.untried(fmt.Sprintf("declined (%s): %s", a.Code, a.Code.Info().Class.elsewhere()))
	case AttemptFailed:
		return a.untried(a.Fault.reason())
	case AttemptLate:
		return "the PSP charged after this had ended as not done: the money is being given back"
	case AttemptReversed:
		return "the PSP charged after this had ended as not done: the money has been given back"
	}
	return ""
}

// untried adds why no other PSP was tried, where one might have been.
func (a *Attempt) untried(text string) string {
	if a.NotTried == "" {
		return text
	}
	return text + "; none was: " + a.NotTried
}

// elsewhere says what a decline of the class means for other candidates.
func (c Class) elsewhere() string {
	switch c {
	case ClassCascade, ClassConfig:
		return "another PSP may be tried"
	case ClassCascadeOnce:
		return "one other PSP may be tried, no more"
	case ClassStepUp:
		return "the payer has to authenticate; another PSP would not help"
	case ClassFixData:
		return "the payer has to correct something; another PSP would not help"
	case ClassLater:
		return "it may work later; another PSP would not help now"
	case ClassNever:
		return "this card must not be tried again, at any PSP"
	case ClassUnknown:
		return "the outcome has to be asked for first"
	case ClassChangeCredential:
		return "other credentials of the same card are needed"
	}
	return "another PSP is not tried"
}

func (k FaultKind) reason() string {
	switch k {
	case NeverSent:
		return "certainly not charged: nothing was sent, or the PSP has confirmed that it can no longer charge; another PSP may be tried"
	case Throttled:
		return "certainly not charged: the PSP asked for patience; another PSP may be tried"
	case Misconfigured:
		return "certainly not charged: the PSP refused our credentials or settings; another PSP may be tried"
	case Rejected:
		return "certainly not charged: the PSP refused the request itself, so that another PSP would too"
	case Unknown:
		return "not known whether the PSP acted"
	}
	return "certainly not charged"
}
