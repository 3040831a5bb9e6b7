package test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the module's root, seen from this package.
const root = ".."

// module is the module's path.
const module = "switchyard"

// rule says what a package may import, and why no more.
type rule struct {
	pkgs   string   // the packages it is about
	ours   []string // packages of this module
	theirs []string // other modules, and guarded packages of the standard library
	why    string
	tests  allowed // what its tests may import besides
}

// allowed is a set of imports.
type allowed struct {
	ours   []string
	theirs []string
}

// pkg is a package of the tree.
type pkg struct {
	path    string // below the module's root
	imports []imported
}

// imported is one import of one file.
type imported struct {
	path string
	file string
}

// readTree finds the packages of the module. It reads the files themselves, so that no build tag hides an import.
func readTree(t *testing.T) []pkg {
	t.Helper()
	found := make(map[string]*pkg)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if file != root && !holdsPackages(file) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		p := found[path.Dir(name)]
		if p == nil {
			p = &pkg{path: path.Dir(name)}
			found[p.path] = p
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range syntax.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			p.imports = append(p.imports, imported{path: target, file: name})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no packages")
	}
	tree := make([]pkg, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		tree = append(tree, *found[name])
	}
	return tree
}

// holdsPackages says whether the go command looks for packages of this module in dir.
func holdsPackages(dir string) bool {
	name := filepath.Base(dir)
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err != nil // a module of its own otherwise
}

// check returns what is wrong with the tree, in sentences.
func check(rules []rule, tree []pkg) []string {
	var faults []string
	used := make(map[string]bool)
	for _, p := range tree {
		r, ok := ruleFor(rules, p.path)
		if !ok {
			faults = append(faults, p.path+": no rule; write down what it may import, and why")
			continue
		}
		used[r.pkgs] = true
		for _, i := range p.imports {
			who := r.pkgs
			if strings.HasSuffix(i.file, "_test.go") {
				who = "tests of " + who
			}
			if !r.allows(p.path, i) {
				faults = append(faults, fmt.Sprintf("%s imports %s, which %s may not (%s)", i.file, i.path, who, r.why))
			}
		}
	}
	for _, r := range rules {
		if !used[r.pkgs] {
			faults = append(faults, fmt.Sprintf("rule for %s: no such package", r.pkgs))
		}
		for _, pattern := range slices.Concat(r.ours, r.tests.ours) {
			if !slices.ContainsFunc(tree, func(p pkg) bool { return matches(pattern, p.path) }) {
				faults = append(faults, fmt.Sprintf("rule for %s: it allows %s, which does not exist", r.pkgs, pattern))
			}
		}
	}
	return faults
}

// ruleFor finds the most specific rule: the package's own, then the longest pattern.
func ruleFor(rules []rule, path string) (rule, bool) {
	var best rule
	found := false
	for _, r := range rules {
		if !matches(r.pkgs, path) {
			continue
		}
		if r.pkgs == path {
			return r, true
		}
		if !found || len(r.pkgs) > len(best.pkgs) {
			best, found = r, true
		}
	}
	return best, found
}

// allows says whether a file of the package at path may have the import.
func (r rule) allows(path string, i imported) bool {
	isTest := strings.HasSuffix(i.file, "_test.go")
	if target, ours := strings.CutPrefix(i.path, module+"/"); ours {
		if isTest && (target == path || matchesAny(r.tests.ours, target)) {
			return true
		}
		return matchesAny(r.ours, target)
	}
	if standard(i.path) && !matchesAny(guarded, i.path) {
		return true
	}
	if isTest && (matchesAny(testLibraries, i.path) || matchesAny(r.tests.theirs, i.path)) {
		return true
	}
	return matchesAny(r.theirs, i.path)
}

// standard says whether the package belongs to the standard library, whose paths have no host in front.
func standard(path string) bool {
	host, _, _ := strings.Cut(path, "/")
	return !strings.Contains(host, ".")
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

// matches says whether the path falls under the pattern: "a/b", "a/*" or "a/...".
func matches(pattern, target string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return target == parent || strings.HasPrefix(target, parent+"/")
	}
	if parent, ok := strings.CutSuffix(pattern, "/*"); ok {
		return path.Dir(target) == parent
	}
	return pattern == target
}
