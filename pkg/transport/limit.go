package transport

import (
	"errors"
	"io"
	"net/http"
)

// MaxBody is the most that is read of a response's body, in bytes, after decompression. A token response has a few
// thousand.
const MaxBody = 1 << 20

// ErrBodyTooLarge is the error of reading a response's body beyond MaxBody bytes.
var ErrBodyTooLarge = errors.New("response larger than 1 MiB")

// bodyLimit limits the bodies of responses to MaxBody. It stands above http.Transport, which decompresses: 50 KB that
// swell to 50 MB are stopped like any other large response.
type bodyLimit struct {
	Base http.RoundTripper // nil means http.DefaultTransport
}

// RoundTrip sends the request unchanged and limits the response's body.
func (l *bodyLimit) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := base(l.Base).RoundTrip(req)
	if err == nil {
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: MaxBody}
	}
	return resp, err
}

// base returns what a layer's Base stands for.
func base(b http.RoundTripper) http.RoundTripper {
	if b == nil {
		return http.DefaultTransport
	}
	return b
}

type limitedBody struct {
	io.ReadCloser
	left int // bytes that may still come
}

// Read reads one byte more than is allowed, to tell a body that just fits from one that does not.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrBodyTooLarge
	}
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return n - 1, ErrBodyTooLarge
	}
	return n, err
}
