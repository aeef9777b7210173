package jwt

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/roca"
	"okauth/pkg/internal/strictjson"
)

// publicKey is a key of a set that signatures may be verified with.
type publicKey struct {
	kid    string
	alg    string // the only algorithm it is for; "" for any that fits
	family family
	key    any // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// maxKid is the longest key name, in bytes. Okta's have 43.
const maxKid = 256

// parseKey reads one JWK. The key returned with an error has its kid, where there is one.
// https://www.rfc-editor.org/rfc/rfc7517#section-4
func parseKey(text []byte) (publicKey, error) {
	members, err := strictjson.Object(text)
	if err != nil {
		return publicKey{}, fmt.Errorf("key: %w", err)
	}
	o := Object(members)
	kid, err := o.optionalString("kid")
	k := publicKey{kid: kid}
	switch {
	case err != nil:
		return k, err
	case kid == "":
		return k, errors.New("key has no kid, so no token can name it")
	case len(kid) > maxKid:
		return k, fmt.Errorf("key's kid has %d bytes, expected at most %d", len(kid), maxKid)
	}
	if err := forSignatures(o); err != nil {
		return k, err
	}
	if k.key, k.family, err = keyMaterial(o); err != nil {
		return k, err
	}
	if k.alg, err = o.optionalString("alg"); err != nil || k.alg == "" {
		return k, err
	}
	if a, ok := algorithmOf(k.alg); !ok || a.family != k.family {
		return k, fmt.Errorf("key's alg is %s, which is no signature algorithm for it", strictjson.Quote(k.alg))
	}
	return k, nil
}

// forSignatures returns an error unless the key is a public one that signatures may be verified with.
func forSignatures(o Object) error {
	use, err := o.optionalString("use")
	if err != nil {
		return err
	}
	if o.has("use") && use != "sig" {
		return fmt.Errorf(`key's use is %s, expected "sig"`, strictjson.Quote(use))
	}
	if raw, ok := o.Get("key_ops"); ok {
		if ops, ok := o.Strings("key_ops"); !ok || raw[0] != '[' || !slices.Contains(ops, "verify") {
			return errors.New(`key's key_ops do not hold "verify"`)
		}
	}
	// "k" is a shared secret, the others are private: an issuer that publishes them has given the key away.
	// https://www.rfc-editor.org/rfc/rfc7518#section-6
	for _, private := range [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if o.has(private) {
			return fmt.Errorf("key has the private member %q: it is no longer a secret", private)
		}
	}
	return nil
}

// keyMaterial returns the key itself.
func keyMaterial(o Object) (any, family, error) {
	kty, err := o.optionalString("kty")
	if err != nil {
		return nil, "", err
	}
	switch kty {
	case "RSA":
		key, err := rsaKey(o)
		return key, familyRSA, err
	case "EC":
		return curveKey(o, []string{"x", "y"}, familyP256, familyP384, familyP521)
	case "OKP":
		return curveKey(o, []string{"x"}, familyEd25519)
	}
	return nil, "", fmt.Errorf("key's kty is %s, expected RSA, EC or OKP", strictjson.Quote(kty))
}

// curveKey lets go-jose read a key of one of these curves. go-jose sees no other member: it would reject a key for its
// certificate. rsaKey does without go-jose, which accepts no RSA key above 4096 bits.
func curveKey(o Object, coordinates []string, curves ...family) (any, family, error) {
	crv, err := o.optionalString("crv")
	if err != nil {
		return nil, "", err
	}
	if !slices.Contains(curves, family(crv)) {
		return nil, "", fmt.Errorf("key's crv is %s, expected %v", strictjson.Quote(crv), curves)
	}
	jwk := map[string]string{"crv": crv}
	jwk["kty"], _ = o.String("kty")
	for _, name := range coordinates {
		octets, err := o.octets(name)
		if err != nil {
			return nil, "", err
		}
		jwk[name] = base64.RawURLEncoding.EncodeToString(octets)
	}
	text, _ := json.Marshal(jwk) // strings have no error
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(text); err != nil {
		return nil, "", errors.New(strings.TrimPrefix(err.Error(), "go-jose/go-jose: "))
	}
	return key.Key, family(crv), nil
}

// "A key of size 2048 bits or larger MUST be used": https://www.rfc-editor.org/rfc/rfc7518#section-3.3. The upper
// bounds keep one signature from costing seconds.
const (
	minRSABits      = 2048
	maxRSABits      = 8192
	maxExponentBits = 31
)

func rsaKey(o Object) (*rsa.PublicKey, error) {
	nBytes, err := o.octets("n")
	if err != nil {
		return nil, err
	}
	eBytes, err := o.octets("e")
	if err != nil {
		return nil, err
	}
	n, e := new(big.Int).SetBytes(nBytes), new(big.Int).SetBytes(eBytes)
	switch {
	case n.BitLen() < minRSABits || n.BitLen() > maxRSABits:
		return nil, fmt.Errorf("RSA modulus has %d bits, expected %d to %d", n.BitLen(), minRSABits, maxRSABits)
	case n.Bit(0) == 0:
		return nil, errors.New("RSA modulus is even")
	case e.BitLen() > maxExponentBits:
		return nil, fmt.Errorf("RSA exponent has %d bits, expected at most %d", e.BitLen(), maxExponentBits)
	case e.Bit(0) == 0 || e.BitLen() < 2:
		return nil, fmt.Errorf("RSA exponent is %d, expected an odd number from 3", e)
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, roca.Check(n)
}

// optionalString returns "" for an absent member, and an error for one that is not a string.
func (o Object) optionalString(name string) (string, error) {
	raw, ok := o.Get(name)
	if !ok {
		return "", nil
	}
	s, ok := o.String(name)
	if !ok {
		return "", fmt.Errorf("key's %s is %s, expected a string", name, strictjson.Describe(raw))
	}
	return s, nil
}

// octets returns the bytes of a base64url member.
func (o Object) octets(name string) ([]byte, error) {
	s, ok := o.String(name)
	if !ok || s == "" {
		return nil, fmt.Errorf("key has no string %s", name)
	}
	octets, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") { // which encoding/base64 skips even when strict
		return nil, fmt.Errorf("key's %s is not base64url", name)
	}
	return octets, nil
}
