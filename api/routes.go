package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"switchyard/payments"
	"switchyard/projects"
)

// route is one line of the table of routes.
type route struct {
	method, path string
	access       access
	root         kind // the kind of object that the answer shows, for expand
	handle       func(*server, *call) (reply, error)
	asksPSPs     bool // a read that asks PSPs
}

// Routes that monitors ask every few seconds.
const (
	routeHealth = "/healthz"
	routeReady  = "/readyz"
)

// routes is every route that is served.
var routes = []route{
	{http.MethodGet, "/", anyone, kindNone, (*server).versions, false},
	{http.MethodGet, routeHealth, anyone, kindNone, (*server).health, false},
	{http.MethodGet, routeReady, anyone, kindNone, (*server).ready, false},
	{http.MethodGet, "/openapi.json", anyone, kindNone, (*server).document, false},
	{http.MethodPost, "/telemetry", anyone, kindNone, (*server).takeTelemetry, false},
	{http.MethodGet, "/error-codes", privateOnly, kindNone, (*server).errorCodes, false},

	{http.MethodGet, "/customers", privateOnly, kindCustomer, (*server).listCustomers, false},
	{http.MethodPost, "/customers", privateOnly, kindCustomer, (*server).createCustomer, false},
	{http.MethodGet, "/customers/:customer", privateOnly, kindCustomer, (*server).getCustomer, false},
	{http.MethodPut, "/customers/:customer", privateOnly, kindCustomer, (*server).updateCustomer, false},
	{http.MethodDelete, "/customers/:customer", privateOnly, kindNone, (*server).deleteCustomer, false},
	{http.MethodGet, "/customers/:customer/transactions", privateOnly, kindTransaction, (*server).listCustomerTransactions, false},

	{http.MethodGet, "/customers/:customer/payment-methods", privateOnly, kindNone, (*server).listPaymentMethods, true},
	{http.MethodGet, "/customers/:customer/tokens", privateOnly, kindToken, (*server).listTokens, false},
	{http.MethodPost, "/customers/:customer/tokens", privateOnly, kindToken, (*server).createToken, false},
	{http.MethodGet, "/customers/:customer/tokens/:token", privateOnly, kindToken, (*server).getToken, false},
	{http.MethodPut, "/customers/:customer/tokens/:token", publicToo, kindToken, (*server).assignToken, false},
	{http.MethodDelete, "/customers/:customer/tokens/:token", privateOnly, kindNone, (*server).deleteToken, false},
	{http.MethodGet, "/customers/:customer/tokens/:token/gateways", privateOnly, kindNone, (*server).tokenGateways, false},

	{http.MethodGet, "/cards", privateOnly, kindCard, (*server).listCards, false},
	{http.MethodPost, "/cards", publicToo, kindCard, (*server).createCard, false},
	{http.MethodGet, "/cards/:card", privateOnly, kindCard, (*server).getCard, false},
	{http.MethodPut, "/cards/:card", publicToo, kindCard, (*server).updateCard, false},
	{http.MethodDelete, "/cards/:card", privateOnly, kindNone, (*server).deleteCard, false},
	{http.MethodGet, "/iins/:iin", publicToo, kindNone, (*server).getIIN, false},

	{http.MethodGet, "/invoices", privateOnly, kindInvoice, (*server).listInvoices, false},
	{http.MethodPost, "/invoices", privateOnly, kindInvoice, (*server).createInvoice, false},
	{http.MethodGet, "/invoices/:invoice", publicToo, kindInvoice, (*server).getInvoice, false},
	{http.MethodPut, "/invoices/:invoice", privateOnly, kindInvoice, (*server).updateInvoice, false},
	{http.MethodDelete, "/invoices/:invoice", privateOnly, kindNone, (*server).deleteInvoice, false},
	{http.MethodGet, "/invoices/:invoice/customers", privateOnly, kindCustomer, (*server).getInvoiceCustomer, false},
	{http.MethodPost, "/invoices/:invoice/customers", privateOnly, kindCustomer, (*server).assignInvoiceCustomer, false},
	{http.MethodGet, "/invoices/:invoice/decision", privateOnly, kindNone, (*server).getDecision, false},
	{http.MethodGet, "/invoices/:invoice/transactions", privateOnly, kindTransaction, (*server).getInvoiceTransaction, false},
	{http.MethodPost, "/invoices/:invoice/authorize", publicToo, kindTransaction, (*server).authorize, false},
	{http.MethodPost, "/invoices/:invoice/capture", publicToo, kindTransaction, (*server).capture, false},
	{http.MethodPost, "/invoices/:invoice/three-d-s", privateOnly, kindNone, (*server).threeDS, false},
	{http.MethodPost, "/invoices/:invoice/increment_authorization", privateOnly, kindTransaction, (*server).increment, false},
	{http.MethodPost, "/invoices/:invoice/void", privateOnly, kindTransaction, (*server).void, false},
	{http.MethodPost, "/invoices/:invoice/refunds", privateOnly, kindRefund, (*server).refundInvoice, false},

	{http.MethodGet, "/transactions", privateOnly, kindTransaction, (*server).listTransactions, false},
	{http.MethodPost, "/transactions", privateOnly, kindTransaction, (*server).listTransactions, false},
	{http.MethodGet, "/transactions/:transaction", privateOnly, kindTransaction, (*server).getTransaction, false},
	{http.MethodGet, "/transactions/:transaction/refunds", privateOnly, kindRefund, (*server).listRefunds, false},
	{http.MethodPost, "/transactions/:transaction/refunds", privateOnly, kindRefund, (*server).refundTransaction, false},
	{http.MethodGet, "/transactions/:transaction/refunds/:refund", privateOnly, kindRefund, (*server).getRefund, false},

	{http.MethodGet, "/events", privateOnly, kindEvent, (*server).listEvents, false},
	{http.MethodGet, "/events/:event", privateOnly, kindEvent, (*server).getEvent, false},
	{http.MethodGet, "/events/:event/webhooks", privateOnly, kindWebhook, (*server).listWebhooks, false},
	{http.MethodPost, "/events/:event/replay", privateOnly, kindNone, (*server).replayEvent, false},

	{http.MethodGet, "/webhook-endpoints", privateOnly, kindWebhookEndpoint, (*server).listWebhookEndpoints, false},
	{http.MethodPost, "/webhook-endpoints", privateOnly, kindWebhookEndpoint, (*server).createWebhookEndpoint, false},
	{http.MethodGet, "/webhook-endpoints/:endpoint", privateOnly, kindWebhookEndpoint, (*server).getWebhookEndpoint, false},
	{http.MethodPut, "/webhook-endpoints/:endpoint", privateOnly, kindWebhookEndpoint, (*server).updateWebhookEndpoint, false},
	{http.MethodDelete, "/webhook-endpoints/:endpoint", privateOnly, kindNone, (*server).deleteWebhookEndpoint, false},
	{http.MethodPost, "/webhook-endpoints/:endpoint/rotate-secret", privateOnly, kindWebhookEndpoint, (*server).rotateWebhookSecret, false},
	{http.MethodPost, "/webhook-endpoints/:endpoint/enable", privateOnly, kindWebhookEndpoint, (*server).enableWebhookEndpoint, false},
	{http.MethodPost, "/webhook-endpoints/:endpoint/replay", privateOnly, kindNone, (*server).replayToEndpoint, false},

	{http.MethodGet, "/gateway-configurations", privateOnly, kindGatewayConfig, (*server).listGateways, false},
	{http.MethodGet, "/gateway-configurations/:configuration", privateOnly, kindGatewayConfig, (*server).getGateway, false},
	{http.MethodGet, "/gateways/:gateway/gateway-configurations", privateOnly, kindGatewayConfig, (*server).listGatewaysOf, false},
	{http.MethodGet, "/projects/:project", privateOnly, kindProject, (*server).getProject, false},
}

