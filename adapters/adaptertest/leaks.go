package adaptertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"switchyard/payments"
)

// secretsIn returns the text of every Secret in a value.
func secretsIn(v any) []string {
	var found []string
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			if s, ok := reflect.TypeAssert[payments.Secret](v); ok {
				if !s.IsZero() {
					found = append(found, s.Reveal())
				}
				return
			}
			for _, f := range reflect.VisibleFields(v.Type()) {
				if f.IsExported() {
					walk(v.FieldByIndex(f.Index))
				}
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				walk(v.MapIndex(key))
			}
		default: // no secret can be in there
		}
	}
	walk(reflect.ValueOf(v))
	return found
}

// pointer is an address, in which any digits may be.
var pointer = regexp.MustCompile(`0x[0-9a-f]+`)

// leaks returns what an operation has let out: in its error, in any way of printing its result, or in the log.
func (o *opened) leaks(c Case, r result) []error {
	var errs []error
	hidden := o.hidden(c)
	check := func(where, text string) {
		text = pointer.ReplaceAllLiteralString(text, "pointer")
		for what, found := range hidden {
			if found(text) {
				errs = append(errs, fmt.Errorf("%s shows the %s", where, what))
			}
		}
	}
	if r.err != nil {
		check("the error", fmt.Sprintf("%v %+v %#v", r.err, r.err, r.err))
		if f := payments.AsFault(r.err); f != nil {
			check("the fault", fmt.Sprintf("%+v %#v %+v", *f, *f, f.Err))
		}
	}
	check("the outcome", fmt.Sprintf("%+v %#v", r.outcome, r.outcome))
	check("the finding", fmt.Sprintf("%+v %#v", r.finding, r.finding))
	marshalled, err := json.Marshal(struct {
		Outcome payments.Outcome
		Finding payments.Finding
	}{r.outcome, r.finding})
	if err != nil {
		errs = append(errs, fmt.Errorf("the result cannot be marshalled: %w", err))
	}
	check("the marshalled result", string(marshalled))
	check("the log", o.log.String())
	return errs
}

// hidden says what must not show, and how each is recognised.
func (o *opened) hidden(c Case) map[string]func(text string) bool {
	contains := func(needle string) func(string) bool {
		return func(text string) bool { return strings.Contains(text, needle) }
	}
	list := map[string]func(string) bool{}
	for i, s := range o.secrets {
		list[fmt.Sprintf("secret %d of the configuration", i+1)] = contains(s)
	}
	card := c.card()
	number := card.Number.Reveal()
	list["card number"] = func(text string) bool {
		return strings.Contains(strings.NewReplacer(" ", "", "-", "").Replace(text), number)
	}
	cvc := card.CVC.Reveal()
	if c.Request.Method != "" {
		cvc = c.Request.CVC
	}
	if cvc != "" {
		alone := regexp.MustCompile(`(^|[^0-9])` + regexp.QuoteMeta(cvc) + `([^0-9]|$)`)
		list["CVC"] = alone.MatchString
	}
	return list
}

// echoes are answers that repeat the whole request, with every credential, in every place where a PSP puts text.
func echoes() map[string]answer {
	list := map[string]answer{
		"echoing transport error": func(req *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("cannot send %s", echoOf(req))
		},
	}
	for _, status := range []int{200, 201, 400, 401, 402, 404, 409, 422, 429, 500} {
		list[fmt.Sprintf("echoing %d", status)] = func(req *http.Request) (*http.Response, error) {
			text := echoOf(req)
			one := map[string]any{
				"code": text, "message": text, "detail": text, "type": text, "field": text, "path": text, "sub_code": text,
			}
			body, err := json.Marshal(map[string]any{
				"success": false, "status": text, "error_code": text, "error_type": text, "failure_code": text, "failure_message": text,
				"code": text, "message": text, "error": one, "errors": []any{one},
			})
			if err != nil {
				return nil, err
			}
			header := http.Header{"Content-Type": {"application/json"}}
			return newResponse(status, header, strings.NewReader(string(body))), nil
		}
	}
	return list
}
