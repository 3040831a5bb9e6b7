// Package test holds what is true of the program as a whole: who may import whom, the map of the packages, and the
// files that put the program into a container.
package test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The table below is the architecture. Each package of the tree falls under its most specific rule; a package without
// a rule fails, and so does a rule without a package. Patterns are the paths below the module's root for ours, and
// import paths for others: "a/b" is that package, "a/..." is a and all below it, "a/*" is each package directly below.

// Other people's packages, each with its home.
var (
	otelAPI = []string{
		"go.opentelemetry.io/otel", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes",
		"go.opentelemetry.io/otel/metric/...", "go.opentelemetry.io/otel/propagation",
		"go.opentelemetry.io/otel/semconv/...", "go.opentelemetry.io/otel/trace/...",
	}
	otelSDK = []string{
		"go.opentelemetry.io/otel/sdk/...", "go.opentelemetry.io/otel/exporters/...",
		"go.opentelemetry.io/contrib/...", "github.com/prometheus/client_golang/...",
	}
	ginLib = []string{
		"github.com/gin-gonic/gin/...",
		"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin",
	}
	redisLib = []string{"github.com/redis/go-redis/..."}
	yamlLib  = []string{"github.com/goccy/go-yaml/..."}
	// Packages of the standard library that not everybody may use are listed like other people's.
	guarded = []string{"database/sql/...", "net/http/..."}
	webStd  = []string{"net/http/..."}

	// testLibraries may be used by every test.
	testLibraries = []string{
		"github.com/google/go-cmp/...", "go.uber.org/goleak", "net/http/...", "pgregory.net/rapid",
	}
)

