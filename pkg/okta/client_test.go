package okta

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"okauth/pkg/okta/clientauth"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/transport"
)

const (
	goodAnswer   = `{"token_type":"Bearer","expires_in":3600,"access_token":"canary-access","scope":"openid","id_token":"canary.id.token"}`
	password     = "wrong-horse&=+% \"'\\ ünïcode "
	clientSecret = "canary-client-secret"
)

// The requests of a Client, as tests name them.
var (
	signIn        = RequestInfo{Operation: OperationToken, GrantType: "password"}
	clientSignIn  = RequestInfo{Operation: OperationToken, GrantType: "client_credentials"}
	refresh       = RequestInfo{Operation: OperationToken, GrantType: "refresh_token"}
	probe         = RequestInfo{Operation: OperationProbe, GrantType: "password"}
	revocation    = RequestInfo{Operation: OperationRevoke}
	introspection = RequestInfo{Operation: OperationIntrospect}
	userInfo      = RequestInfo{Operation: OperationUserInfo}
	discovery     = RequestInfo{Operation: OperationMetadata}
	keys          = RequestInfo{Operation: OperationKeys}
	organization  = RequestInfo{Operation: OperationOrganization}
)

func form() url.Values {
	return url.Values{"grant_type": {"password"}, "username": {"alice@example.com"}, "password": {password},
		"scope": {"openid"}}
}

// refreshToken has characters that a form encodes.
const refreshToken = "canary-refresh+/.~=="

func refreshForm() url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}}
}

// askAbout makes the request at a server that answers with handler, and returns its error.
func askAbout(t *testing.T, about RequestInfo, handler http.HandlerFunc) error {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	return send(t.Context(), t, about, clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second}))
}

func send(ctx context.Context, t *testing.T, about RequestInfo, client *Client) (err error) {
	t.Helper()
	switch about {
	case refresh:
		_, err = client.Token(ctx, refreshForm())
	case clientSignIn:
		_, err = client.Token(ctx, url.Values{"grant_type": {"client_credentials"}, "scope": {"api:read"}})
	case revocation:
		err = client.Revoke(ctx, NewSecret(refreshToken), "refresh_token")
	case introspection:
		_, err = client.Introspect(ctx, NewSecret(refreshToken), "refresh_token")
	case probe:
		err = client.ProbeGrant(ctx, "password", "username")
	case discovery:
		_, err = client.Metadata(ctx)
	case keys:
		_, err = client.Keys(ctx, client.Server.Endpoint("keys"))
	case userInfo:
		_, err = client.UserInfo(ctx, NewSecret(refreshToken))
	case organization:
		_, err = client.Organization(ctx)
	default:
		_, err = client.Token(ctx, form())
	}
	checkHarmless(t, err)
	return err
}

// clientFor returns a confidential client for the server at base, with the given time for one request.
func clientFor(t *testing.T, base string, config transport.Config) *Client {
	t.Helper()
	server, err := NewAuthorizationServer(base, "default")
	if err != nil {
		t.Fatal(err)
	}
	httpClient, err := transport.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(httpClient.CloseIdleConnections)
	return &Client{Server: server, ID: "0oatest", Auth: clientauth.ForSecret(NewSecret(clientSecret)),
		HTTP: httpClient, UserAgent: "okauth/1.2.3"}
}

// ask sends the form to a server that answers with handler.
func ask(t *testing.T, handler http.HandlerFunc) (*TokenResponse, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	tokens, err := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second}).Token(t.Context(), form())
	checkHarmless(t, err)
	return tokens, err
}

// respond answers every request in one way.
func respond(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.Header().Set("X-Okta-Request-Id", "reqVy8wsvmBQN27h4soUE3ZEnA")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// checkHarmless fails where an error shows a secret or more than one printable line.
func checkHarmless(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := err.Error()
	for _, canary := range []string{"canary", "wrong-horse", url.QueryEscape(password),
		url.QueryEscape("refresh+/.~=="), base64.StdEncoding.EncodeToString([]byte("0oatest:" + clientSecret))} {
		if strings.Contains(text, canary) {
			t.Errorf("error shows %q: %s", canary, text)
		}
	}
	if Sanitize(text, 2000) != text {
		t.Errorf("error is not one printable line: %q", text)
	}
}

func TestST05_ST11_ST13_ConfidentialRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		got = r
		respond(200, "application/json;charset=UTF-8", goodAnswer)(w, r)
	}))
	defer server.Close()
	client := clientFor(t, server.URL, transport.Config{})
	client.ID, client.Auth = "0oa:b c%", clientauth.ForSecret(NewSecret("canary +:&é"))
	sent := form()
	if _, err := client.Token(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.URL.Path != "/oauth2/default/v1/token" || got.URL.RawQuery != "" ||
		got.Proto != "HTTP/1.1" {
		t.Errorf("got %s %s %s", got.Method, got.URL, got.Proto)
	}
	if got.PostForm.Encode() != form().Encode() || sent.Encode() != form().Encode() {
		t.Errorf("got the form %v", got.PostForm)
	}
	id, pw, _ := got.BasicAuth()
	if id != "0oa%3Ab+c%25" || pw != "canary+%2B%3A%26%C3%A9" {
		t.Errorf("got the credentials %q, %q", id, pw)
	}
	for name, want := range map[string]string{"Accept": "application/json",
		"Content-Type": "application/x-www-form-urlencoded",
		"User-Agent":   "okauth/1.2.3", "Origin": "", "Cookie": "", "Referer": ""} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
}

