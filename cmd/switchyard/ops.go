package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/user"
	"strings"
	"time"

	"switchyard/config"
	"switchyard/policies"
	"switchyard/router/rules"
)

// operators is how the operators' listener of a running gateway is reached.
type operators struct {
	OpsURL string `default:"http://127.0.0.1:8081" env:"SWITCHYARD_OPS_URL" placeholder:"URL" help:"The operators' listener of the gateway."`
}

// decision says who decides and why.
type decision struct {
	operators

	By      string `placeholder:"NAME" help:"Who decides; default: the user of this shell."`
	Because string `required:"" placeholder:"TEXT" help:"Why; it is kept in the history."`
}

// order is a decision as the operators' listener reads it, with more beside it.
func (d decision) order(more map[string]any) map[string]any {
	if d.By == "" {
		if u, err := user.Current(); err == nil {
			d.By = u.Username
		}
	}
	order := map[string]any{"by": d.By, "because": d.Because}
	for key, value := range more {
		if value != "" && value != nil {
			order[key] = value
		}
	}
	return order
}

// Limits of a conversation with the operators' listener.
const (
	opsTimeout   = 2 * time.Minute // a backtest reads many payments
	maxOpsAnswer = 64 << 20
)

// changed is the answer to an order about routing.
type changed struct {
	Changed    bool            `json:"changed"`
	From       string          `json:"from"`
	Findings   []rules.Finding `json:"findings"`
	NotInForce []string        `json:"not_in_force"`
	Routing    policies.Status `json:"routing"`
}

// ask sends a request to the operators' listener and reads the answer into it. What the listener refuses becomes an error with the
// exit code that goes with it.
func (o operators) ask(ctx context.Context, method, path string, order map[string]any, into any) error {
	ctx, cancel := context.WithTimeout(ctx, opsTimeout)
	defer cancel()
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(o.OpsURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return usageError{fmt.Sprintf("--ops-url: %v", err)}
	}
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no gateway answers at %s; say where its operators' listener is with --ops-url: %w", o.OpsURL, err)
	}
	defer func() { _ = response.Body.Close() }() // it has been read
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxOpsAnswer))
	if err != nil {
		return fmt.Errorf("the answer of %s cannot be read: %w", o.OpsURL, err)
	}
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal(answer, into); err != nil {
			return fmt.Errorf("what answers at %s is not the operators' listener of a gateway: %w", o.OpsURL, err)
		}
		return nil
	}
	return refused(response.Status, response.StatusCode, answer)
}

// refused is the error of an order that was not carried out.
func refused(status string, code int, answer []byte) error {
	var said struct {
		Message string          `json:"message"`
		Faults  []rules.Finding `json:"faults"`
	}
	if err := json.Unmarshal(answer, &said); err != nil || said.Message == "" {
		said.Message = "the operators' listener answers " + status
	}
	switch {
	case len(said.Faults) > 0:
		return config.PolicyFaults(said.Faults)
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		return usageError{said.Message}
	}
	return refusal{said.Message}
}

// page is the query of a list.
func page(limit int, after string) string {
	query := url.Values{"limit": {fmt.Sprint(limit)}}
	if after != "" {
		query.Set("start_after", after)
	}
	return "?" + query.Encode()
}
