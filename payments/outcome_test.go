package payments

import (
	"errors"
	"fmt"
	"testing"
)

func TestCanTryNextAfterFault(t *testing.T) {
	t.Parallel()
	for kind, want := range map[FaultKind]bool{NeverSent: true, Throttled: true, Misconfigured: true, Rejected: false, Unknown: false} {
		if got := CanTryNext(Result{Fault: &Fault{Kind: kind}}, 0); got != want {
			t.Errorf("after %s: %v, want %v", kind, got, want)
		}
	}
	if CanTryNext(Result{Fault: &Fault{Kind: Unknown, MethodGone: true}}, 0) {
		t.Error("an unknown outcome must never move on, whatever else the fault says")
	}
	if !CanTryNext(Result{Fault: &Fault{Kind: Rejected, MethodGone: true}}, 0) {
		t.Error("a saved method that the PSP has forgotten charged nothing: the payment may go on")
	}
	if !CanTryNext(Result{Fault: &Fault{Kind: Rejected, SaveRefused: true}}, 0) {
		t.Error("a PSP that does not save the method charged nothing: the payment may go on")
	}
}

// TestCanTryNextAfterDecline goes over every code: only classes A, B (once) and H move on.
func TestCanTryNextAfterDecline(t *testing.T) {
	t.Parallel()
	for _, info := range Codes() {
		r := Result{Outcome: Outcome{Status: Declined, Code: info.Code}}
		first := info.Class == ClassCascade || info.Class == ClassCascadeOnce || info.Class == ClassConfig
		if got := CanTryNext(r, 0); got != first {
			t.Errorf("%s (class %s), first decline: %v, want %v", info.Code, info.Class, got, first)
		}
		again := first && info.Class != ClassCascadeOnce
		if got := CanTryNext(r, 1); got != again {
			t.Errorf("%s (class %s), second decline: %v, want %v", info.Code, info.Class, got, again)
		}
		if info.Attribution == AttributedFraud && first {
			t.Errorf("%s is a fraud code and must never be tried elsewhere", info.Code)
		}
	}
	for _, status := range []OutcomeStatus{Approved, ActionRequired, Pending} {
		if CanTryNext(Result{Outcome: Outcome{Status: status}}, 0) {
			t.Errorf("an outcome that is %s moved on", status)
		}
	}
}

func TestAttribute(t *testing.T) {
	t.Parallel()
	for kind, want := range map[FaultKind]Attribution{
		NeverSent: AttributedPSP, Throttled: AttributedPSP, Unknown: AttributedPSP, Misconfigured: AttributedMerchant, Rejected: AttributedMerchant,
	} {
		if got := Attribute(Result{Fault: &Fault{Kind: kind}}); got != want {
			t.Errorf("%s is attributed to %q, want %q", kind, got, want)
		}
	}
	if got := Attribute(Result{Outcome: Outcome{Status: Declined, Code: CardFailedCVC}}); got == AttributedPSP {
		t.Error("a wrong CVC must not demote a PSP")
	}
	if got := Attribute(Result{Outcome: Outcome{Status: Approved}}); got != AttributedNobody {
		t.Errorf("an approval is attributed to %q", got)
	}
}

func TestAsFault(t *testing.T) {
	t.Parallel()
	if AsFault(nil) != nil {
		t.Error("no error is no fault")
	}
	if f := AsFault(errors.New("something")); f.Kind != Unknown {
		t.Errorf("an error that is no fault is %s: when in doubt the PSP may have acted", f.Kind)
	}
	inner := NewFault(NeverSent, errors.New("refused"))
	if f := AsFault(fmt.Errorf("wrapped: %w", inner)); f != inner {
		t.Errorf("got %v, want the fault inside", f)
	}
}

func TestFaultPublicCodes(t *testing.T) {
	t.Parallel()
	for _, kind := range []FaultKind{NeverSent, Throttled, Misconfigured, Rejected, Unknown} {
		if code := (&Fault{Kind: kind}).PublicCode(); !code.Known() {
			t.Errorf("%s shows %q, which is not in the closed list", kind, code)
		}
	}
	if got := (&Fault{Kind: Unknown, Code: CardTimeout}).PublicCode(); got != CardTimeout {
		t.Errorf("a fault's own code is shown as %q", got)
	}
}

func TestMergeRefs(t *testing.T) {
	t.Parallel()
	old := ProviderRefs{Session: "pi_1", Charge: "pay_1", Customer: "cus_1"}
	got := old.Merge(ProviderRefs{Charge: "pay_2", Operation: "ref_1", Method: "pm_1"})
	want := ProviderRefs{Session: "pi_1", Charge: "pay_2", Operation: "ref_1", Customer: "cus_1", Method: "pm_1"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
