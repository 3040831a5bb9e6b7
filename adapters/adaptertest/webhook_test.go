package adaptertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"switchyard/adapters"
	"switchyard/adapters/wire"
	"switchyard/payments"
)

// The ways in which a fake can be wrong about webhooks.
const (
	believesAll       defect = "believes every delivery"
	ignoresBody       defect = "looks at the form of the signature only"
	signsWithNothing  defect = "believes every delivery while it has no secret"
	breaksOnMissing   defect = "panics when a header is missing"
	takesFirstHeader  defect = "takes the first of two headers"
	tellsSignature    defect = "tells the signature that it expected"
	tellsSecret       defect = "tells the secret in its error"
	limitsAge         defect = "takes no repeats of old deliveries"
	remembersEvents   defect = "takes an event only once"
	changesDelivery   defect = "changes the delivery"
	wantsContentType  defect = "takes one content type only"
	failsOtherwise    defect = "fails with an error of its own"
	noticesAndFails   defect = "gives a notice with its error"
	ignoresSecret     defect = "believes every delivery with a signature by a key of its own"
	trustsDelivery    defect = "takes the type from an unsigned delivery"
	takesFailForForge defect = "takes an unanswered question for a forgery"
	noticesNothing    defect = "makes a notice out of nothing"
	takesNoWebhooks   defect = "takes no webhooks"
)

const fakeHookSecret = "hook_7Yq2Lm9Rt4"

// tellingConfig is the configuration of a fake PSP that sends webhooks.
type tellingConfig struct {
	BaseURL string          `yaml:"base_url"`
	Key     payments.Secret `yaml:"key"`
	Hook    payments.Secret `yaml:"hook_secret"`

	asks   bool
	defect defect
}

func (*tellingConfig) Check(bool) []adapters.FieldFault { return nil }

func (c *tellingConfig) Open(d adapters.Deps) (adapters.Adapter, error) {
	opened, err := (&fakeConfig{BaseURL: c.BaseURL, Key: c.Key, defect: c.defect}).Open(d)
	if err != nil || c.defect == takesNoWebhooks {
		return opened, err
	}
	a := &telling{fake: opened.(*fake), hook: c.Hook}
	a.client = wire.New(wire.Options{
		Transport: d.Transport, BaseURL: c.BaseURL, Secrets: []string{c.Key.Reveal(), c.Hook.Reveal()},
	})
	if c.asks {
		return asking{a}, nil
	}
	return a, nil
}

// telling is the fake with signed webhooks.
type telling struct {
	*fake
	hook payments.Secret
}

type fakeEvent struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Session string `json:"session"`
}

func (e fakeEvent) notice() payments.Notice {
	return payments.Notice{EventID: e.ID, Type: e.Type, Refs: payments.ProviderRefs{Session: e.Session}}
}

func fakeSignature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

const fakeHeader = "Fake-Signature"

func (a *telling) ParseWebhook(_ context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	values := d.Header[fakeHeader]
	if a.defect == breaksOnMissing {
		values = values[:1]
	}
	if a.defect == takesFirstHeader && len(values) > 1 {
		values = values[:1]
	}
	expected := fakeSignature(a.hook.Reveal(), d.Body)
	good := len(values) == 1 && !a.hook.IsZero() && hmac.Equal([]byte(values[0]), []byte(expected))
	var err error
	switch a.defect {
	case believesAll:
		good = true
	case ignoresBody:
		good = len(values) == 1 && len(values[0]) == len(expected)
	case signsWithNothing:
		good = good || a.hook.IsZero()
	case ignoresSecret:
		good = len(values) == 1 && values[0] == fakeSignature(fakeHookSecret, d.Body)
	case tellsSignature:
		err = fmt.Errorf("expected %s: %w", expected, payments.ErrForged)
	case tellsSecret:
		err = fmt.Errorf("not signed with %s: %w", a.hook.Reveal(), payments.ErrForged)
	case limitsAge:
		good = good && d.ReceivedAt.Sub(now()) < time.Hour
	case remembersEvents:
		good = good && a.counter.Add(1) == 1
	case changesDelivery:
		delete(d.Header, "User-Agent")
	case wantsContentType:
		good = good && slices.Equal(d.Header["Content-Type"], []string{"application/json"})
	case failsOtherwise:
		err = errors.New("not good")
	}
	var e fakeEvent
	switch {
	case good:
		_ = json.Unmarshal(d.Body, &e) // what cannot be read names nothing
		return e.notice(), nil
	case err == nil:
		err = payments.ErrForged
	}
	if a.defect == noticesAndFails {
		return payments.Notice{Type: "paid"}, err
	}
	return payments.Notice{}, err
}

