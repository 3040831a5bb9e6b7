package app_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"switchyard/app"
	"switchyard/router/pace"
)

// TestCommitmentsAreShown: operators see how each promised volume stands.
func TestCommitmentsAreShown(t *testing.T) {
	c, _ := devWith(t, `
commitments:
  - {gateway: gway_conf_dev_xendit, period: quarter, min_volume: "1000000 PHP", shortfall_bps: 20}
  - {gateway: gway_conf_dev_paymongo, min_volume: "2000000 PHP"}
default: {smart: all}
`)
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
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.OperatorsURL()+"/routing/commitments", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var shown struct {
		Success     bool            `json:"success"`
		Commitments []pace.Standing `json:"commitments"`
	}
	if err := json.NewDecoder(response.Body).Decode(&shown); err != nil || response.StatusCode != http.StatusOK || !shown.Success {
		t.Fatalf("%d, %+v, %v", response.StatusCode, shown, err)
	}
	if len(shown.Commitments) != 2 {
		t.Fatalf("%+v", shown.Commitments)
	}
	first := shown.Commitments[0]
	if first.Gateway != "gway_conf_dev_xendit" || first.Period != "quarter" || first.MinVolume.Minor != 1_000_000_00 || first.Actual.Minor != 0 || first.Shortfall != first.Target {
		t.Errorf("%+v", first)
	}
	for _, not := range app.NotInForce(c.Policy, true) {
		if strings.Contains(not, "commitments") {
			t.Errorf("%s", not)
		}
	}
}
