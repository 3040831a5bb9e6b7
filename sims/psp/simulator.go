package psp

import (
	"net/http"
	"time"

	"switchyard/sims/challenge"
	"switchyard/sims/ledger"
)

// Simulator is one PSP that speaks its own wire format. Its methods may be called at the same time.
type Simulator interface {
	// Accept decodes a request and says which operation it is. It changes nothing: the call it returns does.
	Accept(r *Request) Call
	// Complain is the PSP's own answer when it processes nothing.
	Complain(c Complaint) Answer
	// Sign returns the headers by which the PSP proves that a webhook is its own.
	Sign(secret string, body []byte, at time.Time) http.Header
	// Reset forgets every object and goes back to the default settings.
	Reset()
}

// Adjustable is a simulator whose account abilities can be switched.
type Adjustable interface {
	// Adjust applies settings in JSON, those left out unchanged, and returns all of them.
	Adjust(settings []byte) (any, error)
}

// Call is one request, decoded and not yet processed.
type Call struct {
	Operation Operation
	// Reserve, when set, is called if processing is put off, so that a repeat meets what this call will make.
	Reserve func()
	// Run processes the request. It is called at most once.
	Run func(Orders) Answer
}

// Orders are the parts of a fault that only the PSP's own logic can carry out.
type Orders struct {
	// Decline has the operation refused in the PSP's own words, whatever the card says.
	Decline Decline
	// HideFor is how long look-ups go on to show what was there before.
	HideFor time.Duration
}

// Decline is how a payment is to be declined.
type Decline int

// The declines: none, one that another try may turn, one that no try ever will.
const (
	NoDecline Decline = iota
	SoftDecline
	HardDecline
)

// Complaint is a reason for which a PSP processes nothing.
type Complaint int

// The complaints, each with the HTTP status in its name.
const (
	Broken500 Complaint = iota
	Unavailable503
	Throttled429
	Unauthorized401
)

// Notice is one webhook to send.
type Notice struct {
	// Body is the event in the PSP's own format.
	Body []byte
	// Forged makes the body of an event about the same object that says paid; it is called only for a forgery.
	Forged func() []byte
	// After puts the notice off, for what look-ups do not show yet either.
	After time.Duration
}

// Deps are what a simulator is given to work with.
type Deps struct {
	// BaseURL is where the PSP answers, without a trailing slash.
	BaseURL    string
	Ledger     *ledger.Book
	Random     *Random
	Challenges *challenge.Desk
	// Notify sends a webhook in the background, if anybody has registered for the PSP's.
	Notify func(Notice)
}
