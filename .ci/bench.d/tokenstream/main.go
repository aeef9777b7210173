// tokenstream KEYS ISSUER CLIENT N writes N RS256 access tokens to standard output, one per line, as Okta makes them,
// and the key set that verifies them to the file KEYS. A tenth of them differ: signing takes twenty times as long as
// verifying.
package main

import (
	"bufio"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: tokenstream KEYS ISSUER CLIENT N")
	}
	n, err := strconv.Atoi(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	modulus := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
	set := `{"keys":[{"kty":"RSA","alg":"RS256","kid":"` + keyID + `","use":"sig","e":"AQAB","n":"` + modulus + `"}]}`
	if err := os.WriteFile(os.Args[1], []byte(set), 0o600); err != nil {
		log.Fatal(err)
	}
	tokens := make([]string, max(1, n/10))
	var wg sync.WaitGroup
	for first := range runtime.NumCPU() {
		wg.Go(func() {
			for i := first; i < len(tokens); i += runtime.NumCPU() {
				tokens[i] = sign(key, i, os.Args[2], os.Args[3])
			}
		})
	}
	wg.Wait()
	out := bufio.NewWriter(os.Stdout)
	for i := range n {
		fmt.Fprintln(out, tokens[i%len(tokens)])
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

const keyID = "U5R8cHbGw445Qbq8zVO1PcCpXL8yG6IcovVa3laCoxM"

func sign(key *rsa.PrivateKey, i int, issuer, client string) string {
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"ver":1,"jti":"AT.%043d","iss":%q,"aud":"api://default","iat":%d,"exp":%d,"cid":%q,`+
		`"uid":"00u1exampleUser0x1d7","scp":["openid","profile","email"],"auth_time":%d,"sub":"jane@example.com"}`,
		i, issuer, now, now+36000, client, now)
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"kid":"`+keyID+`","alg":"RS256"}`)) +
		"." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		log.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}
