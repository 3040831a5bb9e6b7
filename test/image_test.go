package test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// buildFlags are the flags of a released binary, wherever it is built.
const buildFlags = "-tags nomsgpack -trimpath -ldflags '-s -w'"

// TestDockerfile checks what a build of the image would find out late, or not at all.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	dockerfile := readText(t, "Dockerfile")
	if !strings.Contains(dockerfile, "go build "+buildFlags) {
		t.Errorf("Dockerfile does not build with %s", buildFlags)
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

// TestReleaseFlags checks that what test/run builds and tries is what the image holds.
func TestReleaseFlags(t *testing.T) {
	t.Parallel()
	script := strings.ReplaceAll(readText(t, "test/run"), `"${tags[@]}"`, "-tags nomsgpack")
	if !strings.Contains(script, "go build "+buildFlags) {
		t.Errorf("test/run does not build with %s", buildFlags)
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
