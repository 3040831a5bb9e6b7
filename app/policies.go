package app

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"switchyard/payments"
	"switchyard/policies"
	"switchyard/router/rules"
)

// routingHandlers serve the life cycle of the routing policy.
func (a *App) routingHandlers(mux *http.ServeMux) {
	mux.HandleFunc("GET /routing", func(w http.ResponseWriter, _ *http.Request) {
		a.reply(w, http.StatusOK, struct {
			Success bool            `json:"success"`
			Routing policies.Status `json:"routing"`
		}{true, a.policies.Current()})
	})
	mux.HandleFunc("GET /routing/versions", a.listVersions)
	mux.HandleFunc("GET /routing/versions/{name}", a.showVersion)
	mux.HandleFunc("GET /routing/history", a.listRoutingHistory)
	mux.HandleFunc("POST /routing/validate", a.validatePolicy)
	mux.HandleFunc("POST /routing/diff", a.diffPolicy)
	mux.HandleFunc("POST /routing/activate", a.activatePolicy)
	mux.HandleFunc("POST /routing/rollback", a.rollbackPolicy)
	mux.HandleFunc("POST /routing/reload", a.reloadPolicy)
	mux.HandleFunc("POST /routing/pin", a.pinPolicy)
	mux.HandleFunc("DELETE /routing/pin", a.unpinPolicy)
	mux.HandleFunc("POST /routing/switches", a.throwSwitch)
	mux.HandleFunc("DELETE /routing/switches/{id}", a.withdrawSwitch)
}

// maxPolicyOrder bounds what an operator sends with a policy, in bytes: a few files of 1 MiB, as JSON.
const maxPolicyOrder = 8 << 20

// policyOrder is what an operator sends about the routing policy. Each request reads its own part of it.
type policyOrder struct {
	policies.Order
	policies.Target

	Version string                `json:"version"` // a stored one, in place of texts
	Name    string                `json:"name"`    // of the policy's file, for faults
	Text    string                `json:"text"`
	Files   []payments.PolicyFile `json:"files"` // those that the policy names
	From    string                `json:"from"`  // of a diff; the policy in force without one
	For     string                `json:"for"`   // how long, in place of until
	Until   time.Time             `json:"until"`
}

// defaultPolicyName names a policy in faults that came without a name.
const defaultPolicyName = "routing.yaml"

func (o *policyOrder) bundle() policies.Bundle {
	if o.Name == "" {
		o.Name = defaultPolicyName
	}
	return append(policies.Bundle{{Name: o.Name, Text: o.Text}}, o.Files...)
}

// end is when what is ordered ends by itself.
func (o *policyOrder) end() (time.Time, error) {
	if o.For == "" {
		return o.Until, nil
	}
	length, err := time.ParseDuration(o.For)
	if err != nil || !o.Until.IsZero() {
		return time.Time{}, &policies.Error{Kind: policies.Invalid, Text: `Say until when: "for" as a duration such as 90m or 24h, or "until" as a time such as 2026-01-31T18:00:00Z, and not both.`}
	}
	return time.Now().Add(length), nil
}

// strictly reads JSON without unknown names.
func strictly(body io.Reader, into any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// readPolicyOrder reads an operator's order about the routing policy. It has answered already when ok is false.
func (a *App) readPolicyOrder(w http.ResponseWriter, r *http.Request) (o policyOrder, ok bool) {
	if err := strictly(http.MaxBytesReader(w, r.Body, maxPolicyOrder), &o); err != nil {
		a.reply(w, http.StatusBadRequest, map[string]any{"success": false, "message": `Send JSON that says who decides and why: {"by":"ada","because":"…"}. This was not it: ` + err.Error()})
		return policyOrder{}, false
	}
	return o, true
}

func (a *App) validatePolicy(w http.ResponseWriter, r *http.Request) {
	o, ok := a.readPolicyOrder(w, r)
	if !ok {
		return
	}
	compiled, err := a.policies.Check(o.bundle())
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{
		"success": true, "policy": compiled.Hash, "rules": len(compiled.Config.Policy.Document().Rules),
		"findings": shown(compiled.Findings), "not_in_force": append([]string{}, compiled.NotInForce...),
	})
}

func (a *App) diffPolicy(w http.ResponseWriter, r *http.Request) {
	o, ok := a.readPolicyOrder(w, r)
	if !ok {
		return
	}
	bundle := o.bundle()
	if o.Version != "" {
		version, err := a.policies.Version(r.Context(), o.Version)
		if err != nil {
			a.refusePolicy(w, r, err)
			return
		}
		bundle = version.Files
	}
	from, changes, err := a.policies.Differences(r.Context(), o.From, bundle)
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "from": from, "changes": append([]string{}, changes...)})
}