func (s *server) addRoutes() {
	for _, r := range routes {
		s.engine.Handle(r.method, r.path, func(g *gin.Context) {
			c := s.call(g)
			c.event.route, c.event.params = r.path, g.Params
			answer, err := s.run(c, r)
			s.answer(c, answer, err)
		})
	}
	s.engine.NoRoute(func(g *gin.Context) {
		s.answer(s.call(g), reply{}, payments.NewError(payments.CodeRouteNotFound, "There is no such call: see GET /openapi.json for the method and path of each."))
	})
}

// call is one request on its way through a handler.
type call struct {
	s          *server
	ctx        context.Context
	request    *http.Request
	gin        *gin.Context
	event      *requestEvent
	project    payments.Project
	credential projects.Credential
	fields     fields // of the body; none for a GET or DELETE
	options    options
}

func (s *server) call(g *gin.Context) *call {
	event, ok := g.Request.Context().Value(eventKey{}).(*requestEvent)
	if !ok {
		event = &requestEvent{}
	}
	return &call{s: s, ctx: g.Request.Context(), request: g.Request, gin: g, event: event}
}

// param returns a part of the path.
func (c *call) param(name string) string { return c.gin.Param(name) }

// reply is what a handler answers with.
type reply struct {
	show     func(*writer) error // writes the members beside "success"; nil: there are none
	refusal  *payments.Error     // in place of show: the payment or verification was refused
	document []byte              // in place of all: a whole JSON document
	secret   string              // an invoice's client secret
	replayed bool
}

