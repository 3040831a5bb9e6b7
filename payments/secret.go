package payments

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// secretMask is what every way of printing a Secret shows.
const secretMask = "***"

// Secret is a string that is not to be seen: a key, a card number, a CVC. It
// prints, marshals and logs as "***", set or not; only Reveal gives the text.
//
// The text is behind a pointer because fmt does not call the methods of an
// unexported field: there it prints what it finds, which is then an address.
// For the same reason == could only compare addresses, so it does not compile;
// use Equal.
type Secret struct {
	_    [0]func()
	text *string
}

// NewSecret hides s. An empty s gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{text: &s}
}

// Reveal returns the hidden text, "" if there is none. Call it where the text
// is used and nowhere earlier.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is nothing to hide. It serves the omitzero
// option of encoding/json too.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal reports whether other is the hidden text, in a time that depends on
// neither the hidden text nor its length. A zero Secret equals nothing, not
// even "": a key that was not configured must not match a key that was not sent.
func (s Secret) Equal(other string) bool {
	ours, theirs := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(other))
	same := subtle.ConstantTimeCompare(ours[:], theirs[:]) == 1
	return same && !s.IsZero()
}

// String returns the mask.
func (s Secret) String() string { return secretMask }

// Format writes the mask for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, secretMask) // fmt has no place for this error
}

// LogValue gives slog the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(secretMask) }

// MarshalText gives the mask to YAML, XML and the like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(secretMask), nil }

// MarshalJSON gives the mask as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + secretMask + `"`), nil }

// UnmarshalText hides text, so that a configuration file or a request can be
// decoded straight into a Secret. The mask itself is refused: it comes from a
// dump, and taking it for the secret would only fail later, at the provider.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == secretMask {
		return errors.New("secret: \"" + secretMask + "\" is the mask of a secret, not a secret")
	}
	*s = NewSecret(string(text))
	return nil
}
