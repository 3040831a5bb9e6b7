package config

import (
	"reflect"
	"strings"
	"testing"
)

var exampleEnvironment = environment(
	"SWITCHYARD_REDIS_PASSWORD", "a password",
	"SWITCHYARD_VAULT_KEY_2026", "FbtwDIsRqVINK1oGh8OqyUlGCujO1pJ9MHGV0ox3b2w=",
	"SWITCHYARD_FINGERPRINT_KEY", "3gXdm0PDGx6rNqCL4TVW2BHcOyVWHi6Nszcx7ZVtoAU=",
	"SWITCHYARD_ACME_KEY", "key_live_3qmZ8vTn2yRk5wLp7xCd",
	"PROCESSOUT_PROJECT", "proj_4xk2", "PROCESSOUT_KEY", "key_live_1", "XENDIT_API_KEY", "xnd_production_1", "PAYMONGO_SECRET_KEY", "sk_live_1",
)

func loadExample(text string) (*Config, error) {
	return Load("example.yaml", Options{
		Providers: providers(), Getenv: exampleEnvironment, ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
}

// The example is in order; with its commented lines put in, nothing changes but what has no default.
func TestExample(t *testing.T) {
	t.Parallel()
	c, err := loadExample(Example())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(Example()) {
		indent, rest, commented := strings.Cut(line, "# ")
		key, value, isKey := strings.Cut(rest, ": ")
		// What is deeper is a PSP's own settings, which the providers of these tests do not have.
		if commented && isKey && len(indent) < len("      ") && strings.TrimSpace(indent) == "" && len(strings.Fields(value)) == 1 && !strings.Contains(key, " ") && key != "absence_after" {
			line = indent + rest
		}
		lines = append(lines, line)
	}
	full, err := loadExample(strings.Join(lines, ""))
	if err != nil {
		t.Fatal(err)
	}
	c.Gateways, full.Gateways, c.Projects, full.Projects = nil, nil, nil, nil // hold pointers
	c.Vault, full.Vault, c.Redis, full.Redis = Vault{}, Vault{}, Redis{}, Redis{}
	if !reflect.DeepEqual(c, full) {
		t.Errorf("the defaults that the example shows are not those that hold:\n%+v\n%+v", c, full)
	}
}

// Every key is in the example.
func TestExampleIsComplete(t *testing.T) {
	t.Parallel()
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for field := range typ.Fields() {
			if name := field.Tag.Get("yaml"); name != "" {
				if !strings.Contains(Example(), name+":") {
					t.Errorf("%s is not in the example", name)
				}
				check(field.Type)
			}
		}
	}
	check(reflect.TypeFor[document]())
}
