package payments_test

import (
	"testing"

	"switchyard/payments"
)

func TestIsCountry(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"AD": true, "NO": true, "PH": true, "ZW": true, "GB": true, "UK": false, "EU": false, "DA": false, "ph": false, "": false, "P": false, "PHL": false, "ADAE": false,
	} {
		if payments.IsCountry(code) != want {
			t.Errorf("%q: %t", code, !want)
		}
	}
	countries := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if payments.IsCountry(string([]rune{a, b})) {
				countries++
			}
		}
	}
	if countries != 249 {
		t.Errorf("%d countries, not the 249 of ISO 3166-1", countries)
	}
}
