package grant

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"okauth/pkg/okta"
)

const (
	pending    = `400 {"error":"authorization_pending"}`
	slower     = `400 {"error":"slow_down"}`
	goodTokens = `200 {"token_type":"Bearer","expires_in":3600,"access_token":"canary-access","scope":"openid",` +
		`"id_token":"canary-id"}`
)

// script is an Okta that gives one answer after the other, the last again and again, and keeps when it was asked for
// what. It is no server on a socket, so that it can be asked in the time of a synctest bubble.
type script struct {
	answers []string // "400 {…}", or "" for a connection that breaks
	asked   []time.Duration
	paths   []string
	forms   []url.Values
	began   time.Time
	after   func(n int) // called when answer n (from 1) has been made
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.began.IsZero() {
		s.began = time.Now()
	}
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	s.asked = append(s.asked, time.Since(s.began))
	s.paths = append(s.paths, r.URL.Path)
	s.forms = append(s.forms, form)
	n := len(s.asked)
	if s.after != nil {
		defer s.after(n)
	}
	answer := s.answers[min(n, len(s.answers))-1]
	if answer == "" {
		return nil, io.ErrUnexpectedEOF
	}
	var status int
	fmt.Sscan(answer, &status)
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	if strings.HasPrefix(answer[4:], "<") {
		w.Header().Set("Content-Type", "text/html")
	}
	if status == 429 {
		w.Header().Set("Retry-After", "40")
	}
	w.WriteHeader(status)
	io.WriteString(w, answer[4:])
	return w.Result(), nil
}

// client returns a client of the script.
func (s *script) client(t *testing.T) *okta.Client {
	t.Helper()
	at, err := okta.NewAuthorizationServer("https://okta.example.com", "default")
	if err != nil {
		t.Fatal(err)
	}
	return &okta.Client{Server: at, ID: "0oatest", HTTP: &http.Client{Transport: s, Timeout: 30 * time.Second}}
}

// seconds returns at which second after the start of the wait each poll came.
func (s *script) seconds() []int {
	var all []int
	for _, d := range s.asked {
		all = append(all, int(d/time.Second))
	}
	return all
}

