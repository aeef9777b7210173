package transport

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// slow tells of a request that has taken SlowAfter, and of its end: a person who waits wants to know for what.
type slow struct {
	Base http.RoundTripper // nil means http.DefaultTransport
	tell func(host string) (done func())
}

// RoundTrip hands the request on unchanged and watches until the end of the answer's body.
func (s *slow) RoundTrip(req *http.Request) (*http.Response, error) {
	base := s.Base
	if base == nil {
		base = http.DefaultTransport
	}
	w := &wait{}
	host := req.URL.Host
	timer := time.AfterFunc(SlowAfter, func() { w.tell(func() func() { return s.tell(host) }) })
	end := sync.OnceFunc(func() { timer.Stop(); w.end() })
	resp, err := base.RoundTrip(req)
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &endingBody{ReadCloser: resp.Body, end: end}
	return resp, nil
}

// wait is one request that may become slow just when it ends.
type wait struct {
	mu   sync.Mutex
	over bool
	done func()
}

func (w *wait) tell(start func() func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.done = start()
	}
}

func (w *wait) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.done != nil {
		w.done()
	}
}

// endingBody calls end when there is nothing more to read.
type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
