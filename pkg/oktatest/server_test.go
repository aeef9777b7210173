package oktatest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1"} {
		if s, err := oktatest.Start(oktatest.Options{Addr: addr}); err == nil {
			t.Errorf("%q: got a server at %s, want an error", addr, s.URL())
			_ = s.Close()
		}
	}
	s := start(t, oktatest.Options{Addr: "localhost:0"})
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
		t.Errorf("localhost: got %s", s.URL())
	}
	if _, err := oktatest.Start(oktatest.Options{Addr: strings.TrimPrefix(s.URL(), "http://")}); err == nil {
		t.Error("the same address twice: got no error")
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{TLS: true})
	if !strings.HasPrefix(s.URL(), "https://127.0.0.1:") {
		t.Errorf("got %s", s.URL())
	}
	if got := send(t, s, good(t, s)); got.Status != 200 {
		t.Errorf("got %d %s", got.Status, got.Text)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(s.CAPEM()) {
		t.Errorf("the authority is no certificate: %s", s.CAPEM())
	}
	if _, err := new(http.Client).Get(s.URL()); err == nil {
		t.Error("a client that does not know the authority: got an answer")
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL(), "https://"), ":")
	local := "https://localhost:" + port
	if got := get(t, s, local+"/.well-known/openid-configuration", ""); got.member(t, "issuer") != local {
		t.Errorf("issuer by another name: got %s, want %s", got.member(t, "issuer"), local)
	}
}

func TestBadCertificates(t *testing.T) {
	t.Parallel()
	var expired x509.CertificateInvalidError
	s := start(t, oktatest.Options{EditCertificate: func(leaf *x509.Certificate) { leaf.NotAfter = time.Now().Add(-time.Minute) }})
	if _, err := s.Client().Get(s.URL()); !errors.As(err, &expired) {
		t.Errorf("expired: got %v", err)
	}
	var name x509.HostnameError
	s = start(t, oktatest.Options{EditCertificate: func(leaf *x509.Certificate) { leaf.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} }})
	if _, err := s.Client().Get(s.URL()); !errors.As(err, &name) {
		t.Errorf("another name: got %v", err)
	}
	s = start(t, oktatest.Options{EditTLS: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }})
	if _, err := s.Client().Get(s.URL()); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: got %v", err)
	}
}

// The issuer follows the name the client used only where the name is one of loopback's.
func TestIssuerOfForeignHost(t *testing.T) {
	t.Parallel()
	s := start(t)
	r, err := http.NewRequest(http.MethodGet, s.URL()+"/oauth2/default/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example.com"
	if got := send(t, s, r).member(t, "issuer"); got != s.Issuer("default") {
		t.Errorf("got %s, want %s", got, s.Issuer("default"))
	}
	if got := s.Issuer(oktatest.OrgServerID); got != s.URL() {
		t.Errorf("org issuer: got %s, want %s", got, s.URL())
	}
}

// In a container, other machines call the server by a name that it cannot know.
func TestAllowRemote(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "127.0.0.1:0"} {
		s := start(t, oktatest.Options{Addr: addr, AllowRemote: true})
		if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") || !strings.HasPrefix(s.Issuer("default"), s.URL()) {
			t.Errorf("%q: got %s, %s", addr, s.URL(), s.Issuer("default"))
		}
		r, err := http.NewRequest(http.MethodGet, s.URL()+"/oauth2/default/.well-known/openid-configuration", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "okta:8080"
		got := send(t, s, r)
		if got.member(t, "issuer") != "http://okta:8080/oauth2/default" || got.member(t, "jwks_uri") != "http://okta:8080/oauth2/default/v1/keys" {
			t.Errorf("%q: got %s", addr, got.Text)
		}
	}
	if s, err := oktatest.Start(oktatest.Options{Addr: "example.com:0", AllowRemote: true}); err == nil || !strings.Contains(err.Error(), "not an IP address") {
		t.Errorf("got %v, %v", s, err)
	}
	s := start(t, oktatest.Options{AllowRemote: true, TLS: true, Issuer: "https://okta.test:8443"})
	r, err := http.NewRequest(http.MethodGet, s.URL()+"/oauth2/default/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "192.0.2.1:8443"
	if got := send(t, s, r); got.member(t, "issuer") != "https://okta.test:8443/oauth2/default" ||
		got.member(t, "token_endpoint") != "https://192.0.2.1:8443/oauth2/default/v1/token" {
		t.Errorf("got %s", got.Text)
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.URL(), "https://"), &tls.Config{
		ServerName: "okta.test", RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
	})
	if err != nil {
		t.Fatalf("the certificate is not for the issuer: %v", err)
	}
	conn.Close()
}