func TestPollKeepsTheIntervalAndEnds(t *testing.T) {
	t.Parallel()
	const expired = "push has expired"
	for _, test := range []struct {
		name     string
		interval time.Duration
		lifetime time.Duration
		answers  []string
		polls    []int  // when, in seconds
		end      int    // when, in seconds
		err      string // "" for tokens
	}{
		{"approved at once", 5 * time.Second, time.Minute, []string{goodTokens}, []int{5}, 5, ""},
		{"pending", 5 * time.Second, time.Minute, []string{pending, pending, goodTokens}, []int{5, 10, 15}, 15, ""},
		{"slow down", 5 * time.Second, time.Minute, []string{slower, pending, slower, goodTokens},
			[]int{5, 15, 25, 40}, 40, ""},
		{"slow down each time", 5 * time.Second, 2 * time.Minute, []string{slower}, []int{5, 15, 30, 50, 75, 105}, 120,
			expired},
		{"never", 20 * time.Second, 50 * time.Second, []string{pending}, []int{20, 40}, 50, expired},
		{"expires first", 20 * time.Second, 10 * time.Second, []string{goodTokens}, nil, 10, expired},
		{"interval 0", 0, 5 * time.Second, []string{pending, pending, goodTokens}, []int{1, 2, 3}, 3, ""},
		{"interval -1", -time.Second, 3500 * time.Millisecond, []string{pending}, []int{1, 2, 3}, 3, expired},
		{"interval 1e9", 1e9 * time.Second, 150 * time.Second, []string{pending}, []int{60, 120}, 150, expired},
		{"expires_in 1e9", 7 * time.Minute, 1e9 * time.Second, []string{slower}, []int{60, 125, 195, 270, 350, 435, 525,
			620, 720, 825, 935, 1050, 1170, 1295, 1425, 1560, 1700}, 1800, expired},
		{"broken connection", 5 * time.Second, time.Minute, []string{"", pending, goodTokens}, []int{5, 15, 25}, 25, ""},
		{"server down", 5 * time.Second, 30 * time.Second, []string{`503 {"errorCode":"E0000010"}`}, []int{5, 15}, 30,
			"could not handle the sign-in"},
		{"page of a proxy", 5 * time.Second, time.Minute, []string{"502 <html>", goodTokens}, []int{5, 15}, 15, ""},
		{"rate limit", 5 * time.Second, time.Minute, []string{`429 {"errorCode":"E0000047"}`, goodTokens}, []int{5, 45}, 45,
			""},
		{"refused", 5 * time.Second, time.Minute, []string{pending, `400 {"error":"invalid_grant"}`}, []int{5, 10}, 10,
			"Okta refused the sign-in"},
		{"expired at Okta", 5 * time.Second, time.Minute, []string{`400 {"error":"expired_token"}`}, []int{5}, 5, expired},
		{"unusable tokens", 5 * time.Second, time.Minute, []string{`200 {"access_token":"x"}`}, []int{5}, 5, "token_type"},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			s := &script{answers: test.answers, began: began}
			p := poll{what: "push", form: url.Values{"grant_type": {"g"}, "scope": {"openid"}}, interval: test.interval,
				expires: expiry(test.lifetime)}
			tokens, err := p.tokens(t.Context(), s.client(t))
			if !slices.Equal(s.seconds(), test.polls) || int(time.Since(began)/time.Second) != test.end {
				t.Errorf("%s: polled at %v, ended after %v", test.name, s.seconds(), time.Since(began))
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: got %v", test.name, err)
			}
			if _, is := errors.AsType[*ExpiredError](err); is != (test.err == expired || test.name == "server down") {
				t.Errorf("%s: got a %T", test.name, err)
			}
			told := err == nil && strings.Contains(strings.Join(tokens.Warnings, ""), "okauth polled every 1 s")
			if told != (test.name == "interval 0") {
				t.Errorf("%s: the bound of the interval is told: %t", test.name, told)
			}
		})
	}
}

func TestPollEndsAtOnceWithTheContext(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"asleep": 7 * time.Second, "at the answer": 0} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := &script{answers: []string{pending, goodTokens}, began: time.Now()}
			s.after = func(n int) {
				if wait == 0 && n == 2 {
					cancel() // approved in the moment of Ctrl-C
				}
			}
			if wait > 0 {
				time.AfterFunc(wait, cancel)
			}
			p := poll{what: "push", form: url.Values{"grant_type": {"g"}}, interval: 5 * time.Second,
				expires: expiry(time.Minute)}
			tokens, err := p.tokens(ctx, s.client(t))
			cancel()
			if tokens != nil || !errors.Is(err, context.Canceled) || wait > 0 && time.Since(s.began) != wait {
				t.Errorf("%s: got %v, %v after %v", name, tokens != nil, err, time.Since(s.began))
			}
		})
	}
}

func TestPollDoesNotGoOnWithAWrongServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		goOn bool
	}{
		{&okta.NetworkError{Err: io.EOF}, true},
		{&okta.NetworkError{Certificate: &okta.CertificateError{}, Err: x509.UnknownAuthorityError{}}, false},
		{&okta.NetworkError{ClientCertificate: true, Err: io.EOF}, false},
		{&okta.ResponseError{Status: 302, What: "a redirect"}, false},
		{&okta.ResponseError{Status: 511, What: okta.HTMLPage}, false},
		{&okta.ResponseError{Status: 200, What: okta.HTMLPage}, false},
		{&okta.ResponseError{Status: 429, What: okta.HTMLPage}, true},
		{&okta.Error{Status: 400, Code: "temporarily_unavailable"}, true},
		{errors.New("client id is empty"), false},
	} {
		if passes(test.err) != test.goOn {
			t.Errorf("%T %v: goes on: %t", test.err, test.err, !test.goOn)
		}
	}
}
