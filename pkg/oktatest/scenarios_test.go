package oktatest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// testKeys are made once: making RSA keys is the only slow thing here.
var testKeys = oktatest.NewKeys()

var testTime = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// start is a server whose clock stands still.
func start(t *testing.T, options ...oktatest.Options) *oktatest.Server {
	t.Helper()
	o := append(options, oktatest.Options{})[0]
	o.Clock = oktatest.NewClock(testTime)
	if o.Keys == nil {
		o.Keys = testKeys
	}
	s, err := oktatest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// answer is an HTTP answer that has been read.
type answer struct {
	Status int
	Header http.Header
	Text   string
}

func (a answer) member(t *testing.T, name string) string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.Text), &object); err != nil {
		t.Fatalf("answer %d is not a JSON object: %q", a.Status, a.Text)
	}
	s, _ := object[name].(string)
	return s
}

// error is what went wrong, whichever of the two shapes says so.
func (a answer) error(t *testing.T) (code, text string) {
	t.Helper()
	return a.member(t, "error") + a.member(t, "errorCode"), a.member(t, "error_description") + a.member(t, "errorSummary")
}

func send(t *testing.T, s *oktatest.Server, r *http.Request) answer {
	t.Helper()
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func tokenURL(s *oktatest.Server, server string) string {
	if server == oktatest.OrgServerID {
		return s.URL() + "/oauth2/v1/token"
	}
	return s.URL() + "/oauth2/" + server + "/v1/token"
}

func newPost(t *testing.T, target string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return r
}

// request is the request that sends a Scenario.
func request(t *testing.T, s *oktatest.Server, e oktatest.Scenario) *http.Request {
	t.Helper()
	form := url.Values{"grant_type": {e.Grant}}
	if e.Grant == oktatest.GrantPassword {
		form.Set("username", e.Login)
		form.Set("password", e.Password)
	}
	if e.Grant == oktatest.GrantOTP {
		form.Set("login_hint", e.Login)
		form.Set("otp", e.OTP)
	}
	if e.Scope != "" {
		form.Set("scope", e.Scope)
	}
	switch {
	case e.AuthMethod == oktatest.ClientSecretPost:
		form.Set("client_id", e.ClientID)
		form.Set("client_secret", e.Secret)
	case e.AuthMethod == oktatest.NoSecret:
		form.Set("client_id", e.ClientID)
	}
	r := newPost(t, tokenURL(s, e.Server), form)
	if !form.Has("client_id") {
		r.SetBasicAuth(e.ClientID, e.Secret)
	}
	return r
}

// byClient is a form that the default app sends to an endpoint of a server.
func byClient(t *testing.T, s *oktatest.Server, target string, form url.Values) *http.Request {
	t.Helper()
	r := newPost(t, target, form)
	r.SetBasicAuth(oktatest.DefaultClientID, oktatest.DefaultClientSecret)
	return r
}

// refreshing is the request for a refresh at the server "default". scope "" asks for none.
func refreshing(t *testing.T, s *oktatest.Server, token, scope string) *http.Request {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return byClient(t, s, tokenURL(s, "default"), form)
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, e := range oktatest.Scenarios() {
		s.Clock().Advance(2 * time.Second)
		got := send(t, s, request(t, s, e))
		code, text := got.error(t)
		if got.Status != e.Status || code != e.Error || text != e.Text {
			t.Errorf("%s: got %d %q %q, want %d %q %q", e.Description, got.Status, code, text, e.Status, e.Error, e.Text)
		}
		if e.Error == "" && got.member(t, "access_token") == "" {
			t.Errorf("%s: no access token in %s", e.Description, got.Text)
		}
	}
}
