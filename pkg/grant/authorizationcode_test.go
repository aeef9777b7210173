package grant

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
)

// org is a token endpoint that gives tokens for the code "good", and what the browser of a test sees.
type org struct {
	*okta.Client
	redirect string
	mu       sync.Mutex
	forms    []url.Values
	claims   map[string]any // of the ID token, beside the good ones
	arrived  func()         // called for each request before its answer
}

func newAuthorizer(t *testing.T) *org {
	t.Helper()
	o := new(org)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		if o.arrived != nil {
			o.arrived()
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.forms = append(o.forms, r.PostForm)
		w.Header().Set("Content-Type", "application/json")
		if r.PostForm.Get("code") != "good" {
			w.WriteHeader(400)
			io.WriteString(w, `{"error":"invalid_grant","error_description":"The authorization code is invalid or has expired."}`)
			return
		}
		claims := map[string]any{"iss": o.Server.Issuer(), "aud": o.ID, "sub": "00u1", "iat": time.Now().Unix(),
			"exp": time.Now().Add(time.Hour).Unix(), "preferred_username": "alice@example.com"}
		for name, value := range o.claims {
			claims[name] = value
		}
		text, _ := json.Marshal(claims)
		part := base64.RawURLEncoding.EncodeToString
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"canary-access","scope":"openid",`+
			`"id_token":"%s.%s.%s"}`, part([]byte(`{"alg":"RS256"}`)), part(text), part([]byte("x")))
	}))
	t.Cleanup(server.Close)
	at, err := okta.NewAuthorizationServer(server.URL, "default")
	if err != nil {
		t.Fatal(err)
	}
	o.Client = &okta.Client{Server: at, ID: "0oatest", HTTP: server.Client(),
		Auth: clientauth.ForSecret(okta.NewSecret("canary-client-secret"))}
	o.redirect = "http://" + freePort(t, "127.0.0.1") + "/callback"
	return o
}

func freePort(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// browser is the Interaction of a person who does something with the sign-in page.
type browser struct {
	Interaction
	opened  Browser
	params  url.Values // of the authorization request
	visit   func(b *browser)
	visited sync.WaitGroup
	done    atomic.Int32
	err     error
}

func (b *browser) OpenBrowser(_ context.Context, opened Browser) (func(), error) {
	b.opened = opened
	u, err := url.Parse(opened.Address)
	if err != nil {
		return nil, err
	}
	b.params = u.Query()
	if b.err != nil {
		return nil, b.err
	}
	if b.visit != nil {
		b.visited.Go(func() { b.visit(b) })
	}
	return func() { b.done.Add(1) }, nil
}

// back is the address at which Okta sends the browser back, with more parameters.
func (b *browser) back(params ...string) string {
	query := url.Values{"state": {b.params.Get("state")}}
	for i := 0; i < len(params); i += 2 {
		query.Set(params[i], params[i+1])
	}
	return b.params.Get("redirect_uri") + "?" + query.Encode()
}

// get opens a page as a browser does and returns the status, the header and the text.
func get(t *testing.T, method, address string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Error(err)
		return 0, nil, ""
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, address, err)
		return 0, nil, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || method != "HEAD" && resp.ContentLength != int64(len(text)) { // what needs an end of chunks may lack it
		t.Errorf("%s %s: %v after %d of %d bytes", method, address, err, len(text), resp.ContentLength)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func (o *org) grant() AuthorizationCode {
	return AuthorizationCode{Scopes: []string{"openid", "profile"}, RedirectURI: o.redirect}
}

// signIn signs in with what visit does in the browser.
func (o *org) signIn(t *testing.T, g AuthorizationCode, visit func(*browser)) (*browser, *okta.TokenResponse, error) {
	t.Helper()
	b := &browser{visit: visit}
	tokens, err := g.Token(t.Context(), o.Client, b)
	b.visited.Wait()
	if n := b.done.Load(); n != 1 {
		t.Errorf("done was called %d times", n)
	}
	return b, tokens, err
}

// What is sent, in the browser and by okauth, and what the browser shows in the end.
func TestST18_AuthorizationCodeWithPKCE(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	g := o.grant()
	g.Username, g.ACRValues, g.Prompt = "alice@example.com", []string{"urn:okta:loa:2fa:any", "phr"}, "login"
	var nonces, states []string
	for range 2 {
		b, tokens, err := o.signIn(t, g, func(b *browser) {
			o.mu.Lock()
			o.claims = map[string]any{"nonce": b.params.Get("nonce"), "preferred_username": "<i>alice</i>\x1b"}
			o.mu.Unlock()
			status, header, text := get(t, "GET", b.back("code", "good", "iss", o.Server.Issuer()),
				"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "cross-site")
			if status != 200 || !strings.Contains(text, "okauth is signed in as &lt;i&gt;alice&lt;/i&gt;\ufffd.") {
				t.Errorf("got HTTP %d: %s", status, text)
			}
			checkPageIsHarmless(t, header, text)
		})
		if err != nil || tokens.AccessToken.Reveal() != "canary-access" || tokens.Nonce != b.params.Get("nonce") ||
			CheckIDToken(tokens, o.Server.Issuer(), o.ID) != nil {
			t.Fatalf("got %+v, %v", tokens, err)
		}
		if !strings.Contains(strings.Join(tokens.Warnings, ""), `requested "openid profile", granted "openid"`) {
			t.Errorf("got the warnings %q", tokens.Warnings)
		}
		form, state, nonce := o.forms[len(o.forms)-1], b.params.Get("state"), b.params.Get("nonce")
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		want := url.Values{
			"client_id": {"0oatest"}, "response_type": {"code"}, "scope": {"openid profile"}, "state": {state},
			"nonce": {nonce}, "redirect_uri": {o.redirect}, "code_challenge_method": {"S256"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "login_hint": {"alice@example.com"},
			"acr_values": {"urn:okta:loa:2fa:any phr"}, "prompt": {"login"},
		}
		if !strings.HasPrefix(b.opened.Address, o.Server.Endpoint("authorize")+"?") || b.params.Encode() != want.Encode() {
			t.Errorf("the browser was sent to %s, want %v", b.opened.Address, want)
		}
		if n := len(form.Get("code_verifier")); n < 43 || n > 128 || len(form) != 4 ||
			form.Get("redirect_uri") != o.redirect || form.Get("grant_type") != "authorization_code" {
			t.Errorf("got the form %v", form)
		}
		if left := time.Until(b.opened.Expires); left < 4*time.Minute || left > 5*time.Minute {
			t.Errorf("%s are left", left)
		}
		nonces, states = append(nonces, nonce), append(states, state)
	}
	if nonces[0] == nonces[1] || states[0] == states[1] || nonces[0] == states[0] || len(states[0]) < 22 {
		t.Errorf("got the nonces %q and the states %q", nonces, states)
	}
	g = o.grant()
	b, _, _ := o.signIn(t, g, func(b *browser) { get(t, "GET", b.back("code", "good")) })
	for _, name := range []string{"login_hint", "acr_values", "prompt"} {
		if b.params.Has(name) {
			t.Errorf("%s is sent without a value", name)
		}
	}
}

// What Okta says in the browser is an error of Okta's, and the page says it as well.
func TestRefusalInTheBrowser(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	for code, rejection := range map[string]bool{
		"access_denied": true, "invalid_scope": true, "server_error": false, "temporarily_unavailable": false,
	} {
		_, tokens, err := o.signIn(t, o.grant(), func(b *browser) {
			status, header, text := get(t, "GET", b.back("error", code, "error_description", "No\x1b[2J <b>way</b>.\n"))
			if status != 200 || !strings.Contains(text, "&lt;b&gt;way&lt;/b&gt;") || strings.Contains(text, "\x1b") ||
				!strings.Contains(text, "<h1>Not signed in</h1>") {
				t.Errorf("%s: got HTTP %d: %s", code, status, text)
			}
			checkPageIsHarmless(t, header, text)
		})
		refusal, ok := errors.AsType[*okta.Error](err)
		if !ok || tokens != nil || refusal.Code != code || refusal.IsRejection() != rejection ||
			refusal.Operation != okta.OperationAuthorize || refusal.GrantType != "authorization_code" ||
			strings.ContainsAny(err.Error(), "\x1b\n") || !strings.HasSuffix(err.Error(), " ("+code+")") {
			t.Errorf("%s: got %v", code, err)
		}
	}
	if len(o.forms) != 0 {
		t.Errorf("%d requests were sent", len(o.forms))
	}
}

// RFC 9207: a code, or an error, of another issuer ends the sign-in, and no one gets the code.
func TestST18_CodeOfAnotherIssuer(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	for _, params := range [][]string{
		{"code", "good", "iss", "https://attacker.example"}, {"code", "good", "iss", ""},
		{"code", "good", "iss", o.Server.Issuer() + "/"}, {"error", "access_denied", "iss", "https://attacker.example"},
	} {
		_, tokens, err := o.signIn(t, o.grant(), func(b *browser) {
			if _, _, text := get(t, "GET", b.back(params...)); !strings.Contains(text, "Not signed in") {
				t.Errorf("got %s", text)
			}
		})
		if e, ok := errors.AsType[*okta.IssuerError](err); !ok || tokens != nil || e.Expected != o.Server.Issuer() {
			t.Errorf("%q: got %v", params, err)
		}
	}
	if len(o.forms) != 0 {
		t.Errorf("a code was sent: %v", o.forms)
	}
}

// The page does not say that someone is signed in whose ID token the session refuses.
func TestST27_PageOfAWrongIDToken(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	for name, claims := range map[string]map[string]any{
		"nonce": {"nonce": "another"}, "no nonce": {}, "aud": {"aud": "0oaAnotherClient"}, "iss": {"iss": "https://x.example"},
	} {
		_, tokens, err := o.signIn(t, o.grant(), func(b *browser) {
			o.mu.Lock()
			o.claims = map[string]any{"nonce": b.params.Get("nonce")}
			if strings.Contains(name, "nonce") {
				o.claims = map[string]any{}
			}
			for claim, value := range claims {
				o.claims[claim] = value
			}
			o.mu.Unlock()
			if _, _, text := get(t, "GET", b.back("code", "good")); !strings.Contains(text, "<h1>Not signed in</h1>") ||
				!strings.Contains(text, "ID token has") {
				t.Errorf("%s: got %s", name, text)
			}
		})
		if err != nil || CheckIDToken(tokens, o.Server.Issuer(), o.ID) == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestBrowserThatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	g := o.grant()
	g.wait = 10 * time.Millisecond
	_, _, err := o.signIn(t, g, nil)
	if e, ok := errors.AsType[*NoAnswerError](err); !ok || e.Waited != g.wait || !strings.Contains(err.Error(), o.redirect) {
		t.Errorf("got %v", err)
	}
	gone := errors.New("no browser here")
	if _, err := g.Token(t.Context(), o.Client, &browser{err: gone}); err != gone {
		t.Errorf("got %v", err)
	}
	if _, err := g.Token(t.Context(), o.Client, nil); err == nil {
		t.Error("it waits for no one")
	}
}

func TestRedirectURIIsOnThisMachine(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	for _, redirect := range []string{
		"", "x", "127.0.0.1:8085", "https://127.0.0.1:8085/callback", "http://example.com:8085/callback",
		"http://10.0.0.1:8085/callback", "http://0.0.0.0:8085/callback", "http://[::]:8085/callback", "http://:8085/callback",
		"http://127.0.0.1.example.com:8085/", "http://localhost.example.com:8085/", "http://alice@127.0.0.1:8085/callback",
		"http://127.0.0.1:8085/callback?x=1", "http://127.0.0.1:8085/callback?", "http://127.0.0.1:8085/callback#x",
		"com.example:/callback", "http://127.0.0.1:port/callback", "http://127.0.0.1:8085/\x1b[2J",
	} {
		g := o.grant()
		g.RedirectURI = redirect
		b := &browser{}
		_, err := g.Token(t.Context(), o.Client, b)
		if e, ok := errors.AsType[*InputError](err); !ok || e.Field != "redirect URI" || b.opened.Address != "" {
			t.Errorf("%q: got %v", redirect, err)
		}
	}
	for _, g := range []AuthorizationCode{
		{RedirectURI: o.redirect}, {RedirectURI: o.redirect, Scopes: []string{"a b"}},
		{RedirectURI: o.redirect, Scopes: []string{"openid"}, Username: "a\x00"},
	} {
		b := &browser{}
		_, err := g.Token(t.Context(), o.Client, b)
		if _, ok := errors.AsType[*InputError](err); !ok || b.opened.Address != "" {
			t.Errorf("%+v: got %v", g, err)
		}
	}
}
