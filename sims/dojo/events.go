package dojo

import (
	"encoding/json"
	"time"

	"switchyard/sims/psp"
)

// eventUpdated is the one event that is sent: the account has subscribed to no other.
const eventUpdated = "payment_intent.status_updated"

// notice is an event in the order of fields in which the vendor has them.
type notice struct {
	ID        string     `json:"id"`
	Event     string     `json:"event"`
	AccountID string     `json:"accountId"`
	CreatedAt string     `json:"createdAt"`
	Data      noticeData `json:"data"`
}

type noticeData struct {
	Intent      string `json:"paymentIntentId"`
	Status      string `json:"paymentStatus"`
	CaptureMode string `json:"captureMode"`
}

// tell sends an event that an intent's status has changed. It has neither an amount nor a reference.
func (s *Sim) tell(pi *intent, hideFor time.Duration) {
	says := noticeData{pi.id, pi.status, pi.in.CaptureMode}
	s.deps.Notify(psp.Notice{
		Body:  s.envelope(says),
		After: hideFor,
		Forged: func() []byte {
			says.Status = statusCaptured
			return s.envelope(says)
		},
	})
}

func (s *Sim) envelope(data noticeData) []byte {
	body, _ := json.Marshal(notice{ // plain values: cannot fail
		ID: s.newID("evt_"), Event: eventUpdated, AccountID: accountID, CreatedAt: stamp(time.Now()), Data: data,
	})
	return body
}
