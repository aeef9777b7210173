package session_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// signIn signs in without a person, with a password of oktatest.DefaultUser, and returns the error.
func (o *org) signIn(t *testing.T, password string, change ...func(*session.TokenRequest)) error {
	t.Helper()
	r := o.want
	for _, c := range change {
		c(&r)
	}
	c := session.Credentials{
		Grant:    grant.Password{Username: r.Username, Password: okta.NewSecret(password), Scopes: r.Scopes},
		Username: r.Username, Password: okta.NewSecret(password),
	}
	options := o.options()
	options.Credentials = func(context.Context, *session.LoginRequiredError) (session.Credentials, error) { return c, nil }
	_, err := o.manager.Renew(t.Context(), r, options)
	return err
}

func (o *org) wantRefused(t *testing.T, err error, posts int) {
	t.Helper()
	if e, ok := errors.AsType[*okta.Error](err); !ok || e.Code != "invalid_grant" || len(o.forms()) != posts {
		t.Fatalf("got %v after %d posts, want Okta's refusal after %d", err, len(o.forms()), posts)
	}
}

func (o *org) wantBlocked(t *testing.T, err error, posts int) *session.PasswordBlockedError {
	t.Helper()
	blocked, ok := errors.AsType[*session.PasswordBlockedError](err)
	if !ok || len(o.forms()) != posts {
		t.Fatalf("got %v after %d posts, want a PasswordBlockedError after %d", err, len(o.forms()), posts)
	}
	return blocked
}

func (o *org) record(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(o.guardDir, "*.refused"))
	if err != nil || len(names) != 1 {
		t.Fatalf("got the records %q, %v; want one", names, err)
	}
	return names[0]
}

func TestGuardBlocksARefusedPassword(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.wantRefused(t, o.signIn(t, "wrong-horse"), 1)
	o.clock.Advance(10 * time.Minute)
	blocked := o.wantBlocked(t, o.signIn(t, "wrong-horse"), 1)
	if !blocked.RefusedAt.Equal(start.Truncate(time.Second)) || blocked.Username != oktatest.DefaultUser || blocked.TooMany {
		t.Errorf("got %+v", blocked)
	}
	// It is the user's at the issuer, not the profile's or the store's.
	o.wantBlocked(t, o.signIn(t, "wrong-horse", func(r *session.TokenRequest) { r.Identity.Profile = "prod" }), 1)
	o.wantBlocked(t, o.signIn(t, "wrong-horse", func(r *session.TokenRequest) { r.Username = "Alice@Example.com" }), 1)
	stored := o.manager.Store
	o.manager.Store = store.Sessions{Items: store.None{}}
	o.wantBlocked(t, o.signIn(t, "wrong-horse"), 1)
	o.manager.Store = stored
	o.wantRefused(t, o.signIn(t, "wrong-horse", func(r *session.TokenRequest) { r.Username = "bob@example.com" }), 2)

}

// What a person has just typed is sent whatever was refused, and is not recorded. Only if Okta accepts it does that
// clear the record.
func TestGuardSendsWhatAPersonTypes(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	for i, password := range []string{"wrong-horse", "wrong-mule", "wrong-donkey"} {
		o.wantRefused(t, o.signIn(t, password), i+1)
	}
	o.wantRefused(t, o.loginWith(t, "wrong-horse", true), 4)
	o.wantRefused(t, o.loginWith(t, "wrong-zebra", true), 5)
	o.wantBlocked(t, o.loginWith(t, "wrong-horse", false), 5)
	if !o.wantBlocked(t, o.loginWith(t, "wrong-zebra", false), 5).TooMany {
		t.Error("what a person typed was recorded")
	}
	if err := o.loginWith(t, oktatest.DefaultPassword, true); err != nil || len(o.forms()) != 6 {
		t.Fatalf("got %v after %d posts", err, len(o.forms()))
	}
	if names, _ := filepath.Glob(filepath.Join(o.guardDir, "*.refused")); len(names) != 0 {
		t.Errorf("the record is still there: %q", names)
	}
	o.wantRefused(t, o.loginWith(t, "wrong-horse", false), 7)
	o.wantBlocked(t, o.loginWith(t, "wrong-horse", false), 7)
}

// loginWith logs in with a password that a person has just typed, or that comes from elsewhere.
func (o *org) loginWith(t *testing.T, password string, typed bool) error {
	t.Helper()
	c := session.Credentials{Username: o.want.Username, Password: okta.NewSecret(password), Typed: typed}
	c.Grant = grant.Password{Username: c.Username, Password: c.Password, Scopes: o.want.Scopes}
	_, err := o.manager.Login(t.Context(), o.client, c, o.want)
	return err
}

