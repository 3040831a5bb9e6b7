package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"switchyard/adapters/adaptertest"
	"switchyard/payments"
)

// recorder is a transport that keeps every exchange, and lets none go elsewhere than to the vendor.
type recorder struct {
	next http.RoundTripper
	base *url.URL

	mu    sync.Mutex
	calls []call
}

// call is an exchange as it was.
type call struct {
	request  *http.Request // its body has been read
	sent     []byte
	status   int
	header   http.Header
	answered []byte
}

// longestAnswer is as long as what is kept of an answer, in bytes; adapters read no more.
const longestAnswer = 1<<20 + 1

// RoundTrip sends the request and keeps it with its answer.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" || req.URL.Host != r.base.Host {
		return nil, fmt.Errorf("sandbox: %s is not the vendor's address", req.URL.Host)
	}
	made := call{request: req.Clone(req.Context())}
	if req.Body != nil {
		var err error
		if made.sent, err = io.ReadAll(req.Body); err != nil {
			return nil, fmt.Errorf("sandbox: reading the request: %w", err)
		}
		if err := req.Body.Close(); err != nil {
			return nil, fmt.Errorf("sandbox: closing the request: %w", err)
		}
		made.request.Body = io.NopCloser(bytes.NewReader(made.sent))
	}
	answer, err := r.next.RoundTrip(made.request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if closeErr := answer.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: reading the answer: %w", err)
	}
	made.status, made.header, made.answered = answer.StatusCode, answer.Header, body
	answer.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, made)
	return answer, nil
}

// taken returns the exchanges so far.
func (r *recorder) taken() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// step is one operation of a journey with what came of it.
type step struct {
	adaptertest.Case
	attempt adaptertest.Attempt
	result  adaptertest.Result
	calls   []call
}

// fixture is the step as the suite's fixtures are written.
func (b *bench) fixture(s step, doc string) adaptertest.Case {
	c := s.Case
	c.Doc = doc
	c.Request.Card = nil // the suite's own takes its place
	c.Request.Amount, c.Request.Currency = s.attempt.Amount.String(), s.attempt.Amount.Currency
	c.Exchanges = nil
	for _, made := range s.calls {
		c.Exchanges = append(c.Exchanges, b.exchange(made, s.attempt))
	}
	c.Want = b.want(s)
	return c
}

// exchange scrubs a call. The attempt's reference, amount and currency become placeholders, so that the recording can be played
// again with others.
func (b *bench) exchange(made call, at adaptertest.Attempt) adaptertest.Exchange {
	own := func(text string) string { return strings.ReplaceAll(text, at.Reference, "{{reference}}") }
	placeholders := b.placeholders(at.Amount)
	req := made.request
	e := adaptertest.Exchange{
		Method: req.Method, Path: b.scrubber.text(own(req.URL.Path)),
		Headers: b.headers(req.Header, own), Status: made.status,
	}
	if query := req.URL.Query(); len(query) > 0 {
		e.Query = b.values(query, own, mask, nil)
	}
	if sent := own(string(made.sent)); strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(sent); err == nil {
			e.Form = b.values(form, own, anything, placeholders)
		}
	} else if body, err := b.scrubber.json([]byte(sent), anything, placeholders); err == nil {
		e.JSON = body
	}
	answered := own(string(made.answered))
	if body, err := b.scrubber.json([]byte(answered), mask, placeholders); err == nil {
		e.Body = body
	} else {
		e.Text = b.scrubber.text(answered)
		e.AnswerHeaders = map[string]string{"Content-Type": b.scrubber.text(made.header.Get("Content-Type"))}
	}
	return e
}

// placeholders lead from an amount and its currency, as they stand in JSON, to what the suite puts in their place.
func (b *bench) placeholders(m payments.Money) map[string]string {
	list := map[string]string{quote(string(m.Currency)): `"{{currency}}"`}
	if b.Provider.Capabilities.Units == "minor" {
		number := strconv.FormatInt(m.Minor, 10)
		list[number], list[quote(number)] = `"{{amount}}"`, `"{{amount_text}}"`
		return list
	}
	list[m.Decimal()], list[quote(m.Decimal())] = `"{{amount}}"`, `"{{amount_decimal}}"`
	list[m.String()], list[quote(m.String())] = `"{{amount}}"`, `"{{amount_text}}"`
	return list
}

