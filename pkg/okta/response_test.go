package okta

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAT11_AT12_OnlyJSONIsAnAnswer(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html><html>canary-page</html>"
	for _, test := range []struct {
		name       string
		status     int
		kind, body string
		want       string
	}{
		{"captive portal", 200, "text/html; charset=utf-8", page, "an HTML page (HTTP 200"},
		{"network wants a sign-in", 511, "text/html", page, "an HTML page (HTTP 511"},
		{"empty", 200, "application/json", "", "an empty response (HTTP 200"},
		{"white space", 200, "application/json", " \n", "an empty response (HTTP 200"},
		{"no content", 204, "", "", "an empty response (HTTP 204"},
		{"JSON called HTML", 200, "text/html", goodAnswer, "an HTML page (HTTP 200"},
		{"HTML called JSON", 200, "application/json", "\n" + page, "an HTML page (HTTP 200"},
		{"text/plain", 200, "text/plain", goodAnswer, `a response of type "text/plain" (HTTP 200`},
		{"form", 200, "application/x-www-form-urlencoded", "access_token=canary&token_type=Bearer",
			`type "application/x-www-form-urlencoded"`},
		{"almost JSON", 200, "application/json5", goodAnswer, `type "application/json5" (HTTP 200`},
		{"not its suffix", 200, "application/json+zip", goodAnswer, `type "application/json+zip"`},
		{"wild type", 200, "wild/\u202e", goodAnswer, "a response of type"},
		{"bad gateway", 502, "text/html", page, "an HTML page (HTTP 502"},
		{"unavailable", 503, "text/html", page, "an HTML page (HTTP 503"},
		{"wrong path", 404, "text/html", page, "an HTML page (HTTP 404"},
		{"limit in front", 429, "text/html", page, "an HTML page (HTTP 429"},
		{"other success", 201, "application/json", goodAnswer, "neither a token response nor an error (HTTP 201"},
		{"other failure", 400, "application/json", `{"message":"canary"}`,
			"neither a token response nor an error (HTTP 400"},
	} {
		_, err := ask(t, respond(test.status, test.kind, test.body))
		_, ok := errors.AsType[*ResponseError](err)
		if !ok || !strings.Contains(err.Error(), test.want) ||
			!strings.Contains(err.Error(), "request reqVy8wsvmBQN27h4soUE3ZEnA") {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
			continue
		}
	}
	_, err := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Write([]byte(goodAnswer))
	})
	if err == nil || !strings.Contains(err.Error(), "without a content type") {
		t.Errorf("no content type: got %v", err)
	}
}

// RFC 7517 §8.5.2 and others give JSON a type of its own: https://www.rfc-editor.org/rfc/rfc6839#section-3.1
func TestAT12_EveryTypeOfJSON(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{
		"application/json", "application/jwk-set+json", "Application/JWK-Set+JSON; charset=utf-8", "application/problem+json",
		"application/token-introspection+json", "application/vnd.example.v1+json",
	} {
		for _, about := range everything {
			err := askAbout(t, about, respond(400, kind, `{"error":"invalid_request","error_description":"no such thing"}`))
			if refused, ok := errors.AsType[*Error](err); !ok || refused.Code != "invalid_request" {
				t.Errorf("%s of type %q: got %v", about.Name(), kind, err)
			}
		}
		if tokens, err := ask(t, respond(200, kind, goodAnswer)); err != nil || tokens.AccessToken.IsZero() {
			t.Errorf("tokens of type %q: got %v", kind, err)
		}
		if err := askAbout(t, keys, respond(200, kind, `{"keys":[]}`)); err != nil {
			t.Errorf("keys of type %q: got %v", kind, err)
		}
	}
}

