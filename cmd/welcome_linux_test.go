package cmd_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/creack/pty"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// desk is a person's machine, with a terminal of 80 columns that shows what okauth
// prints on standard output.
type desk struct {
	t        *testing.T
	server   *oktatest.Server
	keychain *fakesecretservice.Fake
	home     string
	vars     map[string]string
}

func newDesk(t *testing.T, behavior fakesecretservice.Behavior) *desk {
	t.Helper()
	keychain, err := fakesecretservice.Start(behavior)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keychain.Close)
	d := &desk{t: t, keychain: keychain, home: t.TempDir()}
	d.vars = map[string]string{
		"HOME": d.home, "TERM": "xterm", "TZ": "UTC", "GORACE": "atexit_sleep_ms=0", "OKAUTH_NO_INPUT": "true",
		"DBUS_SESSION_BUS_ADDRESS": keychain.Address(), "OKAUTH_CONFIG": filepath.Join(d.home, "config.yaml"),
	}
	return d
}

// setUp configures profile dev for a server of its own.
func (d *desk) setUp(more ...string) {
	d.t.Helper()
	server := oktatest.ForTest(d.t, oktatest.Options{})
	d.server = server
	d.configure(append([]string{
		"profile: dev", "profiles:", "  dev:", "    domain: " + server.URL(), "    client_id: " + oktatest.DefaultClientID,
		"    username: " + oktatest.DefaultUser, "    scopes: [openid, offline_access]",
	}, more...)...)
	d.vars["OKAUTH_CLIENT_SECRET"] = oktatest.DefaultClientSecret
}

func (d *desk) configure(lines ...string) {
	d.t.Helper()
	if err := os.WriteFile(d.vars["OKAUTH_CONFIG"], []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// signIn signs in, and forgets the password.
func (d *desk) signIn() {
	d.t.Helper()
	d.vars["OKAUTH_PASSWORD"] = oktatest.DefaultPassword
	if code, _, errs := d.okauth("login"); code != 0 {
		d.t.Fatalf("login: exit code %d: %s", code, errs)
	}
	delete(d.vars, "OKAUTH_PASSWORD")
	d.server.ResetRequests()
}

// okauth runs a command line and returns what the terminal shows.
func (d *desk) okauth(args ...string) (code int, shown, stderr string) {
	d.t.Helper()
	var errs bytes.Buffer
	code, shown = d.run(80, &errs, args...)
	return code, shown, errs.String()
}

// run runs a command line at a terminal of so many columns. A nil stderr is the terminal.
func (d *desk) run(columns uint16, stderr io.Writer, args ...string) (code int, shown string) {
	d.t.Helper()
	self, err := os.Executable()
	if err != nil {
		d.t.Fatal(err)
	}
	master, slave, err := pty.Open()
	if err != nil {
		d.t.Fatal(err)
	}
	defer master.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		d.t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Args[0] = "okauth" // see TestMain
	c.Stdout, c.Stderr = slave, stderr
	if stderr == nil {
		c.Stderr = slave
	}
	c.Env = []string{exitAtOnce}
	for name, value := range d.vars {
		c.Env = append(c.Env, name+"="+value)
	}
	err = c.Start()
	slave.Close() // so that reading ends with the process
	if err != nil {
		d.t.Fatal(err)
	}
	text, err := io.ReadAll(master)
	if err != nil && !errors.Is(err, syscall.EIO) {
		d.t.Error(err)
	}
	if _, failed := errors.AsType[*exec.ExitError](c.Wait()); !failed && exitCode(c.ProcessState) != 0 {
		d.t.Fatalf("okauth %q: %v", args, c.ProcessState)
	}
	return exitCode(c.ProcessState), strings.ReplaceAll(string(text), "\r\n", "\n")
}

// "okauth" alone tells a person where one stands and what comes next.
func TestWelcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		behavior fakesecretservice.Behavior
		prepare  func(*desk)
		args     []string
		want     []string
		never    []string
	}{
		"not set up": {
			prepare: func(*desk) {},
			want:    []string{"okauth is not set up yet\n", "  okauth config init  ", "  okauth demo  "},
			never:   []string{"okauth login", "okauth token"},
		},
		"not signed in": {
			prepare: func(d *desk) { d.setUp() },
			want:    []string{"not signed in: profile dev, ", "/oauth2/default", "  okauth login   sign in\n", "  okauth doctor  "},
			never:   []string{"okauth token", "config init"},
		},
		"signed in": {
			prepare: func(d *desk) { d.setUp(); d.signIn() },
			want: []string{
				"signed in: alice@example.com, profile dev, ", "\nthe access token is good for ", "  okauth token  ", "  okauth exec -- CMD  ",
			},
			never: []string{"not signed in", "okauth login", "eyJ"},
		},
		"signed in, to be refreshed": {
			prepare: func(d *desk) { d.setUp(); d.signIn(); d.vars["TEST_CLOCK"] = "2h" },
			want:    []string{"signed in: alice@example.com, ", "the next one comes by a refresh", "  okauth token  "},
			never:   []string{"good for"},
		},
		"signed in, too long ago": {
			prepare: func(d *desk) {
				d.setUp()
				d.vars["OKAUTH_SCOPES"] = "openid"
				d.signIn()
				d.vars["TEST_CLOCK"] = "48h"
			},
			want:  []string{"not signed in: alice@example.com, profile dev,", "expired", "  okauth login  "},
			never: []string{"okauth token", "good for"},
		},
		"a job": {
			prepare: func(d *desk) { d.setUp(); d.vars["OKAUTH_PASSWORD"] = oktatest.DefaultPassword },
			want:    []string{"ready: profile dev, ", "signs in by itself", "  okauth token  "},
			never:   []string{oktatest.DefaultPassword, "okauth login"},
		},
		"keychain absent": {
			behavior: fakesecretservice.Behavior{NoOwner: true},
			prepare:  func(d *desk) { d.setUp() },
			want:     []string{"not signed in: profile dev, ", "  okauth doctor  "},
			never:    []string{"okauth token"},
		},
		"another profile": {
			prepare: func(d *desk) {
				d.setUp()
				text, _ := os.ReadFile(d.vars["OKAUTH_CONFIG"])
				d.configure(strings.ReplaceAll(strings.TrimSpace(string(text)), "dev:", "prod:"))
			},
			args: []string{"-p", "prod"},
			want: []string{"not signed in: profile prod, ", "  okauth -p prod login  "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, test.behavior)
			test.prepare(d)
			code, shown, errs := d.okauth(test.args...)
			if code != 0 || errs != "" {
				t.Errorf("got exit code %d, stderr %q", code, errs)
			}
			d.checkShown(shown)
			for _, text := range test.want {
				if !strings.Contains(shown, text) {
					t.Errorf("no %q in\n%s", text, shown)
				}
			}
			for _, text := range append(test.never, oktatest.DefaultClientSecret, "\x1b") {
				if strings.Contains(shown, text) {
					t.Errorf("%q in\n%s", text, shown)
				}
			}
		})
	}
}