var rules = []rule{
	{
		pkgs: "payments",
		why:  "the vocabulary that all others speak: pure, standard library only",
	},
	{
		pkgs:   "adapters",
		ours:   []string{"payments"},
		theirs: webStd,
		why:    "the contract of a PSP, in the words of payments",
	},
	{
		pkgs:   "adapters/wire",
		ours:   []string{"payments"},
		theirs: webStd,
		why:    "one HTTP exchange and its faults; it knows no PSP",
		tests:  allowed{theirs: []string{"github.com/jarcoal/httpmock"}},
	},
	{
		pkgs:   "adapters/*",
		ours:   []string{"adapters", "adapters/wire", "payments"},
		theirs: webStd,
		why:    "an adapter translates for one PSP: no vendor SDK, no other adapter, nothing of the router's inside",
		tests: allowed{
			ours:   []string{"adapters/adaptertest", "adapters/adaptertest/sandbox"},
			theirs: []string{"github.com/getkin/kin-openapi/...", "github.com/jarcoal/httpmock"},
		},
	},
	{
		pkgs:   "adapters/adaptertest",
		ours:   []string{"adapters", "adapters/wire", "payments"},
		theirs: slices.Concat(webStd, yamlLib, testLibraries, []string{"github.com/jarcoal/httpmock"}),
		why:    "the suite that every adapter passes: test code, imported by tests only",
	},
	{
		pkgs:   "adapters/adaptertest/example",
		ours:   []string{"adapters", "adapters/wire", "payments"},
		theirs: webStd,
		why:    "the adapter of a PSP that does not exist, to learn from: what binds adapters binds it",
		tests:  allowed{ours: []string{"adapters/adaptertest", "adapters/adaptertest/sandbox"}},
	},
	{
		pkgs:   "adapters/adaptertest/sandbox",
		ours:   []string{"adapters", "adapters/adaptertest", "adapters/wire", "payments"},
		theirs: slices.Concat(webStd, yamlLib),
		why:    "the suite's questions at the PSPs' real sandboxes: test code, imported by tests only",
		tests:  allowed{ours: []string{"adapters/adaptertest/example"}},
	},
	{
		pkgs: "adapters/all",
		ours: []string{"adapters", "adapters/*"},
		why:  "the list of the PSPs, one literal; only the command and tests import it",
		tests: allowed{
			ours:   []string{"adapters/adaptertest", "payments"},
			theirs: []string{"github.com/jarcoal/httpmock"},
		},
	},
	{
		pkgs:   "sims/...",
		ours:   []string{"sims/..."},
		theirs: webStd,
		why:    "simulators are written from the PSPs' documents, not from our types, so that they can disagree with the adapters",
	},
	{
		pkgs: "projects",
		ours: []string{"payments"},
		why:  "tenants and their keys: a leaf",
	},
	{
		pkgs: "iin",
		ours: []string{"payments"},
		why:  "a table of issuers: a leaf that is handed a reader",
	},
	{
		pkgs: "vault",
		ours: []string{"payments"},
		why:  "card data: a leaf that answers, so that few lines ever see a number",
	},
	{
		pkgs:   "tokens",
		ours:   []string{"payments", "vault"},
		theirs: []string{"github.com/maypok86/otter/v2", "golang.org/x/sync/singleflight"},
		why:    "the lifecycle of customer tokens; flow runs verifications and calls tokens, never the other way",
	},
	{
		pkgs:   "cache",
		ours:   []string{"payments"},
		theirs: redisLib,
		why:    "the one place that speaks to Redis; who asks declares the interface",
		tests:  allowed{ours: []string{"tokens", "vault"}, theirs: []string{"github.com/alicebob/miniredis/v2"}},
	},
	{
		pkgs:   "router",
		ours:   []string{"payments", "router/learn", "router/rules", "router/trial"},
		theirs: slices.Concat(otelAPI, []string{"github.com/sony/gobreaker/v2"}),
		why:    "decides over gateway ids, abilities, facts and health; it does not know that adapters or HTTP exist",
		tests:  allowed{theirs: otelSDK},
	},
	{
		pkgs:   "crash",
		theirs: []string{"net/http/httptrace"},
		why:    "moments at which a test may kill the process: a leaf, and empty in a release",
	},
	{
		pkgs:   "router/rules",
		ours:   []string{"payments", "spelling"},
		theirs: yamlLib,
		why:    "what operators write about routing: pure, so that every instance decides alike; its faults need the places of the YAML",
	},
	{
		pkgs: "router/learn",
		ours: []string{"payments"},
		why:  "beliefs and choice as a pure library: no clock, no dice, no input or output of its own",
	},
	{
		pkgs:  "backtests",
		ours:  []string{"payments", "router", "router/backtest", "router/learn", "router/rules"},
		why:   "what another policy would have done with stored decisions; it sees no SQL",
		tests: allowed{ours: []string{"router/drive"}},
	},
	{
		pkgs: "router/pace",
		ours: []string{"payments", "router/rules"},
		why:  "how promised volumes stand, as a pure library: every instance and every restart computes the same",
	},
	{
		pkgs:  "learning",
		ours:  []string{"payments", "router/learn"},
		why:   "keeps what is learnt; it sees no PSP and no SQL",
		tests: allowed{ours: []string{"store/sqlite"}},
	},
	{
		pkgs:  "commitments",
		ours:  []string{"payments", "router", "router/pace", "router/rules"},
		why:   "keeps the prices of promised volumes up to date; it reads the store through an interface of its own",
		tests: allowed{ours: []string{"router/learn"}},
	},
	{
		pkgs: "router/drive",
		ours: []string{"payments", "router", "router/learn", "router/rules"},
		why:  "routing for a world that is another program: lines in, lines out",
	},
	{
		pkgs: "router/backtest",
		ours: []string{"payments"},
		why:  "judges a policy by payments of the past that it is handed: no store, no clock, and no policy of its own",
	},
	{
		pkgs: "router/trial",
		why:  "a sequential test over outcomes that it is handed: arithmetic only",
	},
	{
		pkgs:  "policies",
		ours:  []string{"payments", "router", "router/rules"},
		why:   "the life cycle of the routing policy; it is handed the compiler, which knows the gateway configurations, and sees neither HTTP nor SQL",
		tests: allowed{ours: []string{"store/sqlite"}},
	},
	{
		pkgs:   "flow",
		ours:   []string{"adapters", "crash", "payments", "router", "router/learn", "tokens", "vault"},
		theirs: otelAPI,
		why:    "one operation from end to end; it never sees Gin, SQL, Redis or a concrete PSP",
		tests: allowed{
			ours:   []string{"router/rules", "store/sqlite"},
			theirs: slices.Concat(otelSDK, []string{"github.com/anishathalye/porcupine"}),
		},
	},
	{
		pkgs:   "webhooks",
		ours:   []string{"crash", "payments"},
		theirs: slices.Concat(webStd, otelAPI, []string{"code.dny.dev/ssrf"}),
		why:    "events out to merchants; it alone connects to addresses that merchants name",
		tests:  allowed{ours: []string{"store/sqlite"}, theirs: []string{"github.com/standard-webhooks/standard-webhooks/libraries/go"}},
	},
	{
		pkgs: "reconcile",
		ours: []string{"adapters", "payments"},
		why:  "compares the store with what PSPs have; it sees the contract of adapters and an interface of the store, and changes nothing",
	},
	{
		pkgs:   "store/sqlite",
		ours:   []string{"payments"},
		theirs: []string{"database/sql/...", "modernc.org/sqlite/..."},
		why:    "the embedded system of record; SQL stays here",
		tests:  allowed{ours: []string{"store/storetest"}, theirs: []string{"modernc.org/libc"}},
	},
	{
		pkgs:   "store/storetest",
		ours:   []string{"payments"},
		theirs: testLibraries,
		why:    "the suite that every store passes: test code, imported by tests only",
	},
	{
		pkgs:   "api",
		ours:   []string{"flow", "payments", "projects", "router", "tokens", "vault"},
		theirs: slices.Concat(webStd, ginLib, otelAPI, yamlLib, []string{"github.com/maypok86/otter/v2", "golang.org/x/time/rate"}),
		why:    "HTTP in and out: it speaks to flow, tokens and the router, never to a store's driver or an adapter",
		tests: allowed{
			ours:   []string{"adapters", "store/sqlite", "webhooks"},
			theirs: slices.Concat(otelSDK, []string{"github.com/getkin/kin-openapi/...", "github.com/jarcoal/httpmock"}),
		},
	},
	{
		pkgs: "spelling",
		why:  "what was probably meant: a leaf that knows words and nothing of ours",
	},
	{
		pkgs:   "config",
		ours:   []string{"adapters", "iin", "payments", "router/rules", "spelling"},
		theirs: slices.Concat(yamlLib, []string{"github.com/caarlos0/env/v11"}),
		why:    "one strict file, the files that it names and the environment; it is handed the list of PSPs and starts nothing",
		tests:  allowed{ours: []string{"adapters/all"}},
	},
	{
		pkgs: "app",
		ours: []string{
			"adapters", "adapters/wire", "api", "backtests", "cache", "commitments", "config", "flow", "learning", "payments", "policies", "projects", "reconcile", "router",
			"router/learn", "router/pace", "router/rules", "store/sqlite", "tokens", "vault", "webhooks",
		},
		theirs: slices.Concat(webStd, otelAPI, otelSDK),
		why:    "builds the program from its parts; it is handed the list of PSPs",
		tests:  allowed{ours: []string{"adapters/all", "sims"}, theirs: []string{"github.com/alicebob/miniredis/v2"}},
	},
	{
		pkgs:   "cmd/switchyard",
		ours:   []string{"adapters/all", "app", "config", "payments", "policies", "reconcile", "router", "router/drive", "router/rules", "sims", "webhooks"},
		theirs: slices.Concat(webStd, []string{"github.com/alecthomas/kong"}),
		why:    "flags, signals and exit codes",
		tests:  allowed{theirs: []string{"github.com/standard-webhooks/standard-webhooks/libraries/go"}},
	},
	{
		pkgs:   "cmd/probe",
		theirs: webStd,
		why:    "asks one URL; it must stay small and know nothing of the program that it asks",
	},
	{
		pkgs:   "test/crash",
		ours:   []string{"config", "crash", "payments", "store/sqlite"},
		theirs: webStd,
		why:    "kills the program and audits it: it stands outside, and reads the store when the program is dead",
	},
	{
		pkgs: "test/simulation",
		why:  "the inside under simulation: it plays the PSPs itself, so that it needs neither adapters of ours nor HTTP",
		tests: allowed{
			ours: []string{"adapters", "flow", "payments", "router", "store/sqlite", "tokens", "vault"},
		},
	},
	{
		pkgs: "test/routingbench",
		ours: []string{"payments", "router", "router/drive", "router/learn", "router/rules"},
		why:  "the open benchmark of routing: it drives the router, or another program by JSON lines",
	},
	{
		pkgs: "test/...",
		why:  "whole-program tests stand outside and see everything",
		tests: allowed{
			ours:   []string{"adapters/all", "app", "config", "payments", "sims/...", "store/sqlite"},
			theirs: slices.Concat(yamlLib, []string{"database/sql/...", "github.com/santhosh-tekuri/jsonschema/v6"}),
		},
	},
}

