// Package backtest says what another routing policy would have done with payments of the past: how many would have gone
// elsewhere, what that would have cost, and how many would have been approved. It is a pure library: whoever reads the stored
// decisions and asks the candidate policy hands in one Record per payment, and gets a Report.
//
// # What is exact
//
// Where payments move, and what they cost by the fee tables. When the candidate leaves nothing to chance, every number is a
// count. When it splits payments by chance, numbers are expected ones: a payment stays where it was as far as the two
// distributions agree, and the rest goes to the gateways that gain, in proportion to what they gain. So a policy that
// changes nothing moves nothing, whatever the dice of the past said.
//
// # What is estimated
//
// Approval over all payments with a final outcome: the share that the candidate would have got approved. A payment that is
// blocked or goes nowhere counts as not approved. The outcome of a payment is the outcome after its first choice, with all
// that followed: it is assumed that what follows a first choice stays as it was.
//
// Each outcome is weighted by how much likelier the candidate was to make the logged choice than the policy of the day
// (Horvitz and Thompson 1952), and the sum is divided by the sum of the weights (self-normalised; Swaminathan and Joachims,
// NIPS 2015). This is done apart in parts that follow from the two distributions alone, and never from the outcome:
//
//   - kept: the distributions are the same. The old outcomes are the new ones, with weight 1;
//   - leaning: they differ, and at least half of the evidence remains (the expected square of the weight is at most 2), as
//     when the candidate only gives up exploration;
//   - moved: they differ by more. Here lies the doubt, and it is judged on these payments alone: a log in which most payments
//     stay where they are cannot drown them;
//   - stopped: the candidate sends them nowhere, so none is approved;
//   - opened: the log sent them nowhere, so nothing is known.
//
// The parts are put together by their number of payments.
//
// # How sure it is
//
// Within a part the interval is Wilson's, for as many payments as the evidence is worth: the effective sample size
// (Σw)²/Σw² (Kish 1965), or less where the linearised variance of the ratio says so, with a quantile of Student's t for as
// many degrees of freedom as there are heavy weights. Parts are combined by the squares of the distances to their limits
// (Newcombe 1998; Zou and Donner 2008), which keeps intervals of rates near 1 in bounds. The interval of the difference
// takes into account that both rates come from the same payments.
//
// What the candidate would choose and the log cannot have chosen (or weights that were cut at the bound) is not guessed at:
// the interval reaches from "none of it approved" to "all of it approved".
//
// The report refuses a verdict when the effective sample size of the payments that move is below 500, when more than 1 % of
// the candidate's choices could not have been in the log, or when more than 2 % of the outcomes are not final.
package backtest
