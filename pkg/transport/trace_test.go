package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines collects what a trace says.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) say(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
}

// expect compares the lines with patterns, one for each.
func (l *lines) expect(t *testing.T, name string, patterns ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) != len(patterns) {
		t.Errorf("%s: got %d lines, want %d:\n%s", name, len(l.all), len(patterns), strings.Join(l.all, "\n"))
		return
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile("^" + pattern + "$").MatchString(l.all[i]) {
			t.Errorf("%s: line %d is %q, want %s", name, i, l.all[i], pattern)
		}
	}
}

// post sends a form and reads the answer to its end.
func post(c *http.Client, url string, form url.Values, change func(*http.Request)) error {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(req)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestTraceOfOneRequest(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	server := serve(t, &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Date"] = nil
		h.Set("Content-Type", "application/json")
		h.Set("X-Okta-Request-Id", "reqVy8wsvmBQN27h4soUE3ZEnA")
		h.Set("X-Rate-Limit-Limit", "1200")
		h.Set("X-Rate-Limit-Remaining", "1198")
		h.Set("X-Rate-Limit-Reset", "1767225845")
		h.Set("Set-Cookie", "JSESSIONID=canary-cookie")
		io.WriteString(w, `{"access_token":"canary-token"}`)
	}))
	base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	host := regexp.QuoteMeta(strings.TrimPrefix(base, "https://"))
	form := url.Values{"grant_type": {"password"}, "password": {"wrong-horse"}, "scope": {"openid profile"}, "username": {"alice"}}
	for route, proxy := range ours.routes(server.Listener.Addr().String()) {
		via, dns := "", ""
		if route == "direct" {
			dns = `dns \d+, `
		} else {
			via = ` via proxy 127\.0\.0\.1:\d+`
		}
		request := `> POST https://` + host + `/oauth2/default/v1/token` + via
		answer := `< 200 after \d+ ms \(` + dns + `connect \d+, tls \d+, (tls \d+, )?first byte \d+\), request id reqVy8wsvmBQN27h4soUE3ZEnA, rate limit 1198 of 1200 until 00:04:05Z`
		tlsLine := `\* TLS 1\.3, certificate CN=a test, issued by CN=an authority we know, until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`

		var short, long lines
		for _, c := range []Config{{Trace: short.say}, {Trace: long.say, Detail: true}} {
			c.CAFile, c.Proxy = ours.file, proxy
			err := post(client(t, c), base+"/oauth2/default/v1/token", form, func(req *http.Request) {
				req.SetBasicAuth("a client", "canary-secret")
				req.Header.Set("User-Agent", "okauth/1.2.3")
			})
			if err != nil {
				t.Fatalf("%s: %v", route, err)
			}
		}
		short.expect(t, route, request, answer)
		patterns := []string{
			request, `> Authorization: Basic ••••`, `> Content-Type: application/x-www-form-urlencoded`, `> User-Agent: okauth/1\.2\.3`,
			`> form: grant_type=password&password=••••&scope=openid profile&username=••••`, tlsLine,
		}
		long.expect(t, route+", detail", append(patterns, answer,
			`< Content-Length: 31`, `< Content-Type: application/json`, `< Set-Cookie: ••••`, `< X-Okta-Request-Id: req\w+`,
			`< X-Rate-Limit-Limit: 1200`, `< X-Rate-Limit-Remaining: 1198`, `< X-Rate-Limit-Reset: 1767225845`,
			`< body: application/json, 31 bytes`)...)
	}
}

