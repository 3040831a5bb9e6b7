package payments

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every constant that names an event is in the list that merchants choose from.
func TestEventNames(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Event") {
				return true
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok {
				name, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, name)
			}
			return true
		})
	}
	got := EventNames()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) || len(got) < 10 {
		t.Errorf("the list has %v, the constants are %v", got, want)
	}
}

// A bound lies between the ids of events made before and after it.
func TestEventIDAt(t *testing.T) {
	t.Parallel()
	before := EventIDAt(time.Now())
	id := NewID(PrefixEvent)
	after := EventIDAt(time.UnixMilli(int64(idClock.last>>16) + 1))
	if !(before <= id && id < after) {
		t.Errorf("%s, %s, %s are not in order", before, id, after)
	}
	if EventIDAt(time.Time{}) != EventIDAt(time.UnixMilli(0)) || EventIDAt(time.UnixMilli(5)) <= EventIDAt(time.UnixMilli(4)) {
		t.Error("times are not in order")
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	s := Snapshot{
		Customer: &Customer{ID: "cust_1"}, Token: &Token{ID: "tok_1"}, Transaction: &Transaction{ID: "tr_1"}, Invoice: &Invoice{ID: "iv_1"}, Endpoint: &WebhookEndpoint{ID: "whend_1"},
	}
	for name, want := range map[string]string{
		EventCustomerUpdated: "cust_1", EventTokenUpdated: "tok_1", EventTransactionCaptured: "tr_1", "invoice.completed": "iv_1", EventEndpointDisabled: "whend_1", "other": "ev_1",
	} {
		if got := (&Event{ID: "ev_1", Name: name, Snapshot: s}).SubjectID(); got != want {
			t.Errorf("%s is about %s, want %s", name, got, want)
		}
		if got := (&Event{ID: "ev_1", Name: name}).SubjectID(); got != "ev_1" {
			t.Errorf("%s without its object is about %s", name, got)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		d        Delivery
		name     string
		endpoint bool
	}{
		{Delivery{EndpointID: "whend_1", URL: "https://a.example/"}, "whend_1", true},
		{Delivery{URL: "https://A.example/hook?x=1"}, "url:a.example", false},
		{Delivery{URL: "http://127.0.0.1:4000/hook"}, "url:127.0.0.1:4000", false},
		{Delivery{URL: "://"}, "url:", false},
	} {
		tc.d.ProjectID = "proj_1"
		if got := tc.d.Target(); got != (Target{"proj_1", tc.name}) || got.IsEndpoint() != tc.endpoint {
			t.Errorf("%+v: %+v", tc.d, got)
		}
	}
}
