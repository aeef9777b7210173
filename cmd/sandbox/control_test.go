package sandbox

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// startControl starts a sandbox with one fault.
func startControl(t *testing.T) (*oktatest.Server, func(request string, headers ...string) (int, string)) {
	t.Helper()
	o := &options{faults: []string{"500@/keys"}}
	o.server.Control = func(s *oktatest.Server) http.Handler { return newControl(s, o.prepare) }
	s := oktatest.ForTest(t, o.server)
	o.prepare(s)
	return s, func(request string, headers ...string) (int, string) {
		t.Helper()
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded") // curl -d
		r.Header.Set(controlHeader, "1")
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			r.Header.Set(name, value)
			if name == "Host" {
				r.Host = value
			}
			if value == "" {
				r.Header.Del(name)
			}
		}
		res, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
}

// Each request has its answer, in this order.
func TestControl(t *testing.T) {
	t.Parallel()
	_, ask := startControl(t)
	for _, step := range []struct {
		request string
		status  int
		text    string // in the answer
	}{
		{"PUT /sandbox/users/ada@example.com {\"password\": \"wrong-horse\"}", 204, ""},
		{"GET /sandbox/users/ADA@example.com", 200, "\"login\": \"ada@example.com\",\n  \"password\": \"wrong-horse\""},
		{"PUT /sandbox/users/ada@example.com {\"login\": \"Ada@example.com\", \"status\": \"LOCKED_OUT\"}", 204, ""},
		{"GET /sandbox/users", 200, "\"status\": \"LOCKED_OUT\""},
		{"POST /sandbox/users/ada@example.com/unlock", 204, ""},
		{"GET /sandbox/users/ada@example.com", 200, "\"login\": \"Ada@example.com\"\n}"},
		{"DELETE /sandbox/users/ADA@EXAMPLE.com", 204, ""},
		{"DELETE /sandbox/users/ada@example.com", 404, "there is no user \"ada@example.com\""},
		{"POST /sandbox/users/ada@example.com/unlock", 404, "there is no user"},
		{"GET /sandbox/users/ada@example.com", 404, "there is no user"},
		{"PUT /sandbox/users/login {\"given_name\": \"login\"}", 204, ""}, // a value, not a key
		{"PUT /sandbox/users/ada@example.com groups:" + strings.Repeat("\n- g", 50_000), 413, "larger than 131072 bytes"},
		{"PUT /sandbox/users/ada@example.com", 400, "empty, expected keys and values"},
		{"PUT /sandbox/users/ada@example.com [", 400, "not valid YAML"},
		{"PUT /sandbox/users/ada@example.com []", 400, "expected keys and values, got a list"},
		{"PUT /sandbox/users/ada@example.com {\"pasword\": \"x\"}", 400, "pasword: unknown key, did you mean \"password\"?"},
		{"PUT /sandbox/users/ada@example.com {\"login\": \"bob\"}", 400, "login: \"bob\" is not the \"ada@example.com\" of the path"},

		{"PUT /sandbox/apps/0oaNew {\"grants\": [\"password\"], \"secrets\": [\"x\"], \"rotation\": {\"rotate\": true, \"leeway\": \"40s\"}}",
			204, ""},
		{"GET /sandbox/apps/0oaNew", 200, "\"leeway\": \"40s\""},
		{"GET /sandbox/apps", 200, "\"client_id\": \"0oaSandboxClient0001\""},
		{"PUT /sandbox/apps/0oaNew {\"grants\": []}", 400, "secrets: missing: the app authenticates by client_secret_basic"},
		{"DELETE /sandbox/apps/0oaNew", 204, ""},
		{"GET /sandbox/apps/0oaNew", 404, "there is no app \"0oaNew\""},

		{"PUT /sandbox/auth_servers/ausNew {\"audience\": \"a\", \"rules\": [{\"lifetime\": \"5m\"}]}", 204, ""},
		{"GET /sandbox/auth_servers/ausNew", 200, "\"lifetime\": \"5m0s\""},
		{"GET /oauth2/ausNew/.well-known/openid-configuration", 200, "/oauth2/ausNew\""},
		{"DELETE /sandbox/auth_servers/ausNew", 204, ""},
		{"GET /oauth2/ausNew/.well-known/openid-configuration", 404, "E0000007"},

		{"GET /oauth2/default/v1/keys", 500, ""},
		{"DELETE /sandbox/fault", 204, ""},
		{"GET /oauth2/default/v1/keys", 200, "keys"},
		{"PUT /sandbox/fault/503-read-only?path=/keys&times=2", 204, ""},
		{"GET /oauth2/default/v1/keys", 503, ""},
		{"GET /oauth2/default/v1/keys", 503, ""},
		{"GET /oauth2/default/v1/keys", 200, "keys"},
		{"PUT /sandbox/fault/500?path=/", 204, ""},
		{"GET /sandbox/key.pem", 200, string(oktatest.TestKey())},
		{"GET /activate", 500, ""},
		{"PUT /sandbox/fault/nothing", 404, "there is no fault \"nothing\""},
		{"PUT /sandbox/fault/500?paht=/keys", 400, "paht: unknown, expected path or times"},
		{"PUT /sandbox/fault/500?times=0", 400, "times: expected 1 to 1000, got \"0\""},

		{"GET /sandbox/tokens/good", 200, "eyJ"},
		{"GET /sandbox/tokens/nothing", 404, "there is no token \"nothing\""},
		{"POST /sandbox/rotate-nonces", 204, ""},
		{"GET /sandbox/rotate-keys", 405, ""},
		{"GET /sandbox/nothing", 404, ""},
		{"GET /sandbox/requests", 200, "PUT \"/sandbox/users/ada@example.com\" []: 204\nGET "},
		{"POST /sandbox/reset", 204, ""},
		{"GET /activate", 200, ""},
		{"GET /oauth2/default/v1/keys", 500, ""}, // as at the start
	} {
		status, text := ask(step.request)
		if status != step.status || !strings.Contains(text, step.text) || (status == 204) != (text == "") {
			t.Errorf("%s: got %d %q, want %d %q", step.request, status, text, step.status, step.text)
		}
	}
}

