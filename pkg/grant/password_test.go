package grant

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
)

// startClient serves a refusal, remembers the last form and counts.
func startClient(t *testing.T) (client *okta.Client, form *url.Values, hits *atomic.Int32) {
	t.Helper()
	form, hits = new(url.Values), new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*form, _ = url.ParseQuery(string(body))
		hits.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error":"invalid_grant","error_description":"The credentials provided were invalid."}`)
	}))
	t.Cleanup(server.Close)
	at, err := okta.NewAuthorizationServer(server.URL, "default")
	if err != nil {
		t.Fatal(err)
	}
	return &okta.Client{Server: at, ID: "0oatest",
		Auth: clientauth.ForSecret(okta.NewSecret("canary-client-secret")), HTTP: server.Client()}, form, hits
}

func TestST13_PasswordArrivesAsTyped(t *testing.T) {
	t.Parallel()
	client, form, hits := startClient(t)
	for _, password := range []string{"wrong-horse", "&=+% \"'\\;#?/", "  leading and trailing  ", "ünïcode 世界 🐎",
		"%2B+%20", "e\u0301 is not \u00e9", "tab\tand\nnewline", strings.Repeat("x", 10_000)} {
		before := hits.Load()
		_, err := Password{Username: `CORP\alice+test@example.com`, Password: okta.NewSecret(password),
			Scopes: []string{"openid", "api:read"}}.Token(t.Context(), client, nil)
		refusal, ok := errors.AsType[*okta.Error](err)
		if !ok || refusal.Code != "invalid_grant" {
			t.Fatalf("got %v", err)
		}
		want := url.Values{"grant_type": {"password"}, "username": {`CORP\alice+test@example.com`},
			"password": {password}, "scope": {"openid api:read"}}
		if form.Encode() != want.Encode() {
			t.Errorf("%q: got the form %v", password, *form)
		}
		if n := hits.Load() - before; n != 1 {
			t.Errorf("%q: %d requests, want 1: each counts for the lock-out", password, n)
		}
	}
}

func TestMistakesAreSeenBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	client, _, hits := startClient(t)
	const bad = "canary\x00"
	for _, test := range []struct {
		name, username, password string
		scopes                   []string
		field, want              string
	}{
		{"username with NUL", bad, "wrong-horse", []string{"openid"}, "username", "NUL"},
		{"username in Latin-1", "canary\xe9", "wrong-horse", []string{"openid"}, "username", "UTF-8"},
		{"password with NUL", "alice", bad, []string{"openid"}, "password", "NUL"},
		{"password in Latin-1", "alice", "canary\xe9", []string{"openid"}, "password", "UTF-8"},
		{"no scopes", "alice", "wrong-horse", nil, "scopes", "are empty"},
		{"empty scope", "alice", "wrong-horse", []string{"openid", ""}, "scopes", "not a scope name"},
		{"two in one", "alice", "wrong-horse", []string{"openid email"}, "scopes", "not a scope name"},
		{"quote", "alice", "wrong-horse", []string{`a"b`}, "scopes", "not a scope name"},
		{"backslash", "alice", "wrong-horse", []string{`a\b`}, "scopes", "not a scope name"},
		{"escape", "alice", "wrong-horse", []string{"a\x1b[2J"}, "scopes", "not a scope name"},
		{"other letters", "alice", "wrong-horse", []string{"é"}, "scopes", "not a scope name"},
		{"too many", "alice", "wrong-horse", strings.Split(strings.Repeat("scope ", 700)+"x", " "), "scopes", "4096"},
	} {
		_, err := Password{Username: test.username, Password: okta.NewSecret(test.password),
			Scopes: test.scopes}.Token(t.Context(), client, nil)
		mistake, ok := errors.AsType[*InputError](err)
		if !ok || mistake.Field != test.field || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\x1b")) {
			t.Errorf("%s: the error shows the value: %q", test.name, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests were sent", hits.Load())
	}
	atLimit := strings.Repeat("a", maxScopes)
	if err := checkScopes([]string{atLimit}); err != nil {
		t.Errorf("%d bytes of scopes: %v", maxScopes, err)
	}
}

// person answers questions with what it holds, and counts them.
type person struct {
	Interaction
	username, password string
	err                error
	asked              []string
}

func (p *person) AskUsername(context.Context) (string, error) {
	p.asked = append(p.asked, "username")
	return p.username, p.err
}

func (p *person) AskPassword(_ context.Context, username string) (okta.Secret, error) {
	p.asked = append(p.asked, "password of "+username)
	return okta.NewSecret(p.password), p.err
}

func TestPasswordAsksForWhatItLacks(t *testing.T) {
	t.Parallel()
	client, form, hits := startClient(t)
	gone := errors.New("terminal is gone")
	for _, test := range []struct {
		name   string
		grant  Password
		person *person // nil: no person can be asked
		asked  string
		want   string // the error; "" where a request is sent
	}{
		{"neither", Password{}, &person{username: "alice", password: "typed"}, "username, password of alice", ""},
		{"username alone", Password{Username: "alice"}, &person{password: "typed"}, "password of alice", ""},
		{"password alone", Password{Password: okta.NewSecret("typed")}, &person{username: "alice"}, "username", ""},
		{"no answer", Password{Username: "alice"}, &person{}, "password of alice", "password is empty"},
		{"no name", Password{}, &person{}, "username", "username is empty"},
		{"failed question", Password{}, &person{err: gone}, "username", gone.Error()},
		{"no person, no username", Password{Password: okta.NewSecret("typed")}, nil, "",
			"username is not set, and there is no way to ask for it"},
		{"no person, no password", Password{Username: "alice"}, nil, "",
			"password is not set, and there is no way to ask for it"},
	} {
		before := hits.Load()
		var i Interaction
		if test.person != nil {
			i = test.person
		}
		test.grant.Scopes = []string{"openid"}
		_, err := test.grant.Token(t.Context(), client, i)
		if test.person != nil && strings.Join(test.person.asked, ", ") != test.asked {
			t.Errorf("%s: asked for %q, want %q", test.name, test.person.asked, test.asked)
		}
		_, refused := errors.AsType[*okta.Error](err)
		if test.want == "" && (!refused || form.Get("username") != "alice" || form.Get("password") != "typed") ||
			test.want != "" && (err == nil || err.Error() != test.want) {
			t.Errorf("%s: got %v, want %q; sent %v", test.name, err, test.want, *form)
		}
		if _, required := errors.AsType[*InteractionRequiredError](err); required != (test.person == nil) {
			t.Errorf("%s: got the error %T", test.name, err)
		}
		if sent := hits.Load() > before; sent != (test.want == "") {
			t.Errorf("%s: a request was sent: %t", test.name, sent)
		}
	}
	var asked person
	if _, err := (Password{Scopes: []string{"a b"}}).Token(t.Context(), client, &asked); err == nil ||
		len(asked.asked) > 0 {
		t.Errorf("unusable scopes: got %v after the questions %q", err, asked.asked)
	}
}
