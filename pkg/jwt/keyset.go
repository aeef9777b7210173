package jwt

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"okauth/pkg/internal/strictjson"
)

const (
	// MaxKeySetSize is the longest key set that [ParseKeySet] reads, in bytes. Okta's have one to three thousand.
	MaxKeySetSize = 1 << 20
	// MaxKeys is how many keys a set may have. Okta's have two or three.
	MaxKeys = 500
)

// KeySource gives a [Verifier] the keys that a token may be signed with.
type KeySource interface {
	// KeySet returns the set that should hold the key named kid. A verifier calls it at most once for each token, from
	// as many goroutines as verify tokens. A set without that key is no error.
	KeySet(ctx context.Context, kid string) (KeySet, error)
}

// KeySet is the public keys of one issuer (JWKS). It does not change and may be shared. The zero value has no keys.
// https://www.rfc-editor.org/rfc/rfc7517#section-5
type KeySet struct {
	usable   map[string][]publicKey // by kid
	rejected []RejectedKey
}

// RejectedKey says why a key of a set is not used. Both texts are printable.
type RejectedKey struct {
	KeyID string // "" where the key has none
	Why   string // "RSA modulus has 1024 bits, expected 2048 to 8192"
}

// KeySetError says why [ParseKeySet] does not accept a text as a key set.
type KeySetError struct{ text string }

// Error says what is wrong, in one printable line.
func (e *KeySetError) Error() string { return e.text }

func keySetErrorf(format string, args ...any) error {
	return &KeySetError{text: fmt.Sprintf(format, args...)}
}

// ParseKeySet reads a JWKS document. It leaves out each key that can't be used and lists it in
// [KeySet.Rejected]; the others are not affected.
//
// Every error is a [*KeySetError]: text is no JWKS at all, or has more than [MaxKeySetSize] bytes or [MaxKeys] keys.
func ParseKeySet(text []byte) (KeySet, error) {
	if len(text) > MaxKeySetSize {
		return KeySet{}, keySetErrorf("key set has %d bytes, expected at most %d", len(text), MaxKeySetSize)
	}
	members, err := strictjson.Outline(text)
	if err != nil {
		return KeySet{}, keySetErrorf("key set: %v", err)
	}
	list, ok := Object(members).Get("keys")
	if !ok {
		return KeySet{}, keySetErrorf(`key set has no member "keys"`)
	}
	var elements []json.RawMessage
	if list[0] != '[' || json.Unmarshal(list, &elements) != nil {
		return KeySet{}, keySetErrorf(`key set's "keys" is %s, expected an array`, strictjson.Describe(list))
	}
	if len(elements) > MaxKeys {
		return KeySet{}, keySetErrorf("key set has %d keys, expected at most %d", len(elements), MaxKeys)
	}
	s := KeySet{usable: make(map[string][]publicKey, len(elements))}
	for _, element := range elements {
		key, err := parseKey(element)
		if err != nil {
			s.rejected = append(s.rejected, RejectedKey{KeyID: printable(key.kid), Why: err.Error()})
			continue
		}
		s.usable[key.kid] = append(s.usable[key.kid], key)
	}
	return s, nil
}

// Len returns how many keys can be used.
func (s KeySet) Len() int {
	n := 0
	for _, keys := range s.usable {
		n += len(keys)
	}
	return n
}

// Has reports whether a key that can be used has this name.
func (s KeySet) Has(kid string) bool { return len(s.usable[kid]) > 0 }

// Rejected returns the keys that can't be used, in the order of the document.
func (s KeySet) Rejected() []RejectedKey { return slices.Clone(s.rejected) }

// KeySet returns the set itself, whatever kid is: a KeySet is a [KeySource].
func (s KeySet) KeySet(context.Context, string) (KeySet, error) { return s, nil }

// whyRejected returns why the set leaves out a key with this name. It is "" where the set has none.
func (s KeySet) whyRejected(kid string) string {
	kid = printable(kid)
	for _, r := range s.rejected {
		if r.KeyID == kid && kid != "" {
			return r.Why
		}
	}
	return ""
}
