package processout

import (
	"encoding/json"
	"time"

	"switchyard/sims/psp"
)

// maxEvents bounds the events that can be asked for; the oldest goes first.
const maxEvents = 4096

// event is what a webhook only names. Its data is kept as the object was, and spelt out when it is asked for.
type event struct {
	id, name, key, fired string
	visible              time.Time
	data                 any // invoice, token or psp.Object
}

func (s *Sim) tellTransaction(name string, iv *invoice, o psp.Orders) {
	s.tell(name, "transaction", *iv, o.HideFor)
}

func (s *Sim) tellToken(name string, t *token, hideFor time.Duration) {
	s.tell(name, "token", *t, hideFor)
}

// tell keeps an event and sends the webhook that names it.
func (s *Sim) tell(name, key string, data any, hideFor time.Duration) {
	e := &event{id: s.newID("ev_"), name: name, key: key, fired: now(), visible: time.Now().Add(hideFor), data: data}
	s.events[e.id] = e
	s.eventOrder = append(s.eventOrder, e.id)
	if len(s.eventOrder) > maxEvents {
		delete(s.events, s.eventOrder[0])
		s.eventOrder = s.eventOrder[1:]
	}
	s.deps.Notify(psp.Notice{
		Body:  thin(e.id, name),
		After: hideFor,
		// Nobody can sign it, so a forgery is an event that does not exist.
		Forged: func() []byte { return thin(s.newID("ev_"), "transaction.captured") },
	})
}

func thin(id, name string) []byte {
	body, _ := json.Marshal(psp.Object{"event_id": id, "event_type": name}) // plain values: cannot fail
	return body
}

func (s *Sim) getEvent(_ *psp.Request, ids []string, _ psp.Orders) psp.Answer {
	e, known := s.events[ids[0]]
	if !known || time.Now().Before(e.visible) {
		return notFound("event")
	}
	var resource psp.Object
	switch data := e.data.(type) {
	case invoice:
		resource = s.transactionResource(&data, expansions{"invoice", "card", "token", "customer", "refunds", "operations"})
	case token:
		resource = s.tokenResource(&data)
	case psp.Object:
		resource = data
	}
	return success("event", psp.Object{
		"id": e.id, "project_id": nil, "webhooks": nil, "name": e.name, "sandbox": true, "fired_at": e.fired,
		"data": psp.Object{"name": e.name, "sandbox": true, e.key: resource},
	})
}
