package webhooks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"switchyard/payments"
)

// fakeResolver answers each question about a name with the next of its answers, the last one for ever.
type fakeResolver struct {
	answers map[string][][]string
	asked   map[string]int
}

func (f *fakeResolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil { // as the real one does
		return []netip.Addr{address}, nil
	}
	list := f.answers[strings.TrimSuffix(host, ".")]
	if len(list) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	n := f.asked[host]
	f.asked[host]++
	var found []netip.Addr
	for _, text := range list[min(n, len(list)-1)] {
		found = append(found, netip.MustParseAddr(text))
	}
	return found, nil
}

var errDialled = errors.New("dialled")

// watched is a guard over a made-up name system, and what it has dialled. It connects to nothing.
func watched(allowLoopback bool, answers map[string][][]string) (*guard, *[]string) {
	var dialled []string
	g := newGuard(allowLoopback)
	g.resolver = &fakeResolver{answers: answers, asked: map[string]int{}}
	g.connect = func(_ context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		if err := g.control(network, address, nil); err != nil {
			return nil, err
		}
		return nil, errDialled
	}
	return g, &dialled
}

// names stand for addresses that webhooks must not go to.
var names = map[string][][]string{
	"public.example":       {{"8.8.8.8"}},
	"public6.example":      {{"2606:4700::1111"}},
	"loopback.example":     {{"127.0.0.1"}},
	"loopback6.example":    {{"::1"}},
	"private10.example":    {{"10.0.0.1"}},
	"private172.example":   {{"172.16.5.4"}},
	"private192.example":   {{"192.168.1.1"}},
	"linklocal.example":    {{"169.254.1.1"}},
	"metadata.example":     {{"169.254.169.254"}},
	"metadata6.example":    {{"fd00:ec2::254"}},
	"cgnat.example":        {{"100.64.0.1"}},
	"alibaba.example":      {{"100.100.100.200"}},
	"multicast.example":    {{"224.0.0.1"}},
	"multicast6.example":   {{"ff02::1"}},
	"unspecified.example":  {{"0.0.0.0"}},
	"unspecified6.example": {{"::"}},
	"thisnet.example":      {{"0.1.2.3"}},
	"broadcast.example":    {{"255.255.255.255"}},
	"reserved.example":     {{"240.0.0.1"}},
	"benchmark.example":    {{"198.18.0.1"}},
	"documents.example":    {{"192.0.2.1"}},
	"documents6.example":   {{"2001:db8::1"}},
	"mapped.example":       {{"::ffff:127.0.0.1"}},
	"mapped10.example":     {{"::ffff:10.0.0.1"}},
	"compatible.example":   {{"::127.0.0.1"}},
	"nat64.example":        {{"64:ff9b::7f00:1"}},
	"localnat64.example":   {{"64:ff9b:1::a00:1"}},
	"sixtofour.example":    {{"2002:7f00:1::"}},
	"teredo.example":       {{"2001:0:7f00:1::"}},
	"ula.example":          {{"fd12:3456::1"}},
	"linklocal6.example":   {{"fe80::1"}},
	"sitelocal.example":    {{"fec0::1"}},
	"mixed.example":        {{"8.8.8.8", "10.0.0.1"}},
	"mixed6.example":       {{"2606:4700::1111", "::1"}},
}

