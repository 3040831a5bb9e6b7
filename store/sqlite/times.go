package sqlite

import (
	"math"
	"time"
)

// The span of time that nanoseconds since 1970 can say, less the smallest number, which stands for the zero time. Only a
// schedule ("capture it in the year 9999") ever lies outside, and one at the edge of the span serves it as well.
const (
	zeroStamp     = math.MinInt64
	earliestStamp = math.MinInt64 + 1
	latestStamp   = math.MaxInt64
)

// stamp is the column value of a time.
func stamp(t time.Time) int64 {
	switch {
	case t.IsZero():
		return zeroStamp
	case t.Before(time.Unix(0, earliestStamp)):
		return earliestStamp
	case t.After(time.Unix(0, latestStamp)):
		return latestStamp
	}
	return t.UnixNano()
}

// moment is the time that a column value stands for, in UTC.
func moment(stamp int64) time.Time {
	if stamp == zeroStamp {
		return time.Time{}
	}
	return time.Unix(0, stamp).UTC()
}

// deletion is the column value of a deletion time: NULL for what lives.
func deletion(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}
