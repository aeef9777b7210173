package oktatest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault spoils one request. It answers instead of the server, or calls next at most once and changes how that answer
// arrives. It must end when r.Context() does: the server closes, or the client has gone.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Fail lets each fault spoil one request to a path that ends with suffix ("/token"; "" is every path), in this order.
// Requests are logged as always. Paths below /sandbox/ are exempt, so that faults can be switched off there.
func (s *Server) Fail(suffix string, faults ...Fault) { s.faults.add(suffix, true, faults) }

// FailAlways lets the fault spoil every such request, once those of Fail are used up, until ClearFaults.
func (s *Server) FailAlways(suffix string, fault Fault) { s.faults.add(suffix, false, []Fault{fault}) }

// ClearFaults removes all faults; one that has begun goes on.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.queue = nil
}

// Intercept shows every request to see before the server answers; see returns true if it has answered itself.
func (s *Server) Intercept(see func(w http.ResponseWriter, r *http.Request) bool) {
	s.FailAlways("", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !see(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

type faultQueue struct {
	mu    sync.Mutex
	queue []queuedFault
}

type queuedFault struct {
	suffix string
	once   bool
	fault  Fault
}

func (q *faultQueue) add(suffix string, once bool, faults []Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range faults {
		q.queue = append(q.queue, queuedFault{suffix, once, f})
	}
}

// take returns the fault for a path: the first for one request, else the newest for all, else nil.
func (q *faultQueue) take(path string) Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	if strings.HasPrefix(path, sandboxPrefix) {
		return nil
	}
	var always Fault
	for i, f := range q.queue {
		if !strings.HasSuffix(path, f.suffix) {
			continue
		}
		if f.once {
			q.queue = slices.Concat(q.queue[:i], q.queue[i+1:])
			return f.fault
		}
		always = f.fault
	}
	return always
}

// heldAnswer is the server's answer before the client has it.
type heldAnswer struct {
	header http.Header
	status int
	body   []byte
}

func (a *heldAnswer) Header() http.Header { return a.header }

func (a *heldAnswer) WriteHeader(status int) { a.status = status }

func (a *heldAnswer) Write(p []byte) (int, error) {
	a.body = append(a.body, p...)
	return len(p), nil
}

func (a *heldAnswer) send(w http.ResponseWriter) {
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone needs no answer
}

// hold lets the server answer into memory; the headers are those of w.
func hold(w http.ResponseWriter, r *http.Request, next http.Handler) *heldAnswer {
	a := &heldAnswer{header: w.Header(), status: http.StatusOK}
	next.ServeHTTP(a, r)
	return a
}

// altered lets the server answer, and sends what change makes of it with the length it then has.
func altered(change func(*heldAnswer)) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := hold(w, r, next)
		change(a)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.send(w)
	}
}

// alteredObject is altered for a JSON object, whose values are json.RawMessage; any other answer stays as it is.
func alteredObject(change func(*heldAnswer, members)) Fault {
	return altered(func(a *heldAnswer) {
		var object members
		if json.Unmarshal(a.body, &object) == nil {
			change(a, object)
		}
	})
}

// delayed lets the server answer, and sends the answer when wait returns true.
func delayed(wait func(context.Context) bool) Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		a := hold(w, r, next)
		if !wait(r.Context()) {
			hangUp(w, false)
			return
		}
		a.send(w)
	}
}

// await returns false if the server closes, or the client goes, before ready has a value.
func await[T any](ctx context.Context, ready <-chan T) bool {
	select {
	case <-ctx.Done():
		return false
	case <-ready:
		return true
	}
}

func pause(ctx context.Context, d time.Duration) bool { return await(ctx, time.After(d)) }

// announce sends on arrived, unless it is nil, and then awaits release.
func announce(ctx context.Context, arrived chan<- struct{}, release <-chan struct{}) bool {
	if arrived != nil {
		select {
		case <-ctx.Done():
			return false
		case arrived <- struct{}{}:
		}
	}
	return await(ctx, release)
}

// takeOver returns the connection, which net/http then leaves alone.
func takeOver(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // ends the connection, too
	}
	return conn
}

// hangUp closes the connection without the end of TLS, and with a TCP reset if asked.
func hangUp(w http.ResponseWriter, reset bool) {
	conn := takeOver(w)
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
