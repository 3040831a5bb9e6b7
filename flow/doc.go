// Package flow runs one operation end to end: it decides nothing about where a payment goes (router does) and speaks no
// PSP's dialect (adapters do); it owns the order in which things become durable, and what may follow what.
//
// The road of a charge (charge.go):
//
//	resolve source → router.Decide → [ commit: intent ] → call → [ commit: outcome ] → answer
//	                                       ↑                 │
//	                                       └── next candidate ┘   only when it is certain that nothing was charged
//
// A call whose outcome is not known is asked after (ask.go) while the payer waits and, if that does not help, by the
// background worker (worker.go) until the PSP has told or has confirmed that it can no longer charge. Nothing here ever
// turns an unknown outcome into a failure because time has passed.
//
// Captures, voids, refunds and increments of an approved charge (amend.go) have no alternative PSP: they are one call
// with the same two commits and the same questions.
package flow
