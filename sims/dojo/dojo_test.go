package dojo

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// The vectors are the vendor's own.
func TestSign(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/webhook-signature-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Secret string `json:"secret"`
			Body   string `json:"body"`
			Header string `json:"dojoSignatureHeader"`
		} `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		if got := (&Sim{}).Sign(v.Secret, []byte(v.Body), time.Now()).Get("dojo-signature"); got != v.Header {
			t.Errorf("signed %s, want %s", got, v.Header)
		}
	}
	// The bodies that are sent look like the vector's.
	var n notice
	if err := json.Unmarshal([]byte(file.Vectors[0].Body), &n); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(n); err != nil || string(again) != file.Vectors[0].Body {
		t.Errorf("a notice reads %s, %v; want %s", again, err, file.Vectors[0].Body)
	}
}

func TestTimespan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"6.23:59:59": 7*24*time.Hour - time.Second, "00.01:00:00": time.Hour, "00:00:31": 31 * time.Second,
		"": -1, "1": -1, "1.2:3": -1, "-1.00:00:00": -1, "00:00:x": -1, "1.1.1:1:1": -1, "1:1:1:1": -1,
	} {
		got, ok := timespan(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v %v, want %v", text, got, ok, want)
		}
	}
}

func TestExpiryDates(t *testing.T) {
	t.Parallel()
	c := card{}
	c.ExpMonth, c.ExpYear = 2, 2028
	if c.lastDay() != "2028-02-29" || c.monthAndYear() != "02/28" {
		t.Errorf("%s %s", c.lastDay(), c.monthAndYear())
	}
	c.ExpMonth = 12
	if c.lastDay() != "2028-12-31" {
		t.Error(c.lastDay())
	}
}
