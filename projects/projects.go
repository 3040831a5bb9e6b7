// Package projects knows the tenants and says who is calling: a project's server with a private key, or a payer's device
// with the project id alone. Keys are kept only as hashes.
package projects

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"switchyard/payments"
)

// Credential is the kind of a caller's authentication.
type Credential int

// The credentials. The zero value is none, so that a forgotten check grants nothing.
const (
	Private Credential = iota + 1 // project id and one of its keys: the merchant's server
	Public                        // project id and an empty password: a payer's device
)

// String returns the credential's name, as in logs and in the scopes of idempotency keys.
func (c Credential) String() string {
	switch c {
	case Private:
		return "private"
	case Public:
		return "public"
	}
	return "none"
}

// Key is an API key as it is kept: hashed. Keys are long random texts, so that a plain hash is enough.
type Key struct{ hash [sha256.Size]byte }

func hashKey(text string) Key { return Key{hash: sha256.Sum256([]byte(text))} }

// Entry is one project of the configuration with its private keys: more than one while a key is being replaced.
type Entry struct {
	Project payments.Project
	Keys    []payments.Secret
}

// Registry holds the projects. It does not change once made, so that it is safe for concurrent use.
type Registry struct {
	tenants map[string]tenant
	nobody  tenant // stands in for an unknown project; nobody has its keys
}

type tenant struct {
	project payments.Project
	keys    []Key
}

// New returns a registry of the given projects. It fails when an id is missing or used twice, and when a project has an
// empty key or none.
func New(entries []Entry) (*Registry, error) {
	r := &Registry{tenants: make(map[string]tenant, len(entries))}
	most := 1
	for _, e := range entries {
		most = max(most, len(e.Keys))
	}
	for i, e := range entries {
		if e.Project.ID == "" {
			return nil, fmt.Errorf("projects: entry %d has no id", i+1)
		}
		if _, taken := r.tenants[e.Project.ID]; taken {
			return nil, fmt.Errorf("projects: the id %s is used twice", e.Project.ID)
		}
		keys, err := hashKeys(e.Keys)
		if err != nil {
			return nil, fmt.Errorf("projects: %s: %w", e.Project.ID, err)
		}
		r.tenants[e.Project.ID] = tenant{project: e.Project, keys: pad(keys, most)}
	}
	r.nobody = tenant{keys: pad(nil, most)}
	return r, nil
}

func hashKeys(secrets []payments.Secret) ([]Key, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no key")
	}
	keys := make([]Key, 0, len(secrets))
	for _, s := range secrets {
		if s.IsZero() { // it would let everybody in who sends no password
			return nil, errors.New("an empty key")
		}
		keys = append(keys, hashKey(s.Reveal()))
	}
	return keys, nil
}

// pad adds hashes that no key has, so that every authentication compares as many keys: the time it takes tells neither
// whether a project exists nor how many keys it has.
func pad(keys []Key, n int) []Key {
	for len(keys) < n {
		keys = append(keys, hashKey(rand.Text()))
	}
	return keys
}

// Authenticate says which project is calling, and as whom: a project id with one of its keys is Private, with an empty
// password Public. The error is a *payments.Error: CodeAuthentication when no project id is given, and
// CodeAuthenticationInvalid for an unknown project or a wrong key; the two cannot be told apart.
func (r *Registry) Authenticate(user, password string) (payments.Project, Credential, error) {
	if user == "" {
		return payments.Project{}, 0, payments.NewError(payments.CodeAuthentication,
			"Authentication is required: use HTTP Basic with the project id as the user and a key as the password.")
	}
	t, known := r.tenants[user]
	if !known {
		t = r.nobody
	}
	matches := t.holds(hashKey(password))
	switch {
	case known && password == "":
		return t.project, Public, nil
	case known && matches:
		return t.project, Private, nil
	}
	return payments.Project{}, 0, payments.NewError(payments.CodeAuthenticationInvalid,
		"The project id or the key is not valid.")
}

// holds compares with every key, also after a match.
func (t tenant) holds(k Key) bool {
	found := 0
	for _, own := range t.keys {
		found |= subtle.ConstantTimeCompare(own.hash[:], k.hash[:])
	}
	return found == 1
}

// Project returns the project with the given id.
func (r *Registry) Project(id string) (payments.Project, bool) {
	t, ok := r.tenants[id]
	return t.project, ok
}