// values scrubs a query or a form.
func (b *bench) values(values url.Values, own func(string) string, instead string, placeholders map[string]string) map[string]string {
	list := map[string]string{}
	for name := range values {
		text := own(values.Get(name))
		scrubbed := b.scrubber.named(name, text)
		placeholder, known := placeholders[quote(text)]
		switch {
		case known:
			scrubbed = strings.Trim(placeholder, `"`)
		case scrubbed != text && instead == anything:
			scrubbed = anything
		}
		list[b.scrubber.text(name)] = scrubbed
	}
	return list
}

// usualHeaders say nothing about a PSP.
var usualHeaders = []string{"Accept", "Content-Length", "Content-Type", "User-Agent"}

// headers keeps the names of all headers and the values of those that cannot be a secret.
func (b *bench) headers(header http.Header, own func(string) string) map[string]string {
	list := map[string]string{}
	for name := range header {
		value := own(header.Get(name))
		plain := b.scrubber.named(name, value) == value && !strings.Contains(strings.ToLower(name), "auth")
		keyed := strings.Contains(value, "{{reference}}")
		switch {
		case slices.Contains(usualHeaders, name):
		case plain && (keyed || !strings.Contains(strings.ToLower(name), "key")):
			list[name] = value
		default:
			list[name] = anything
		}
	}
	return list
}

// want is what the adapter has made of the exchanges.
func (b *bench) want(s step) adaptertest.Want {
	r := s.result
	if f := payments.AsFault(r.Err); f != nil {
		return adaptertest.Want{Fault: f.Kind, Code: f.PublicCode()}
	}
	o := r.Outcome
	w := adaptertest.Want{Fence: r.Fence, Finding: r.Finding.Kind}
	if r.Finding.Kind != "" {
		o = r.Finding.Outcome
		w.Refs = r.Finding.Refs
	}
	if r.Finding.Kind == payments.FoundTotals {
		w.Totals = &r.Finding.Totals
	}
	w.Status, w.Code, w.RawCode = o.Status, o.Code, b.scrubber.text(o.RawCode)
	w.Refs = b.refs(w.Refs.Merge(o.Refs))
	if o.Action != nil {
		w.Action = &payments.CustomerAction{Type: o.Action.Type, Value: b.scrubber.text(o.Action.Value)}
	}
	if o.Amount != (payments.Money{}) {
		w.Amount = o.Amount.String()
	}
	return w
}

func (b *bench) refs(r payments.ProviderRefs) payments.ProviderRefs {
	for _, ref := range []*string{&r.Session, &r.Charge, &r.Operation, &r.Customer, &r.Method} {
		*ref = b.scrubber.text(*ref)
	}
	return r
}

// write puts the steps of a journey below the directory: <psp>/sandbox-<journey>-<step>-<operation>.json. A file in which a
// secret would be left is not written.
func (b *bench) write(journey string, steps []step) error {
	dir := filepath.Join(b.record, b.Provider.Name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	for i, s := range steps {
		name := fmt.Sprintf("sandbox-%s-%d-%s.json", journey, i+1, s.Operation)
		doc := fmt.Sprintf("Recorded at the sandbox of %s: step %d of %s.", b.Provider.DisplayName, i+1, journey)
		c := b.fixture(s, doc)
		c.Request.Refs = b.refs(c.Request.Refs)
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(c); err != nil {
			return fmt.Errorf("recording %s: %w", name, err)
		}
		if what := b.scrubber.leak(text.String()); what != "" {
			return fmt.Errorf("recording %s is not written: %s is left in it", name, what)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text.Bytes(), 0o600); err != nil {
			return fmt.Errorf("recording: %w", err)
		}
	}
	return nil
}
