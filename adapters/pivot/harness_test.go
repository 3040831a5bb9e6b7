package pivot

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard/adapters"
	"switchyard/payments"
)

// vector is a recorded encryption, with the private key to it.
type vector struct {
	EncryptionKey      string `json:"encryptionKey"`
	PrivateKey         []byte `json:"testPrivateKeyPkcs8"`
	Plaintext          string `json:"plaintextUtf8"`
	AESKey             []byte `json:"aesKeyB64"`
	Nonce              []byte `json:"nonceB64"`
	ExpectedCiphertext []byte `json:"expectedCiphertextWithTagB64"`
	EncryptedCard      string `json:"encryptedCard"`
}

func readVector(t testing.TB) vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vector/encrypted-card.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// sent is a request as Pivot got it.
type sent struct {
	method, path string
	query        url.Values
	header       http.Header
	body         map[string]any
	raw          string
}

// at is the value at a dotted path of the body.
func (s sent) at(path string) any {
	var v any = s.body
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// fakePivot answers by method and path. Its clock stands still until it is moved.
type fakePivot struct {
	t testing.TB

	mu      sync.Mutex
	now     time.Time
	answers map[string]func(sent) (status int, body string)
	calls   []sent
}

// newFake returns a fake that hands out access tokens, numbered, and an adapter that speaks to it.
func newFake(t testing.TB, edit func(*Config)) (*fakePivot, *adapter) {
	t.Helper()
	f := &fakePivot{t: t, now: time.Date(2026, time.April, 1, 10, 0, 0, 0, time.UTC), answers: map[string]func(sent) (int, string){}}
	f.on("POST "+tokenPath, 200, `{"code":"00","data":{"accessToken":"token-1-abcdefgh","expiresIn":"900"}}`)
	config := Provider().NewConfig().(*Config)
	config.MerchantID, config.MerchantSecret = "MCH-1", payments.NewSecret("ms_Yd4Vb8NcRk2LmX9t")
	config.BaseURL = sandboxBaseURL
	if edit != nil {
		edit(config)
	}
	opened, err := config.Open(adapters.Deps{Transport: f, Now: f.clock})
	if err != nil {
		t.Fatal(err)
	}
	return f, opened.(*adapter)
}

func (f *fakePivot) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fakePivot) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// on sets a constant answer.
func (f *fakePivot) on(call string, status int, body string) {
	f.when(call, func(sent) (int, string) { return status, body })
}

func (f *fakePivot) when(call string, answer func(sent) (int, string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[call] = answer
}

// made returns the calls with this method and path.
func (f *fakePivot) made(call string) []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []sent
	for _, s := range f.calls {
		if s.method+" "+s.path == call {
			list = append(list, s)
		}
	}
	return list
}

func (f *fakePivot) RoundTrip(r *http.Request) (*http.Response, error) {
	s := sent{method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header.Clone()}
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.raw = string(data)
		if len(data) > 0 {
			if err := json.Unmarshal(data, &s.body); err != nil {
				f.t.Errorf("the body of %s %s is not JSON", s.method, s.path)
			}
		}
	}
	f.mu.Lock()
	f.calls = append(f.calls, s)
	answer := f.answers[s.method+" "+s.path]
	f.mu.Unlock()
	if answer == nil {
		f.t.Errorf("%s %s was not expected", s.method, s.path)
		answer = func(sent) (int, string) { return 404, `{"code":"not_found"}` }
	}
	status, body := answer(s)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// Names of the fake's objects.
const (
	fakeSession   = "8f1c2a64-5b3d-4e7a-9c06-d2e4f6a8b0c1"
	fakeReference = "At4k2m9x7q1w8e5r3t6y0u2i4o6p8a0b"
	postSessions  = "POST " + sessionsPath
	getSession    = "GET " + sessionsPath + "/" + fakeSession
	postConfirm   = "POST " + sessionsPath + "/" + fakeSession + "/confirm"
)

var fakeAmount = payments.Money{Minor: 123400, Currency: "IDR"}

// sessionAnswer is an answer with a session; fields are more JSON of it.
func sessionAnswer(status, fields string) string {
	if fields != "" {
		fields = "," + fields
	}
	return `{"code":"00","data":{"id":"` + fakeSession + `","clientReferenceId":"` + fakeReference + `","customerId":"cus-1","status":"` + status +
		`","amount":{"value":1234,"currency":"IDR"}` + fields + `}}`
}
