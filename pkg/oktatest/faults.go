package oktatest

import (
	"net/http"
	"strings"
	"sync"
)

// Fault spoils one request: it answers instead of the server, or lets next answer (not at all, or once) and changes how that answer arrives. What a
// fault must not do is wait for ever: r.Context() ends when the server is closed or the client has gone. The ready-made ones are in wire.go and slow.go.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Fail lets each of the faults spoil one request to a path that ends with suffix ("/token"; "" is every path), in this order. The log has these requests too.
// Paths below /sandbox/ are never spoilt: that is where faults can be switched off.
func (s *Server) Fail(suffix string, faults ...Fault) { s.faults.add(suffix, true, faults) }

// FailAlways lets the fault spoil every such request, once those of Fail are used up, until ClearFaults.
func (s *Server) FailAlways(suffix string, fault Fault) {
	s.faults.add(suffix, false, []Fault{fault})
}

// ClearFaults ends what Fail and FailAlways began; a fault that is at work goes on.
func (s *Server) ClearFaults() { s.faults.clear() }

// Intercept shows every request (but those below /sandbox/) to see before the server does; where see returns true, it has answered. It is FailAlways for all paths, in another form.
func (s *Server) Intercept(see func(w http.ResponseWriter, r *http.Request) bool) {
	s.FailAlways("", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !see(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

type queuedFault struct {
	suffix string
	once   bool
	fault  Fault
}

type faultQueue struct {
	mu    sync.Mutex
	queue []queuedFault
}

func (q *faultQueue) add(suffix string, once bool, faults []Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, f := range faults {
		q.queue = append(q.queue, queuedFault{suffix, once, f})
	}
}

func (q *faultQueue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = nil
}

// take finds the fault for a path: the first that is meant for one request, else the newest that is meant for all.
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
			q.queue = append(q.queue[:i:i], q.queue[i+1:]...)
			return f.fault
		}
		always = f.fault
	}
	return always
}
