package webhooks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"switchyard/payments"
)

// Headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

const (
	secretPrefix     = "whsec_"
	secretBytes      = 32
	signatureVersion = "v1,"
)

// NewSecret makes a signing secret: whsec_ and 32 random bytes in base64.
func NewSecret() payments.Secret {
	var raw [secretBytes]byte
	_, _ = rand.Read(raw[:]) // never fails
	return payments.NewSecret(secretPrefix + base64.StdEncoding.EncodeToString(raw[:]))
}

// Body is what a webhook says: which event, and nothing that only the project may read.
func Body(eventID, eventType string) []byte {
	body, err := json.Marshal(struct {
		ID   string `json:"event_id"`
		Type string `json:"event_type"`
	}{eventID, eventType})
	if err != nil {
		return nil // two texts can always be written
	}
	return body
}

// SetHeaders sets what a webhook is recognized and verified by: Standard Webhooks 1.0, with one signature for each secret.
// Without a secret it is unsigned.
func SetHeaders(h http.Header, eventID string, at time.Time, body []byte, secrets ...payments.Secret) error {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		signature, err := sign(secret, eventID, timestamp, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	h.Set(HeaderID, eventID)
	h.Set(HeaderTimestamp, timestamp)
	if len(signatures) > 0 {
		h.Set(HeaderSignature, strings.Join(signatures, " "))
	}
	return nil
}

func sign(secret payments.Secret, id, timestamp string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), secretPrefix))
	if err != nil || len(key) == 0 {
		return "", errors.New("webhooks: a signing secret is not whsec_ and base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return signatureVersion + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}
