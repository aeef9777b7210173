package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"okauth/cmd/internal/cli"
	"okauth/pkg/store/memory"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/cmd"
	"okauth/pkg/oktatest"
	"okauth/pkg/prompt"
)

// user is somebody who runs okauth in this process, against a server and a
// keychain of their own.
type user struct {
	server   *oktatest.Server
	keychain *memory.Store
	vars     map[string]string
	config   string
	stdin    string

	stdinFrom io.Reader // in place of stdin
	stderrTTY bool

	ahead      time.Duration // of the clock on the wall
	noKeychain error         // what the keychain answers; nil: there is one
}

// sharedKeys are for servers that may have the same: making them takes a while.
var sharedKeys = sync.OnceValue(oktatest.NewKeys)

func newUser(t *testing.T, options ...oktatest.Options) *user {
	t.Helper()
	server := oktatest.ForTest(t, append(options, oktatest.Options{})[0])
	// Not a directory of t, which must be gone at the end: after a refusal a lock is held until the process ends, and
	// Windows removes no open file.
	dir, err := os.MkdirTemp("", "okauth")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	u := &user{server: server, keychain: new(memory.Store), config: filepath.Join(dir, "config.yaml")}
	u.vars = map[string]string{
		"OKAUTH_DOMAIN": server.URL(), "OKAUTH_CLIENT_ID": oktatest.DefaultClientID, "OKAUTH_CLIENT_SECRET": oktatest.DefaultClientSecret,
		"OKAUTH_USERNAME": oktatest.DefaultUser, "OKAUTH_PASSWORD": oktatest.DefaultPassword, "OKAUTH_CONFIG": u.config,
	}
	return u
}

// okauth runs one command line and returns what a shell would see.
func (u *user) okauth(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	var stdin io.Reader = strings.NewReader(u.stdin)
	if u.stdinFrom != nil {
		stdin = u.stdinFrom
	}
	env := &cli.Env{
		Stdin: stdin, Stdout: &out, Stderr: &errs, StdinIsPipe: u.stdin != "", StderrIsTTY: u.stderrTTY,
		LookupEnv:     func(name string) (string, bool) { v, ok := u.vars[name]; return v, ok },
		UserConfigDir: func() (string, error) { return filepath.Dir(u.config), nil },
		OpenTerminal:  func() (*prompt.Terminal, error) { return nil, prompt.ErrNoTerminal },
		Now:           func() time.Time { return time.Now().Add(u.ahead) },
		Signals:       func(ctx context.Context) (context.Context, func()) { return ctx, func() {} },
		Keychain:      u.keychain,
		LockDir:       filepath.Join(filepath.Dir(u.config), "locks"),
	}
	if u.noKeychain != nil {
		env.Keychain = uselessKeychain{u.noKeychain}
	}
	code = cmd.Main(ctx, env, args)
	return code, out.String(), errs.String()
}

