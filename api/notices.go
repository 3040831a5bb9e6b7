package api

import (
	"context"
	"errors"

	"github.com/gin-gonic/gin"

	"switchyard/payments"
)

// routeNotices is where PSPs send their webhooks. Its body is read as it is: a signature covers every byte of it.
const routeNotices = "/gateway-webhooks/:configuration"

// maxNotice bounds a PSP's webhook. A whole payment with its history is some tens of kilobytes.
const maxNotice = 1 << 20

// Inbox takes the webhooks of PSPs. payments.ErrForged means that it was not the PSP's.
type Inbox interface {
	Receive(ctx context.Context, gatewayID string, d payments.WebhookDelivery) error
}

func (s *server) addNotices() {
	s.engine.POST(routeNotices, func(g *gin.Context) {
		c := s.call(g)
		c.event.route = routeNotices
		s.answer(c, reply{}, s.takeNotice(c))
	})
}

// takeNotice acknowledges what was verified and stored. What a PSP is answered says nothing but whether it should try again.
func (s *server) takeNotice(c *call) error {
	leave, err := s.admission.enterNotice(c)
	if err != nil {
		return err
	}
	defer leave()
	body, err := readBody(c.request, maxNotice)
	if err != nil {
		return err
	}
	err = s.Inbox.Receive(c.ctx, c.param("configuration"), payments.WebhookDelivery{Header: c.request.Header, Body: body, ReceivedAt: s.Now().UTC()})
	if errors.Is(err, payments.ErrForged) {
		return payments.NewError(payments.CodeAuthenticationInvalid, "This is not signed as the PSP signs it.")
	}
	if _, ok := errors.AsType[*payments.Fault](err); ok {
		return &payments.Error{Code: codeNotReady, Message: "Please try again later.", Cause: err}
	}
	return err
}
