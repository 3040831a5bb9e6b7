package testcard_test

import (
	"testing"
	"time"

	"switchyard/sims/testcard"
)

func TestValidAndDescribe(t *testing.T) {
	for number, brand := range map[string]testcard.Brand{
		testcard.Approved: testcard.Visa, testcard.Declined: testcard.Visa, testcard.Challenge: testcard.Visa,
		"5555555555554444": testcard.Mastercard, "2223003122003222": testcard.Mastercard, "378282246310005": testcard.Amex,
		"3530111333300000": testcard.JCB, "30123456789019": testcard.Diners, "6011111111111117": testcard.Discover,
	} {
		if !testcard.Valid(number) {
			t.Errorf("%s is not valid", number)
			continue
		}
		card := testcard.Describe(number, []byte("key"))
		if card.Brand != brand || card.Last4 != number[len(number)-4:] || card.First6 != number[:6] || card.Fingerprint == "" {
			t.Errorf("%s: %+v", number, card)
		}
		if other := testcard.Describe(number, []byte("other")); other.Fingerprint == card.Fingerprint {
			t.Errorf("%s: the fingerprint does not depend on the key", number)
		}
	}
	for _, number := range []string{"", "4242424242424241", "4242 4242 4242 4242", "42424242424242424242424242", "0000", "424242424242424a"} {
		if testcard.Valid(number) {
			t.Errorf("%q is valid", number)
		}
	}
}

func TestExpired(t *testing.T) {
	last := time.Date(2030, 12, 31, 23, 59, 59, 0, time.UTC)
	if testcard.Expired(12, 2030, last) || !testcard.Expired(12, 2030, last.Add(time.Second)) {
		t.Error("a card is good to the end of its month")
	}
}
