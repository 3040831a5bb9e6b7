package processout

import (
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"switchyard/sims/psp"
	"switchyard/sims/shown"
)

// The kinds of step that a payer is asked for.
const (
	actionRedirect    = "redirect"
	actionURL         = "url"
	actionFingerprint = "fingerprint"
)

const (
	// resumePrefix begins the source with which a client comes back from a step. Base64 of JSON follows.
	resumePrefix = "gway_req_"
	// fingerprintPage is the pattern of the page on which a payer's device shows itself to its bank.
	fingerprintPage = "checkout/*/fingerprint/*"
	// deviceField is the name of the form field in which a browser sends what came of that.
	deviceField = "threeDSMethodData="
)

// step is what the payer is asked to do for the try that waits.
type step struct {
	kind, page string
	// repeats says that the payer's client has to bring the result, with the call that was answered with the step; else the
	// page itself ends the payment.
	repeats bool
	// result is what the client has to bring, "" while there is nothing; passed is what it says.
	result string
	passed bool
}

// clientRequest is what follows resumePrefix.
type clientRequest struct {
	GatewayConfiguration string `json:"gateway_configuration_id,omitempty"`
	URL                  string `json:"url,omitempty"`
	Method               string `json:"method,omitempty"`
	Body                 string `json:"body,omitempty"`
}

func resumed(source string) bool { return strings.HasPrefix(source, resumePrefix) }

// action is the step as an answer shows it.
func (st step) action() psp.Object {
	return psp.Object{"type": st.kind, "value": st.page, "metadata": psp.Object{}}
}

// takes says whether a source is the step's result. A device that did not answer in time is one, too.
func (st step) takes(source string) bool {
	return st.result != "" && source == st.result || st.kind == actionFingerprint && timedOut(source, st.page)
}

// timedOut says whether a source tells that the fingerprint page has been waited for in vain. A browser names the page and
// puts what it tells into a form, a mobile client does neither.
func timedOut(source, page string) bool {
	text := strings.TrimRight(strings.TrimPrefix(source, resumePrefix), "=")
	raw, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(text))
	var told clientRequest
	if err != nil || json.Unmarshal(raw, &told) != nil || told.URL != "" && told.URL != page {
		return false
	}
	var body struct {
		TimedOut bool `json:"threeDS2FingerprintTimeout"`
	}
	return json.Unmarshal([]byte(strings.TrimPrefix(told.Body, deviceField)), &body) == nil && body.TimedOut
}

// newResult makes the source with which a client comes back from a step.
func (s *Sim) newResult(iv *invoice) string {
	text, _ := json.Marshal(clientRequest{ // plain text: cannot fail
		GatewayConfiguration: gatewayConfiguration, URL: s.deps.BaseURL + "/checkout/" + iv.id + "/results/" + s.newID(""), Method: http.MethodGet,
	})
	return resumePrefix + base64.RawURLEncoding.EncodeToString(text)
}

// askPayer has a try wait until the payer has passed a challenge or failed it.
func (s *Sim) askPayer(iv *invoice, t try, asked step) psp.Object {
	id := iv.id
	asked.page = s.deps.Challenges.Open(func(passed bool) string { return s.challenged(id, passed) })
	iv.tx.pending, iv.tx.step = &t, asked
	return asked.action()
}

// askDevice has a try wait until the payer's device has shown itself to its bank.
func (s *Sim) askDevice(iv *invoice, t try, acts behaviour) psp.Object {
	asked := step{
		kind: actionFingerprint, repeats: true,
		page: s.deps.BaseURL + "/" + strings.Replace(strings.Replace(fingerprintPage, "*", iv.id, 1), "*", s.newID(""), 1),
	}
	if !acts.silentDevice {
		asked.result = s.newResult(iv)
	}
	iv.tx.pending, iv.tx.step = &t, asked
	return asked.action()
}

