package clientauth

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/secret"
	"okauth/pkg/internal/strictjson"
)

// KeyProblem says what is wrong with a key, for callers that advise the user.
type KeyProblem string

// The problems of a [*KeyError].
const (
	KeyUnreadable  KeyProblem = "unreadable" // damaged, or no key at all
	KeyFileName    KeyProblem = "file_name"  // of a file that may have it
	KeyEncrypted   KeyProblem = "encrypted"
	KeyPublic      KeyProblem = "public"
	KeyCertificate KeyProblem = "certificate"
	KeySeveral     KeyProblem = "several"
	KeyOpenSSH     KeyProblem = "openssh"
	KeyWeak        KeyProblem = "weak"
	KeyUnsupported KeyProblem = "unsupported" // Okta takes no such key
	SecretTooShort KeyProblem = "short_secret"
)

// KeyError says why a text is no key to sign assertions with. It contains nothing secret.
type KeyError struct {
	Problem KeyProblem
	text    string
}

// Error says what the key is: "it is encrypted …".
func (e *KeyError) Error() string { return e.text }

func keyError(problem KeyProblem, format string, args ...any) error {
	return &KeyError{problem, fmt.Sprintf(format, args...)}
}

// ParseKey reads a private key: PEM (PKCS #1, PKCS #8, SEC 1), a JWK, or a JWK Set of one key. In a PEM, \n may stand
// for each line break, as in variables that hold one line. Beside the key, a PEM may have its certificate or its public
// key. The error is a *KeyError.
func ParseKey(text secret.Secret) (Key, error) {
	data := strings.TrimSpace(text.Reveal())
	switch {
	case strings.HasPrefix(data, "{"):
		return parseJWK([]byte(data))
	case strings.Contains(data, "-----BEGIN "):
		return parsePEM([]byte(strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(data)))
	case strings.HasPrefix(data, "ssh-") || strings.HasPrefix(data, "ecdsa-"):
		return Key{}, keyError(KeyPublic, "it is the public key of OpenSSH, expected the private key in PEM")
	case strings.HasPrefix(data, "PuTTY-User-Key-File"):
		return Key{}, keyError(KeyOpenSSH, "it is a key of PuTTY, expected PEM or a JWK")
	case !strings.ContainsAny(data, "\n") && strings.ContainsAny(data, "/\\.~") && len(data) < 300:
		return Key{}, keyError(KeyFileName, "it looks like the name of a file, expected the key itself")
	}
	return Key{}, keyError(KeyUnreadable, "it is neither PEM nor a JWK")
}

// parsePEM reads the one private key among the blocks of a PEM.
func parsePEM(data []byte) (Key, error) {
	var private []*pem.Block
	other := "" // the type of the first block that is no private key
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		defer clear(block.Bytes)
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			private = append(private, block)
		} else if other == "" && block.Type != "EC PARAMETERS" { // which openssl ecparam writes before the key
			other = block.Type
		}
	}
	switch {
	case len(private) > 1:
		return Key{}, keyError(KeySeveral, "it has %d private keys, expected one", len(private))
	case len(private) == 1:
		key, err := parseBlock(private[0])
		if err != nil {
			return Key{}, err
		}
		return newKey(jose.JSONWebKey{Key: key})
	case strings.HasSuffix(other, "CERTIFICATE"):
		return Key{}, keyError(KeyCertificate, "it is a certificate, expected the private key that belongs to it")
	case strings.HasSuffix(other, "PUBLIC KEY"):
		return Key{}, keyError(KeyPublic, "it is a public key, expected the private one")
	case other != "":
		return Key{}, keyError(KeyUnsupported, "it is a PEM of type %s, expected PRIVATE KEY", strictjson.Quote(other))
	}
	return Key{}, keyError(KeyUnreadable, "its PEM is cut off, damaged, or has lost its line breaks")
}

// maxKeyBytes is more than the largest key takes. A PEM of 64 KiB can keep crypto/x509 busy for five seconds, with huge
// numbers in the place of primes.
const maxKeyBytes = 8 << 10

// parseBlock reads a private key in the form that it has, whatever its label says.
func parseBlock(block *pem.Block) (any, error) {
	switch {
	case len(block.Bytes) > maxKeyBytes:
		return nil, keyError(KeyUnsupported, "it is larger than an RSA key of %d bits", maxRSABits)
	case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return nil, keyError(KeyEncrypted, "it is encrypted with a passphrase, expected it without")
	case block.Type == "OPENSSH PRIVATE KEY":
		return nil, keyError(KeyOpenSSH, "it is in OpenSSH's format, expected PEM or a JWK")
	case block.Type == "DSA PRIVATE KEY":
		return nil, keyError(KeyUnsupported, "it is a DSA key, expected RSA, P-256, P-384 or P-521")
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, nil
	} else if strings.Contains(err.Error(), "elliptic curve") {
		return nil, keyError(KeyUnsupported, "its curve is not P-256, P-384 or P-521")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	switch {
	case err == nil:
		return key, nil
	case strings.Contains(err.Error(), "elliptic curve"):
		return nil, keyError(KeyUnsupported, "its curve is not P-256, P-384 or P-521")
	}
	return nil, keyError(KeyUnreadable, "its PEM is damaged, or holds no private key")
}

// parseJWK reads a JWK, or a JWK Set of one key. https://www.rfc-editor.org/rfc/rfc7517
func parseJWK(text []byte) (Key, error) {
	members, err := strictjson.Object(text)
	if err != nil {
		return Key{}, keyError(KeyUnreadable, "it begins like a JWK, and is %v", err)
	}
	values, texts := make(map[string]json.RawMessage), make(map[string]string)
	for _, m := range members {
		values[m.Name] = m.Value
		texts[m.Name], _ = strictjson.Unquote(m.Value)
	}
	kty, crv, use := texts["kty"], texts["crv"], texts["use"]
	switch {
	case values["keys"] != nil:
		return parseSet(values["keys"])
	case kty == "oct":
		return Key{}, keyError(KeyUnsupported, "it is a shared secret (kty oct), expected a key pair")
	case kty != "RSA" && kty != "EC":
		return Key{}, keyError(KeyUnsupported, "its kty is %s, expected RSA or EC", strictjson.Quote(kty))
	case kty == "EC" && crv != "P-256" && crv != "P-384" && crv != "P-521":
		return Key{}, keyError(KeyUnsupported, "its curve is %s, expected P-256, P-384 or P-521", strictjson.Quote(crv))
	case values["d"] == nil:
		return Key{}, keyError(KeyPublic, "it is a public key, expected the private one")
	case use != "" && use != "sig":
		return Key{}, keyError(KeyUnsupported, "its use is %s, expected sig", strictjson.Quote(use))
	}
	var jwk jose.JSONWebKey
	if jwk.UnmarshalJSON(text) != nil { // its error may quote a value
		return Key{}, keyError(KeyUnreadable, "it is a JWK with a wrong or missing member")
	}
	return newKey(jose.JSONWebKey{Key: jwk.Key, KeyID: jwk.KeyID, Algorithm: jwk.Algorithm})
}

func parseSet(value json.RawMessage) (Key, error) {
	var keys []json.RawMessage
	switch err := json.Unmarshal(value, &keys); {
	case err != nil || len(keys) == 0:
		return Key{}, keyError(KeyUnreadable, "it is a JWK Set without a key")
	case len(keys) > 1:
		return Key{}, keyError(KeySeveral, "it is a JWK Set of %d keys, expected one", len(keys))
	}
	return parseJWK(keys[0])
}