func (a *App) activatePolicy(w http.ResponseWriter, r *http.Request) {
	o, ok := a.readPolicyOrder(w, r)
	switch {
	case !ok:
	case (o.Version == "") == (o.Text == ""):
		a.reply(w, http.StatusBadRequest, map[string]any{"success": false, "message": "Send the policy as text, or the version of a stored one."})
	case o.Version != "":
		result, err := a.policies.ActivateVersion(r.Context(), o.Version, o.Order)
		a.changed(w, r, result, err)
	default:
		result, err := a.policies.Activate(r.Context(), o.bundle(), o.Order)
		a.changed(w, r, result, err)
	}
}

func (a *App) rollbackPolicy(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readPolicyOrder(w, r); ok {
		result, err := a.policies.Rollback(r.Context(), o.Version, o.Order)
		a.changed(w, r, result, err)
	}
}

func (a *App) reloadPolicy(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readPolicyOrder(w, r); ok {
		result, err := a.policies.Reload(r.Context(), o.Order)
		a.changed(w, r, result, err)
	}
}

func (a *App) pinPolicy(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readPolicyOrder(w, r); ok {
		until, err := o.end()
		var result policies.Result
		if err == nil {
			result, err = a.policies.Pin(r.Context(), until, o.Order)
		}
		a.changed(w, r, result, err)
	}
}

func (a *App) unpinPolicy(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readPolicyOrder(w, r); ok {
		result, err := a.policies.Unpin(r.Context(), o.Order)
		a.changed(w, r, result, err)
	}
}

func (a *App) throwSwitch(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readPolicyOrder(w, r); ok {
		until, err := o.end()
		var result policies.Result
		if err == nil {
			result, err = a.policies.Throw(r.Context(), o.Target, until, o.Order)
		}
		a.changed(w, r, result, err)
	}
}

func (a *App) withdrawSwitch(w http.ResponseWriter, r *http.Request) {
	if o, ok := a.readPolicyOrder(w, r); ok {
		result, err := a.policies.Withdraw(r.Context(), r.PathValue("id"), o.Order)
		a.changed(w, r, result, err)
	}
}

// listed is how long a list of versions or events is without a limit.
const listed = 20

func limitOf(r *http.Request) int {
	if limit, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && limit > 0 {
		return limit
	}
	return listed
}

func (a *App) listVersions(w http.ResponseWriter, r *http.Request) {
	list, err := a.policies.Versions(r.Context(), r.URL.Query().Get("start_after"), limitOf(r))
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "in_force": a.policies.Current().Policy, "versions": append([]payments.PolicyVersion{}, list...)})
}

func (a *App) showVersion(w http.ResponseWriter, r *http.Request) {
	version, err := a.policies.Version(r.Context(), r.PathValue("name"))
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "version": version})
}

func (a *App) listRoutingHistory(w http.ResponseWriter, r *http.Request) {
	before, err := strconv.ParseInt(r.URL.Query().Get("start_after"), 10, 64)
	if err != nil && r.URL.Query().Get("start_after") != "" || before < 0 {
		a.reply(w, http.StatusBadRequest, map[string]any{"success": false, "message": "start_after is the seq of the last event of the page before."})
		return
	}
	list, err := a.policies.History(r.Context(), before, limitOf(r))
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, map[string]any{"success": true, "history": append([]payments.RoutingEvent{}, list...)})
}

// fault is a finding with the text that the command line prints for it.
type fault struct {
	rules.Finding

	Text string `json:"text"`
}

func shown(findings []rules.Finding) []fault {
	list := make([]fault, 0, len(findings))
	for _, f := range findings {
		list = append(list, fault{f, f.String()})
	}
	return list
}

// changed answers an operator's order about routing.
func (a *App) changed(w http.ResponseWriter, r *http.Request, result policies.Result, err error) {
	if err != nil {
		a.refusePolicy(w, r, err)
		return
	}
	a.reply(w, http.StatusOK, struct {
		Success    bool            `json:"success"`
		Changed    bool            `json:"changed"`
		From       string          `json:"from"`
		Findings   []fault         `json:"findings"`
		NotInForce []string        `json:"not_in_force"`
		Routing    policies.Status `json:"routing"`
	}{true, result.Changed, result.From, shown(result.Findings), append([]string{}, result.NotInForce...), result.Status})
}

// refusalStatus is the HTTP status of a refusal.
var refusalStatus = map[policies.ErrorKind]int{
	policies.Invalid: http.StatusBadRequest, policies.Missing: http.StatusNotFound, policies.Conflict: http.StatusConflict,
	policies.Unread: http.StatusUnprocessableEntity,
}

// refusePolicy answers an order about routing that was not carried out.
func (a *App) refusePolicy(w http.ResponseWriter, r *http.Request, err error) {
	if faults, ok := errors.AsType[rules.Faults](err); ok {
		a.reply(w, http.StatusUnprocessableEntity, map[string]any{
			"success": false, "message": "The policy must not go live; what was in force stays. Put its faults right and send it again.", "faults": shown(faults),
		})
		return
	}
	if refused, ok := errors.AsType[*policies.Error](err); ok {
		a.reply(w, refusalStatus[refused.Kind], map[string]any{"success": false, "message": refused.Text})
		return
	}
	a.refuse(w, r, err)
}
