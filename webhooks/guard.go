package webhooks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Limits of connections to merchants.
const (
	connectTimeout    = 5 * time.Second
	handshakeTimeout  = 5 * time.Second
	idleTimeout       = 30 * time.Second
	maxIdle           = 64
	maxIdlePerHost    = 2
	maxResponseHeader = 16 << 10 // bytes
	maxAddresses      = 4        // of a name that are tried
	httpsPort         = 443
)

// errRefused: a connection that webhooks must not make. Nothing was sent.
var errRefused = errors.New("webhooks: the address is not public")

// resolver finds the addresses of a name.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// guard connects to public addresses only. It resolves a name once, checks every address it is told, and dials what it has
// checked: a name that stands for another address a moment later changes nothing.
type guard struct {
	resolver resolver
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
	public   *ssrf.Guardian
	loopback bool // may be connected to, at any port
}

func newGuard(allowLoopback bool) *guard {
	g := &guard{resolver: net.DefaultResolver, public: ssrf.New(ssrf.WithPorts(httpsPort)), loopback: allowLoopback}
	// Control sees the address that the socket is about to be connected to, whatever has led there.
	dialer := net.Dialer{Timeout: connectTimeout, Control: g.control}
	g.connect = dialer.DialContext
	return g
}

func (g *guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return g.check(to)
}

// check refuses what is not public: private, loopback, link-local, multicast and reserved addresses, IPv6 addresses that stand
// for IPv4 ones, and ports other than that of https.
func (g *guard) check(to netip.AddrPort) error {
	if g.loopback && to.Addr().IsLoopback() {
		return nil
	}
	if err := g.public.SafeAddrPort(to); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return nil
}

// dial connects to a host. One address that is not public is enough to refuse all of its addresses.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	found, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	targets := make([]netip.AddrPort, 0, len(found))
	for _, a := range found {
		to := netip.AddrPortFrom(a.Unmap(), uint16(port)) // resolvers write IPv4 addresses in both ways
		if err := g.check(to); err != nil {
			return nil, err
		}
		targets = append(targets, to)
	}
	err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	for _, to := range targets[:min(len(targets), maxAddresses)] {
		var conn net.Conn
		if conn, err = g.connect(ctx, network, to.String()); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// newTransport returns a transport of its own: no proxy of the environment, no compression, small headers, and certificates
// that are verified. It follows no redirects, since a transport never does.
func newTransport(g *guard) *http.Transport {
	return &http.Transport{
		DialContext:            g.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true,
	}
}
