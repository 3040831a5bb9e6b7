package program

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	pesosToPayMongo = "default: {priority: [gway_conf_dev_paymongo, gway_conf_dev_xendit]}\n"
	pesosToXendit   = "default: {priority: [gway_conf_dev_xendit, gway_conf_dev_paymongo]}\n"
	brokenPolicy    = "rules: [{name: x, wen: {currency: PHP}, route: {smart: all}}]\n" + pesosToXendit
)

// routing is what the operators' listener says of routing.
func (p *process) routing() answer {
	p.t.Helper()
	a, err := ask(p.t.Context(), "", "", "GET", p.ops+"/routing", nil)
	if err != nil || a.status != 200 {
		p.t.Fatalf("GET /routing: %d %v", a.status, err)
	}
	return a
}

// sees waits until the state of routing is as described.
func (p *process) sees(what string, is func(answer) bool) (a answer) {
	p.t.Helper()
	p.until(what, func() bool { a = p.routing(); return is(a) })
	return a
}

// routes runs `switchyard routes` against the process's operators' listener.
func (p *process) routes(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(p.t.Context(), binary, append(append([]string{"routes"}, args...), "--ops-url", p.ops)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// orders is routes, and fails when it is refused.
func (p *process) orders(args ...string) string {
	p.t.Helper()
	code, stdout, stderr := p.routes(args...)
	if code != 0 {
		p.t.Fatalf("routes %v: exit code %d: %s", args, code, stderr)
	}
	return stdout
}

// chosen pays a hundred pesos and returns the decision: who was chosen, the config_version, and the decision's text.
func (p *process) chosen() (gateway, version, text string) {
	p.t.Helper()
	invoice := p.invoice("100.00", "PHP")
	if a := p.call("POST", "/invoices/"+invoice+"/capture", object{"source": p.card("4242424242424242")}); a.text1("transaction", "status") != "completed" {
		p.t.Fatalf("%+v", a)
	}
	a := p.call("GET", "/invoices/"+invoice+"/decision", nil)
	decision, _ := a.get("decision").(object)
	candidates, _ := decision["candidates"].([]any)
	first, _ := candidates[0].(object)
	gateway, _ = first["gateway_configuration_id"].(string)
	version, _ = decision["config_version"].(string)
	return strings.TrimPrefix(gateway, "gway_conf_dev_"), version, a.text
}

// goesTo checks where a payment goes, and that the version of its decision is the policy in force.
func (p *process) goesTo(want string) (decision string) {
	p.t.Helper()
	gateway, version, text := p.chosen()
	inForce := p.routing().text1("routing", "policy")
	found, err := ask(p.t.Context(), "", "", "GET", p.ops+"/routing/versions/"+version, nil)
	if gateway != want || err != nil || found.text1("version", "hash") != inForce {
		p.t.Errorf("the payment goes to %s by %s, which is version %s (%v); want %s by %s", gateway, version, found.text1("version", "hash"), err, want, inForce)
	}
	return text
}

// TestRoutingLifeCycle lives through a day of an operator with `dev`: the file is edited, broken and put right; policies are
// activated, rolled back and pinned, a PSP is switched off, and a restart keeps what was decided.
func TestRoutingLifeCycle(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file, other := filepath.Join(folder, "routes.yaml"), filepath.Join(folder, "other.yaml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file, pesosToPayMongo)
	p := startDev(t, filepath.Join(folder, "data"), "--routes", file)
	p.goesTo("paymongo")
	start := p.routing().text1("routing", "policy")

	write(file, pesosToXendit)
	edited := p.sees("the edited file", func(a answer) bool { return a.text1("routing", "policy") != start }).text1("routing", "policy")
	p.goesTo("xendit")
	write(file, brokenPolicy)
	failed := p.sees("the fault", func(a answer) bool { return a.get("routing", "last_reload_failed") != nil })
	if failed.text1("routing", "policy") != edited || !strings.Contains(failed.text, `"code":"unknown-key"`) {
		t.Errorf("%s", failed.text)
	}
	p.goesTo("xendit")
	if status := p.orders("status"); !strings.Contains(status, "The last reload failed at") || !strings.Contains(status, "routes.yaml:1:19: error:") {
		t.Errorf("%s", status)
	}

	write(other, brokenPolicy)
	if code, _, stderr := p.routes("activate", other, "--because", "trying"); code != 2 || !strings.Contains(stderr, "other.yaml:1:19: error: \"wen\" is not a key") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	write(other, pesosToPayMongo)
	if out := p.orders("activate", other, "--by", "ada", "--because", "Xendit settles late", "--if-current", edited[:12]); !strings.Contains(out, "is in force in place of "+edited[:12]) {
		t.Errorf("%s", out)
	}
	p.goesTo("paymongo")
	if code, _, stderr := p.routes("activate", "--version", edited, "--because", "x", "--if-current", edited); code != 1 || !strings.Contains(stderr, "by ada, because: Xendit settles late") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	p.orders("rollback", "--by", "grace", "--because", "it settles again")
	p.goesTo("xendit")

	p.orders("switch", "throw", "gateway", "gway_conf_dev_xendit", "--for", "2h", "--because", "they told us of maintenance")
	if decision := p.goesTo("paymongo"); !strings.Contains(decision, "Xendit is switched off until") || !strings.Contains(decision, "they told us of maintenance") {
		t.Errorf("the decision does not say why: %s", decision)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	write(file, pesosToPayMongo+"gateways: {gway_conf_dev_xendit: {labels: [x]}}\n") // changed while nobody looked
	p = startDev(t, filepath.Join(folder, "data"), "--routes", file)
	p.goesTo("paymongo")
	if !strings.Contains(p.orders("switch", "list"), "OFF        gateway:gway_conf_dev_xendit until ") {
		t.Error("the kill switch did not outlive the restart")
	}
	p.orders("switch", "withdraw", "gateway:gway_conf_dev_xendit", "--because", "they are back")
	p.orders("activate", "--version", edited[:12], "--because", "as before")
	p.goesTo("xendit")
	if out := p.orders("reload", "--because", "what the file says"); !strings.Contains(out, "To have the file's policy all the same, activate it.") {
		t.Errorf("%s", out)
	}
	p.orders("pin", "--for", "48h", "--because", "the weekend")
	if code, _, stderr := p.routes("rollback", "--because", "x"); code != 1 || !strings.Contains(stderr, "pinned until") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	p.orders("unpin", "--because", "Monday")
	history := p.orders("history")
	for _, want := range []string{"grace", "Xendit settles late", "throw gateway:gway_conf_dev_xendit until", "the policy's file has changed"} {
		if !strings.Contains(history, want) {
			t.Errorf("%q is not in the history:\n%s", want, history)
		}
	}
	if lines := strings.Split(strings.TrimSpace(history), "\n"); len(lines) != 11 || !strings.HasPrefix(lines[10], "1 ") || !strings.Contains(lines[10], "start") {
		t.Errorf("%d lines:\n%s", len(lines), history)
	}
	if versions := p.orders("versions"); strings.Count(versions, "\n") != 4 || !strings.Contains(versions, "*  "+edited[:12]) {
		t.Errorf("%s", versions)
	}
	if text := p.orders("show", edited[:8]); !strings.Contains(text, pesosToXendit) {
		t.Errorf("%s", text)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestHangup: SIGHUP reads the policy's file again, in `dev` at once and not at the next look.
func TestHangup(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "routes.yaml")
	if err := os.WriteFile(file, []byte(pesosToPayMongo), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startDev(t, filepath.Join(folder, "data"), "--routes", file)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until("the answer to SIGHUP", func() bool { return strings.Contains(p.output.String(), "has not changed since the last decision") })
	p.orders("pin", "--for", "1h", "--because", "so that nothing but SIGHUP reads the file")
	if err := os.WriteFile(file, []byte(brokenPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.sees("the fault", func(a answer) bool { return a.get("routing", "last_reload_failed", "faults") != nil })
	p.goesTo("paymongo")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
