package redis

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// hostile returns the address of a server that answers commands with OK, but for HELLO and for a script.
func hostile(t *testing.T, script string) string {
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
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					switch lines.Text() {
					case "HELLO":
						_, _ = io.WriteString(conn, "%3\r\n+server\r\n+redis\r\n+version\r\n+7.0.0\r\n+proto\r\n:3\r\n")
					case "EVAL":
						_, _ = io.WriteString(conn, script)
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// What no Redis answers is an error at once: the process neither panics nor allocates what a server says.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]string{
		"negative string": "*2\r\n:1\r\n$-5\r\n",
		"negative array":  "*-7\r\n",
		"huge string":     "*2\r\n:1\r\n$1073741824\r\nx",
		"longest string":  "$9223372036854775807\r\n",
		"huge array":      "*1000000000\r\n",
		"huge map":        "%9223372036854775807\r\n",
		"nested arrays":   strings.Repeat("*1\r\n", 1<<18),
		"streamed array":  "*?\r\n" + strings.Repeat(":1\r\n", 1000),
		"many strings":    "*3\r\n" + strings.Repeat("$10000000\r\n"+strings.Repeat("x", 10000000)+"\r\n", 2),
		"long line":       "+" + strings.Repeat("x", 17<<20),
		"no number":       "*2\r\n:1\r\n$x\r\n",
	} {
		client := New(Options{URL: "redis://" + hostile(t, reply), Timeout: 20 * time.Second, Seal: sealer(t, "a")})
		began := time.Now()
		_, err := client.Store(time.Second, nil).Get(t.Context(), "account")
		if err == nil || !strings.Contains(err.Error(), "the server's answer has another form than expected") ||
			time.Since(began) > 10*time.Second {
			t.Errorf("%s: after %s: got %v", name, time.Since(began), err)
		}
	}
}
