package oktatest_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// signInOften signs in n times over these many connections at once, and returns how long each took.
func signInOften(t testing.TB, s *oktatest.Server, n, connections int) []time.Duration {
	t.Helper()
	const form = "grant_type=password&username=" + oktatest.DefaultUser + "&password=" + oktatest.DefaultPassword + "&scope=openid+offline_access"
	request := fmt.Appendf(nil, "POST /oauth2/default/v1/token HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %s\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		basic(oktatest.DefaultClientID+":"+oktatest.DefaultClientSecret), len(form), form)
	took := make([]time.Duration, n)
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var wait sync.WaitGroup
	for range connections {
		wait.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for i := range next {
				begin := time.Now()
				_, _ = conn.Write(request) // a failure is one of the answer, too
				res, err := http.ReadResponse(answers, nil)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				if err != nil || !bytes.Contains(body, []byte(`"id_token"`)) {
					t.Errorf("got %s, %v", body, err)
					return
				}
				took[i] = time.Since(begin)
			}
		})
	}
	wait.Wait()
	return took
}

// BenchmarkSignIns measures 200 connections. The load takes its share of the machine, too.
func BenchmarkSignIns(b *testing.B) {
	s, err := oktatest.Start(oktatest.Options{Limits: &oktatest.Limits{}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	signInOften(b, s, 1, 1) // the keys
	b.ResetTimer()
	took := signInOften(b, s, b.N, 200)
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
}

// BenchmarkStart is from the start to the tokens of the first sign-in, which needs keys.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := oktatest.Start(oktatest.Options{})
		if err != nil {
			b.Fatal(err)
		}
		signInOften(b, s, 1, 1)
		_ = s.Close()
	}
}
