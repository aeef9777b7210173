package okta

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/transport"
)

func TestErrorsNameTheRequest(t *testing.T) {
	t.Parallel()
	const json, page = "application/json", "<html></html>"
	for _, test := range []struct {
		about        RequestInfo
		status       int
		kind, body   string
		want, absent string
	}{
		{refresh, 400, json,
			`{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`,
			"Okta refused the refresh: The refresh", "password"},
		{refresh, 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "Okta rate-limited the refresh", "password"},
		{refresh, 500, json, `{"errorCode":"E0000009"}`, "Okta could not handle the refresh", "password"},
		{refresh, 404, "text/html", page, "expected a token response", "password"},
		{refresh, 429, "text/html", page, "expected a token response", "sign-in"},
		{refresh, 302, "", "", "a redirect to", "password"},
		{revocation, 401, json,
			`{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter."}`,
			"Okta refused the revocation: Invalid", "password"},
		{revocation, 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "Okta rate-limited the revocation", "password"},
		{revocation, 503, json, `{"errorCode":"E0000010"}`, "Okta could not handle the revocation", "password"},
		{revocation, 404, "text/html", page, "expected a response to the revocation from 127.0.0.1", "token endpoint"},
		{revocation, 429, "text/html", page, "expected a response to the revocation", "sign-in"},
		{revocation, 302, "", "", "a redirect to", "password"},
		{revocation, 400, json, `{}`, "JSON that is not an error (HTTP 400", "password"},
		{clientSignIn, 401, json, `{"error":"invalid_client","error_description":"x"}`,
			"Okta refused the client sign-in: x", "password"},
		{clientSignIn, 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "Okta rate-limited the client sign-in",
			"password"},
		{clientSignIn, 500, json, `{"errorCode":"E0000009"}`, "Okta could not handle the client sign-in", "password"},
		{clientSignIn, 404, "text/html", page, "expected a token response", "password"},
		{clientSignIn, 429, "text/html", page, "expected a token response", "password"},
		{clientSignIn, 302, "", "", "a redirect to", "password"},
		{signIn, 429, "text/html", page, "expected a token response", "refresh"},
		{signIn, 302, "", "", "a redirect to", "refresh"},
	} {
		err := askAbout(t, test.about, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example")
			respond(test.status, test.kind, test.body)(w, r)
		})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), test.absent) {
			t.Errorf("%s, HTTP %d: got %v, want %q without %q", test.about.Name(), test.status, err, test.want,
				test.absent)
		}
	}
}

func TestRefreshSendsItsFormOnceAndTakesWhatComes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"rotated": "canary-next", "persistent": refreshToken, "none": ""} {
		var hits atomic.Int32
		var got url.Values
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			r.ParseForm()
			got = r.PostForm
			value := `"` + want + `"`
			if want == "" {
				value = ""
			}
			respond(200, "application/json",
				strings.Replace(answerWith("refresh_token", value), `"scope":"openid",`, "", 1))(w, r)
		}))
		tokens, err := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second}).Token(t.Context(),
			refreshForm())
		server.Close()
		if err != nil || tokens.RefreshToken.Reveal() != want || tokens.Scope != nil || len(tokens.Warnings) != 0 {
			t.Errorf("%s: got %+v, %v", name, tokens, err)
		}
		if hits.Load() != 1 || got.Encode() != refreshForm().Encode() {
			t.Errorf("%s: got %d requests, the last with %v", name, hits.Load(), got)
		}
	}
}

// A server or something before it may echo what it was sent, as it was or encoded.
func TestAnEchoedTokenIsHidden(t *testing.T) {
	t.Parallel()
	for _, about := range []RequestInfo{refresh, revocation} {
		for name, echo := range map[string]func(w http.ResponseWriter, form string){
			"description": func(w http.ResponseWriter, form string) {
				respond(400, "application/json", `{"error":"x","error_description":"`+form+` `+refreshToken+`"}`)(w, nil)
			},
			"code": func(w http.ResponseWriter, form string) {
				respond(400, "application/json", `{"error":"`+refreshToken+`"}`)(w, nil)
			},
			"id": func(w http.ResponseWriter, form string) {
				w.Header().Set("X-Okta-Request-Id", form)
				w.WriteHeader(502)
			},
			"type": func(w http.ResponseWriter, form string) { respond(500, refreshToken, "x")(w, nil) },
			"names": func(w http.ResponseWriter, form string) {
				respond(400, "application/json", `{"`+refreshToken+`":1,"`+refreshToken+`":1}`)(w, nil)
			},
			"header": func(w http.ResponseWriter, form string) {
				conn, _, _ := w.(http.Hijacker).Hijack()
				io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+form+"\r\n\r\n")
				conn.Close()
			},
		} {
			err := askAbout(t, about, func(w http.ResponseWriter, r *http.Request) {
				var form bytes.Buffer
				form.ReadFrom(r.Body)
				echo(w, form.String())
			})
			if err == nil { // askAbout checks what it shows
				t.Errorf("%s of a %s: no error", name, about.Name())
			}
		}
	}
}
