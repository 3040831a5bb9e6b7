package xendit

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"switchyard/sims/challenge"
	"switchyard/sims/ledger"
	"switchyard/sims/psp"
)

type fields map[string]any

// bench is a simulator without a server.
type bench struct {
	t    *testing.T
	sim  *Sim
	desk *challenge.Desk
	book *ledger.Book

	mu     sync.Mutex
	events []fields
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, book: ledger.New()}
	opened := 0
	b.desk = challenge.NewDesk("http://xendit.example", func() string {
		opened++
		return strconv.Itoa(opened)
	})
	b.sim = New(psp.Deps{
		BaseURL: "http://xendit.example", Ledger: b.book, Random: psp.NewRandom(1, 1), Challenges: b.desk,
		Notify: func(n psp.Notice) {
			var event fields
			if err := json.Unmarshal(n.Body, &event); err != nil {
				t.Errorf("event: %v", err)
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, event)
		},
	})
	t.Cleanup(b.sim.Reset)
	return b
}

func (b *bench) send(method, path, body string, o psp.Orders) psp.Answer {
	header := http.Header{"Authorization": {"Basic eG5kX2RldmVsb3BtZW50X3g6"}, "Api-Version": {apiVersion}}
	if strings.HasPrefix(path, "customers") {
		header.Set("Api-Version", customerVersions()[0])
	}
	path, query, _ := strings.Cut(path, "?")
	values, _ := url.ParseQuery(query)
	return b.sim.Accept(&psp.Request{Method: method, Path: strings.Split(path, "/"), Query: values, Header: header, Body: []byte(body)}).Run(o)
}

// call makes one request and returns the answer's fields, a number as float64.
func (b *bench) call(method, path string, body fields) (int, fields) {
	b.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // plain values
	}
	a := b.send(method, path, string(text), psp.Orders{})
	out := fields{}
	if err := json.Unmarshal(a.Body, &out); err != nil {
		b.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a.Status, out
}

func (f fields) text(name string) string {
	text, _ := f[name].(string)
	return text
}

// sessionRequest is a session that pays, unless more says otherwise; a field that is nil there is left out.
func sessionRequest(reference string, more fields) fields {
	in := fields{
		"reference_id": reference, "session_type": "PAY", "mode": "PAYMENT_LINK", "amount": 50000, "currency": "IDR", "country": "ID",
		"success_return_url": "https://shop.example/ok",
	}
	maps.Copy(in, more)
	maps.DeleteFunc(in, func(_ string, value any) bool { return value == nil })
	return in
}

func newPayer(reference string) fields {
	return fields{"type": "INDIVIDUAL", "reference_id": reference, "individual_detail": fields{"given_names": "Ada"}}
}

// open makes a session and returns its id and the path of its page.
func (b *bench) open(reference string, more fields) (id, page string) {
	b.t.Helper()
	status, made := b.call("POST", "sessions", sessionRequest(reference, more))
	if status != 201 {
		b.t.Fatalf("%s: %d %v", reference, status, made)
	}
	return made.text("payment_session_id"), strings.TrimPrefix(made.text("payment_link_url"), "http://xendit.example/")
}

func (b *bench) session(id string) fields {
	b.t.Helper()
	_, shown := b.call("GET", "sessions/"+id, nil)
	return shown
}

// pay sends the page's form.
func (b *bench) pay(page, number, more string) psp.Answer {
	return b.send("POST", page, "pay_with=new&action=pay&expiry=12/60&cvc=123&name=Ada&number="+number+more, psp.Orders{})
}

// decide passes or fails the challenge that the payer is sent to, and returns where it leads.
func (b *bench) decide(page, outcome string) string {
	b.t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", page, strings.NewReader("outcome="+outcome))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.desk.ServeHTTP(w, r)
	return w.Header().Get("Location")
}

// names are the events so far, which are then forgotten.
func (b *bench) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, e := range b.events {
		list = append(list, e.text("event"))
	}
	b.events = nil
	return list
}

func TestSessionsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.open("taken", fields{"customer": newPayer("c1")})
	payer := func(change string, value any) fields {
		p := newPayer("c2")
		p[change] = value
		return fields{"customer": p}
	}
	for name, c := range map[string]struct {
		more fields
		code string
	}{
		"no reference":        {fields{"reference_id": nil}, "API_VALIDATION_ERROR"},
		"a long reference":    {fields{"reference_id": strings.Repeat("r", 65)}, "API_VALIDATION_ERROR"},
		"taken reference":     {fields{"reference_id": "taken"}, "DUPLICATE_ERROR"},
		"type":                {fields{"session_type": "SALE"}, "SESSION_TYPE_NOT_SUPPORTED"},
		"mode":                {fields{"mode": "CARDS_SESSION_JS"}, "MODE_NOT_SUPPORTED"},
		"country":             {fields{"country": "HK"}, "INVALID_COUNTRY"},
		"currency":            {fields{"currency": "HKD"}, "INVALID_CURRENCY"},
		"no amount":           {fields{"amount": nil}, "API_VALIDATION_ERROR"},
		"amount as text":      {fields{"amount": "50000"}, "API_VALIDATION_ERROR"},
		"minor units":         {fields{"amount": 50000.5}, "INVALID_AMOUNT"},
		"nothing to pay":      {fields{"amount": 0}, "INVALID_AMOUNT"},
		"an amount to save":   {fields{"session_type": "SAVE", "customer": newPayer("c2")}, "INVALID_AMOUNT"},
		"nobody to save for":  {fields{"allow_save_payment_method": "OPTIONAL"}, "MISSING_CUSTOMER"},
		"no customer":         {fields{"session_type": "SAVE", "amount": 0}, "MISSING_CUSTOMER"},
		"unknown customer":    {fields{"customer_id": "cust-x"}, "INVALID_CUSTOMER_ID"},
		"two customers":       {fields{"customer_id": "cust-x", "customer": newPayer("c2")}, "API_VALIDATION_ERROR"},
		"customer's type":     {payer("type", "PERSON"), "API_VALIDATION_ERROR"},
		"customer's id":       {payer("reference_id", "cust_1"), "API_VALIDATION_ERROR"},
		"customer's name":     {payer("individual_detail", fields{"surname": "L"}), "API_VALIDATION_ERROR"},
		"customer's e-mail":   {payer("email", strings.Repeat("a", 50)+"@x.example"), "API_VALIDATION_ERROR"},
		"customer's phone":    {payer("mobile_number", "0812"), "API_VALIDATION_ERROR"},
		"taken customer":      {fields{"customer": newPayer("c1")}, "DUPLICATE_ERROR"},
		"saving":              {fields{"allow_save_payment_method": "YES"}, "API_VALIDATION_ERROR"},
		"capture":             {fields{"capture_method": "LATER"}, "API_VALIDATION_ERROR"},
		"card on file":        {fields{"channel_properties": fields{"cards": fields{"card_on_file_type": "X"}}}, "API_VALIDATION_ERROR"},
		"unknown property":    {fields{"channel_properties": fields{"cards": fields{"mid_label": "X"}}}, "API_VALIDATION_ERROR"},
		"channel":             {fields{"allowed_payment_channels": []string{"CARDS", "OVO"}}, "INVALID_PAYMENT_CHANNEL"},
		"plain http":          {fields{"success_return_url": "http://shop.example/ok"}, "INVALID_URL"},
		"no address":          {fields{"cancel_return_url": "shop.example"}, "INVALID_URL"},
		"expiry":              {fields{"expires_at": "soon"}, "INVALID_EXPIRY_DATE"},
		"an early expiry":     {fields{"expires_at": time.Now().Add(9 * time.Minute).Format(time.RFC3339)}, "INVALID_EXPIRY_DATE"},
		"field of an invoice": {fields{"success_redirect_url": "https://shop.example/ok"}, "API_VALIDATION_ERROR"},
	} {
		status, out := b.call("POST", "sessions", sessionRequest("new", c.more))
		if want := map[bool]int{false: 400, true: 409}[c.code == codeDuplicate]; status != want || out.text("error_code") != c.code {
			t.Errorf("%s: %d %v, want %s", name, status, out, c.code)
		}
	}
	if _, page := b.open("local", fields{"success_return_url": "http://127.0.0.1:8080/ok", "cancel_return_url": "http://localhost:8080"}); page == "" {
		t.Error("no page for a shop on this machine")
	}
	if a := b.send("GET", "checkout/unknown", "", psp.Orders{}); a.Status != 404 {
		t.Errorf("an unknown page: %d", a.Status)
	}
	for _, header := range []http.Header{{}, {"Authorization": {"Basic eG5kX2RldmVsb3BtZW50X3g6"}, "Api-Version": {apiVersion}}} {
		a := b.sim.Accept(&psp.Request{Method: "GET", Path: []string{"customers"}, Header: header}).Run(psp.Orders{})
		if want := map[bool]int{true: 401, false: 400}[len(header) == 0]; a.Status != want {
			t.Errorf("customers with %v: %d", header, a.Status)
		}
	}
}

