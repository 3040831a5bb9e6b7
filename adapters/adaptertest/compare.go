package adaptertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

// compareRequest returns what is wrong with a request, by the exchange's want_ fields. It says where and what was expected,
// never what was found: that may be a card number.
func (e *Exchange) compareRequest(header http.Header, body string) []error {
	var errs []error
	for name, want := range e.Headers {
		got := header.Get(name)
		if got == "" || want != "*" && got != want {
			errs = append(errs, fmt.Errorf("the header %s should be %q", name, want))
		}
	}
	if len(e.JSON) == 0 && len(e.Form) == 0 && len(e.Absent) == 0 {
		return errs
	}
	got, err := leaves(body)
	if err != nil {
		return append(errs, err)
	}
	want := map[string]string{}
	if len(e.JSON) > 0 {
		if want, err = leaves(string(e.JSON)); err != nil {
			return append(errs, fmt.Errorf("want_json: %w", err))
		}
	}
	maps.Copy(want, e.Form)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[path]; !ok || !sameLeaf(value, want[path]) {
			errs = append(errs, fmt.Errorf("the field %s of the body should be %s (present: %t)", path, want[path], ok))
		}
	}
	for _, path := range e.Absent {
		for have := range got {
			if have == path || strings.HasPrefix(have, path+".") {
				errs = append(errs, fmt.Errorf("the field %s should not be in the body", have))
			}
		}
	}
	return errs
}

// leaves flattens a JSON or form body: dotted path → the value. JSON strings keep their quotes, so that "1" and 1 differ.
func leaves(body string) (map[string]string, error) {
	flat := map[string]string{}
	trimmed := strings.TrimSpace(body)
	if !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		values, err := url.ParseQuery(trimmed)
		if err != nil {
			return nil, errors.New("the body is neither JSON nor a form")
		}
		for name := range values {
			flat[name] = values.Get(name)
		}
		return flat, nil
	}
	decoder := json.NewDecoder(strings.NewReader(trimmed))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, errors.New("the body is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the body is more than one JSON value")
	}
	flatten(flat, "", v)
	return flat, nil
}

func flatten(into map[string]string, path string, v any) {
	join := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			flatten(into, join(key), inner)
		}
	case []any:
		for i, inner := range v {
			flatten(into, join(strconv.Itoa(i)), inner)
		}
	case json.Number:
		into[path] = v.String()
	default: // a string, a boolean or null: marshalling these cannot fail
		text, _ := json.Marshal(v)
		into[path] = string(text)
	}
}

// sameLeaf compares two values; numbers may differ in zeros behind the point, and the string "*" stands for anything.
func sameLeaf(got, want string) bool {
	return got == want || want == `"*"` || want == "*" ||
		!strings.HasPrefix(got, `"`) && !strings.HasPrefix(want, `"`) && plainNumber(got) != "" && plainNumber(got) == plainNumber(want)
}

