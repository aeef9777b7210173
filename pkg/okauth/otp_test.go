package okauth

import (
	"os"
	"path/filepath"
	"testing"
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
