package okta

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"okauth/pkg/okta/clientauth"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/transport"
)

// What is true of everything that is asked with a GET.

var gets = []RequestInfo{discovery, keys, userInfo, organization}

// waits remembers what a client would have waited for, and waits for nothing.
type waits struct {
	mu   sync.Mutex
	list []time.Duration
	why  []string
}

func (w *waits) wait(_ context.Context, d time.Duration, why string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list, w.why = append(w.list, d), append(w.why, why)
	return nil
}

// sharedKeys spares each server of these tests the making of its own.
var sharedKeys = sync.OnceValue(oktatest.NewKeys)

// startPatient returns a server, and a confidential client of its default authorization server that waits for nothing.
func startPatient(t *testing.T, options ...oktatest.Options) (*oktatest.Server, *Client, *waits) {
	t.Helper()
	option := append(options, oktatest.Options{})[0]
	option.Keys = sharedKeys()
	server := oktatest.ForTest(t, option)
	w := &waits{}
	client := clientFor(t, server.URL(), transport.Config{Timeout: 5 * time.Second})
	client.ID, client.Auth, client.Wait = oktatest.DefaultClientID, clientauth.ForSecret(NewSecret(oktatest.DefaultClientSecret)), w.wait
	return server, client, w
}

func TestST07_GetsCarryNoCredentials(t *testing.T) {
	t.Parallel()
	server, client, _ := startPatient(t)
	for _, id := range []string{"", oktatest.DefaultClientID} {
		client.ID = id
		for _, about := range gets {
			send(t.Context(), t, about, client) // what userinfo thinks of the token is of no interest here
		}
	}
	requests := server.Requests()
	if len(requests) != 2*len(gets) {
		t.Fatalf("got %d requests, want %d", len(requests), 2*len(gets))
	}
	for _, r := range requests {
		want := ""
		if strings.HasSuffix(r.Path, "/userinfo") {
			want = "Bearer " + refreshToken
		}
		if r.Method != "GET" || len(r.Body) > 0 || len(r.Query) > 0 || r.Header.Get("Authorization") != want ||
			r.Header.Get("Content-Type") != "" ||
			r.Header.Get("Accept") != "application/json" || r.Header.Get("User-Agent") != "okauth/1.2.3" ||
			r.Header.Get("Origin")+r.Header.Get("Cookie") != "" {
			t.Errorf("got %v with %d bytes of body", r, len(r.Body))
		}
	}
}

func TestAT01_GetsFollowNoRedirect(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, about := range gets {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, target := range []string{other.URL + "/keys", "/elsewhere"} {
				var hits atomic.Int32
				err := askAbout(t, about, func(w http.ResponseWriter, _ *http.Request) {
					hits.Add(1)
					w.Header().Set("Location", target)
					w.WriteHeader(status)
				})
				odd, ok := errors.AsType[*ResponseError](err)
				if !ok || odd.Redirect == "" || hits.Load() != 1 {
					t.Errorf("%s, %d to %s: got %v after %d requests", about.Name(), status, target, err, hits.Load())
				}
			}
		}
	}
	if elsewhere.Load() != 0 {
		t.Errorf("another host got %d requests", elsewhere.Load())
	}
}

func TestAT08_AT09_AT10_AT15_GetsEndSoonAndInAnError(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]oktatest.Fault{
		"silence":         oktatest.Silence(),
		"slow headers":    oktatest.SlowHeaders(50 * time.Millisecond),
		"slow body":       slowBody(100 * time.Millisecond),
		"slow":            oktatest.HoldAnswer(nil, nil),
		"endless":         oktatest.Endless(),
		"huge":            huge(4 << 20),
		"bomb":            oktatest.Gzip(50 << 20),
		"big headers":     bigHeaders(10 << 20),
		"1xx storm":       interim(100_000),
		"truncated":       oktatest.Truncated(),
		"reset":           oktatest.Reset(),
		"hang-up":         oktatest.HangUp(),
		"length too long": oktatest.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{}"),
		"length too low":  oktatest.Raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{\"keys\":[]}"),
		"HTTP/2":          oktatest.Raw("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"),
		"GOAWAY":          oktatest.Raw("\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"garbage":         oktatest.Raw("canary \x1b[2J\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client, _ := startPatient(t)
			token := signedIn(t, client, "openid")
			client.HTTP.Timeout = 300 * time.Millisecond
			server.FailAlways("", fault)
			for _, about := range append(gets, introspection) {
				start := time.Now()
				var err error
				if about == userInfo { // whose refusal would have no body to spoil
					_, err = client.UserInfo(t.Context(), token)
				} else {
					err = send(t.Context(), t, about, client)
				}
				_, isNetwork := errors.AsType[*NetworkError](err)
				_, isResponse := errors.AsType[*ResponseError](err)
				if !isNetwork && !isResponse {
					t.Errorf("%s: got %v", about.Name(), err)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("%s: it took %s", about.Name(), took)
				}
			}
			// A request may arrive after its end.
			if n, most := len(server.Requests()), 1+4*(1+maxRetries)+1; n > most {
				t.Errorf("%d requests, want at most %d", n, most)
			}
		})
	}
}

