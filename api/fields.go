package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"switchyard/payments"
)

// Limits of fields that the vendor's API does not name.
const (
	maxText          = 4096 // characters, where no shorter limit is known
	maxMetadata      = 100  // entries
	maxMetadataKey   = 128  // bytes
	maxMetadataValue = 4096 // bytes
)

// faults collects what is wrong with a request. The first one decides the error's code and message; none of them repeats a
// value, since there may be a card number in the wrong field.
type faults struct{ first *payments.Error }

func (f *faults) add(code, field, message string) {
	if f.first == nil {
		f.first = payments.NewError(code, message)
	}
	f.first.Fields = append(f.first.Fields, payments.FieldFault{Name: field, Message: message})
}

func (f *faults) err() error {
	if f.first == nil {
		return nil
	}
	return f.first
}

// fields reads typed values out of an object of the request. null and missing mean "not given" everywhere, numbers and
// booleans may stand as text and numbers where a text is expected, and names that are not asked for are ignored. What has the
// wrong type, or breaks its rule, is a fault.
type fields struct {
	values map[string]any
	within string // names the object in faults: "phone."
	faults *faults
	// checkHook says whether webhooks may be sent to a URL; nil: the form of the URL is all that counts
	checkHook func(string) error
}

// has reports whether the field was given.
func (f fields) has(name string) bool { return f.values[name] != nil }

func (f fields) fault(code, name, message string) { f.faults.add(code, f.within+name, message) }

// textRule says what a text may be.
type textRule struct {
	max  int    // characters; 0 means maxText
	code string // of the fault; empty means payments.CodeValidation
}

func (r textRule) faultCode() string {
	if r.code == "" {
		return payments.CodeValidation
	}
	return r.code
}

// text returns a text, "" if it was not given.
func (f fields) text(name string, rule textRule) string {
	var text string
	switch v := f.values[name].(type) {
	case nil:
		return ""
	case string:
		text = v
	case json.Number:
		text = v.String()
	default:
		f.fault(rule.faultCode(), name, "This field must be a text.")
		return ""
	}
	if rule.max == 0 {
		rule.max = maxText
	}
	if utf8.RuneCountInString(text) > rule.max {
		f.fault(rule.faultCode(), name, "This field must have "+strconv.Itoa(rule.max)+" characters at most.")
		return ""
	}
	return text
}

// setText puts a text into dst if it was given, "" too.
func (f fields) setText(dst *string, name string, rule textRule) {
	if f.has(name) {
		*dst = f.text(name, rule)
	}
}

// flag returns a boolean, false if it was not given.
func (f fields) flag(name string) bool {
	switch v := f.values[name].(type) {
	case nil:
		return false
	case bool:
		return v
	case json.Number:
		if v == "0" || v == "1" {
			return v == "1"
		}
	case string:
		switch strings.ToLower(v) {
		case "", "0", "false":
			return false
		case "1", "true":
			return true
		}
	}
	f.fault(payments.CodeValidation, name, "This field must be true or false.")
	return false
}

// setFlag puts a boolean into dst if it was given.
func (f fields) setFlag(dst *bool, name string) {
	if f.has(name) {
		*dst = f.flag(name)
	}
}

// number returns a whole number, 0 if it was not given or is empty.
func (f fields) number(name, code string) int {
	text := ""
	switch v := f.values[name].(type) {
	case nil:
	case string:
		text = strings.TrimSpace(v)
	case json.Number:
		text = v.String()
	default:
		f.fault(code, name, "This field must be a whole number.")
		return 0
	}
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		f.fault(code, name, "This field must be a whole number.")
		return 0
	}
	return n
}

// enum returns one of the allowed words, "" if it was not given or is empty.
func (f fields) enum(name, code string, allowed ...string) string {
	word := f.text(name, textRule{code: code})
	if word != "" && !slices.Contains(allowed, word) {
		f.fault(code, name, "This field must be one of: "+strings.Join(allowed, ", ")+".")
		return ""
	}
	return word
}

// object returns a sub-object; its fields count as not given if it was not.
func (f fields) object(name string) fields { return f.objectOr(name, payments.CodeValidation) }

// objectOr is object with the code of the fault. An empty list is an empty object: PHP again.
func (f fields) objectOr(name, code string) fields {
	inner := fields{within: f.within + name + ".", faults: f.faults, checkHook: f.checkHook}
	switch v := f.values[name].(type) {
	case nil:
		return inner
	case map[string]any:
		inner.values = v
		return inner
	case []any:
		if len(v) == 0 {
			return inner
		}
	}
	f.fault(code, name, "This field must be an object.")
	return inner
}

// list returns the elements of a list. A form's a[0]=x&a[1]=y comes as a map with numbers for names.
func (f fields) list(name string) []any {
	switch v := f.values[name].(type) {
	case nil:
		return nil
	case []any:
		return v
	case map[string]any:
		if items, ok := elements(v); ok {
			return items
		}
	case string:
		if v == "" {
			return nil
		}
	}
	f.fault(payments.CodeValidation, name, "This field must be a list.")
	return nil
}

func elements(numbered map[string]any) ([]any, bool) {
	numbers := make([]int, 0, len(numbered))
	for name := range numbered {
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 || strconv.Itoa(n) != name {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	items := make([]any, len(numbers))
	for i, n := range numbers {
		items[i] = numbered[strconv.Itoa(n)]
	}
	return items, true
}

// objects returns the elements of a list of objects.
func (f fields) objects(name string) []fields {
	items := f.list(name)
	list := make([]fields, 0, len(items))
	for i, item := range items {
		element := name + "[" + strconv.Itoa(i) + "]"
		list = append(list, fields{values: map[string]any{element: item}, within: f.within, faults: f.faults}.object(element))
	}
	return list
}

// texts returns the texts of a list.
func (f fields) texts(name string) []string {
	var list []string
	for _, item := range f.list(name) {
		text, ok := item.(string)
		if !ok {
			f.fault(payments.CodeValidation, name, "This field must be a list of texts.")
			return nil
		}
		list = append(list, text)
	}
	return list
}

// setMetadata replaces dst if metadata was given. Values are texts; numbers become theirs, null members are left out.
func (f fields) setMetadata(dst *map[string]string, name string) {
	if !f.has(name) {
		return
	}
	inner := f.objectOr(name, payments.CodeInvalidMetadata)
	metadata := make(map[string]string, len(inner.values))
	for key, value := range inner.values {
		if value == nil {
			continue
		}
		text, ok := value.(string)
		if number, isNumber := value.(json.Number); isNumber {
			text, ok = number.String(), true
		}
		if !ok || key == "" || len(key) > maxMetadataKey || len(text) > maxMetadataValue || len(metadata) == maxMetadata {
			f.fault(payments.CodeInvalidMetadata, name, "Metadata is a map of texts to texts, with 100 entries, names of 128 and values of 4096 bytes at most.")
			return
		}
		metadata[key] = text
	}
	*dst = metadata
}
