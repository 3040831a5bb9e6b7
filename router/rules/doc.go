// Package rules is the routing policy that operators write: one strict YAML file that says which gateway configurations a
// payment may go to and in which order, what they cost, and how far a payment may move on.
//
// Decode reads the file and reports all that is wrong at once, each fault with its line and a caret. Compile makes an
// immutable Policy of it, whose Match finds the first rule for a payment in about a microsecond and whose Fees estimates
// what a gateway configuration would charge. Analyse looks for what is allowed and yet a mistake: rules that nothing can
// reach, paths without a gateway configuration, methods without a route. Diff says what a change means, Explain why a
// payment matched what it matched.
//
// Everything here is pure: the same policy, facts and time give the same answer on every instance.
package rules
