package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"okauth/pkg/store"
)

// A sealed value is one line of ASCII, its fields separated by one space:
//
//	okauth-sealed 1 storage-key <salt> <check> <box>
//
// Salt, check and box are base64 (RFC 4648 §5, no padding). The box is AES-256-GCM: nonce, ciphertext, tag. Its key is
// derived from the storage key and the salt, which is new for each write. The box also authenticates what precedes it
// and the name of the account, so that no part of a value, and no value, can replace another. The check tells a wrong
// key from a damaged value.
const (
	magic       = "okauth-sealed"
	version     = 1
	saltSize    = 16
	checkSize   = 8
	boxOverhead = 12 + 16 // nonce and tag of AES-GCM

	// maxLine is the longest possible line: the largest value in its box, and more than any header takes.
	maxLine = 256 + (store.MaxValue+boxOverhead)*4/3
)

// encoding has one text for each sequence of bytes: unused bits must be zero.
var encoding = base64.RawURLEncoding.Strict()

// box is a parsed line. Nothing in it is trusted yet.
type box struct {
	header              string // everything before the box
	kind                KeyKind
	salt, check, sealed []byte
}

// seal returns the line that holds value for account.
func seal(key Key, account string, value []byte) ([]byte, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	aead, check, err := key.derive(salt)
	if err != nil {
		return nil, err
	}
	header := fmt.Sprintf("%s %d %s %s %s", magic, version, key.kind,
		encoding.EncodeToString(salt), encoding.EncodeToString(check))
	sealed := aead.Seal(nil, nil, value, additionalData(header, account))
	return fmt.Appendf(nil, "%s %s\n", header, encoding.EncodeToString(sealed)), nil
}

// parse parses a line. The error is a *store.Error of kind Corrupt or UnsupportedVersion without Op.
func parse(line []byte) (box, error) {
	text, whole := strings.CutSuffix(string(line), "\n")
	fields := strings.Split(text, " ")
	// CheckItem also refuses the line ends that encoding/base64 would skip.
	if fields[0] != magic || store.CheckItem("-", []byte(text)) != nil {
		return box{}, store.CorruptError("it is not a sealed value")
	}
	if len(fields) > 1 && fields[1] != strconv.Itoa(version) {
		v, err := strconv.ParseUint(fields[1], 10, 32)
		if err != nil || v <= version {
			return box{}, store.CorruptError("it has no version")
		}
		return box{}, store.NewerError(v, version)
	}
	damaged := store.CorruptError("it is truncated or damaged")
	if !whole || len(fields) != 6 {
		return box{}, damaged
	}
	b := box{header: strings.Join(fields[:5], " "), kind: KeyKind(fields[2])}
	for i, part := range []*[]byte{&b.salt, &b.check, &b.sealed} {
		var err error
		if *part, err = encoding.DecodeString(fields[3+i]); err != nil {
			return box{}, damaged
		}
	}
	if b.kind.text() == "" || len(b.salt) != saltSize || len(b.check) != checkSize || len(b.sealed) < boxOverhead {
		return box{}, damaged
	}
	return b, nil
}

// open returns the value that was sealed for account, or a *store.Error of kind WrongKey or Corrupt without Op.
func (b box) open(key Key, account string) ([]byte, error) {
	if key.kind != b.kind {
		return nil, wrongKey("it was sealed with " + b.kind.text() + ", and the key is " + key.kind.text())
	}
	aead, check, err := key.derive(b.salt)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(check, b.check) != 1 {
		return nil, wrongKey("it was sealed with " + strings.Replace(b.kind.text(), "a ", "another ", 1))
	}
	value, err := aead.Open(nil, nil, b.sealed, additionalData(b.header, account))
	if err != nil {
		return nil, store.CorruptError("it was changed, or it is another item's")
	}
	return value, nil
}

func wrongKey(text string) error { return store.NewError(store.WrongKey, "", errors.New(text)) }

// additionalData returns what a box authenticates besides the value. Neither part has a line end in it.
func additionalData(header, account string) []byte { return []byte(header + "\n" + account) }

// derive returns the cipher of a file, and its check.
//
// "the 'info' input is … to bind the derived key material to application- and context-specific information", and
// another info gives an independent key: RFC 5869 §3.2, https://www.rfc-editor.org/rfc/rfc5869#section-3.2
func (k Key) derive(salt []byte) (aead cipher.AEAD, check []byte, err error) {
	prk, err := hkdf.Extract(sha256.New, []byte(k.secret.Reveal()), salt)
	if err != nil {
		return nil, nil, err
	}
	info := fmt.Sprintf("%s %d %s ", magic, version, k.kind)
	key, err := hkdf.Expand(sha256.New, prk, info+"key", 32)
	if err != nil {
		return nil, nil, err
	}
	if check, err = hkdf.Expand(sha256.New, prk, info+"check", checkSize); err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCMWithRandomNonce(block)
	return aead, check, err
}
