package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
)

func TestExpandSpellings(t *testing.T) {
	t.Parallel()
	want := expansion{"transaction": {"card": {}}, "customer": {}}
	for _, query := range []string{
		"expand[]=transaction.card&expand[]=customer",
		"expand%5B%5D=transaction.card&expand%5B%5D=customer",
		"expand[0]=transaction.card&expand[1]=customer",
		"expand=transaction.card&expand=customer",
		"expand=transaction.card,customer",
		"expand=transaction.card%2Ccustomer",
		`expand=["transaction.card","customer"]`,
		"expand=invoice.transaction.card&expand=invoice.customer",
		"?&filter=&expand=transaction.card,%20customer&limit=",
	} {
		got, err := parseOptions(query, nil, kindInvoice)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if diff := cmp.Diff(want, got.expand); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	for name, body := range map[string]map[string]any{
		"a JSON list": {"expand": []any{"transaction.card", "customer"}},
		"a text":      {"expand": "transaction.card,customer"},
		"a form":      {"expand": map[string]any{"0": "transaction.card", "1": "customer"}},
	} {
		got, err := parseOptions("expand=&limit=0", body, kindInvoice)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got.expand); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"expand=nonsense", "expand=transaction.nonsense", "expand=transaction.invoice.transaction.invoice.transaction",
		"expand=.", "expand=transaction.", "expand=4242424242424242",
	} {
		if _, err := parseOptions(query, nil, kindInvoice); payments.ErrorCode(err) != payments.CodeExpandInvalid {
			t.Errorf("%s: want %s, got %v", query, payments.CodeExpandInvalid, err)
		}
	}
	for _, body := range []map[string]any{{"expand": []any{1}}, {"expand": []any{map[string]any{}}}} {
		if _, err := parseOptions("", body, kindInvoice); payments.ErrorCode(err) != payments.CodeExpandInvalid {
			t.Errorf("%v: want %s, got %v", body, payments.CodeExpandInvalid, err)
		}
	}
	if got, err := parseOptions("expand=anything", nil, kindNone); err != nil || len(got.expand) != 0 {
		t.Errorf("a call that shows nothing: %v %v", got, err)
	}
}

// TestExpandableIsClosed: everything that can be expanded is a kind that is known, so that no path leads out of the graph.
func TestExpandableIsClosed(t *testing.T) {
	t.Parallel()
	ends := map[kind]bool{kindLeaf: true, kindProject: true, kindGateway: true}
	for of, members := range expandable {
		for name, to := range members {
			if _, ok := expandable[to]; !ok && !ends[to] {
				t.Errorf("%s.%s leads to %s, which nobody knows", of, name, to)
			}
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		query string
		body  map[string]any
		want  payments.Page
		code  string
	}{
		"nothing":              {want: payments.Page{Limit: 10}},
		"as the Go SDK":        {query: "end_before=&filter=&limit=0&start_after=", want: payments.Page{Limit: 10}},
		"as the Ruby SDK":      {query: "?&filter=&limit=&end_before=&start_after=", want: payments.Page{Limit: 10}},
		"a page":               {query: "limit=5&start_after=cust_1&order=asc", want: payments.Page{Limit: 5, StartAfter: "cust_1", Ascending: true}},
		"too many":             {query: "limit=5000", want: payments.Page{Limit: 100}},
		"in the body":          {body: map[string]any{"limit": "7", "end_before": "cust_9"}, want: payments.Page{Limit: 7, EndBefore: "cust_9"}},
		"the query first":      {query: "limit=3", body: map[string]any{"limit": "7", "order": nil}, want: payments.Page{Limit: 3}},
		"an iterator turned":   {query: "start_after=a&end_before=b", want: payments.Page{Limit: 10, EndBefore: "b"}},
		"a word for a limit":   {query: "limit=ten", code: payments.CodePaginationInvalid},
		"a negative limit":     {query: "limit=-1", code: payments.CodePaginationInvalid},
		"an object as a limit": {body: map[string]any{"limit": map[string]any{}}, code: payments.CodePaginationInvalid},
		"a strange order":      {query: "order=sideways", code: payments.CodePaginationInvalid},
		"a filter":             {query: "filter=status:paid", code: payments.CodeFilterInvalid},
		"a broken query":       {query: "limit=%zz", code: payments.CodeBadFormat},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseOptions(test.query, test.body, kindCustomer)
			if payments.ErrorCode(err) != test.code {
				t.Fatalf("want code %q, got %v", test.code, err)
			}
			if diff := cmp.Diff(test.want, got.page); test.code == "" && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string // newest first
	for range 5 {
		ids = append([]string{w.customer()}, ids...)
	}
	for _, test := range []struct {
		query string
		want  []string
		more  bool
	}{
		{"", ids, false},
		{"limit=2", ids[:2], true},
		{"limit=2&start_after=" + ids[1], ids[2:4], true},
		{"limit=2&start_after=" + ids[3], ids[4:], false},
		{"limit=2&end_before=" + ids[4], ids[2:4], true},
		{"limit=2&end_before=" + ids[1], ids[:1], false},
		{"limit=2&start_after=" + ids[1] + "&end_before=" + ids[2], ids[:2], false},
		{"limit=2&order=asc", []string{ids[4], ids[3]}, true},
	} {
		g := w.private("GET", "/customers?"+test.query, nil).ok(t)
		var got []string
		for i := range int(g.at("count").(float64)) {
			got = append(got, g.text("customers", i, "id"))
		}
		if !cmp.Equal(test.want, got) || g.at("has_more") != test.more {
			t.Errorf("%q: want %v more %v, got %v more %v", test.query, test.want, test.more, got, g.at("has_more"))
		}
	}
	g := w.private("GET", "/customers?limit=2&order=asc", nil)
	if g.at("limit") != 2.0 || g.at("order") != "asc" {
		t.Errorf("the envelope says %v %v", g.at("limit"), g.at("order"))
	}
	w.private("GET", "/customers?start_after=cust_nobody", nil).fails(t, 400, payments.CodePaginationInvalid)
	if got := w.private("GET", "/cards", nil).ok(t).at("cards"); !cmp.Equal(got, []any{}) {
		t.Errorf("an empty list must be [], got %v", got)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	all := []string{"a", "b", "c", "d"} // oldest first
	id := func(s *string) string { return *s }
	for _, test := range []struct {
		page payments.Page
		want []string
		more bool
	}{
		{payments.Page{Limit: 10}, []string{"d", "c", "b", "a"}, false},
		{payments.Page{Limit: 2, StartAfter: "d"}, []string{"c", "b"}, true},
		{payments.Page{Limit: 2, EndBefore: "a"}, []string{"c", "b"}, true},
		{payments.Page{Limit: 9, EndBefore: "d"}, []string{}, false},
		{payments.Page{Limit: 2, Ascending: true, StartAfter: "b"}, []string{"c", "d"}, false},
	} {
		got, err := cut(all, test.page, id)
		if err != nil || !cmp.Equal(got.Items, test.want) || got.HasMore != test.more {
			t.Errorf("%+v: got %v %v %v", test.page, got.Items, got.HasMore, err)
		}
	}
	if _, err := cut(all, payments.Page{Limit: 1, StartAfter: "z"}, id); payments.ErrorCode(err) != payments.CodePaginationInvalid {
		t.Errorf("an unknown cursor: %v", err)
	}
}
