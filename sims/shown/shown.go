// Package shown keeps an object beside the older picture of it that look-ups still give for a while.
package shown

import "time"

// Record is one object of a PSP: as it is, and as look-ups show it. Its owner guards it.
type Record[T any] struct {
	// Live is the object as it is; every operation but a look-up works on it.
	Live T

	before *T // nil while hidden: look-ups find nothing
	until  time.Time
}

// New makes a record of an object that look-ups find only after hideFor.
func New[T any](live T, hideFor time.Duration) *Record[T] {
	r := &Record[T]{Live: live}
	if hideFor > 0 {
		r.until = time.Now().Add(hideFor)
	}
	return r
}

// Freeze has look-ups show `before` for hideFor, if that is not zero. It is called just before Live changes, with
// a copy that shares nothing that changes. What is hidden already stays hidden, as long as the longer of the two.
func (r *Record[T]) Freeze(before T, hideFor time.Duration) {
	if hideFor <= 0 {
		return
	}
	if !r.Hidden() {
		r.before = &before
	}
	if until := time.Now().Add(hideFor); until.After(r.until) {
		r.until = until
	}
}

// Hidden says whether look-ups show an older picture, or none.
func (r *Record[T]) Hidden() bool { return time.Now().Before(r.until) }

// View returns what a look-up shows, and whether it finds anything.
func (r *Record[T]) View() (T, bool) {
	if !r.Hidden() {
		r.before = nil
		return r.Live, true
	}
	if r.before == nil {
		var nothing T
		return nothing, false
	}
	return *r.before, true
}