// checkShown checks that a glance is enough, and that it took no request.
func (d *desk) checkShown(shown string) {
	d.t.Helper()
	if d.server != nil && len(d.server.Requests()) > 0 {
		d.t.Errorf("%d requests", len(d.server.Requests()))
	}
	lines := strings.Split(strings.TrimSuffix(shown, "\n"), "\n")
	if len(lines) > 12 || lines[len(lines)-1] != "okauth --help lists all commands" {
		d.t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			d.t.Errorf("wider than 80 columns: %q", line)
		}
	}
}

// What is broken is an error as it is for every other command.
func TestWelcomeFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		behavior fakesecretservice.Behavior
		prepare  func(*desk)
		code     int
		want     string
	}{
		"broken file": {
			prepare: func(d *desk) { d.configure("profiles: [") },
			code:    2, want: "config.yaml",
		},
		"no client id": {
			prepare: func(d *desk) {
				d.configure("profiles:", "  default:", "    domain: dev-1.okta.com")
			},
			code: 2, want: "client_id",
		},
		"keychain absent and required": {
			behavior: fakesecretservice.Behavior{NoOwner: true},
			prepare:  func(d *desk) { d.setUp("    storage: keychain") },
			code:     6, want: "okauth: hint: start a keyring",
		},
		"keychain locked": {
			behavior: fakesecretservice.Behavior{Locked: true},
			prepare:  func(d *desk) { d.setUp() },
			code:     6, want: "locked",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, test.behavior)
			test.prepare(d)
			code, shown, errs := d.okauth()
			if code != test.code || shown != "" || !strings.HasPrefix(errs, "okauth: error: ") || !strings.Contains(errs, test.want) {
				t.Errorf("got exit code %d, shown %q, stderr %q; want %d and %q", code, shown, errs, test.code, test.want)
			}
		})
	}
}
