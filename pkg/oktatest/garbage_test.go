package oktatest

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// A port that is open to every program of the machine gets more than requests. Connections that break, bytes that are no
// HTTP, requests that are no OAuth and bodies of 5 MB are refused with a status below 500, or not answered, and leave
// nothing behind.
func TestGarbage(t *testing.T) { // alone: it counts goroutines and measures the heap
	s, err := Start(Options{Limits: &Limits{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.limit = 100
	source := rand.New(rand.NewChaCha8([32]byte{})) // the same bytes at every run
	flood(t, s, source, 300)                        // what is allocated once
	goroutines, heap := usage()
	flood(t, s, source, 3000)
	if g, h := usage(); g > goroutines+10 || h > heap+4<<20 {
		t.Errorf("grew from %d to %d goroutines, and from %d to %d kB", goroutines, g, heap>>10, h>>10)
	}
	if got := exchange(t, s, "GET /oauth2/default/v1/keys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); got != 200 {
		t.Errorf("the server answers %d afterwards", got)
	}
}

// flood sends garbage over that many connections, breaks as many, and sends a large body for every sixtieth.
func flood(t *testing.T, s *Server, source *rand.Rand, connections int) {
	large := post("/oauth2/default/v1/token", "token="+strings.Repeat("x", 5<<20))
	var bodies sync.WaitGroup
	bodies.Go(func() {
		eachOf(connections/60, func(int) {
			if status := exchange(t, s, large); status != 400 && status != 0 { // 0: it did not wait for the answer
				t.Errorf("5 MB: got %d", status)
			}
		})
	})
	eachOf(connections, func(int) { exchange(t, s, "") })
	texts := make([]string, connections)
	for i := range texts {
		texts[i] = garbage(source, i)
	}
	eachOf(connections, func(i int) {
		status := exchange(t, s, texts[i])
		complete := strings.Contains(texts[i], "Connection: close")
		if complete && status == 0 || status >= 500 && status != http.StatusNotImplemented { // 0: the handler panicked
			t.Errorf("%q: got %d", texts[i], status)
		}
	})
	bodies.Wait()
	s.ResetRequests()
}

// The log keeps 10,000 small requests, but not as many large ones.
func TestLogOfLargeRequestsIsBounded(t *testing.T) {
	t.Parallel()
	s := &Server{limit: maxRemembered}
	for range 2 * maxLogged / maxBody {
		s.log(&Request{Body: make([]byte, maxBody)})
	}
	if got := len(s.Requests()); got != maxLogged/maxBody {
		t.Errorf("%d requests are kept, want %d", got, maxLogged/maxBody)
	}
}

// garbage is a request that no client sends: random bytes alone, or in the place of a path, a header or a form.
func garbage(source *rand.Rand, i int) string {
	bytes := make([]byte, 1+source.IntN(400))
	for i := range bytes {
		bytes[i] = byte(source.Uint32())
	}
	random := string(bytes)
	var paths []string
	for path := range routes() {
		if strings.HasPrefix(path, "/") {
			paths = append(paths, path)
		} else {
			paths = append(paths, "/oauth2/default/"+path, "/oauth2/"+path)
		}
	}
	path := paths[i%len(paths)]
	form := url.Values{"client_id": {DefaultClientID}, "grant_type": {GrantPassword}}
	for _, name := range []string{"username", "password", "scope", "redirect_uri", "state", "token", "signin", "dpop_jkt"} {
		form.Set(name, random[source.IntN(len(random)):])
	}
	switch i % 6 {
	case 0:
		return random
	case 1:
		return post(path, random)
	case 2:
		return "GET " + path + "?" + form.Encode() + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	case 3:
		scheme := []string{"Basic ", "Bearer ", "DPoP "}[i/6%3]
		return "POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\nDPoP: a.b.c\r\n" +
			"Authorization: " + scheme + base64.StdEncoding.EncodeToString(bytes) + "\r\n\r\n"
	case 4:
		return post(path, form.Encode())
	}
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + random // and no more of it
}

func post(path, form string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n%s", path, len(form), form)
}

// exchange sends a text over a connection of its own, and returns the status of the answer; 0: there is none.
func exchange(t *testing.T, s *Server, text string) (status int) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text) // fails if the server has seen enough
	if !strings.Contains(text, "Connection: close") {
		_ = conn.(*net.TCPConn).CloseWrite() // so that the server waits for no more
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	answer, _ := io.ReadAll(conn)
	_, _ = fmt.Sscanf(string(answer), "HTTP/1.1 %d", &status)
	return status
}

// eachOf calls f with each number below n, a few at a time.
func eachOf(n int, f func(i int)) {
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := worker; i < n; i += 8 {
				f(i)
			}
		})
	}
	wait.Wait()
}

// usage is what the process needs once its connections are closed.
func usage() (goroutines int, heap uint64) {
	for goroutines = runtime.NumGoroutine(); ; goroutines = runtime.NumGoroutine() {
		runtime.GC()
		if again := runtime.NumGoroutine(); again >= goroutines {
			break
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return goroutines, stats.HeapAlloc
}