func TestGuardAllowsThreePasswordsAnHour(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	for i, password := range []string{"wrong-horse", "wrong-mule", "wrong-donkey"} {
		o.wantRefused(t, o.signIn(t, password), i+1)
		o.clock.Advance(time.Minute)
	}
	if o.wantBlocked(t, o.signIn(t, "wrong-mule"), 3).TooMany {
		t.Error("it was refused itself")
	}
	blocked := o.wantBlocked(t, o.signIn(t, "wrong-zebra"), 3)
	if !blocked.TooMany || !blocked.RefusedAt.Equal(start) {
		t.Errorf("got %+v", blocked)
	}
	o.clock.Advance(58 * time.Minute)
	o.wantRefused(t, o.signIn(t, "wrong-zebra"), 4) // one of the three is an hour old
}

func TestGuardForgetsAfterAnHour(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.wantRefused(t, o.signIn(t, "wrong-horse"), 1)
	for after, want := range map[time.Duration]bool{
		time.Hour - time.Second: true, time.Hour: false, 24 * time.Hour: false,
		-time.Minute: true, -time.Minute - time.Second: false, -24 * time.Hour: false,
		-250 * 365 * 24 * time.Hour: false,
	} {
		guard := o.manager.Guard
		guard.Now = func() time.Time { return start.Add(after) }
		err := guard.Check(o.want.Identity.Issuer, o.want.Username, okta.NewSecret("wrong-horse"))
		if blocked, ok := errors.AsType[*session.PasswordBlockedError](err); ok != want || !ok && err != nil {
			t.Errorf("after %v: got %v, %v; want blocked %v", after, blocked, err, want)
		}
	}
}

func TestGuardIgnoresWhatItDidNotWrite(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.wantRefused(t, o.signIn(t, "wrong-horse"), 1)
	path := o.record(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func() error {
		return o.manager.Guard.Check(o.want.Identity.Issuer, o.want.Username, okta.NewSecret("wrong-horse"))
	}
	for what, content := range map[string][]byte{
		"empty": nil, "half": whole[:len(whole)/2], "text": []byte("yes"), "null": []byte("null"), "list": []byte("[]"),
		"newer":   bytes.Replace(whole, []byte(`"v":1`), []byte(`"v":2`), 1),
		"no salt": []byte(`{"v":1,"refused":[{"at":1800000000}]}`), "big": bytes.Repeat([]byte(" "), 1<<20),
		"far": []byte(`{"v":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA==","refused":[{"at":9223372036854775807,"hash":""}]}`),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := check(); err != nil {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if !is[*session.PasswordBlockedError](check()) { // or the cases above prove nothing
		t.Error("the record itself does not block")
	}
	if runtime.GOOS == "windows" {
		return // it has access lists in place of modes
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	o.server.ResetRequests()
	if e, ok := errors.AsType[*store.Error](o.signIn(t, "wrong-horse")); !ok || e.Kind != store.Unsafe || len(o.forms()) != 0 {
		t.Errorf("a record that others can read: got %v after %d posts", e, len(o.forms()))
	}
}

func TestGuardRecordDoesNotHoldThePassword(t *testing.T) {
	t.Parallel()
	var records [2][]byte
	for i := range records {
		o := newOrg(t, oktatest.Rotation{})
		o.manager.Guard = session.LockoutGuard{Items: o.manager.Guard.Items, Locks: o.manager.Guard.Locks, Now: o.clock.Now} // hashes as in earnest
		o.wantRefused(t, o.signIn(t, "wrong-horse"), 1)
		var err error
		if records[i], err = os.ReadFile(o.record(t)); err != nil || bytes.Contains(records[i], []byte("horse")) {
			t.Errorf("got %q, %v", records[i], err)
		}
	}
	if bytes.Equal(records[0], records[1]) {
		t.Error("two records of one password are alike: there is no salt")
	}
}

// Where nothing can be written the password is sent, and the caller learns that its refusal was not recorded.
func TestGuardWithoutAPlace(t *testing.T) {
	t.Parallel()
	o := newOrg(t, oktatest.Rotation{})
	o.guardIn("/dev/null/okauth")
	warnings := 0
	o.manager.Guard.Warn = func(err error) {
		warnings++
		if !is[*store.Error](err) {
			t.Errorf("got %v, want a *store.Error", err)
		}
	}
	o.wantRefused(t, o.signIn(t, "wrong-horse"), 1)
	o.manager.Store.Locks = nil
	o.wantRefused(t, o.signIn(t, "wrong-horse"), 2)
	if warnings != 2 {
		t.Errorf("got %d warnings, want 2", warnings)
	}
	o.guardIn(t.TempDir() + "/guard")
	o.wantRefused(t, o.signIn(t, "wrong-horse"), 3)
	o.wantBlocked(t, o.signIn(t, "wrong-horse"), 3)
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