func TestTraceOfNoAnswer(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	unknown := serve(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t, "canary\x1bauthority").issue(nil)}}, nil)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // else the server does not look whether the client is gone
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	proxy := http.ProxyURL(mustURL(t, "http://someone:canary-proxy-password@"+closed(t)))
	bad := http.ProxyURL(mustURL(t, "gopher://someone:canary-proxy-password@proxy.test"))
	for _, test := range []struct {
		name, url string
		c         Config
		want      []string
	}{
		{"no such host", "https://no..host", Config{}, []string{`> POST https://no\.\.host`, `< no response after \d+ ms \(dns \d+\), phase: look up the host`}},
		{"refused", "http://" + closed(t), Config{}, []string{`> .*`, `< no response after \d+ ms, phase: connect`}},
		{"unknown authority", unknown.URL, Config{CAFile: ours.file, Detail: true}, []string{
			`> .*`, `> Content-Type: .*`, `> form: password=••••`,
			`< no response after \d+ ms \(connect \d+, tls \d+\), phase: TLS handshake`,
		}},
		{"silence", silent.URL, Config{Timeout: 100 * time.Millisecond}, []string{`> .*`, `< no response after \d+ ms \(connect \d+\), phase: await the answer`}},
		{"proxy", "https://okta.example.test", Config{Proxy: proxy}, []string{`> POST https://okta\.example\.test via proxy 127\.0\.0\.1:\d+`, `< no response after \d+ ms, phase: connect`}},
		{"proxy that makes no sense", "https://okta.example.test", Config{Proxy: bad}, nil},
		{"cut head", "http://" + answering(t, "HTTP/1.1 200 canary"), Config{}, []string{`> .*`, `< no response after \d+ ms \(connect \d+, first byte \d+\), phase: read the answer`}},
	} {
		var said lines
		test.c.Trace = said.say
		if err := post(client(t, test.c), test.url, url.Values{"password": {"wrong-horse"}}, nil); err == nil {
			t.Errorf("%s: no error", test.name)
		}
		said.expect(t, test.name, test.want...)
	}
}

// What is sent and what comes back is shown by name: only where the name says that it is public.
func TestST16_AT66_TraceLeaksNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := w.Header()
		h.Set("Www-Authenticate", `Bearer realm="x", error="invalid_token", error_description="canary-password `+r.Header.Get("Authorization")+`"`)
		h.Set("X-Body", string(body))
		h.Set("X-Echo", "canary-password")
		h.Set("X-Auth-Token", "canary-answer-token")
		h.Set("Set-Cookie", "sid=canary-cookie")
		h.Set("Location", "https://canary-user:canary-word@okta.example.test/cb?code=canary-code&state=1#access_token=canary-fragment")
		h.Set("Link", `<https://okta.example.test/next?after=canary-after>; rel="next"`)
		h.Set("X-Jwt-Like", "see eyJhbGciOiJub25lIn0.canary.")
		h.Set("Proxy-Authenticate", `Basic realm="canary-realm", error="canary-Code"`)
		h.Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, "canary-body")
	}))
	t.Cleanup(server.Close)
	form := url.Values{
		"grant_type": {"password"}, "username": {"canary-user"}, "password": {"canary-password"}, "refresh_token": {"canary-refresh"},
		"otp": {"canary-otp"}, "new_field": {"canary-new"}, "client_secret": {"canary-secret"},
	}
	for name, auth := range map[string]string{
		"Basic": "Basic canary-basic", "Bearer": "Bearer canary-bearer", "scheme unknown": "canary-client",
	} {
		var said lines
		err := post(client(t, Config{Trace: said.say, Detail: true}), server.URL+"/path?login_hint=canary-query&scope=openid#canary-fragment", form, func(req *http.Request) {
			req.Header.Set("Authorization", auth)
			req.Header.Set("Proxy-Authorization", auth)
			req.Header.Set("DPoP", "canary-proof")
			req.Header.Set("Cookie", "sid=canary-cookie")
			req.Header.Set("X-Unknown", "canary-unknown")
		})
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(said.all, "\n")
		if strings.Contains(strings.ToLower(all), "canary") || strings.Contains(all, "eyJ") {
			t.Errorf("%s: leaked\n%s", name, all)
		}
		for _, want := range []string{
			`< Www-Authenticate: Bearer ••••`, "path?login_hint=••••&scope=openid",
			"< Location: https://okta.example.test/cb?code=••••&state=••••", "< X-Echo: ••••", "< body: text/plain, 11 bytes",
			"> form: client_secret=••••&grant_type=password&new_field=••••&otp=••••&",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in\n%s", name, want, all)
			}
		}
	}
}

