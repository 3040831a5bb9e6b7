package policies

import (
	"context"
	"slices"
	"strings"
	"time"

	"switchyard/payments"
	"switchyard/router"
	"switchyard/router/rules"
)

// MaxSwitch is how long a kill switch may stay thrown.
const MaxSwitch = 7 * 24 * time.Hour

// Target is what a kill switch switches off.
type Target struct {
	Kind                   payments.KillSwitchKind `json:"kind"`
	GatewayConfigurationID string                  `json:"gateway"`
	Method                 string                  `json:"method"`
}

// ID names the kill switch of a target. There is one for each.
func (t Target) ID() string {
	return strings.Join(slices.DeleteFunc([]string{string(t.Kind), t.GatewayConfigurationID, t.Method}, func(part string) bool { return part == "" }), ":")
}

// switchMethods are the methods that can be switched off.
var switchMethods = []rules.Method{rules.MethodCard, rules.MethodPage, rules.MethodToken}

func (s *Service) checkTarget(t Target) error {
	known := func(g router.Gateway) bool { return g.ID == t.GatewayConfigurationID }
	switch t.Kind {
	case payments.SwitchGateway, payments.SwitchMethod:
		if !slices.ContainsFunc(s.router.Config().Gateways, known) {
			return invalid("There is no gateway configuration %q; GET /gateways lists them.", t.GatewayConfigurationID)
		}
		if t.Kind == payments.SwitchMethod && !slices.Contains(switchMethods, rules.Method(t.Method)) {
			return invalid("The method of a kill switch is card, page or token, not %q.", t.Method)
		}
		if t.Kind == payments.SwitchGateway && t.Method != "" {
			return invalid("A kill switch for one method has the kind method.")
		}
		return nil
	case payments.SwitchLearning, payments.SwitchExploration, payments.SwitchCost, payments.SwitchCascades:
		if t.GatewayConfigurationID != "" || t.Method != "" {
			return invalid("A kill switch of the kind %s names no gateway configuration and no method.", t.Kind)
		}
		return nil
	}
	return invalid("There is no kill switch of the kind %q; there are gateway, method, learning, exploration, cost and cascades.", t.Kind)
}

// Throw throws a kill switch until a time, or changes how long and why it is thrown.
func (s *Service) Throw(ctx context.Context, t Target, until time.Time, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	if err := s.checkTarget(t); err != nil {
		return Result{}, err
	}
	if err := checkEnd(until, MaxSwitch); err != nil {
		return Result{}, err
	}
	thrown := payments.KillSwitch{
		ID: t.ID(), Kind: t.Kind, GatewayConfigurationID: t.GatewayConfigurationID, Method: t.Method, Until: until.UTC(), By: o.By, Because: o.Because, At: time.Now().UTC(),
	}
	return s.decide(ctx, nil, func(state *payments.RoutingState) (*step, error) {
		i := slices.IndexFunc(state.Switches, func(k payments.KillSwitch) bool { return k.ID == thrown.ID })
		if i >= 0 && state.Switches[i].Until.Equal(until) && state.Switches[i].By == o.By && state.Switches[i].Because == o.Because {
			return nil, nil
		}
		return &step{kind: payments.RoutingThrown, order: o, about: thrown.ID, until: thrown.Until, edit: func(state *payments.RoutingState) {
			state.Switches = append(without(state.Switches, thrown.ID), thrown)
		}}, nil
	})
}

// Withdraw ends a kill switch before its time.
func (s *Service) Withdraw(ctx context.Context, id string, o Order) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	return s.decide(ctx, nil, func(state *payments.RoutingState) (*step, error) {
		i := slices.IndexFunc(state.Switches, func(k payments.KillSwitch) bool { return k.ID == id && time.Now().Before(k.Until) })
		if i < 0 {
			return nil, missing("No kill switch %q is thrown; GET /routing lists those that are.", id)
		}
		return &step{kind: payments.RoutingWithdrawn, order: o, about: id, until: state.Switches[i].Until, edit: func(state *payments.RoutingState) {
			state.Switches = without(state.Switches, id)
		}}, nil
	})
}

func without(list []payments.KillSwitch, id string) []payments.KillSwitch {
	return slices.DeleteFunc(slices.Clone(list), func(k payments.KillSwitch) bool { return k.ID == id })
}

// switchesOf are kill switches as decisions obey them: each until its time. Nil when there is none.
func switchesOf(list []payments.KillSwitch) *router.Switches {
	if len(list) == 0 {
		return nil
	}
	all := &router.Switches{Gateways: map[string]router.Switch{}, Methods: map[string]map[rules.Method]router.Switch{}}
	for _, k := range list {
		off := router.Switch{Until: k.Until, Because: k.Because}
		switch k.Kind {
		case payments.SwitchGateway:
			all.Gateways[k.GatewayConfigurationID] = off
		case payments.SwitchMethod:
			if all.Methods[k.GatewayConfigurationID] == nil {
				all.Methods[k.GatewayConfigurationID] = map[rules.Method]router.Switch{}
			}
			all.Methods[k.GatewayConfigurationID][rules.Method(k.Method)] = off
		case payments.SwitchLearning:
			all.Learning = off
		case payments.SwitchExploration:
			all.Exploration = off
		case payments.SwitchCost:
			all.Cost = off
		case payments.SwitchCascades:
			all.Cascades = off
		}
	}
	return all
}
