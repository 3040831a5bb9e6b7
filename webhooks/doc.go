// Package webhooks tells merchants about events: it signs, delivers, tries again, replays, and gives up.
//
// What has to be delivered is in the store from the commit of the event itself. The dispatcher turns each event of the outbox
// into one delivery for each endpoint that wants it and one for the event's own URL, in one commit that takes the event out
// of the outbox. Deliveries are leased with fences, so that several instances share them and a dead one's are taken up
// by the others: an event is delivered at least once, with the same webhook-id each time. Events of one subject (a transaction,
// a customer, a token) go to an endpoint in their order; others do not wait for them.
//
// Merchants name the addresses that this program connects to, so every connection is checked where it is made: after the name
// was resolved, on the addresses themselves.
package webhooks
