package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"slices"
	"sync"
)

// Connection is what a request met on its way to the server. Text in certificates is foreign: sanitize it.
type Connection struct {
	Proxy     string   // host and port of the proxy, without a password; "" for a direct connection
	Addresses []string // the server's IP addresses; none with a proxy, which looks them up itself
	// TLS describes the connection to the server after a handshake that succeeded, nil otherwise.
	TLS *tls.ConnectionState
}

// observer collects a Connection. Hooks may run in several goroutines, and late.
type observer struct {
	mu   sync.Mutex
	seen Connection
}

type observerKey struct{}

// Observe returns a context for one request, and a function that tells what the request has met so far.
func Observe(ctx context.Context) (context.Context, func() Connection) {
	o := &observer{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(info httptrace.DNSDoneInfo) {
			for _, addr := range info.Addrs {
				o.address(addr.String())
			}
		},
		ConnectStart: func(_, addr string) {
			if host, _, err := net.SplitHostPort(addr); err == nil {
				o.address(host) // a literal address is not looked up
			}
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.seen.TLS = &state; err != nil {
				o.seen.TLS = nil
			}
		},
	})
	return context.WithValue(ctx, observerKey{}, o), func() Connection {
		o.mu.Lock()
		defer o.mu.Unlock()
		seen := o.seen
		seen.Addresses = slices.Clone(seen.Addresses)
		return seen
	}
}

func (o *observer) address(ip string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen.Proxy == "" && !slices.Contains(o.seen.Addresses, ip) {
		o.seen.Addresses = append(o.seen.Addresses, ip)
	}
}

// observeRoute tells the observer of a request, if it has one, which proxy is asked.
func observeRoute(ctx context.Context, to *route) {
	if o, ok := ctx.Value(observerKey{}).(*observer); ok && to.proxy != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.seen.Proxy = to.proxy.Host
	}
}