// plainNumber is a decimal number without needless zeros; "" if text is no plain number. An exponent is not plain: a PSP may
// not read it.
func plainNumber(text string) string {
	whole, fraction, pointed := strings.Cut(text, ".")
	for _, part := range []string{whole, fraction} {
		if strings.Trim(part, "0123456789") != "" {
			return ""
		}
	}
	if whole == "" || pointed && fraction == "" {
		return ""
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

// compareResult returns how the result differs from what the fixture wants.
func (w *Want) compareResult(r result, p params) []error {
	var errs []error
	expect := func(what string, got, want any) {
		if diff := cmp.Diff(want, got); diff != "" {
			errs = append(errs, fmt.Errorf("%s (-want +got):\n%s", what, diff))
		}
	}
	if w.Noted != nil {
		last := payments.ProviderRefs{}
		if len(r.noted) > 0 {
			last = r.noted[len(r.noted)-1]
		}
		expect("noted references", last, *w.Noted)
	}
	if w.Fault != "" {
		return append(errs, w.compareFault(r.err)...)
	}
	if r.err != nil {
		return append(errs, fmt.Errorf("error %w, want an answer", r.err))
	}
	if w.Fence != "" {
		expect("fence", r.fence, w.Fence)
	}
	outcome, refs := r.outcome, r.outcome.Refs
	if w.Finding != "" {
		expect("finding", r.finding.Kind, w.Finding)
		outcome = r.finding.Outcome
		refs = r.finding.Refs.Merge(outcome.Refs)
	}
	if w.Totals != nil {
		expect("totals", r.finding.Totals, *w.Totals)
	}
	errs = append(errs, w.compareOutcome(outcome, p)...)
	if w.Methods != nil {
		errs = append(errs, w.compareMethods(r.methods)...)
	}
	if w.Listed != nil {
		expect("listed", listedRows(r.page), *w.Listed)
		expect("where the list goes on", r.page.Next, w.Next)
	}
	// The references that the fixture does not give are taken over from the result and so agree.
	expect("references", refs, refs.Merge(w.Refs))
	return errs
}

func (w *Want) compareFault(err error) []error {
	f := payments.AsFault(err)
	switch {
	case f == nil:
		return []error{fmt.Errorf("an answer, want a fault of kind %s", w.Fault)}
	case f.Kind != w.Fault:
		return []error{fmt.Errorf("fault %w, want the kind %s", f, w.Fault)}
	case w.MethodGone != f.MethodGone:
		return []error{fmt.Errorf("fault with method gone %t, want %t", f.MethodGone, w.MethodGone)}
	case w.SaveRefused != f.SaveRefused:
		return []error{fmt.Errorf("fault with saving refused %t, want %t", f.SaveRefused, w.SaveRefused)}
	case w.Code != "" && f.PublicCode() != w.Code:
		return []error{fmt.Errorf("fault with the code %s, want %s", f.PublicCode(), w.Code)}
	case w.RawCode != "" && f.RawCode != w.RawCode:
		return []error{fmt.Errorf("fault with the raw code %s, want %s", f.RawCode, w.RawCode)}
	}
	return nil
}

// compareMethods compares a list of saved methods with what must be in it.
func (w *Want) compareMethods(got []payments.SavedMethod) []error {
	if len(got) != len(w.Methods) {
		return []error{fmt.Errorf("%d methods, want %d", len(got), len(w.Methods))}
	}
	var errs []error
	for i, want := range w.Methods {
		m := got[i]
		have := WantMethod{Ref: m.MethodRef, Scheme: m.Card.Scheme, Last4: m.Card.Last4, ExpMonth: m.Card.ExpMonth, ExpYear: m.Card.ExpYear, Unusable: !m.Usable}
		if want.Scheme == "" {
			have.Scheme = ""
		}
		if want.Last4 == "" {
			have.Last4 = ""
		}
		if want.ExpMonth == 0 {
			have.ExpMonth, have.ExpYear = 0, 0
		}
		if diff := cmp.Diff(want, have); diff != "" {
			errs = append(errs, fmt.Errorf("method %d (-want +got):\n%s", i+1, diff))
		}
	}
	return errs
}

func (w *Want) compareOutcome(got payments.Outcome, p params) []error {
	var errs []error
	for _, f := range []struct{ what, got, want string }{
		{"status", string(got.Status), string(w.Status)},
		{"code", string(got.Code), string(w.Code)},
		{"raw code", got.RawCode, w.RawCode},
		{"response code of the scheme", got.NetworkCode, w.NetworkCode},
		{"advice code of the scheme", got.AdviceCode, w.AdviceCode},
		{"network transaction id", got.NetworkTransactionID, w.NetworkTransactionID},
		{"CVC check", got.CVCCheck, w.CVCCheck},
		{"AVS check", got.AVSCheck, w.AVSCheck},
		{"who may use the method", string(got.MethodOnly), string(w.MethodOnly)},
	} {
		if f.want != "" && f.got != f.want {
			errs = append(errs, fmt.Errorf("%s is %q, want %q", f.what, f.got, f.want))
		}
	}
	if w.Class != "" && got.Class().String() != w.Class {
		errs = append(errs, fmt.Errorf("the class of %s is %s, want %s", got.Code, got.Class(), w.Class))
	}
	if w.Action != nil {
		if diff := cmp.Diff(w.Action, got.Action); diff != "" {
			errs = append(errs, fmt.Errorf("action (-want +got):\n%s", diff))
		}
	}
	if w.Amount != "" && (got.Amount.String() != w.Amount || got.Amount.Currency != p.amount.Currency) {
		errs = append(errs, fmt.Errorf("amount is %s %s, want %s %s", got.Amount, got.Amount.Currency, w.Amount, p.amount.Currency))
	}
	return append(errs, sound(got)...)
}

// sound returns what no outcome may be, whatever the PSP said.
func sound(o payments.Outcome) []error {
	var errs []error
	switch {
	case o.Status == payments.Declined && o.Code == "":
		errs = append(errs, errors.New("a decline without a code"))
	case o.Status == payments.Declined && !o.Code.Known():
		errs = append(errs, fmt.Errorf("the code %s is not in the closed list", o.Code))
	case o.Status == payments.Declined && o.Code.MeansUnknown():
		errs = append(errs, fmt.Errorf("the code %s leaves the outcome open: that is an unknown fault, no decline", o.Code))
	case o.Status != payments.Declined && o.Code != "":
		errs = append(errs, fmt.Errorf("the code %s without a decline", o.Code))
	case (o.Status == payments.ActionRequired) != (o.Action != nil):
		errs = append(errs, errors.New("an action and the status for it must come together"))
	}
	return errs
}
