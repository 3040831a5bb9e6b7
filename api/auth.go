package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"switchyard/payments"
	"switchyard/projects"
)

// headerClientSecret carries an invoice's client secret in both directions.
const headerClientSecret = "X-ProcessOut-Client-Secret"

// access says who may call a route.
type access int

// The kinds of access. The zero value is the strictest, so that a forgotten one grants nothing.
const (
	privateOnly access = iota // the project's server, with its key
	publicToo                 // a payer's device as well, with the project id alone; the handler says what of it
	anyone                    // no credentials
)

// authenticate says who is calling, and turns away who may not call the route at all.
func (s *server) authenticate(c *call, need access) error {
	if need == anyone {
		return nil
	}
	user, password, err := credentials(c.request)
	if err != nil {
		return err
	}
	project, credential, err := s.Projects.Authenticate(user, password)
	if err != nil {
		return err
	}
	c.project, c.credential = project, credential
	c.event.project, c.event.credential = project.ID, credential.String()
	if credential != projects.Private && (need != publicToo || credential != projects.Public) {
		return errNeedsKey
	}
	return nil
}

var errNeedsKey = payments.NewError(payments.CodeAuthenticationInvalid,
	"This call needs the project's private key, or for a payer's device something that it does not have: see which calls public authentication may make.")

// credentials reads Basic authentication from the header or, as browsers' cross-origin requests without preflight send it,
// from the query. Only public credentials are taken from there: URLs end up in logs, so no private key may travel in one.
func credentials(r *http.Request) (user, password string, err error) {
	if r.Header.Get("Authorization") != "" {
		user, password, ok := r.BasicAuth()
		if !ok {
			return "", "", payments.NewError(payments.CodeAuthenticationInvalid, "The Authorization header must be Basic with the project id and the key.")
		}
		return user, password, nil
	}
	if !strings.Contains(r.URL.RawQuery, "uthorization") {
		return "", "", nil // the registry says what to do about nothing
	}
	query, _ := url.ParseQuery(r.URL.RawQuery) // what cannot be parsed is not there
	encoded, ok := strings.CutPrefix(query.Get("x-Authorization"), "Basic ")
	if !ok {
		return "", "", nil
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", payments.NewError(payments.CodeAuthenticationInvalid, "x-Authorization must be Basic with the project id and no key.")
	}
	user, password, _ = strings.Cut(string(decoded), ":")
	if password != "" {
		return "", "", payments.NewError(payments.CodeAuthenticationInvalid, "A private key must not be sent in a URL. Replace this key, and send the new one in the Authorization header.")
	}
	return user, "", nil
}

// public reports whether a payer's device is calling.
func (c *call) public() bool { return c.credential != projects.Private }

// mayUseInvoice lets a payer's device at the one invoice whose client secret it has. An invoice that does not exist looks to it
// like one whose secret it does not have.
func (c *call) mayUseInvoice(invoice *payments.Invoice, err error) error {
	if !c.public() {
		return missing(err, payments.CodeInvoiceNotFound)
	}
	if err = missing(err, payments.CodeInvoiceNotFound); err != nil && payments.ErrorCode(err) == "" {
		return err
	}
	secret := c.request.Header.Get(headerClientSecret)
	if err != nil || invoice.ClientSecret == "" || !sameText(secret, invoice.ClientSecret) {
		return errNeedsKey
	}
	return nil
}

// sameText compares in a time that does not depend on the texts.
func sameText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
