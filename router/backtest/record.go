package backtest

import (
	"errors"
	"fmt"
	"math"

	"switchyard/payments"
)

// Cost is what a payment costs at a gateway by the fee table if it is approved, in minor units of the payment's currency.
type Cost struct {
	Minor int64
	Known bool // there is a fee for this payment at this gateway
}

// Chance is a gateway with the probability that it was tried first.
type Chance struct {
	Gateway    string
	Propensity float64
}

// Choice is a gateway with the probability that the candidate policy tries it first, and its cost.
type Choice struct {
	Gateway    string
	Propensity float64
	Cost       Cost
}

// Record is one payment of the past beside the candidate policy's choice for it.
type Record struct {
	Payment string // its id, for error messages
	Segment string // the kind of payment, in the words of whoever hands it in
	Amount  payments.Money

	// Gateway is where the payment went first; empty when it went nowhere. Propensity is the probability with which that
	// was chosen: 1 when it was not a matter of chance.
	Gateway    string
	Propensity float64
	// Old has the probabilities of all candidates of the decision; it may be empty when Propensity is 1.
	Old      []Chance
	Blocked  bool // a rule blocked it: Gateway is empty
	Explored bool // the choice was not the best by what was known
	Cost     Cost // of the old choice

	Approved bool
	Known    bool // the outcome is final; what went nowhere is not approved, and that is final

	// New has what the candidate policy would choose: one entry with 1 when it leaves nothing to chance, none when it sends
	// the payment nowhere.
	New        []Choice
	NewBlocked bool // a rule of the candidate blocks it: New is empty
}

// sumSlack is by how much probabilities may miss 1 together, and the logged propensity its place in the distribution.
const sumSlack = 1e-6

func (r *Record) check() error {
	if err := r.checkFacts(); err != nil {
		return fmt.Errorf("backtest: payment %.40q: %w", r.Payment, err)
	}
	return nil
}

func (r *Record) checkFacts() error {
	if r.Amount.Minor < 0 || r.Amount.Currency == "" {
		return errors.New("the amount must not be negative and needs a currency")
	}
	if r.Cost.Minor < 0 {
		return errors.New("the cost of the old choice is negative; fees are what is paid")
	}
	if err := r.checkOld(); err != nil {
		return err
	}
	return r.checkNew()
}

func (r *Record) checkOld() error {
	if r.Gateway == "" {
		if len(r.Old) > 0 || r.Approved {
			return errors.New("it went nowhere, and yet has old choices or was approved: name the gateway it went to first")
		}
		return nil
	}
	switch {
	case r.Blocked:
		return errors.New("it is blocked and went to a gateway: leave Gateway empty")
	case r.Approved && !r.Known:
		return errors.New("it is approved, and its outcome is not final: an approved payment has Known set")
	case len(r.Old) == 0 && r.Propensity != 1:
		return fmt.Errorf("the propensity is %v and the logged distribution is missing: without Old it must be 1", r.Propensity)
	case len(r.Old) == 0:
		return nil
	}
	sum := 0.0
	for i, c := range r.Old {
		if repeated(r.Old[:i], c.Gateway) {
			return fmt.Errorf("gateway %q is twice in Old", c.Gateway)
		}
		if err := checkPropensity(c.Gateway, c.Propensity); err != nil {
			return err
		}
		sum += c.Propensity
	}
	if math.Abs(sum-1) > sumSlack {
		return fmt.Errorf("the probabilities of Old add up to %v, not 1", sum)
	}
	if logged := r.oldChance(r.Gateway); logged <= 0 || math.Abs(logged-r.Propensity) > sumSlack {
		return fmt.Errorf("the propensity is %v, and Old says %v for gateway %q", r.Propensity, logged, r.Gateway)
	}
	return nil
}

func (r *Record) checkNew() error {
	if r.NewBlocked && len(r.New) > 0 {
		return errors.New("the new policy blocks it and has choices for it: leave New empty")
	}
	sum := 0.0
	for i, c := range r.New {
		for _, before := range r.New[:i] {
			if before.Gateway == c.Gateway {
				return fmt.Errorf("gateway %q is twice in New", c.Gateway)
			}
		}
		if err := checkPropensity(c.Gateway, c.Propensity); err != nil {
			return err
		}
		if c.Cost.Minor < 0 {
			return fmt.Errorf("the cost at gateway %q is negative; fees are what is paid", c.Gateway)
		}
		sum += c.Propensity
	}
	if len(r.New) > 0 && math.Abs(sum-1) > sumSlack {
		return fmt.Errorf("the probabilities of New add up to %v, not 1", sum)
	}
	return nil
}

func repeated(list []Chance, gateway string) bool {
	for _, c := range list {
		if c.Gateway == gateway {
			return true
		}
	}
	return false
}

func checkPropensity(gateway string, p float64) error {
	if gateway == "" {
		return errors.New("a choice has no gateway")
	}
	if !(p >= 0 && p <= 1) {
		return fmt.Errorf("the probability of gateway %q is %v; it must be from 0 to 1", gateway, p)
	}
	return nil
}

// oldChance is the logged probability of a gateway.
func (r *Record) oldChance(gateway string) float64 {
	if len(r.Old) == 0 {
		if gateway == r.Gateway && gateway != "" {
			return 1
		}
		return 0
	}
	for i := range r.Old {
		if r.Old[i].Gateway == gateway {
			return r.Old[i].Propensity
		}
	}
	return 0
}

// newChance is the candidate's probability of a gateway.
func (r *Record) newChance(gateway string) float64 {
	for i := range r.New {
		if r.New[i].Gateway == gateway {
			return r.New[i].Propensity
		}
	}
	return 0
}
