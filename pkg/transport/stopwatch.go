package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// The phases of a request, as a person reads them behind "while".
const (
	atConnect = "connecting"
	atResolve = "looking up the host"
	atTLS     = "shaking hands (TLS)"
	atSend    = "sending the request"
	atAwait   = "awaiting the answer"
	atRead    = "reading the answer's head"
)

// stopwatch knows how far a request has come, and how long each phase took. Hooks of a connection that was given up may come late.
type stopwatch struct {
	start time.Time

	mu                 sync.Mutex
	at                 string
	resolve, dial, tls lap
	first              lap
	shown              []handshakeDone
}

// lap is one phase. Of several connections that are tried at once, it lasts from the first one's start to the first success.
type lap struct {
	from, to time.Time
	took     time.Duration
}

func (l *lap) begin() {
	if l.from.IsZero() || !l.to.IsZero() {
		l.from, l.to = time.Now(), time.Time{}
	}
}

func (l *lap) end() {
	if !l.from.IsZero() && l.to.IsZero() {
		l.to = time.Now()
		l.took += l.to.Sub(l.from)
	}
}

// handshakeDone is what one TLS handshake yielded.
type handshakeDone struct {
	protocol string
	cert     *x509.Certificate // the first that was shown, nil for none
	failed   bool
}

func startStopwatch() *stopwatch { return &stopwatch{start: time.Now(), at: atConnect} }

func (s *stopwatch) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:     func(httptrace.DNSStartInfo) { s.note(atResolve, s.resolve.begin) },
		DNSDone:      func(httptrace.DNSDoneInfo) { s.note("", s.resolve.end) },
		ConnectStart: func(string, string) { s.note(atConnect, s.dial.begin) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				s.note("", s.dial.end)
			}
		},
		TLSHandshakeStart: func() { s.note(atTLS, s.tls.begin) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			s.note("", func() {
				s.tls.end()
				s.shown = append(s.shown, summary(state, err))
			})
		},
		GotConn:      func(httptrace.GotConnInfo) { s.note(atSend, func() {}) },
		WroteRequest: func(httptrace.WroteRequestInfo) { s.note(atAwait, func() {}) },
		GotFirstResponseByte: func() {
			s.note(atRead, func() { s.first = lap{from: s.start, to: time.Now(), took: time.Since(s.start)} })
		},
	}
}

// note does what a hook has to, one at a time.
func (s *stopwatch) note(at string, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.at == atSend || s.at == atAwait || s.at == atRead
	switch {
	case at == "", s.at == atRead: // an answer can come before the request is written to its end
	case sent && at != atSend && at != atAwait && at != atRead: // the slower of two connections that were tried at once
	default:
		s.at = at
	}
	do()
}

func summary(state tls.ConnectionState, err error) handshakeDone {
	h := handshakeDone{failed: err != nil}
	if state.Version != 0 {
		h.protocol = tls.VersionName(state.Version)
	}
	certs := state.PeerCertificates
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		certs = bad.UnverifiedCertificates
	}
	if len(certs) > 0 {
		h.cert = certs[0]
	}
	return h
}

// stop returns the phase that was reached, the times as " (dns 3, connect 20)" or "", and the handshakes.
func (s *stopwatch) stop() (at, times string, shown []handshakeDone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	for _, phase := range []struct {
		name string
		lap  lap
	}{{"dns", s.resolve}, {"connect", s.dial}, {"tls", s.tls}, {"first byte", s.first}} {
		if !phase.lap.to.IsZero() {
			parts = append(parts, fmt.Sprintf("%s %d", phase.name, milliseconds(phase.lap.took)))
		}
	}
	if len(parts) > 0 {
		times = " (" + strings.Join(parts, ", ") + ")"
	}
	return s.at, times, append([]handshakeDone(nil), s.shown...)
}

func milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }
