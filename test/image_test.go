package test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Flags of a released binary, wherever it is built. Scripts hand the first two to every build.
const (
	goFlags   = "-tags=nomsgpack -trimpath"
	linkFlags = "-ldflags '-s -w'"
)

// TestDockerfile checks what a build of the image would find out late, or not at all.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	dockerfile := readText(t, "Dockerfile")
	if !strings.Contains(dockerfile, "go build "+goFlags+" "+linkFlags) {
		t.Errorf("Dockerfile does not build with %s %s", goFlags, linkFlags)
	}
	if script := readText(t, "test/run"); !strings.Contains(script, goFlags) || !strings.Contains(script, "go build "+linkFlags) {
		t.Errorf("test/run does not try what is released, built with %s %s", goFlags, linkFlags)
	}
	if script := readText(t, ".ci/run"); !strings.Contains(script, goFlags) {
		t.Errorf(".ci/run does not lint what is released, built with %s", goFlags)
	}
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readText(t, "go.mod"))
	image := regexp.MustCompile(`(?m)^FROM .*golang:(\d+\.\d+)`).FindStringSubmatch(dockerfile)
	if language == nil || image == nil || language[1] != image[1] {
		t.Errorf("Dockerfile builds with Go %v, go.mod asks for %v", image, language)
	}
	if user := regexp.MustCompile(`(?m)^USER (\S+)`).FindStringSubmatch(dockerfile); user == nil || user[1] != "65532:65532" {
		t.Errorf("the image runs as %v", user)
	}
	// Everything that is started in the image must have been put there: it has no other programs.
	programs := regexp.MustCompile(`/usr/[^"\s]+`).FindAllString(dockerfile, -1)
	for _, service := range readComposition(t).Services {
		if service.Build != "" && service.Healthcheck != nil {
			programs = append(programs, service.Healthcheck.Test[1])
		}
	}
	for _, program := range programs {
		if !regexp.MustCompile(`(?m)^COPY .* ` + regexp.QuoteMeta(program) + `$`).MatchString(dockerfile) {
			t.Errorf("%s is not in the image", program)
		}
	}
	ignored := strings.Fields(readText(t, ".dockerignore"))
	for _, p := range readTree(t) {
		if top, _, _ := strings.Cut(p.path, "/"); top != "test" && slices.Contains(ignored, top) {
			t.Errorf("%s: the build in the image does not see it, because of .dockerignore", p.path)
		}
	}
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
