package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// document is openapi.yaml as a reader that is not ours understands it.
var document = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := openAPI()
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
})

func loadDocument(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	if err := loadDocument(t).Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	if w.do(ask{method: "GET", path: "/openapi.json", anonymous: true}).text("openapi") != "3.1.0" {
		t.Error("the document is not served")
	}
}

var ginParameter = regexp.MustCompile(`:([a-z]+)`)

func TestDocumentHasEveryRoute(t *testing.T) {
	t.Parallel()
	var served, described []string
	for _, r := range New(Options{}).(*server).engine.Routes() {
		served = append(served, r.Method+" "+ginParameter.ReplaceAllString(r.Path, "{$1}"))
	}
	for path, item := range loadDocument(t).Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served:\n%s\ndescribed:\n%s", strings.Join(served, "\n"), strings.Join(described, "\n"))
	}
}

// TestDocumentSaysWhoMayCall holds the document's security against the table of routes.
func TestDocumentSaysWhoMayCall(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	for _, r := range routes {
		operation := doc.Paths.Value(ginParameter.ReplaceAllString(r.path, "{$1}")).GetOperation(r.method)
		described := privateOnly
		if operation.Security != nil {
			described = publicToo
			if len(*operation.Security) == 0 {
				described = anyone
			}
		}
		if described != r.access {
			t.Errorf("%s %s: described as %v, served as %v", r.method, r.path, described, r.access)
		}
	}
}

// checkAgainstDocument holds an answer against the document. Every answer in the tests of this package goes through it.
func checkAgainstDocument(t testing.TB, r *http.Request, g got) {
	t.Helper()
	if err := againstDocument(loadDocument(t), r, g); err != nil {
		t.Errorf("%s %s: the answer is not as described: %v\n%s", r.Method, r.URL.Path, err, g.body)
	}
}

func againstDocument(doc *openapi3.T, r *http.Request, g got) error {
	path, operation := operationOf(doc, r)
	if operation == nil {
		return nil // no such route: the envelope is all there is to it
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: r, Route: &routers.Route{Spec: doc, Path: path, Method: r.Method, Operation: operation},
		},
		Status: g.status, Header: g.header, Body: io.NopCloser(bytes.NewReader([]byte(g.body))),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	return openapi3filter.ValidateResponse(r.Context(), input)
}

// TestDocumentNotices: the check that every answer goes through does find what is wrong.
func TestDocumentNotices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.private("GET", "/customers/"+w.customer(), nil).ok(t)
	r := httptest.NewRequest(http.MethodGet, "/customers/cust_1", nil)
	if err := againstDocument(loadDocument(t), r, g); err != nil {
		t.Fatal(err)
	}
	for was, is := range map[string]string{
		`"success":true`:       `"success":false`,
		`"metadata":{}`:        `"metadata":null`,
		`"sandbox":true,`:      ``,
		`"first_name":"Ada"`:   `"first_name":5`,
		`12:00:00.123Z"`:       `12:00:00Z"`,
		`"customer":{`:         `"client":{`,
		`"default_token":null`: `"default_token":{}`,
	} {
		spoilt := g
		spoilt.body = strings.Replace(g.body, was, is, 1)
		if spoilt.body == g.body {
			t.Fatalf("%s is not in the answer", was)
		}
		if err := againstDocument(loadDocument(t), r, spoilt); err == nil {
			t.Errorf("%s for %s is not noticed", is, was)
		}
	}
}

// operationOf finds the operation of a request: the path with the fewest parameters that fits.
func operationOf(doc *openapi3.T, r *http.Request) (string, *openapi3.Operation) {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for path, item := range doc.Paths.Map() {
		template := strings.Split(path, "/")
		if len(template) != len(parts) {
			continue
		}
		fits := true
		for i, part := range template {
			fits = fits && (part == parts[i] || strings.HasPrefix(part, "{") && parts[i] != "")
		}
		if operation := item.GetOperation(r.Method); fits && operation != nil {
			return path, operation
		}
	}
	return "", nil
}
