package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How long a list of keys is kept, whatever its answer says. Okta allows weeks; a key that was withdrawn should not live so long here.
const (
	KeysAtLeast = 5 * time.Minute
	KeysAtMost  = 24 * time.Hour
)

// KeyDocument is an answer of the address of a server's keys.
type KeyDocument struct {
	Text []byte // a JSON object with the array "keys", at most 1 MiB, as it was received; the keys in it were not looked at
	// MaxAge is how long it may be kept, by the answer's Cache-Control: from KeysAtLeast, which also stands for "not at all", to KeysAtMost.
	MaxAge time.Duration
}

// Keys asks for the keys at uri, which is the JWKSURI of Metadata: an address at another host than the server's is refused. The error is one of Token's.
// https://developer.okta.com/docs/concepts/key-rotation/
func (c *Client) Keys(ctx context.Context, uri string) (*KeyDocument, error) {
	if err := c.Server.owns(uri); err != nil {
		return nil, fmt.Errorf("address of the keys %w", err)
	}
	a, err := c.get(ctx, keys, uri, Secret{})
	if err != nil {
		return nil, err
	}
	m, err := a.document()
	if err != nil {
		return nil, err
	}
	if list := m["keys"]; len(list) == 0 || list[0] != '[' {
		return nil, a.unusable("an unusable list of keys", errors.New("keys is not an array"))
	}
	return &KeyDocument{Text: a.body, MaxAge: min(max(maxAge(a.Header), KeysAtLeast), KeysAtMost)}, nil
}

// maxAge reads Cache-Control: 0 where the answer must not be kept, says nothing, or says what no server means.
// RFC 9111 §5.2.2: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2
func maxAge(header http.Header) time.Duration {
	age, known := time.Duration(0), false
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 32)
			if err == nil && !known { // of two, the first counts: §4.2.1
				age = time.Duration(seconds) * time.Second
			}
			known = true
		}
	}
	return age
}
