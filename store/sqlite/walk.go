package sqlite

import (
	"context"
	"fmt"
	"time"

	"switchyard/payments"
)

// maxWalk is the largest page of a walk.
const maxWalk = 1000

// AttemptsSent walks the attempts at a gateway configuration, of all projects, in the order in which they were sent: those
// from since, that time included, until until. A walk goes on with the SentAt and the ID of the last attempt as since and after;
// it begins with an empty after.
func (s *Store) AttemptsSent(ctx context.Context, gatewayID string, since time.Time, after string, until time.Time, limit int) ([]payments.Attempt, error) {
	if limit < 1 || limit > maxWalk {
		return nil, fmt.Errorf("sqlite: walk: a page has 1 to %d attempts, not %d", maxWalk, limit)
	}
	return all[payments.Attempt](ctx, s, selectSent, gatewayID, stamp(since), after, stamp(until), limit)
}
