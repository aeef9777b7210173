package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// trickling is a listener that says head, then filler a byte at a time, until the client is gone.
func trickling(t *testing.T, head, filler string) string {
	t.Helper()
	return listenOn(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		if _, err := io.WriteString(conn, head); err != nil {
			return
		}
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for i := 0; ; i++ {
			<-ticker.C
			if _, err := conn.Write([]byte{filler[i%len(filler)]}); err != nil {
				return
			}
		}
	})
}

// Something always comes, so that no pause is ever long; the deadline of all of it ends it.
func TestAT08_SlowLorisEnds(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]string{
		"status line":   "http://" + trickling(t, "HTTP/1.1 200 ", "O"),
		"header":        "http://" + trickling(t, "HTTP/1.1 200 OK\r\nX-A: ", "a"),
		"more headers":  "http://" + trickling(t, "HTTP/1.1 200 OK\r\n", "X: a\r\n"),
		"body":          "http://" + trickling(t, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "a"),
		"chunk":         "http://" + trickling(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", "a"),
		"interim 1xx":   "http://" + trickling(t, "", "HTTP/1.1 102 Processing\r\n\r\n"),
		"TLS handshake": "https://" + trickling(t, "\x16\x03\x03\x40\x00", "\x00"),
	} {
		var said lines
		start := time.Now()
		_, err := get(client(t, Config{Timeout: 150 * time.Millisecond, Trace: said.say, Detail: true}), base)
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Errorf("%s: got %v, want a timeout", name, err)
		}
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
}

func TestAT08_CancelWorksAtOnce(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]string{
		"head": "http://" + trickling(t, "HTTP/1.1 200 OK\r\nX-A: ", "a"),
		"body": "http://" + trickling(t, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "a"),
		"TLS":  "https://" + trickling(t, "\x16\x03\x03\x40\x00", "\x00"),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
		if err != nil {
			t.Fatal(err)
		}
		stop := time.AfterFunc(50*time.Millisecond, cancel)
		start := time.Now()
		resp, err := client(t, Config{}).Do(req)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		stop.Stop()
		cancel()
		if took := time.Since(start); !errors.Is(err, context.Canceled) || took > 3*time.Second {
			t.Errorf("%s: got %v after %s", name, err, took)
		}
	}
}

func TestAT10_BrokenAnswersAreErrors(t *testing.T) {
	t.Parallel()
	interim := strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: "+strings.Repeat("a", 1000)+"\r\n\r\n", 1000)
	for name, answer := range map[string]string{
		"nothing":                "",
		"garbage":                "hello\r\n\r\n",
		"head cut":               "HTTP/1.1 200 OK\r\nContent-Le",
		"body shorter than said": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":\"canary\"}",
		"chunks without an end":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"chunk of bad size":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
		"two lengths":            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"negative length":        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"gzip that is none":      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
		"1xx storm":              interim + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/2 GOAWAY":          "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\xff" + "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
	} {
		if body, err := get(client(t, Config{Trace: func(string) {}, Detail: true}), "http://"+answering(t, answer)); err == nil {
			t.Errorf("%s: taken as %q", name, body)
		}
	}
}

func TestAT10_ResetIsAnError(t *testing.T) {
	t.Parallel()
	address := listenOn(t, func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":")
		conn.(*net.TCPConn).SetLinger(0) // RST instead of FIN
	})
	if body, err := get(client(t, Config{}), "http://"+address); err == nil {
		t.Errorf("taken as %q", body)
	}
}

// A server that speaks HTTP/2 alone is not spoken to: okauth offers no protocol, and such a server has to refuse or to answer nonsense.
func TestAT15_HTTP2IsNotSpoken(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t, "an authority we know")
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ours.issue(nil)}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	offered := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Read(make([]byte, 4096))
		offered <- conn.(*tls.Conn).ConnectionState().NegotiatedProtocol
		io.WriteString(conn, "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01") // GOAWAY
	}()
	if body, err := get(client(t, Config{CAFile: ours.file}), "https://"+listener.Addr().String()); err == nil {
		t.Errorf("taken as %q", body)
	}
	if got := <-offered; got != "" {
		t.Errorf("agreed on %q", got)
	}
}
