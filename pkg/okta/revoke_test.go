package okta

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"okauth/pkg/okta/clientauth"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/transport"
)

func TestRevokeRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, server, hint string
		secret             string
		path               string
		want               url.Values
	}{
		{"confidential", "default", "refresh_token", clientSecret, "/oauth2/default/v1/revoke",
			url.Values{"token": {refreshToken}, "token_type_hint": {"refresh_token"}}},
		{"org server", OrgServer, "access_token", clientSecret, "/oauth2/v1/revoke",
			url.Values{"token": {refreshToken}, "token_type_hint": {"access_token"}}},
		{"public, no hint", "default", "", "", "/oauth2/default/v1/revoke",
			url.Values{"token": {refreshToken}, "client_id": {"0oatest"}}},
	} {
		var got *http.Request
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			got = r
		}))
		client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
		client.Server.id, client.Auth = test.server, clientauth.ForSecret(NewSecret(test.secret))
		err := client.Revoke(t.Context(), NewSecret(refreshToken), test.hint)
		server.Close()
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		id, sent, _ := got.BasicAuth()
		if got.Method != "POST" || got.URL.Path != test.path || got.URL.RawQuery != "" ||
			got.PostForm.Encode() != test.want.Encode() || sent != test.secret || (id == "") != (test.secret == "") {
			t.Errorf("%s: got %s %s with %v as %q", test.name, got.Method, got.URL, got.PostForm, id)
		}
		for name, want := range map[string]string{"Accept": "application/json",
			"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "okauth/1.2.3", "Origin": ""} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got.Header.Get(name), want)
			}
		}
	}
}

func TestST33_RevokeAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		status     int
		kind, body string
		want       string // "" where it is a receipt
	}{
		{"empty", 200, "", "", ""},
		{"empty JSON", 200, "application/json", "", ""},
		{"empty HTML", 200, "text/html", "", ""},
		{"white space", 200, "text/html", "\r\n", ""},
		{"words", 200, "text/plain", "ok", ""},
		{"object", 200, "application/json", "{}", ""},
		{"broken JSON", 200, "application/json", "{", ""},
		{"page", 200, "text/html", "<html></html>", "an HTML page (HTTP 200"},
		{"page in disguise", 200, "application/json", " <html></html>", "an HTML page (HTTP 200"},
		{"too large", 200, "", strings.Repeat(" ", 1<<20+1), "larger than 1 MiB"},
		{"error with 200", 200, "application/json", `{"error":"invalid_client"}`,
			"Okta refused the revocation (invalid_client, HTTP 200"},
		{"error", 400, "application/json",
			`{"error":"invalid_request","error_description":"The required parameter 'token' is missing."}`,
			"Okta refused the revocation: The required"},
		{"Okta's shape", 401, "application/json",
			`{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter."}`,
			"Okta refused the revocation: Invalid value"},
		{"no content", 204, "", "", "an empty response (HTTP 204"},
		{"other success", 202, "application/json", "{}", "JSON that is not an error (HTTP 202"},
		{"empty failure", 503, "", "", "an empty response (HTTP 503"},
		{"not found", 404, "text/html", "<html></html>", "an HTML page (HTTP 404"},
		{"redirect", 307, "", "", "a redirect"},
	} {
		var hits atomic.Int32
		err := askAbout(t, revocation, func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			w.Header().Set("Location", "/elsewhere")
			respond(test.status, test.kind, test.body)(w, r)
		})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
		if hits.Load() != 1 {
			t.Errorf("%s: %d requests, want 1", test.name, hits.Load())
		}
	}
}

func TestRevokeFailsWithoutAReceipt(t *testing.T) {
	t.Parallel()
	server, base := startRaw(t, nil)
	err := send(t.Context(), t, revocation, clientFor(t, base, transport.Config{Timeout: 5 * time.Second}))
	if _, ok := errors.AsType[*NetworkError](err); !ok || server.requests.Load() != 1 {
		t.Errorf("no answer: got %v after %d requests", err, server.requests.Load())
	}
	var hits atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter,
		r *http.Request) {
		io.Copy(io.Discard, r.Body)
		hits.Add(1)
	}))
	defer other.Close()
	client := clientFor(t, other.URL, transport.Config{})
	if err := client.Revoke(t.Context(), Secret{}, "refresh_token"); err == nil {
		t.Error("an empty token was sent")
	}
	client.ID = ""
	if err := client.Revoke(t.Context(), NewSecret(refreshToken), "refresh_token"); err == nil || hits.Load() != 0 {
		t.Errorf("an empty client id: got %v after %d requests", err, hits.Load())
	}
}