// challenged goes on when the payer has passed the challenge or failed it, and says where the payer goes next.
func (s *Sim) challenged(id string, passed bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, known := s.live(id)
	if !known || rec.Live.tx.pending == nil { // fenced meanwhile
		return ""
	}
	iv := &rec.Live
	result := s.newResult(iv)
	if iv.tx.step.repeats {
		iv.tx.step.result, iv.tx.step.passed = result, passed
		return iv.returnTo(result)
	}
	t := *iv.tx.pending
	iv.tx.pending, iv.tx.step, iv.tx.resumable = nil, step{}, true
	if passed {
		s.approve(iv, t, psp.Orders{})
		s.endVerification(iv, psp.Orders{})
	} else {
		s.decline(iv, t, "card.failed-3ds", psp.Orders{})
	}
	return iv.returnTo(result)
}

// returnTo is where a payer goes on after a step, "" if the merchant has not said it.
func (iv *invoice) returnTo(result string) string {
	u, err := url.Parse(iv.returnURL)
	if err != nil || iv.returnURL == "" {
		return ""
	}
	query := u.Query()
	query.Set("token", result)
	u.RawQuery = query.Encode()
	return u.String()
}

// bring goes on with the try that waits, if its source is the result of the step. It returns the next step, or the code of a
// decline, or neither when the payment is made. The answer, if there is one, refuses the result.
func (s *Sim) bring(rec *shown.Record[invoice], t try, o psp.Orders) (action psp.Object, code string, bad *psp.Answer) {
	iv := &rec.Live
	taken := iv.tx.step
	if !taken.takes(t.source) {
		refused := invalid(codeResult, "The result is not that of the step that the payment waits for.")
		return nil, "", &refused
	}
	rec.Freeze(*iv, o.HideFor)
	first := iv.tx.pending
	t.source, t.card, t.token, t.verifies, t.keepsHold = first.source, first.card, first.token, first.verifies, first.keepsHold
	iv.tx.pending, iv.tx.step = nil, step{repeats: true}
	c := s.cards[t.card]
	switch {
	case o.Decline != psp.NoDecline:
		code = orderedDecline(o.Decline)
	case taken.kind == actionFingerprint && c != nil && c.acts.challenge != "":
		return s.askPayer(iv, t, step{kind: c.acts.challenge, repeats: true}), "", nil
	case taken.kind != actionFingerprint && !taken.passed:
		code = "card.failed-3ds"
	}
	if code != "" {
		s.decline(iv, t, code, o)
		return nil, code, nil
	}
	s.approve(iv, t, o)
	return nil, "", nil
}

// resume answers a payer's client that is back from a step whose page ends the payment.
func (s *Sim) resume(rec *shown.Record[invoice]) psp.Answer {
	iv := &rec.Live
	switch {
	case iv.tx.pending != nil:
		return s.paid(rec, iv.tx.step.action())
	case !iv.tx.resumable:
		return invalid(codeSource, "The source is invalid.")
	}
	iv.tx.resumable = false
	if iv.tx.status == txFailed {
		return declined(iv.tx.errorCode)
	}
	return s.paid(rec, nil)
}

// showFingerprint is the page that a payer's client opens out of sight. It gives the result to the page around it or, opened
// by itself, takes the payer back with it. A silent device gives nothing: the client stops waiting by itself.
func (s *Sim) showFingerprint(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	rec, known := s.live(ids[0])
	if !known || rec.Live.tx.pending == nil || !strings.HasSuffix(rec.Live.tx.step.page, "/"+ids[1]) {
		return psp.Text(http.StatusNotFound, "text/plain; charset=utf-8", "This step is over, or never was.")
	}
	result := rec.Live.tx.step.result
	var page strings.Builder
	err := s.device.Execute(&page, struct{ Result, Return string }{result, rec.Live.returnTo(result)})
	if err != nil {
		return psp.Text(http.StatusInternalServerError, "text/plain; charset=utf-8", err.Error())
	}
	return psp.Text(http.StatusOK, "text/html; charset=utf-8", page.String())
}

// newDevicePage makes what showFingerprint shows.
func newDevicePage() *template.Template {
	return template.Must(template.New("device").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>3-D Secure (simulated)</title></head><body>{{if .Result}}
<script>
if (window.parent !== window) {
  window.parent.postMessage(JSON.stringify({namespace: "processout.checkout", action: "success", data: {{.Result}}}), "*")
} else if ({{.Return}}) {
  window.location.replace({{.Return}})
}
</script>{{end}}
</body></html>
`))
}
