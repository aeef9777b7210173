package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// A sealed file is one line of ASCII, its fields separated by one space:
//
//	okauth-sealed 1 storage-key <salt> <check> <box>
//
// Salt, check and box are base64 (RFC 4648 §5, no padding). The box is AES-256-GCM: nonce, ciphertext, tag. Its key is made
// from the key material and the salt, which is drawn anew for each write. It also seals what stands before it and the name
// of the account, so that no part of a file, and no file, can stand in for another. The check tells a wrong key from damage.
const (
	sealMagic   = "okauth-sealed"
	sealVersion = 1
	saltSize    = 16
	checkSize   = 8
	boxOverhead = 12 + 16 // nonce and tag of AES-GCM

	// maxSealed is the longest line there can be: the largest value in its box, and more than any header takes.
	maxSealed = 256 + (maxValue+boxOverhead)*4/3
)

// sealBase64 has one text for each sequence of bytes: bits that do not count must be zero.
var sealBase64 = base64.RawURLEncoding.Strict()

// sealed is a line that has been taken apart. Nothing in it is believed yet.
type sealed struct {
	header           string // everything before the box
	kind             KeyKind
	salt, check, box []byte
}

// seal returns the line that holds value for account.
func seal(key KeyMaterial, account string, value []byte) ([]byte, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // "Read … never returns an error": https://pkg.go.dev/crypto/rand#Read
	aead, check, err := key.derive(salt)
	if err != nil {
		return nil, err
	}
	header := fmt.Sprintf("%s %d %s %s %s", sealMagic, sealVersion, key.kind.tag(),
		sealBase64.EncodeToString(salt), sealBase64.EncodeToString(check))
	box := aead.Seal(nil, nil, value, boundTo(header, account))
	return fmt.Appendf(nil, "%s %s\n", header, sealBase64.EncodeToString(box)), nil
}

// parseSealed takes a line apart. It returns a *formatError of kind Corrupt or Newer.
func parseSealed(line []byte) (sealed, error) {
	text, whole := strings.CutSuffix(string(line), "\n")
	fields := strings.Split(text, " ")
	// Also refuses the line ends that encoding/base64 would skip.
	if fields[0] != sealMagic || !isASCII([]byte(text)) {
		return sealed{}, corrupt("it is not a sealed file")
	}
	if len(fields) > 1 && fields[1] != strconv.Itoa(sealVersion) {
		v, err := strconv.ParseUint(fields[1], 10, 32)
		if err != nil || v <= sealVersion {
			return sealed{}, corrupt("it has no version")
		}
		return sealed{}, &formatError{UnsupportedVersion, fmt.Sprintf("it is sealed in format %d, and this okauth knows %d", v, sealVersion)}
	}
	broken := corrupt("it is cut short or damaged")
	if !whole || len(fields) != 6 {
		return sealed{}, broken
	}
	s := sealed{header: strings.Join(fields[:5], " "), kind: parseKeyKind(fields[2])}
	for i, part := range []*[]byte{&s.salt, &s.check, &s.box} {
		b, err := sealBase64.DecodeString(fields[3+i])
		if err != nil {
			return sealed{}, broken
		}
		*part = b
	}
	if s.kind == 0 || len(s.salt) != saltSize || len(s.check) != checkSize || len(s.box) < boxOverhead {
		return sealed{}, broken
	}
	return s, nil
}

// open returns the value that was sealed for account, or a *formatError of kind WrongKey or Corrupt.
func (s sealed) open(key KeyMaterial, account string) ([]byte, error) {
	if key.kind != s.kind {
		return nil, &formatError{WrongKey, fmt.Sprintf("it was sealed with a key from %s, and the key comes from %s", s.kind, key.kind)}
	}
	aead, check, err := key.derive(s.salt)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(check, s.check) != 1 {
		return nil, &formatError{WrongKey, fmt.Sprintf("it was sealed with another key from %s", s.kind)}
	}
	value, err := aead.Open(nil, nil, s.box, boundTo(s.header, account))
	if err != nil {
		return nil, corrupt("it was changed, or it is another item's")
	}
	return value, nil
}

// boundTo is the additional data of a box. Neither part has a line end in it.
func boundTo(header, account string) []byte { return []byte(header + "\n" + account) }

// derive makes the cipher of one file, and the check that goes with it.
//
// "the 'info' input is … to bind the derived key material to application- and context-specific information", and with other
// info there is an independent key: RFC 5869 §3.2, https://www.rfc-editor.org/rfc/rfc5869#section-3.2
func (k KeyMaterial) derive(salt []byte) (aead cipher.AEAD, check []byte, err error) {
	prk, err := hkdf.Extract(sha256.New, []byte(k.secret.Reveal()), salt)
	if err != nil {
		return nil, nil, err
	}
	info := fmt.Sprintf("%s %d %s ", sealMagic, sealVersion, k.kind.tag())
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
