package transport

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// NotLoopbackError says that a plain http address leads away from this machine, so that nothing was sent.
type NotLoopbackError struct {
	Address string // IP address and port, as the name was resolved
}

func (e *NotLoopbackError) Error() string {
	return fmt.Sprintf("plain http is for a loopback address only, not for %s", e.Address)
}

// loopbackDialer connects to loopback addresses only, whatever the name in the URL: a hosts file or a name server can
// put even localhost elsewhere, and what follows is in the clear. Its error wraps a *NotLoopbackError.
func loopbackDialer() *net.Dialer {
	return &net.Dialer{
		Timeout: connectTimeout,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().Unmap().IsLoopback() {
				return &NotLoopbackError{Address: address}
			}
			return nil
		},
	}
}

// Loopback returns the transport for plain http: it connects to loopback addresses only, without a proxy, which would
// have a loopback of its own.
func Loopback() *http.Transport {
	return &http.Transport{DialContext: loopbackDialer().DialContext, IdleConnTimeout: time.Minute}
}
