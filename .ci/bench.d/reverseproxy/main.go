// reverseproxy is the yardstick for `okauth proxy`: the reverse proxy of Go's standard library, which adds a fixed
// header. Without an argument it is the API that both lead to, and with more than one it sends the requests:
//
//	reverseproxy URL CONNECTIONS AT_ONCE SECONDS
//
// keeps that many connections open, uses so many of them at once, in turn, and prints the median of the latencies in
// microseconds and the requests per second.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	if len(os.Args) == 5 {
		load(os.Args[1], number(2), number(3), time.Duration(number(4))*time.Second)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	handler := http.Handler(http.HandlerFunc(api))
	if len(os.Args) > 1 {
		upstream, err := url.Parse(os.Args[1])
		check(err)
		handler = &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(upstream)
				r.Out.Header.Set("Authorization", "Bearer "+strings.Repeat("x", 800))
			},
			FlushInterval: -1,
			BufferPool:    &buffers{sync.Pool{New: func() any { return new([16 << 10]byte) }}},
			ErrorLog:      log.New(io.Discard, "", 0),
			Transport:     &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true},
		}
	}
	fmt.Println("http://" + listener.Addr().String())
	fmt.Fprintln(os.Stderr, http.Serve(listener, handler))
	os.Exit(1)
}

// buffers is the pool that okauth proxy has as well.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte       { return b.pool.Get().(*[16 << 10]byte)[:] }
func (b *buffers) Put(buffer []byte) { b.pool.Put((*[16 << 10]byte)(buffer)) }

func api(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintln(w, `{"orders":[{"id":1,"state":"sent"},{"id":2,"state":"open"}]}`)
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "reverseproxy:", err)
		os.Exit(1)
	}
}

type connection struct {
	net.Conn
	reader *bufio.Reader
}

func load(address string, connections, atOnce int, length time.Duration) {
	u, err := url.Parse(address)
	check(err)
	idle := make(chan *connection, connections)
	for range connections {
		conn, err := net.Dial("tcp", u.Host)
		check(err)
		idle <- &connection{conn, bufio.NewReader(conn)}
	}
	request := []byte("GET /orders HTTP/1.1\r\nHost: " + u.Host + "\r\nAccept: application/json\r\n\r\n")
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	began := time.Now()
	for range atOnce {
		all.Go(func() {
			var mine []time.Duration
			for time.Since(began) < length {
				conn := <-idle
				mine = append(mine, conn.get(request))
				idle <- conn
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	all.Wait()
	slices.Sort(took)
	fmt.Println(took[len(took)/2].Microseconds(), len(took)/int(length.Seconds()))
}

func (c *connection) get(request []byte) time.Duration {
	began := time.Now()
	_, err := c.Write(request)
	check(err)
	response, err := http.ReadResponse(c.reader, nil)
	check(err)
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	if response.StatusCode != http.StatusOK {
		check(fmt.Errorf("HTTP %s", response.Status))
	}
	return time.Since(began)
}
