package oktatest_test

import (
	"net/url"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// try is one attempt with this password, a second after the one before.
func try(t *testing.T, s *oktatest.Server, password string) int {
	t.Helper()
	s.Clock().Advance(time.Second)
	r := good(t, s)
	setForm(t, r, func(v url.Values) { v.Set("password", password) })
	return send(t, s, r).Status
}

func TestLockout(t *testing.T) {
	t.Parallel()
	s := start(t)
	wrong := func(times int) {
		for range times {
			if got := try(t, s, "wrong-horse"); got != 400 {
				t.Fatalf("wrong password: got %d, want 400", got)
			}
		}
	}
	wrong(9)
	if got := try(t, s, oktatest.DefaultPassword); got != 200 {
		t.Fatalf("the right password after 9 wrong ones: got %d, want 200", got)
	}
	wrong(9) // the count began again
	if u, _ := s.User(oktatest.DefaultUser); u.Status != oktatest.Active {
		t.Fatalf("after 9 wrong ones: got %q, want active", u.Status)
	}
	wrong(1)
	if u, _ := s.User("Alice@Example.com"); u.Status != oktatest.Locked {
		t.Fatalf("after 10 wrong ones: got %q, want locked", u.Status)
	}
	r := good(t, s)
	s.Clock().Advance(24 * time.Hour)
	if code, text := send(t, s, r).error(t); code != "invalid_grant" || text != "The credentials provided were invalid." {
		t.Errorf("locked user, right password: got %q %q", code, text)
	}
	if !s.SetUserStatus(oktatest.DefaultUser, oktatest.Active) || s.SetUserStatus("nobody@example.com", oktatest.Active) {
		t.Error("SetUserStatus: got the wrong answer")
	}
	if got := try(t, s, oktatest.DefaultPassword); got != 200 {
		t.Errorf("unlocked: got %d, want 200", got)
	}
	if _, ok := s.User("nobody@example.com"); ok {
		t.Error("User: found one that does not exist")
	}
}

// A client that fails its own authentication, or a request that is turned away, costs the user nothing.
func TestLockoutCountsOnlyPasswords(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{MaxAttempts: 1}})
	r := good(t, s)
	setForm(t, r, func(v url.Values) { v.Set("password", "wrong-horse") })
	r.SetBasicAuth(oktatest.DefaultClientID, "canary-wrong-secret")
	send(t, s, r)
	if got := try(t, s, oktatest.DefaultPassword); got != 200 {
		t.Errorf("got %d, want 200", got)
	}
}

func TestUserRate(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i := range 4 {
		if got := send(t, s, good(t, s)); got.Status != 200 {
			t.Fatalf("attempt %d: got %d %s", i+1, got.Status, got.Text)
		}
	}
	got := send(t, s, good(t, s))
	if code, text := got.error(t); got.Status != 429 || code != "invalid_grant" || text != "API call exceeded rate limit due to too many requests." {
		t.Errorf("attempt 5: got %d %q %q", got.Status, code, text)
	}
	s.Clock().Advance(time.Second)
	if got := send(t, s, good(t, s)); got.Status != 200 {
		t.Errorf("a second later: got %d %s", got.Status, got.Text)
	}
}

// Four in any second, whenever it begins; what was refused does not count.
func TestUserRateHasNoSeams(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i, step := range []struct {
		wait   time.Duration
		status int
	}{{0, 200}, {900 * time.Millisecond, 200}, {0, 200}, {0, 200}, {0, 429}, {100 * time.Millisecond, 200}, {0, 429}, {900 * time.Millisecond, 200}} {
		s.Clock().Advance(step.wait)
		if got := send(t, s, good(t, s)); got.Status != step.status {
			t.Errorf("attempt %d: got %d, want %d", i+1, got.Status, step.status)
		}
	}
}

func TestBucketRate(t *testing.T) {
	t.Parallel()
	s := start(t, oktatest.Options{Limits: &oktatest.Limits{BucketPerMinute: 2}})
	s.Clock().Advance(17 * time.Second) // the window begins with the first request, not with the minute
	for _, want := range []string{"1", "0"} {
		got := send(t, s, good(t, s))
		if left := got.Header.Get("X-Rate-Limit-Remaining"); got.Status != 200 || left != want {
			t.Errorf("got %d and %q remaining, want 200 and %q", got.Status, left, want)
		}
	}
	s.Clock().Advance(20 * time.Second)
	got := send(t, s, good(t, s))
	h := got.Header
	if code, _ := got.error(t); got.Status != 429 || code != "E0000047" || h.Get("X-Rate-Limit-Limit") != "2" || h.Get("X-Rate-Limit-Remaining") != "0" ||
		h.Get("X-Rate-Limit-Reset") != "1785585677" || h.Get("Date") != "Sat, 01 Aug 2026 12:00:37 GMT" {
		t.Errorf("got %d %q %v", got.Status, code, h)
	}
	other := oktatest.Scenarios()[1] // the org server is another bucket
	if got := send(t, s, request(t, s, other)); got.Status != 200 {
		t.Errorf("org server: got %d %s", got.Status, got.Text)
	}
	s.Clock().Advance(40 * time.Second)
	if got := send(t, s, good(t, s)); got.Status != 200 {
		t.Errorf("a minute later: got %d %s", got.Status, got.Text)
	}
	s.Change(func(o *oktatest.Options) { o.Limits = &oktatest.Limits{} })
	if h := send(t, s, good(t, s)).Header; h.Get("X-Rate-Limit-Limit") != "1200" || h.Get("X-Rate-Limit-Remaining") != "1199" || h.Get("X-Rate-Limit-Reset") == "" {
		t.Errorf("no limit: got %v", h)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	var running oktatest.Clock
	running.Advance(-time.Hour)
	if behind := time.Since(running.Now()); behind < time.Hour || behind > time.Hour+time.Minute {
		t.Errorf("running clock: got %v behind, want an hour", behind)
	}
	stopped := oktatest.NewClock(testTime)
	stopped.Advance(time.Minute)
	if got, want := stopped.Now(), testTime.Add(time.Minute); !got.Equal(want) {
		t.Errorf("stopped clock: got %v, want %v", got, want)
	}
}
