package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"switchyard/payments"
)

// checkForged delivers everything that somebody else could make of a good delivery.
func (b *bench) checkForged(w Webhook) []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	var errs []error
	for name, d := range w.falseHeaders() {
		r, _ := o.receive(context.Background(), w, d, nil)
		errs = append(errs, prefix(name, append(r.isForged(), o.gossip(w, d, r)...))...)
	}
	for name, d := range w.falseBodies() {
		r, _ := o.receive(context.Background(), w, d, nil)
		errs = append(errs, prefix(name, w.withFalseBody(r))...)
	}
	return append(errs, o.gossip(w, w.delivery(), reception{})...)
}

// withFalseBody returns what is wrong with the reception of a delivery whose body somebody has changed.
func (w *Webhook) withFalseBody(r reception) []error {
	errs := r.sound()
	switch {
	case len(errs) > 0:
	case w.asks(): // what counts is the PSP's own copy
		if r.err == nil && r.notice != w.Want.notice() {
			errs = append(errs, fmt.Errorf("the delivery is believed over the PSP: %+v", r.notice))
		}
	case !w.BodyUnsigned:
		errs = r.isForged()
	}
	return errs
}

// falseHeaders changes, doubles and leaves out each header that proves the delivery.
func (w *Webhook) falseHeaders() iter.Seq2[string, payments.WebhookDelivery] {
	return func(yield func(string, payments.WebhookDelivery) bool) {
		for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
			value, key := w.Headers[name], http.CanonicalHeaderKey(name)
			wrong := otherText(value)
			forgeries := map[string][]string{
				"missing": nil, "without a value": {}, "empty": {""}, "cut": {value[:len(value)/2]}, "cut by one": {value[:len(value)-1]},
				"first of two": {value, wrong}, "second of two": {wrong, value}, "doubled in one": {value + "," + value}, "blank": {" "},
				"endless": {strings.Repeat(value, 1000)}, "not text": {"\x00\xff\xfe"},
			}
			for i := range value {
				forgeries[fmt.Sprintf("changed at %d", i)] = []string{value[:i] + otherText(value[i:i+1]) + value[i+1:]}
			}
			for _, what := range slices.Sorted(maps.Keys(forgeries)) {
				d := w.delivery()
				if values := forgeries[what]; values != nil {
					d.Header[key] = values
				} else {
					delete(d.Header, key)
				}
				if !yield(name+" "+what, d) {
					return
				}
			}
		}
		d := w.delivery()
		if d.Header = nil; len(w.Headers) > 0 {
			yield("no header at all", d)
		}
	}
}

// otherText is text with another last character, which is a digit still where it was one.
func otherText(text string) string {
	if text == "" {
		return "0"
	}
	last := "0"
	if strings.HasSuffix(text, last) {
		last = "1"
	}
	return text[:len(text)-1] + last
}

// falseBodies changes every byte of the body, one at a time, adds some and takes some away.
func (w *Webhook) falseBodies() iter.Seq2[string, payments.WebhookDelivery] {
	return func(yield func(string, payments.WebhookDelivery) bool) {
		deliver := func(name, body string) bool {
			d := w.delivery()
			d.Body = []byte(body)
			return yield("body "+name, d)
		}
		for i := range len(w.Text) {
			changed := []byte(w.Text)
			changed[i] ^= 1
			if !deliver(fmt.Sprintf("changed at %d", i), string(changed)) {
				return
			}
		}
		for name, body := range map[string]string{
			"longer by a space": w.Text + " ", "behind a space": " " + w.Text, "doubled": w.Text + w.Text,
			"with a newline": w.Text + "\n", "cut by one": w.Text[:max(len(w.Text)-1, 0)],
		} {
			if !deliver(name, body) {
				return
			}
		}
	}
}

// huge is more than a webhook ever has, in bytes.
const huge = 2 << 20

