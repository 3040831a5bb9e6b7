package processout

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"switchyard/sims/psp"
)

// fields are a request's body. ProcessOut takes JSON and forms, numbers and flags as text, and null for what is not
// given.
type fields map[string]any

type decoded struct {
	fields  fields
	problem *psp.Answer
}

// readFields reads a body: JSON when it looks like it, else a form.
func readFields(body []byte) any {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return decoded{fields: fields{}}
	}
	if body[0] != '{' && body[0] != '[' {
		return readForm(string(body))
	}
	reader := json.NewDecoder(bytes.NewReader(body))
	reader.UseNumber()
	out := fields{}
	if err := reader.Decode(&out); err != nil {
		bad := invalid("request.bad-format", "The body is not valid JSON.")
		return decoded{fields: fields{}, problem: &bad}
	}
	return decoded{fields: out}
}

// readForm reads a=b and a[b]=c.
func readForm(body string) decoded {
	values, err := url.ParseQuery(body)
	if err != nil {
		bad := invalid("request.bad-format", "The body is not a valid form.")
		return decoded{fields: fields{}, problem: &bad}
	}
	out := fields{}
	for name := range values {
		outer, inner, nested := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		if !nested {
			out[name] = values.Get(name)
			continue
		}
		object, ok := out[outer].(map[string]any)
		if !ok {
			object = map[string]any{}
			out[outer] = object
		}
		object[inner] = values.Get(name)
	}
	return decoded{fields: out}
}

func input(r *psp.Request) fields { return r.Decoded.(decoded).fields }

// text is a field as text: "" when it is null or missing.
func (f fields) text(name string) string {
	switch v := f[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (f fields) flag(name string) bool {
	text := f.text(name)
	return text == "true" || text == "1"
}

// texts is a field that maps text to text.
func (f fields) texts(name string) map[string]string {
	object, _ := f[name].(map[string]any)
	if len(object) == 0 {
		return nil
	}
	out := make(map[string]string, len(object))
	for key := range object {
		out[key] = fields(object).text(key)
	}
	return out
}

// set changes a value to a field that is given.
func (f fields) set(to *string, name string) {
	if text := f.text(name); text != "" {
		*to = text
	}
}

// expansions are what an answer is asked to spell out, in any of the five spellings, nested ones with a dot.
type expansions []string

func (e expansions) has(what string) bool { return slices.Contains(e, what) }

// under are the expansions inside of one.
func (e expansions) under(what string) expansions {
	var out expansions
	for _, one := range e {
		if inner, ok := strings.CutPrefix(one, what+"."); ok {
			out = append(out, inner)
		}
	}
	return out
}

// expand reads expand, expand[], expand[0] and expand=a,b of the query. The answer says which one is unknown.
func expand(r *psp.Request) (expansions, *psp.Answer) {
	known := []string{
		"project", "customer", "token", "tokens", "card", "invoice", "transaction", "operations", "refunds",
		"gateway_configuration", "default_token",
	}
	var out expansions
	for name, values := range r.Query {
		if name != "expand" && !strings.HasPrefix(name, "expand[") {
			continue
		}
		for one := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if one == "" {
				continue
			}
			for part := range strings.SplitSeq(one, ".") {
				if !slices.Contains(known, part) {
					bad := invalid("request.expand.invalid", "Unknown expansion "+one+".")
					return nil, &bad
				}
			}
			out = append(out, one)
			if first, _, nested := strings.Cut(one, "."); nested {
				out = append(out, first)
			}
		}
	}
	return out, nil
}
