package transport

import (
	"net/http"
	"time"
)

const (
	// idleConnections is how many connections to an API stay open when no request uses them.
	idleConnections = 1024
	idleTimeout     = 90 * time.Second
	// pingAfter is how long an HTTP/2 connection may be silent before it has to show that it works. A machine that slept,
	// or a network that was changed, leaves dead ones.
	pingAfter = 15 * time.Second
)

// NewAPI returns what sends the requests of a reverse proxy to an API. It differs from the client of New in this: it
// speaks HTTP/2 as well, keeps connections, and passes bodies of any size and length of time through as they are. It
// has no deadline but those of the connection and ignores c.Timeout and c.Slow. Plain http goes to loopback addresses
// only. A file that is unusable is a *FileError.
func NewAPI(c Config) (http.RoundTripper, error) {
	base, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	base.Protocols.SetHTTP2(true)
	base.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter}
	base.DisableKeepAlives, base.MaxIdleConnsPerHost, base.IdleConnTimeout = false, idleConnections, idleTimeout
	base.DisableCompression = true // net/http would ask for it in the caller's name, and decompress
	base.ExpectContinueTimeout = time.Second
	return c.router(base, true), nil
}