// showing is the answer to a read.
func showing(v *view, show func(*writer)) reply {
	return reply{show: func(w *writer) error {
		show(w)
		return v.err
	}}
}

// run lets a request in, reads it, and hands it to its handler.
func (s *server) run(c *call, r route) (reply, error) {
	if err := s.authenticate(c, r.access); err != nil {
		return reply{}, err
	}
	if r.access != anyone {
		if err := s.admission.pace(c, s.Now()); err != nil {
			return reply{}, err
		}
	}
	if changes(r) {
		leave, err := s.admission.enter(c)
		if err != nil {
			return reply{}, err
		}
		defer leave()
	}
	if err := s.read(c, r); err != nil {
		return reply{}, err
	}
	return r.handle(s, c)
}

// read reads body and options. The body of a GET or DELETE can only hold options, and one that makes no sense is ignored.
func (s *server) read(c *call, r route) error {
	limit, writes := s.MaxBody, c.request.Method == http.MethodPost || c.request.Method == http.MethodPut
	if !writes {
		limit = min(limit, maxOptionsBody)
	}
	data, err := readBody(c.request, limit)
	if err == nil {
		c.fields.values, err = decodeBody(c.request.Header.Get("Content-Type"), data)
	}
	if err != nil && writes {
		return err
	}
	c.fields.faults, c.fields.checkHook = &faults{}, s.checkHook
	c.options, err = parseOptions(c.request.URL.RawQuery, c.fields.values, r.root)
	if !writes {
		c.fields.values = nil
	}
	return err
}

// answer sends a handler's reply or error.
func (s *server) answer(c *call, r reply, err error) {
	w := s.writers.get()
	defer s.writers.put(w)
	status := http.StatusOK
	switch {
	case err != nil:
	case r.refusal != nil:
		status, c.event.code = statusDecline, r.refusal.Code
		writeError(w, r.refusal)
	case r.document != nil:
		w.buf = append(w.buf, r.document...)
	default:
		w.open()
		w.flag("success", true)
		if r.show != nil {
			err = r.show(w)
		}
		w.close()
	}
	if err != nil {
		w.buf = w.buf[:0]
		status = s.fail(c, w, err)
	}
	header := c.gin.Writer.Header()
	if r.replayed {
		header.Set(headerReplayed, "true")
		c.event.replayed = true
	}
	if r.secret != "" && err == nil {
		header.Set(headerClientSecret, r.secret)
	}
	w.buf = append(w.buf, '\n') // so that answers in a terminal stand on lines of their own
	send(c.gin.Writer, status, w.buf)
}

// fail writes an error and returns its status. What is internal about it goes to the log event only.
func (s *server) fail(c *call, w *writer, err error) int {
	e := publicError(err)
	status := statusOfError(e)
	if clientGone(c.ctx, err) {
		status = statusClientGone
	}
	c.event.code, c.event.err = e.Code, e.Cause
	if status == http.StatusUnauthorized && c.request.Header.Get("Origin") == "" { // in a browser it would open a dialogue
		c.gin.Writer.Header().Set("WWW-Authenticate", `Basic realm="switchyard"`)
	}
	if c.public() && e.Code == payments.CodeNoGateway {
		e = payments.NewError(e.Code, e.Message) // which gateways there are is not a payer's business
	}
	writeError(w, e)
	return status
}

// wantsEmptyAction reports whether the caller is the Python SDK, which cannot read an answer without a customer_action. All
// others cannot read an empty one, or read it as an action.
func (c *call) wantsEmptyAction() bool {
	return strings.HasPrefix(c.request.UserAgent(), "ProcessOut Python-Bindings")
}
