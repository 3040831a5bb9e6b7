package adaptertest

import (
	"context"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// Attempt is what may differ between two runs of one case.
type Attempt struct {
	Reference string
	Amount    payments.Money
	At        time.Time // when it takes place; sessions expire and lookups were sent in relation to it
}

// Result is what an operation came to; which fields are set depends on the operation.
type Result struct {
	Outcome payments.Outcome
	Finding payments.Finding
	Fence   payments.Fence
	Err     error
	Noted   []payments.ProviderRefs // what Note was told
}

// Perform runs the operation of a case on an adapter that was opened elsewhere, with the suite's own payer and, unless the case
// names one, card. The exchanges of the case are not looked at: whatever the adapter was opened with answers.
func Perform(ctx context.Context, a adapters.Adapter, c Case, at Attempt) Result {
	o := &opened{Adapter: a}
	r := o.perform(ctx, c, params{reference: at.Reference, amount: at.Amount, at: at.At}, &note{script: &script{}})
	return Result{Outcome: r.outcome, Finding: r.finding, Fence: r.fence, Err: r.err, Noted: r.noted}
}

// SecretsIn returns the text of every payments.Secret in a value: a configuration, a request.
func SecretsIn(v any) []string { return secretsIn(v) }
