package rules

import (
	"slices"
	"strings"
)

// commitments reports promised volumes that can move no payments, or not all that count.
func (a *analyser) commitments() {
	for i := range a.policy.doc.Commitments {
		c := &a.policy.doc.Commitments[i]
		named, compared := a.comparedWith(c.Gateway)
		if !named {
			a.report(c.gatewayAt, SeverityWarning, CodeCommitmentIdle, "", "a volume was promised to "+c.Gateway+", and no route names it")
			continue
		}
		if why := a.powerless(c, compared); why != "" {
			a.report(c.gatewayAt, SeverityWarning, CodeCommitmentDead, "", "the volume promised to "+a.display(c.Gateway)+" moves no payment"+why)
		}
		a.uncounted(c)
	}
}

// comparedWith says whether any route names a gateway configuration, and lists what smart routes compare it with, itself included.
func (a *analyser) comparedWith(id string) (named bool, compared []string) {
	for r := range a.policy.doc.routes() {
		among := r.Gateways
		if r.Kind == RouteSmart && len(among) == 0 {
			for i := range a.world.Gateways {
				if a.world.Gateways[i].Enabled {
					among = append(among, a.world.Gateways[i].ID)
				}
			}
		}
		has := slices.Contains(among, id)
		named = named || has || slices.Contains(r.Fallback, id)
		if has && r.Kind == RouteSmart {
			compared = append(compared, among...)
		}
	}
	slices.Sort(compared)
	return named, slices.Compact(compared)
}

// powerless says why a promised volume moves no payment, or where it does not; "" if it moves all.
func (a *analyser) powerless(c *Commitment, compared []string) string {
	if c.ShortfallBPS == 0 {
		return ": nothing has to be paid for what is missing; give its shortfall_bps"
	}
	if len(compared) < 2 {
		return ": only smart routes look at promised volumes, and none compares it with others"
	}
	var without []string
	for _, id := range compared {
		if a.policy.feeTable(id, a.world.Now) == nil {
			without = append(without, id)
		}
	}
	const because = "smart routes look at value only where the fees of all that they compare are known"
	switch {
	case slices.Contains(without, c.Gateway):
		return ": it has no fees, and " + because
	case len(without) > 0:
		for i := range without {
			without[i] = a.display(without[i])
		}
		return " that " + listOf(without) + " could take, too: " + because
	}
	return ""
}

// uncounted reports currencies that do not count towards a promised volume.
func (a *analyser) uncounted(c *Commitment) {
	counted := a.policy.doc.Rates.Into(c.MinVolume.Currency)
	var without []string
	for _, currency := range a.world.Currencies {
		if !slices.Contains(counted, currency) && a.anyTakes(c.Gateway, currency) {
			without = append(without, string(currency))
		}
	}
	if len(without) > 0 {
		a.report(c.at, SeverityWarning, CodeCommitmentRate, "", "payments in "+strings.Replace(listOf(without), " or ", " and ", 1)+
			" do not count towards the volume promised to "+a.display(c.Gateway)+" in "+string(c.MinVolume.Currency)+": rates do not convert them")
	}
}
