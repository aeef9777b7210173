package grant

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"okauth/pkg/okta"
)

func checkPageIsHarmless(t *testing.T, header http.Header, text string) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Type": "text/html; charset=utf-8",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	_, style, _ := strings.Cut(text, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	csp := header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") ||
		!strings.Contains(csp, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("got the policy %s", csp)
	}
	for _, loads := range []string{"src=", "href=", "<script", "url(", "@import", "{title}", "{text}", "{next}", "canary"} {
		if strings.Contains(text, loads) {
			t.Errorf("the page has %s: %s", loads, text)
		}
	}
	if !strings.Contains(text, "color-scheme: light dark") || !strings.Contains(text, `lang="en"`) {
		t.Errorf("got the page %s", text)
	}
}

// Nothing but the one answer counts: the right one, which comes after all the others, still signs in.
func TestST18_NothingElseIsTheAnswer(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	_, tokens, err := o.signIn(t, o.grant(), func(b *browser) {
		good := b.back("code", "good")
		host := strings.TrimPrefix(strings.TrimSuffix(o.redirect, "/callback"), "http://")
		port := host[strings.LastIndex(host, ":"):]
		for _, test := range []struct {
			name, method, address string
			status                int
			header                []string
		}{
			{"wrong state", "GET", b.back("code", "good", "state", "other"), 404, nil},
			{"empty state", "GET", b.back("code", "good", "state", ""), 404, nil},
			{"no state", "GET", o.redirect + "?code=good", 404, nil},
			{"error without state", "GET", o.redirect + "?error=access_denied", 404, nil},
			{"two states", "GET", good + "&state=other", 400, nil},
			{"two codes", "GET", good + "&code=other", 400, nil},
			{"damaged", "GET", good + "&%zz=1", 400, nil},
			{"semicolon", "GET", good + ";x=1", 400, nil},
			{"no code", "GET", b.back(), 400, nil},
			{"empty code", "GET", b.back("code", ""), 400, nil},
			{"code and error", "GET", b.back("code", "good", "error", "access_denied"), 400, nil},
			{"other path", "GET", strings.Replace(good, "/callback", "/", 1), 404, nil},
			{"longer path", "GET", strings.Replace(good, "/callback", "/callback/", 1), 404, nil},
			{"upper case", "GET", strings.Replace(good, "/callback", "/Callback", 1), 404, nil},
			{"escaped path", "GET", strings.Replace(good, "/callback", "/%63allback", 1), 404, nil},
			{"dots", "GET", strings.Replace(good, "/callback", "/x/../callback", 1), 404, nil},
			{"rebound name", "GET", good, 404, []string{"Host", "attacker.example" + port}},
			{"name of this machine", "GET", good, 404, []string{"Host", "localhost" + port}},
			{"host without port", "GET", good, 404, []string{"Host", "127.0.0.1"}},
			{"other port", "GET", good, 404, []string{"Host", "127.0.0.1:1"}},
			{"POST", "POST", good, 405, nil},
			{"POST to another path", "POST", strings.Replace(good, "/callback", "/", 1), 404, nil},
			{"POST from another site", "POST", good, 404, []string{"Host", "attacker.example" + port}},
			{"HEAD", "HEAD", good, 405, nil},
			{"preflight", "OPTIONS", good, 405, []string{"Origin", "https://attacker.example",
				"Access-Control-Request-Private-Network", "true"}},
			{"image", "GET", good, 404, []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}},
			{"frame", "GET", good, 404, []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}},
			{"fetch", "GET", good, 404, []string{"Sec-Fetch-Mode", "cors", "Origin", "https://attacker.example"}},
			{"image without state", "GET", o.redirect + "?code=good", 404, []string{"Sec-Fetch-Site", "cross-site",
				"Referer", "https://attacker.example/"}},
			{"guess of another site", "GET", b.back("code", "good", "state", "AAAA"), 404,
				[]string{"Origin", "https://attacker.example", "Sec-Fetch-Mode", "navigate"}},
		} {
			status, header, text := get(t, test.method, test.address, test.header...)
			if status != test.status || strings.Contains(text, b.params.Get("state")) ||
				header.Get("Access-Control-Allow-Origin") != "" || status == 405 && header.Get("Allow") != "GET" {
				t.Errorf("%s: got HTTP %d, %v: %s", test.name, status, header, text)
			}
		}
		o.mu.Lock()
		if len(o.forms) != 0 || b.done.Load() != 0 {
			t.Errorf("the wait is over; Okta was asked: %v", o.forms)
		}
		o.claims = map[string]any{"nonce": b.params.Get("nonce")}
		o.mu.Unlock()
		if status, _, text := get(t, "GET", good); status != 200 || !strings.Contains(text, "signed in as alice@") {
			t.Errorf("the right answer: got HTTP %d: %s", status, text)
		}
	})
	if err != nil || tokens == nil || len(o.forms) != 1 {
		t.Fatalf("got %+v, %v after %d requests", tokens, err, len(o.forms))
	}
}