// Each request is logged once, when its answer begins.
func TestLogged(t *testing.T) {
	t.Parallel()
	logged := make(chan oktatest.Request, 10)
	s := start(t, oktatest.Options{Logged: func(r oktatest.Request) { logged <- r }})
	send(t, s, good(t, s))
	bad := good(t, s)
	bad.SetBasicAuth(oktatest.DefaultClientID, "wrong")
	send(t, s, bad)
	for _, want := range []string{": 200", ": 401 invalid_client"} {
		if r := <-logged; !strings.HasSuffix(r.String(), want) {
			t.Errorf("got %s, want %s", r, want)
		}
	}
	if len(logged) > 0 {
		t.Errorf("logged again: %s", <-logged)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	s := start(t)
	res := send(t, s, good(t, s))
	got := s.Requests()
	if len(got) != 1 {
		t.Fatalf("got %d requests, want 1", len(got))
	}
	r := got[0]
	id, secret, ok := (&http.Request{Header: r.Header}).BasicAuth()
	if r.Method != "POST" || r.Path != "/oauth2/default/v1/token" || r.Form.Get("password") != oktatest.DefaultPassword || !r.Time.Equal(testTime) || !ok ||
		id != oktatest.DefaultClientID || secret != oktatest.DefaultClientSecret || r.Status != 200 || r.RequestID != res.Header.Get("X-Okta-Request-Id") {
		t.Errorf("got %v: not what was sent", r)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q", r, r, r, got, got)
	for _, hidden := range []string{oktatest.DefaultPassword, oktatest.DefaultUser, r.Header.Get("Authorization"), oktatest.DefaultClientSecret} {
		if strings.Contains(shown, hidden) {
			t.Errorf("shows %q", hidden)
		}
	}
	if want := `POST "/oauth2/default/v1/token" ["grant_type" "password" "scope" "username"]: 200`; r.String() != want {
		t.Errorf("got %s, want %s", r, want)
	}
	s.ResetRequests()
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("after the reset: got %v", got)
	}
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	s := start(t)
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client().Get(s.URL()); err == nil {
		t.Error("closed server: got an answer")
	}
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{}})
	const workers = 16
	statuses := make(chan int, workers)
	client := s.Client()
	for i := range workers {
		r := good(t, s)
		go func() {
			s.AddUser(oktatest.User{Login: fmt.Sprintf("user%d@example.com", i)})
			s.Fail("/nowhere", oktatest.HTML(500))
			s.Clock().Advance(time.Millisecond)
			res, err := client.Do(r)
			if err != nil {
				statuses <- 0
				return
			}
			_ = res.Body.Close()
			_ = fmt.Sprint(s.Requests())
			statuses <- res.StatusCode
		}()
	}
	for range workers {
		if got := <-statuses; got != 200 {
			t.Errorf("got %d, want 200", got)
		}
	}
	if got := len(s.Requests()); got != workers {
		t.Errorf("log: got %d requests, want %d", got, workers)
	}
}

// Whatever arrives at /token is answered: with tokens, or with a refusal in one of the two shapes.
func FuzzToken(f *testing.F) {
	f.Add(basic(oktatest.DefaultClientID+":"+oktatest.DefaultClientSecret), "grant_type=password&username=alice%40example.com&password=x&scope=openid")
	f.Add("", "grant_type=password&client_id="+oktatest.PublicClientID)
	f.Add(basic(oktatest.DefaultClientID+":"+oktatest.DefaultClientSecret), "grant_type=refresh_token&refresh_token=canary&scope=openid")
	f.Add("Basic \x00", "grant_type=%zz&&=")
	f.Add("Basic Og==", "a=1&a=2")
	s := oktatest.ForTest(f, oktatest.Options{Keys: testKeys, Limits: &oktatest.Limits{}})
	client := s.Client()
	f.Fuzz(func(t *testing.T, authorization, body string) {
		r := good(t, s)
		r.Header["Authorization"] = []string{authorization}
		setBody(r, body)
		s.ResetRequests()
		res, err := client.Do(r)
		if err != nil {
			if len(s.Requests()) > 0 {
				t.Fatalf("arrived and was not answered: %v", err)
			}
			return // no HTTP client sends such a header
		}
		defer res.Body.Close()
		var object map[string]any
		if err := json.NewDecoder(res.Body).Decode(&object); err != nil {
			t.Fatalf("got %d and no JSON object: %v", res.StatusCode, err)
		}
		if refused := object["error"] != nil || object["errorCode"] != nil; refused == (res.StatusCode == 200) && res.StatusCode != 501 {
			t.Fatalf("got %d with %v", res.StatusCode, object)
		}
	})
}
