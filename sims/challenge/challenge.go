// Package challenge is the page on which a payer passes or fails a 3-D Secure check at a simulated PSP.
package challenge

import (
	"html/template"
	"net/http"
	"strings"
	"sync"
)

// Prefix is where the pages are on a PSP's listener.
const Prefix = "/_3ds/"

// maxFormBytes bounds the page's own form, which has one short field.
const maxFormBytes = 4 << 10

// Desk keeps the challenges of one PSP. It is safe for concurrent use.
type Desk struct {
	base  string
	newID func() string
	page  *template.Template

	mu   sync.Mutex
	open map[string]func(passed bool) (returnTo string)
}

// NewDesk makes a desk whose pages are at base + Prefix. newID makes ids that nobody guesses.
func NewDesk(base string, newID func() string) *Desk {
	return &Desk{
		base:  base,
		newID: newID,
		page:  template.Must(template.New("page").Parse(pageHTML)),
		open:  map[string]func(bool) string{},
	}
}

// Open starts a challenge and returns its page's URL. decided is called once, when the payer has passed or failed;
// it returns where to send the payer next, or "".
func (d *Desk) Open(decided func(passed bool) (returnTo string)) string {
	id := d.newID()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[id] = decided
	return d.base + Prefix + id
}

// Reset forgets every challenge.
func (d *Desk) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.open)
}

// ServeHTTP shows a challenge (GET) or decides it (POST outcome=authorize or fail).
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, Prefix)
	switch r.Method {
	case http.MethodGet:
		d.mu.Lock()
		_, known := d.open[id]
		d.mu.Unlock()
		if !known {
			d.show(w, http.StatusNotFound, "This challenge is over, or never was.", false)
			return
		}
		d.show(w, http.StatusOK, "The issuer of your card asks you to confirm this payment.", true)
	case http.MethodPost:
		d.decide(w, r, id)
	default:
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (d *Desk) decide(w http.ResponseWriter, r *http.Request, id string) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	outcome := r.PostFormValue("outcome")
	if outcome != "authorize" && outcome != "fail" {
		d.show(w, http.StatusBadRequest, "outcome must be authorize or fail.", false)
		return
	}
	d.mu.Lock()
	decided, known := d.open[id]
	delete(d.open, id)
	d.mu.Unlock()
	if !known {
		d.show(w, http.StatusNotFound, "This challenge is over, or never was.", false)
		return
	}
	// Outside the lock: deciding takes the PSP's own lock, under which challenges are opened.
	if returnTo := decided(outcome == "authorize"); returnTo != "" {
		http.Redirect(w, r, returnTo, http.StatusSeeOther)
		return
	}
	d.show(w, http.StatusOK, "Thank you. You may close this page.", false)
}

func (d *Desk) show(w http.ResponseWriter, status int, text string, ask bool) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = d.page.Execute(w, struct { // the client is gone: nobody is left to tell
		Text string
		Ask  bool
	}{text, ask})
}

const pageHTML = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>3-D Secure (simulated)</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem;margin-right:.5rem}</style>
</head><body><h1>3-D Secure (simulated)</h1><p>{{.Text}}</p>
{{if .Ask}}<form method="post"><button name="outcome" value="authorize">Authorize</button><button name="outcome" value="fail">Fail</button></form>{{end}}
</body></html>
`