// The second callback, right as it is, changes nothing, and no one listens when the sign-in is over.
func TestST18_OneAnswerIsTaken(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	_, _, err := o.signIn(t, o.grant(), func(b *browser) {
		o.arrived = func() {
			for range 2 {
				if status, _, text := get(t, "GET", b.back("code", "good")); status != 404 {
					t.Errorf("a second answer: got HTTP %d: %s", status, text)
				}
			}
			if err := b.opened.Paste(b.back("code", "good")); err == nil {
				t.Error("a second answer was taken")
			}
		}
		_, _, text := get(t, "GET", b.back("code", "bad"))
		if !strings.Contains(text, "The authorization code is invalid or has expired.") ||
			!strings.Contains(text, "The terminal says what to do.") {
			t.Errorf("got %s", text)
		}
	})
	if refusal, ok := errors.AsType[*okta.Error](err); !ok || refusal.Code != "invalid_grant" || len(o.forms) != 1 {
		t.Errorf("got %v after %d requests", err, len(o.forms))
	}
	if _, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(o.redirect, "http://"), "/callback")); err == nil {
		t.Error("the port is still open")
	}
}

// ssh: the browser is on another machine, and the person pastes the address that it has ended at.
func TestPastedAddress(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	host := strings.TrimSuffix(strings.TrimPrefix(o.redirect, "http://"), "/callback")
	taken, err := net.Listen("tcp", host) // so that nothing can be listened to
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	g := o.grant()
	g.NoBrowser = true
	for _, scheme := range []string{"http://", ""} {
		_, tokens, err := o.signIn(t, g, func(b *browser) {
			good := b.back("code", "good")
			for name, address := range map[string]string{
				"nothing": "", "words": "I don't know", "sign-in page": b.opened.Address, "code alone": "good",
				"other host": strings.Replace(good, "127.0.0.1", "localhost", 1),
				"https":      strings.Replace(good, "http:", "https:", 1),
				"other path": strings.Replace(good, "/callback", "/x", 1),
				"no state":   o.redirect + "?code=good", "wrong state": b.back("code", "good", "state", "x"),
				"two codes": good + "&code=x", "no code": b.back(), "control": "\x1b[2J" + good, "damaged": good + "&%zz",
			} {
				if err := b.opened.Paste(address); err == nil || strings.ContainsAny(err.Error(), "\x1b\n") {
					t.Errorf("%s: got %v", name, err)
				}
			}
			if err := b.opened.Paste(" " + scheme + strings.TrimPrefix(good, "http://") + "\n"); err != nil {
				t.Error(err)
			}
			if err := b.opened.Paste(good); err == nil {
				t.Error("a second address was taken")
			}
		})
		if err != nil || tokens == nil {
			t.Errorf("got %v", err)
		}
	}
	if len(o.forms) != 2 {
		t.Errorf("%d requests were sent, want 2", len(o.forms))
	}
	g.NoBrowser = false
	b := &browser{}
	_, err = g.Token(t.Context(), o.Client, b)
	if e, ok := errors.AsType[*ListenError](err); !ok || e.RedirectURI != o.redirect ||
		!strings.Contains(err.Error(), o.redirect) || b.opened.Address != "" {
		t.Errorf("got %v; the browser was sent to %q", err, b.opened.Address)
	}
}

