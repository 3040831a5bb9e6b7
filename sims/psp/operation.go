// Package psp says what a simulated payment service provider is to the server that runs it: requests in,
// answers out, and in between one operation that a fault may hit before, during or after it is processed.
package psp

import "slices"

// Operation is what a request asks a PSP to do, in the vocabulary that faults are set in.
type Operation string

// The operations. Prepare is whatever comes before the charging call (customers, intents, invoices, sessions);
// Authorize is the charging call, a one-step sale included; Void includes fences.
const (
	Prepare   Operation = "prepare"
	Authorize Operation = "authorize"
	Capture   Operation = "capture"
	Void      Operation = "void"
	Refund    Operation = "refund"
	Lookup    Operation = "lookup"
	Tokenize  Operation = "tokenize"
	Verify    Operation = "verify"
	Webhook   Operation = "webhook"
)

// Operations returns every operation, in the order in which a payment meets them.
func Operations() []Operation {
	return []Operation{Prepare, Authorize, Capture, Void, Refund, Lookup, Tokenize, Verify, Webhook}
}

// MovesMoney says whether the operation changes what a payer is charged, so that it can be processed and
// then badly answered.
func (o Operation) MovesMoney() bool {
	return slices.Contains([]Operation{Authorize, Capture, Void, Refund, Verify}, o)
}
