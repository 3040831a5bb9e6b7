package policies

import (
	"fmt"
	"time"

	"switchyard/payments"
)

// Error is why something was not done, in words that say what to do.
type Error struct {
	Kind ErrorKind
	Text string
}

// ErrorKind is a kind of refusal.
type ErrorKind string

// The kinds of refusals.
const (
	Invalid  ErrorKind = "invalid"  // it cannot be asked for like that
	Missing  ErrorKind = "missing"  // there is no such thing
	Conflict ErrorKind = "conflict" // somebody has decided something else
	Unread   ErrorKind = "unread"   // a file cannot be read
)

// Error is the text.
func (r *Error) Error() string { return r.Text }

func invalid(format string, args ...any) error {
	return &Error{Kind: Invalid, Text: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &Error{Kind: Missing, Text: fmt.Sprintf(format, args...)}
}

func unread(format string, args ...any) error {
	return &Error{Kind: Unread, Text: fmt.Sprintf(format, args...)}
}

// overtaken says who was faster.
func overtaken(now payments.PolicyChoice) error {
	return &Error{Kind: Conflict, Text: fmt.Sprintf("Another policy is in force meanwhile: %s, %s at %s by %s, because: %s. Look at it, then decide again.",
		Short(now.Hash), did[now.Kind], moment(now.Since), now.By, now.Because)}
}

// pinned says that a pin holds.
func pinned(hash string, pin *payments.PolicyPin) error {
	return &Error{Kind: Conflict, Text: fmt.Sprintf("Policy %s is pinned until %s by %s, because: %s. Unpin it first.", Short(hash), moment(pin.Until), pin.By, pin.Because)}
}

// did words how a policy came into force.
var did = map[payments.RoutingEventKind]string{
	payments.RoutingStarted: "started with", payments.RoutingFile: "read from the file", payments.RoutingActivated: "activated",
	payments.RoutingRolledBack: "rolled back to",
}

func moment(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// shortLength is the number of hexadecimal digits that tell policies apart at a glance.
const shortLength = 12

// Short is the beginning of a hash.
func Short(hash string) string { return hash[:min(len(hash), shortLength)] }
