package rules

import (
	"strings"

	"switchyard/spelling"
)

// didYouMean is the end of a sentence about a word that is not known: what it may have been, or what is known here when
// that is a short list.
func didYouMean(word string, known []string) string {
	if near := spelling.NearestFold(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	const shortList = 24
	if len(known) == 0 || len(known) > shortList {
		return ""
	}
	return "; known here: " + strings.Join(known, ", ")
}
