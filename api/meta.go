package api

import (
	"maps"
	"slices"

	"switchyard/payments"
)

// Versions of the vendor's API that SDKs name in their API-Version header. Any is accepted.
const (
	versionCurrent = "1.4.0.0"
	versionOldest  = "1.3.0.0"
)

// versions is the root: it tells SDKs and people that they have come to the right place.
func (s *server) versions(*call) (reply, error) {
	return reply{show: func(w *writer) error {
		w.full("name", "Switchyard")
		w.full("current_version", versionCurrent)
		w.full("latest_version", versionCurrent)
		w.name("versions")
		w.openList()
		w.value(versionOldest)
		w.value(versionCurrent)
		w.closeList()
		w.full("documentation", "/openapi.json")
		return nil
	}}, nil
}

func (s *server) health(*call) (reply, error) { return reply{}, nil }

func (s *server) ready(c *call) (reply, error) {
	if err := s.Ready(c.ctx); err != nil {
		return reply{}, &payments.Error{Code: codeNotReady, Message: "Not ready to take payments.", Cause: err}
	}
	return reply{}, nil
}

// takeTelemetry takes what browsers' SDKs report and keeps none of it.
func (s *server) takeTelemetry(*call) (reply, error) { return reply{}, nil }

// errorCodes lists every code by category.
func (s *server) errorCodes(*call) (reply, error) {
	categories := payments.CodesByCategory()
	return reply{show: func(w *writer) error {
		w.name("gateway")
		w.open()
		for _, name := range slices.Sorted(maps.Keys(categories)) {
			list(w, name, categories[name], func(code *string) { w.value(*code) })
		}
		w.close()
		return nil
	}}, nil
}

// document is the description of this API.
func (s *server) document(*call) (reply, error) {
	document, err := openAPI()
	return reply{document: document}, err
}