func TestAT11_GetsTakeNothingButJSON(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html><html>canary-page</html>"
	for _, about := range append(gets, introspection) {
		for name, test := range map[string]struct {
			status     int
			kind, body string
			want       string
		}{
			"captive portal":  {200, "text/html", page, "an HTML page"},
			"sign-in page":    {511, "text/html", page, "an HTML page"},
			"HTML as JSON":    {200, "application/json", page, "an HTML page"},
			"JSON as HTML":    {200, "text/html", "{}", "an HTML page"},
			"empty":           {200, "application/json", "", "an empty response"},
			"no content":      {204, "", "", "an empty response"},
			"text":            {200, "text/plain", "{}", "text/plain"},
			"array":           {200, "application/json", "[]", "not a JSON object"},
			"null":            {200, "application/json", "null", "not a JSON object"},
			"duplicate":       {200, "application/json", `{"keys":[],"keys":[]}`, "occurs twice"},
			"two documents":   {200, "application/json", `{"keys":[]}{}`, "invalid JSON at byte"},
			"invalid UTF-8":   {200, "application/json", "{\"a\":\"\xff\"}", "not UTF-8"},
			"other success":   {201, "application/json", `{"issuer":"x"}`, "JSON that is not an error"},
			"other failure":   {400, "application/json", `{"message":"canary"}`, "JSON that is not an error"},
			"unknown address": {404, "text/html", page, "an HTML page"},
		} {
			var hits atomic.Int32
			err := askAbout(t, about, func(w http.ResponseWriter, r *http.Request) {
				hits.Add(1)
				respond(test.status, test.kind, test.body)(w, r)
			})
			_, ok := errors.AsType[*ResponseError](err)
			if !ok || !strings.Contains(err.Error(), test.want) ||
				!strings.Contains(err.Error(), about.Operation.traits().expected) || hits.Load() != 1 {
				t.Errorf("%s, %s: got %v after %d requests, want %q", about.Name(), name, err, hits.Load(), test.want)
			}
		}
	}
}

func TestRefusalsOfGetsNameTheRequest(t *testing.T) {
	t.Parallel()
	for _, about := range append(gets, introspection) {
		err := askAbout(t, about, respond(404, "application/json",
			`{"errorCode":"E0000007","errorSummary":"Not found: Resource not found: x (AuthorizationServer)","errorId":"oaeX"}`))
		refusal, ok := errors.AsType[*Error](err)
		if !ok || refusal.Code != "E0000007" ||
			!strings.Contains(err.Error(), "Okta refused the "+about.Name()) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAnEchoedAccessTokenIsHidden(t *testing.T) {
	t.Parallel()
	for _, echo := range []http.HandlerFunc{
		respond(401, "application/json", `{"error":"x","error_description":"you sent `+refreshToken+`"}`),
		respond(500, refreshToken, "x"),
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer error="`+refreshToken+`", error_description="`+refreshToken+`"`)
			w.WriteHeader(401)
		},
		func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+r.Header.Get("Authorization")+"\r\n\r\n")
			conn.Close()
		},
	} {
		if err := askAbout(t, userInfo, echo); err == nil { // askAbout checks what it shows
			t.Error("no error")
		}
	}
}

// The first connections are refused because nothing listens yet.
func TestConnectionRefusedIsTriedAgain(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	w := &waits{}
	client := clientFor(t, "http://"+address, transport.Config{Timeout: 5 * time.Second})
	client.Wait = w.wait
	err = send(t.Context(), t, organization, client)
	if failed, ok := errors.AsType[*NetworkError](err); !ok || failed.Phase != transport.PhaseConnect || len(w.list) != maxRetries {
		t.Errorf("got %v after the waits %v", err, w.list)
	}
	if !slices.ContainsFunc(w.why, func(why string) bool { return strings.Contains(why, address) }) {
		t.Errorf("got the reasons %q", w.why)
	}
	if w.list = nil; send(t.Context(), t, userInfo, client) == nil || send(t.Context(), t, signIn, client) == nil ||
		len(w.list) != 0 {
		t.Errorf("a request with a credential was waited for: %v", w.list)
	}
}

// bigHeaders adds n bytes of headers to the answer.
func bigHeaders(n int) oktatest.Fault {
	return oktatest.Alter(func(res *oktatest.Response) {
		for i := range n / 1000 {
			res.Header.Set("X-Padding-"+strconv.Itoa(i), strings.Repeat("x", 1000))
		}
	})
}

// huge adds n bytes of white space to the answer.
func huge(n int) oktatest.Fault {
	return oktatest.Alter(func(res *oktatest.Response) { res.Body = append(res.Body, bytes.Repeat([]byte(" "), n)...) })
}

// slowBody sends an answer one byte per interval.
func slowBody(interval time.Duration) oktatest.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		w.WriteHeader(answer.Code)
		for _, b := range answer.Body.Bytes() {
			_, err := w.Write([]byte{b})
			if err != nil || http.NewResponseController(w).Flush() != nil || Sleep(r.Context(), interval) != nil {
				return
			}
		}
	}
}

// interim sends n answers 103 Early Hints before the answer.
func interim(n int) oktatest.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		for range n {
			w.WriteHeader(http.StatusEarlyHints)
		}
		next.ServeHTTP(w, r)
	}
}
