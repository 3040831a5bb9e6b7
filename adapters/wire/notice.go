package wire

import (
	"bytes"
	"encoding/json"
)

const (
	// MaxNotice is the longest webhook that an adapter looks at, in bytes.
	MaxNotice = 1 << 20
	// MaxName is the longest text of a webhook that is taken for a name or an id, in bytes.
	MaxName = 255
)

// Decode reads JSON whose shape is not certain, such as a webhook's; ok is false when it is none.
func Decode(body []byte) (v any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // any number will do
	err := decoder.Decode(&v)
	return v, err == nil
}

// At is the value at a path of names in decoded JSON, nil if there is none.
func At(v any, path ...string) any {
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// Name is the text at a path in decoded JSON, "" if there is none that could be a name or an id.
func Name(v any, path ...string) string {
	s, _ := At(v, path...).(string)
	if len(s) > MaxName {
		return ""
	}
	return s
}
