package all_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"switchyard/adapters/adaptertest"
	"switchyard/adapters/all"
)

// TestProvidersConform runs the suite over every PSP, so that none has to ask for it.
func TestProvidersConform(t *testing.T) {
	t.Parallel()
	for _, p := range all.Providers() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			adaptertest.Run(t, adaptertest.Suite{Provider: p, Fixtures: os.DirFS(filepath.Join("..", p.Name, "testdata"))})
		})
	}
}

// TestProvidersAreComplete compares the list with the folders: an adapter that is not listed would never be tested.
func TestProvidersAreComplete(t *testing.T) {
	t.Parallel()
	var folders []string
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains([]string{"adaptertest", "all", "wire"}, e.Name()) {
			folders = append(folders, e.Name())
		}
	}
	var names []string
	for _, p := range all.Providers() {
		names = append(names, p.Name)
	}
	if !slices.Equal(names, folders) { // folders are in alphabetical order
		t.Errorf("listed are %v, the folders are %v", names, folders)
	}
}
