package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The phases of a request, in their order. Until PhaseSend nothing of it has been sent.
const (
	PhaseResolve = "look up the host"
	PhaseConnect = "connect"
	PhaseTLS     = "TLS handshake"
	PhaseSend    = "send the request"
	PhaseAwait   = "await the answer"
	PhaseRead    = "read the answer"
)

// Connection describes the way of a request to the server, as far as it has come. Text in certificates is foreign:
// sanitize it.
type Connection struct {
	Phase     string   // the last phase that began
	Proxy     string   // host and port of the proxy, without a password; "" for a direct connection
	Addresses []string // the server's IP addresses; none with a proxy, which looks them up itself
	// TLS describes the last handshake that succeeded, nil for none. A proxy that speaks TLS has one of its own.
	TLS *tls.ConnectionState
}

// Observe returns a context for requests, one at a time, and a function that returns what the last one has met so far.
// A context that is observed already stays as it is. Only a client of New reports its proxy.
func Observe(ctx context.Context) (context.Context, func() Connection) {
	ctx, o := observe(ctx)
	return ctx, o.connection
}

type observerKey struct{}

// observer records what net/http/httptrace reports of a request.
type observer struct {
	mu    sync.Mutex // hooks may run in several goroutines, and late: two addresses may be tried at once
	seen  Connection
	start time.Time
	began map[string]time.Time // of the phases that have not ended
	times []string             // of those that have, as "dns 3"
}

// reset forgets the request before.
func (o *observer) reset(proxy *url.URL) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = Connection{Phase: PhaseResolve}
	if proxy != nil {
		o.seen.Proxy = proxy.Host
	}
	o.start, o.began, o.times = time.Now(), map[string]time.Time{}, nil
}

func observe(ctx context.Context) (context.Context, *observer) {
	if o, ok := ctx.Value(observerKey{}).(*observer); ok {
		return ctx, o
	}
	o := new(observer)
	o.reset(nil)
	ctx = context.WithValue(ctx, observerKey{}, o)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { o.begin(PhaseResolve) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			o.end(PhaseResolve, "dns")
			for _, addr := range info.Addrs {
				o.address(addr.String())
			}
		},
		ConnectStart: func(_, addr string) {
			o.begin(PhaseConnect)
			if host, _, err := net.SplitHostPort(addr); err == nil {
				o.address(host) // a literal address is not looked up
			}
		},
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				o.end(PhaseConnect, "connect")
			}
		},
		TLSHandshakeStart: func() { o.begin(PhaseTLS) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			o.end(PhaseTLS, "tls")
			if err == nil {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.seen.TLS = &state
			}
		},
		GotConn:              func(httptrace.GotConnInfo) { o.begin(PhaseSend) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { o.begin(PhaseAwait) },
		GotFirstResponseByte: func() { o.begin(PhaseRead); o.end(PhaseRead, "first byte") },
	}), o
}

func (o *observer) connection() Connection {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen
}

// begin notes the phase, unless a later one has begun: the slower of two connections that are tried at once reports
// late, and a response can come before the request is written to its end.
func (o *observer) begin(phase string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	order := []string{PhaseResolve, PhaseConnect, PhaseTLS, PhaseSend, PhaseAwait, PhaseRead}
	if slices.Index(order, phase) > slices.Index(order, o.seen.Phase) {
		o.seen.Phase = phase
	}
	if _, begun := o.began[phase]; !begun {
		o.began[phase] = time.Now()
	}
}

// end notes how long the phase took. The time to the first byte counts from the start.
func (o *observer) end(phase, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	began, begun := o.began[phase]
	if !begun {
		return
	}
	if phase == PhaseRead {
		began = o.start
	}
	o.times = append(o.times, fmt.Sprintf("%s %d", name, time.Since(began).Milliseconds()))
	delete(o.began, phase)
}

// summary returns the times of the phases that have ended as " (dns 3, connect 20)", or "".
func (o *observer) summary() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.times) == 0 {
		return ""
	}
	return " (" + strings.Join(o.times, ", ") + ")"
}

func (o *observer) address(ip string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen.Proxy == "" && !slices.Contains(o.seen.Addresses, ip) {
		o.seen.Addresses = append(o.seen.Addresses, ip)
	}
}
