package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"switchyard/payments"
	"switchyard/router/rules"
)

// FuzzDecode: whatever is in a file, there is a policy or there are faults within the file; and a policy answers.
func FuzzDecode(f *testing.F) {
	for _, folder := range []string{"findings", "faults"} {
		paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	for _, m := range []string{"", "-", "? a\n: b", "{", "a: !x b", "<<: {}", "default: |\n x", "\xff", "a: .nan", "rules:\n- - - -", "default: {smart: all}\n---\na: 1", "%YAML 1.2\n---\na: 1"} {
		f.Add([]byte(m))
	}
	f.Add([]byte(feePolicy))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, found := rules.Decode("f.yaml", text)
		p, faults := rules.Compile(doc, gateways())
		if (p == nil) != (len(faults) > 0) || len(faults) < len(found) {
			t.Fatalf("policy %v with %d faults, after %d", p != nil, len(faults), len(found))
		}
		for _, fault := range faults {
			if fault.Line < 1 || fault.Column < 1 || fault.Message == "" || fault.Severity != rules.SeverityError || !utf8.ValidString(fault.String()) {
				t.Errorf("%+v", fault)
			}
		}
		if p == nil {
			return
		}
		rules.Analyse(p, world())
		for _, currency := range []payments.Currency{"", "EUR", "PHP"} {
			facts := visa()
			facts.Amount.Currency = currency
			if i, r := p.Match(&facts); i != naive(p, &facts, -1) {
				t.Errorf("rule %d matches", i)
			} else {
				p.Order(r, &facts, noon, nil)
			}
			_ = rules.Explain(p, &facts).String()
		}
		if again := mustCompile(t, string(text)); again.Hash != p.Hash || len(rules.Diff(p, again)) > 0 {
			t.Error("the same file has two hashes")
		}
		if _, err := json.Marshal(p.Document()); err != nil {
			t.Error(err)
		}
	})
}

// TestBounds: what is too large or too deep is refused at once.
func TestBounds(t *testing.T) {
	t.Parallel()
	rule := "  - {name: r%d, route: {smart: all}}\n"
	var many strings.Builder
	many.WriteString("default: {smart: all}\nrules:\n")
	for i := range 10_001 {
		fmt.Fprintf(&many, rule, i)
	}
	var keys strings.Builder
	keys.WriteString("default: {smart: all}\nrules:\n")
	for i := range 33 {
		fmt.Fprintf(&keys, "  - {name: r%d, when: {metadata.k%d: x}, route: {smart: all}}\n", i, i)
	}
	for name, text := range map[string]string{
		"a file":        strings.Repeat("# a comment\n", 100_000),
		"a line":        "default: {smart: [" + strings.Repeat("gway_conf_alpha, ", 600) + "]}",
		"brackets":      strings.Repeat("[", 1<<13-1),
		"braces":        strings.Repeat("{a: \n", 200),
		"dashes":        strings.Repeat("- ", 4_000) + "a",
		"conditions":    "default: {smart: all}\nrules: [{name: a, route: {smart: all}, when: " + strings.Repeat("{not: ", 12) + "{saved: true}" + strings.Repeat("}", 12) + "}]",
		"rules":         many.String(),
		"metadata keys": keys.String(),
	} {
		doc, _ := rules.Decode("f.yaml", []byte(text))
		_, faults := rules.Compile(doc, gateways())
		if len(faults) == 0 || len(faults) > 101 || !strings.Contains(faults.Error(), "[too-large]") {
			t.Errorf("%s: %.300s", name, faults.Error())
		}
	}
}

// TestManyFaults: a file that is all wrong does not make a report without end.
func TestManyFaults(t *testing.T) {
	t.Parallel()
	_, faults := rules.Decode("f.yaml", []byte(strings.Repeat("a: 1\nb: 2\n", 500)))
	if len(faults) != 101 || faults[100].Line < 1000 || faults[100].Code != rules.CodeTooManyFaults {
		t.Errorf("%d faults", len(faults))
	}
}
