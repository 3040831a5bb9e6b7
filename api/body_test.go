package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

func TestDecodeBody(t *testing.T) {
	t.Parallel()
	object := func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	}
	tests := map[string]struct {
		kind, text string
		want       map[string]any
	}{
		"nothing":                         {asJSON, "", object()},
		"white space":                     {asJSON, " \n", object()},
		"null":                            {asJSON, "null", object()},
		"PHP's empty map":                 {asJSON, "[]", object()},
		"an object":                       {asJSON, `{"a":"b","n":10.50,"t":true,"z":null}`, object("a", "b", "n", json.Number("10.50"), "t", true, "z", nil)},
		"JSON named otherwise":            {"text/plain", `{"a":"b"}`, object("a", "b")},
		"JSON named as a form (curl -d)":  {asForm, ` {"a":"b"}`, object("a", "b")},
		"JSON without a name":             {"", `{"a":"b"}`, object("a", "b")},
		"JSON with a charset":             {"application/json; charset=utf-8", `{"a":"b"}`, object("a", "b")},
		"JSON of a vendor":                {"application/vnd.api+json", `{"a":"b"}`, object("a", "b")},
		"a form":                          {asForm, "first_name=John&last_name=Smith&currency=USD", object("first_name", "John", "last_name", "Smith", "currency", "USD")},
		"a form without a name":           {"", "a=b", object("a", "b")},
		"a form that is escaped":          {asForm, "a%5Bb%5D=c+d%26", object("a", object("b", "c d&"))},
		"nested":                          {asForm, "metadata[a]=1&metadata[b]=2&phone[number]=3", object("metadata", object("a", "1", "b", "2"), "phone", object("number", "3"))},
		"deeper":                          {asForm, "a[b][c]=d", object("a", object("b", object("c", "d")))},
		"a list":                          {asForm, "a[]=x&a[]=y", object("a", object("0", "x", "1", "y"))},
		"a numbered list":                 {asForm, "a[1]=y&a[0]=x", object("a", object("0", "x", "1", "y"))},
		"a mixed list":                    {asForm, "a[1]=y&a[]=x", object("a", object("1", "y", "2", "x"))},
		"a list of objects":               {asForm, "details[0][name]=a&details[1][name]=b", object("details", object("0", object("name", "a"), "1", object("name", "b")))},
		"the last of two":                 {asForm, "a=x&a=y", object("a", "y")},
		"expand repeated":                 {asForm, "expand=x&expand=y", object("expand", object("0", "x", "1", "y"))},
		"empty parts and values":          {asForm, "&a=&&b", object("a", "", "b", "")},
		"a value with an equals sign":     {asForm, "a=b=c", object("a", "b=c")},
		"escaped quotes and brackets":     {asJSON, `{"a":"\"}]{[\\"}`, object("a", `"}]{[\`)},
		"names that come twice":           {asJSON, `{"a":1,"a":2}`, object("a", json.Number("2"))},
		"a number that no float can hold": {asJSON, `{"a":9007199254740993}`, object("a", json.Number("9007199254740993"))},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeBody(test.kind, []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeBodyRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1)
	tests := map[string]struct{ kind, text, code string }{
		"broken JSON":           {asJSON, `{not json`, payments.CodeBadFormat},
		"JSON that ends":        {asJSON, `{"a":`, payments.CodeBadFormat},
		"JSON with a tail":      {asJSON, `{"a":1} {"b":2}`, payments.CodeBadFormat},
		"a text":                {asJSON, `"4242424242424242"`, payments.CodeBadFormat},
		"a list":                {asJSON, `[1]`, payments.CodeBadFormat},
		"a word":                {asJSON, `hello`, payments.CodeBadFormat},
		"multipart":             {"multipart/form-data; boundary=x", "--x\r\n", payments.CodeBadFormat},
		"XML":                   {"application/xml", "<a/>", payments.CodeBadFormat},
		"a broken escape":       {asForm, "number=4242424242424242%zz", payments.CodeBadFormat},
		"a broken escaped name": {asForm, "%zz=1", payments.CodeBadFormat},
		"a bracket too few":     {asForm, "a[b=1", payments.CodeBadFormat},
		"a bracket too many":    {asForm, "a]b=1", payments.CodeBadFormat},
		"brackets in brackets":  {asForm, "a[b[c]]=1", payments.CodeBadFormat},
		"text between brackets": {asForm, "a[b]c[d]=1", payments.CodeBadFormat},
		"no name":               {asForm, "[b]=1", payments.CodeBadFormat},
		"a value and an object": {asForm, "a=1&a[b]=2", payments.CodeBadFormat},
		"an object and a value": {asForm, "a[b]=2&a=1", payments.CodeBadFormat},
		"JSON too deep":         {asJSON, deep, payments.CodeTooMuch},
		"lists too deep":        {asJSON, strings.Repeat("[", 100_000), payments.CodeTooMuch},
		"a form too deep":       {asForm, "a" + strings.Repeat("[b]", maxDepth) + "=1", payments.CodeTooMuch},
		"JSON with too many":    {asJSON, `{"a":[` + strings.Repeat("1,", maxValues) + "1]}", payments.CodeTooMuch},
		"a form with too many":  {asForm, strings.Repeat("a=1&", maxValues+1), payments.CodeTooMuch},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decodeBody(test.kind, []byte(test.text))
			if payments.ErrorCode(err) != test.code {
				t.Fatalf("want %s, got %v", test.code, err)
			}
			if strings.Contains(err.Error(), "42424242") {
				t.Errorf("the error repeats the body: %v", err)
			}
		})
	}
}

// FuzzDecodeBody: whatever comes is decoded or refused with a public code, within the limits, and decodes the same again.
func FuzzDecodeBody(f *testing.F) {
	for _, seed := range []string{`{"a":[{"b":null}]}`, "a[b][]=c&a[b][]=d", "[]", "a=%41&expand=x&expand=y", `{"metadata":{"k":1.5}}`, "a[0]=x&a[]=y"} {
		f.Add(asJSON, []byte(seed))
		f.Add(asForm, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		tree, err := decodeBody(kind, data)
		if err != nil {
			if payments.ErrorCode(err) == "" {
				t.Fatalf("no public code: %v", err)
			}
			return
		}
		if d := depthOf(tree); d > maxDepth+1 {
			t.Fatalf("depth %d", d)
		}
		again, err := decodeBody(kind, data)
		if err != nil || !cmp.Equal(tree, again) {
			t.Fatalf("decoded differently: %v %v %v", tree, again, err)
		}
		f := fields{values: tree, faults: &faults{}} // reading must not panic whatever the types are
		for name := range tree {
			var m map[string]string
			f.text(name, textRule{})
			f.flag(name)
			f.number(name, payments.CodeValidation)
			f.list(name)
			f.objects(name)
			f.setMetadata(&m, name)
			f.amount(name)
		}
		if _, err := parseOptions("", tree, kindInvoice); err != nil && payments.ErrorCode(err) == "" {
			t.Fatalf("no public code: %v", err)
		}
	})
}

func depthOf(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			deepest = max(deepest, depthOf(member))
		}
	case []any:
		for _, element := range v {
			deepest = max(deepest, depthOf(element))
		}
	default:
		return 0
	}
	return deepest + 1
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.MaxBody = 1000 })
	w.private("POST", "/customers", `{"first_name":"`+strings.Repeat("a", 2000)+`"}`).fails(t, 413, payments.CodeTooMuch)
	w.private("POST", "/customers", strings.Repeat("[", 500)).fails(t, 413, payments.CodeTooMuch)
	w.private("GET", "/customers", strings.Repeat("a", 5000)).ok(t) // a GET's body is not worth an error
	w.private("POST", "/customers", `{"first_name":"Ada"}`).ok(t)
	w.private("POST", "/customers", "\x1f\x8b\x08", "Content-Encoding", "gzip").fails(t, 400, payments.CodeBadFormat)
}

// TestPathIDs: SDKs escape ids in paths, each in its own way.
func TestPathIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.private("POST", "/customers", map[string]any{"id": "my-customer_1"}).ok(t)
	for _, path := range []string{"/customers/my-customer_1", "/customers/my%2Dcustomer%5F1"} {
		w.private("GET", path, nil).ok(t)
	}
	for _, path := range []string{"/customers/a%2Fb", "/customers/a+b", "/customers/%00", "/customers/%F0%9F%98%80", "/customers/a%2Fb%2Ftokens"} {
		w.private("GET", path, nil).fails(t, 404, payments.CodeCustomerNotFound)
	}
}
