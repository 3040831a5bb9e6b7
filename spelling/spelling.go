// Package spelling finds the word that was probably meant by one that is not known, so that a fault can name it.
package spelling

import "strings"

// Nearest returns the name that a typing error could have turned into word, or "".
func Nearest(word string, names []string) string {
	return nearest(word, names, func(s string) string { return s })
}

// NearestFold is Nearest for names that are written in upper or lower case alike.
func NearestFold(word string, names []string) string {
	return nearest(word, names, strings.ToLower)
}

func nearest(word string, names []string, fold func(string) string) string {
	best, least := "", max(len(word)/3, 1)+1
	for _, name := range names {
		if d := distance(fold(word), fold(name), least); d < least {
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
