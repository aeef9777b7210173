package jwt_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"time"

	"okauth/pkg/jwt"
)

// Parse only looks. Nothing may be decided by what it shows.
func ExampleParse() {
	token := "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODB9."
	u, err := jwt.Parse(token)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range u.Claims {
		fmt.Printf("%s: %s\n", m.Name, m.Value)
	}
	fmt.Println("unsecured:", u.Unsecured())
	// Output:
	// iss: "joe"
	// exp: 1300819380
	// unsecured: true
}

// An API decides by what Verify returns. A program that lives longer gets the keys from the issuer's jwks_uri, and
// implements [jwt.KeySource] to get them anew when a token names one that is not among them.
func ExampleVerifier_Verify() {
	key, token := exampleToken(`{"iss":"https://dev-1.okta.com/oauth2/default","aud":"api://orders","sub":"jane@example.com",` +
		`"iat":1700000000,"exp":1700003600,"cid":"0oaexample","scp":["orders.read"]}`)
	keys, err := jwt.ParseKeySet(key)
	if err != nil {
		log.Fatal(err)
	}
	config := jwt.Config{
		Kind:       jwt.KindAccess,
		Issuer:     "https://dev-1.okta.com/oauth2/default",
		Audience:   "api://orders",
		Algorithms: []string{"ES256"},
		Leeway:     jwt.DefaultLeeway,
		Now:        func() time.Time { return time.Unix(1_700_000_600, 0) },
	}
	verifier, err := jwt.NewVerifier(config, keys)
	if err != nil {
		log.Fatal(err)
	}
	claims, err := verifier.Verify(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	sub, _ := claims.String("sub")
	scopes, _ := claims.Strings("scp")
	fmt.Println(sub, scopes)

	config.Audience = "api://billing"
	if verifier, err = jwt.NewVerifier(config, keys); err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(context.Background(), token)
	if invalid, ok := errors.AsType[*jwt.InvalidError](err); ok {
		fmt.Println("rejected because of", invalid.Report.Reason())
	}
	// Output:
	// jane@example.com [orders.read]
	// rejected because of aud
}

// exampleToken plays the authorization server: it returns a key set and a token signed with the key in it.
func exampleToken(claims string) (keySet []byte, token string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	octets := base64.RawURLEncoding.EncodeToString
	token = octets([]byte(`{"alg":"ES256","kid":"k1"}`)) + "." + octets([]byte(claims))
	sum := sha256.Sum256([]byte(token))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		log.Fatal(err)
	}
	size := crypto.SHA256.Size()
	token += "." + octets(append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...))
	point, err := key.PublicKey.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	return fmt.Appendf(nil, `{"keys":[{"kty":"EC","kid":"k1","use":"sig","crv":"P-256","x":%q,"y":%q}]}`, octets(point[1:33]), octets(point[33:])), token
}
