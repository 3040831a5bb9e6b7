package wire

import (
	"strings"
	"testing"
)

func TestDecodedNotice(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxName)
	v, ok := Decode([]byte(`{"data":{"id":"pay_1","amount":1e999,"list":["a"],"long":"` + long + `","longer":"` + long + `x"},"id":"evt_1"}`))
	if !ok {
		t.Fatal("JSON was not read")
	}
	for path, want := range map[string]string{
		"id": "evt_1", "data.id": "pay_1", "data.long": long, // names
		"data": "", "data.amount": "", "data.list": "", "data.longer": "", // no names
		"more": "", "id.more": "", "data.list.0": "", "more.data.id": "", // nothing there
	} {
		if got := Name(v, strings.Split(path, ".")...); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if Name("itself") != "itself" || At(v, "data", "list") == nil {
		t.Error("a value has no path to itself")
	}
	for _, body := range []string{"", "<html>", `{"id":"evt_1"`} {
		if v, ok := Decode([]byte(body)); ok || v != nil {
			t.Errorf("%q was read as %v", body, v)
		}
	}
}
