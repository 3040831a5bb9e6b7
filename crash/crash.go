// Package crash names the moments at which the death of the process would be worst, so that a test can bring it about there.
//
// The program passes a Point at each of them. As it is released, a Point is an empty function that the compiler removes. Built
// with -tags crash, the environment says where the process kills itself, as `kill -9` would:
//
//	SWITCHYARD_CRASH=after-intent:3        at the third passing of that point
//	SWITCHYARD_CRASH=random:SEED:RATE      at each passing of any point with the probability RATE, 0 to 1; SEED is an integer
//
// Without the variable nothing is killed. Before it dies, the process writes "crash: killed at POINT" to its standard error.
package crash

// The points. "Before" a commit means that it was not asked for yet; "after" it, that it is durable and that nobody has been told.
const (
	// BeforeIntent: the idempotency key, the attempt and its job are not written. No PSP has heard anything.
	BeforeIntent = "before-intent"
	// AfterIntent: they are written, and the PSP has not been called.
	AfterIntent = "after-intent"
	// BeforeNote: the PSP has opened an intent, an invoice or a session for the charge, and its id is not written.
	BeforeNote = "before-note"
	// AfterNote: that id is written, and the call that charges is not made.
	AfterNote = "after-note"
	// CallSent: a moment after a request that may move money was handed to the network; usually the PSP is working on it.
	CallSent = "call-sent"
	// AnswerBegan: the PSP has answered, and nobody has read it.
	AnswerBegan = "answer-began"
	// AfterAnswer: the answer to a call that may move money is understood, and nothing of it is written.
	AfterAnswer = "after-answer"
	// BeforeOutcome: the outcome is about to be written.
	BeforeOutcome = "before-outcome"
	// AfterOutcome: it is written, with the answer, the event and the follow-up work, and the merchant has not been told.
	AfterOutcome = "after-outcome"
	// JobLeased: a worker holds a background job and has done nothing for it.
	JobLeased = "job-leased"
	// AfterQuestion: a worker has asked a PSP about an open attempt, and perhaps fenced it, and nothing of it is written.
	AfterQuestion = "after-question"
	// BeforeFollowUp: a worker has done its job, such as giving a hold back, and this is not written.
	BeforeFollowUp = "before-follow-up"
	// AfterFollowUp: it is written, and the job is ended or put off.
	AfterFollowUp = "after-follow-up"
	// DeliveryLeased: an event is about to be delivered to a merchant; nothing is sent.
	DeliveryLeased = "delivery-leased"
	// DeliverySent: the merchant has been sent an event, and that is not written.
	DeliverySent = "delivery-sent"
	// DeliveryWritten: what came of a delivery is written, with its next try if there is one.
	DeliveryWritten = "delivery-written"
)

// Points lists every point, in the order in which a payment meets them.
func Points() []string {
	return []string{
		BeforeIntent, AfterIntent, BeforeNote, AfterNote, CallSent, AnswerBegan, AfterAnswer, BeforeOutcome, AfterOutcome,
		JobLeased, AfterQuestion, BeforeFollowUp, AfterFollowUp, DeliveryLeased, DeliverySent, DeliveryWritten,
	}
}

// Variable is the name of the environment variable that says where to die.
const Variable = "SWITCHYARD_CRASH"

// Killed begins the line that a process writes before it kills itself; the point follows.
const Killed = "crash: killed at "
