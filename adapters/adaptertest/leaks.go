package adaptertest

import (
	"context"
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
	check("the page of charges", fmt.Sprintf("%+v", r.page))
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

// Names of what must not show.
const (
	cardNumberName = "card number"
	cvcName        = "CVC"
)

// cvc is the one that the case sends.
func (c *Case) cvc() string {
	if c.Request.Method != "" {
		return c.Request.CVC
	}
	return c.card().CVC.Reveal()
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
	number := c.card().Number.Reveal()
	list[cardNumberName] = func(text string) bool {
		return strings.Contains(strings.NewReplacer(" ", "", "-", "").Replace(text), number)
	}
	if cvc := c.cvc(); cvc != "" {
		alone := regexp.MustCompile(`(^|[^0-9])` + regexp.QuoteMeta(cvc) + `([^0-9]|$)`)
		list[cvcName] = alone.MatchString
	}
	return list
}

// credentials is what a careless PSP could repeat of a request, in few words: texts are cut.
func (o *opened) credentials(c Case, request string) string {
	var b strings.Builder
	for what, found := range o.hidden(c) {
		if found(request) {
			fmt.Fprintf(&b, "%s %s ", what, o.text(c, what))
		}
	}
	return b.String()
}

// text is the text of what must not show, by the names that hidden gives.
func (o *opened) text(c Case, what string) string {
	switch what {
	case cardNumberName:
		return c.card().Number.Reveal()
	case cvcName:
		return c.cvc()
	}
	return strings.Join(o.secrets, " ")
}

// echoes are answers that repeat the whole request, with every credential, in every place where a PSP puts text.
func (o *opened) echoes(c Case) map[string]answer {
	echoOf := func(req *http.Request) string {
		text := textOf(req)
		return o.credentials(c, text) + " in " + text
	}
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

// textOf is a request as one text, credentials included.
func textOf(req *http.Request) string {
	body, err := readRequest(req)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s ", body, req.Method, req.URL)
	for name, values := range req.Header {
		fmt.Fprintf(&b, "%s=%s ", name, strings.Join(values, ","))
	}
	user, password, _ := req.BasicAuth()
	fmt.Fprintf(&b, "%s %s", user, password)
	return b.String()
}

// checkDeclineSecrets plays every recorded decline with credentials behind the PSP's own code for it: the code goes into the
// outcome as it came, but for those.
func (b *bench) checkDeclineSecrets() []error {
	var errs []error
	for _, c := range b.cases {
		if c.Want.Status != payments.Declined || c.Want.RawCode == "" {
			continue
		}
		p, err := b.params(c)
		if err != nil {
			return []error{err}
		}
		o, err := b.open()
		if err != nil {
			return []error{err}
		}
		// The code may stand in the recording with blanks around it.
		code := regexp.MustCompile(`"\s*` + regexp.QuoteMeta(c.Want.RawCode) + `\s*"`)
		injected := map[int]answer{}
		for i, e := range b.render(c, p) {
			injected[i] = func(req *http.Request) (*http.Response, error) {
				told, err := json.Marshal(c.Want.RawCode + " " + o.credentials(c, textOf(req)))
				e.Body = code.ReplaceAllLiteral(e.Body, told)
				return e.answer(), err
			}
		}
		r, _ := b.play(context.Background(), o, c, p, injected)
		errs = append(errs, prefix(c.Name, o.leaks(c, r))...)
	}
	return errs
}
