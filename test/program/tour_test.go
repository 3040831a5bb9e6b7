package program

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var showing = regexp.MustCompile(`(?m)^show\(\) .*$`)

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestTour runs every command of the README's tour as it stands there, against a fresh dev.
func TestTour(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("the tour needs %s: install it", tool)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, found := strings.Cut(string(readme), "## Five-minute tour")
	if !found {
		t.Fatal("the README has no tour")
	}
	p := startDev(t, t.TempDir())
	var script strings.Builder
	blocks := shellBlock.FindAllStringSubmatch(tour, -1)
	if len(blocks) < 8 {
		t.Fatalf("the tour has %d blocks of commands", len(blocks))
	}
	for _, b := range blocks {
		script.WriteString(b[1])
	}
	if !showing.MatchString(script.String()) {
		t.Fatal("the tour does not define show")
	}
	plain := showing.ReplaceAllString(script.String(), "show() { cat; }") // the test wants whole answers
	text := strings.NewReplacer("http://127.0.0.1:8080", p.api, "http://127.0.0.1:8090", p.sims, "http://127.0.0.1:8081", p.ops).Replace(plain)
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", text)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, complaints.String(), out)
	}
	answers := decodeAll(t, string(out))
	statuses := map[string]bool{}
	for _, a := range answers {
		if ok, said := a["success"]; said && ok != true {
			t.Errorf("an answer of the tour is no success: %v", a)
		}
		if tr, ok := a["transaction"].(map[string]any); ok {
			statuses[tr["status"].(string)] = true
		}
	}
	if !strings.Contains(string(out), "first by what is expected of it") {
		t.Error("no decision of the tour is that of a smart route")
	}
	for _, want := range []string{"authorized", "completed", "pending"} {
		if !statuses[want] {
			t.Errorf("the tour shows no transaction that is %s; it shows %v", want, statuses)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func decodeAll(t *testing.T, text string) []map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	var all []map[string]any
	for {
		var one map[string]any
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("after %d answers: %v\n%s", len(all), err, text)
		}
		all = append(all, one)
	}
}
