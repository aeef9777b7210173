package transport

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// slowNotice reports a request that has taken SlowAfter, and its end: a user who waits wants to know for what.
type slowNotice struct {
	Base   http.RoundTripper
	notify func(host string) (done func())
}

// RoundTrip sends the request unchanged and watches it until the end of the response's body.
func (s *slowNotice) RoundTrip(req *http.Request) (*http.Response, error) {
	host, notified := req.URL.Host, make(chan func(), 1)
	timer := time.AfterFunc(SlowAfter, func() { notified <- s.notify(host) })
	end := sync.OnceFunc(func() {
		if timer.Stop() {
			return
		}
		if done := <-notified; done != nil {
			done()
		}
	})
	resp, err := s.Base.RoundTrip(req)
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &watchedBody{ReadCloser: resp.Body, ended: func(int, error) { end() }}
	return resp, nil
}

// watchedBody calls ended once, when there is nothing more to read or it is closed: with the number of bytes that were
// read, and the error that cut it short.
type watchedBody struct {
	io.ReadCloser
	ended func(size int, err error)
	size  int
	once  sync.Once
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.size += n
	if err == io.EOF {
		b.end(nil)
	} else if err != nil {
		b.end(err)
	}
	return n, err
}

// Close closes the body before it reports the end.
func (b *watchedBody) Close() error {
	defer b.end(nil)
	return b.ReadCloser.Close()
}

func (b *watchedBody) end(err error) { b.once.Do(func() { b.ended(b.size, err) }) }
