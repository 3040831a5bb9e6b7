package projects_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"switchyard/payments"
	"switchyard/projects"
)

const (
	liveKey  = "key_live_kQ5vT9yXo2"
	nextKey  = "key_live_Zr81mNwPd4"
	otherKey = "key_sandbox_7hGbC3"
)

func registry(t testing.TB) *projects.Registry {
	t.Helper()
	r, err := projects.New([]projects.Entry{
		{Project: payments.Project{ID: "proj_one", Name: "One"}, Keys: []payments.Secret{payments.NewSecret(liveKey), payments.NewSecret(nextKey)}},
		{Project: payments.Project{ID: "test-proj_two", Sandbox: true}, Keys: []payments.Secret{payments.NewSecret(otherKey)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	r := registry(t)
	for _, tc := range []struct {
		name, user, password string
		project              string
		credential           projects.Credential
		code                 string
	}{
		{"a key", "proj_one", liveKey, "proj_one", projects.Private, ""},
		{"the key that replaces it", "proj_one", nextKey, "proj_one", projects.Private, ""},
		{"the other project's key", "test-proj_two", otherKey, "test-proj_two", projects.Private, ""},
		{"no password", "proj_one", "", "proj_one", projects.Public, ""},
		{"nothing", "", "", "", 0, payments.CodeAuthentication},
		{"only a key", "", liveKey, "", 0, payments.CodeAuthentication},
		{"a wrong key", "proj_one", "wrong", "", 0, payments.CodeAuthenticationInvalid},
		{"a part of the key", "proj_one", liveKey[:len(liveKey)-1], "", 0, payments.CodeAuthenticationInvalid},
		{"another project's key", "proj_one", otherKey, "", 0, payments.CodeAuthenticationInvalid},
		{"an unknown project", "proj_none", liveKey, "", 0, payments.CodeAuthenticationInvalid},
		{"an unknown project without a password", "proj_none", "", "", 0, payments.CodeAuthenticationInvalid},
		{"ids are exact", "PROJ_ONE", liveKey, "", 0, payments.CodeAuthenticationInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			project, credential, err := r.Authenticate(tc.user, tc.password)
			if payments.ErrorCode(err) != tc.code || (err == nil) != (tc.code == "") {
				t.Fatalf("error %v, want code %q", err, tc.code)
			}
			if project.ID != tc.project || credential != tc.credential {
				t.Errorf("got %q as %v, want %q as %v", project.ID, credential, tc.project, tc.credential)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	key := []payments.Secret{payments.NewSecret(liveKey)}
	for name, entries := range map[string][]projects.Entry{
		"no id":        {{Keys: key}},
		"an id twice":  {{Project: payments.Project{ID: "p"}, Keys: key}, {Project: payments.Project{ID: "p"}, Keys: key}},
		"no key":       {{Project: payments.Project{ID: "p"}}},
		"an empty key": {{Project: payments.Project{ID: "p"}, Keys: []payments.Secret{payments.NewSecret("")}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := projects.New(entries); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestProject(t *testing.T) {
	t.Parallel()
	r := registry(t)
	if p, ok := r.Project("test-proj_two"); !ok || !p.Sandbox {
		t.Errorf("got %+v, %v", p, ok)
	}
	if _, ok := r.Project("proj_none"); ok {
		t.Error("found a project that is not there")
	}
}

// A key must not be printable from anything that the package hands out.
func TestKeysAreNotShown(t *testing.T) {
	t.Parallel()
	r := registry(t)
	_, _, err := r.Authenticate("proj_one", liveKey+"x")
	shown := fmt.Sprintf("%+v %#v %v", r, r, err)
	if e, ok := errors.AsType[*payments.Error](err); ok {
		shown += fmt.Sprintf("%+v", *e)
	}
	for _, key := range []string{liveKey, nextKey, otherKey} {
		if strings.Contains(shown, key) {
			t.Errorf("%s is shown", key)
		}
	}
}

func TestCredentialNames(t *testing.T) {
	t.Parallel()
	for credential, name := range map[projects.Credential]string{0: "none", projects.Private: "private", projects.Public: "public"} {
		if credential.String() != name {
			t.Errorf("%d is %q, want %q", credential, credential, name)
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	r := registry(b)
	for b.Loop() {
		if _, _, err := r.Authenticate("proj_one", liveKey); err != nil {
			b.Fatal(err)
		}
	}
}
