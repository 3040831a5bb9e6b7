package webhooks

import (
	"net/netip"
	"net/url"
	"strings"

	"switchyard/payments"
)

// Limits of a URL.
const (
	maxURL    = 2048 // bytes
	maxHost   = 253
	portHTTPS = "443"
)

// privateSuffixes end names that are never public. What a name stands for is checked when it is dialled; this is for a clear
// answer beforehand.
var privateSuffixes = [...]string{".localhost", ".local", ".internal", ".home.arpa", ".onion", ".invalid"}

// CheckURL says whether webhooks may be sent to a URL, and if not, why, for the merchant.
func (s *Service) CheckURL(text string) error { return checkURL(text, s.AllowLoopback) }

func checkURL(text string, allowLoopback bool) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Opaque != "" || u.Host == "" {
		return badURL("must be an absolute https URL of 2048 bytes at most, such as https://shop.example/webhooks")
	}
	switch {
	case u.User != nil:
		return badURL("must not hold a user name or password: webhooks are signed, verify the signature instead")
	case u.Fragment != "" || strings.HasSuffix(text, "#"):
		return badURL("must not have a fragment (#)")
	case isLoopback(u.Hostname()) && allowLoopback:
		if u.Scheme != "http" && u.Scheme != "https" {
			return badURL("must be an http or https URL")
		}
		return nil
	case u.Scheme != "https":
		return badURL("must be an https URL")
	case u.Port() != "" && u.Port() != portHTTPS || strings.HasSuffix(u.Host, ":"):
		return badURL("must use port 443")
	}
	return checkHost(strings.ToLower(u.Hostname()))
}

// checkHost wants the name of a public host. Addresses are refused in whatever form they come: as digits, with a zone, short,
// octal or hexadecimal.
func checkHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil || strings.ContainsAny(host, ":%[]") {
		return badURL("must name a host, not an address")
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(host) > maxHost || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return badURL("must name a host in letters, digits, hyphens and dots; write an international name as punycode (xn--…)")
		}
	}
	last := labels[len(labels)-1]
	switch {
	case strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"):
		return badURL("must name a host, not an address")
	case len(labels) == 1:
		return badURL("must name a public host, such as shop.example")
	}
	for _, suffix := range privateSuffixes {
		if strings.HasSuffix(host, suffix) {
			return badURL("must name a public host")
		}
	}
	return nil
}

// isLoopback says whether a host is this machine in so many words.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Zone() == "" && address.IsLoopback() && !address.Is4In6()
}

func badURL(message string) error {
	return payments.NewError(payments.CodeInvalidURL, "The URL of a webhook "+message+".")
}
