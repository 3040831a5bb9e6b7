package config

import (
	"maps"
	"slices"
	"strings"

	"switchyard/spelling"
)

// unknownKey words the fault of a key that is not known here. It names only keys that are: the unknown one may be a secret
// that lost its place.
func unknownKey[V any](key string, known map[string]V) string {
	names := slices.Sorted(maps.Keys(known))
	if near := spelling.Nearest(key, names); near != "" {
		return "unknown key; did you mean " + near + "?"
	}
	return "unknown key; known here: " + strings.Join(names, ", ")
}
