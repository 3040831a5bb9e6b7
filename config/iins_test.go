package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"switchyard/payments"
)

// loadWithIINs reads the example with a table of issuers beside it.
func loadWithIINs(setting, table string) (*Config, error) {
	text := strings.Replace(Example(), "  # iin_table:\n", "  iin_table: "+setting+"\n", 1)
	return Load(filepath.Join("etc", "switchyard.yaml"), Options{
		Providers: providers(), Getenv: exampleEnvironment,
		ReadFile: func(name string) ([]byte, error) {
			switch name {
			case filepath.Join("etc", "switchyard.yaml"):
				return []byte(text), nil
			case filepath.Join("etc", "iins.csv"):
				return []byte(table), nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		},
	})
}

func TestIINs(t *testing.T) {
	t.Parallel()
	c, err := loadWithIINs("iins.csv", "iin,scheme,country,funding\n424242,visa,US,credit\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.IINs == nil || c.IINs.Lookup("424242") != (payments.IssuerFacts{Scheme: payments.SchemeVisa, Country: "US", Funding: "credit"}) {
		t.Errorf("%+v", c.IINs)
	}
	if c, err = loadExample(Example()); err != nil || c.IINs != nil {
		t.Errorf("no table is named: %v, %v", c.IINs, err)
	}
}

func TestIINFaults(t *testing.T) {
	t.Parallel()
	const header = "iin,scheme,country,funding\n"
	for name, test := range map[string]struct {
		setting, table string
		want           []string
	}{
		"all at once, with those of the configuration": {
			"iins.csv\n  iin_tabel: x", header + "42424,visa,UK,credit\n424242,visa,US,credit\n424242,visa,GB,credit\n",
			[]string{"etc/switchyard.yaml:", "etc/iins.csv:2:1: must be 6 to 8 digits", "etc/iins.csv:2:12: must be the two capital letters", "etc/iins.csv:4:1: tells something else of the same numbers than line 3"},
		},
		"no such file": {"gone.csv", "", []string{"cards.iin_table: the table of issuers cannot be read: file does not exist"}},
		"no file":      {`""`, "", []string{"cards.iin_table: must name a file"}},
		"too many":     {"iins.csv", header + strings.Repeat("4,,,\n", 500), append(slices.Repeat([]string{"must be 6 to 8 digits"}, 100), "and more")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := loadWithIINs(test.setting, test.table)
			faults, ok := errors.AsType[*Faults](err)
			if !ok || len(faults.List) != len(test.want) {
				t.Fatalf("%v", err)
			}
			for i, want := range test.want {
				if !strings.Contains(faults.List[i].String(), want) {
					t.Errorf("%s\nis not in\n%s", want, faults.List[i])
				}
			}
		})
	}
}

// TestDevKnowsIssuers: dev has a table of test cards, and so has who looks at a policy for dev.
func TestDevKnowsIssuers(t *testing.T) {
	t.Parallel()
	dev, err := Dev(DevOptions{
		DataDir: filepath.Join(t.TempDir(), "data"), PSPs: map[string]string{"xendit": "http://127.0.0.1:1"}, Providers: providers(), Getenv: environment(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Config{"dev": dev, "a look at dev": DevGateways(providers())} {
		for digits, country := range map[string]string{"42424242": "US", "40000082": "GB", "411111": "PH", "999999": ""} {
			if got := c.IINs.Lookup(digits).Country; got != country {
				t.Errorf("%s: %s is of %q", name, digits, got)
			}
		}
	}
}

// TestIINTableOfTheDocument: the table that the operators' guide shows can be read.
func TestIINTableOfTheDocument(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join("..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(guide), "```csv\n")
	table, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the guide shows no table")
	}
	c, err := loadWithIINs("iins.csv", table)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.IINs.Lookup("41111150").Funding; got != "debit" {
		t.Errorf("the narrower range tells %q", got)
	}
}