// forgetRefusals removes what the lock-out guard keeps, as the end of an hour does.
func (u *user) forgetRefusals(t *testing.T) {
	t.Helper()
	records, err := filepath.Glob(filepath.Join(filepath.Dir(u.config), "locks", "*.refused"))
	for _, path := range records {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// uselessKeychain is a keychain that answers everything with an error.
type uselessKeychain struct{ err error }

func (k uselessKeychain) Get(context.Context, string) ([]byte, error) { return nil, k.err }
func (k uselessKeychain) Set(context.Context, string, []byte) error   { return k.err }
func (k uselessKeychain) Delete(context.Context, string) error        { return k.err }

func (u *user) posts() int {
	n := 0
	for _, r := range u.server.Requests() {
		if r.Method == http.MethodPost {
			n++
		}
	}
	return n
}

// Whatever the token endpoint answers: the exit code is right, standard output
// is empty, nothing is stored, the password was sent once, and the answer
// neither paints the terminal nor floods it.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	keys := oktatest.NewKeys()
	good := `"token_type":"Bearer","expires_in":3600,"scope":"openid"`
	const network, refused = 3, 5
	for _, c := range []struct {
		name  string
		fault oktatest.Fault
		code  int
		says  string
	}{
		{"AT01_redirect to another host", oktatest.Redirect(307, "https://evil.example/collect"), network, "evil.example"},
		{"AT01_redirect to the same host", oktatest.Redirect(302, "/elsewhere"), network, "redirect"},
		{"AT10_truncated", oktatest.Truncated(), network, ""},
		{"AT10_reset", oktatest.Reset(), network, ""},
		{"AT11_captive portal", oktatest.HTML(200), network, "HTML"},
		{"AT11_empty", oktatest.Respond(200, http.Header{"Content-Type": {"application/json"}}, ""), network, "empty"},
		{"AT11_no content", oktatest.Respond(204, nil, ""), network, "204"},
		{"AT11_login to the network", oktatest.Respond(511, nil, ""), network, "511"},
		{"AT12_text", oktatest.Header("Content-Type", "text/plain"), network, "text/plain"},
		{"AT12_form", formEncoded(), network, ""},
		{"AT13_server error", oktatest.HTML(500), network, "500"},
		{"AT13_rate limit", oktatest.Respond(429, http.Header{"Content-Type": {"application/json"}, "Retry-After": {"4070908800"}},
			`{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests."}`), network, "rate limit"},
		{"AT14_hang up after the request", oktatest.HangUp(), network, ""},
		{"AT09_huge", huge(100 << 20), network, ""},
		{"AT09_gzip bomb", oktatest.Gzip(50 << 20), network, ""},
		{"AT20_duplicate member", oktatest.JSON(`{"access_token":"a","access_token":"b",` + good + `}`), network, ""},
		{"AT20_capital member", oktatest.JSON(`{"ACCESS_TOKEN":"a",` + good + `}`), network, "access_token"},
		{"AT21_null", oktatest.JSON(`null`), network, ""},
		{"AT21_two documents", oktatest.JSON(`{"access_token":"a",` + good + `}{}`), network, ""},
		{"AT22_newline", oktatest.JSON(`{"access_token":"a\nb",` + good + `}`), network, "access_token"},
		{"AT22_NUL", oktatest.JSON(`{"access_token":"a\u0000b",` + good + `}`), network, "access_token"},
		{"AT22_quote", oktatest.JSON(`{"access_token":"a\"b",` + good + `}`), network, "access_token"},
		{"AT22_command", oktatest.JSON(`{"access_token":"$(reboot)",` + good + `}`), network, "access_token"},
		{"AT22_id token", oktatest.JSON(`{"access_token":"a","id_token":"x y",` + good + `}`), network, "id_token"},
		{"AT22_empty", oktatest.JSON(`{"access_token":"",` + good + `}`), network, "access_token"},
		{"AT23_negative", oktatest.Override("expires_in", "-5"), network, "expires_in"},
		{"AT24_mac", oktatest.Override("token_type", `"mac"`), network, "token_type"},
		{"AT25_error with 200", oktatest.JSON(`{"error":"invalid_grant","error_description":"no","access_token":"a",` + good + `}`), refused, "invalid_grant"},
		{"AT26_painted", oktatest.Respond(400, http.Header{"Content-Type": {"application/json"}},
			`{"error":"invalid_grant","error_description":"\u001b[2J\u001b]52;c;cm0=\u0007 \u009b31m \u202e gnp \r\n okauth: done`+strings.Repeat("x", 1<<16)+`"}`), refused, "okauth: done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, oktatest.Options{Keys: keys})
			u.server.Fail("/v1/token", c.fault)
			code, stdout, stderr := u.okauth(t.Context(), "--timeout", "20s", "login")
			if code != c.code || !strings.Contains(stderr, c.says) {
				t.Errorf("got exit code %d and %q, want %d and %q", code, stderr, c.code, c.says)
			}
			if stdout != "" {
				t.Errorf("standard output is not empty: %q", stdout)
			}
			if kept := u.keychain.Accounts(); len(kept) > 0 {
				t.Errorf("kept %q", kept)
			}
			if n := u.posts(); n != 1 {
				t.Errorf("the password was sent %d times", n)
			}
			if i := strings.IndexFunc(stderr, func(r rune) bool { return r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e) }); i >= 0 {
				t.Errorf("a control character reaches the terminal: %q", stderr)
			}
			if strings.Count(stderr, "\n") > 2 || len(stderr) > 2000 {
				t.Errorf("more than an error and a hint: %q", stderr)
			}
			if strings.Contains(stderr, oktatest.DefaultPassword) || strings.Contains(stderr, oktatest.DefaultClientSecret) {
				t.Error("a secret is in the error")
			}
		})
	}
}

// What is odd but harmless is accepted, with a warning where the user should know.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	keys := oktatest.NewKeys()
	for _, c := range []struct {
		name, scope string
		fault       oktatest.Fault
		warns       string
	}{
		{"AT23_expires_in as text", "openid", oktatest.Override("expires_in", `"3600"`), ""},
		{"AT23_expires_in as float", "openid", oktatest.Override("expires_in", "3600.0"), ""},
		{"AT23_expires_in absurd", "openid", oktatest.Override("expires_in", "9223372036854775808"), ""},
		{"AT24_bearer in small letters", "openid", oktatest.Override("token_type", `"bearer"`), ""},
		{"AT27_fewer scopes", "openid profile", oktatest.Override("scope", `"openid"`), "profile"},
		{"AT27_more scopes", "openid", oktatest.Override("scope", `"openid admin"`), "admin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, oktatest.Options{Keys: keys})
			u.server.Fail("/v1/token", c.fault)
			code, stdout, stderr := u.okauth(t.Context(), "login", "--scope", c.scope)
			if code != 0 || stdout != "" {
				t.Fatalf("got exit code %d, stdout %q: %s", code, stdout, stderr)
			}
			if warned := strings.Contains(stderr, "okauth: warning: "); warned != (c.warns != "") || !strings.Contains(stderr, c.warns) {
				t.Errorf("got %q, want a warning about %q", stderr, c.warns)
			}
			if code, _, stderr := u.okauth(t.Context(), "token", "--scope", c.scope); code != 0 {
				t.Errorf("token: exit code %d: %s", code, stderr)
			}
		})
	}
}

