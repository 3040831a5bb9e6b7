package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"

	"switchyard/app"
)

// order sends an operator's request and returns the status and the JSON of the answer.
func order(t *testing.T, a *app.App, method, path string, body any) (int, map[string]any) {
	t.Helper()
	text, err := json.Marshal(body)
	if raw, is := body.(string); is {
		text, err = []byte(raw), nil
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, a.OperatorsURL()+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// dig follows names and indexes into an answer.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			list, _ := v.([]any)
			if p >= len(list) {
				return nil
			}
			v = list[p]
		}
	}
	return v
}

type object = map[string]any

// TestRoutingByOperators: every call about the routing policy, what it answers, and what it refuses with which words.
func TestRoutingByOperators(t *testing.T) {
	const xendit, paymongo = "default: {priority: [gway_conf_dev_xendit]}\n", "default: {priority: [gway_conf_dev_paymongo, gway_conf_dev_xendit]}\n"
	c, _ := devWith(t, xendit)
	a, err := app.New(t.Context(), c, app.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.Start()
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	who := func(more object) object {
		o := object{"by": "ada", "because": "a test"}
		maps.Copy(o, more)
		return o
	}
	_, now := order(t, a, "GET", "/routing", nil)
	start, _ := dig(now, "routing", "policy").(string)
	config, _ := dig(now, "routing", "config_version").(string)
	const broken = "rules:\n  - {name: x, wen: {currency: PHP}, route: {priority: [gway_conf_dev_xendit]}}\ndefault: {smart: all}\n"
	for _, test := range []struct {
		name, method, path string
		body               any
		status             int
		at                 []any
		want               any
	}{
		{"what is in force", "GET", "/routing", nil, 200, []any{"routing", "kind"}, "start"},
		{"a decision's version is found", "GET", "/routing/versions/" + config, nil, 200, []any{"version", "hash"}, start},
		{"with its text", "GET", "/routing/versions/" + start[:12], nil, 200, []any{"version", "files", 0, "text"}, xendit},
		{"an unknown version", "GET", "/routing/versions/abcdef", nil, 404, []any{"message"}, `There is no version "abcdef"; GET /routing/versions lists them.`},
		{"a sound policy", "POST", "/routing/validate", object{"text": paymongo}, 200, []any{"success"}, true},
		{"a policy with a fault", "POST", "/routing/validate", object{"text": broken}, 422, []any{"faults", 0, "code"}, "unknown-key"},
		{"its line", "POST", "/routing/validate", object{"text": broken}, 422, []any{"faults", 0, "line"}, 2.0},
		{
			"its caret", "POST", "/routing/validate",
			object{"text": broken},
			422,
			[]any{"faults", 0, "text"},
			"routing.yaml:2:15: error: \"wen\" is not a key of a rule; did you mean when? [unknown-key]\n  2 |   - {name: x, wen: {currency: PHP}, route: {priority: [gway_conf_dev_xendit]}}\n    |               ^",
		},
		{"what the analysis refuses", "POST", "/routing/validate", object{"text": "rules: [{name: pesos, when: {currency: PHP}, route: {priority: [gway_conf_dev_pivot]}}]\ndefault: {smart: all}\n"}, 422, []any{"faults", 0, "code"}, "dead-path"},
		{"what the analysis warns of", "POST", "/routing/validate", object{"text": "rules: [{name: pesos, when: {currency: PHP}, route: {priority: [gway_conf_dev_xendit, gway_conf_dev_pivot]}}]\ndefault: {smart: all}\n"}, 200, []any{"findings", 0, "code"}, "dead-target"},
		{"a policy without the file that it names", "POST", "/routing/validate", object{"text": "shadow: {file: candidate.yaml}\n" + paymongo}, 422, []any{"faults", 0, "code"}, "missing"},
		{"and with it", "POST", "/routing/validate", object{"text": "shadow: {file: candidate.yaml}\n" + paymongo, "files": []object{{"name": "candidate.yaml", "text": xendit}}}, 200, []any{"success"}, true},
		{"a fault in the file that it names", "POST", "/routing/validate", object{"text": "shadow: {file: candidate.yaml}\n" + paymongo, "files": []object{{"name": "candidate.yaml", "text": broken}}}, 422, []any{"faults", 0, "file"}, "candidate.yaml"},
		{"a difference", "POST", "/routing/diff", object{"text": paymongo}, 200, []any{"from"}, start},
		{"no difference", "POST", "/routing/diff", object{"version": start}, 200, []any{"changes"}, []any{}},
		{"an activation by nobody", "POST", "/routing/activate", object{"text": paymongo}, 400, []any{"message"}, "Say who decides and why, in by and because."},
		{"of nothing", "POST", "/routing/activate", who(nil), 400, []any{"message"}, "Send the policy as text, or the version of a stored one."},
		{
			"with a misspelt key", "POST", "/routing/activate", who(object{"txt": paymongo}), 400,
			[]any{"message"},
			`Send JSON that says who decides and why: {"by":"ada","because":"…"}. This was not it: json: unknown field "txt"`,
		},
		{"of a broken policy", "POST", "/routing/activate", who(object{"text": broken}), 422, []any{"message"}, "The policy must not go live; what was in force stays. Put its faults right and send it again."},
		{"over somebody else's change", "POST", "/routing/activate", who(object{"text": paymongo, "if_current": "abc"}), 409, []any{"success"}, false},
		{"an activation", "POST", "/routing/activate", who(object{"text": paymongo, "if_current": start}), 200, []any{"changed"}, true},
		{"the same once more", "POST", "/routing/activate", who(object{"text": paymongo}), 200, []any{"changed"}, false},
		{"its author", "GET", "/routing/versions?limit=1", nil, 200, []any{"versions", 0, "by"}, "ada"},
		{"the version before", "GET", "/routing/versions?limit=1&start_after=" + start, nil, 200, []any{"versions"}, []any{}},
		{"a pin without an end", "POST", "/routing/pin", who(nil), 400, []any{"success"}, false},
		{"a pin", "POST", "/routing/pin", who(object{"for": "24h"}), 200, []any{"routing", "pinned", "by"}, "ada"},
		{"a rollback under a pin", "POST", "/routing/rollback", who(nil), 409, []any{"success"}, false},
		{"no pin", "DELETE", "/routing/pin", who(nil), 200, []any{"routing", "pinned"}, nil},
		{"a rollback", "POST", "/routing/rollback", who(nil), 200, []any{"routing", "policy"}, start},
		{"a rollback too far", "POST", "/routing/rollback", who(nil), 404, []any{"success"}, false},
		{"a stored version", "POST", "/routing/activate", who(object{"version": start}), 200, []any{"changed"}, false},
		{"a reload without a change", "POST", "/routing/reload", who(nil), 200, []any{"changed"}, false},
		{"a switch for a year", "POST", "/routing/switches", who(object{"kind": "learning", "for": "8760h"}), 400, []any{"success"}, false},
		{"a switch with two ends", "POST", "/routing/switches", who(object{"kind": "learning", "for": "1h", "until": "2100-01-01T00:00:00Z"}), 400, []any{"success"}, false},
		{"a switch of nobody", "POST", "/routing/switches", who(object{"kind": "gateway", "gateway": "nobody", "for": "1h"}), 400, []any{"message"}, `There is no gateway configuration "nobody"; GET /gateways lists them.`},
		{"a switch", "POST", "/routing/switches", who(object{"kind": "method", "gateway": "gway_conf_dev_xendit", "method": "card", "for": "1h"}), 200, []any{"routing", "switches", 0, "id"}, "method:gway_conf_dev_xendit:card"},
		{"no switch", "DELETE", "/routing/switches/method:gway_conf_dev_xendit:card", who(nil), 200, []any{"routing", "switches"}, []any{}},
		{"no such switch", "DELETE", "/routing/switches/learning", who(nil), 404, []any{"success"}, false},
		{"the history", "GET", "/routing/history?limit=2", nil, 200, []any{"history", 1, "kind"}, "throw"},
		{"the history before", "GET", "/routing/history?start_after=3", nil, 200, []any{"history", 0, "kind"}, "activate"},
		{"a page of nothing", "GET", "/routing/history?start_after=x", nil, 400, []any{"success"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, answer := order(t, a, test.method, test.path, test.body)
			got, err := json.Marshal(dig(answer, test.at...))
			want, _ := json.Marshal(test.want)
			if status != test.status || err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s %s answers %d, %v is\n%s, want %d and\n%s\n%v", test.method, test.path, status, test.at, got, test.status, want, answer)
			}
		})
	}
	versions := map[any]bool{}
	for _, candidate := range []string{xendit, paymongo} { // what a policy names beside itself is a part of what decides
		_, answer := order(t, a, "POST", "/routing/activate", who(object{"text": "shadow: {file: c.yaml}\n" + xendit, "files": []object{{"name": "c.yaml", "text": candidate}}}))
		versions[dig(answer, "routing", "config_version")] = true
	}
	if len(versions) != 2 || versions[nil] {
		t.Errorf("config_versions %v", versions)
	}
	if status, answer := order(t, a, "POST", "/routing/rollback", who(object{"version": start})); status != 200 {
		t.Fatal(answer)
	}
	response, err := http.DefaultTransport.RoundTrip(mustRequest(t, a.OperatorsURL()+"/metrics"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var metrics strings.Builder
	if err := response.Write(&metrics); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`switchyard_routing_policy{config_version="` + config + `",policy="` + start[:12] + `"} 1`, "switchyard_routing_switches 0", "switchyard_routing_reload_failures_total 0"} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
}

func mustRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
