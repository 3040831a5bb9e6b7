package pivot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"switchyard/sims/psp"
)

// tokenLives is how long an access token is good. It goes out as text.
const tokenLives, tokenLivesText = 900 * time.Second, "900"

// issueToken hands an access token to anybody who brings credentials: the simulated account is everybody's.
func (s *Sim) issueToken(r *psp.Request, _ []string, _ psp.Orders) psp.Answer {
	var in struct {
		GrantType string `json:"grantType"`
	}
	if bad := decode(r.Body, &in); bad != nil {
		return *bad
	}
	merchant := r.Header.Get("X-Merchant-Id")
	switch {
	case merchant == "" || r.Header.Get("X-Merchant-Secret") == "":
		return s.Complain(psp.Unauthorized401)
	case in.GrantType != "client_credentials":
		return invalid("grantType", "must be client_credentials")
	}
	at := time.Now()
	claims, _ := json.Marshal(map[string]any{ // plain values: cannot fail
		"sub": merchant, "jti": s.newID(), "iat": at.Unix(), "exp": at.Add(tokenLives).Unix(),
	})
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	return success(psp.Object{
		"accessToken": text + "." + encode(s.tokenMAC(text)), "expiresIn": tokenLivesText, "tokenType": "Bearer",
	})
}

// authentic says whether a request brings an access token of ours that is still good.
func (s *Sim) authentic(r *psp.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	at := strings.LastIndexByte(token, '.')
	if !strings.EqualFold(scheme, "Bearer") || at < 0 {
		return false
	}
	proof, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil || !hmac.Equal(proof, s.tokenMAC(token[:at])) {
		return false
	}
	_, body, _ := strings.Cut(token[:at], ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	var claims struct {
		Expires int64 `json:"exp"`
	}
	return err == nil && json.Unmarshal(raw, &claims) == nil && time.Now().Unix() < claims.Expires
}

func (s *Sim) tokenMAC(text string) []byte {
	mac := hmac.New(sha256.New, s.tokenKey)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
