package test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The guide for authors of adapters, and the example that it follows.
const (
	guidePath   = "docs/adding-a-psp.md"
	examplePath = "adapters/adaptertest/example"
)

// excerpt is a fenced block of the guide: ```go charge.go.
type excerpt struct {
	line     int
	language string
	file     string // below the root, or one of the example's when it has no folder
	text     string
}

func excerpts(t *testing.T, text string) []excerpt {
	t.Helper()
	var list []excerpt
	var open *excerpt
	number := 0
	for line := range strings.Lines(text) {
		number++
		fence, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case isFence && open == nil:
			language, file, _ := strings.Cut(fence, " ")
			open = &excerpt{line: number, language: language, file: file}
		case isFence:
			list = append(list, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block does not end", guidePath, open.line)
	}
	return list
}

// TestGuideExcerpts asks that whatever the guide quotes stands in the file that it names.
func TestGuideExcerpts(t *testing.T) {
	t.Parallel()
	quoted := map[string]bool{}
	for _, e := range excerpts(t, readText(t, guidePath)) {
		switch e.language {
		case "go", "json", "yaml":
		case "sh", "text":
			continue
		default:
			t.Errorf("%s:%d: a block of %q; excerpts are go, json or yaml, commands sh", guidePath, e.line, e.language)
			continue
		}
		if e.file == "" {
			t.Errorf("%s:%d: the block does not say which file it is from", guidePath, e.line)
			continue
		}
		file := e.file
		if !strings.Contains(file, "/") {
			file = path.Join(examplePath, file)
		}
		quoted[file] = true
		if !strings.Contains(readText(t, file), e.text) {
			t.Errorf("%s:%d: this does not stand in %s:\n%s", guidePath, e.line, file, e.text)
		}
	}
	for _, name := range exampleFiles(t) {
		if file := path.Join(examplePath, name); !quoted[file] && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s shows nothing of %s", guidePath, file)
		}
	}
}

// exampleFiles are the example's Go files.
func exampleFiles(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, examplePath, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no example", err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	return names
}

// TestGuideFiles asks that the table of files is that of the example.
func TestGuideFiles(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+\\.go)` \\| \\S")
	var listed []string
	for _, m := range row.FindAllStringSubmatch(readText(t, guidePath), -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(listed)
	if files := exampleFiles(t); !slices.Equal(listed, files) {
		t.Errorf("the guide lists %v, the example has %v", listed, files)
	}
}

// TestGuideNamesRealFiles asks that every path in the guide exists, and that its steps are counted.
func TestGuideNamesRealFiles(t *testing.T) {
	t.Parallel()
	text := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(readText(t, guidePath), "")
	code := regexp.MustCompile("`([a-zA-Z0-9_./<>-]+)`")
	link := regexp.MustCompile(`\]\(([^)]+)\)`)
	folders := []string{"adapters/", "api/", "cmd/", "config/", "docs/", "flow/", "payments/", "router/", "sims/", "store/", "test/"}
	exists := func(name string) {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("%s names %s, which does not exist", guidePath, name)
		}
	}
	count := 0
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "<") || !slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(m[1], f) }) {
			continue
		}
		count++
		exists(m[1])
	}
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "://") {
			count++
			exists(path.Join(path.Dir(guidePath), m[1]))
		}
	}
	if count < 10 {
		t.Errorf("only %d paths are found in the guide", count)
	}
	steps := regexp.MustCompile(`(?m)^## (\d+)\. \S`).FindAllStringSubmatch(text, -1)
	for i, m := range steps {
		if m[1] != fmt.Sprint(i+1) {
			t.Errorf("step %d has the number %s", i+1, m[1])
		}
	}
	if len(steps) < 10 {
		t.Errorf("only %d steps are found in the guide", len(steps))
	}
}

// TestGuideAbilities holds the table of abilities against the contract's interfaces and their comments.
func TestGuideAbilities(t *testing.T) {
	t.Parallel()
	var listed []string
	for line := range strings.Lines(readText(t, guidePath)) {
		if regexp.MustCompile("^\\| `[A-Z][A-Za-z]+` \\| `[A-Z]").MatchString(line) {
			listed = append(listed, strings.TrimRight(line, "\n"))
		}
	}
	if want := abilities(t); !slices.Equal(listed, want) {
		t.Errorf("the table of abilities is not that of adapters/adapters.go. It is:\n%s", strings.Join(want, "\n"))
	}
}

// abilities are the optional interfaces of the contract as rows of a table.
func abilities(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "adapters/adapters.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, d := range file.Decls {
		declared, ok := d.(*ast.GenDecl)
		if !ok || declared.Tok != token.TYPE {
			continue
		}
		spec, _ := declared.Specs[0].(*ast.TypeSpec)
		methods, isInterface := spec.Type.(*ast.InterfaceType)
		if !isInterface || spec.Name.Name == "Adapter" || spec.Name.Name == "Config" {
			continue
		}
		doc := strings.Join(strings.Fields(declared.Doc.Text()), " ")
		doc, _, _ = strings.Cut(strings.TrimPrefix(doc, spec.Name.Name+" "), ". ")
		doc, _, _ = strings.Cut(doc, ": ")
		rows = append(rows, fmt.Sprintf("| `%s` | `%s` | %s |", spec.Name.Name, methods.Methods.List[0].Names[0].Name, strings.TrimSuffix(doc, ".")))
	}
	return rows
}

// TestGuideCommands runs every command of the guide, without anybody's credentials.
func TestGuideCommands(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds tests")
	}
	environment := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SWITCHYARD_SANDBOX_") })
	count := 0
	for _, e := range excerpts(t, readText(t, guidePath)) {
		if e.language != "sh" {
			continue
		}
		for line := range strings.Lines(e.text) {
			count++
			command := exec.CommandContext(t.Context(), "bash", "-c", line)
			command.Dir, command.Env = root, environment
			if out, err := command.CombinedOutput(); err != nil || bytes.Contains(out, []byte("no tests to run")) {
				t.Errorf("%s:%d: %s: %v\n%s", guidePath, e.line, strings.TrimSpace(line), err, out)
			}
		}
	}
	if count < 2 {
		t.Errorf("only %d commands are found in the guide", count)
	}
}