// A coding that was not asked for cannot be undone, and a body that says it has one may be anything.
func TestAT09_CodingsNobodyAskedFor(t *testing.T) {
	t.Parallel()
	for _, codings := range [][]string{
		{"br"}, {"BR"}, {"deflate"}, {"zstd"}, {"compress"}, {"x-gzip"}, {"gzip, br"}, {"br, gzip"}, {"gzip, gzip"}, {"br", "gzip"},
		{"identity, br"}, {"identity", "br"}, {"aes128gcm"}, {"unheard-of"},
	} {
		coded := func(status int, body string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Encoding"] = codings
				respond(status, "application/json", body)(w, r)
			}
		}
		for _, about := range everything {
			for status, body := range map[int]string{200: goodAnswer, 400: `{"error":"invalid_request","error_description":"x"}`} {
				err := askAbout(t, about, coded(status, body))
				if _, ok := errors.AsType[*ResponseError](err); !ok || !strings.Contains(err.Error(), "content coding") {
					t.Errorf("%q, %s with HTTP %d: got %v", codings, about.Name(), status, err)
				}
			}
		}
	}
	for _, codings := range [][]string{{"identity"}, {"Identity"}, {""}, nil} {
		_, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Encoding"] = codings
			respond(200, "application/json", goodAnswer)(w, r)
		})
		if err != nil {
			t.Errorf("%q: got %v", codings, err)
		}
	}
}

// answerWith is a good answer in which one member is replaced, or left out with "".
func answerWith(member, value string) string {
	fields := []string{`"unknown":true`}
	for _, f := range [][2]string{{"access_token", `"canary-access"`}, {"token_type", `"Bearer"`},
		{"expires_in", "3600"}, {"scope", `"openid"`}, {"id_token", `"canary.i.d"`}} {
		if f[0] == member {
			f[1], member = value, ""
		}
		if f[1] != "" {
			fields = append(fields, `"`+f[0]+`":`+f[1])
		}
	}
	if member != "" && value != "" {
		fields = append(fields, `"`+member+`":`+value)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// mustRefuse sends body as a token answer and expects a ResponseError that says want.
func mustRefuse(t *testing.T, name, body, want string) {
	t.Helper()
	tokens, err := ask(t, respond(200, "application/json", body))
	if _, ok := errors.AsType[*ResponseError](err); !ok || tokens != nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, %v, want %q", name, tokens, err, want)
	}
}

// Of several mistakes, the error names the same one every time.
func TestFirstMistakeIsNamed(t *testing.T) {
	t.Parallel()
	const tokens = `{"refresh_token":"a b","id_token":"a b","access_token":"a b","token_type":1}`
	for range 20 {
		mustRefuse(t, "tokens", tokens, "access_token has a character that no token has")
	}
	document, err := readObject([]byte(`{"revocation_endpoint":1,"userinfo_endpoint":"https://evil.example/"}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := document.metadata(AuthorizationServer{}); err == nil || err.Error() != "token_endpoint is missing" {
			t.Errorf("metadata: got %v", err)
		}
	}
}

func TestAT20_ExactNamesOnce(t *testing.T) {
	t.Parallel()
	good := strings.TrimSuffix(goodAnswer, "}")
	mustRefuse(t, "duplicate", good+`,"access_token":"canary-other"}`, `"access_token" occurs twice`)
	mustRefuse(t, "duplicate in disguise", good+`,"access\u005ftoken":"canary-other"}`, `"access_token" occurs twice`)
	mustRefuse(t, "unknown duplicate", good+`,"x":1,"x":2}`, `"x" occurs twice`)
	mustRefuse(t, "upper case only", strings.Replace(goodAnswer, "access_token", "ACCESS_TOKEN", 1),
		"access_token is missing")
	mustRefuse(t, "long s only", strings.Replace(goodAnswer, "access_token", "acceſs_token", 1),
		"access_token is missing")
	tokens, err := ask(t, respond(200, "application/json", good+`,"ACCESS_TOKEN":"canary-other","expireſ_in":1}`))
	if err != nil || tokens.AccessToken.Reveal() != "canary-access" || tokens.ExpiresIn != time.Hour {
		t.Errorf("other names: got %v, %v", tokens, err)
	}
}

func TestAT21_OneJSONObject(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"null": "null", "array": "[]", "string": `"x"`, "number": "1",
	} {
		mustRefuse(t, name, body, "not a JSON object")
	}
	for name, test := range map[string]struct{ body, want string }{
		"byte order mark": {"\ufeff" + goodAnswer, "byte order mark"},
		"trailing text":   {goodAnswer + "x", "invalid JSON at byte"},
		"two documents":   {goodAnswer + goodAnswer, "invalid JSON at byte"},
		"truncated":       {goodAnswer[:len(goodAnswer)-1], "invalid JSON at byte"},
		"comma":           {strings.TrimSuffix(goodAnswer, "}") + ",}", "invalid JSON at byte"},
		"nested 65":       {`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}", "nested deeper"},
		"nested 500000":   {`{"a":` + strings.Repeat("[", 500000) + strings.Repeat("]", 500000) + "}", "nested deeper"},
	} {
		mustRefuse(t, name, test.body, test.want)
	}
	mustRefuse(t, "invalid UTF-8", answerWith("x", "\"\xff\""), "not UTF-8")
	if _, err := ask(t, respond(200, "application/json", goodAnswer+"\r\n\t ")); err != nil {
		t.Errorf("white space behind: %v", err)
	}
}

