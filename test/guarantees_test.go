package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// proof is a command of docs/guarantees.md that runs tests by name.
var proof = regexp.MustCompile(`go test ((?:\./[a-z/]+ ?)+)-run '([^']+)'`)

// TestGuaranteesNameTests: a promise whose test was renamed or removed would look tested and not be.
func TestGuaranteesNameTests(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	proofs := proof.FindAllStringSubmatch(strings.ReplaceAll(string(text), `\|`, "|"), -1)
	if len(proofs) < 10 {
		t.Fatalf("%d commands run tests by name, more were expected", len(proofs))
	}
	for _, p := range proofs {
		for name := range strings.SplitSeq(p[2], "|") {
			name, _, _ = strings.Cut(strings.TrimSuffix(name, "$"), "/")
			if !anyTestNamed(t, strings.Fields(p[1]), name) {
				t.Errorf("%q runs no test that is named like %q", p[0], name)
			}
		}
	}
}

func anyTestNamed(t *testing.T, packages []string, part string) bool {
	t.Helper()
	named := regexp.MustCompile(`(?m)^func Test\w*` + regexp.QuoteMeta(strings.TrimPrefix(part, "Test")))
	for _, dir := range packages {
		files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if text, err := os.ReadFile(filepath.Clean(file)); err == nil && named.Match(text) {
				return true
			}
		}
	}
	return false
}
