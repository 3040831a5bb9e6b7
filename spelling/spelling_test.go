package spelling

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"listen", "database", "PHP", "gateways"}
	for _, c := range []struct{ word, exact, folded string }{
		{"listen", "listen", "listen"},
		{"lisen", "listen", "listen"},        // a letter too few
		{"listeen", "listen", "listen"},      // a letter too many
		{"listan", "listen", "listen"},       // another letter
		{"databsae", "database", "database"}, // two changed places
		{"php", "", "PHP"},
		{"LISTEN", "", "listen"},
		{"telemetry", "", ""},
		{"", "", ""},
	} {
		if got := Nearest(c.word, names); got != c.exact {
			t.Errorf("Nearest(%q) = %q, want %q", c.word, got, c.exact)
		}
		if got := NearestFold(c.word, names); got != c.folded {
			t.Errorf("NearestFold(%q) = %q, want %q", c.word, got, c.folded)
		}
	}
}
