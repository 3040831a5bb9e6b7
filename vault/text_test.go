package vault_test

import (
	"bytes"
	"testing"
)

func TestSealText(t *testing.T) {
	t.Parallel()
	v := setup(t)
	const link = "https://pay.example.com/checkout/pi_1?csc=cs_secret"
	sealed, err := v.SealText(t.Context(), "p1", "tr_op_1", link)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("cs_secret")) {
		t.Error("the text shows")
	}
	if got, err := v.OpenText(t.Context(), "p1", "tr_op_1", sealed); err != nil || got != link {
		t.Errorf("opened %q, %v", got, err)
	}
	for name, open := range map[string]func() (string, error){
		"another record":  func() (string, error) { return v.OpenText(t.Context(), "p1", "tr_op_2", sealed) },
		"another project": func() (string, error) { return v.OpenText(t.Context(), "p2", "tr_op_1", sealed) },
		"nothing":         func() (string, error) { return v.OpenText(t.Context(), "p1", "tr_op_1", nil) },
		"a changed one": func() (string, error) {
			return v.OpenText(t.Context(), "p1", "tr_op_1", bytes.Replace(sealed, []byte(`"s":"`), []byte(`"s":"AAAA`), 1))
		},
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opens as %q", name, got)
		}
	}
}
