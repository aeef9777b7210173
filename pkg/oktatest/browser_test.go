package oktatest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

const testVerifier = "test-verifier-test-verifier-test-verifier-0123456789"

// browser does what a browser without JavaScript does: it keeps cookies, and sends the forms of pages.
type browser struct {
	s      *oktatest.Server
	client *http.Client
}

func newBrowser(t *testing.T, s *oktatest.Server) *browser {
	t.Helper()
	client := s.Client()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{s, client}
}

// page is what the browser shows, or where it is sent.
type page struct {
	answer
	b   *browser
	url *url.URL
}

func (b *browser) load(t *testing.T, r *http.Request) page {
	t.Helper()
	res, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	p := page{answer{res.StatusCode, res.Header, string(text)}, b, r.URL}
	if res.StatusCode/100 != 3 && p.title() != answerTitle {
		p.check(t)
	}
	return p
}

func (b *browser) open(t *testing.T, address string) page {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.load(t, r)
}

var (
	inputTag = regexp.MustCompile(`<input [^>]*>`)
	quoted   = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

// inputs are the attributes of the inputs.
func (p page) inputs() (list []map[string]string) {
	for _, tag := range inputTag.FindAllString(p.Text, -1) {
		attributes := map[string]string{}
		for _, m := range quoted.FindAllStringSubmatch(tag, -1) {
			attributes[m[1]] = html.UnescapeString(m[2])
		}
		list = append(list, attributes)
	}
	return list
}

const answerTitle = "Back to the application" // of the page that takes the answer there, by a script

// check is what holds for every other page.
func (p page) check(t *testing.T) {
	t.Helper()
	nonce := regexp.MustCompile(`<style nonce="([A-Z2-7]{26})">`).FindStringSubmatch(p.Text)
	if nonce == nil {
		t.Fatalf("no page with a style: %d %s", p.Status, p.Text)
	}
	policy := "default-src 'none'; style-src 'nonce-" + nonce[1] + "'; form-action '"
	h := p.Header
	if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, policy) || strings.Contains(p.Text, "<form") != strings.Contains(got, "'self'") || !strings.HasSuffix(got, "; frame-ancestors 'none'; base-uri 'none'") {
		t.Errorf("policy: got %q", got)
	}
	if h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Referrer-Policy") != "no-referrer" ||
		h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("headers: got %v", h)
	}
	for _, word := range []string{"<script", "http-equiv", "src=", "href=", "url(", "@import", " style=", " onclick"} {
		if strings.Contains(p.Text, word) {
			t.Errorf("the page has %q", word)
		}
	}
	for _, word := range []string{`<html lang="en">`, `content="width=device-width, initial-scale=1"`, "color-scheme: light dark", "<h1>", "<main>"} {
		if !strings.Contains(p.Text, word) {
			t.Errorf("the page lacks %q", word)
		}
	}
	focus := strings.Count(p.Text, "autofocus")
	if visible := p.inputsOf("hidden", false); focus != min(len(visible), 1) {
		t.Errorf("%d inputs and %d with autofocus", len(visible), focus)
	}
	for _, in := range p.inputsOf("hidden", false) {
		if in["id"] == "" || in["autocomplete"] == "" || !strings.Contains(p.Text, `<label for="`+in["id"]+`">`) {
			t.Errorf("input %v: no label, or no autocomplete", in)
		}
	}
}

func (p page) inputsOf(kind string, want bool) (list []map[string]string) {
	for _, in := range p.inputs() {
		if (in["type"] == kind) == want {
			list = append(list, in)
		}
	}
	return list
}

func (p page) title() string {
	m := regexp.MustCompile(`<title>(.*) – Okta sandbox</title>`).FindStringSubmatch(p.Text)
	return html.UnescapeString(append(m, "", "")[1])
}

// alert is the error that the page shows.
func (p page) alert() string {
	m := regexp.MustCompile(`<p role="alert"[^>]*>([^<]*)</p>`).FindStringSubmatch(p.Text)
	return html.UnescapeString(append(m, "", "")[1])
}

// form is what the form would send with these values typed.
func (p page) form(typed map[string]string) url.Values {
	form := url.Values{}
	for _, in := range p.inputs() {
		form.Set(in["name"], in["value"])
	}
	for name, value := range typed {
		form.Set(name, value)
	}
	return form
}

func (p page) submit(t *testing.T, typed map[string]string) page {
	t.Helper()
	action := regexp.MustCompile(`<form method="post" action="([^"]+)">`).FindStringSubmatch(p.Text)
	if action == nil {
		t.Fatalf("no form on the page %q: %s", p.title(), p.Text)
	}
	target, err := p.url.Parse(action[1])
	if err != nil {
		t.Fatal(err)
	}
	return p.b.load(t, newPost(t, target.String(), p.form(typed)))
}

// password types the default password.
func (p page) password(t *testing.T, login string) page {
	t.Helper()
	return p.submit(t, map[string]string{"username": login, "password": oktatest.DefaultPassword})
}

// result are the parameters with which the browser is sent to the app.
func (p page) result(t *testing.T) url.Values {
	t.Helper()
	target, err := url.Parse(p.Header.Get("Location"))
	if err != nil || p.Status != http.StatusSeeOther || !strings.HasPrefix(p.Header.Get("Location"), oktatest.DefaultRedirectURI+"?") {
		t.Fatalf("got %d to %q, %v: %s", p.Status, p.Header.Get("Location"), err, p.Text)
	}
	return target.Query()
}

func challengeOf(verifier string) string {
	hash := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// authorizeURL is the address at which the default app starts a sign-in, with some parameters changed; "" removes one.
func authorizeURL(s *oktatest.Server, changes map[string]string) string {
	all := map[string]string{
		"client_id": oktatest.DefaultClientID, "response_type": "code", "scope": "openid profile offline_access",
		"redirect_uri": oktatest.DefaultRedirectURI, "state": "state <&>", "nonce": "test-nonce", "code_challenge_method": "S256",
		"code_challenge": challengeOf(testVerifier), "login_hint": oktatest.DefaultUser,
	}
	maps.Copy(all, changes)
	query := url.Values{}
	for name, value := range all {
		if value != "" {
			query.Set(name, value)
		}
	}
	return fmt.Sprint(s.Issuer("default"), "/v1/authorize?", query.Encode())
}

// redeeming is the token request for a code, with some parameters changed.
func redeeming(t *testing.T, s *oktatest.Server, code string, changes map[string]string) *http.Request {
	t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {oktatest.DefaultRedirectURI}, "code_verifier": {testVerifier}}
	for name, value := range changes {
		form.Set(name, value)
	}
	return byClient(t, s, tokenURL(s, "default"), form)
}
