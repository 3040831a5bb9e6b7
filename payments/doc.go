// Package payments is the vocabulary of Switchyard: money, card facts, the objects a merchant sees, the state machines
// of a transaction, an attempt and a token, what a PSP answered (Outcome, Fault, Finding), decline codes, decisions and
// events. It imports only the standard library and does nothing but compute, so that every other package can speak its
// words and every rule about money can be read and tested in one place.
package payments