func TestAT22_TokenGrammar(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"access_token", "id_token", "refresh_token"} {
		for name, value := range map[string]string{
			"NUL": `"canary\u0000"`, "LF": `"canary\n"`, "CR": `"canary\r"`, "ESC": `"canary\u001b[2J"`,
			"quote": `"canary\""`, "apostrophe": `"canary'"`,
			"command": `"canary$(id)"`, "backtick": "\"canary`id`\"", "space": `"canary x"`, "accent": `"canaryé"`,
			"lone surrogate": `"canary\ud800"`,
			"empty":          `""`, "= only": `"=="`, "= inside": `"a=b"`, "comma": `"a,b"`, "1 MB": `"` +
				strings.Repeat("a", 1_000_000) + `"`,
		} {
			want := " has a character that no token has"
			switch name {
			case "empty":
				want = " is empty"
			case "1 MB":
				want = " is too long: it has 1000000 bytes, and a token has at most 65536 (64 KiB)"
			}
			mustRefuse(t, member+" "+name, answerWith(member, value), member+want)
		}
		for name, value := range map[string]string{"number": "1", "object": `{"a":"canary"}`, "array": `["canary"]`,
			"true": "true"} {
			mustRefuse(t, member+" "+name, answerWith(member, value), member+" is not a string")
		}
	}
	mustRefuse(t, "absent", answerWith("access_token", ""), "access_token is missing")
	mustRefuse(t, "null", answerWith("access_token", "null"), "access_token is missing")
	for _, absent := range []string{"", "null"} {
		if tokens, err := ask(t, respond(200, "application/json", answerWith("id_token", absent))); err != nil ||
			!tokens.IDToken.IsZero() {
			t.Errorf("no id_token: got %v, %v", tokens, err)
		}
	}
}

func TestAT23_ExpiresIn(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"3600": time.Hour, `"3600"`: time.Hour, "3600.0": time.Hour, "36e2": time.Hour, "1e3": 1000 * time.Second,
		`"1E+3"`: 1000 * time.Second, "1": time.Second,
		"9999999999": maxLifetime, "9223372036854775808": maxLifetime, "4611686018427387904": maxLifetime,
		"1e300": maxLifetime, "1e999": maxLifetime, "31536000": maxLifetime,
		"": UnknownLifetime, "null": UnknownLifetime,
	} {
		tokens, err := ask(t, respond(200, "application/json", answerWith("expires_in", value)))
		if err != nil || tokens.ExpiresIn != want {
			t.Errorf("%s: got %v, %v, want %s", value, tokens, err, want)
			continue
		}
		if noted := len(tokens.Warnings) == 1 &&
			tokens.Warnings[0] == LifetimeWarning; noted != (want == UnknownLifetime) {
			t.Errorf("%s: got the warnings %q", value, tokens.Warnings)
		}
	}
	for _, value := range []string{"0", "-5", "-0", "0.5", "3600.5", "1e-9", `""`, `"0"`, `"-1"`, `"soon"`, `"0x10"`,
		`"Inf"`, `"NaN"`, `"1_000"`, `" 60"`, `"60\n"`, `"60s"`, `"1e"`, `"+60"`, "true", "[60]", `{"a":60}`, "-1e999"} {
		mustRefuse(t, value, answerWith("expires_in", value), "expires_in is ")
	}
}

