//go:build !crash

package crash

import "context"

// Point does nothing, unless the program is built with -tags crash.
func Point(string) {}

// Calling returns the context under which a call that may move money is made: ctx itself, unless the program is built with
// -tags crash. There, the requests that are sent under it pass CallSent and AnswerBegan.
func Calling(ctx context.Context) context.Context { return ctx }
