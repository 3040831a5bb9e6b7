package payments_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"switchyard/payments"
)

const hidden = "sk_live_51HiddenText"

// secretHolders are the ways in which a Secret travels inside other values.
func secretHolders() map[string]any {
	s := payments.NewSecret(hidden)
	type exported struct{ Key payments.Secret }
	type unexported struct{ key payments.Secret }
	type pointer struct{ Key *payments.Secret }
	return map[string]any{
		"value":            s,
		"pointer":          &s,
		"exported field":   exported{s},
		"unexported field": unexported{s},
		"nested":           struct{ in unexported }{unexported{s}},
		"pointer to":       &unexported{s},
		"pointer field":    pointer{&s},
		"slice":            []payments.Secret{s},
		"slice of structs": []unexported{{s}},
		"map":              map[string]payments.Secret{"key": s},
		"map of structs":   map[string]unexported{"key": {s}},
		"interface":        []any{s, unexported{s}},
		"card":             payments.CardData{Number: s, CVC: s},
		"source":           payments.Source{Card: &payments.CardData{Number: s}, CVC: s},
	}
}

// leaks reports whether text has the hidden text, as it is or in hexadecimal.
func leaks(text string) bool {
	lower := strings.ToLower(text)
	return strings.Contains(lower, strings.ToLower(hidden)) ||
		strings.Contains(strings.ReplaceAll(lower, " ", ""), fmt.Sprintf("%x", hidden))
}

func TestSecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%+q", "%x", "%X", "% x", "%d", "%c", "%U", "%t", "%e", "%10.3s", "%-40v", "%z"}
	for name, holder := range secretHolders() {
		for _, verb := range verbs {
			if text := fmt.Sprintf(verb, holder); leaks(text) {
				t.Errorf("%s printed with %s leaks: %s", name, verb, text)
			}
		}
		for _, text := range []string{
			fmt.Sprint(holder), fmt.Errorf("call: %v", holder).Error(),
			fmt.Errorf("call %+v: %w", holder, errors.ErrUnsupported).Error(),
		} {
			if leaks(text) {
				t.Errorf("%s leaks: %s", name, text)
			}
		}
	}
	for _, verb := range verbs {
		if text := fmt.Sprintf(verb, payments.NewSecret(hidden)); text != "***" {
			t.Errorf("%s prints %q, want ***", verb, text)
		}
	}
}

func TestSecretDoesNotMarshal(t *testing.T) {
	t.Parallel()
	for name, holder := range secretHolders() {
		doc, err := json.Marshal(holder)
		if err != nil || leaks(string(doc)) {
			t.Errorf("%s as JSON: %s, %v", name, doc, err)
		}
	}
	type config struct {
		Key   payments.Secret `json:"key" xml:"key"`
		Empty payments.Secret `json:"empty,omitzero" xml:"-"`
	}
	doc, err := json.Marshal(config{Key: payments.NewSecret(hidden)})
	if want := `{"key":"***"}`; err != nil || string(doc) != want {
		t.Errorf("JSON = %s, %v; want %s", doc, err, want)
	}
	doc, err = xml.Marshal(config{Key: payments.NewSecret(hidden)})
	if want := `<config><key>***</key></config>`; err != nil || string(doc) != want {
		t.Errorf("XML = %s, %v; want %s", doc, err, want)
	}
}

func TestSecretDoesNotLog(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, all), slog.NewJSONHandler(&out, all)} {
		log := slog.New(handler)
		for name, holder := range secretHolders() {
			log.With("with", holder).WithGroup("group").Info(name, "attr", holder, slog.Group("inner", "attr", holder))
		}
	}
	if leaks(out.String()) {
		t.Errorf("the log leaks:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "***") {
		t.Error("the log has no mask")
	}
}

func TestSecretDecodes(t *testing.T) {
	t.Parallel()
	var config struct{ Key, Other payments.Secret }
	if err := json.Unmarshal([]byte(`{"Key":"`+hidden+`","Other":null}`), &config); err != nil {
		t.Fatal(err)
	}
	if config.Key.Reveal() != hidden || !config.Other.IsZero() {
		t.Errorf("decoded %q and %q", config.Key.Reveal(), config.Other.Reveal())
	}

	// Neither a wrong type nor a masked dump is a secret, and the error shows nothing.
	for _, doc := range []string{`{"Key":"***"}`, `{"Key":5111005111051128}`, `{"Key":["5111005111051128"]}`} {
		err := json.Unmarshal([]byte(doc), &config)
		if err == nil || strings.Contains(err.Error(), "5111005111051128") {
			t.Errorf("%s: error %v", doc, err)
		}
	}
	if config.Key.Reveal() != hidden {
		t.Errorf("a failed decoding changed the secret to %q", config.Key.Reveal())
	}
}

func TestSecretValue(t *testing.T) {
	t.Parallel()
	s := payments.NewSecret(hidden)
	if s.Reveal() != hidden || s.IsZero() {
		t.Errorf("Reveal() = %q, IsZero() = %v", s.Reveal(), s.IsZero())
	}
	if !s.Equal(hidden) || s.Equal(hidden+"x") || s.Equal(hidden[1:]) || s.Equal("") || s.Equal("***") {
		t.Error("Equal does not compare the hidden text")
	}
	if !reflect.DeepEqual(s, payments.NewSecret(hidden)) || reflect.DeepEqual(s, payments.NewSecret("other")) {
		t.Error("reflect.DeepEqual does not compare the hidden text")
	}

	for _, zero := range []payments.Secret{{}, payments.NewSecret("")} {
		if !zero.IsZero() || zero.Reveal() != "" || zero.String() != "***" {
			t.Errorf("the zero Secret: IsZero() = %v, Reveal() = %q, String() = %q", zero.IsZero(), zero.Reveal(), zero)
		}
		if zero.Equal("") {
			t.Error("a secret that is not set equals an empty text")
		}
	}
}
