package sims

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"switchyard/sims/fault"
	"switchyard/sims/psp"
)

// maxControlBytes bounds a control request's body.
const maxControlBytes = 64 << 10

// controlHandler is the control API.
func (s *Server) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/psps", s.listPSPs)
	mux.HandleFunc("GET /_sim/ledger", s.showLedger)
	mux.HandleFunc("GET /_sim/requests", s.showRequests)
	mux.HandleFunc("GET /_sim/journal", s.showJournal)
	mux.HandleFunc("GET /_sim/faults", s.listFaults)
	mux.HandleFunc("POST /_sim/faults", s.addFault)
	mux.HandleFunc("DELETE /_sim/faults", s.clearFaults)
	mux.HandleFunc("GET /_sim/webhooks", s.listWebhooks)
	mux.HandleFunc("POST /_sim/webhooks", s.registerWebhook)
	mux.HandleFunc("POST /_sim/settings", s.adjust)
	mux.HandleFunc("POST /_sim/reset", s.reset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Errorf("no control endpoint %s %s", r.Method, r.URL.Path))
	})
	return mux
}

func (s *Server) listPSPs(w http.ResponseWriter, _ *http.Request) {
	reply(w, psp.Object{"psps": s.PSPs()})
}

func (s *Server) showLedger(w http.ResponseWriter, _ *http.Request) {
	reply(w, psp.Object{"charges": s.ledger.Charges()})
}

func (s *Server) showRequests(w http.ResponseWriter, _ *http.Request) {
	reply(w, psp.Object{"requests": s.counts.rows()})
}

func (s *Server) showJournal(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("psp")
	if name != "" {
		if _, err := s.host(name); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
	}
	reply(w, psp.Object{"calls": s.journal.Calls(name)})
}

func (s *Server) listFaults(w http.ResponseWriter, _ *http.Request) {
	reply(w, psp.Object{"faults": s.faults.List()})
}

func (s *Server) addFault(w http.ResponseWriter, r *http.Request) {
	body, ok := read(w, r)
	if !ok {
		return
	}
	f, err := fault.Parse(body, s.names())
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	s.faults.Add(f)
	if err := s.applyRefusals(r.Context()); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	reply(w, f)
}

func (s *Server) clearFaults(w http.ResponseWriter, r *http.Request) {
	s.faults.Clear()
	if err := s.applyRefusals(r.Context()); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	reply(w, psp.Object{"faults": []fault.Fault{}})
}

// reset goes back to the start, but for the webhooks' addresses: a gateway registers them once, when it starts.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	s.faults.Clear()
	s.later.Cancel()
	for _, h := range s.psps {
		h.sim.Reset()
		h.challenges.Reset()
	}
	s.outbox.Reset()
	s.ledger.Reset()
	s.counts.reset()
	s.journal.Reset()
	if err := s.applyRefusals(r.Context()); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	reply(w, psp.Object{"reset": true})
}

func (s *Server) listWebhooks(w http.ResponseWriter, _ *http.Request) {
	rows := []psp.Object{}
	targets := s.outbox.Targets()
	for _, name := range s.names() {
		if address, known := targets[name]; known {
			rows = append(rows, psp.Object{"psp": name, "url": address})
		}
	}
	reply(w, psp.Object{"webhooks": rows})
}

func (s *Server) registerWebhook(w http.ResponseWriter, r *http.Request) {
	var in struct{ PSP, URL, Secret string }
	body, ok := read(w, r)
	if !ok {
		return
	}
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("expected a JSON object {psp, url, secret}: %w", err))
		return
	}
	h, err := s.host(in.PSP)
	if err == nil {
		err = s.outbox.Register(in.PSP, in.URL, in.Secret, h.sim.Sign)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	reply(w, psp.Object{"psp": in.PSP, "url": in.URL})
}

func (s *Server) adjust(w http.ResponseWriter, r *http.Request) {
	var in struct{ PSP string }
	body, ok := read(w, r)
	if !ok {
		return
	}
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("expected a JSON object with psp and the settings: %w", err))
		return
	}
	h, err := s.host(in.PSP)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	adjustable, can := h.sim.(psp.Adjustable)
	if !can {
		refuse(w, http.StatusBadRequest, fmt.Errorf("psp %q has no settings", in.PSP))
		return
	}
	settings, err := adjustable.Adjust(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	reply(w, psp.Object{"psp": in.PSP, "settings": settings})
}

func (s *Server) names() []string {
	out := make([]string, len(s.psps))
	for i, h := range s.psps {
		out[i] = h.name
	}
	return out
}

func (s *Server) host(name string) (*host, error) {
	for _, h := range s.psps {
		if h.name == name {
			return h, nil
		}
	}
	return nil, fmt.Errorf("psp %q is not one of %v", name, s.names())
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBytes))
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf("reading the body: %w", err))
		return nil, false
	}
	return body, true
}

func reply(w http.ResponseWriter, v any) { psp.JSON(http.StatusOK, v).Write(w) }

func refuse(w http.ResponseWriter, status int, err error) {
	psp.JSON(status, psp.Object{"error": err.Error()}).Write(w)
}
