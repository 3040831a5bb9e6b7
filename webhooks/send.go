package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"switchyard/payments"
)

// Limits of one request.
const (
	sendTimeout  = 10 * time.Second // from the first look-up to the last byte of the answer
	keepBody     = 8 << 10          // bytes of an answer that are kept
	keepHeaders  = 4 << 10
	userAgent    = "Switchyard-Webhooks/1"
	responseGone = http.StatusGone
)

// answer is what came of a request.
type answer struct {
	response   payments.DeliveryResponse
	retryAfter time.Duration // that was asked for
}

func (a *answer) ok() bool {
	return a.response.Status >= http.StatusOK && a.response.Status < http.StatusMultipleChoices
}

// send makes one request. Whatever goes wrong with it is an answer too.
func (s *Service) send(ctx context.Context, d *payments.Delivery, secrets []payments.Secret) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	began := s.now()
	defer func() { a.response.Duration = max(0, s.now().Sub(began)) }()
	body := Body(d.EventID, d.EventName)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(body))
	if err != nil {
		return failedAnswer("The URL is not valid.")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", userAgent)
	if err := SetHeaders(request.Header, d.EventID, began, body, secrets...); err != nil {
		s.log.ErrorContext(ctx, "a webhook cannot be signed", "project", d.ProjectID, "endpoint", d.EndpointID, "error", err)
		return failedAnswer("The signing secret is not usable.")
	}
	response, err := s.Transport.RoundTrip(request)
	if err != nil {
		return failedAnswer(reasonOf(err))
	}
	defer func() { _ = response.Body.Close() }()                   // what is not read is of no interest
	text, _ := io.ReadAll(io.LimitReader(response.Body, keepBody)) // the status has said it; of the rest, what there is
	a.response = payments.DeliveryResponse{Status: response.StatusCode, Header: headerText(response.Header), Body: strings.ToValidUTF8(string(text), "\uFFFD")}
	a.retryAfter = retryAfter(response.Header, s.now())
	return a
}

func failedAnswer(why string) answer { return answer{response: payments.DeliveryResponse{Body: why}} }

// reasonOf says what went wrong, for the merchant. The error's own text may tell of our network.
func reasonOf(err error) string {
	_, unresolved := errors.AsType[*net.DNSError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	timeout, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, errRefused):
		return "The connection was not made: the host's address is not a public one."
	case errors.Is(err, context.DeadlineExceeded), isNet && timeout.Timeout():
		return "There was no complete answer within " + sendTimeout.String() + "."
	case unresolved:
		return "The host's name was not found."
	case untrusted:
		return "The host's certificate is not valid."
	case errors.Is(err, context.Canceled):
		return "The program was stopped before there was an answer."
	}
	return "The connection failed."
}

// headerText is the header of an answer in the order of its names, cut where it becomes too long.
func headerText(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if b.Len()+len(name)+len(value) > keepHeaders {
				return b.String()
			}
			b.WriteString(name + ": " + strings.ToValidUTF8(value, "\uFFFD") + "\n")
		}
	}
	return b.String()
}