// A declined try leaves the session as it was, however it was declined; amounts decide as they do in the charging call.
func TestDeclinedTries(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, page := b.open("declined", nil)
	for _, try := range []struct {
		orders psp.Orders
		number string
		says   string
	}{{psp.Orders{}, "4000000000000002", "CARD_DECLINED"}, {psp.Orders{Decline: psp.HardDecline}, "4242424242424242", "STOLEN_CARD"}} {
		a := b.send("POST", page, "expiry=12/60&cvc=123&number="+try.number, try.orders)
		if a.Status != 402 || !strings.Contains(string(a.Body), try.says) || b.session(id).text("status") != "ACTIVE" {
			t.Errorf("%s: %d %s", try.number, a.Status, a.Body)
		}
	}
	for amount, says := range map[int]string{10054: "INSUFFICIENT_BALANCE", 10051: "EXPIRED_CARD", 4999: "PAYMENT_AMOUNT_LIMITS_EXCEEDED"} {
		_, page := b.open(fmt.Sprint("amount", amount), fields{"amount": amount})
		if a := b.pay(page, "4242424242424242", ""); a.Status != 402 || !strings.Contains(string(a.Body), says) {
			t.Errorf("%d: %d %s", amount, a.Status, a.Body)
		}
	}
	if a := b.pay(page, "4242424242424242", ""); a.Status != 303 || b.session(id).text("status") != "COMPLETED" {
		t.Errorf("at last: %d", a.Status)
	}
	took := 0
	for _, row := range b.book.Charges() {
		if row.Reference == "declined" && row.State == ledger.Captured {
			took++
		}
	}
	if took != 1 {
		t.Errorf("taken %d times: %+v", took, b.book.Charges())
	}
	want := []string{
		eventFailure, eventFailure, eventFailure, eventFailure, eventFailure, eventCapture, eventCompleted,
	}
	if got := b.names(); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
}

func TestChallengesOnThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, page := b.open("challenge", nil)
	location := func(a psp.Answer) string { return a.Header.Get("Location") }
	failing := location(b.pay(page, "4000000000000101", ""))
	if again := location(b.send("GET", page, "", psp.Orders{})); failing == "" || again != failing || len(b.book.Charges()) != 0 {
		t.Errorf("challenge %q, back on the page %q", failing, again)
	}
	if to := b.decide(failing, "fail"); to != "http://xendit.example/"+page || b.session(id).text("status") != "ACTIVE" {
		t.Errorf("failed: to %q, %v", to, b.session(id))
	}
	passing := location(b.pay(page, "4000000000002503", ""))
	if to := b.decide(passing, "authorize"); to != "https://shop.example/ok" || b.session(id).text("status") != "COMPLETED" {
		t.Errorf("passed: to %q, %v", to, b.session(id))
	}
	if rows := b.book.Charges(); len(rows) != 2 || rows[0].State != ledger.Declined || rows[1].State != ledger.Captured || rows[1].Reference != "challenge" {
		t.Errorf("ledger: %+v", rows)
	}
	_, page = b.open("skipping", fields{"channel_properties": fields{"cards": fields{"skip_three_ds": true}}})
	if to := location(b.pay(page, "4000000000002503", "")); to != "https://shop.example/ok" {
		t.Errorf("skipped: to %q", to)
	}
	id, page = b.open("fenced", nil)
	waiting := location(b.pay(page, "4000000000000101", ""))
	if status, out := b.call("POST", "sessions/"+id+"/cancel", nil); status != 200 || out.text("status") != "CANCELED" {
		t.Errorf("fence: %d %v", status, out)
	}
	if to := b.decide(waiting, "authorize"); to != "http://xendit.example/"+page || len(b.book.Charges()) != 3 {
		t.Errorf("passed after the fence: to %q, %+v", to, b.book.Charges())
	}
}

