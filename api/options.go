package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"switchyard/payments"
)

// Names of the options that every call may carry, in its query or among the fields of its body.
const (
	optionExpand     = "expand"
	optionFilter     = "filter"
	optionLimit      = "limit"
	optionOrder      = "order"
	optionStartAfter = "start_after"
	optionEndBefore  = "end_before"
)

// notFields are the names in a body that say how to answer, not what to do. SDKs mix them with the fields. They do not
// count when two requests are compared for idempotency.
var notFields = map[string]bool{
	optionExpand: true, optionFilter: true, optionLimit: true, optionOrder: true, optionStartAfter: true, optionEndBefore: true,
	"idempotency_key": true, "idempotencyKey": true, "disable_logging": true, "disableLogging": true,
}

// Limits of lists.
const (
	defaultLimit   = 10
	maxLimit       = 100
	maxExpands     = 50
	maxExpandDepth = 4 // "invoice.customer.default_token.card"
)

// options are what a request says about its answer.
type options struct {
	expand expansion
	page   payments.Page
}

// order is the word for the direction of a list.
func (o options) order() string {
	if o.page.Ascending {
		return "asc"
	}
	return "desc"
}

// given are the options as they were sent. Empty means not given.
type given struct {
	expand []string
	texts  map[string]string
}

// parseOptions reads the options out of the query and, where it has none, out of the body. root is the kind of object that
// the answer shows.
func parseOptions(query string, body map[string]any, root kind) (options, error) {
	g := given{texts: map[string]string{}}
	if query != "" {
		pairs, err := parsePairs(query)
		if err != nil {
			return options{}, payments.NewError(payments.CodeBadFormat, "The query is malformed.")
		}
		for _, p := range pairs {
			g.add(p.path[0], p.value)
		}
	}
	if err := g.addBody(body); err != nil {
		return options{}, err
	}
	page, err := g.page()
	if err != nil {
		return options{}, err
	}
	expand, err := parseExpand(g.expand, root)
	return options{expand: expand, page: page}, err
}

func (g *given) add(name, value string) {
	if !notFields[name] || value == "" {
		return
	}
	if name != optionExpand {
		g.texts[name] = value
		return
	}
	var list []string
	if strings.HasPrefix(value, "[") && json.Unmarshal([]byte(value), &list) == nil {
		g.expand = append(g.expand, list...)
		return
	}
	g.expand = append(g.expand, strings.Split(value, ",")...)
}

// addBody adds what the query left open.
func (g *given) addBody(body map[string]any) error {
	f := fields{values: body, faults: &faults{}}
	for name := range notFields {
		if name == optionExpand || g.texts[name] != "" || body[name] == nil {
			continue
		}
		g.add(name, f.text(name, textRule{code: payments.CodePaginationInvalid}))
	}
	if len(g.expand) == 0 {
		switch expand := body[optionExpand].(type) {
		case nil:
		case string:
			g.add(optionExpand, expand)
		default:
			for _, item := range f.list(optionExpand) {
				text, ok := item.(string)
				if !ok {
					return badExpand()
				}
				g.add(optionExpand, text)
			}
		}
	}
	return f.faults.err()
}

func (g *given) page() (payments.Page, error) {
	page := payments.Page{Limit: defaultLimit, StartAfter: g.texts[optionStartAfter], EndBefore: g.texts[optionEndBefore]}
	if page.EndBefore != "" {
		page.StartAfter = "" // the Go SDK's iterator keeps the old cursor when it turns round
	}
	if text := g.texts[optionLimit]; text != "" && text != "0" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return page, payments.NewError(payments.CodePaginationInvalid, "limit must be a number from 1 to 100.")
		}
		page.Limit = min(n, maxLimit)
	}
	switch g.texts[optionOrder] {
	case "", "desc":
	case "asc":
		page.Ascending = true
	default:
		return page, payments.NewError(payments.CodePaginationInvalid, "order must be asc or desc.")
	}
	if g.texts[optionFilter] != "" {
		return page, payments.NewError(payments.CodeFilterInvalid, "Filters are not supported here: leave filter empty.")
	}
	return page, nil
}

// kind is a kind of object in an answer.
type kind string

