package config

import (
	"maps"
	"slices"
	"strings"
)

// unknownKey words the fault of a key that is not known here. It names only keys that are: the unknown one may be a secret
// that lost its place.
func unknownKey[V any](key string, known map[string]V) string {
	names := slices.Sorted(maps.Keys(known))
	if near := nearest(key, names); near != "" {
		return "unknown key; did you mean " + near + "?"
	}
	return "unknown key; known here: " + strings.Join(names, ", ")
}

// nearest returns the name that a typing error could have turned into word, or "".
func nearest(word string, names []string) string {
	best, least := "", max(len(word)/3, 1)+1
	for _, name := range names {
		if d := distance(word, name, least); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace between two words. It is not exact at limit and above.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
