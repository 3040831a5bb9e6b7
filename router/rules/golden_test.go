package rules_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/payments"
	"switchyard/router/rules"
)

var update = flag.Bool("update", false, "write the golden files anew")

// world is what the policies in testdata are held against.
func world() rules.World {
	return rules.World{Gateways: gateways(), Currencies: []payments.Currency{"EUR", "USD", "PHP", "GBP"}, Now: noon}
}

// golden compares a text with the file beside a policy.
func golden(t *testing.T, path, got string) {
	t.Helper()
	path = strings.TrimSuffix(path, ".yaml") + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("what is said has changed (-want +got); run the test with -update if that is meant:\n%s", diff)
	}
}

func policies(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no policies in %s: %v", folder, err)
	}
	return paths
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestFindings: each file is named for the kind of finding that it must have.
func TestFindings(t *testing.T) {
	t.Parallel()
	for _, path := range policies(t, "findings") {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			codes := map[rules.Code]bool{}
			for _, f := range rules.Analyse(mustCompile(t, string(read(t, path))), world()) {
				codes[f.Code] = true
				b.WriteString(f.String() + "\n")
			}
			if name == "none" && len(codes) > 0 || name != "none" && !codes[rules.Code(name)] {
				t.Errorf("found %v", codes)
			}
			golden(t, path, b.String())
		})
	}
}

// TestFaults: all that is wrong with a file is reported at once.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, path := range policies(t, "faults") {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, _ := rules.Decode(name+".yaml", read(t, path))
			p, faults := rules.Compile(doc, gateways())
			if p != nil || len(faults) == 0 {
				t.Fatal("the file was taken")
			}
			golden(t, path, faults.Error()+"\n")
		})
	}
}
