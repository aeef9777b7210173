package proxy

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// RequestError says that a request was not sent to the API.
type RequestError struct {
	Status int // of the answer
	Reason string
}

func (e *RequestError) Error() string { return e.Reason }

func forbidden(format string, args ...any) error {
	return &RequestError{http.StatusForbidden, fmt.Sprintf(format, args...)}
}

// guard refuses requests that a program of the user would not send to the proxy. A page in a browser can send requests
// to every address of this machine, but it cannot change their Host, Origin and Sec-Fetch-Site.
type guard struct {
	hosts  []string // a request must name one of them; lower case
	port   string   // that goes with them; "" for a Unix socket, to which no page connects
	origin string   // of the API
}

// newGuard returns the guard of the proxy at own. On a Unix socket, a request may also name the API.
func newGuard(own net.Addr, upstream *url.URL) guard {
	g := guard{hosts: []string{"localhost"}, origin: upstream.Scheme + "://" + upstream.Host}
	tcp, ok := own.(*net.TCPAddr)
	if !ok {
		g.hosts = append(g.hosts, "", strings.ToLower(upstream.Hostname()))
		return g
	}
	g.hosts = append(g.hosts, "127.0.0.1", "::1", tcp.IP.String())
	g.port = fmt.Sprint(tcp.Port)
	return g
}

// check returns a *RequestError unless the request is for this proxy and comes from no other site.
func (g guard) check(r *http.Request) error {
	if r.URL.IsAbs() || r.URL.Host != "" || !strings.HasPrefix(r.URL.Path, "/") { // CONNECT has a host only
		return forbidden("this proxy leads to %s only, and not to %q: use its address in place of the API's",
			g.origin, r.RequestURI)
	}
	// A page whose name leads to this machine (DNS rebinding) sends its own name.
	if !g.isOwn(r.Host) {
		return forbidden("the request is for the host %q, expected %s", r.Host, g.own())
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		// https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header: none is an address that the user typed
		if site != "same-origin" && site != "none" {
			return forbidden("a web page sent the request (Sec-Fetch-Site: %q)", site)
		}
	}
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, "http://"+r.Host) {
			return forbidden("a web page of %q sent the request", origin)
		}
	}
	return nil
}

// isOwn reports whether a request with this Host is for the proxy.
func (g guard) isOwn(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "80" // the default of http
	}
	return slices.Contains(g.hosts, strings.ToLower(name)) && (g.port == "" || port == g.port)
}

// own returns the hosts for a message.
func (g guard) own() string {
	if g.port == "" {
		return "localhost"
	}
	return net.JoinHostPort(g.hosts[len(g.hosts)-1], g.port)
}
