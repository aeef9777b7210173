package okta

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/transport"
)

func TestChallengeReadsWhatOktaSendsAndNothingElse(t *testing.T) {
	t.Parallel()
	const good = `"oob_code":"ft-canary","expires_in":300`
	for _, test := range []struct{ channel, body, code, err string }{
		{"push", `{` + good + `,"interval":5,"binding_method":"none"}`, "", ""},
		{"push", `{` + good + `,"binding_method":"transfer","binding_code":"95"}`, "95", ""},
		{"push", `{` + good + `,"binding_method":"transfer","binding_code":95}`, "95", ""},
		{"sms", `{` + good + `,"binding_method":"prompt"}`, "", ""},
		{"push", `{` + good + `,"binding_method":"transfer","binding_code":"\u001b[2J"}`, "", "digits"},
		{"push", `{` + good + `,"binding_method":"transfer","binding_code":9.5}`, "", "digits"},
		{"push", `{` + good + `,"binding_method":"transfer","binding_code":"123456789"}`, "", "digits"},
		{"push", `{` + good + `,"binding_method":"transfer"}`, "", "digits"},
		{"sms", `{` + good + `,"binding_method":"none"}`, "", "binding_method"},
		{"push", `{"oob_code":"ft-canary","expires_in":-1,"binding_method":"none"}`, "", "expires_in"},
		{"push", `{"oob_code":"ft-canary","binding_method":"none"}`, "", "expires_in is missing"},
		{"push", `{"expires_in":300,"binding_method":"none"}`, "", "oob_code is missing"},
		{"push", `{"challenge_type":"http://auth0.com/oauth/grant-type/mfa-otp"}`, "", "challenge_type"},
	} {
		var paths []string
		var form url.Values
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			paths, form = append(paths, r.URL.Path), r.PostForm
			respond(200, "application/json", test.body)(w, r)
		}))
		client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
		c, err := client.Challenge(t.Context(), ChallengeRequest{MFAToken: NewSecret("canary-mfa"), Channel: test.channel})
		server.Close()
		if err != nil {
			checkHarmless(t, err)
		}
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) ||
			err == nil && c.BindingCode != test.code {
			t.Errorf("%s: got %v, %v", test.body, c, err)
		}
		if len(paths) != 1 || !strings.HasSuffix(paths[0], "/v1/challenge") || form.Has("scope") {
			t.Errorf("%s: asked %v with %v", test.body, paths, form)
		}
	}
}

// Each may reach a phone: one POST, without a scope, which only Okta's own rate limiter lets okauth repeat.
func TestChallengeIsSentOnce(t *testing.T) {
	t.Parallel()
	after := ChallengeRequest{MFAToken: NewSecret("canary-mfa"), Channel: "push"}
	first := ChallengeRequest{LoginHint: "alice@example.com", Channel: "sms"}
	forms := map[string]url.Values{
		after.Channel: {"mfa_token": {"canary-mfa"}, "channel_hint": {"push"},
			"challenge_types_supported": {"http://auth0.com/oauth/grant-type/mfa-oob"}},
		first.Channel: {"login_hint": {"alice@example.com"}, "channel_hint": {"sms"},
			"challenge_hint": {"urn:okta:params:oauth:grant-type:oob"}},
	}
	for _, test := range []struct {
		request ChallengeRequest
		status  int
		body    string
		path    string
		want    int
		name    string // of the request in the error
	}{
		{after, 200, `{"oob_code":"ft-canary","expires_in":300,"binding_method":"none"}`, "/v1/challenge", 1, ""},
		{first, 200, `{"oob_code":"ft-canary","expires_in":300,"binding_method":"prompt"}`, "/v1/primary-authenticate", 1,
			""},
		{after, 429, `{"error":"invalid_grant","error_description":"canary-mfa"}`, "/v1/challenge", 1,
			"request for the second factor"},
		{first, 429, `{"errorCode":"E0000047","errorSummary":"x"}`, "/v1/primary-authenticate", 2, "sign-in"},
		{after, 500, `{"error":"server_error","error_description":"Failed to initiate."}`, "/v1/challenge", 1,
			"request for the second factor"},
		{after, 503, `{"errorCode":"E0000010"}`, "/v1/challenge", 1, "request for the second factor"},
		{first, 502, `<html>canary</html>`, "/v1/primary-authenticate", 1, ""},
		{after, 200, `canary-mfa`, "/v1/challenge", 1, ""},
	} {
		var paths []string
		var form url.Values
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			paths, form = append(paths, r.URL.Path), r.PostForm
			w.Header().Set("X-Rate-Limit-Reset", "1")
			respond(test.status, "application/json", test.body)(w, r)
		}))
		client := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second})
		client.Auth = nil
		client.Wait = func(context.Context, time.Duration, string) error { return nil }
		_, err := client.Challenge(t.Context(), test.request)
		server.Close()
		checkHarmless(t, err)
		if (err == nil) != strings.Contains(test.body, "oob_code") ||
			err != nil && !strings.Contains(err.Error(), test.name) {
			t.Errorf("%s: got %v", test.body, err)
		}
		want := forms[test.request.Channel]
		want.Set("client_id", client.ID)
		if len(paths) != test.want || !strings.HasSuffix(paths[0], test.path) || form.Encode() != want.Encode() {
			t.Errorf("%s: asked %v with %v", test.body, paths, form)
		}
	}
}

// A server may echo the codes of a second factor.
func TestCodesOfASecondFactorAreHidden(t *testing.T) {
	t.Parallel()
	form := url.Values{"grant_type": {"http://auth0.com/oauth/grant-type/mfa-oob"}, "mfa_token": {"canary-mfa"},
		"oob_code": {"canary-oob"}, "binding_code": {"canary-436575"}, "otp": {"canary-123456"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		respond(400, "application/json",
			`{"error":"invalid_grant","error_description":"the form was `+r.PostForm.Encode()+`"}`)(w, r)
	}))
	defer server.Close()
	_, err := clientFor(t, server.URL, transport.Config{Timeout: 5 * time.Second}).Token(t.Context(), form)
	checkHarmless(t, err)
	if err == nil || !strings.Contains(err.Error(), "oob_code=") {
		t.Errorf("got %v", err)
	}
}
