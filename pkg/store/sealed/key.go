package sealed

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"okauth/pkg/okta"
)

const (
	keySize = 32 // bytes of a storage key
	// minClientSecret is how many characters a client secret needs to replace a storage key. Okta's have 64; a shorter
	// one was made up by a person and could be guessed by anyone who has the file.
	minClientSecret = 32
)

// KeyKind says where the key of a sealed file comes from, as the file names it; "" is no kind.
type KeyKind string

// The kinds of key.
const (
	StorageKey      KeyKind = "storage-key"
	ClientSecretKey KeyKind = "client-secret"
)

// text returns the kind as messages name it.
func (k KeyKind) text() string {
	return map[KeyKind]string{StorageKey: "a storage key", ClientSecretKey: "a key from the client secret"}[k]
}

// Key is the secret from which the keys of sealed files are derived. [ChooseKey] makes one; the zero Key opens nothing.
// Printing or marshaling it does not show the key.
type Key struct {
	kind   KeyKind
	secret okta.Secret // 32 raw bytes, or the client secret
}

// ChooseKey returns the key of sealed files: the storage key if there is one, in the form that [ParseKey] takes, else
// the client secret if it has at least 32 characters. The error is a [*KeyError]: a setting is missing or wrong.
func ChooseKey(storageKey, clientSecret okta.Secret) (Key, error) {
	if !storageKey.IsZero() {
		key, err := ParseKey(storageKey.Reveal())
		if err != nil {
			return Key{}, err
		}
		return Key{StorageKey, okta.NewSecret(string(key))}, nil
	}
	if clientSecret.IsZero() {
		return Key{}, &KeyError{"there is no storage key, and no client secret to derive a key from"}
	}
	if utf8.RuneCountInString(clientSecret.Reveal()) < minClientSecret {
		return Key{}, &KeyError{fmt.Sprintf("there is no storage key, and the client secret is too short "+
			"to derive a key from: expected at least %d characters", minClientSecret)}
	}
	return Key{ClientSecretKey, clientSecret}, nil
}

// ParseKey returns the 32 bytes of a storage key: 64 hex digits, or base64 in the standard or the URL alphabet,
// padded or not, with white space around it. The error is a [*KeyError], which shows the length of text and nothing
// else of it.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	// Hex comes first: 64 hex digits are also base64, of 48 bytes, and so is a hex key that has lost some digits.
	form := "hex"
	key, err := hex.DecodeString(text)
	for _, e := range []*base64.Encoding{
		base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
	} {
		if err != nil {
			form = "base64"
			key, err = e.DecodeString(text)
		}
	}
	switch {
	case err != nil:
		return nil, &KeyError{fmt.Sprintf("the storage key is neither base64 nor hex: got %d characters, expected %d bytes "+
			"as %d characters of base64 or %d hex digits", utf8.RuneCountInString(text), keySize,
			base64.StdEncoding.EncodedLen(keySize), 2*keySize)}
	case len(key) != keySize:
		return nil, &KeyError{fmt.Sprintf("the storage key has %d bytes in %s, expected %d", len(key), form, keySize)}
	}
	return key, nil
}

// CreateKeyFile writes a new random storage key to path, in a form that [ParseKey] takes and for the current user
// alone. A file that is there keeps its key, and a missing directory is made.
func CreateKeyFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(key))
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(path) // half a key would be taken for one
	}
	return err
}

// KeyError says why there is no key to seal with: a setting is missing or wrong. A [Store] returns it in its
// *store.Error.
type KeyError struct {
	text string // never holds a key
}

func (e *KeyError) Error() string { return e.text }
