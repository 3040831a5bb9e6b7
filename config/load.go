package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"switchyard/adapters"
)

// Options are what Load needs beside the file.
type Options struct {
	Providers []adapters.Provider // the PSPs that gateway configurations may name
	Getenv    func(string) string // default os.Getenv
	ReadFile  func(string) ([]byte, error)
	// WithoutRules leaves the routing policy unread: another one is to be looked at.
	WithoutRules bool
}

// maxFileBytes bounds the configuration file.
const maxFileBytes = 1 << 20

// Load reads the file at path, and the environment over it. The error is a *Faults with everything that is wrong, or tells
// that the file cannot be read at all.
func Load(path string, o Options) (*Config, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	text, err := o.ReadFile(path)
	if err != nil {
		return nil, &Faults{List: []Fault{{File: filepath.ToSlash(path), Message: "cannot be read: " + unreadable(err)}}}
	}
	l := newLedger(filepath.ToSlash(path))
	if len(text) > maxFileBytes {
		l.add("", "the file is larger than 1 MiB")
		return nil, l.err()
	}
	d := &decoder{ledger: l, refs: references{getenv: o.Getenv, readFile: o.ReadFile, folder: filepath.Dir(path)}}
	doc := defaults()
	if root := parse(l, text); root != nil {
		d.decode(root, "", &doc)
	} else if len(l.faults) > 0 {
		return nil, l.err() // nothing is known of the file, so nothing is missing in it
	}
	overrides(l, &doc, o.Getenv)

	c := &checker{ledger: l, decoder: d, doc: &doc, providers: o.Providers, unruled: o.WithoutRules}
	config := c.check()
	if err := l.err(); err != nil {
		return nil, err
	}
	return config, nil
}

// parse returns the file's only document, or nil when it is empty or has a fault of syntax.
func parse(l *ledger, text []byte) ast.Node {
	file, err := parseYAML(text)
	var syntax yaml.Error
	switch {
	case errors.As(err, &syntax) && syntax.GetToken() != nil:
		at := syntax.GetToken().Position
		l.addAt(place{line: at.Line, column: at.Column}, "", "this is not YAML: "+printable(syntax.GetMessage()))
		return nil
	case err != nil:
		l.add("", "this is not YAML")
		return nil
	}
	documents := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(documents) == 0 {
		return nil
	}
	root := documents[0].Body
	if fault := unsupported(root); fault != "" {
		l.addAt(placeOfNode(root), "", fault)
		return nil
	}
	if len(documents) > 1 {
		l.addAt(placeOfNode(documents[1].Body), "", "the file must hold one document only")
		return nil
	}
	return root
}

// parseYAML keeps a panic of the parser, which reads what people typed, from ending the program.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("config: the parser gave up")
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // duplicates are reported by the decoder, all at once
}

// printable cuts off what a message quotes from the file, and shows a tab as such.
func printable(message string) string {
	message = strings.ReplaceAll(message, "\t", `\t`)
	before, _, quotes := strings.Cut(message, `"`)
	if quotes {
		return strings.TrimSpace(before) + " …"
	}
	return message
}

// unreadable says why a file cannot be read, without its path once more.
func unreadable(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
