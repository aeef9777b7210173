package dpop

import (
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"okauth/pkg/internal/secret"
)

// The examples of RFC 9449: §4.1 a proof for a token request, §7.1 one for a resource and its access token, and §6.1
// the thumbprint of their key.
const (
	exampleHeader = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZ" +
		"OXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6Il" +
		"AtMjU2In19."
	exampleTokenRequest = exampleHeader + "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2V" +
		"ydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbd" +
		"LXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	exampleResourceRequest = exampleHeader + "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZ" +
		"XNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV" +
		"0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jf" +
		"xSYoMxhAJpLjA"
	exampleToken      = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	exampleThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

// opened is a proof whose signature is the one of the key in its header.
type opened struct {
	header, claims map[string]any
	key            *jose.JSONWebKey
}

// open reads a proof in the way of a server.
func open(t *testing.T, proof string) opened {
	t.Helper()
	signed, err := jose.ParseSignedCompact(proof, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	o := opened{key: signed.Signatures[0].Header.JSONWebKey}
	payload, err := signed.Verify(o.key)
	if err != nil {
		t.Fatal(err)
	}
	header, _ := base64.RawURLEncoding.DecodeString(strings.Split(proof, ".")[0])
	if err := json.Unmarshal(header, &o.header); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &o.claims); err != nil {
		t.Fatal(err)
	}
	return o
}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newProver(t *testing.T) *Prover {
	t.Helper()
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return &Prover{Key: key}
}

// A proof has what the RFC's examples have, and values in the same form. Its time lies a little back.
func TestST35_ProofsLikeThoseOfTheRFC(t *testing.T) {
	t.Parallel()
	p := newProver(t)
	for _, test := range []struct {
		example, method, url, token string
		issued                      int64
	}{
		{exampleTokenRequest, "POST", "https://server.example.com/token", "", 1562262616},
		{exampleResourceRequest, "GET", "https://resource.example.org/protectedresource", exampleToken, 1562262618},
	} {
		want := open(t, test.example)
		text, err := p.Proof(test.method, address(t, test.url), secret.New(test.token), time.Unix(test.issued, 999).Add(5*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		got := open(t, text.Reveal())
		if !slices.Equal(slices.Sorted(maps.Keys(got.header)), slices.Sorted(maps.Keys(want.header))) ||
			got.header["typ"] != want.header["typ"] || got.header["alg"] != want.header["alg"] {
			t.Errorf("header: got %v, want one like %v", got.header, want.header)
		}
		gotKey, wantKey := got.header["jwk"].(map[string]any), want.header["jwk"].(map[string]any)
		if !slices.Equal(slices.Sorted(maps.Keys(gotKey)), slices.Sorted(maps.Keys(wantKey))) {
			t.Errorf("jwk: got the members of %v, want those of %v", gotKey, wantKey)
		}
		id, _ := got.claims["jti"].(string)
		if len(id) < 16 { // "96 bits of pseudorandom data" at least
			t.Errorf("jti: got %q", id)
		}
		got.claims["jti"] = want.claims["jti"]
		if !maps.Equal(got.claims, want.claims) {
			t.Errorf("claims: got %v, want %v", got.claims, want.claims)
		}
	}
}

func TestST35_Thumbprint(t *testing.T) {
	t.Parallel()
	if got, err := thumbprint(open(t, exampleTokenRequest).key.Key); err != nil || got != exampleThumbprint {
		t.Errorf("RFC 9449 §6.1: got %s, %v", got, err)
	}
	// https://www.rfc-editor.org/rfc/rfc7638#section-3.1
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON([]byte(`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT` +
		`86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YG` +
		`jQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4l` +
		`Fd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`),
	); err != nil {
		t.Fatal(err)
	}
	if got, err := thumbprint(key.Key); err != nil || got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("RFC 7638 §3.1: got %s, %v", got, err)
	}
}

func TestST35_EachProofIsAnother(t *testing.T) {
	t.Parallel()
	p, u := newProver(t), address(t, "https://a.example/x")
	seen := map[any]bool{}
	for range 100 {
		proof, err := p.Proof("GET", u, secret.Secret{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		seen[open(t, proof.Reveal()).claims["jti"]] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d different jti in 100 proofs", len(seen))
	}
}

func TestST35_TheTargetIsTheURLWithoutQueryAndFragment(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://a.example/v1/x?y=1#z":         "https://a.example/v1/x",
		"https://A.Example":                    "https://a.example/",
		"HTTPS://user:wrong-horse@a.example/?": "https://a.example/",
		"https://a.example:443/a%2Fb%20c":      "https://a.example/a%2Fb%20c",
		"http://[::1]:8080/a&b":                "http://[::1]:8080/a&b",
		"http://127.0.0.1:80/":                 "http://127.0.0.1/",
		"https://a.example:80/":                "https://a.example:80/",
	} {
		proof, err := newProver(t).Proof("GET", address(t, text), secret.Secret{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := open(t, proof.Reveal()).claims["htu"]; got != want {
			t.Errorf("%s: got %v, want %s", text, got, want)
		}
	}
}

// Each server has a nonce of its own, and its last one counts.
func TestST35_NonceOfTheServer(t *testing.T) {
	t.Parallel()
	p := newProver(t)
	nonce := func(text string) any {
		proof, err := p.Proof("GET", address(t, text), secret.Secret{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return open(t, proof.Reveal()).claims["nonce"]
	}
	a, b := "https://a.example/token", "https://a.example:8443/token"
	if got := nonce(a); got != nil {
		t.Errorf("got nonce %v before there was one", got)
	}
	for _, header := range []http.Header{
		{}, {"Dpop-Nonce": {""}}, {"Dpop-Nonce": {"a b"}}, {"Dpop-Nonce": {`a"b`}}, {"Dpop-Nonce": {"a\x1b"}},
		{"Dpop-Nonce": {"é"}}, {"Dpop-Nonce": {"one", "two"}}, {"Dpop-Nonce": {strings.Repeat("n", 2000)}},
	} {
		if p.Remember(address(t, a), header) || p.Nonce(address(t, a)) != "" {
			t.Errorf("took a nonce from %q", header)
		}
	}
	for _, want := range []string{"one", "two!#[]~"} {
		header := http.Header{}
		header.Set("dpop-nonce", want)
		if !p.Remember(address(t, a), header) || nonce("https://A.example:443/other") != want {
			t.Errorf("got nonce %v, want %s", nonce(a), want)
		}
	}
	if got := nonce(b); got != nil {
		t.Errorf("another server got the nonce %v", got)
	}
}

func TestST35_KeysSurviveTheStore(t *testing.T) {
	t.Parallel()
	key := newProver(t).Key
	again, err := ParseKey(key.Text())
	if err != nil || again.Thumbprint() != key.Thumbprint() || !again.Text().Equal(key.Text()) {
		t.Fatalf("got %s, %v, want %s", again.Thumbprint(), err, key.Thumbprint())
	}
	u := address(t, "https://a.example/")
	proof, err := (&Prover{Key: again}).Proof("GET", u, secret.Secret{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	public := open(t, proof.Reveal()).key.Key.(*ecdsa.PublicKey)
	if got, err := thumbprint(public); err != nil || got != key.Thumbprint() {
		t.Errorf("got a proof of %s, %v, want %s", got, err, key.Thumbprint())
	}
	text := key.Text().Reveal()
	for _, bad := range []string{
		"", "x", text[1:], text + "AA", strings.Repeat("A", 43), strings.Repeat("_", 42) + "8", "+" + text[1:],
	} {
		if _, err := ParseKey(secret.New(bad)); err != errDamaged {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", again, again, Prover{Key: again}); strings.Contains(shown, text) {
		t.Errorf("a key shows itself: %s", shown)
	}
}
