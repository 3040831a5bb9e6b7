package processout

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"switchyard/sims/challenge"
	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

const (
	frictionless = "4000000000003063"
	noAnswer     = "4000000000003220" // the device does not answer
	challenged   = "4000000000003253"
)

// bench is a simulator with what it needs.
type bench struct {
	t    *testing.T
	sim  *Sim
	book *ledger.Book
	desk *challenge.Desk
}

func newBench(t *testing.T) *bench {
	t.Parallel()
	const base = "http://processout.example"
	random := psp.NewRandom(1, 1)
	b := &bench{t: t, book: ledger.New(), desk: challenge.NewDesk(base, func() string { return random.Alphanumeric(16) })}
	b.sim = New(psp.Deps{BaseURL: base, Ledger: b.book, Random: random, Challenges: b.desk, Notify: func(psp.Notice) {}})
	return b
}

// said is an answer, decoded.
type said struct {
	Status                  int
	Error                   string                       `json:"error_type"`
	Action                  struct{ Type, Value string } `json:"customer_action"`
	Card, Customer, Invoice struct{ ID string }
	Transaction             struct {
		Status   string
		Attempts int `json:"attempts_count"`
	}
	Token struct {
		ID           string
		Verification string `json:"verification_status"`
		Chargeable   bool   `json:"is_chargeable"`
	}
}

func (b *bench) accept(method, path string, body psp.Object) psp.Call {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	header := http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("test-proj_a:key_test_a"))}}
	return b.sim.Accept(&psp.Request{Method: method, Path: strings.Split(path, "/"), Header: header, Body: text})
}

func (b *bench) call(method, path string, body psp.Object) said {
	return b.ordered(method, path, body, psp.Orders{})
}

func (b *bench) ordered(method, path string, body psp.Object, o psp.Orders) said {
	b.t.Helper()
	answer := b.accept(method, path, body).Run(o)
	out := said{Status: answer.Status}
	if err := json.Unmarshal(answer.Body, &out); err != nil {
		b.t.Fatalf("%s %s: %d %s", method, path, answer.Status, answer.Body)
	}
	return out
}

func (b *bench) card(number string) string {
	b.t.Helper()
	return b.call("POST", "cards", psp.Object{"number": number, "exp_month": 12, "exp_year": 2040, "cvc2": "123"}).Card.ID
}

// invoice makes an invoice and returns the path of its charging call.
func (b *bench) invoice(reference, how string) string {
	b.t.Helper()
	made := b.call("POST", "invoices", psp.Object{
		"name": "Order", "amount": "10", "currency": "USD", "reference_id": reference, "return_url": "https://shop.example/back?order=7",
	})
	return "invoices/" + made.Invoice.ID + "/" + how
}

// begin charges with a card whose payer can take steps.
func (b *bench) begin(path, number string) said {
	b.t.Helper()
	return b.call("POST", path, psp.Object{"source": b.card(number), "enable_three_d_s_2": true})
}

func (b *bench) bring(path, result string) said {
	b.t.Helper()
	return b.call("POST", path, psp.Object{"source": result, "enable_three_d_s_2": true})
}

// open is the payer's browser at a page of the simulator: the answer's status, and what the page gives to the page around it.
func (b *bench) open(page string) (status int, result string) {
	b.t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		b.t.Fatal(err)
	}
	answer := b.sim.Accept(&psp.Request{Method: "GET", Path: strings.Split(strings.Trim(u.Path, "/"), "/"), Header: http.Header{}}).Run(psp.Orders{})
	found := regexp.MustCompile(`data: "([^"]*)"`).FindSubmatch(answer.Body)
	if found == nil {
		return answer.Status, ""
	}
	return answer.Status, string(found[1])
}

