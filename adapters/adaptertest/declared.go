package adaptertest

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"switchyard/adapters"
	"switchyard/payments"
)

// providerName is what a PSP may be called in configuration files.
var providerName = regexp.MustCompile(`^[a-z][a-z0-9]{1,30}$`)

// checkProvider looks at the declaration of the PSP.
func (b *bench) checkProvider() []error {
	var errs []error
	p := b.Provider
	if !providerName.MatchString(p.Name) {
		errs = append(errs, fmt.Errorf("the name %q is not lower-case letters and digits", p.Name))
	}
	if p.DisplayName == "" {
		errs = append(errs, errors.New("the display name is missing"))
	}
	if u, err := url.Parse(p.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		errs = append(errs, errors.New("the vendor's site is not an https URL"))
	}
	if p.NewConfig == nil {
		return append(errs, errors.New("NewConfig is missing"))
	}
	first, second := reflect.ValueOf(p.NewConfig()), reflect.ValueOf(p.NewConfig())
	switch {
	case first.Kind() != reflect.Pointer || first.Elem().Kind() != reflect.Struct:
		errs = append(errs, errors.New("NewConfig does not return a pointer to a struct"))
	case first.Pointer() == second.Pointer():
		errs = append(errs, errors.New("NewConfig returns the same configuration twice"))
	}
	return errs
}

// checkCapabilities looks for declarations that contradict each other or the code.
func (b *bench) checkCapabilities() []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	c := b.Provider.Capabilities
	_, verifies := o.Adapter.(adapters.Verifier)
	_, voids := o.Adapter.(adapters.Voider)
	_, increments := o.Adapter.(adapters.Incrementer)
	var errs []error
	for _, rule := range []struct {
		holds bool
		what  string
	}{
		{c.ZeroVerify == verifies, "ZeroVerify is declared if and only if the adapter is a Verifier"},
		{!voids || c.ManualCapture, "a Voider without ManualCapture"},
		{!increments || c.ManualCapture, "an Incrementer without ManualCapture"},
		{!c.PartialCapture || c.ManualCapture, "PartialCapture without ManualCapture"},
		{!c.MultiCapture || c.PartialCapture, "MultiCapture without PartialCapture"},
		{(c.CaptureWindow > 0) == c.ManualCapture, "CaptureWindow and ManualCapture come together"},
		{c.Units == "minor" || c.Units == "major", `Units is "minor" or "major"`},
		{slices.Contains([]string{"header", "reference", "none"}, c.Idempotency), `Idempotency is "header", "reference" or "none"`},
		{len(slices.Compact(slices.Sorted(slices.Values(c.Currencies)))) == len(c.Currencies), "a currency is declared twice"},
	} {
		if !rule.holds {
			errs = append(errs, errors.New(rule.what))
		}
	}
	for _, currency := range c.Currencies {
		if !currency.Valid() {
			errs = append(errs, fmt.Errorf("%q is no currency", currency))
		}
	}
	for _, country := range c.Countries {
		if len(country) != 2 || strings.ToUpper(country) != country {
			errs = append(errs, fmt.Errorf("%q is no country", country))
		}
	}
	for name, limits := range map[string]map[payments.Currency]int64{
		"MinAmount": c.MinAmount, "MaxAmount": c.MaxAmount, "AmountStep": c.AmountStep,
	} {
		for currency, amount := range limits {
			if amount <= 0 || c.Currencies != nil && !slices.Contains(c.Currencies, currency) {
				errs = append(errs, fmt.Errorf("%s of %s is not positive, or the currency is not declared", name, currency))
			}
			if most, ok := c.MaxAmount[currency]; ok && c.MinAmount[currency] > most {
				errs = append(errs, fmt.Errorf("MinAmount of %s is above MaxAmount", currency))
			}
		}
	}
	return errs
}

// checkRecovery asks for a way out of an unknown outcome for everything that the adapter does with money.
func (b *bench) checkRecovery() []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	c := b.Provider.Capabilities
	_, voids := o.Adapter.(adapters.Voider)
	_, increments := o.Adapter.(adapters.Incrementer)
	_, verifies := o.Adapter.(adapters.Verifier)
	_, abandons := o.Adapter.(adapters.Abandoner)
	fenced := false
	var errs []error
	for op, does := range map[payments.Operation]bool{
		payments.OpAuthorize: c.ManualCapture, payments.OpSale: true, payments.OpCapture: c.ManualCapture,
		payments.OpRefund: true, payments.OpVoid: voids, payments.OpIncrement: increments, payments.OpVerify: verifies || c.PageSaves,
	} {
		r, declared := c.Recovery[op]
		switch {
		case does && !declared:
			errs = append(errs, fmt.Errorf("no Recovery is declared for %s", op))
		case !does && declared:
			errs = append(errs, fmt.Errorf("a Recovery is declared for %s, which the adapter cannot do", op))
		case declared && !slices.Contains([]payments.AskBy{payments.AskByReference, payments.AskBySession, payments.AskByTotals}, r.Ask):
			errs = append(errs, fmt.Errorf("the Recovery for %s does not say how to ask", op))
		case r.Fence && !op.Charges():
			errs = append(errs, fmt.Errorf("a Fence is declared for %s, which does not charge", op))
		case r.AbsenceAfter < 0:
			errs = append(errs, fmt.Errorf("AbsenceAfter of %s is negative", op))
		}
		fenced = fenced || r.Fence
	}
	if fenced != abandons {
		errs = append(errs, errors.New("a Fence is declared if and only if the adapter is an Abandoner"))
	}
	return errs
}

// checkConfig looks at the checks of the configuration.
func (b *bench) checkConfig() []error {
	config, err := b.newConfig()
	if err != nil {
		return []error{err}
	}
	names := yamlNames(config)
	var errs []error
	if faults := config.Check(false); len(faults) > 0 {
		errs = append(errs, fmt.Errorf("config.yaml has faults as a sandbox configuration: %v", faults))
	}
	if faults := config.Check(true); len(faults) == 0 {
		errs = append(errs, errors.New("the sandbox configuration passes as a live one"))
	}
	empty := b.Provider.NewConfig()
	faults := empty.Check(false)
	if len(faults) == 0 {
		errs = append(errs, errors.New("an empty configuration has no faults"))
	}
	for _, f := range append(faults, config.Check(true)...) {
		if _, ok := names[f.Field]; !ok || f.Message == "" {
			errs = append(errs, fmt.Errorf("the fault of %q names no field by its yaml name, or says nothing", f.Field))
		}
	}
	if field, ok := names["base_url"]; ok && field.Kind() == reflect.String {
		field.SetString("http://psp.test")
		if !slices.ContainsFunc(config.Check(true), func(f adapters.FieldFault) bool { return f.Field == "base_url" }) {
			errs = append(errs, errors.New("a plain-http base_url passes in a live configuration"))
		}
	} else {
		errs = append(errs, errors.New("the configuration has no text field base_url"))
	}
	shown := fmt.Sprintf("%v %+v %#v", config, config, config)
	for i, secret := range secretsIn(config) {
		if strings.Contains(shown, secret) {
			errs = append(errs, fmt.Errorf("the printed configuration shows its secret %d", i+1))
		}
	}
	return errs
}

// yamlNames returns the fields of a configuration by their yaml names.
func yamlNames(config adapters.Config) map[string]reflect.Value {
	names := map[string]reflect.Value{}
	v := reflect.ValueOf(config).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			names[name] = v.Field(i)
		}
	}
	return names
}
