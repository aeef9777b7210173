package okta

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/transport"
)

func TestErrorsSpeakOfTheErrand(t *testing.T) {
	t.Parallel()
	const json, page = "application/json", "<html></html>"
	for _, test := range []struct {
		about              operation
		status             int
		kind, body         string
		want, hint, absent string
	}{
		{refresh, 400, json, `{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`, "Okta refused the refresh: The refresh", "session has ended", "password"},
		{refresh, 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "Okta put the refresh off", "as good as before", "password"},
		{refresh, 500, json, `{"errorCode":"E0000009"}`, "Okta could not handle the refresh", "status.okta.com", "password"},
		{refresh, 404, "text/html", page, "expected a token answer", "no token endpoint", "password"},
		{refresh, 429, "text/html", page, "expected a token answer", "next refresh", "sign-in"},
		{refresh, 302, "", "", "a redirect to", "okauth sends a refresh token to the configured host only", "password"},
		{revocation, 401, json, `{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter."}`, "Okta refused the revocation: Invalid", "0oatest", "password"},
		{revocation, 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "Okta put the revocation off", "not revoked yet", "password"},
		{revocation, 503, json, `{"errorCode":"E0000010"}`, "Okta could not handle the revocation", "maintenance", "password"},
		{revocation, 404, "text/html", page, "expected an answer to the revocation from 127.0.0.1", "no revocation endpoint", "token endpoint"},
		{revocation, 429, "text/html", page, "expected an answer to the revocation", "next revocation", "sign-in"},
		{revocation, 302, "", "", "a redirect to", "okauth sends a token to the configured host only", "password"},
		{revocation, 400, json, `{}`, "JSON that is not an error (HTTP 400", "domain", "password"},
		{clientSignIn, 401, json, `{"error":"invalid_client","error_description":"x"}`, "Okta refused the client sign-in: x", "client_secret", "password"},
		{clientSignIn, 429, json, `{"errorCode":"E0000047","errorSummary":"x"}`, "Okta put the client sign-in off", "client secret was not judged", "password"},
		{clientSignIn, 500, json, `{"errorCode":"E0000009"}`, "Okta could not handle the client sign-in", "status.okta.com", "password"},
		{clientSignIn, 404, "text/html", page, "expected a token answer", "no token endpoint", "password"},
		{clientSignIn, 429, "text/html", page, "expected a token answer", "next client sign-in", "password"},
		{clientSignIn, 302, "", "", "a redirect to", "okauth sends a client secret to the configured host only", "password"},
		{signIn, 429, "text/html", page, "expected a token answer", "next sign-in", "refresh"},
		{signIn, 302, "", "", "a redirect to", "okauth sends a password", "refresh"},
	} {
		err := askAbout(t, test.about, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example")
			respond(test.status, test.kind, test.body)(w, r)
		})
		hinter, ok := err.(interface{ Hint() string })
		if !ok || !strings.Contains(err.Error(), test.want) || !strings.Contains(hinter.Hint(), test.hint) || strings.Contains(err.Error()+hinter.Hint(), test.absent) {
			t.Errorf("%s, HTTP %d: got %v, hint %v, want %q and %q without %q", test.about.words().name, test.status, err, hinter, test.want, test.hint, test.absent)
		}
	}
}

func TestNoAnswerSpeaksOfTheErrand(t *testing.T) {
	t.Parallel()
	for about, want := range map[operation]string{signIn: "counted the password", clientSignIn: "which does no harm; try again", refresh: "used up the refresh token", revocation: "may still be valid"} {
		for _, limit := range []time.Duration{5 * time.Second, 150 * time.Millisecond} {
			hangUp := limit > time.Second
			_, base := startRaw(t, func(conn net.Conn) {
				if hangUp {
					conn.Close()
				}
			})
			err := send(t.Context(), t, about, clientFor(t, base, transport.Config{Timeout: limit}))
			lost, ok := errors.AsType[*NetworkError](err)
			if !ok || !strings.Contains(lost.Hint(), want) || strings.Contains(lost.Hint(), "--timeout") == hangUp {
				t.Errorf("%s: got %v, want %q in the hint", about.words().name, err, want)
			}
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
			respond(200, "application/json", strings.Replace(answerWith("refresh_token", value), `"scope":"openid",`, "", 1))(w, r)
		}))
		tokens, err := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second}).Token(t.Context(), refreshForm())
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
	for _, about := range []operation{refresh, revocation} {
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
			if err == nil { // what it shows is judged by askAbout
				t.Errorf("%s of a %s: no error", name, about.words().name)
			}
		}
	}
}