// A page cannot use the control: not one of another site, nor one of a name that leads to this machine.
func TestControlIsForNoPage(t *testing.T) {
	t.Parallel()
	s, ask := startControl(t)
	port := s.URL()[strings.LastIndex(s.URL(), ":"):]
	s.Change(func(o *oktatest.Options) { o.Issuer = "https://login.example.com" })
	for _, test := range []struct {
		header string
		status int
		text   string
	}{
		{"Host: localhost" + port, 200, ""}, {"Host: [::1]" + port, 200, ""}, {"Host: 192.0.2.1:80", 200, ""},
		{"Host: login.example.com", 200, ""}, {"Host: okta:8080", 200, ""}, // of a compose file
		{"Host: evil.example" + port, 403, "the host \"evil.example" + port + "\" is refused"},
		{"Host: localhost.evil.example", 403, "is refused"},
		{"Origin: " + s.URL(), 403, "requests of web pages are refused"}, {"Origin: null", 403, "requests of web pages"},
		{"X-Sandbox: ", 403, "a header is missing: X-Sandbox: 1"},
	} {
		for _, request := range []string{"GET /sandbox/users", "GET /sandbox/tokens/good", "POST /sandbox/rotate-keys", "GET /sandbox/clock"} {
			status, text := ask(request, test.header)
			want := test.status
			if want == 200 && strings.HasPrefix(request, "POST") {
				want = 204
			}
			if status != want || !strings.Contains(text, test.text) {
				t.Errorf("%s with %s: got %d %q, want %d %q", request, test.header, status, text, want, test.text)
			}
		}
	}
	if status, text := ask("OPTIONS /sandbox/users", "Origin: https://evil.example", "Access-Control-Request-Method: PUT"); status != 403 {
		t.Errorf("a browser may ask: got %d %q", status, text)
	}
	if status, _ := ask("GET /sandbox/attacker-keys", "X-Sandbox: "); status != 200 {
		t.Errorf("where a token leads to: got %d", status)
	}
}

// The clock is moved, set, and set to that of the machine again.
func TestControlClock(t *testing.T) {
	t.Parallel()
	s, ask := startControl(t)
	for _, step := range []struct {
		request string
		want    time.Time
	}{
		{"POST /sandbox/clock?advance=2h", time.Now().Add(2 * time.Hour)},
		{"POST /sandbox/clock?advance=-1h", time.Now().Add(time.Hour)},
		{"PUT /sandbox/clock?now=" + url.QueryEscape("2026-01-31T12:00:00+01:00"), time.Date(2026, 1, 31, 11, 0, 0, 0, time.UTC)},
		{"DELETE /sandbox/clock", time.Now()},
		{"POST /sandbox/clock?advance=1h", time.Now().Add(time.Hour)},
		{"POST /sandbox/reset", time.Now()},
	} {
		if status, text := ask(step.request); status != 204 {
			t.Errorf("%s: got %d %q", step.request, status, text)
		}
		_, text := ask("GET /sandbox/clock")
		shown, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(text))
		if err != nil || shown.Sub(step.want).Abs() > time.Minute || s.Clock().Now().Sub(step.want).Abs() > time.Minute {
			t.Errorf("%s: got %s, want %s: %v", step.request, text, step.want, err)
		}
	}
	for request, want := range map[string]string{
		"POST /sandbox/clock":               "advance: expected a duration such as 1h or -30s, got \"\"",
		"PUT /sandbox/clock?now=1769860800": "now: expected a time such as 2026-01-31T12:00:00Z, got \"1769860800\"",

		"PUT /sandbox/clock?now=9999-01-01T00:00:00Z": "now: expected a time within 100 years of today, got 9999-01-01T00:00:00Z",
	} {
		if status, text := ask(request); status != 400 || text != want+"\n" {
			t.Errorf("%s: got %d %q", request, status, text)
		}
	}
}
