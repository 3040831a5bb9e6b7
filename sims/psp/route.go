package psp

import "strings"

// Handler processes one request under its PSP's lock. ids are the parts of the path that the pattern leaves open.
type Handler func(r *Request, ids []string, o Orders) Answer

// Route is one endpoint.
type Route struct {
	Method string
	// Pattern is the path, "*" for each part that is an id: "payment_intents/*/attach".
	Pattern   string
	Operation Operation
	// Classify, when set, decides the operation by the request instead.
	Classify func(r *Request, ids []string) Operation
	// Decode, when set, turns the body into r.Decoded as soon as the request is read, so that no card number
	// waits in memory for a call that is put off.
	Decode func(body []byte) any
	Handle Handler
}

// Router finds the route of a request.
type Router []Route

// Find returns the request's route and the ids in its path.
func (routes Router) Find(r *Request) (Route, []string, bool) {
	for _, route := range routes {
		if route.Method != r.Method {
			continue
		}
		if ids, ok := match(route.Pattern, r.Path); ok {
			return route, ids, true
		}
	}
	return Route{}, nil, false
}

func match(pattern string, path []string) ([]string, bool) {
	parts := strings.Split(pattern, "/")
	if len(parts) != len(path) {
		return nil, false
	}
	var ids []string
	for i, part := range parts {
		switch part {
		case path[i]:
		case "*":
			ids = append(ids, path[i])
		default:
			return nil, false
		}
	}
	return ids, true
}

// Kind is the operation of a request to this route.
func (route Route) Kind(r *Request, ids []string) Operation {
	if route.Classify != nil {
		return route.Classify(r, ids)
	}
	return route.Operation
}

// Unrouted is the operation of a request that no route takes: it is counted and may meet a fault all the same.
func Unrouted(r *Request) Operation {
	if r.Method == "GET" {
		return Lookup
	}
	return Prepare
}
