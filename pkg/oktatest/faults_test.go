package oktatest_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// exchange is like send, for answers that need not be whole.
func exchange(t *testing.T, s *oktatest.Server, r *http.Request) (*http.Response, string, error) {
	t.Helper()
	client := s.Client()
	client.Transport.(*http.Transport).DisableCompression = true
	client.Transport.(*http.Transport).MaxResponseHeaderBytes = 64 << 20
	res, err := client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// interim sends 103 Early Hints before the answer.
func interim(w http.ResponseWriter, r *http.Request, next http.Handler) {
	w.WriteHeader(http.StatusEarlyHints)
	next.ServeHTTP(w, r)
}

func TestAnswersThatAreNotOktas(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		fault  oktatest.Fault
		status int
		header string // name: value
		holds  string
	}{
		{"redirect", oktatest.Redirect(307, "https://example.com/"), 307, "Location: https://example.com/", ""},
		{"HTML", oktatest.HTML(502), 502, "Content-Type: text/html; charset=utf-8", "<h1>Bad Gateway</h1>"},
		{"empty", oktatest.Respond(204, nil, ""), 204, "", ""},
		{"JSON", oktatest.JSON("null"), 200, "Content-Type: application/json", "null"},
		{"content type", oktatest.Header("Content-Type", "text/plain"), 200, "Content-Type: text/plain", `"access_token"`},
		{"header", oktatest.Header("Retry-After", "-1"), 200, "Retry-After: -1", `"access_token"`},
		{"override", oktatest.Override("expires_in", `"3600"`), 200, "", `","expires_in":"3600","id_token"`},
		{"leave out", oktatest.Override("token_type", ""), 200, "", `"scope":"openid profile"}`},
		{"add", oktatest.Override("extra", `[1]`), 200, "", `3600,"extra":[1],"id_token"`},
		{"alter", oktatest.Alter(func(res *oktatest.Response) { res.Body = append(res.Body, '!') }), 200, "", "}!"},
		{"interim", interim, 200, "", `"access_token"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.Fail("/token", test.fault)
			res, text, err := exchange(t, s, good(t, s))
			if err != nil {
				t.Fatal(err)
			}
			name, value, _ := strings.Cut(test.header, ": ")
			if res.StatusCode != test.status || res.Header.Get(name) != value || !strings.Contains(text, test.holds) {
				t.Errorf("got %d %v %.300s", res.StatusCode, res.Header, text)
			}
			if got := s.Requests(); len(got) != 1 || got[0].Status != test.status {
				t.Errorf("log: got %v, want one request with %d", got, test.status)
			}
			s.Clock().Advance(time.Second)
			if got := send(t, s, good(t, s)); got.Status != 200 || !strings.HasPrefix(got.Text, `{"token_type":"Bearer","expires_in":3600,`) {
				t.Errorf("the next request: got %d %.300s", got.Status, got.Text)
			}
		})
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	s := start(t)
	const size = 8 << 20
	s.Fail("/token", oktatest.Gzip(size))
	res, text, err := exchange(t, s, good(t, s))
	if err != nil || res.Header.Get("Content-Encoding") != "gzip" || len(text) > size/100 {
		t.Fatalf("got %d bytes, %v", len(text), err)
	}
	z, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, z); err != nil || n < size {
		t.Errorf("unpacked: got %d bytes and %v, want %d", n, err, size)
	}
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	reset := syscall.ECONNRESET
	if runtime.GOOS == "windows" {
		reset = 10054 // WSAECONNRESET
	}
	for _, test := range []struct {
		name  string
		fault oktatest.Fault
		want  error
		opts  oktatest.Options
	}{
		{"truncated", oktatest.Truncated(), io.ErrUnexpectedEOF, oktatest.Options{}},
		{"reset", oktatest.Reset(), reset, oktatest.Options{}},
		{"reset under TLS", oktatest.Reset(), reset, oktatest.Options{TLS: true}},
		{"hang up", oktatest.HangUp(), io.EOF, oktatest.Options{}},
		{"content too short", oktatest.Raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}"), io.ErrUnexpectedEOF, oktatest.Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, test.opts)
			s.Fail("/token", test.fault)
			if _, text, err := exchange(t, s, good(t, s)); !errors.Is(err, test.want) {
				t.Errorf("got %v with %q, want %v", err, text, test.want)
			}
			if got := s.Requests(); len(got) != 1 {
				t.Errorf("log: got %v, want one request", got)
			}
		})
	}
}

// A slow server ends when the client has had enough, and when it is closed.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]oktatest.Fault{
		"silence": oktatest.Silence(), "slow headers": oktatest.SlowHeaders(time.Millisecond),
		"endless":      oktatest.Endless(),
		"held request": oktatest.HoldRequest(nil, nil), "held answer": oktatest.HoldAnswer(nil, nil),
		"arrival that is not received": oktatest.HoldRequest(make(chan struct{}), nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.FailAlways("/token", fault)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			client := s.Client()
			drain := func(r *http.Request) error {
				res, err := client.Do(r)
				if err != nil {
					return err
				}
				defer res.Body.Close()
				_, err = io.Copy(io.Discard, res.Body)
				return err
			}
			if err := drain(good(t, s).WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the deadline", err)
			}
			done := make(chan error, 1)
			r := good(t, s)
			go func() { done <- drain(r) }()
			for len(s.Requests()) < 2 { // the second request has arrived
				select {
				case err := <-done:
					t.Fatalf("answered: %v", err)
				case <-time.After(time.Millisecond):
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err == nil {
				t.Error("closed server: got a whole answer")
			}
		})
	}
}

// An interim answer is not the answer: the log says 0 until there is one.
func TestInterimIsNotLogged(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Fail("/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		w.WriteHeader(http.StatusEarlyHints)
		oktatest.HangUp()(w, r, next)
	})
	if _, _, err := exchange(t, s, good(t, s)); err == nil {
		t.Error("got an answer, want none")
	}
	if got := s.Requests(); len(got) != 1 || got[0].Status != 0 {
		t.Errorf("log: got %v, want one request without an answer", got)
	}
}

func TestFailAlways(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.FailAlways("/token", oktatest.HTML(503))
	s.Fail("", oktatest.HTML(502))
	for _, want := range []int{502, 503, 503} {
		if got := send(t, s, good(t, s)); got.Status != want {
			t.Errorf("got %d, want %d", got.Status, want)
		}
	}
	if got := get(t, s, s.URL()+"/oauth2/v1/keys", ""); got.Status != 200 {
		t.Errorf("another path: got %d, want 200", got.Status)
	}
	s.ClearFaults()
	s.FailAlways("", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.FormValue("username") == "teapot" { // the body is still there to be read
			w.WriteHeader(http.StatusTeapot)
			return
		}
		next.ServeHTTP(w, r)
	})
	r := good(t, s)
	setForm(t, r, func(v url.Values) { v.Set("username", "teapot") })
	if got := send(t, s, r); got.Status != http.StatusTeapot {
		t.Errorf("intercepted: got %d, want 418", got.Status)
	}
	if got := send(t, s, good(t, s)); got.Status != 200 {
		t.Errorf("let through: got %d, want 200", got.Status)
	}
}
