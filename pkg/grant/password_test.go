package grant

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"okauth/pkg/okta"
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
	return &okta.Client{Server: at, ID: "0oatest", Secret: okta.NewSecret("canary-client-secret")}, form, hits
}

func TestST13_PasswordArrivesAsTyped(t *testing.T) {
	t.Parallel()
	client, form, hits := startClient(t)
	for _, password := range []string{"wrong-horse", "&=+% \"'\\;#?/", "  leading and trailing  ", "ünïcode 世界 🐎", "%2B+%20", "e\u0301 is not \u00e9", "tab\tand\nnewline", strings.Repeat("x", 10_000)} {
		before := hits.Load()
		_, err := Password{Username: `CORP\alice+test@example.com`, Password: okta.NewSecret(password), Scopes: []string{"openid", "api:read"}}.Exchange(t.Context(), client)
		refusal, ok := errors.AsType[*okta.Error](err)
		if !ok || refusal.Code != "invalid_grant" || !strings.Contains(refusal.Hint(), "locked") {
			t.Fatalf("got %v", err)
		}
		want := url.Values{"grant_type": {"password"}, "username": {`CORP\alice+test@example.com`}, "password": {password}, "scope": {"openid api:read"}}
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
		{"no username", "", "wrong-horse", []string{"openid"}, "username", "is empty"},
		{"username with NUL", bad, "wrong-horse", []string{"openid"}, "username", "NUL"},
		{"username in Latin-1", "canary\xe9", "wrong-horse", []string{"openid"}, "username", "UTF-8"},
		{"no password", "alice", "", []string{"openid"}, "password", "is empty"},
		{"password with NUL", "alice", bad, []string{"openid"}, "password", "NUL"},
		{"password in Latin-1", "alice", "canary\xe9", []string{"openid"}, "password", "UTF-8"},
		{"no scopes", "alice", "wrong-horse", nil, "scopes", "are empty"},
		{"empty scope", "alice", "wrong-horse", []string{"openid", ""}, "scopes", "no scope name"},
		{"two in one", "alice", "wrong-horse", []string{"openid email"}, "scopes", "no scope name"},
		{"quote", "alice", "wrong-horse", []string{`a"b`}, "scopes", "no scope name"},
		{"backslash", "alice", "wrong-horse", []string{`a\b`}, "scopes", "no scope name"},
		{"escape", "alice", "wrong-horse", []string{"a\x1b[2J"}, "scopes", "no scope name"},
		{"other letters", "alice", "wrong-horse", []string{"é"}, "scopes", "no scope name"},
		{"too many", "alice", "wrong-horse", strings.Split(strings.Repeat("scope ", 700)+"x", " "), "scopes", "4096"},
	} {
		_, err := Password{Username: test.username, Password: okta.NewSecret(test.password), Scopes: test.scopes}.Exchange(t.Context(), client)
		mistake, ok := errors.AsType[*InputError](err)
		if !ok || mistake.Field != test.field || !strings.Contains(err.Error(), test.want) || mistake.Hint() == "" {
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
