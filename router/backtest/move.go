package backtest

import (
	"cmp"
	"slices"

	"switchyard/payments"
)

// Where payments go that go to no gateway.
const (
	ToBlocked = "(blocked)" // a rule blocks them
	ToNowhere = "(nowhere)" // no gateway can take them
)

// Move says how many payments of a currency go from one place to another. With a candidate that leaves nothing to chance
// these are counts; otherwise they are expected.
type Move struct {
	From     string         `json:"from"`
	To       string         `json:"to"`
	Payments float64        `json:"payments"`
	Amount   payments.Money `json:"amount"` // to the nearest minor unit when it is expected
}

// CostChange compares the fees of the payments that both policies send somewhere and whose fees are known. It counts the fee
// of the first choice as if the payment were approved.
type CostChange struct {
	Currency payments.Currency `json:"currency"`
	Payments int               `json:"payments"`
	Amount   int64             `json:"amount_minor"`
	Old      int64             `json:"old_minor"`
	New      int64             `json:"new_minor"` // to the nearest minor unit when it is expected
}

// FeeGap is a gateway with the number of payments that have no fee there and are therefore left out of the costs.
type FeeGap struct {
	Gateway  string `json:"gateway"`
	Payments int    `json:"payments"`
}

type moveKey struct {
	from, to string
	currency payments.Currency
}

type moveSum struct{ payments, amount sum }

type costSum struct {
	payments         int
	amount, old, new sum
}

// ledger adds up moves and costs.
type ledger struct {
	moves    map[moveKey]*moveSum
	costs    map[payments.Currency]*costSum
	gaps     map[string]int
	noFee    int
	opened   int
	stopped  int
	placed   sum // payments whose place stays
	room     map[payments.Currency]int64
	chances  []float64
	portions []int64
}

func newLedger() ledger {
	return ledger{
		moves: map[moveKey]*moveSum{}, costs: map[payments.Currency]*costSum{}, gaps: map[string]int{},
		room: map[payments.Currency]int64{},
	}
}

// reserve says whether the sums have room for the record: no sum of a currency is larger than the sum of all its numbers.
func (l *ledger) reserve(r *Record) bool {
	most := max(r.Amount.Minor, r.Cost.Minor)
	for i := range r.New {
		most = max(most, r.New[i].Cost.Minor)
	}
	taken := l.room[r.Amount.Currency]
	if taken+most < taken {
		return false
	}
	l.room[r.Amount.Currency] = taken + most
	return true
}

func (l *ledger) add(r *Record) {
	from := place(r.Gateway, r.Blocked)
	if r.NewBlocked && !r.Blocked {
		l.stopped++
	}
	if r.Blocked && !r.NewBlocked {
		l.opened++
	}
	if len(r.New) == 0 {
		l.move(r, from, place("", r.NewBlocked), unit)
		return
	}
	l.couple(r)
	for i, share := range l.portions {
		if share > 0 {
			l.move(r, from, r.New[i].Gateway, share)
		}
	}
	if r.Gateway != "" {
		l.cost(r)
	}
}

func place(gateway string, blocked bool) string {
	switch {
	case gateway != "":
		return gateway
	case blocked:
		return ToBlocked
	}
	return ToNowhere
}

// couple finds the share with which the payment ends at each of the candidate's choices, given where it was: it stays as far
// as the distributions agree, and otherwise goes where the candidate gains.
func (l *ledger) couple(r *Record) {
	l.chances = l.chances[:0]
	stay, gains := 1.0, 0.0
	if r.Gateway == "" {
		stay = 0
	} else if old, now := r.oldChance(r.Gateway), r.newChance(r.Gateway); now < old-noise {
		stay = now / old
	}
	for i := range r.New {
		c := &r.New[i]
		gain := max(c.Propensity-r.oldChance(c.Gateway), 0)
		if c.Gateway == r.Gateway || gain < noise && r.Gateway != "" {
			gain = 0
		}
		gains += gain
		l.chances = append(l.chances, gain)
	}
	for i := range r.New {
		switch {
		case r.New[i].Gateway == r.Gateway:
			l.chances[i] = stay
		case gains > 0:
			l.chances[i] *= (1 - stay) / gains
		case stay < 1: // the rest is no more than what rounding left
			l.chances[i] = r.New[i].Propensity
		}
	}
	l.portions = shares(l.chances, l.portions)
}

// noise is a difference between probabilities that is none.
const noise = 1e-12

func (l *ledger) move(r *Record, from, to string, share int64) {
	if from == to {
		l.placed.add(1, share)
		return
	}
	key := moveKey{from, to, r.Amount.Currency}
	s := l.moves[key]
	if s == nil {
		s = &moveSum{}
		l.moves[key] = s
	}
	s.payments.add(1, share)
	s.amount.add(r.Amount.Minor, share)
}

// cost compares the fees of a payment that both policies send somewhere.
func (l *ledger) cost(r *Record) {
	known := l.known(r.Gateway, r.Cost)
	for i, share := range l.portions {
		if share > 0 && (r.New[i].Gateway != r.Gateway || r.Cost.Known) {
			known = l.known(r.New[i].Gateway, r.New[i].Cost) && known
		}
	}
	if !known {
		l.noFee++
		return
	}
	s := l.costs[r.Amount.Currency]
	if s == nil {
		s = &costSum{}
		l.costs[r.Amount.Currency] = s
	}
	s.payments++
	s.amount.add(r.Amount.Minor, unit)
	s.old.add(r.Cost.Minor, unit)
	for i, share := range l.portions {
		s.new.add(r.New[i].Cost.Minor, share)
	}
}

// known says whether there is a fee, and counts where there is none.
func (l *ledger) known(gateway string, c Cost) bool {
	if !c.Known {
		l.gaps[gateway]++
	}
	return c.Known
}

// table lists the moves, the largest first.
func (l *ledger) table() []Move {
	list := make([]Move, 0, len(l.moves))
	for key, s := range l.moves {
		amount := payments.Money{Minor: s.amount.rounded(), Currency: key.currency}
		list = append(list, Move{From: key.from, To: key.to, Payments: s.payments.number(), Amount: amount})
	}
	slices.SortFunc(list, func(a, b Move) int {
		return cmp.Or(
			cmp.Compare(b.Payments, a.Payments), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To),
			cmp.Compare(a.Amount.Currency, b.Amount.Currency),
		)
	})
	return list
}

func (l *ledger) costTable() []CostChange {
	list := make([]CostChange, 0, len(l.costs))
	for currency, s := range l.costs {
		list = append(list, CostChange{currency, s.payments, s.amount.rounded(), s.old.rounded(), s.new.rounded()})
	}
	slices.SortFunc(list, func(a, b CostChange) int { return cmp.Compare(a.Currency, b.Currency) })
	return list
}

func (l *ledger) gapTable() []FeeGap {
	list := make([]FeeGap, 0, len(l.gaps))
	for gateway, n := range l.gaps {
		list = append(list, FeeGap{gateway, n})
	}
	slices.SortFunc(list, func(a, b FeeGap) int {
		return cmp.Or(cmp.Compare(b.Payments, a.Payments), cmp.Compare(a.Gateway, b.Gateway))
	})
	return list
}