// checkMalformed delivers bodies that are none, under good headers.
func (b *bench) checkMalformed(w Webhook) []error {
	o, err := b.open()
	if err != nil {
		return []error{err}
	}
	var errs []error
	for name, body := range map[string]string{
		"nothing": "", "a space": " ", "null": "null", "a list": "[]", "an object": "{}", "a text": `"text"`, "a number": "1e999",
		"half": w.Text[:len(w.Text)/2], "a page": errorPage, "no text": "\xff\xfe\x00", "a form": "event=payment.paid&id=1",
		"deep lists": strings.Repeat("[", 100_000), "deep objects": strings.Repeat(`{"data":`, 100_000),
		"empty data": `{"data":{}}`, "data of another kind": `{"data":[1],"event":{},"id":7}`, "null data": `{"data":null,"event":null}`,
		"huge": strings.Repeat(" ", huge) + w.Text,
	} {
		d := w.delivery()
		d.Body = []byte(body)
		if body == "" {
			d.Body = nil
		}
		r, _ := o.receive(context.Background(), w, d, nil)
		found := w.withFalseBody(r)
		if w.asks() && r.err == nil && name != "huge" {
			found = append(found, errors.New("a notice out of a delivery that names nothing"))
		}
		errs = append(errs, prefix(name, append(found, o.gossip(w, d, r)...))...)
	}
	return errs
}

// checkWebhookSecrets delivers a webhook to adapters that have another secret, or none. Which of the secrets it is that proves
// webhooks, the first shows.
func (b *bench) checkWebhookSecrets(w Webhook) []error {
	config, err := b.newConfig()
	if err != nil {
		return []error{err}
	}
	deciding := 0
	var errs []error
	for name := range yamlNames(config) {
		o, changed, err := b.openWithSecret(name, otherText)
		switch {
		case err != nil:
			return []error{err}
		case !changed: // not a secret, or none that is set
			continue
		}
		d := w.delivery()
		r, _ := o.receive(context.Background(), w, d, nil)
		errs = append(errs, prefix("another "+name, append(r.sound(), o.gossip(w, d, r)...))...)
		if !errors.Is(r.err, payments.ErrForged) {
			continue
		}
		deciding++
		if o, _, err = b.openWithSecret(name, func(string) string { return "" }); err != nil {
			return []error{err}
		}
		r, _ = o.receive(context.Background(), w, d, nil)
		errs = append(errs, prefix("no "+name, r.isForged())...)
		for forgery, d := range w.falseHeaders() {
			r, _ = o.receive(context.Background(), w, d, nil)
			errs = append(errs, prefix("no "+name+", "+forgery, r.isForged())...)
		}
	}
	if deciding == 0 {
		errs = append(errs, errors.New("the delivery is good whatever secrets the configuration has"))
	}
	return errs
}

// openWithSecret builds an adapter with one field of its configuration changed, if that holds secrets.
func (b *bench) openWithSecret(field string, edit func(string) string) (o *opened, changed bool, err error) {
	config, err := b.newConfig()
	if err != nil {
		return nil, false, err
	}
	changed = editSecrets(yamlNames(config)[field], edit)
	o, err = b.openConfig(config)
	return o, changed, err
}

// editSecrets changes a Secret, or every one in a list, and says whether there was any. One that becomes empty leaves its list.
func editSecrets(v reflect.Value, edit func(string) string) bool {
	if s, ok := reflect.TypeAssert[payments.Secret](v); ok {
		v.Set(reflect.ValueOf(payments.NewSecret(edit(s.Reveal()))))
		return !s.IsZero()
	}
	list, ok := reflect.TypeAssert[[]payments.Secret](v)
	if !ok {
		return false
	}
	var edited []payments.Secret
	for _, s := range list {
		if text := edit(s.Reveal()); text != "" {
			edited = append(edited, payments.NewSecret(text))
		}
	}
	v.Set(reflect.ValueOf(edited))
	return len(list) > 0
}

// checkWebhookFixtures keeps card numbers out of recorded deliveries.
func (b *bench) checkWebhookFixtures() []error {
	var errs []error
	for _, w := range b.webhooks {
		texts := [][]byte{[]byte(w.Text)}
		for _, e := range w.Exchanges {
			texts = append(texts, e.Body, []byte(e.Text))
		}
		if hasCardNumber(bytes.Join(texts, []byte(" "))) {
			errs = append(errs, fmt.Errorf("%s has what looks like a card number", w.Name))
		}
	}
	return errs
}
