package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// routes runs `switchyard routes` over files of the given names and contents.
func routes(t *testing.T, files map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	line := []string{"routes"}
	for _, arg := range args {
		if files[arg] != "" {
			arg = filepath.Join(folder, arg)
		}
		line = append(line, arg)
	}
	var out, errs bytes.Buffer
	code = run(environment{ctx: t.Context(), stdout: &out, stderr: &errs}, line)
	return code, strings.ReplaceAll(out.String(), folder+"/", ""), strings.ReplaceAll(errs.String(), folder+"/", "")
}

const soundPolicy = `rules:
  - name: large
    when: {currency: PHP, amount: {gte: "5000 PHP"}}
    route: {priority: [gway_conf_dev_xendit, gway_conf_dev_paymongo]}
  - name: sanctioned
    when: {issuer_country: KP}
    route: {block: {message: "Cards of this country are not taken."}}
default: {smart: all}
`

// ownConfig is a configuration whose own policy is broken: another one is looked at.
const ownConfig = `store: {path: /nowhere/switchyard.db}
vault:
  current_key: k1
  keys: {k1: "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="}
  fingerprint_key: "eHl6MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnM="
projects:
  - {id: test-proj_own, name: Own, default_currency: PHP, keys: [key_sandbox_of_the_routes_test_01]}
gateway_configurations:
  - {id: gway_conf_own, psp: xendit, settings: {base_url: "http://127.0.0.1:1", api_key: xnd_development_sim}}
routing: {rules: gone.yaml}
`

func TestRoutes(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"sound.yaml":    soundPolicy,
		"same.yaml":     "# the same\n" + soundPolicy,
		"other.yaml":    strings.Replace(soundPolicy, "5000", "6000", 1),
		"broken.yaml":   strings.Replace(soundPolicy, "when: {issuer", "wen: {issuer", 1),
		"dead.yaml":     "rules: [{name: pesos, when: {currency: PHP}, route: {priority: [gway_conf_dev_pivot]}}]\ndefault: {smart: all}\n",
		"likely.yaml":   "rules: [{name: pesos, when: {currency: PHP}, route: {priority: [gway_conf_dev_pivot, gway_conf_dev_paymongo]}}]\ndefault: {smart: all}\nshadow: {file: other.yaml}\n",
		"alone.yaml":    "default: {smart: all}\nshadow: {file: gone.yaml}\n",
		"careless.yaml": "default: {smart: all}\ncanary: {file: broken.yaml, percent: 5}\n",
		"own.yaml":      "default: {priority: [gway_conf_own]}\n",
		"config.yaml":   ownConfig,
	}
	for name, test := range map[string]struct {
		args   []string
		code   int
		stdout []string
		stderr string
	}{
		"sound":                   {[]string{"validate", "sound.yaml"}, exitClean, []string{"[overlap]\n  5 | ", "can go live; rules: 2, findings: 1"}, ""},
		"a fault":                 {[]string{"validate", "broken.yaml"}, exitUsage, nil, "broken.yaml:6:5: error: \"wen\" is not a key of a rule; did you mean when? [unknown-key]\n  6 |     wen: "},
		"must not go live":        {[]string{"validate", "dead.yaml"}, exitUsage, []string{"[dead-target]"}, "[dead-path]"},
		"names what is not there": {[]string{"validate", "alone.yaml"}, exitUsage, nil, "alone.yaml names gone.yaml, which is not beside it"},
		"names what is broken":    {[]string{"validate", "careless.yaml"}, exitUsage, []string{"careless.yaml: policy"}, "[unknown-key]"},
		"likely a mistake":        {[]string{"validate", "likely.yaml"}, exitClean, []string{"[dead-target]", "can go live; rules: 1", "other.yaml: policy"}, ""},
		"for a configuration":     {[]string{"validate", "--config", "config.yaml", "own.yaml"}, exitClean, []string{"can go live"}, ""},
		"for another one":         {[]string{"validate", "--config", "config.yaml", "sound.yaml"}, exitUsage, nil, "[unknown-gateway]"},
		"no file":                 {[]string{"validate", "gone.yaml"}, exitUsage, nil, "gone.yaml"},
		"no difference":           {[]string{"diff", "sound.yaml", "same.yaml"}, exitClean, []string{"Nothing changes"}, ""},
		"a difference":            {[]string{"diff", "sound.yaml", "other.yaml"}, exitClean, []string{"large", "6000", "5000"}, ""},
		"a broken one":            {[]string{"diff", "sound.yaml", "broken.yaml"}, exitUsage, nil, "unknown-key"},
		"explained":               {[]string{"simulate", "sound.yaml", "--amount", "5000", "--currency", "PHP"}, exitClean, []string{`rule "large" matches`, `Decision of "large"`, "chosen    gway_conf_dev_xendit: first in the route"}, ""},
		"blocked":                 {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"issuer_country":"KP"}`}, exitClean, []string{`rule "large" does not match`, "excluded  gway_conf_dev_xendit: rule \"sanctioned\" blocks", "The merchant is told: Cards"}, ""},
		"its first digits":        {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"iin":"555555"}`}, exitClean, []string{"is GB"}, ""},
		"a page":                  {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "GBP", "--facts", `{"method":"page"}`}, exitClean, []string{"gway_conf_dev_dojo: fourth in the priority list", "the payer pays on its page"}, ""},
		"a token":                 {[]string{"simulate", "sound.yaml", "--amount", "100", "--currency", "PHP", "--facts", `{"method":"token","saved_at":["gway_conf_dev_xendit"]}`}, exitClean, []string{"has this token saved"}, ""},
		"its project":             {[]string{"simulate", "--config", "config.yaml", "own.yaml", "--amount", "100", "--currency", "PHP"}, exitClean, []string{"chosen    gway_conf_own"}, ""},
		"no such fact":            {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"shceme":"visa"}`}, exitUsage, nil, `unknown field "shceme"; write an object of JSON with some of: project, invoice`},
		"no such method":          {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"method":"cash"}`}, exitUsage, nil, "card, page or token"},
		"no such funding":         {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"funding":"crdit"}`}, exitUsage, nil, `funding is one of credit, debit, prepaid; not "crdit"`},
		"no such operation":       {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"operation":"refund"}`}, exitUsage, nil, `operation is one of authorize, sale, verify; not "refund"`},
		"a scheme in capitals":    {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"scheme":"VISA"}`}, exitUsage, nil, `scheme is one of visa, mastercard, `},
		"a country by its name":   {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"issuer_country":"Germany"}`}, exitUsage, nil, `such as DE, not "Germany"`},
		"smart, knowing nothing":  {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP"}, exitClean, []string{"No rule matches", "Nothing is known of the gateway configurations here"}, ""},
		"a card is not saved":     {[]string{"simulate", "sound.yaml", "--amount", "1", "--currency", "PHP", "--facts", `{"saved_at":["x"]}`}, exitUsage, nil, "saved_at"},
		"an amount of nothing":    {[]string{"simulate", "sound.yaml", "--amount", "x", "--currency", "PHP"}, exitUsage, nil, "--amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := routes(t, files, test.args...)
			if code != test.code || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, test.code, stdout, stderr)
			}
			for _, want := range test.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("%q is not in\n%s", want, stdout)
				}
			}
		})
	}
}
