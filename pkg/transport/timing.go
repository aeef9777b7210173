package transport

import (
	"crypto/tls"
	"fmt"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// phase is how far a request has come.
type phase int

const (
	connecting phase = iota // also before anything else is known
	lookingUp
	dialing
	shakingHands
	sending
	awaiting
	reading
)

// String returns the phase as it is read behind "while".
func (p phase) String() string {
	return [...]string{
		"connecting", "looking up the host", "connecting", "shaking hands (TLS)", "sending the request", "awaiting the response",
		"reading the response's head",
	}[p]
}

// timing measures the phases of one request. Its hooks may run in several goroutines, and late: two addresses of a host
// may be tried at once.
type timing struct {
	start time.Time

	mu    sync.Mutex
	phase phase
	began map[phase]time.Time     // the phases that run
	took  map[phase]time.Duration // those that have ended
}

func (t *timing) hooks(handshake func(tls.ConnectionState, error)) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { t.begin(lookingUp) },
		DNSDone:      func(httptrace.DNSDoneInfo) { t.end(lookingUp) },
		ConnectStart: func(string, string) { t.begin(dialing) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				t.end(dialing)
			}
		},
		TLSHandshakeStart: func() { t.begin(shakingHands) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			t.end(shakingHands)
			handshake(state, err)
		},
		GotConn:              func(httptrace.GotConnInfo) { t.begin(sending) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { t.begin(awaiting) },
		GotFirstResponseByte: func() { t.begin(reading) },
	}
}

func (t *timing) begin(p phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.phase = max(t.phase, p)
	if t.began == nil {
		t.began, t.took = map[phase]time.Time{}, map[phase]time.Duration{}
	}
	if p == reading {
		t.took[reading] = time.Since(t.start)
	} else if t.began[p].IsZero() {
		t.began[p] = time.Now()
	}
}

// end adds up: with a proxy that speaks TLS there are two handshakes.
func (t *timing) end(p phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if began := t.began[p]; !began.IsZero() {
		t.took[p] += time.Since(began)
		delete(t.began, p)
	}
}

// summary returns the phase that was reached, and the times as " (dns 3, connect 20)" or "".
func (t *timing) summary() (phase, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var parts []string
	for _, p := range []struct {
		phase phase
		name  string
	}{{lookingUp, "dns"}, {dialing, "connect"}, {shakingHands, "tls"}, {reading, "first byte"}} {
		if took, ended := t.took[p.phase]; ended {
			parts = append(parts, fmt.Sprintf("%s %d", p.name, took.Milliseconds()))
		}
	}
	if len(parts) == 0 {
		return t.phase, ""
	}
	return t.phase, " (" + strings.Join(parts, ", ") + ")"
}
