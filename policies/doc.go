// Package policies is the life cycle of the routing policy: versions, activation, rollback, pins, kill switches, reload.
//
// What operators have decided is one versioned object in the store, and every change of it an entry of a history: who, when, why
// and from what. A Service carries the decisions out on its own instance's router and follows those that other instances of the
// same store have taken. Whatever cannot be carried out leaves what was in force in force, and is said.
//
// Which policy is in force after a start, or a look at the policy's file:
//
//  1. a pinned one, until the pin ends;
//  2. the file's, when it has changed since the last decision;
//  3. the one that was decided on last.
package policies