// decide is the payer at the challenge; it returns the token with which the payer comes back.
func (b *bench) decide(page, outcome string) string {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), "POST", page, strings.NewReader(url.Values{"outcome": {outcome}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	b.desk.ServeHTTP(w, r)
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || to.Host != "shop.example" || to.Query().Get("order") != "7" || !resumed(to.Query().Get("token")) {
		b.t.Fatalf("after %s: %d to %q", outcome, w.Code, w.Header().Get("Location"))
	}
	return to.Query().Get("token")
}

// waitedInVain is what a client brings when the fingerprint page did not answer.
func waitedInVain(page, body string) string {
	text, _ := json.Marshal(clientRequest{URL: page, Method: "POST", Body: body})
	return resumePrefix + base64.StdEncoding.EncodeToString(text)
}

const (
	browserTimeout = `threeDSMethodData={"threeDS2FingerprintTimeout":true}`
	mobileTimeout  = `{ "threeDS2FingerprintTimeout": true }`
)

// wantStates insists on the ledger's rows of a reference.
func (b *bench) wantStates(reference string, want ...ledger.State) {
	b.t.Helper()
	var got []ledger.State
	for _, c := range b.book.Charges() {
		if c.Reference == reference {
			got = append(got, c.State)
		}
	}
	if len(got) != len(want) || len(want) == 1 && got[0] != want[0] {
		b.t.Errorf("ledger of %s: %v, want %v", reference, got, want)
	}
}

// refused insists that a result is not taken and that nothing is charged for it.
func (b *bench) refused(what string, got said) {
	b.t.Helper()
	if got.Status != http.StatusBadRequest || got.Error != codeResult {
		b.t.Errorf("%s: %+v", what, got)
	}
}

func TestFrictionless(t *testing.T) {
	b := newBench(t)
	for name, result := range map[string]func(page string) string{
		"answer": func(page string) string {
			_, result := b.open(page)
			return result
		},
		"browser":       func(page string) string { return waitedInVain(page, browserTimeout) },
		"mobile":        func(string) string { return waitedInVain("", mobileTimeout) },
		"mobile-padded": func(page string) string { return strings.TrimRight(waitedInVain(page, mobileTimeout), "=") },
	} {
		path := b.invoice(name, "capture")
		asked := b.begin(path, frictionless)
		if asked.Status != 200 || asked.Action.Type != actionFingerprint || asked.Transaction.Status != "" {
			t.Fatalf("%s: asked %+v", name, asked)
		}
		b.wantStates(name)
		if got := b.bring(path, result(asked.Action.Value)); got.Transaction.Status != txCompleted || got.Action.Type != "" {
			t.Errorf("%s: %+v", name, got)
		}
		b.wantStates(name, ledger.Captured)
		if status, _ := b.open(asked.Action.Value); status != http.StatusNotFound {
			t.Errorf("%s: the page afterwards: %d", name, status)
		}
	}
}

func TestChallengeAfterFingerprint(t *testing.T) {
	b := newBench(t)
	for _, number := range []string{noAnswer, challenged} {
		for outcome, state := range map[string]ledger.State{"authorize": ledger.Authorized, "fail": ledger.Declined} {
			reference := number + outcome
			path := b.invoice(reference, "authorize")
			asked := b.begin(path, number)
			status, result := b.open(asked.Action.Value)
			if status != 200 || (result == "") != (number == noAnswer) {
				t.Errorf("%s: the fingerprint page: %d %q", number, status, result)
			}
			if result == "" {
				result = waitedInVain(asked.Action.Value, browserTimeout)
			}
			b.refused("a result made up", b.bring(path, "gway_req_e30"))
			next := b.bring(path, result)
			if next.Status != 200 || next.Action.Type != actionRedirect || next.Transaction.Status != "" {
				t.Fatalf("%s: after the fingerprint: %+v", number, next)
			}
			b.refused("the fingerprint's result again", b.bring(path, result))
			b.refused("before the payer acted", b.bring(path, waitedInVain(next.Action.Value, browserTimeout)))
			token := b.decide(next.Action.Value, outcome)
			b.wantStates(reference) // the page itself charges nothing
			if got := b.call("GET", "invoices/"+strings.Split(path, "/")[1]+"/transactions", nil).Transaction; got.Status != txWaiting || got.Attempts != 1 {
				t.Errorf("%s: the transaction that waits: %+v", number, got)
			}
			got := b.bring(path, token)
			if outcome == "authorize" && got.Transaction.Status != txAuthorized || outcome == "fail" && (got.Status != http.StatusGone || got.Error != "card.failed-3ds") {
				t.Errorf("%s after %s: %+v", number, outcome, got)
			}
			b.wantStates(reference, state)
			b.refused("a used result", b.bring(path, token))
			b.wantStates(reference, state)
		}
	}
}

func TestResultsOfOtherSteps(t *testing.T) {
	b := newBench(t)
	mine, other := b.invoice("mine", "capture"), b.invoice("other", "capture")
	first, second := b.begin(mine, frictionless), b.begin(other, challenged)
	_, result := b.open(second.Action.Value)
	b.refused("another payment's result", b.bring(mine, result))
	b.refused("another page's timeout", b.bring(mine, waitedInVain(second.Action.Value, browserTimeout)))
	for _, body := range []string{"", "{}", `threeDSMethodData={"threeDS2FingerprintTimeout":false}`, `{"transStatus":"Y"}`} {
		b.refused("no timeout: "+body, b.bring(mine, waitedInVain(first.Action.Value, body)))
	}
	if got := b.begin(mine, "4242424242424242"); got.Status != http.StatusBadRequest || got.Error != codeValidation {
		t.Errorf("another card while the payer is away: %+v", got)
	}
	token := b.decide(b.bring(other, result).Action.Value, "authorize")
	b.refused("another payment's token", b.bring(mine, token))
	plain := b.invoice("plain", "capture")
	if got := b.bring(plain, token); got.Error != codeSource {
		t.Errorf("a token where nobody was asked: %+v", got)
	}
	b.call("DELETE", "invoices/"+strings.Split(other, "/")[1], nil)
	if got := b.bring(other, token); got.Status != http.StatusNotFound {
		t.Errorf("after the fence: %+v", got)
	}
	for _, reference := range []string{"mine", "other", "plain"} {
		b.wantStates(reference)
	}
}

func TestWhoIsNotAsked(t *testing.T) {
	b := newBench(t)
	for number, code := range map[string]string{frictionless: "", challenged: "", noAnswer: "card.needs-authentication"} {
		made := b.call("POST", "invoices", psp.Object{"name": "Order", "amount": "10", "currency": "USD", "initiation_type": "mit"})
		if got := b.begin("invoices/"+made.Invoice.ID+"/capture", number); got.Error != code || got.Action.Type != "" {
			t.Errorf("%s, the merchant's own payment: %+v", number, got)
		}
	}
	if got := b.call("POST", b.invoice("old", "capture"), psp.Object{"source": b.card(frictionless)}); got.Transaction.Status != txCompleted {
		t.Errorf("a client that cannot take the steps: %+v", got)
	}
}

// TestStepsMeetFaults: a result is brought with the charging call, and the faults of that apply.
func TestStepsMeetFaults(t *testing.T) {
	b := newBench(t)
	path := b.invoice("declined", "capture")
	_, result := b.open(b.begin(path, frictionless).Action.Value)
	if got := b.accept("POST", path, psp.Object{"source": result}).Operation; got != psp.Authorize {
		t.Errorf("the operation is %s", got)
	}
	if got := b.ordered("POST", path, psp.Object{"source": result}, psp.Orders{Decline: psp.HardDecline}); got.Status != http.StatusGone || got.Error != "card.stolen" {
		t.Errorf("an ordered decline: %+v", got)
	}
	b.wantStates("declined", ledger.Declined)

	path = b.invoice("hidden", "capture")
	_, result = b.open(b.begin(path, frictionless).Action.Value)
	b.ordered("POST", path, psp.Object{"source": result}, psp.Orders{HideFor: time.Hour})
	if got := b.call("GET", "invoices/"+strings.Split(path, "/")[1]+"/transactions", nil); got.Transaction.Status != txWaiting {
		t.Errorf("seen too early: %+v", got)
	}
	b.wantStates("hidden", ledger.Captured)
}

func TestVerificationTakesSteps(t *testing.T) {
	b := newBench(t)
	tokens := "customers/" + b.call("POST", "customers", nil).Customer.ID + "/tokens"
	for outcome, status := range map[string]string{"authorize": verifySuccess, "fail": verifyFailed} {
		made := b.call("POST", tokens, psp.Object{
			"verify": true, "invoice_return_url": "https://shop.example/back?order=7", "verify_metadata": psp.Object{"reference": outcome},
		})
		path := tokens + "/" + made.Token.ID
		put := func(source string) said {
			return b.call("PUT", path, psp.Object{"source": source, "verify": true, "enable_three_d_s_2": true})
		}
		asked := put(b.card(challenged))
		if asked.Action.Type != actionFingerprint || asked.Token.Verification != verifyPending || asked.Token.Chargeable {
			t.Fatalf("asked: %+v", asked)
		}
		b.refused("a result made up", put("gway_req_e30"))
		_, result := b.open(asked.Action.Value)
		if got := b.accept("PUT", path, psp.Object{"source": result}).Operation; got != psp.Verify {
			t.Errorf("the operation is %s", got)
		}
		next := put(result)
		if next.Action.Type != actionRedirect || next.Token.Verification != verifyPending {
			t.Fatalf("after the fingerprint: %+v", next)
		}
		token := b.decide(next.Action.Value, outcome)
		if got := b.call("GET", path, nil); got.Token.Verification != verifyPending {
			t.Errorf("before the result is brought: %+v", got)
		}
		got := put(token)
		if outcome == "authorize" && (got.Status != 200 || !got.Token.Chargeable) || outcome == "fail" && (got.Status != http.StatusGone || got.Error != "card.failed-3ds") {
			t.Errorf("after %s: %+v", outcome, got)
		}
		if got := b.call("GET", path, nil); got.Token.Verification != status {
			t.Errorf("after %s the verification is %s, want %s", outcome, got.Token.Verification, status)
		}
		b.wantStates(outcome, map[string]ledger.State{"authorize": ledger.Voided, "fail": ledger.Declined}[outcome])
		b.refused("a used result", put(token))
	}
	once := b.call("POST", tokens, psp.Object{"source": b.card(frictionless), "verify": true, "enable_three_d_s_2": true})
	if once.Action.Type != actionFingerprint || once.Token.Verification != verifyPending {
		t.Errorf("made with its card: %+v", once)
	}
}
