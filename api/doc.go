// Package api is the merchant API over HTTP: it reads a request in any of the encodings that the vendor's SDKs use, says who
// is calling and what they may do, makes a call with an idempotency key happen once, hands it to the domain packages, and
// renders what they return. It decides nothing about payments.
//
// A request goes through these files, in this order:
//
//	server.go       one wide log event, panics, HEAD, CORS, request id
//	routes.go       the table of routes: method, path, who may call, handler
//	auth.go         credentials → project
//	body.go         JSON or form → a tree of values;  fields.go reads typed fields out of it, options.go the list options
//	<resource>.go   one file of handlers per resource
//	once.go         idempotency around every call that changes something
//	render*.go      domain objects → JSON (writer.go), a pure function of what is rendered
//	errors.go       the one table from error codes to statuses
//
// The answer to a call that changes something is rendered from the snapshot that was stored with the change and from nothing
// else, so that a replay has the same bytes. Answers to reads may load what the caller wants to see expanded (related.go).
package api
