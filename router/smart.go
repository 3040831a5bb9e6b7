package router

import (
	"cmp"
	"math"
	"time"

	"switchyard/payments"
	"switchyard/router/learn"
	"switchyard/router/rules"
)

// byScore is the place of what a smart route has put in order by what is believed, beside the kinds of routes.
const byScore rules.RouteKind = "score"

// exploredPlace is the place of a candidate that is tried first although another promises more.
var exploredPlace = place{
	position: "by chance", chosen: "first by chance, to learn how it does now", fallback: "by chance",
}

// believed is what a smart route believed of a candidate. It is what a decision keeps of it.
type believed struct {
	estimate payments.Estimate
	score    float64
	fee      int64
}

// smartness is one smart route at one moment.
type smartness struct {
	guide *guide
	view  *View
	facts *payments.Facts
	now   time.Time
	limit int // how many candidates the payment may try
}

// score puts the candidates of a smart route in the order of what is believed of them, and notes that in the decision. Those
// that verify without holding money are before the others, and those that are a last resort stay behind them; neither is
// compared with the rest.
func (s *smartness) score(ordered []assessment, decision *payments.Decision) {
	best := excluded
	for i := range ordered {
		if a := &ordered[i]; a.scored && a.standing < min(best, lastResort) {
			best = a.standing
		}
	}
	var places [usualCandidates]int
	chosen := places[:0]
	for i := range ordered {
		if a := &ordered[i]; a.scored && a.standing == best {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 {
		return
	}
	var scratch [usualCandidates]learn.Candidate
	request := learn.Request{
		Payment: paymentOf(s.facts), Candidates: scratch[:0], Policy: decision.ConfigVersion, Now: s.now,
		NoExplore: len(chosen) == 1 || !s.mayExplore(),
	}
	beliefs := make([]believed, len(chosen))
	request.Candidates, request.Value = s.candidates(ordered, chosen, request.Candidates, beliefs)
	request.Limits = s.limits(len(chosen))
	choice := s.view.Beliefs.Choose(&request)
	decision.Explored, decision.Learned = choice.Explore, choice.Ticket.Seq
	s.reorder(ordered, chosen, &choice, beliefs)
}

// candidates are those that the learner compares, with their fees. Without all fees there is no value to compare: nothing
// counts as free.
func (s *smartness) candidates(ordered []assessment, chosen []int, list []learn.Candidate, beliefs []believed) ([]learn.Candidate, learn.Value) {
	facts, policy := rules.FactsOf(s.facts), s.guide.policy
	known := true
	for n, i := range chosen {
		candidate := learn.Candidate{Gateway: ordered[i].entry.ID}
		fee, ok := policy.Fees(candidate.Gateway, &facts, s.now)
		if known = known && ok; ok {
			beliefs[n].fee = fee.Total()
			beliefs[n].estimate.FeeMinor = &beliefs[n].fee
			candidate.Attempt, candidate.Fee = float64(fee.Attempt), float64(fee.Total()-fee.Attempt)
		}
		list = append(list, candidate)
	}
	if !known || s.view.Switches != nil && s.view.Switches.Cost.Thrown(s.now) {
		return list, learn.Value{}
	}
	s.promise(list, beliefs)
	objective := policy.Document().Objective
	return list, learn.Value{Margin: share(objective.MarginBPS), MaxAuthLoss: share(objective.MaxAuthLossBPS)}
}

// promise adds what a payment is worth to promised volumes that are behind. A verification takes no money.
func (s *smartness) promise(list []learn.Candidate, beliefs []believed) {
	if len(s.view.Prices) == 0 || s.facts.Operation == payments.OpVerify {
		return
	}
	amount := s.facts.Amount
	for n := range list {
		list[n].Shadow = s.view.Prices[Priced{list[n].Gateway, amount.Currency}] * float64(amount.Minor)
		beliefs[n].estimate.PromiseMinor = int64(math.Round(list[n].Shadow))
	}
}

// fullBPS is the whole in basis points.
const fullBPS = 10_000

func share(bps int64) float64 { return float64(bps) / fullBPS }

// limits are the bounds of exploration among so many candidates. The policy's floor is for each of them.
func (s *smartness) limits(candidates int) learn.Limits {
	e := &s.guide.policy.Document().Exploration
	return learn.Limits{Cap: orNone(share(e.CapBPS)), Floor: orNone(share(e.FloorBPS * int64(candidates)))}
}

// orNone gives nothing the form that it has in learn.Limits, where zero stands for the default.
func orNone(part float64) float64 {
	if part == 0 {
		return -1
	}
	return part
}

// mayExplore says whether this payment may be used to learn something: one that could go on elsewhere, that the policy does
// not hold too dear, and that no kill switch protects.
func (s *smartness) mayExplore() bool {
	e := &s.guide.policy.Document().Exploration
	switch {
	case s.limit < 2, s.view.Switches != nil && s.view.Switches.Exploration.Thrown(s.now):
		return false
	case s.facts.Initiation == payments.MerchantInitiated && !e.MIT:
		return false
	case len(e.MaxAmount) == 0:
		return true
	}
	for _, most := range e.MaxAmount {
		if most.Currency == s.facts.Amount.Currency {
			return s.facts.Amount.Minor <= most.Minor
		}
	}
	return false
}

// reorder writes the learner's order into the places of those that were compared.
func (s *smartness) reorder(ordered []assessment, chosen []int, choice *learn.Choice, beliefs []believed) {
	var scratch [usualCandidates]assessment
	before := scratch[:0]
	for _, i := range chosen {
		before = append(before, ordered[i])
	}
	for n := range choice.Order {
		ranked := &choice.Order[n]
		b := &beliefs[ranked.Candidate]
		b.score = ranked.Value
		b.estimate.Approval, b.estimate.SD, b.estimate.Availability = ranked.Approval, ranked.SD, ranked.Availability
		b.estimate.Propensity, b.estimate.Impaired = ranked.Propensity, ranked.Impaired
		a := &ordered[chosen[n]]
		*a = before[ranked.Candidate]
		a.belief, a.place = b, &s.guide.places[byScore][n]
		if n == 0 && choice.Explore {
			a.place = &exploredPlace
		}
	}
}

// paymentOf is the payment as smart routing sees it. A saved card is a card. A verification has no invoice: chance goes by its customer.
func paymentOf(f *payments.Facts) learn.Payment {
	method := rules.MethodOf(f)
	p := learn.Payment{
		ID: cmp.Or(f.InvoiceID, f.CustomerID), Method: string(method), Scheme: f.Scheme, Country: f.CardCountry, IIN: f.IIN, Amount: f.Amount,
		Initiation: f.Initiation, Saved: method == rules.MethodToken, Page: method == rules.MethodPage,
	}
	if method == rules.MethodToken {
		p.Method = string(rules.MethodCard)
	}
	return p
}

// Observe teaches smart routing what became of a charge at a gateway configuration. decision is the one that sent it there.
// Charges that were never sent because of ourselves say nothing and are passed over.
func (r *Router) Observe(decision *payments.Decision, o learn.Outcome) {
	if decision == nil || decision.Facts == nil || o.Result.Fault != nil && o.Result.Fault.Local {
		return
	}
	now := r.settings.Now()
	o.Frozen = r.frozen(now)
	payment := paymentOf(decision.Facts)
	r.settings.Beliefs.Observe(learn.TicketOf(&payment, decision.Learned), o, now)
}

// frozen says that nothing may be learnt.
func (r *Router) frozen(now time.Time) bool {
	if policy := r.Config().Policy; policy != nil && policy.Document().Smart.Freeze {
		return true
	}
	thrown := r.switches.Load()
	return thrown != nil && thrown.Learning.Thrown(now)
}

// Memory is how long a policy wants what is learnt to last.
func Memory(p *rules.Policy) learn.Settings {
	s := p.Document().Smart
	return learn.Settings{MemoryPayments: float64(s.MemoryPayments), MemoryTime: time.Duration(s.MemoryDays) * 24 * time.Hour}
}

// Beliefs is what smart routes choose by: to be looked at, kept, shared and reset.
func (r *Router) Beliefs() *learn.Learner { return r.settings.Beliefs }
