package api

import (
	"net/url"
	"strconv"
	"strings"

	"switchyard/payments"
)

// pair is one name and value of a form or a query. Path is the name taken apart: "a[b][]" is a, b and "".
type pair struct {
	path  []string
	value string
}

// parsePairs takes an urlencoded text apart, in its order.
func parsePairs(text string) ([]pair, error) {
	var pairs []pair
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		if len(pairs) == maxValues {
			return nil, errBodyTooMany
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, badForm()
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, badForm()
		}
		path, ok := splitName(name)
		if !ok {
			return nil, badForm()
		}
		if len(path) > maxDepth {
			return nil, errBodyTooMany
		}
		pairs = append(pairs, pair{path: path, value: value})
	}
	return pairs, nil
}

// badForm does not quote the form: there may be a card number in it.
func badForm() error {
	return payments.NewError(payments.CodeBadFormat, "The urlencoded form is malformed. Names are like a, a[b] or a[].")
}

// splitName turns "a[b][]" into a, b, "".
func splitName(name string) ([]string, bool) {
	head, rest, nested := strings.Cut(name, "[")
	if head == "" || strings.Contains(head, "]") {
		return nil, false
	}
	path := []string{head}
	for nested {
		inner, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(inner, "[") {
			return nil, false
		}
		path = append(path, inner)
		if after == "" {
			return path, true
		}
		if after[0] != '[' {
			return nil, false
		}
		rest = after[1:]
	}
	return path, true
}

// decodeForm builds the tree that the form's names describe. A name that comes again replaces what it said before, but for
// expand, which SDKs repeat. Lists are written a[]=x or a[0]=x; the latter become a map that fields.list reads in order.
func decodeForm(text string) (map[string]any, error) {
	pairs, err := parsePairs(text)
	if err != nil {
		return nil, err
	}
	tree := map[string]any{}
	for _, p := range pairs {
		if len(p.path) == 1 && p.path[0] == optionExpand {
			p.path = []string{optionExpand, ""}
		}
		if !put(tree, p.path, p.value) {
			return nil, badForm()
		}
	}
	return tree, nil
}

// put sets one value in the tree. It reports false when the path leads through a value that is not a container. An element of
// a list, "a[]", is kept under its number.
func put(tree map[string]any, path []string, value string) bool {
	name := path[0]
	if name == "" {
		name = nextElement(tree)
	}
	if len(path) == 1 {
		if _, container := tree[name].(map[string]any); container {
			return false
		}
		tree[name] = value
		return true
	}
	switch child := tree[name].(type) {
	case nil:
		inner := map[string]any{}
		tree[name] = inner
		return put(inner, path[1:], value)
	case map[string]any:
		return put(child, path[1:], value)
	}
	return false
}

// nextElement is the first free number of a list that is being built.
func nextElement(list map[string]any) string {
	for n := len(list); ; n++ {
		name := strconv.Itoa(n)
		if _, taken := list[name]; !taken {
			return name
		}
	}
}
