package program

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var simulated = regexp.MustCompile(`(?m)^\s+(dojo|paymongo|pivot|processout|xendit)\s+(http://\S+)$`)

// startServe runs simulators in a process of their own and `switchyard serve` in front of them, with the given Redis.
func startServe(t *testing.T, redis string) *process {
	t.Helper()
	simulators := launch(t, "sims", "--listen", "127.0.0.1:0")
	addresses := map[string]string{}
	for deadline := time.After(patience); ; {
		for _, m := range simulated.FindAllStringSubmatch(simulators.output.String(), -1) {
			addresses[m[1]] = m[2]
		}
		if len(addresses) == 5 {
			break
		}
		select {
		case <-simulators.output.wrote:
		case <-deadline:
			t.Fatalf("the simulators are not ready:\n%s", simulators.output)
		}
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "switchyard.yaml")
	text := fmt.Sprintf(`listen: 127.0.0.1:0
ops_listen: 127.0.0.1:0
store: {path: %s}
redis: {address: "%s"}
vault:
  current_key: k1
  keys: {k1: "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="}
  fingerprint_key: "eHl6MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnM="
projects:
  - {id: test-proj_serve, name: Serve, default_currency: PHP, keys: [key_sandbox_of_the_serve_test_0001]}
gateway_configurations:
  - {id: gway_conf_a, psp: processout, settings: {base_url: "%s", project_id: test-proj_sim, private_key: key_sandbox_sim}}
  - {id: gway_conf_b, psp: xendit, settings: {base_url: "%s", api_key: xnd_development_sim}}
routing: {priority: [gway_conf_b, gway_conf_a]}
log: {format: json}
`, filepath.Join(dir, "switchyard.db"), redis, addresses["processout"], addresses["xendit"])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "serve", "--config", config)
	serving := regexp.MustCompile(`"merchants":"(http://[^"]+)","operators":"(http://[^"]+)"`)
	for deadline := time.After(patience); p.api == ""; {
		if m := serving.FindStringSubmatch(p.output.String()); m != nil {
			p.api, p.ops = m[1], m[2]
			break
		}
		select {
		case <-p.output.wrote:
		case err := <-p.ended:
			t.Fatalf("serve ended: %v\n%s", err, p.output)
		case <-deadline:
			t.Fatalf("serve is not ready:\n%s", p.output)
		}
	}
	return p
}

// TestServe pays with a token through `serve`, with a Redis that works and with one that is dead: slower at worst, never a
// failed payment.
func TestServe(t *testing.T) {
	const id, secret = "test-proj_serve", "key_sandbox_of_the_serve_test_0001"
	dead, err := net.Listen("tcp", "127.0.0.1:0") // an address where nobody listens any more
	if err != nil {
		t.Fatal(err)
	}
	redis := map[string]string{"dead": dead.Addr().String()}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if real := os.Getenv("SWITCHYARD_TEST_REDIS"); real != "" {
		redis["real"] = real
	} else {
		t.Log("SWITCHYARD_TEST_REDIS is not set: a Redis that works is not tested here; ./test/run starts one")
	}
	for name, address := range redis {
		t.Run(name, func(t *testing.T) {
			p := startServe(t, address)
			customer := p.callAs(id, secret, "POST", "/customers", object{}).text1("customer", "id")
			card := p.callAs(id, "", "POST", "/cards", object{"number": "4242424242424242", "exp_month": 12, "exp_year": 2031}).text1("card", "id")
			token := p.callAs(id, secret, "POST", "/customers/"+customer+"/tokens", object{"source": card}).text1("token", "id")
			for range 3 {
				invoice := p.callAs(id, secret, "POST", "/invoices", object{"name": "Order", "amount": "100.00", "currency": "PHP", "customer_id": customer}).text1("invoice", "id")
				if a := p.callAs(id, secret, "POST", "/invoices/"+invoice+"/capture", object{"source": token}); a.text1("transaction", "status") != "completed" {
					t.Fatal(a.text)
				}
			}
			if a := p.callAs(projectID, key, "GET", "/customers", nil); a.status != 401 {
				t.Errorf("the development key opens serve: %d", a.status)
			}
			if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil { // there is no policy's file: nothing happens, and it is said
				t.Fatal(err)
			}
			p.until("the answer to SIGHUP", func() bool { return strings.Contains(p.output.String(), "the routing policy is not read again") })
			if code := p.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if strings.Contains(p.output.String(), secret) || strings.Contains(p.output.String(), "4242424242424242") {
				t.Error("a secret is in the log")
			}
		})
	}
}
