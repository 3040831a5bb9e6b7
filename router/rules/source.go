package rules

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a file. The parser's time grows with the square of the depth, so that depth is bounded before it runs.
const (
	maxFileBytes = 1 << 20
	maxLineBytes = 8 << 10
	maxBrackets  = 100 // open at once, counted without regard to quotes
	maxDepth     = 32  // of values within values
)

// place is where a value stands, counted from 1.
type place struct{ line, column int }

// kind is how a value is written.
type kind uint8

const (
	kindText kind = iota
	kindNumber
	kindBool
	kindNothing
	kindMapping
	kindList
)

// node is a value of the file.
type node struct {
	kind    kind
	at      place
	text    string // of a single value, as it is written
	entries []entry
	items   []*node
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	at    place
	value *node
}

// parse makes a tree of a file's text. It returns nil when there is none; why is reported.
func (d *decoder) parse(text []byte) *node {
	switch {
	case len(text) > maxFileBytes:
		d.fault(place{1, 1}, CodeTooLarge, "the file is larger than 1 MiB")
		return nil
	case !utf8.Valid(text):
		d.fault(place{1, 1}, CodeSyntax, "the file is not UTF-8 text")
		return nil
	}
	d.lines = strings.Split(string(text), "\n")
	if d.tooDeep() {
		return nil
	}
	file, err := parseYAML(text)
	var syntax yaml.Error
	switch {
	case errors.As(err, &syntax) && syntax.GetToken() != nil:
		at := syntax.GetToken().Position
		d.fault(place{at.Line, at.Column}, CodeSyntax, "this is not YAML: "+strings.ReplaceAll(syntax.GetMessage(), "\t", `\t`))
		return nil
	case err != nil:
		d.fault(place{1, 1}, CodeUnreadable, "this is not YAML")
		return nil
	}
	documents := slices.DeleteFunc(file.Docs, func(doc *ast.DocumentNode) bool { return doc.Body == nil })
	switch {
	case len(documents) == 0:
		d.fault(place{1, 1}, CodeMissing, "the file is empty: it needs a default route at least")
		return nil
	case len(documents) > 1:
		d.fault(placeOf(documents[1].Body.GetToken()), CodeSyntax, "the file must hold one document only")
		return nil
	}
	return d.tree(documents[0].Body, 0)
}

// tooDeep reports what would keep the parser busy for long.
func (d *decoder) tooDeep() bool {
	open := 0
	for i, line := range d.lines {
		if items := len(line) - len(strings.TrimLeft(line, " -")); strings.Count(line[:items], "-") > maxDepth {
			d.fault(place{i + 1, 1}, CodeTooLarge, "too many lists within lists")
			return true
		}
		if len(line) > maxLineBytes {
			d.fault(place{i + 1, 1}, CodeTooLarge, "the line is longer than 8 KiB: write the list with one item on each line")
			return true
		}
		for j := range len(line) {
			switch line[j] {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			}
			if open > maxBrackets {
				d.fault(place{i + 1, j + 1}, CodeTooLarge, "too many open brackets")
				return true
			}
		}
	}
	return false
}

// parseYAML keeps a panic of the parser, which reads what people typed, from ending the program.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("rules: the parser gave up")
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // duplicates are reported with everything else
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}

// tree turns a parsed value into a node, and reports what of YAML is not taken here: what is written must be what is read.
func (d *decoder) tree(n ast.Node, depth int) *node {
	if n == nil {
		return &node{kind: kindNothing, at: place{1, 1}}
	}
	made := &node{at: placeOf(n.GetToken())}
	if depth > maxDepth {
		d.fault(made.at, CodeTooLarge, "this is nested too deeply")
		return nil
	}
	switch n := n.(type) {
	case *ast.NullNode:
		made.kind = kindNothing
	case *ast.StringNode:
		made.text = n.Value
	case *ast.LiteralNode:
		made.text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		made.kind, made.text = kindNumber, n.GetToken().Value
	case *ast.BoolNode:
		made.kind, made.text = kindBool, n.GetToken().Value
	case *ast.MappingNode:
		made.kind = kindMapping
		made.entries = d.entries(n, depth)
		if len(made.entries) > 0 {
			made.at = made.entries[0].at
		}
	case *ast.SequenceNode:
		made.kind = kindList
		for _, value := range n.Values {
			if item := d.tree(value, depth+1); item != nil {
				made.items = append(made.items, item)
			}
		}
	default:
		d.fault(made.at, CodeSyntax, "anchors, aliases, tags and directives are not taken here: write the value out")
		return nil
	}
	return made
}

// entries lists a mapping without its duplicates, which are faults.
func (d *decoder) entries(mapping *ast.MappingNode, depth int) []entry {
	var list []entry
	seen := map[string]bool{}
	for _, v := range mapping.Values {
		t := v.Key.GetToken()
		e := entry{at: placeOf(t)}
		switch {
		case v.Key.IsMergeKey():
			d.fault(e.at, CodeSyntax, "merge keys are not taken here: write the values out")
			continue
		case t == nil || !isPlainKey(v.Key):
			d.fault(e.at, CodeSyntax, "a key must be a single word")
			continue
		}
		e.key = t.Value
		if seen[e.key] {
			d.fault(e.at, CodeDuplicate, quoted(e.key)+" stands here twice")
			continue
		}
		seen[e.key] = true
		if e.value = d.tree(v.Value, depth+1); e.value == nil {
			e.value = &node{kind: kindNothing, at: e.at}
			d.broken[e.value] = true
		} else if e.value.kind == kindNothing {
			e.value.at = e.at
		}
		list = append(list, e)
	}
	return list
}

func isPlainKey(key ast.MapKeyNode) bool {
	switch key.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return true
	}
	return false
}
