package flow

import "testing"

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"paymentUrl":"https://pay.example.com/detail?token=eyJ.x.y","id":"1"}`:                                    `{"paymentUrl":"https://pay.example.com/***","id":"1"}`,
		`{"payment_link_url":"https:\/\/xen.example\/checkout\/s3cret"}`:                                            `{"payment_link_url":"https:\/\/xen.example/***"}`,
		`{"a":"http://127.0.0.1:1/returns/abc","b":"see https://x.example/y?z=1."}`:                                 `{"a":"http://127.0.0.1:1/***","b":"see https://x.example/***"}`,
		`{"url":"https://shop.example"}`:                                                                            `{"url":"https://shop.example"}`,
		`"{\"url\":\"https://x.example/y\",\"n\":1}"`:                                                               `"{\"url\":\"https://x.example/***\",\"n\":1}"`,
		`no link: //x/y, http:`:                                                                                     `no link: //x/y, http:`,
		`{"encryptionKey":"MIIB\"Aa+/=","card":{"encryptedCard" : "eyJ","token":"b2c1"},"tokenId":"t1","cvc":null}`: `{"encryptionKey":"***","card":{"encryptedCard":"***","token":"***"},"tokenId":"t1","cvc":null}`,
		`{"clientSecret":null,"client_key":"pi_1_client_2","payment_token_id":"pt-1","clientSessionSecret":""}`:     `{"clientSecret":null,"client_key":"***","payment_token_id":"pt-1","clientSessionSecret":"***"}`,
		"": "",
	} {
		if got := string(withoutSecrets([]byte(in))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}