// badNames say nothing about what is in the package.
var badNames = []string{"base", "common", "core", "helper", "helpers", "lib", "misc", "models", "shared", "util", "utils"}

func TestImports(t *testing.T) {
	t.Parallel()
	tree := readTree(t)
	for _, fault := range check(rules, tree) {
		t.Error(fault)
	}
	for _, p := range tree {
		if name := filepath.Base(p.path); slices.Contains(badNames, name) {
			t.Errorf("%s: %q says nothing about what is in it", p.path, name)
		}
	}
}

// TestCheckReports keeps the checker honest: it is run over a made-up tree whose every fault is known.
func TestCheckReports(t *testing.T) {
	t.Parallel()
	made := []rule{
		{pkgs: "words", why: "pure"},
		{pkgs: "plugs/*", ours: []string{"words"}, theirs: []string{"net/http/..."}, why: "one vendor each"},
		{pkgs: "plugs/list", ours: []string{"plugs/a", "plugs/b"}, why: "the list"},
		{
			pkgs: "brain", ours: []string{"words"}, theirs: []string{"example.com/breaker"}, why: "decides",
			tests: allowed{ours: []string{"plugs/a"}, theirs: []string{"example.com/mock/..."}},
		},
		{pkgs: "gone", why: "was here once"},
	}
	tree := []pkg{
		{path: "words", imports: []imported{{"strings", "words/w.go"}, {"net/http", "words/w.go"}}},
		{path: "plugs/a", imports: []imported{{"net/http", "plugs/a/a.go"}, {"switchyard/words", "plugs/a/a.go"}}},
		{path: "plugs/b", imports: []imported{
			{"switchyard/plugs/a", "plugs/b/b.go"},
			{"example.com/sdk", "plugs/b/b.go"},
			{"example.com/mock", "plugs/b/b_test.go"},
			{"switchyard/plugs/b", "plugs/b/b_test.go"},
			{"github.com/google/go-cmp/cmp", "plugs/b/b_test.go"},
		}},
		{path: "plugs/list", imports: []imported{{"switchyard/plugs/b", "plugs/list/l.go"}}},
		{path: "brain", imports: []imported{
			{"example.com/breaker", "brain/b.go"},
			{"example.com/breaker/more", "brain/b.go"},
			{"switchyard/plugs/a", "brain/b.go"},
			{"switchyard/plugs/a", "brain/b_test.go"},
			{"example.com/mock/deep", "brain/b_test.go"},
			{"database/sql", "brain/b_test.go"},
			{"github.com/google/go-cmp/cmp", "brain/b.go"},
		}},
		{path: "new"},
	}
	want := []string{
		"words/w.go imports net/http, which words may not (pure)",
		"plugs/b/b.go imports switchyard/plugs/a, which plugs/* may not (one vendor each)",
		"plugs/b/b.go imports example.com/sdk, which plugs/* may not (one vendor each)",
		"plugs/b/b_test.go imports example.com/mock, which tests of plugs/* may not (one vendor each)",
		"brain/b.go imports example.com/breaker/more, which brain may not (decides)",
		"brain/b.go imports switchyard/plugs/a, which brain may not (decides)",
		"brain/b_test.go imports database/sql, which tests of brain may not (decides)",
		"brain/b.go imports github.com/google/go-cmp/cmp, which brain may not (decides)",
		"new: no rule; write down what it may import, and why",
		"rule for gone: no such package",
	}
	got := check(made, tree)
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("not reported: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("wrongly reported: %s", g)
		}
	}
}

// mapLine is a line of the package map: "- `path/` — what it is", or `path/...` for a package and all below it.
var mapLine = regexp.MustCompile("^- `([^`]+?)(/|/\\.\\.\\.)` — \\S")

// TestPackageMap keeps the list of packages in ARCHITECTURE.md true: every package has its line, and every line a
// directory.
func TestPackageMap(t *testing.T) {
	t.Parallel()
	var listed, patterns []string
	for line := range strings.Lines(readText(t, "ARCHITECTURE.md")) {
		if m := mapLine.FindStringSubmatch(line); m != nil {
			listed = append(listed, m[1])
			patterns = append(patterns, m[1]+strings.TrimSuffix(m[2], "/"))
		}
	}
	for _, p := range readTree(t) {
		if !matchesAny(patterns, p.path) {
			t.Errorf("%s: not in ARCHITECTURE.md; add a line \"- `%s/` — what it is\"", p.path, p.path)
		}
	}
	for i, path := range listed {
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || !info.IsDir() {
			t.Errorf("ARCHITECTURE.md: `%s/` is listed and is not there", path)
		}
		if slices.Contains(listed[:i], path) {
			t.Errorf("ARCHITECTURE.md: `%s/` is listed twice", path)
		}
	}
}