func TestSavingOnThePage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id, page := b.open("save", fields{"session_type": "SAVE", "amount": 0, "customer": newPayer("c1")})
	if a := b.pay(page, "4000000000000002", ""); a.Status != 402 || b.session(id).text("status") != "ACTIVE" {
		t.Errorf("declined: %d %s", a.Status, a.Body)
	}
	challenged := b.pay(page, "4000000000000101", "").Header.Get("Location")
	if to := b.decide(challenged, "authorize"); to != "https://shop.example/ok" {
		t.Errorf("the payer goes to %q", to)
	}
	saved := b.session(id)
	owner := saved.text("customer_id")
	if saved.text("status") != "COMPLETED" || !strings.HasPrefix(saved.text("payment_token_id"), "pt-") || saved.text("payment_request_id") != "" || len(b.book.Charges()) != 0 {
		t.Errorf("saved: %v", saved)
	}
	if want := []string{eventTokenFailure, eventActivation, eventCompleted}; !slices.Equal(b.names(), want) {
		t.Error("not the events of a card that is kept")
	}
	// One that is kept is offered, and another is kept when the payer ticks the box.
	id, page = b.open("offered", fields{"allow_save_payment_method": "OPTIONAL", "customer_id": owner})
	shown := string(b.send("GET", page, "", psp.Orders{}).Body)
	if !strings.Contains(shown, `value="`+saved.text("payment_token_id")+`" checked`) || !strings.Contains(shown, `name="save"`) {
		t.Errorf("page: %s", shown)
	}
	if a := b.pay(page, "5200000000001005", "&save=on"); a.Status != 303 {
		t.Errorf("paid: %d %s", a.Status, a.Body)
	}
	if second := b.session(id).text("payment_token_id"); second == "" || second == saved.text("payment_token_id") {
		t.Errorf("kept: %v", b.session(id))
	}
	id, page = b.open("unticked", fields{"allow_save_payment_method": "OPTIONAL", "customer_id": owner})
	b.pay(page, "378282246310005", "")
	if got := b.session(id); got.text("status") != "COMPLETED" || got.text("payment_token_id") != "" {
		t.Errorf("unticked: %v", got)
	}
	id, page = b.open("with the token", fields{"allow_save_payment_method": "FORCED", "customer_id": owner})
	withToken := "pay_with=" + saved.text("payment_token_id")
	if a := b.send("POST", page, withToken+"&cvc=12", psp.Orders{}); a.Status != 400 {
		t.Errorf("a bad CVN: %d", a.Status)
	}
	b.decide(b.send("POST", page, withToken, psp.Orders{}).Header.Get("Location"), "authorize")
	if got := b.session(id); got.text("status") != "COMPLETED" || got.text("payment_token_id") != saved.text("payment_token_id") {
		t.Errorf("with the token: %v", got)
	}
	_, page = b.open("stranger", fields{"allow_save_payment_method": "OPTIONAL", "customer": newPayer("c2")})
	if a := b.send("POST", page, withToken, psp.Orders{}); a.Status != 400 {
		t.Errorf("another's card: %d %s", a.Status, a.Body)
	}
	_, page = b.open("disabled", fields{"customer_id": owner})
	if shown := string(b.send("GET", page, "", psp.Orders{}).Body); strings.Contains(shown, "radio") || strings.Contains(shown, `name="save"`) {
		t.Errorf("saving where it is disabled: %s", shown)
	}
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		usual, usualPage := b.open("usual", nil)
		long, _ := b.open("long", fields{"expires_at": time.Now().Add(2 * time.Hour).Format(time.RFC3339)})
		challenged, page := b.open("challenged", nil)
		waiting := b.pay(page, "4000000000000101", "").Header.Get("Location")
		time.Sleep(sessionLives - time.Second)
		synctest.Wait()
		if b.session(usual).text("status") != "ACTIVE" || b.names() != nil {
			t.Errorf("too early: %v", b.session(usual))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := b.names(); !slices.Equal(got, []string{eventExpired, eventExpired}) {
			t.Errorf("events: %v", got)
		}
		if b.session(usual).text("status") != "EXPIRED" || b.session(challenged).text("status") != "EXPIRED" || b.session(long).text("status") != "ACTIVE" {
			t.Errorf("%v, %v, %v", b.session(usual), b.session(challenged), b.session(long))
		}
		if a := b.pay(usualPage, "4242424242424242", ""); strings.Contains(string(a.Body), "<form") {
			t.Errorf("a form on a page that is over: %s", a.Body)
		}
		b.decide(waiting, "authorize")
		if rows := b.book.Charges(); len(rows) != 0 {
			t.Errorf("charged after the end: %+v", rows)
		}
		if status, _ := b.call("POST", "sessions/"+usual+"/cancel", nil); status != 400 {
			t.Errorf("fence of what is over: %d", status)
		}
	})
}
