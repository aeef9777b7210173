package okta

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"okauth/pkg/okta/clientauth"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// signedIn returns an access token of the default user.
func signedIn(t *testing.T, client *Client, scope string) Secret {
	t.Helper()
	tokens, err := client.Token(t.Context(),
		url.Values{"grant_type": {"password"}, "username": {oktatest.DefaultUser},
			"password": {oktatest.DefaultPassword}, "scope": {scope}})
	if err != nil {
		t.Fatal(err)
	}
	return tokens.AccessToken
}

func TestUserInfo(t *testing.T) {
	t.Parallel()
	server, client, w := startPatient(t)
	token := signedIn(t, client, "openid profile email")
	client.ID, client.Auth = "", clientauth.ForSecret(Secret{})
	text, err := client.UserInfo(t.Context(), token)
	if err != nil || !strings.Contains(string(text), `"preferred_username":"`+oktatest.DefaultUser) {
		t.Fatalf("got %s, %v", text, err)
	}
	server.Fail("/userinfo", oktatest.JSON("{\"sub\" : \"00u1\", \"n\":1.50 }\n"))
	if text, err = client.UserInfo(t.Context(), token); string(text) != "{\"sub\" : \"00u1\", \"n\":1.50 }\n" ||
		err != nil {
		t.Errorf("got %q, %v, want the answer as it came", text, err)
	}
	server.Fail("/userinfo", oktatest.Respond(200, http.Header{"Content-Type": {"application/jwt"}}, "canary.jwt.x"))
	if _, err = client.UserInfo(t.Context(), token); !isResponse(err, `"application/jwt"`) {
		t.Errorf("signed: got %v", err)
	}
	server.ResetRequests()
	for _, odd := range []string{"", "a b", "a\r\nX: y", "é"} {
		if _, err := client.UserInfo(t.Context(), NewSecret(odd)); err == nil || odd != "" &&
			strings.Contains(err.Error(), odd) {
			t.Errorf("%q: got %v", odd, err)
		}
	}
	if len(server.Requests())+len(w.list) != 0 {
		t.Errorf("a token that is none was sent: %v", server.Requests())
	}
}

func TestUserInfoRefusalsAreInAHeader(t *testing.T) {
	t.Parallel()
	for _, long := range []bool{false, true} {
		server, client, _ := startPatient(t)
		if long {
			server.Fail("/userinfo", oktatest.Header("WWW-Authenticate", `Bearer authorization_uri="http://x/oauth2/v1/authorize", realm="http://x", scope="openid", `+
				`error="invalid_token", error_description="The access token is invalid", resource="/oauth2/v1/userinfo"`))
		}
		_, err := client.UserInfo(t.Context(), NewSecret("never-issued"))
		if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Status != 401 ||
			refusal.Code != "invalid_token" || refusal.Description == "" || refusal.RequestID == "" ||
			!refusal.IsRejection() || MayHaveBeenProcessed(err) {
			t.Errorf("got %v", err)
		}
		server.FailAlways("/userinfo", respondFault(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate",
				`Bearer authorization_uri="http://x/oauth2/v1/authorize", realm="http://x", scope="openid", error="insufficient_scope", error_description="The access token provided does not contain the required scopes.", resource="/oauth2/v1/userinfo"`)
			w.WriteHeader(403)
		}))
		err = send(t.Context(), t, userInfo, client)
		if want := "Okta refused the userinfo request: The access token provided does not contain the required scopes. (insufficient_scope, HTTP 403"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for _, test := range []struct {
		status     int
		challenge  string
		kind, body string
		want       string
	}{
		{401, `Bearer error="invalid_token", error_description="a` + "\u202e\t\xff" + `b"`, "", "",
			"request: a\uFFFD \uFFFDb (invalid_token, HTTP 401)"},
		{400, `Bearer error=invalid_request`, "", "", "(invalid_request, HTTP 400)"},
		{400, `DPoP error="use_dpop_nonce"`, "", "", "(use_dpop_nonce, HTTP 400)"},
		{401, `Bearer realm="x"`, "", "", "(invalid_token, HTTP 401)"},
		{401, ``, "", "", "(invalid_token, HTTP 401)"},
		{403, `Basic error="other"`, "", "", "(insufficient_scope, HTTP 403)"},
		{403, ``, "application/json", `{"errorCode":"E0000006","errorSummary":"no"}`, "no (E0000006, HTTP 403)"},
		{401, ``, "text/html", "<html>", "an HTML page (HTTP 401"},
		{404, ``, "", "", "an empty response (HTTP 404"},
		{200, `Bearer error="invalid_token"`, "", "", "an empty response (HTTP 200"},
		{302, `Bearer error="invalid_token"`, "", "", "a redirect"},
	} {
		err := askAbout(t, userInfo, func(w http.ResponseWriter, _ *http.Request) {
			if test.challenge != "" {
				w.Header().Set("WWW-Authenticate", test.challenge)
			}
			w.Header().Set("Content-Type", test.kind)
			if test.kind == "" {
				w.Header()["Content-Type"] = nil
			}
			w.WriteHeader(test.status)
			w.Write([]byte(test.body))
		})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("HTTP %d, %q: got %v, want %q", test.status, test.challenge, err, test.want)
		}
	}
}

func TestBearerParams(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "map[]", "Bearer": "map[]", " , Bearer ,": "map[]",
		`Bearer error="a", error_description="b \"c\" \\ d"`: `map[error:a error_description:b "c" \ d]`,
		`BEARER ERROR = a ,x="1,2"`:                          "map[error:a x:1,2]",
		`Basic realm="x", Bearer error=a, Negotiate abc==`:   "map[error:a]",
		`Basic error="x", DPoP error="b"`:                    "map[error:b]",
		`Bearer error="a",error="b"`:                         "map[error:a]",
		`error="a", Bearer x=y`:                              "map[x:y]",
		`Bearer "error"="a"`:                                 "map[]",
		`Bearer x="Basic error=\"b\""`:                       `map[x:Basic error="b"]`,
	} {
		if got := fmt.Sprint(bearerParams(text)); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func FuzzBearerParams(f *testing.F) {
	for _, seed := range []string{`Bearer error="invalid_token", error_description="The access token is invalid"`,
		`Basic realm="x", Bearer error=a`, `Negotiate abc==`, `"`, `Bearer a="\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size := 0
		for name, value := range bearerParams(text) {
			size += len(name) + len(value)
		}
		if size > 3*len(text) { // lower case and U+FFFD may be longer
			t.Errorf("%d bytes of %d", size, len(text))
		}
	})
}
