package payments

import "time"

// Volume is the money that was taken at a gateway configuration on one day, in one currency: what was captured, whether or not
// it was given back later.
type Volume struct {
	GatewayConfigurationID string
	Day                    time.Time // its midnight, UTC
	Amount                 Money
}
