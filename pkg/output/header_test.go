package output_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"strings"
	"testing"

	"okauth/pkg/okta/dpop"
	"okauth/pkg/output"
)

// boundToken is bound to a key, and counts how often that is opened.
func boundToken(t *testing.T) (bound output.Token, opened *int) {
	t.Helper()
	key, err := dpop.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	bound, opened = token(), new(int)
	bound.TokenType = "DPoP"
	bound.Prover = func() (*dpop.Prover, error) { *opened++; return &dpop.Prover{Key: key}, nil }
	return bound, opened
}

func TestST35_HeadersOfABoundToken(t *testing.T) {
	t.Parallel()
	bound, _ := boundToken(t)
	request, err := output.NewRequest("POST", "https://api.example.com/v1/orders?secret=x#y")
	if err != nil {
		t.Fatal(err)
	}
	value := regexp.QuoteMeta(bound.Value.Reveal())
	for format, want := range map[string]string{
		"header": `^Authorization: DPoP ` + value + `\nDPoP: ([\w-]+\.[\w-]+\.[\w-]+)\n$`,
		"curl":   `^header = "Authorization: DPoP ` + value + `"\nheader = "DPoP: ([\w-]+\.[\w-]+\.[\w-]+)"\n$`,
	} {
		o := in(format)
		o.Request = request
		var w oneWrite
		if err := o.Write(&w, bound); err != nil || w.calls != 1 {
			t.Fatalf("%s: %v, %d calls", format, err, w.calls)
		}
		found := regexp.MustCompile(want).FindStringSubmatch(w.String())
		if found == nil {
			t.Fatalf("%s: got %s", format, w.String())
		}
		var claims map[string]any
		text, _ := base64.RawURLEncoding.DecodeString(strings.Split(found[1], ".")[1])
		if err := json.Unmarshal(text, &claims); err != nil {
			t.Fatal(err)
		}
		delete(claims, "jti")
		if want := map[string]any{
			"htm": "POST", "htu": "https://api.example.com/v1/orders", "iat": float64(now.Unix() - 5), // for clocks that differ
			"ath": "QQIj8ZYHIJWDyy3I-UvYFkPiZt-0rS57C5v4PlMWIbY", // openssl dgst -sha256 -binary | basenc --base64url
		}; !maps.Equal(claims, want) {
			t.Errorf("%s: got %v, want %v", format, claims, want)
		}
	}
}

// A key is opened for a proof and for nothing else.
func TestST35_FormatsWithoutAProof(t *testing.T) {
	t.Parallel()
	bound, opened := boundToken(t)
	for _, format := range output.Formats() {
		want := map[string]error{
			"header": output.ErrNoRequest, "curl": output.ErrNoRequest, "exec-credential": output.ErrBound,
		}[format]
		var b bytes.Buffer
		err := in(format).Write(&b, bound)
		if !errors.Is(err, want) || (b.Len() > 0) != (want == nil) || *opened != 0 {
			t.Errorf("%s: got %q, %v, opened %d times, want %v", format, b.String(), err, *opened, want)
		}
		if format == "json" && !strings.Contains(b.String(), `"token_type":"DPoP"`) {
			t.Errorf("got %s", b.String())
		}
	}
	bound.Prover = nil
	if err := in("header").Write(&bytes.Buffer{}, bound); err == nil {
		t.Error("a token of type DPoP without a key was written as a bearer token")
	}
	bound.Prover = func() (*dpop.Prover, error) { return nil, errors.New("damaged") }
	o := in("curl")
	o.Request, _ = output.NewRequest("GET", "https://a.example")
	var b bytes.Buffer
	if err := o.Write(&b, bound); err == nil || b.Len() > 0 {
		t.Errorf("a damaged key: got %q, %v", b.String(), err)
	}
}

// A bearer token takes no notice of the request.
func TestHeadersOfABearerToken(t *testing.T) {
	t.Parallel()
	o := in("header")
	o.Request, _ = output.NewRequest("GET", "http://127.0.0.1:8080")
	var b bytes.Buffer
	if err := o.Write(&b, token()); err != nil || b.String() != "Authorization: Bearer canary.access-token_~+/==\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestNewRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method, url string
		ok          bool
	}{
		{"GET", "https://api.example.com", true}, {"post", "http://[::1]:8080/x?y", true}, {"X-M!", "HTTPS://a/b", true},
		{"GET", "", false}, {"GET", "api.example.com/v1", false}, {"GET", "/v1", false}, {"GET", "//a/v1", false},
		{"GET", "ftp://a/", false}, {"GET", "https://", false}, {"GET", "https:a", false}, {"GET", "https://a b/", false},
		{"GET", "https://canary:canary@a/", false}, {"GET", "https://a/\n", false}, {"GET", "https://a:x/", false},
		{"", "https://a/", false}, {"G T", "https://a/", false}, {"GET\r\nX: y", "https://a/", false}, {"É", "https://a/", false},
	} {
		_, err := output.NewRequest(test.method, test.url)
		if (err == nil) != test.ok || err != nil && strings.ContainsAny(err.Error(), "\r\n") ||
			err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%q %q: got %v", test.method, test.url, err)
		}
	}
}
