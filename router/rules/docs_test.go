package rules_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"switchyard/router/rules"
)

// block is an example in the documentation: its kind, and its text.
var block = regexp.MustCompile("(?ms)^```(yaml wrong|yaml|text)\n(.*?)^```$")

// TestDocumentation loads every example, and compares what is said of the wrong one.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	examples, said := 0, ""
	for _, m := range block.FindAllStringSubmatch(string(read(t, "../../docs/routing.md")), -1) {
		text := m[2]
		switch m[1] {
		case "text":
			if diff := cmp.Diff(text, said); diff != "" {
				t.Errorf("the documentation shows other faults (-shown +said):\n%s", diff)
			}
			continue
		case "yaml":
			if examples++; !strings.Contains("\n"+text, "\ndefault:") {
				text += "default: {smart: all}\n"
			}
			for _, f := range rules.Analyse(mustCompile(t, text), world()) {
				if f.Severity == rules.SeverityError {
					t.Errorf("%s\n%s", f, text)
				}
			}
			continue
		}
		doc, _ := rules.Decode("routing.yaml", []byte(text))
		_, faults := rules.Compile(doc, gateways())
		said = faults.Error() + "\n"
	}
	if examples < 9 || said == "" {
		t.Errorf("%d examples found", examples)
	}
}

// TestDocumentationNamesEveryCode: an operator who meets a code can look it up.
func TestDocumentationNamesEveryCode(t *testing.T) {
	t.Parallel()
	text := string(read(t, "../../docs/routing.md"))
	for _, path := range policies(t, "findings") {
		code := strings.TrimSuffix(strings.TrimPrefix(path, "testdata/findings/"), ".yaml")
		if code != "none" && !strings.Contains(text, "| `"+code+"` |") {
			t.Errorf("docs/routing.md does not explain %s", code)
		}
	}
}
