package redis

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
)

const (
	// maxReply and maxElements bound a reply, in bytes and in elements. The longest lists the accounts.
	maxReply    = 16 << 20
	maxElements = 1 << 18
)

type dialer func(ctx context.Context, address string, d *net.Dialer, config *tls.Config) (net.Conn, error)

// bounded returns a dialer whose connections end at a reply that no server sends to okauth. The library allocates what
// a length says before it has come, and panics at a negative one. dial is nil for TCP.
func bounded(dial dialer) dialer {
	return func(ctx context.Context, address string, d *net.Dialer, config *tls.Config) (conn net.Conn, err error) {
		switch {
		case dial != nil:
			conn, err = dial(ctx, address, d, config)
		case config != nil:
			conn, err = (&tls.Dialer{NetDialer: d, Config: config}).DialContext(ctx, "tcp", address)
		default:
			conn, err = d.DialContext(ctx, "tcp", address)
		}
		if err != nil {
			return nil, err
		}
		return &boundedConn{Conn: conn}, nil
	}
}

// boundedConn follows the replies as they come.
// https://redis.io/docs/latest/develop/reference/protocol-spec/
type boundedConn struct {
	net.Conn
	line     []byte // of the current element, as far as it has come
	skip     int    // bytes of a string that are still to come
	pending  int    // elements of the reply that are still to come
	elements int    // that have come
	size     int    // of the reply, in bytes
}

// Read implements [net.Conn].
func (c *boundedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.follow(p[:n]) {
		return 0, &fatalError{errShape}
	}
	return n, err
}

// follow reports whether the reply may go on after data.
func (c *boundedConn) follow(data []byte) bool {
	for len(data) > 0 {
		if c.skip > 0 {
			n := min(c.skip, len(data))
			c.skip, data = c.skip-n, data[n:]
			continue
		}
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if c.line = append(c.line, line...); len(c.line) > maxReply {
			return false
		}
		if data = rest; whole {
			ok := c.element(strings.TrimSuffix(string(c.line), "\r"))
			if c.line = c.line[:0]; !ok {
				return false
			}
		}
	}
	return true
}

// element begins the element that line describes.
func (c *boundedConn) element(line string) bool {
	if c.pending == 0 { // of another reply
		c.pending, c.elements, c.size = 1, 0, 0
	}
	c.pending, c.elements, c.size = c.pending-1, c.elements+1, c.size+len(line)
	if line != "" && strings.Contains("$!=*~>%|", line[:1]) {
		n, err := strconv.Atoi(line[1:])
		switch {
		case err != nil, n < -1, n > maxReply:
			return false
		case n == -1: // null
		case strings.Contains("$!=", line[:1]):
			c.skip, c.size = n+len("\r\n"), c.size+n
		case strings.Contains("%|", line[:1]): // names and values
			c.pending += 2 * n
		default:
			c.pending += n
		}
	}
	return c.size <= maxReply && c.elements+c.pending <= maxElements
}
