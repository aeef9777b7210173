package okta

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"okauth/pkg/transport"
)

func TestAT09_BodyIsCapped(t *testing.T) {
	// Not parallel: it counts what is allocated.
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	for range 32 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	page := bytes.Repeat([]byte(" "), 64<<10)
	endless := func(w http.ResponseWriter, pages int) {
		w.Write([]byte("{}"))
		w.Write(page[2:])
		for range pages - 1 {
			if _, err := w.Write(page); err != nil {
				return
			}
		}
	}
	for _, test := range []struct {
		name     string
		serve    http.HandlerFunc
		tooLarge bool
	}{
		{"exactly 1 MiB", func(w http.ResponseWriter, _ *http.Request) { endless(w, 16) }, false},
		{"1 MiB and a byte", func(w http.ResponseWriter, _ *http.Request) { endless(w, 16); w.Write([]byte{' '}) }, true},
		{"100 MB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(1600*len(page)))
			endless(w, 1600)
		}, true},
		{"endless", func(w http.ResponseWriter, _ *http.Request) { endless(w, 1<<30) }, true},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		}, true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			test.serve(w, r)
		}))
		client := clientFor(t, server.URL, transport.Config{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body, err := client.UserInfo(t.Context(), NewSecret("canary-access"))
		runtime.ReadMemStats(&after)
		if tooLarge := err != nil && strings.Contains(err.Error(), "larger than 1 MiB"); tooLarge != test.tooLarge ||
			err != nil && !tooLarge {
			t.Errorf("%s: got %v, too large: %v", test.name, err, test.tooLarge)
		}
		if !test.tooLarge && len(body) != maxBody {
			t.Errorf("%s: got %d bytes", test.name, len(body))
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%s: allocated %d MiB", test.name, used>>20)
		}
		server.Close()
	}
}