func TestST14_ST17_AT24_TokenType(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"Bearer"`, `"bearer"`, `"BEARER"`} {
		tokens, err := ask(t, respond(200, "application/json", answerWith("token_type", value)))
		if err != nil || tokens.TokenType != "Bearer" {
			t.Errorf("%s: got %v, %v", value, tokens, err)
		}
	}
	for _, value := range []string{"", "null", `""`, `"mac"`, `"DPoP"`, `"N_A"`, `" Bearer"`, `"Bearer\u001b"`} {
		mustRefuse(t, value, answerWith("token_type", value), `expected "Bearer"`)
	}
	mustRefuse(t, "number", answerWith("token_type", "1"), "token_type is not a string")
	_, err := ask(t, respond(200, "application/json", answerWith("token_type", `"DPoP"`)))
	if wrong, ok := errors.AsType[*TokenTypeError](err); !ok || wrong.TokenType != "DPoP" {
		t.Errorf("DPoP: got %v", err)
	}
}

func TestAT25_ErrorWins(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		code   string
	}{
		"with 200":        {200, `{"error":"invalid_grant","error_description":"no"}`, "invalid_grant"},
		"beside a token":  {200, answerWith("error", `"invalid_grant"`), "invalid_grant"},
		"Okta's shape":    {200, answerWith("errorCode", `"E0000007"`), "E0000007"},
		"both shapes":     {400, `{"errorCode":"E1","error":"invalid_grant"}`, "invalid_grant"},
		"401 like 400":    {401, `{"error":"invalid_client","error_description":"no"}`, "invalid_client"},
		"odd description": {400, `{"error":"invalid_grant","error_description":{"a":1}}`, "invalid_grant"},
	} {
		tokens, err := ask(t, respond(test.status, "application/json", test.body))
		refusal, ok := errors.AsType[*Error](err)
		if !ok || tokens != nil || refusal.Code != test.code || refusal.Status != test.status ||
			refusal.RequestID != "reqVy8wsvmBQN27h4soUE3ZEnA" || !refusal.IsRejection() {
			t.Errorf("%s: got %v, %v", name, tokens, err)
		}
	}
	for name, value := range map[string]string{"object": `{"code":"canary"}`, "number": "1", "empty": `""`,
		"array": "[]"} {
		mustRefuse(t, name, answerWith("error", value), "an unusable error response")
	}
	if _, err := ask(t, respond(200, "application/json", answerWith("error", "null"))); err != nil {
		t.Errorf("null: got %v", err)
	}
}

func TestST15_AT26_ForeignWordsAreHarmless(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		`\u001b[2J\u001b]8;;http://x\u0007`, `\u001b]52;c;YQ==\u0007`, `one\r\ntwo\ttab`, `\u009b2J`,
		`\u202eabc\u2066`, strings.Repeat("x", 300_000), `<b>&amp;`,
	} {
		_, err := ask(t, respond(400, "application/json",
			`{"error":"`+words+`","error_description":"`+words+`","error_uri":"`+words+`"}`))
		if _, ok := errors.AsType[*Error](err); !ok || len(err.Error()) > 1000 { // that it is printable is checked by ask
			t.Errorf("%.40s: got %.200q", words, err)
		}
	}
	_, err := ask(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Okta-Request-Id"] = []string{"req\u202etitle"}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		w.Write([]byte(`{"error":"invalid_grant","error_description":"you sent ` + `wrong-horse&=+% \"'\\ ünïcode ` +
			` and ` + clientSecret + `"}`))
	})
	if refusal, ok := errors.AsType[*Error](err); !ok ||
		!strings.Contains(refusal.Description, "you sent •••• and ••••") ||
		refusal.RequestID != "req\uFFFDtitle" {
		t.Errorf("an echo of the secrets: got %v", err)
	}
}