// The kinds that have something to expand, and those that are expanded to.
const (
	kindNone            kind = ""
	kindCustomer        kind = "customer"
	kindToken           kind = "token"
	kindCard            kind = "card"
	kindInvoice         kind = "invoice"
	kindTransaction     kind = "transaction"
	kindOperation       kind = "operation"
	kindRefund          kind = "refund"
	kindEvent           kind = "event"
	kindWebhook         kind = "webhook"
	kindWebhookEndpoint kind = "webhook_endpoint"
	kindGatewayConfig   kind = "gateway_configuration"
	kindGateway         kind = "gateway"
	kindProject         kind = "project"
	kindLeaf            kind = "leaf" // known to the vendor's API, always null or inlined here
)

// expandable says what can be expanded in what.
var expandable = map[kind]map[string]kind{
	kindCustomer: {"project": kindProject, "default_token": kindToken, "tokens": kindToken, "transactions": kindTransaction, "subscriptions": kindLeaf},
	kindToken:    {"customer": kindCustomer, "gateway_configuration": kindGatewayConfig, "card": kindCard, "invoice": kindInvoice},
	kindCard:     {"project": kindProject, "token": kindToken},
	kindInvoice: {
		"project": kindProject, "transaction": kindTransaction, "customer": kindCustomer, "subscription": kindLeaf,
		"token": kindToken, "details": kindLeaf, "payment_methods": kindLeaf,
	},
	kindTransaction: {
		"project": kindProject, "invoice": kindInvoice, "customer": kindCustomer, "subscription": kindLeaf, "token": kindToken,
		"card": kindCard, "gateway_configuration": kindGatewayConfig, "external_three_d_s_gateway_configuration": kindLeaf,
		"operations": kindOperation, "refunds": kindRefund,
	},
	kindOperation:       {"transaction": kindTransaction, "token": kindToken, "card": kindCard, "gateway_configuration": kindGatewayConfig},
	kindRefund:          {"transaction": kindTransaction},
	kindEvent:           {"project": kindProject, "webhooks": kindWebhook},
	kindWebhook:         {"project": kindProject, "event": kindEvent},
	kindGatewayConfig:   {"project": kindProject, "gateway": kindGateway, "sub_accounts": kindLeaf},
	kindWebhookEndpoint: {"project": kindProject},
}

// expansion is a tree of what to expand.
type expansion map[string]expansion

// has reports whether name is to be expanded.
func (e expansion) has(name string) bool {
	_, ok := e[name]
	return ok
}

// parseExpand turns dotted paths into a tree. On routes that show no object, kindNone, everything is ignored.
func parseExpand(paths []string, root kind) (expansion, error) {
	if len(paths) == 0 || root == kindNone {
		return nil, nil
	}
	if len(paths) > maxExpands {
		return nil, badExpand()
	}
	tree := expansion{}
	for _, path := range paths {
		if path = strings.TrimSpace(path); path == "" {
			continue
		}
		names := strings.Split(path, ".")
		if len(names) > maxExpandDepth {
			return nil, badExpand()
		}
		if names[0] == string(root) && !expandableIn(root, names[0]) {
			names = names[1:] // "invoice.customer" for the customer of an invoice
		}
		at, in := tree, root
		for _, name := range names {
			if !expandableIn(in, name) {
				return nil, badExpand()
			}
			if at[name] == nil {
				at[name] = expansion{}
			}
			at, in = at[name], expandable[in][name]
		}
	}
	return tree, nil
}

func expandableIn(in kind, name string) bool {
	_, ok := expandable[in][name]
	return ok
}

// badExpand names no value: it may be anything that was put into the wrong field.
func badExpand() error {
	return payments.NewError(payments.CodeExpandInvalid, "expand names something that cannot be expanded here. Give names of sub-objects, with dots for nesting, for example invoice.customer.")
}

// firstLevel is the expansion of everything that a kind has, as in events.
func firstLevel(of kind) expansion {
	tree := make(expansion, len(expandable[of]))
	for name := range expandable[of] {
		tree[name] = nil
	}
	return tree
}

// with adds a branch to a copy of e.
func (e expansion) with(name string) expansion {
	if e.has(name) {
		return e
	}
	wider := make(expansion, len(e)+1)
	maps.Copy(wider, e)
	wider[name] = nil
	return wider
}

// pick keeps the named branches of e and drops what is under them.
func (e expansion) pick(names ...string) expansion {
	kept := expansion{}
	for name := range e {
		if slices.Contains(names, name) {
			kept[name] = nil
		}
	}
	return kept
}