// AT-28: asked for a refresh token and got none is a warning.
func TestAT28_NoRefreshToken(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.server.Fail("/v1/token", oktatest.JSON(`{"access_token":"fake","token_type":"Bearer","expires_in":3600,"scope":"offline_access"}`))
	code, _, stderr := u.okauth(t.Context(), "login", "--scope", "offline_access")
	if code != 0 || !strings.Contains(stderr, "refresh token") {
		t.Errorf("got exit code %d and %q", code, stderr)
	}
}

// AT-08: a server that accepts and says nothing costs --timeout, and a signal
// ends the wait at once.
func TestAT08_Silence(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.server.FailAlways("/v1/token", oktatest.Silence())
	code, stdout, stderr := u.okauth(t.Context(), "--timeout", "1s", "login")
	if code != 3 || stdout != "" || !strings.Contains(stderr, "1s") {
		t.Errorf("got exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	u.server.FailAlways("", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		cancel(cli.SignalError{Signal: 2})
		next.ServeHTTP(w, r)
	})
	code, stdout, _ = u.okauth(ctx, "login")
	if code != 130 || stdout != "" {
		t.Errorf("after SIGINT: got exit code %d, stdout %q", code, stdout)
	}
}

// Every refusal that the server knows is an exit code, Okta's own words, a
// request id and a hint; the password is sent once.
func TestST02_EveryRefusalIsExplainedAndNoneRepeated(t *testing.T) {
	t.Parallel()
	u := newUser(t, oktatest.Options{Limits: &oktatest.Limits{}})
	for _, e := range oktatest.Scenarios() {
		if e.Error == "" || e.Login == "" || e.Password == "" || e.Scope == "" {
			continue // okauth never sends these
		}
		t.Run(e.Description, func(t *testing.T) {
			u.server.ResetRequests()
			u.forgetRefusals(t)
			u.vars["OKAUTH_CLIENT_ID"], u.vars["OKAUTH_CLIENT_SECRET"] = e.ClientID, e.Secret
			u.vars["OKAUTH_USERNAME"], u.vars["OKAUTH_PASSWORD"] = e.Login, e.Password
			if e.Secret == "" {
				delete(u.vars, "OKAUTH_CLIENT_SECRET")
			}
			code, stdout, stderr := u.okauth(t.Context(), "login", "--scope", e.Scope, "--server", e.Server+strings.Repeat("org", b2i(e.Server == "")))
			want, parts := 5, []string{"okauth: error: ", "okauth: hint: ", e.Error, "req"}
			switch {
			case e.Status == 429:
				want = 3
			case e.Error == "mfa_required": // no refusal, but a question that no one is there to answer
				want, parts = 4, []string{"okauth: error: a factor is missing", "no terminal to ask on", "okauth: hint: ", "OKAUTH_OTP"}
			}
			if code != want || stdout != "" {
				t.Errorf("got exit code %d, want %d; stdout %q", code, want, stdout)
			}
			for _, part := range parts {
				if !strings.Contains(stderr, part) {
					t.Errorf("%q is not in %q", part, stderr)
				}
			}
			if u.posts() != 1 {
				t.Errorf("%d POST requests, want 1", u.posts())
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// AT-72: a write that fails is an error.
func TestAT72_FullDisk(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	if code, _, stderr := u.okauth(t.Context(), "login"); code != 0 {
		t.Fatal(stderr)
	}
	for _, args := range [][]string{{"token"}, {"token", "-o", "json"}, {"decode", "--type", "id"}, {"version"}, {"config", "path"}, {"config", "list"}} {
		var errs bytes.Buffer
		env := &cli.Env{
			Stdin: strings.NewReader(""), Stdout: full{}, Stderr: &errs, Now: time.Now, Keychain: u.keychain,
			LookupEnv: func(name string) (string, bool) { v, ok := u.vars[name]; return v, ok },
		}
		if code := cmd.Main(t.Context(), env, args); code != 1 || !strings.Contains(errs.String(), "no space left") {
			t.Errorf("%q: got exit code %d and %q", args, code, &errs)
		}
	}
}

// full is /dev/full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = &fullError{}

type fullError struct{}

func (*fullError) Error() string { return "no space left on device" }

var _ io.Writer = full{}

// huge adds n bytes of white space to the answer.
func huge(n int) oktatest.Fault {
	return oktatest.Alter(func(res *oktatest.Response) { res.Body = append(res.Body, bytes.Repeat([]byte(" "), n)...) })
}

// formEncoded writes the answer as a form, as servers did before RFC 6749.
func formEncoded() oktatest.Fault {
	return oktatest.Alter(func(res *oktatest.Response) {
		var object map[string]any
		if json.Unmarshal(res.Body, &object) != nil {
			return
		}
		form := url.Values{}
		for name, value := range object {
			form.Set(name, fmt.Sprint(value))
		}
		res.Body = []byte(form.Encode())
		res.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}
