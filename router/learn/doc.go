// Package learn is the part of routing that learns: what it believes of every gateway, and which gateway it would choose.
//
// It is a pure library. A Learner reads no clock and no dice: the time is an argument, and where a payment falls among the
// probabilities is a hash of the payment and the policy. The same questions and outcomes in the same order give the same
// answers.
//
// # What is believed
//
// The chance that a payment succeeds at a gateway is the product of two things that have different causes and speeds.
//
// Availability is whether the gateway answers at all: a decayed count of technical failures against answers, which forgets
// within minutes. What the issuer, the payer or the merchant did says only that the gateway is alive; the policy of the
// decline codes (payments.Code.Info) says which is which.
//
// Approval is whether the issuer says yes. A payment belongs to groups, coarse to fine: all payments, its method, scheme,
// region, country, segment, issuer, currency, amount and manner. Each group has an effect that is shared by all gateways
// (the context: an issuer's bad day is no gateway's fault) and one at each gateway. The sum of the effects is a number on
// the probit scale, and approval is Φ of it. Every effect is a normal distribution; an outcome moves all effects of its
// payment, each by its share of the doubt (assumed-density filtering as in AdPredictor: Graepel, Candela, Borchert and
// Herbrich, ICML 2010). Since every payment moves the coarse groups too, a segment that has never been seen starts from
// what its parents know, and a rich one goes its own way. The filtering treats effects as independent; their doubt would
// shrink too slowly, as they are learnt together, and so it is made to shrink faster by a constant.
//
// Everything is forgotten slowly (an Ornstein–Uhlenbeck process, in payments and in time, whichever passes): an effect that
// is no longer observed returns to the average of its kind and becomes uncertain.
//
// # What is chosen
//
// The best candidate is the one with the highest expected value plus a fraction of its doubt. Others are explored in
// proportion to the probability that they are the best (Thompson 1933, tempered; the integral is done by quadrature, so the
// probability is known and not sampled), up to a cap, plus a floor that is spread evenly. The probability with which each
// candidate was chosen is part of the answer: it is exact, and what off-policy evaluation of the log needs (Horvitz and
// Thompson 1952). With fees the value is money: approval × (margin × amount − fee) − attempt + shadow price, among the
// candidates that give up no more than a bounded part of approval.
//
// # What is noticed
//
// Sequential tests (CUSUM of log likelihood ratios: Page 1954) compare for every gateway "as usual" with a few kinds of
// illness. Technical failures and missing approvals are weighed in one sum. A gateway whose test speaks up is impaired: the
// beliefs from before stay untouched, the illness (technical failures, shift of approval) is learnt beside them, and the
// gateway competes with what is left. It gets probes, fewer as the illness lasts and more as the evidence of recovery grows;
// when a second test is sure that it is as before, the illness is dropped and the old beliefs are in force at once. So
// coming back takes a few probes and not a new education. No gateway is ever closed: when all are ill, the least ill is
// best. An illness that lasts becomes belief.
//
// Within segments, two-sided tests look for changes of one gateway or of the issuers. They make the belief at that place
// uncertain and keep its outcomes from teaching anything about other places for a while.
//
// # What comes late
//
// An outcome belongs to the groups that its payment had at the decision (Ticket), however late it comes. Outcomes of
// payments that were decided before a gateway fell ill or came back teach nothing about its new state. An outcome that is
// not known counts as a technical failure until it is resolved. During an illness good news waits until bad news of the
// same age would have come, since approvals are known sooner than timeouts.
package learn