// CheckRedirectURI wants a free port and leaves it free.
func TestCheckRedirectURI(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	uri := "http://" + l.Addr().String() + "/callback"
	if err := CheckRedirectURI(t.Context(), uri); !errors.As(err, new(*ListenError)) {
		t.Errorf("a port in use: got %v", err)
	}
	l.Close()
	for range 2 {
		if err := CheckRedirectURI(t.Context(), uri); err != nil {
			t.Error(err)
		}
	}
	if err := CheckRedirectURI(t.Context(), "http://192.0.2.1:1/"); !errors.As(err, new(*InputError)) {
		t.Errorf("another machine: got %v", err)
	}
}

// localhost may be either address, so that both must be free.
func TestST18_Localhost(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	_, port, _ := net.SplitHostPort(freePort(t, "127.0.0.1"))
	o.redirect = "http://localhost:" + port + "/callback"
	six, err := net.Listen("tcp", "[::1]:"+port)
	if err != nil {
		t.Logf("without IPv6: %v", err)
	} else {
		b := &browser{}
		if _, err := o.grant().Token(t.Context(), o.Client, b); b.opened.Address != "" {
			t.Errorf("got %v, and the browser was opened while another program has [::1]", err)
		}
		six.Close()
	}
	_, tokens, err := o.signIn(t, o.grant(), func(b *browser) {
		for _, ip := range []string{"127.0.0.1", "[::1]"} {
			if six == nil && ip == "[::1]" {
				continue
			}
			address := strings.Replace(b.back("code", "good"), "localhost", ip, 1)
			if status, _, _ := get(t, "GET", strings.Replace(address, "good", "", 1), "Host", "localhost:"+port); status != 400 {
				t.Errorf("%s: got HTTP %d", ip, status)
			}
		}
		get(t, "GET", b.back("code", "good"), "Host", "LOCALHOST:"+port)
	})
	if err != nil || tokens == nil {
		t.Errorf("got %v", err)
	}
}

func TestAT08_SlowClientsOfTheCallback(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	host := strings.TrimSuffix(strings.TrimPrefix(o.redirect, "http://"), "/callback")
	clog := func() (conns []net.Conn) {
		for i := range 100 {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Error(err)
				return conns
			}
			io.WriteString(conn, "GET /callback?state=x HTTP/1.1\r\nHost: "[:i%38])
			conns = append(conns, conn)
		}
		return conns
	}
	began := time.Now()
	_, tokens, err := o.signIn(t, o.grant(), func(b *browser) {
		for _, conn := range clog() {
			defer conn.Close()
		}
		get(t, "GET", b.back("code", "good"))
	})
	if err != nil || tokens == nil || time.Since(began) > 4*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
	ctx, cancel := context.WithCancel(t.Context())
	began = time.Now()
	b := &browser{visit: func(*browser) {
		for _, conn := range clog() {
			defer conn.Close()
		}
		cancel() // Ctrl-C
	}}
	_, err = o.grant().Token(ctx, o.Client, b)
	b.visited.Wait()
	if !errors.Is(err, context.Canceled) || b.done.Load() != 1 || time.Since(began) > 4*time.Second {
		t.Errorf("Ctrl-C: got %v after %s", err, time.Since(began))
	}
	// A browser that does not read what it asked for.
	began = time.Now()
	_, _, err = o.signIn(t, o.grant(), func(b *browser) {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Error(err)
			return
		}
		o.arrived = func() { conn.Close() }
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
			strings.TrimPrefix(b.back("code", "good"), "http://"+host), host)
	})
	if err != nil || time.Since(began) > 4*time.Second {
		t.Errorf("a browser that is gone: got %v after %s", err, time.Since(began))
	}
}

// A client that does not finish its request is cut off, and the browser waits for Okta longer than that.
func TestAT08_SlowOkta(t *testing.T) {
	t.Parallel()
	o := newAuthorizer(t)
	_, _, err := o.signIn(t, o.grant(), func(b *browser) {
		o.arrived = func() {
			conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(o.redirect, "http://"), "/callback"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(15 * time.Second))
			io.WriteString(conn, "GET /callback?state=")
			if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the slow client is still connected")
			}
		}
		if status, _, text := get(t, "GET", b.back("code", "bad")); status != 200 || !strings.Contains(text, "Not signed in") {
			t.Errorf("got HTTP %d: %s", status, text)
		}
	})
	if err == nil {
		t.Error("no error")
	}
}