// asking is the fake with webhooks that prove nothing.
type asking struct{ *telling }

func (a asking) ParseWebhook(ctx context.Context, d payments.WebhookDelivery) (payments.Notice, error) {
	var named, e fakeEvent
	if json.Unmarshal(d.Body, &named) != nil || named.ID == "" || strings.Trim(named.ID, "ev_0123456789") != "" {
		if a.defect == noticesNothing {
			return payments.Notice{}, nil
		}
		return payments.Notice{}, payments.ErrForged
	}
	r, err := a.client.Do(ctx, wire.Request{Method: http.MethodGet, Path: "/events/" + named.ID, BasicUser: a.key})
	switch {
	case err != nil:
	case r.Status == http.StatusNotFound:
		return payments.Notice{}, payments.ErrForged
	case r.Status != http.StatusOK:
		err = r.Fault("", "")
	default:
		err = r.JSON(&e)
	}
	if err == nil && e.ID != named.ID {
		err = payments.Faultf(payments.Unknown, "another event")
	}
	switch {
	case err != nil && a.defect == takesFailForForge:
		return payments.Notice{}, payments.ErrForged
	case err != nil:
		return payments.Notice{}, err
	case a.defect == trustsDelivery:
		e.Type = named.Type
	}
	return e.notice(), nil
}

// tellingSuite is the suite for the fake PSP that sends webhooks, signed or not.
func tellingSuite(d defect, asks bool) Suite {
	s := fakeSuite(d)
	s.Provider.NewConfig = func() adapters.Config { return &tellingConfig{asks: asks, defect: d} }
	tree := s.Fixtures.(fstest.MapFS)
	add := func(name, text string) { tree[name] = &fstest.MapFile{Data: []byte(text)} }
	add("config.yaml", "base_url: https://psp.test\nkey: test_0123456789\nhook_secret: "+fakeHookSecret+"\n")
	const body = `{"id":"ev_1","type":"paid","session":"in_1"}`
	const want = `"want":{"event_id":"ev_1","type":"paid","refs":{"session":"in_1"}}`
	if asks {
		const named = `"body":{"id":"ev_1","type":"paid"},"exchanges":[{"method":"GET","path":"/events/ev_1",`
		add("webhook-paid.json", `{`+named+`"status":200,"body":`+body+`}],`+want+`}`)
		add("webhook-unknown.json", `{`+named+`"status":404,"body":{}}],"want":{"forged":true}}`)
		add("webhook-other.json", `{`+named+`"status":200,"body":{"id":"ev_2"}}],"want":{"fault":"unknown"}}`)
		return s
	}
	add("webhook-paid.json", `{"headers":{"`+fakeHeader+`":"`+fakeSignature(fakeHookSecret, []byte(body))+`"},"body":`+
		strings.ReplaceAll(body, ",", ", ")+`,`+want+`}`)
	add("webhook-unsigned.json", `{"body":`+body+`,"want":{"forged":true}}`)
	return s
}

func TestSuitePassesSoundWebhooks(t *testing.T) {
	t.Parallel()
	for _, asks := range []bool{false, true} {
		if got := failing(t, tellingSuite(flawless, asks), "webhooks/"); len(got) > 0 {
			t.Errorf("asking %t: %v", asks, got)
		}
	}
}

