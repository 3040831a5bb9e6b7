package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"switchyard/flow"
	"switchyard/payments"
)

// routeReturns is where a PSP sends the payer back to after a step. The ticket names the attempt and is signed; it is good
// for one question to the PSP, and proves nothing.
const routeReturns = "/returns/:ticket"

// ReturnAddress returns the maker of the addresses that this API serves under base, such as "https://pay.example.com".
// Tickets are signed with the key.
func ReturnAddress(base string, key payments.Secret) func(projectID, attemptID string) string {
	base = strings.TrimRight(base, "/")
	return func(projectID, attemptID string) string {
		subject := projectID + "/" + attemptID
		return base + "/returns/" + base64.RawURLEncoding.EncodeToString([]byte(subject)) + "." + base64.RawURLEncoding.EncodeToString(sign(key, subject))
	}
}

func sign(key payments.Secret, subject string) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte("return\x00" + subject))
	return mac.Sum(nil)
}

// readTicket returns what a ticket names, if it was signed by us.
func readTicket(key payments.Secret, ticket string) (projectID, attemptID string, ok bool) {
	subjectText, signatureText, found := strings.Cut(ticket, ".")
	subject, err := base64.RawURLEncoding.DecodeString(subjectText)
	if !found || err != nil {
		return "", "", false
	}
	signature, err := base64.RawURLEncoding.DecodeString(signatureText)
	if err != nil || !hmac.Equal(signature, sign(key, string(subject))) {
		return "", "", false
	}
	return strings.Cut(string(subject), "/")
}

func (s *server) addReturns() {
	for _, method := range []string{http.MethodGet, http.MethodPost} { // some PSPs send the payer's browser with a form
		s.engine.Handle(method, routeReturns, func(g *gin.Context) {
			c := s.call(g)
			c.event.route = routeReturns
			address, err := s.takeReturn(c)
			if err != nil || address == "" {
				s.answer(c, reply{}, err)
				return
			}
			g.Redirect(http.StatusSeeOther, address)
		})
	}
}

// takeReturn asks the PSP what became of the payer's step, and says where the payer goes on. The merchant's page gets the
// source with which it goes on.
func (s *server) takeReturn(c *call) (string, error) {
	leave, err := s.admission.enterNotice(c)
	if err != nil {
		return "", err
	}
	defer leave()
	projectID, attemptID, ok := readTicket(s.IdempotencyKey, c.param("ticket"))
	if !ok {
		return "", payments.NewError(payments.CodeRouteNotFound, "This return address is not ours.")
	}
	address, err := s.Engine.Returned(c.ctx, projectID, attemptID, stepResult(c.request))
	if err != nil || address == "" {
		return "", missing(err, payments.CodeRouteNotFound)
	}
	target, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	query := target.Query()
	query.Set("token", flow.EmptyContinuation)
	target.RawQuery = query.Encode()
	return target.String(), nil
}

// maxReturnForm bounds what a payer's browser may bring from a PSP, in bytes.
const maxReturnForm = 128 << 10

// stepResult is the result of a step that a PSP has given the payer for us; empty when there is none. It is outside text.
func stepResult(r *http.Request) string {
	r.Body = http.MaxBytesReader(nil, r.Body, maxReturnForm)
	if err := r.ParseForm(); err != nil {
		return ""
	}
	if token := r.Form.Get("token"); strings.HasPrefix(token, flow.PrefixContinuation) {
		return token
	}
	return ""
}
