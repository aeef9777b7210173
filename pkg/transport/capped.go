package transport

import (
	"errors"
	"io"
	"net/http"
)

// MaxBody is the most that is read of an answer's body, in bytes, after decompression. A token answer has a few thousand.
const MaxBody = 1 << 20

// ErrBodyTooLarge is what reading the body of an answer yields beyond MaxBody bytes.
var ErrBodyTooLarge = errors.New("answer larger than 1 MiB")

// LimitBody limits the bodies of answers to MaxBody. It stands above the layer that decompresses, so that 50 KB that
// swell to 50 MB are stopped like any other large answer.
type LimitBody struct {
	Base http.RoundTripper // nil means http.DefaultTransport
}

// RoundTrip hands the request on unchanged and puts the limit round the answer's body.
func (c *LimitBody) RoundTrip(req *http.Request) (*http.Response, error) {
	base := c.Base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &cappedBody{ReadCloser: resp.Body, left: MaxBody}
	return resp, nil
}

type cappedBody struct {
	io.ReadCloser
	left int // bytes that may still come
}

// Read reads one byte more than is allowed, to tell a body that just fits from one that does not.
func (b *cappedBody) Read(p []byte) (int, error) {
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