// refusedURLs are the ways in which one asks for what is not public.
func refusedURLs() []string {
	urls := []string{
		// Addresses, in every form that some resolver reads.
		"https://127.0.0.1/", "https://127.0.0.1:443/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
		"https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://0/", "https://0.0.0.0/", "https://127.0.0.1./",
		"https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
		"https://[fe80::1%25eth0]/", "https://[fe80::1%25lo]/", "https://[fd00:ec2::254]/", "https://[::127.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
		"https://10.0.0.1/", "https://192.168.0.1/", "https://172.31.255.255/", "https://100.64.0.1/", "https://8.8.8.8/", "https://[2606:4700::1111]/",
		"https://[127.0.0.1]/", "https://1.1.1.1:443/", "https://0300.0250.1/", "https://0xA9FEA9FE/", "https://2852039166/", "https://127.0.0.0x1/",
		// Names of this machine and its neighbours.
		"https://localhost/", "https://LOCALHOST/", "https://LocalHost./", "https://localhost:443/", "https://foo.localhost/", "https://foo.LOCALHOST/",
		"https://metadata.google.internal/", "https://printer.local/", "https://intranet/", "https://router.home.arpa/",
		// Tricks with the parts of a URL.
		"https://public.example@127.0.0.1/", "https://user@public.example/", "https://user:pass@public.example/", "https://127.0.0.1@public.example/",
		"https://public.example#@127.0.0.1/", "https://public.example\\@127.0.0.1/", "https://127.0.0.1\\.public.example/", "https:127.0.0.1", "https:///127.0.0.1/",
		"//127.0.0.1/", "https://", "https://./", "https://..public.example/", "https://public..example/", "https://public.example./", "https://public.example:/",
		"https://pub%6cic.example%2f@127.0.0.1/", "https://127.0.0.1%2f.public.example/", "https://127.0.0.1%00.public.example/", "https://public.example\x00/", "https://public.example\r\nHost:x/",
		// Letters that look or fold like others.
		"https://１２７.０.０.１/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/", "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "https://lokalhoſt.example/", "https://bücher.example/",
		// Ports and schemes.
		"https://public.example:80/", "https://public.example:22/", "https://public.example:8443/", "https://public.example:6379/", "https://public.example:0/", "https://public.example:65536/",
		"http://public.example/", "http://public.example:443/", "http://127.0.0.1/", "ftp://public.example/", "file:///etc/passwd", "gopher://public.example/", "javascript:alert(1)", "unix:///var/run/docker.sock",
		"https://" + strings.Repeat("a.", 127) + "example/", "https://public.example/" + strings.Repeat("a", maxURL),
	}
	for name := range names {
		if !strings.HasPrefix(name, "public") {
			urls = append(urls, "https://"+name+"/")
		}
	}
	return urls
}

// What is not public is refused, whatever it is called: when the URL is given, or at the latest when it is dialled. Nothing is
// connected to.
func TestRefused(t *testing.T) {
	t.Parallel()
	urls := refusedURLs()
	t.Logf("%d URLs", len(urls))
	for _, text := range urls {
		g, dialled := watched(false, names)
		given := checkURL(text, false)
		if given != nil && payments.ErrorCode(given) != payments.CodeInvalidURL {
			t.Errorf("%.60q: %v", text, given)
		}
		err := get(t, g, text)
		if given == nil && !errors.Is(err, errRefused) { // the name says nothing: the address must
			t.Errorf("%.60q is neither refused when it is given nor when it is dialled: %v", text, err)
		}
		// Even when the check of the URL is left out, nothing but a public address at the right port is dialled.
		for _, address := range *dialled {
			if address != "8.8.8.8:443" && address != "[2606:4700::1111]:443" && address != "1.1.1.1:443" || strings.Contains(text, "mixed") {
				t.Errorf("%.60q: dialled %s", text, address)
			}
		}
	}
	for _, text := range []string{
		"https://public.example/", "https://PUBLIC.example:443/hook?id=1&b=%20", "https://public6.example", "https://xn--bcher-kva.example/", "https://a-b_c.public.example/", "https://127.0.0.1.public.example/",
	} {
		if err := checkURL(text, false); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"https://public.example/", "https://public6.example:443/"} {
		if g, dialled := watched(false, names); !errors.Is(get(t, g, text), errDialled) || len(*dialled) != 1 {
			t.Errorf("%s: dialled %v", text, *dialled)
		}
	}
}

// get makes a request with the guard's transport alone.
func get(t *testing.T, g *guard, text string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, text, http.NoBody)
	if err != nil {
		return err
	}
	transport := newTransport(g)
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
	}
	return err
}

