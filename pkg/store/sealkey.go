package store

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"okauth/pkg/okta"
)

const (
	storageKeyVar  = "OKAUTH_STORAGE_KEY"
	storageKeySize = 32 // bytes
	// minClientSecret is how many characters a client secret needs to stand in for a key. Okta's own have 64; one that
	// is shorter has been thought up, and could be guessed by whoever has the file.
	minClientSecret = 32
)

// KeyKind says where the key of a sealed file comes from.
type KeyKind int

// The kinds of key; the zero KeyKind is none.
const (
	StorageKey      KeyKind = iota + 1 // OKAUTH_STORAGE_KEY
	ClientSecretKey                    // the client secret
)

// String returns the source as okauth's messages name it.
func (k KeyKind) String() string {
	switch k {
	case StorageKey:
		return storageKeyVar
	case ClientSecretKey:
		return "the client secret"
	default:
		return "nowhere"
	}
}

// tag names the kind in a file.
func (k KeyKind) tag() string {
	switch k {
	case StorageKey:
		return "storage-key"
	case ClientSecretKey:
		return "client-secret"
	default:
		return ""
	}
}

// parseKeyKind returns 0 for a tag that is none.
func parseKeyKind(tag string) KeyKind {
	for _, k := range []KeyKind{StorageKey, ClientSecretKey} {
		if k.tag() == tag {
			return k
		}
	}
	return 0
}

// KeyMaterial is what the keys of sealed files are made from. [ChooseKey] makes one; the zero KeyMaterial opens nothing.
// Printing or marshalling it does not show the key.
type KeyMaterial struct {
	kind   KeyKind
	secret okta.Secret // 32 raw bytes, or the client secret
}

// ChooseKey returns what sealed files are sealed with: the key in the text of OKAUTH_STORAGE_KEY where there is one, else the
// client secret where it has at least 32 characters. Its error is a [*KeyError]: a setting is missing or wrong.
func ChooseKey(storageKey, clientSecret okta.Secret) (KeyMaterial, error) {
	if !storageKey.IsZero() {
		key, err := ParseKey(storageKey.Reveal())
		if err != nil {
			return KeyMaterial{}, err
		}
		return KeyMaterial{StorageKey, okta.NewSecret(string(key))}, nil
	}
	if clientSecret.IsZero() {
		return KeyMaterial{}, &KeyError{storageKeyVar + " is not set, and there is no client secret to make a key from"}
	}
	if utf8.RuneCountInString(clientSecret.Reveal()) < minClientSecret {
		return KeyMaterial{}, &KeyError{fmt.Sprintf("%s is not set, and the client secret is too short to make a key from: expected at least %d characters",
			storageKeyVar, minClientSecret)}
	}
	return KeyMaterial{ClientSecretKey, clientSecret}, nil
}

// ParseKey returns the 32 bytes that text stands for: 64 hex digits, or base64 in the standard or the URL alphabet, padded or
// not, with white space around it. Its error is a [*KeyError], which tells lengths and nothing else of the text.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	// Hex comes first: 64 hex digits are also base64, of 48 bytes, and so is a hex key that has lost some digits.
	key, err := hex.DecodeString(text)
	if err == nil && len(key) != storageKeySize {
		return nil, &KeyError{fmt.Sprintf("%s has %d bytes in hex, expected %d", storageKeyVar, len(key), storageKeySize)}
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if err == nil {
			break
		}
		key, err = encoding.DecodeString(text)
	}
	if err != nil {
		return nil, &KeyError{fmt.Sprintf("%s is neither base64 nor hex: got %d characters, expected %d bytes as %d characters of base64 or %d hex digits",
			storageKeyVar, utf8.RuneCountInString(text), storageKeySize, base64.StdEncoding.EncodedLen(storageKeySize), 2*storageKeySize)}
	}
	if len(key) != storageKeySize {
		return nil, &KeyError{fmt.Sprintf("%s has %d bytes in base64, expected %d", storageKeyVar, len(key), storageKeySize)}
	}
	return key, nil
}

// KeyError says why there is no key to seal with. It is a mistake in the settings, not in the store. A [File] returns it
// inside its [*Error].
type KeyError struct {
	text string // never holds a key
}

func (e *KeyError) Error() string { return e.text }

// Hint tells how to get a key.
func (e *KeyError) Hint() string {
	return fmt.Sprintf("set %s to %d random bytes, made once with `openssl rand -base64 %d`, and keep it as secret as a password: it opens the sealed files",
		storageKeyVar, storageKeySize, storageKeySize)
}
