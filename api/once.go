package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"strconv"

	"switchyard/payments"
)

const (
	headerIdempotencyKey = "Idempotency-Key"
	headerReplayed       = "Idempotency-Replayed"
	maxIdempotencyKey    = 255 // bytes
	// A key that is found taken and then free again was released by an attempt that never charged; it cannot happen often.
	maxClaimRounds = 3
)

// mutation is a call that changes something.
type mutation struct {
	// do makes the change, with a claim on the idempotency key if there is one. It may be called again after
	// payments.ErrClaimed, when it has changed nothing.
	do func(claim *payments.ClaimRequest) (payments.Snapshot, error)
	// show writes the answer from the snapshot alone, as view.snapshot. Nil: there is nothing to show but success.
	show func(w *writer, v *view)
	// secret says that the answer carries the invoice's client secret.
	secret bool
	// card is the card in the request. Its fingerprint stands for its number when requests are compared.
	card *payments.CardData
}

// once makes a change, and answers a repetition of it, known by its idempotency key, without making it again. Nothing is
// stored by a request that fails before its work begins: the claim is written with the work's first durable commit.
func (s *server) once(c *call, m mutation) (reply, error) {
	key := c.request.Header.Get(headerIdempotencyKey)
	if key == "" { // the Ruby SDK sends the header empty on every call
		snapshot, err := m.do(nil)
		return c.changed(m, snapshot), err
	}
	if !printable(key) || len(key) > maxIdempotencyKey {
		return reply{}, payments.Errorf(payments.CodeBadFormat, "The %s header must have at most %d printable ASCII characters.", headerIdempotencyKey, maxIdempotencyKey)
	}
	claim := payments.ClaimKey{ProjectID: c.project.ID, Scope: c.scope(), Key: key}
	leave, err := s.twins.enter(c.ctx, claim, s.WaitLimit)
	if err != nil {
		return reply{}, err
	}
	defer leave()
	request := &payments.ClaimRequest{Scope: claim.Scope, Key: key, Fingerprint: s.fingerprint(c.fields.values, m.card)}
	for range maxClaimRounds {
		answer, found, err := s.recall(c, claim, request.Fingerprint, m)
		if found || err != nil {
			return answer, err
		}
		snapshot, err := m.do(request)
		if !errors.Is(err, payments.ErrClaimed) {
			return c.changed(m, snapshot), err
		}
	}
	return reply{}, errStillProcessing
}

var errStillProcessing = payments.NewError(payments.CodeStillProcessing, "The first request with this Idempotency-Key is still being worked on. Please repeat this one later, with the same key.")

// recall answers from what is stored under the key: the final answer again, or the present state while there is none.
func (s *server) recall(c *call, key payments.ClaimKey, fingerprint []byte, m mutation) (answer reply, found bool, err error) {
	claim, err := s.Reads.Claim(c.ctx, key)
	if errors.Is(err, payments.ErrNotFound) {
		return reply{}, false, nil
	}
	if err != nil {
		return reply{}, false, err
	}
	if !hmac.Equal(claim.Fingerprint, fingerprint) {
		return reply{}, true, payments.NewError(payments.CodeIdempotencyKeyInvalid, "This Idempotency-Key was used for another request. Use a new key for each operation, and the same one only to repeat it.")
	}
	if claim.Snapshot != nil {
		answer = c.changed(m, *claim.Snapshot)
		answer.replayed = true
		return answer, true, nil
	}
	if claim.AttemptID == "" {
		return reply{}, true, errStillProcessing
	}
	present, err := s.Engine.Present(c.ctx, c.project.ID, claim.AttemptID)
	if err != nil {
		return reply{}, true, err
	}
	return c.changed(m, present), true, nil
}

// scope keeps the keys of different calls, and of servers and payers' devices, apart.
func (c *call) scope() string {
	return c.credential.String() + " " + c.request.Method + " " + c.request.URL.Path
}

// fingerprint is a keyed hash of what a request asks for. The encoding of the body does not matter, nor do its options. A card
// number is not hashed but its fingerprint in the vault, and the security code not at all, so that nothing can be found out
// about them from what is stored.
func (s *server) fingerprint(body map[string]any, card *payments.CardData) []byte {
	asked := make(map[string]any, len(body))
	maps.Copy(asked, body)
	maps.DeleteFunc(asked, func(name string, _ any) bool {
		return notFields[name] || name == fieldCVC || name == fieldCVC2
	})
	if card != nil {
		asked[fieldNumber] = s.Vault.Fingerprint(*card)
	}
	canonical, err := json.Marshal(plain(asked)) // sorts the names
	if err != nil {
		canonical = nil // a decoded body can always be written
	}
	mac := hmac.New(sha256.New, []byte(s.IdempotencyKey.Reveal()))
	mac.Write(canonical)
	return mac.Sum(nil)
}

// plain brings a body to the form that it has as JSON and as a form alike: scalars as texts, nulls left out.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, member := range v {
			if member != nil {
				object[name] = plain(member)
			}
		}
		return object
	case []any:
		list := make(map[string]any, len(v)) // as in a form: elements by number
		for i, element := range v {
			list[strconv.Itoa(i)] = plain(element)
		}
		return list
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return value
}

func printable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// changed is the answer to a change: its objects, or the decline that it ended in.
func (c *call) changed(m mutation, snapshot payments.Snapshot) reply {
	if snapshot.Code != "" {
		return reply{refusal: c.refusal(snapshot)}
	}
	answer := reply{show: func(w *writer) error {
		v := c.viewOf(&snapshot)
		if m.show != nil {
			m.show(w, v)
		}
		return v.err
	}}
	if m.secret && snapshot.Invoice != nil {
		answer.secret = snapshot.Invoice.ClientSecret
	}
	return answer
}

// refusal is the error that a decline is answered with. A payer's device is told the code and what it means, nothing else.
func (c *call) refusal(snapshot payments.Snapshot) *payments.Error {
	message := snapshot.Message
	if message == "" || c.public() {
		message = payments.Code(snapshot.Code).Info().Message
	}
	return payments.NewError(snapshot.Code, message)
}
