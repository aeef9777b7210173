package okauth

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"okauth/pkg/internal/diskcache"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
)

// keysOf returns a server and its keys, by a clock that the test sets, and how often they were asked for since the
// last call.
func keysOf(t *testing.T, clock *oktatest.Clock) (server *oktatest.Server, keys *issuerKeys, requests func() int) {
	t.Helper()
	server, err := oktatest.Start(oktatest.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	at, err := okta.NewAuthorizationServer(server.URL(), oktatest.DefaultServerID)
	if err != nil {
		t.Fatal(err)
	}
	client := &okta.Client{Server: at, HTTP: server.Client(), Now: clock.Now}
	keys = &issuerKeys{client: client, now: clock.Now, cache: diskcache.Cache{Dir: t.TempDir(), Now: clock.Now}}
	return server, keys, func() int {
		n := 0
		for _, r := range server.Requests() {
			if strings.HasSuffix(r.Path, "/keys") {
				n++
			}
		}
		server.ResetRequests()
		return n
	}
}

// AT-50: an unknown kid makes one request, and in a stream that goes on, one in five minutes.
func TestAT50_UnknownKid(t *testing.T) {
	t.Parallel()
	clock := oktatest.NewClock(time.Now())
	_, keys, requests := keysOf(t, clock)
	for _, step := range []struct {
		later time.Duration
		want  int
	}{{0, 1}, {0, 0}, {4 * time.Minute, 0}, {2 * time.Minute, 1}, {time.Second, 0}, {6 * time.Minute, 1}} {
		clock.Advance(step.later)
		if set, err := keys.KeySet(t.Context(), "no-such-key"); err != nil || set.Len() == 0 || set.Has("no-such-key") {
			t.Fatalf("got %d keys, %v", set.Len(), err)
		}
		if got := requests(); got != step.want {
			t.Errorf("%v later: got %d requests, want %d", step.later, got, step.want)
		}
	}
}

// Keys are believed for as long as the issuer allows, in a stream that goes on for longer as well.
func TestKeysEnd(t *testing.T) {
	t.Parallel()
	clock := oktatest.NewClock(time.Now())
	server, keys, requests := keysOf(t, clock)
	server.FailAlways("/keys", oktatest.Header("Cache-Control", "max-age=3600"))
	invalid := server.InvalidTokens()
	kid := kidOf(t, invalid[0].Token)
	for _, step := range []struct {
		later time.Duration
		want  int
	}{{0, 1}, {59 * time.Minute, 0}, {2 * time.Minute, 1}, {30 * time.Minute, 0}} {
		clock.Advance(step.later)
		if set, err := keys.KeySet(t.Context(), kid); err != nil || !set.Has(kid) {
			t.Fatalf("got %d keys, %v", set.Len(), err)
		}
		if got := requests(); got != step.want {
			t.Errorf("%v later: got %d requests, want %d", step.later, got, step.want)
		}
	}
}

// When the issuer cannot be asked about a new key, a stream goes on with the keys at hand, and says so once; a single
// token has no verdict.
func TestKeysWhenTheIssuerIsAway(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{true, false} {
		clock := oktatest.NewClock(time.Now())
		server, keys, _ := keysOf(t, clock)
		told := 0
		if stream {
			keys.o.Unreachable = func(error) { told++ }
		}
		kid := kidOf(t, server.InvalidTokens()[0].Token)
		if _, err := keys.KeySet(t.Context(), kid); err != nil {
			t.Fatal(err)
		}
		clock.Advance(6 * time.Minute)
		server.FailAlways("", oktatest.HTML(http.StatusBadGateway))
		keys.client.Wait = func(context.Context, time.Duration, string) error { return nil }
		for range 3 {
			set, err := keys.KeySet(t.Context(), "no-such-key")
			if stream != (err == nil) || stream && !set.Has(kid) {
				t.Errorf("stream %v: got %d keys, %v", stream, set.Len(), err)
			}
		}
		if set, err := keys.KeySet(t.Context(), kid); err != nil || !set.Has(kid) {
			t.Errorf("stream %v: the known key: %v", stream, err)
		}
		if stream && told != 1 {
			t.Errorf("told %d times, want once", told)
		}
	}
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	parsed, err := jwt.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	kid, _ := parsed.Header.String("kid")
	return kid
}
