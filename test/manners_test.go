package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inBubbles are packages all of whose tests run in bubbles of testing/synctest, though most of their files do not say so.
var inBubbles = []string{"test/simulation"}

// TestNoSleep checks that no test waits for real time to pass: it would be slow where it is right, and wrong where the
// machine is slow. In a bubble of testing/synctest no real time passes.
func TestNoSleep(t *testing.T) {
	t.Parallel()
	var files []string
	for _, p := range readTree(t) {
		for _, i := range p.imports {
			if i.path == "time" && strings.HasSuffix(i.file, "_test.go") && !importsSynctest(p, i.file) && !slices.Contains(inBubbles, p.path) {
				files = append(files, i.file)
			}
		}
	}
	for _, file := range files {
		positions := token.NewFileSet()
		syntax, err := parser.ParseFile(positions, filepath.Join(root, file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Sleep" {
				if name, ok := call.X.(*ast.Ident); ok && name.Name == "time" {
					t.Errorf("%s: time.Sleep; wait on a signal, or run the test in a bubble of testing/synctest", positions.Position(call.Pos()))
				}
			}
			return true
		})
	}
}

func importsSynctest(p pkg, file string) bool {
	return slices.Contains(p.imports, imported{path: "testing/synctest", file: file})
}
