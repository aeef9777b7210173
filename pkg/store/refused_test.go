package store

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"okauth/pkg/okta"
)

// noted is a Refusals with one refused password, "wrong-horse" of dev-0123abcd, and a clock to turn.
func noted(t *testing.T) (r LockoutGuard, clock *time.Time) {
	t.Helper()
	now := time.Unix(1_800_000_000, 0)
	r = LockoutGuard{Dir: privateTemp(t), Now: func() time.Time { return now }}
	if err := r.Remember("dev-0123abcd", okta.NewSecret("wrong-horse")); err != nil {
		t.Fatal(err)
	}
	return r, &now
}

func (r LockoutGuard) want(t *testing.T, name, password string, refused bool) {
	t.Helper()
	since, got, err := r.Refused(name, okta.NewSecret(password))
	if err != nil || got != refused {
		t.Fatalf("Refused(%q) at %v: got %v, %v; want %v", name, r.now(), got, err, refused)
	}
	if got == since.IsZero() {
		t.Errorf("Refused(%q): got the time %v with %v", name, since, got)
	}
}

func TestRefusalIsRemembered(t *testing.T) {
	t.Parallel()
	r, clock := noted(t)
	*clock = clock.Add(10 * time.Minute)
	since, refused, err := r.Refused("dev-0123abcd", okta.NewSecret("wrong-horse"))
	if want := time.Unix(1_800_000_000, 0); err != nil || !refused || !since.Equal(want) {
		t.Errorf("got %v, %v, %v; want %v, true", since, refused, err, want)
	}
	r.want(t, "dev-0123abcd", "wrong-horse ", false)
	r.want(t, "dev-0123abcd", "", false)
	r.want(t, "dev-4567abcd", "wrong-horse", false)

	if err := r.Remember("dev-0123abcd", okta.NewSecret("wrong-mule")); err != nil {
		t.Fatal(err)
	}
	r.want(t, "dev-0123abcd", "wrong-mule", true)
	r.want(t, "dev-0123abcd", "wrong-horse", false)
	for range 2 {
		if err := r.Forget("dev-0123abcd"); err != nil {
			t.Fatal(err)
		}
	}
	r.want(t, "dev-0123abcd", "wrong-mule", false)
	if entries, err := os.ReadDir(r.Dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestRefusalExpires(t *testing.T) {
	t.Parallel()
	r, clock := noted(t)
	path, start := filepath.Join(r.Dir, "dev-0123abcd.refused"), *clock
	record, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after   time.Duration
		refused bool
	}{
		{time.Hour - time.Second, true}, {time.Hour, false}, {24 * time.Hour, false},
		{-time.Minute, true}, {-time.Minute - time.Second, false}, {-24 * time.Hour, false}, {-250 * 365 * 24 * time.Hour, false},
	} {
		if err := os.WriteFile(path, record, 0o600); err != nil {
			t.Fatal(err)
		}
		*clock = start.Add(c.after)
		r.want(t, "dev-0123abcd", "wrong-horse", c.refused)
		if _, err := os.Stat(path); (err == nil) != c.refused {
			t.Errorf("after %v: a record that no longer counts must go, another must stay: %v", c.after, err)
		}
	}
}

func TestRefusalThatCannotBeReadCountsAsNone(t *testing.T) {
	t.Parallel()
	r, _ := noted(t)
	path := filepath.Join(r.Dir, "dev-0123abcd.refused")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, content := range map[string][]byte{
		"empty": nil, "half": whole[:len(whole)/2], "text": []byte("yes"), "null": []byte("null"), "list": []byte("[]"),
		"newer":   bytes.Replace(whole, []byte(`"v":1`), []byte(`"v":2`), 1),
		"no salt": []byte(`{"v":1,"refused_at":1800000000}`), "big": bytes.Repeat([]byte(" "), 1<<20),
		"far": []byte(`{"v":1,"refused_at":9223372036854775807,"salt":"AAAAAAAAAAAAAAAAAAAAAA==","hash":""}`),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r.want(t, "dev-0123abcd", "wrong-horse", false)
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s: the record is still there", what)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	r.want(t, "dev-0123abcd", "wrong-horse", true) // or the cases above prove nothing
}

func TestRefusalDoesNotHoldThePassword(t *testing.T) {
	t.Parallel()
	r, _ := noted(t)
	first, err := os.ReadFile(filepath.Join(r.Dir, "dev-0123abcd.refused"))
	if err != nil || bytes.Contains(first, []byte("horse")) {
		t.Errorf("got %q, %v", first, err)
	}
	if err := r.Remember("other", okta.NewSecret("wrong-horse")); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(r.Dir, "other.refused"))
	if err != nil || bytes.Equal(first, second) {
		t.Error("two records of one password are alike: there is no salt")
	}
}

func TestRefusalsTouchNothingUnasked(t *testing.T) {
	t.Parallel()
	r := LockoutGuard{Dir: privateTemp(t)}
	r.want(t, "dev-0123abcd", "wrong-horse", false)
	if err := r.Forget("dev-0123abcd"); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(r.Dir); err == nil {
		t.Error("a question made the directory")
	}
	for _, bad := range []LockoutGuard{{Dir: r.Dir}, {}} {
		name := "../dev"
		if bad.Dir == "" {
			name = "dev"
		}
		_, _, err := bad.Refused(name, okta.NewSecret("wrong-horse"))
		wantError(t, err, "failed", name)
		wantError(t, bad.Remember(name, okta.NewSecret("wrong-horse")), "failed", name)
		wantError(t, bad.Forget(name), "failed", name)
	}
}
