package okauth

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"okauth/pkg/okta"
	"okauth/pkg/store/memory"
)

// A code works once, so each sign-in reads the next one, and reads none before Okta wants it.
func TestOTPIsReadAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "code")
	env := map[string]string{"OKAUTH_OTP_FILE": path}
	open := func() *Client {
		c, err := Open(t.Context(), Options{
			LookupEnv:     func(name string) (text string, ok bool) { text, ok = env[name]; return text, ok },
			UserConfigDir: func() (string, error) { return filepath.Dir(path), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	otp := open().otp() // there is no file yet
	for text, want := range map[string]string{"123456\n": "123456", "123 456": "123456", " 0042 ": "0042"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, err := otp(t.Context()); err != nil || code.Reveal() != want {
			t.Errorf("%q: got %q, %v; want %q", text, code.Reveal(), err, want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if code, err := otp(t.Context()); err == nil || !code.IsZero() {
		t.Errorf("got %q, %v; want an error", code.Reveal(), err)
	}
	delete(env, "OKAUTH_OTP_FILE")
	if open().otp() != nil {
		t.Error("there is a function for a code that no setting has")
	}
}

// Where the grant begins with a code, status would read it: a command may ask a person, and a code works once.
func TestStatusReadsNoCode(t *testing.T) {
	t.Parallel()
	read := 0
	env := map[string]string{
		"OKAUTH_DOMAIN": "http://127.0.0.1:9", "OKAUTH_CLIENT_ID": "0oaTest", "OKAUTH_USERNAME": "alice@example.com",
		"OKAUTH_GRANT": "otp",
	}
	dir := t.TempDir()
	c, err := Open(t.Context(), Options{
		LookupEnv:     func(name string) (text string, ok bool) { text, ok = env[name]; return text, ok },
		UserConfigDir: func() (string, error) { return dir, nil },
		Keychain:      &memory.Store{}, LockDir: filepath.Join(dir, "locks"),
		OTP: func(context.Context) (okta.Secret, error) { read++; return okta.NewSecret("123456"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := c.Status(t.Context()); err != nil || status.Next != SignIn || read != 0 {
		t.Errorf("got %q (%s), %v, and %d codes were read", status.Next, status.Reason, err, read)
	}
}
