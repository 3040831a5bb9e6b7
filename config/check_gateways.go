package config

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
	"switchyard/spelling"
)

var gatewayID = regexp.MustCompile(`^` + payments.PrefixGateway + `[A-Za-z0-9_]{1,48}$`)

func (c *checker) gateways(projects []Project) []GatewayConfiguration {
	if len(c.doc.Gateways) == 0 {
		c.add("gateway_configurations", "is missing: there must be at least one account at a PSP")
	}
	gateways := make([]GatewayConfiguration, 0, len(c.doc.Gateways))
	for i := range c.doc.Gateways {
		s, path := &c.doc.Gateways[i], "gateway_configurations["+strconv.Itoa(i)+"]"
		switch {
		case s.ID == "":
			c.add(path+".id", "is missing: it starts with "+payments.PrefixGateway)
		case !gatewayID.MatchString(s.ID):
			c.add(path+".id", "must be "+payments.PrefixGateway+" and 1 to 48 letters, digits or _")
		case slices.ContainsFunc(gateways, func(g GatewayConfiguration) bool { return g.ID == s.ID }):
			c.add(path+".id", "another gateway configuration has this id")
		}
		live, owned := c.servesLive(path, s.Project, projects)
		g := GatewayConfiguration{
			ID: s.ID, PSP: s.PSP, Name: s.Name, ProjectID: s.Project, Live: live,
			Enabled: s.Enabled == nil || *s.Enabled, Timeout: s.Timeout,
		}
		if g.Timeout == 0 {
			g.Timeout = c.doc.Limits.PSPTimeout
		} else {
			between(c, path+".timeout", g.Timeout, time.Second, maxOperationTime)
		}
		if g.MaxInFlight = s.InFlight; g.MaxInFlight == 0 {
			g.MaxInFlight = c.doc.Limits.InFlightPerPSP
		} else {
			between(c, path+".max_in_flight", g.MaxInFlight, 1, maxInFlight)
		}
		if provider, known := c.provider(path, s.PSP); known {
			g.Provider = provider
			g.Adapter = c.settings(path, s.Settings, provider)
			if owned { // else the PSP would judge by the wrong kind of project
				c.settingsFaults(path, g.Adapter.Check(live))
			}
			g.Capabilities = c.narrowed(path, s, provider)
			if g.Name == "" {
				g.Name = provider.DisplayName
			}
		}
		gateways = append(gateways, g)
	}
	return gateways
}

// servesLive says whether real money goes through a gateway configuration. One account cannot serve both kinds of project:
// its keys are either live or test keys. Owned is false when its project is not known.
func (c *checker) servesLive(path, id string, projects []Project) (live, owned bool) {
	if id == "" {
		sandboxes := slices.ContainsFunc(projects, func(p Project) bool { return p.Sandbox })
		if c.live && sandboxes {
			c.add(path+".project", "is missing: this file has live and sandbox projects, so each gateway configuration must name its project")
		}
		return c.live, len(projects) > 0
	}
	known := make([]string, 0, len(projects))
	for _, p := range projects {
		if p.ID == id {
			return !p.Sandbox, true
		}
		known = append(known, p.ID)
	}
	c.add(path+".project", "there is no such project"+didYouMean(id, known))
	return false, false
}

func (c *checker) provider(path, name string) (adapters.Provider, bool) {
	known := make([]string, 0, len(c.providers))
	for _, p := range c.providers {
		if p.Name == name {
			return p, true
		}
		known = append(known, p.Name)
	}
	slices.Sort(known)
	switch {
	case name == "":
		c.add(path+".psp", "is missing; known here: "+strings.Join(known, ", "))
	case spelling.Nearest(name, known) != "":
		c.add(path+".psp", "is not a known PSP"+didYouMean(name, known))
	default:
		c.add(path+".psp", "is not a known PSP; known here: "+strings.Join(known, ", "))
	}
	return adapters.Provider{}, false
}

// settings decodes the PSP's own part over its defaults.
func (c *checker) settings(path string, s section, provider adapters.Provider) adapters.Config {
	config := provider.NewConfig()
	if s.node != nil {
		c.decoder.decode(s.node, path+".settings", config)
	}
	return config
}

// settingsFaults reports what the PSP's own check has found.
func (c *checker) settingsFaults(path string, faults []adapters.FieldFault) {
	for _, fault := range faults {
		at := path + ".settings"
		if fault.Field != "" {
			at = join(at, fault.Field)
		}
		c.add(at, fault.Message)
	}
}

// narrowed returns the provider's capabilities within the limits that the file sets. A file can only take away.
func (c *checker) narrowed(path string, s *gatewaySection, provider adapters.Provider) payments.Capabilities {
	caps := provider.Capabilities
	if c.has(path + ".currencies") {
		caps.Currencies = make([]payments.Currency, 0, len(s.Currencies))
		if len(s.Currencies) == 0 {
			c.add(path+".currencies", "names no currency: list some, or remove the key")
		}
		for i, text := range s.Currencies {
			at := path + ".currencies[" + strconv.Itoa(i) + "]"
			currency := c.currency(at, text)
			if currency != "" && !takes(provider.Capabilities.Currencies, currency) {
				c.add(at, provider.DisplayName+" does not take this currency")
			}
			caps.Currencies = append(caps.Currencies, currency)
		}
	}
	caps.MinAmount = c.amounts(path+".min_amount", s.MinAmount, caps.Currencies, provider.Capabilities.MinAmount, func(own, declared int64) string {
		if own < declared {
			return "is below the minimum of " + provider.DisplayName
		}
		return ""
	})
	caps.MaxAmount = c.amounts(path+".max_amount", s.MaxAmount, caps.Currencies, provider.Capabilities.MaxAmount, func(own, declared int64) string {
		if own > declared {
			return "is above the maximum of " + provider.DisplayName
		}
		return ""
	})
	for code := range s.MaxAmount {
		currency, _ := payments.ParseCurrency(code) // a wrong one has been reported
		if most, ok := caps.MaxAmount[currency]; ok && most < caps.MinAmount[currency] {
			c.add(join(path+".max_amount", code), "is below the minimum")
		}
	}
	return caps
}

// amounts puts the file's limits over the declared ones.
func (c *checker) amounts(
	path string, own map[string]decimalNumber, currencies []payments.Currency,
	declared map[payments.Currency]int64, wider func(own, declared int64) string,
) map[payments.Currency]int64 {
	if len(own) == 0 {
		return declared
	}
	limits := maps.Clone(declared)
	if limits == nil {
		limits = make(map[payments.Currency]int64, len(own))
	}
	for code, text := range own {
		at := join(path, code)
		currency := c.currency(at, code)
		if currency == "" {
			continue
		}
		if !takes(currencies, currency) {
			c.add(at, "this gateway configuration does not take the currency")
			continue
		}
		amount, err := payments.ParseAmount(string(text), currency)
		if err != nil {
			c.add(at, "is not an amount: give it in major units, such as \"20.00\"")
			continue
		}
		if limit, ok := declared[currency]; ok {
			if fault := wider(amount.Minor, limit); fault != "" {
				c.add(at, fault)
			}
		}
		limits[currency] = amount.Minor
	}
	return limits
}

// takes says whether a list of currencies, nil for all, has the currency.
func takes(list []payments.Currency, currency payments.Currency) bool {
	return list == nil || slices.Contains(list, currency)
}