func TestST19_PublicClientSendsItsIDInTheForm(t *testing.T) {
	t.Parallel()
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		got = r
		respond(200, "application/json", goodAnswer)(w, r)
	}))
	defer server.Close()
	client := clientFor(t, server.URL, transport.Config{})
	client.Auth = clientauth.ForSecret(Secret{})
	if _, err := client.Token(t.Context(), form()); err != nil {
		t.Fatal(err)
	}
	want := form()
	want.Set("client_id", "0oatest")
	if got.PostForm.Encode() != want.Encode() || got.Header.Get("Authorization") != "" {
		t.Errorf("got %v, Authorization %q", got.PostForm, got.Header.Get("Authorization"))
	}
	client.ID = ""
	if _, err := client.Token(t.Context(), form()); err == nil {
		t.Error("an empty client id was sent")
	}
}

func TestST06_TokensAreDecoded(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	answer := respond(200, "application/json", `{"token_type":"bearer","expires_in":3600,"access_token":"canary-a~+/_.b==",
		"scope":"offline_access openid","refresh_token":"canary-r","id_token":"canary.i.d","unknown":{"deep":[1,{"a":null}]}}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", at.Format(http.TimeFormat)) // the clocks agree
		answer(w, r)
	}))
	defer server.Close()
	client := clientFor(t, server.URL, transport.Config{})
	client.Now = func() time.Time { return at }
	asked := form()
	asked.Set("scope", "openid offline_access")
	got, err := client.Token(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessToken.Reveal() != "canary-a~+/_.b==" || got.RefreshToken.Reveal() != "canary-r" ||
		got.IDToken.Reveal() != "canary.i.d" ||
		got.TokenType != "Bearer" || got.ExpiresIn != time.Hour || !got.ObtainedAt.Equal(at) ||
		!slices.Equal(got.Scope, []string{"offline_access", "openid"}) || len(got.Warnings) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestST10_AT01_RedirectNeverGetsThePassword(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for target, host := range map[string]string{
			other.URL + "/oauth2/default/v1/token": strings.TrimPrefix(other.URL, "http://"),
			"/login":                               "127.0.0.1",
			"https://dev-1.оkta.com/":              `dev-1.\u043ekta.com`,
			"https://a\u202eb.example/":            `a\u202eb.example`,
			"https://u:canary-pw@evil.example":     "evil.example",
			"":                                     "an unreadable address",
		} {
			var hits atomic.Int32
			_, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
				hits.Add(1)
				w.Header()["Location"] = []string{target}
				w.WriteHeader(status)
			})
			unusable, ok := errors.AsType[*ResponseError](err)
			if !ok || !strings.Contains(err.Error(), host) || unusable.Redirect == "" || unusable.Status != status {
				t.Errorf("%d to %q: got %v", status, target, err)
			}
			if hits.Load() != 1 {
				t.Errorf("%d to %q: %d requests, want 1", status, target, hits.Load())
			}
		}
		if _, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{"http://[canary\x1b%"}
			w.WriteHeader(status)
		}); err == nil {
			t.Errorf("%d to garbage: no error", status)
		}
	}
	if elsewhere.Load() != 0 {
		t.Errorf("another host got %d requests", elsewhere.Load())
	}
}

// A stranger's http.Client would follow redirects and keep cookies.
func TestAT01_AnyHTTPClientIsMadeToStay(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "/again", http.StatusFound)
	}))
	defer server.Close()
	client := clientFor(t, server.URL, transport.Config{})
	client.HTTP = &http.Client{}
	if _, err := client.Token(t.Context(), form()); err == nil || hits.Load() != 1 {
		t.Errorf("got %v after %d requests", err, hits.Load())
	}
}

// rawServer reads each request to its end and lets answer write what it likes before the connection is closed.
type rawServer struct{ requests atomic.Int32 }

func startRaw(t *testing.T, answer func(net.Conn)) (*rawServer, string) {
	t.Helper()
	s := &rawServer{}
	listener := listenOn(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			if s.requests.Add(1); answer == nil {
				return
			}
			answer(conn)
		}
	})
	return s, "http://" + listener.Addr().String()
}

func TestAT14_LostAnswerIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	server, base := startRaw(t, nil)
	client := clientFor(t, base, transport.Config{Timeout: 5 * time.Second})
	if req, _, err := client.build(t.Context(), request{form: form()}); err != nil || req.GetBody != nil {
		t.Errorf("net/http could send the form again by itself (%v)", err)
	}
	_, err := client.Token(t.Context(), form())
	checkHarmless(t, err)
	lost, ok := errors.AsType[*NetworkError](err)
	if !ok || lost.Phase != transport.PhaseAwait && lost.Phase != transport.PhaseRead {
		t.Errorf("got %v", err)
	}
	if n := server.requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// On a connection that was used before, net/http would send an idempotent request again by itself.
func TestAT14_LostAnswerOnAKeptConnection(t *testing.T) {
	t.Parallel()
	var served atomic.Int32
	server, base := startRaw(t, func(conn net.Conn) {
		if served.Add(1) > 1 {
			conn.Close()
			return
		}
		io.WriteString(conn,
			"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(goodAnswer))+"\r\n\r\n"+goodAnswer)
	})
	client := clientFor(t, base, transport.Config{Timeout: 5 * time.Second})
	if _, err := client.Token(t.Context(), form()); err != nil {
		t.Fatal(err)
	}
	_, err := client.Token(t.Context(), form())
	checkHarmless(t, err)
	if _, ok := errors.AsType[*NetworkError](err); !ok || server.requests.Load() != 2 {
		t.Errorf("got %v after %d requests, want 2", err, server.requests.Load())
	}
}

func TestCancelIsSeen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	_, err := clientFor(t, server.URL, transport.Config{}).Token(ctx, form())
	checkHarmless(t, err)
	if _, isNetwork := errors.AsType[*NetworkError](err); !errors.Is(err, context.Canceled) || isNetwork {
		t.Errorf("got %v, want a plain cancellation", err)
	}
}
