// Package trial compares a canary policy with the policy in force (control) while payments arrive, and says when to stop. It
// is a pure library: it is handed outcomes one by one, and its state is a few sums that can be stored as JSON.
//
// # Looking at any time
//
// An ordinary 95 % interval holds at one moment that was fixed before. Whoever looks after every payment and stops when zero
// is outside will stop nearly always in the end, even if nothing is different. The intervals here hold at all times together:
// the probability that any of them ever misses the true difference is at most 5 %, however often one looks and whenever one
// stops.
//
// They come from the mixture sequential probability ratio test with a normal mixture (Robbins 1970; for comparisons of two
// arms Johari, Koomen, Pekelis and Walsh, "Always Valid Inference", Operations Research 2022) in the form of asymptotic
// confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 2024): with V the estimated
// variance of the difference of the two means and T that of the mixture, the difference is
//
//	d ± √( V·(V+T)/T · (log((V+T)/V) + 2·log(1/α)) )
//
// The mixture is the size of the difference at which the interval is narrowest soonest; it is set in standard deviations of
// the outcome and matters little.
//
// Two differences are watched, of approval and of value per payment. Each gets half of α, so that both hold together.
//
// # Why it may be trusted with few and with wild outcomes
//
// The formula is exact for normal outcomes and right for others as their number grows. So nothing is said before each arm
// has its minimum of payments, an arm's variance is never taken to be less than that of both arms together (a small arm that
// has not yet seen a large amount would be too sure of itself), and one more outcome as far out as the average is added to
// it (an arm in which all were approved is not without doubt).
//
// # What it takes for granted
//
// Payments fall into the arms by chance that has nothing to do with their outcome, and outcomes are handed in once, when they
// are final. If declines become final sooner than approvals, they must do so alike in both arms.
package trial
