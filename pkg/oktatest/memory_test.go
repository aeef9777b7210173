package oktatest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a server remembers of its clients does not grow with their number.
func TestMemoryIsBounded(t *testing.T) { // alone: it measures the heap
	s, err := Start(Options{Limits: &Limits{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.limit = 100
	client := s.Client()
	send := func(method, path, form string) {
		t.Helper()
		r, err := http.NewRequest(method, s.URL()+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(DirectAuthClientID, DefaultClientSecret)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	grown := func(times int) int64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range times {
			id := fmt.Sprint(times, i)
			for _, user := range []string{DefaultUser, "unknown" + id, "mfa@example.com"} {
				send("POST", "/oauth2/default/v1/token", "grant_type=password&scope=openid+offline_access&password="+DefaultPassword+"&username="+user)
			}
			send("POST", "/oauth2/default/v1/primary-authenticate", "login_hint=push@example.com&channel_hint=push&challenge_hint="+url.QueryEscape(GrantOOB))
			send("POST", "/oauth2/default/v1/introspect", "token="+strings.Repeat("x", maxBody))
			send("GET", "/activate", "")
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		return int64(after.HeapAlloc) - int64(before.HeapAlloc)
	}
	grown(150)
	if got := grown(300); got > 500<<10 {
		t.Errorf("grew by %d kB in 300 rounds", got>>10)
	}
}

// A client that sends its headers, or its body, too slowly is cut off, and holds up nothing else.
func TestSlowRequests(t *testing.T) {
	t.Parallel()
	s, err := Start(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var wait sync.WaitGroup
	for name, text := range map[string]string{
		"headers": "POST /oauth2/default/v1/token HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"body":    "POST /oauth2/default/v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
	} {
		wait.Go(func() {
			begin := time.Now()
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, text)
			_ = conn.SetReadDeadline(begin.Add(3 * readTimeout))
			answer, err := io.ReadAll(conn)
			if took := time.Since(begin); err != nil || len(answer) > 0 || took < readTimeout-time.Second {
				t.Errorf("%s: got %q, %v after %v, want nothing after %v", name, answer, err, took, readTimeout)
			}
		})
	}
	wait.Wait()
}