func TestTraceIsPrintable(t *testing.T) {
	t.Parallel()
	h := http.Header{
		"Server": {"a\x1b[31mb\u202ec\xff\r\nd"}, "Via": {strings.Repeat("ü", 2000)}, "X-Okta-Request-Id": {"\x1b]0;title\a"},
	}
	var said lines
	layer := &trace{log: said.say, detail: true, Base: tripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: h, Body: http.NoBody}, nil // net/http takes no such header from a server
	})}
	direct := &router{Base: layer, proxy: http.ProxyURL(nil)}
	resp, err := direct.RoundTrip(httptest.NewRequest(http.MethodGet, "https://okta.example.test/a%1bb", nil))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	said.expect(t, "escapes", `> GET https://okta\.example\.test/a%1bb`, `< 200 .*, request id \x{FFFD}\]0;title\x{FFFD}`,
		`< Server: a\x{FFFD}\[31mb\x{FFFD}c\x{FFFD} d`, `< Via: ü{985,995}…`, `< X-Okta-Request-Id: .*`, `< body: no type, 0 bytes`)
}

// What the server gets with a trace is what it gets without.
func TestTraceLeavesTheRequestAlone(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %d %v %s", r.ContentLength, len(body), err, r.Header.Get("Content-Type"))
	}))
	t.Cleanup(server.Close)
	const form = "application/x-www-form-urlencoded"
	for _, test := range []struct{ name, kind, body, want string }{
		{"form", form, "a=b", "3 3 <nil> " + form},
		{"form with a charset", form + "; charset=UTF-8", "a=b", "3 3 <nil> " + form + "; charset=UTF-8"},
		{"empty form", form, "", "0 0 <nil> " + form},
		{"no form", "application/json", `{"a":1}`, "7 7 <nil> application/json"},
		{"large form", form, "a=" + strings.Repeat("b", 2<<20), fmt.Sprintf("%d %d <nil> %s", 2<<20+2, 2<<20+2, form)},
	} {
		c := client(t, Config{Trace: func(string) {}, Detail: true})
		resp, err := c.Post(server.URL, test.kind, strings.NewReader(test.body))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(got) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// once fails, and has ended when it is asked again.
type once struct{ err error }

func (o *once) Read([]byte) (int, error) {
	err := o.err
	o.err = io.EOF
	return 0, err
}

func TestTraceKeepsTheBodysError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) }))
	t.Cleanup(server.Close)
	broken := errors.New("broken body")
	_, err := client(t, Config{Trace: func(string) {}}).Post(server.URL, "application/x-www-form-urlencoded", io.MultiReader(strings.NewReader("a=b"), &once{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestTraceTellsOfABodyThatIsCut(t *testing.T) {
	t.Parallel()
	var said lines
	at := answering(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{}")
	if err := post(client(t, Config{Trace: said.say, Detail: true}), "http://"+at, nil, nil); err == nil {
		t.Error("half an answer was taken")
	}
	if last := said.all[len(said.all)-1]; last != "< body: application/json, cut short after 2 bytes" {
		t.Errorf("got %q", last)
	}
}

func TestTraceRateLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ limit, left, reset, want string }{
		{"600", "0", "1767225600", ", rate limit 0 of 600 until 00:00:00Z"},
		{"600", "0", "", ""},
		{"600", "canary", "1767225600", ""},
		{"", "", "", ""},
		{"600", "0", "9999999999999999999999", ""},
	} {
		h := http.Header{}
		h.Set("X-Rate-Limit-Limit", test.limit)
		h.Set("X-Rate-Limit-Remaining", test.left)
		h.Set("X-Rate-Limit-Reset", test.reset)
		if got := rateLimit(h); got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}
