package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"okauth/pkg/proxy"
)

// echo returns the address of an API that answers each request with text, where %s is the token that came.
func echo(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
				_, _ = io.WriteString(conn, strings.ReplaceAll(text, "%s", token))
			}
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// What an API says in an answer that is not HTTP, which may be the token, is in no error.
func TestBrokenAnswerWithToken(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\n"
	for name, answer := range map[string]string{
		"status line":       "%s\r\n\r\n",
		"status code":       "HTTP/1.1 %s OK\r\n\r\n",
		"version":           "HTTP/%s 200 OK\r\n\r\n",
		"header":            head + "%s\r\n\r\n",
		"header's name":     head + "%s x: y\r\n\r\n",
		"folded header":     head + " %s\r\n\r\n",
		"length":            head + "Content-Length: %s\r\n\r\n",
		"lengths":           head + "Content-Length: %s\r\nContent-Length: 1\r\n\r\n",
		"transfer encoding": head + "Transfer-Encoding: %s\r\n\r\n",
		"trailer":           head + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n%s\r\n\r\n",
		"trailer's name":    head + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n%s x: y\r\n\r\n",
		"forbidden trailer": head + "Transfer-Encoding: chunked\r\nTrailer: Content-Length, %s\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		"chunk":             head + "Transfer-Encoding: chunked\r\n\r\n%s\r\n",
		"upgrade":           "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n",
		"no upgrade":        "HTTP/1.1 101 Switching Protocols\r\nX: %s\r\n\r\n",
	} {
		fine := strings.HasSuffix(name, "name") // net/http accepts it
		r := newRig(t, nil, func(r *rig, p *proxy.Proxy) { p.Upstream, _ = url.Parse(echo(t, answer)) })
		said := ""
		if resp, err := r.caller.Get(r.url); err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			said = string(body)
		}
		if !fine {
			said += (<-r.failed).Error()
		}
		token, err := r.client.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(said, token.AccessToken[:20]) || strings.Contains(said, "get an access token") {
			t.Errorf("%s: %s", name, said)
		}
	}
}