func TestST09_AT27_AT28_Warnings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, asked, scope, member, value string
		want                              []string
	}{
		{"as asked", "openid email", `"email openid"`, "", "", nil},
		{"silent", "openid email", "", "", "", nil},
		{"null", "openid email", "null", "", "", nil},
		{"less", "openid email", `"openid"`, "", "", []string{`requested "openid email", granted "openid"`}},
		{"more", "openid", `"openid admin"`, "", "", []string{`requested "openid", granted "openid admin"`}},
		{"nothing", "openid", `""`, "", "", []string{`granted ""`}},
		{"no ID token", "openid", `"openid"`, "id_token", "null", []string{"no ID token"}},
		{"no refresh token", "openid offline_access", `"openid offline_access"`, "", "", []string{"no refresh token"}},
		{"refresh token", "openid offline_access", `"openid offline_access"`, "refresh_token", `"canary-r"`, nil},
	} {
		body := strings.Replace(answerWith(test.member, test.value), `"scope":"openid"`, `"scope":`+test.scope, 1)
		if test.scope == "" {
			body = answerWith("scope", "")
		}
		m, err := readObject([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := m.tokens(TypeBearer, nil)
		if err != nil {
			t.Fatal(err)
		}
		tokens.compareScopes("password", strings.Fields(test.asked))
		if len(tokens.Warnings) != len(test.want) || len(test.want) == 1 &&
			!strings.Contains(tokens.Warnings[0], test.want[0]) {
			t.Errorf("%s: got the warnings %q, want %q", test.name, tokens.Warnings, test.want)
		}
		if strings.HasPrefix(test.name, "silent") && !slices.Equal(tokens.Scope, strings.Fields(test.asked)) {
			t.Errorf("%s: got the scope %q", test.name, tokens.Scope)
		}
	}
	for _, test := range []struct {
		name, asked, scope string
		want               int
	}{
		{"all", "", "openid offline_access", 0},
		{"all, silent", "", "", 0},
		{"some", "openid offline_access", "openid offline_access", 0},
		{"some, silent", "openid offline_access", "", 0},
		{"fewer", "openid api:read", "openid", 1},
	} {
		tokens := &TokenResponse{Scope: strings.Fields(test.scope)}
		if test.scope == "" {
			tokens.Scope = nil
		}
		tokens.compareScopes("refresh_token", strings.Fields(test.asked))
		if len(tokens.Warnings) != test.want {
			t.Errorf("refresh, %s: got the warnings %q, want %d", test.name, tokens.Warnings, test.want)
		}
		if want := cmp.Or(test.scope, test.asked); strings.Join(tokens.Scope, " ") != want || want == "" &&
			tokens.Scope != nil {
			t.Errorf("refresh, %s: got the scope %q", test.name, tokens.Scope)
		}
	}
	alone := &TokenResponse{Scope: []string{"openid", "offline_access"}}
	if alone.compareScopes("client_credentials", nil); len(alone.Warnings) > 0 {
		t.Errorf("client: got the warnings %q", alone.Warnings)
	}
	mustRefuse(t, "control character", answerWith("scope", `"openid \u001b[2J"`), "which is not a scope name")
	mustRefuse(t, "array", answerWith("scope", `["openid"]`), "scope is not a string")
}

func FuzzTokenResponse(f *testing.F) {
	for _, seed := range []string{goodAnswer, answerWith("expires_in", `"1e3"`),
		`{"error":"x","error_description":"\u001b"}`, `{"errorCode":"E1","errorSummary":"x","errorId":"oae"}`, "[]", "<html>", "\ufeff{}"} {
		f.Add(200, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := response{Response: &http.Response{StatusCode: status, Header: http.Header{}}, body: body,
			redact: strings.NewReplacer().Replace}
		receipt := a
		receipt.info.Operation = OperationRevoke
		if receipt.readBody() == nil && status != 200 {
			t.Fatalf("HTTP %d is taken for a receipt", status)
		}
		var tokens *TokenResponse
		err := a.readBody()
		if err == nil {
			tokens, err = a.object.tokens(TypeBearer, nil)
		}
		if (tokens == nil) == (err == nil) {
			t.Fatalf("got %v and %v", tokens, err)
		}
		if err != nil {
			if text := err.Error(); Sanitize(text, 4000) != text {
				t.Errorf("error is not one printable line: %q", text)
			}
			return
		}
		if status != 200 || tokens.ExpiresIn <= 0 || tokens.ExpiresIn > maxLifetime || tokens.AccessToken.IsZero() {
			t.Errorf("got %+v with HTTP %d", tokens, status)
		}
		exchange := url.Values{"grant_type": {TokenExchangeGrant}}
		if tokens, err := a.object.tokens(TypeBearer, exchange); err == nil &&
			Sanitize(tokens.IssuedTokenType, 70_000) != tokens.IssuedTokenType || err != nil && Sanitize(err.Error(), 4000) != err.Error() {
			t.Errorf("of an exchange: got %+v, %v", tokens, err)
		}
		for _, secret := range []Secret{tokens.AccessToken, tokens.IDToken, tokens.RefreshToken, tokens.DeviceSecret} {
			if text := secret.Reveal(); strings.ContainsAny(text, " \r\n\x00\x1b'\"`$\\") || !secret.IsZero() && CheckToken(text) != nil {
				t.Errorf("got the token %q", text)
			}
		}
	})
}
