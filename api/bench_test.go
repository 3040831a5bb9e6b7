package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"switchyard/payments"
)

func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"customer_id":"cust_0123456789abcdefghjkmnpqrstvwxyz","name":"Order 1","order_id":null,"amount":"10.00","currency":"PHP","metadata":{"a":"b"},"details":[{"name":"Shoes","amount":"10.00","quantity":1}],"expand":null,"filter":"","limit":0,"end_before":"","start_after":""}`)
	form := []byte("customer_id=cust_0123456789abcdefghjkmnpqrstvwxyz&name=Order+1&amount=10.00&currency=PHP&metadata[a]=b&details[0][name]=Shoes&details[0][amount]=10.00")
	for name, data := range map[string][]byte{"json": body, "form": form} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decodeBody("", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	s := sample()
	api := &server{Options: Options{Gateways: []GatewayInfo{{ID: gatewayID, PSP: "paymongo"}}}}
	v := &view{s: api, project: payments.Project{ID: projectID}, snapshot: &s, configuration: true}
	for name, e := range map[string]expansion{"bare": nil, "charge": {"operations": nil}, "event": firstLevel(kindTransaction)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			w := &writer{}
			for b.Loop() {
				w.buf = w.buf[:0]
				v.transaction(w, s.Transaction, e)
			}
			b.SetBytes(int64(len(w.buf)))
		})
	}
}

// BenchmarkCapture is a whole request but for the store's writes and the PSP: authentication, body, a replayed key, rendering,
// the log event.
func BenchmarkCapture(b *testing.B) {
	w := newWorld(b)
	invoice := w.invoice().text("invoice", "id")
	body, err := json.Marshal(map[string]any{"source": w.card(), "metadata": map[string]any{"a": "b"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/invoices/"+invoice+"/capture", bytes.NewReader(body))
		r.SetBasicAuth(projectID, projectKey)
		r.Header.Set("Idempotency-Key", "k")
		out := httptest.NewRecorder()
		w.api.ServeHTTP(out, r)
		if out.Code != http.StatusOK {
			b.Fatal(out.Body.String())
		}
		w.log.text.Reset()
	}
}