func TestSuiteCatchesDefectsOfWebhooks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		defect defect
		asks   bool
		want   []string
	}{
		{believesAll, false, []string{"webhooks/webhook-paid/forged", "webhooks/webhook-paid/secrets", "webhooks/webhook-unsigned"}},
		{ignoresBody, false, []string{"webhooks/webhook-paid/forged", "webhooks/webhook-paid/malformed"}},
		{signsWithNothing, false, []string{"webhooks/webhook-paid/secrets"}},
		{ignoresSecret, false, []string{"webhooks/webhook-paid/secrets"}},
		{breaksOnMissing, false, []string{"webhooks/webhook-paid/forged", "webhooks/webhook-unsigned"}},
		{takesFirstHeader, false, []string{"webhooks/webhook-paid/forged"}},
		{tellsSignature, false, []string{"webhooks/webhook-paid/forged"}},
		{tellsSecret, false, []string{"webhooks/webhook-paid/forged", "webhooks/webhook-paid/secrets"}},
		{limitsAge, false, []string{"webhooks/webhook-paid/replayed"}},
		{remembersEvents, false, []string{"webhooks/webhook-paid/replayed"}},
		{changesDelivery, false, []string{"webhooks/webhook-paid/replayed"}},
		{wantsContentType, false, []string{"webhooks/webhook-paid/replayed"}},
		{failsOtherwise, false, []string{"webhooks/webhook-paid/forged"}},
		{noticesAndFails, false, []string{"webhooks/webhook-paid/forged"}},
		{trustsDelivery, true, []string{"webhooks/webhook-paid/forged"}},
		{takesFailForForge, true, []string{"webhooks/webhook-paid/unanswered", "webhooks/webhook-other"}},
		{noticesNothing, true, []string{"webhooks/webhook-paid/malformed"}},
		{takesNoWebhooks, false, []string{"webhooks/coverage", "webhooks/webhook-paid"}},
	} {
		t.Run(strings.ReplaceAll(string(tt.defect), " ", "-"), func(t *testing.T) {
			t.Parallel()
			got := failing(t, tellingSuite(tt.defect, tt.asks), "webhooks/")
			for _, name := range tt.want {
				if !slices.Contains(got, name) {
					t.Errorf("%s did not fail for an adapter that %s", name, tt.defect)
				}
			}
		})
	}
}

func TestSuiteAsksForFixturesOfWebhooks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file string
		asks bool
	}{{"webhook-paid.json", false}, {"webhook-paid.json", true}, {"webhook-unknown.json", true}} {
		s := tellingSuite(flawless, tt.asks)
		delete(s.Fixtures.(fstest.MapFS), tt.file)
		if len(failing(t, s, "webhooks/coverage")) == 0 {
			t.Errorf("coverage passes without %s, asking %t", tt.file, tt.asks)
		}
	}
}

func TestSuiteKnowsUnsignedBodies(t *testing.T) {
	t.Parallel()
	s := tellingSuite(ignoresBody, false)
	tree := s.Fixtures.(fstest.MapFS)
	tree["webhook-paid.json"].Data = []byte(strings.Replace(string(tree["webhook-paid.json"].Data), `{`, `{"body_unsigned":true,`, 1))
	if got := failing(t, s, "webhooks/webhook-paid/malformed"); len(got) > 0 {
		t.Errorf("%v, though nothing vouches for the body", got)
	}
}

func TestLoadRefusesBadFixturesOfWebhooks(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"unknown field":   `{"headers":{"A":"b"},"bdoy":{}}`,
		"a case":          `{"operation":"sale"}`,
		"no proof":        `{"body":{},"want":{"type":"paid"}}`,
		"an empty header": `{"headers":{"A":""},"body":{}}`,
		"no status":       `{"body":{},"exchanges":[{"method":"GET","path":"/"}]}`,
	} {
		s := tellingSuite(flawless, false)
		s.Fixtures.(fstest.MapFS)["webhook-bad.json"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := load(s); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestSuiteFindsCardNumbersInWebhooks(t *testing.T) {
	t.Parallel()
	s := tellingSuite(flawless, true)
	file := s.Fixtures.(fstest.MapFS)["webhook-paid.json"]
	file.Data = []byte(strings.Replace(string(file.Data), `"session":"in_1"}`, `"session":"in_1","card":"4242424242424242"}`, 1))
	if len(failing(t, s, "behaviour/fixtures-hold-no-card-numbers")) == 0 {
		t.Error("the suite passes")
	}
}