// A name that stands for another address a moment later does not help: it is asked once for each connection, and what was
// checked is what is dialled.
func TestRebinding(t *testing.T) {
	t.Parallel()
	g, dialled := watched(false, map[string][][]string{"rebinding.example": {{"8.8.8.8"}, {"127.0.0.1"}, {"8.8.8.8", "::1"}, {}}})
	if err := get(t, g, "https://rebinding.example/"); !errors.Is(err, errDialled) {
		t.Errorf("first: %v", err)
	}
	for _, what := range []string{"private", "mixed"} {
		if err := get(t, g, "https://rebinding.example/"); !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := get(t, g, "https://rebinding.example/"); err == nil || errors.Is(err, errDialled) {
		t.Errorf("no addresses: %v", err)
	}
	if len(*dialled) != 1 || (*dialled)[0] != "8.8.8.8:443" {
		t.Errorf("dialled %v", *dialled)
	}
}

// The socket itself is guarded too, if the check before it should ever be passed by.
func TestSocketIsGuarded(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if _, err := newGuard(false).connect(t.Context(), "tcp", l.Addr().String()); !errors.Is(err, errRefused) {
		t.Errorf("connected: %v", err)
	}
	conn, err := newGuard(true).connect(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatalf("where loopback is allowed: %v", err)
	}
	_ = conn.Close()
	for _, address := range []string{"nonsense", "127.0.0.1", "host:443", "[fe80::1%lo]:443"} {
		if err := newGuard(false).control("tcp", address, nil); !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// Loopback is the only thing that a development setting allows.
func TestLoopbackAllowed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"http://127.0.0.1:4000/hook", "https://localhost:8443/", "http://[::1]:9/", "http://LOCALHOST/", "http://127.9.9.9:1/"} {
		if err := checkURL(text, true); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		g, dialled := watched(true, map[string][][]string{"localhost": {{"127.0.0.1"}}, "LOCALHOST": {{"127.0.0.1"}}})
		if err := get(t, g, text); !errors.Is(err, errDialled) || len(*dialled) != 1 {
			t.Errorf("%s: dialled %v (%v)", text, *dialled, err)
		}
	}
	for _, text := range []string{
		"http://public.example/", "http://10.0.0.1/", "https://10.0.0.1/", "ftp://localhost/", "http://foo.localhost/", "http://user@localhost/", "http://[::ffff:127.0.0.1]/", "http://127.1/", "https://public.example:8443/",
	} {
		if err := checkURL(text, true); err == nil {
			t.Errorf("%s is allowed", text)
		}
	}
	for name := range names {
		if strings.HasPrefix(name, "public") || strings.HasPrefix(name, "loopback") || name == "mapped.example" || name == "mixed6.example" {
			continue
		}
		if g, dialled := watched(true, names); !errors.Is(get(t, g, "https://"+name+"/"), errRefused) || len(*dialled) != 0 {
			t.Errorf("%s: dialled %v", name, *dialled)
		}
	}
}

// The transport follows no redirect, uses no proxy, and reads no large header.
func TestTransport(t *testing.T) {
	t.Parallel()
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer inner.Close()
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Header().Set("X-Large", strings.Repeat("a", maxResponseHeader+1))
			return
		}
		http.Redirect(w, r, inner.URL, http.StatusPermanentRedirect)
	}))
	defer outer.Close()
	s := New(Options{AllowLoopback: true, Sealer: plainSealer{}})
	defer s.transport.CloseIdleConnections()
	if s.transport.Proxy != nil || s.transport.TLSClientConfig.InsecureSkipVerify || !s.transport.DisableCompression {
		t.Error("the transport is not the careful one")
	}
	a := s.send(t.Context(), &payments.Delivery{URL: outer.URL}, nil)
	if a.ok() || a.response.Status != http.StatusPermanentRedirect || !strings.Contains(a.response.Header, "Location: "+inner.URL) {
		t.Errorf("%+v", a)
	}
	if a := s.send(t.Context(), &payments.Delivery{URL: outer.URL + "/large"}, nil); a.ok() || a.response.Status != 0 {
		t.Errorf("a large header: %+v", a.response.Status)
	}
	tls := httptest.NewTLSServer(inner.Config.Handler)
	defer tls.Close()
	if a := s.send(t.Context(), &payments.Delivery{URL: tls.URL}, nil); a.ok() || a.response.Body != "The host's certificate is not valid." {
		t.Errorf("an unknown certificate: %+v", a.response)
	}
}

// Headers and bodies that are kept are bounded, and text.
func TestWhatIsKeptIsBounded(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	for i := range 1000 {
		h.Set(fmt.Sprintf("X-%04d", i), "value \xff")
	}
	if text := headerText(h); len(text) > keepHeaders+len("\uFFFD")*keepHeaders/10 || !strings.HasPrefix(text, "X-0000: value \uFFFD\n") || !strings.HasSuffix(text, "\n") {
		t.Errorf("%d bytes", len(text))
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, text := range refusedURLs() {
		f.Add(text)
	}
	f.Add("https://public.example/hook")
	f.Fuzz(func(t *testing.T, text string) {
		if checkURL(text, false) != nil {
			return
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, text, http.NoBody)
		if err != nil {
			t.Fatalf("%q passes and is no URL: %v", text, err)
		}
		host := request.URL.Hostname()
		if _, err := netip.ParseAddr(host); err == nil || request.URL.Scheme != "https" || request.URL.User != nil || strings.EqualFold(host, "localhost") {
			t.Errorf("%q passes", text)
		}
	})
}
