package cmd_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/oktatest"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/fakesecretservice"
)

// Where a hint of exit code 4 or 6 names commands of okauth, running them leads to a state in which the command that
// failed works, and then "okauth token".
func TestHintsAreFollowed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	followed := make(map[string]bool)
	t.Run("hints", func(t *testing.T) {
		for name, test := range hintCases() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, test.behavior)
				d.setUp(test.settings...)
				if test.prepare != nil {
					test.prepare(d)
				}
				hint := d.follow(test.command, test.code)
				mu.Lock()
				defer mu.Unlock()
				followed[strings.Join(commandsOf(hint), "; ")] = true
			})
		}
	})
	for _, err := range errorsOfCodes4And6(t) {
		hint := cli.Hint(err)
		if store.IsKind(err, store.Locked) { // TestSecretServiceAsksAPerson follows it, at a terminal
			continue
		}
		if commands := commandsOf(hint); len(commands) > 0 && !followed[strings.Join(commands, "; ")] {
			t.Errorf("no test follows the hint of %T: %s", err, hint)
		}
	}
}

type hintCase struct {
	behavior fakesecretservice.Behavior
	settings []string // lines of the profile
	prepare  func(*desk)
	command  string
	code     int
}

func hintCases() map[string]hintCase {
	none := fakesecretservice.Behavior{NoOwner: true}
	all := map[string]hintCase{
		"another user": {command: "okauth token --username bob@example.com", code: 4, prepare: func(d *desk) {
			d.signIn()
			d.server.AddUser(oktatest.User{Login: "bob@example.com", Password: oktatest.DefaultPassword})
			app, _ := d.server.App(oktatest.DefaultClientID)
			app.Assigned = append(app.Assigned, "bob@example.com")
			d.server.AddApp(app)
		}},
		"another server":      {prepare: (*desk).signIn, command: "okauth token --server org", code: 4},
		"login, storage none": {settings: []string{"    storage: none"}, command: "okauth login", code: 6},
		"token, storage none": {settings: []string{"    storage: none"}, command: "okauth token", code: 4},
		"storage none, from the environment": {
			prepare: func(d *desk) { d.vars["OKAUTH_STORAGE"] = "none" }, command: "okauth login", code: 6},
		"login, no keychain": {behavior: none, command: "okauth login", code: 6},
		"token, no keychain": {behavior: none, command: "okauth token", code: 4},
		"login, no keychain where it is required": {
			behavior: none, settings: []string{"    storage: keychain"}, command: "okauth login", code: 6},
		"token, no keychain where the environment requires it": {
			behavior: none, prepare: func(d *desk) { d.vars["OKAUTH_STORAGE"] = "keychain" }, command: "okauth token", code: 6},
		"login of a public client with storage none": {
			settings: []string{"    storage: none"}, prepare: (*desk).asPublicClient, command: "okauth login", code: 6},
		"token of a public client with storage none": {
			settings: []string{"    storage: none"}, prepare: (*desk).asPublicClient, command: "okauth token", code: 4},
		"login of a public client without a keychain": {
			behavior: none, prepare: (*desk).asPublicClient, command: "okauth login", code: 6},
		"token of a public client without a keychain": {
			behavior: none, prepare: (*desk).asPublicClient, command: "okauth token", code: 4},
		"token of a public client with a key": {behavior: none, command: "okauth token", code: 4,
			prepare: func(d *desk) {
				d.asPublicClient()
				d.shell("head -c 32 /dev/urandom | base64 >" + d.home + "/storage.key")
			}},
		"config set client_secret, no keychain": {
			behavior: none, prepare: func(d *desk) { delete(d.vars, "OKAUTH_CLIENT_SECRET") },
			command: "echo " + oktatest.DefaultClientSecret + " | okauth config set client_secret", code: 6},
		"the session is garbled": {command: "okauth token", code: 4, prepare: func(d *desk) {
			d.signIn()
			d.garble()
		}},
		"the client secret is garbled": {command: "okauth login --no-input", code: 6, prepare: func(d *desk) {
			d.shell("echo $OKAUTH_CLIENT_SECRET | okauth config set client_secret")
			delete(d.vars, "OKAUTH_CLIENT_SECRET")
			d.garble()
		}},
		"the file has another key": {settings: []string{"    storage: file"}, command: "okauth token", code: 6,
			prepare: func(d *desk) {
				d.vars["OKAUTH_STORAGE_KEY"] = strings.Repeat("a", 43) + "="
				d.signIn()
				d.vars["OKAUTH_STORAGE_KEY"] = strings.Repeat("b", 43) + "="
			}},
		"no refresh token": {command: "okauth token --type refresh", code: 4, prepare: func(d *desk) {
			d.okauth("config", "set", "scopes", "openid")
			d.signIn()
		}},
		"no refresh token, with scopes from the environment": {command: "okauth token --type refresh", code: 4,
			prepare: func(d *desk) { d.vars["OKAUTH_SCOPES"] = "openid"; d.signIn() }},
		"no ID token": {command: "okauth token --type id", code: 4, prepare: func(d *desk) {
			d.okauth("config", "set", "scopes", "api:read")
			d.signIn()
		}},
	}
	for _, command := range []string{"token", "exec -- true", "userinfo", "decode", "verify", "introspect"} {
		all[command] = hintCase{command: "okauth " + command, code: 4}
	}
	for _, command := range []string{"decode", "verify", "introspect"} {
		all[command+", nothing is kept"] = hintCase{behavior: none, command: "okauth " + command, code: 4,
			prepare: func(d *desk) { d.vars["OKAUTH_PASSWORD"] = oktatest.DefaultPassword }}
	}
	return all
}

// Each way to give a password that the hint names, where no one can be asked, makes the command work.
func TestHintOfPasswordIsFollowed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, fakesecretservice.Behavior{})
	d.setUp()
	code, _, errs := d.shell("okauth login")
	_, hint, _ := strings.Cut(errs, "okauth: hint: ")
	file := filepath.Join(d.home, "password")
	for way, script := range map[string]string{
		"--password-stdin":     "echo " + oktatest.DefaultPassword + " | okauth login --password-stdin",
		"OKAUTH_PASSWORD,":     "OKAUTH_PASSWORD=" + oktatest.DefaultPassword + " okauth login",
		"OKAUTH_PASSWORD_FILE": "echo " + oktatest.DefaultPassword + " >" + file + "; OKAUTH_PASSWORD_FILE=" + file + " okauth login",
		"password_command":     "okauth config set password_command 'echo " + oktatest.DefaultPassword + "'; okauth login",
	} {
		if code != 4 || !strings.Contains(hint, way) {
			t.Errorf("got exit code %d and no %q in the hint: %s", code, way, errs)
		}
		if code, _, errs := d.shell(script); code != 0 {
			t.Errorf("%s: got exit code %d: %s", script, code, errs)
		}
	}
}

// asPublicClient makes the application one without a secret.
func (d *desk) asPublicClient() {
	app, _ := d.server.App(oktatest.DefaultClientID)
	app.AuthMethod = oktatest.NoSecret
	d.server.AddApp(app)
	delete(d.vars, "OKAUTH_CLIENT_SECRET")
}

// garble spoils every item of the keychain.
func (d *desk) garble() {
	for account := range d.keychain.Items() {
		d.keychain.Put(account, "garbled")
	}
}

// errorsOfCodes4And6 returns an error of each kind that has one of these exit codes.
func errorsOfCodes4And6(t *testing.T) []error {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "pkg", "store", "errors.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := []error{
		&okauth.StorageOffError{Source: config.Source{Kind: config.FromFile}},
		&session.MissingTokenError{Type: session.ID, Scopes: []string{"api:read"}},
		&session.MissingTokenError{Type: session.Refresh, Scopes: []string{"openid"}},
	}
	for _, reason := range []session.NoStore{"", session.StoreOff, session.StoreUnavailable} {
		all = append(all, &okauth.LoginRequiredError{NoStore: reason})
	}
	kinds := regexp.MustCompile(`ErrorKind += "(\w+)"`).FindAllStringSubmatch(string(text), -1)
	if len(kinds) < 10 {
		t.Fatalf("found %d kinds of a *store.Error", len(kinds))
	}
	for _, kind := range kinds {
		all = append(all, store.NewError(store.ErrorKind(kind[1]), "read", errors.New("x")))
	}
	return all
}

// commandsOf returns the commands of okauth, and the assignments, that a hint names.
func commandsOf(hint string) []string {
	return regexp.MustCompile("okauth( -p \\S+)? (token|login|config|status|doctor)[^;,`()]*|\\(umask [^)]*\\)|export \\w+=(\"[^\"]*\"|[\\w.:/-]+)").FindAllString(hint, -1)
}

// follow runs a command that fails with code, then the commands of its hint, then the command again and "okauth token".
// It returns the hint.
func (d *desk) follow(command string, code int) string {
	d.t.Helper()
	got, _, errs := d.shell(command)
	_, hint, _ := strings.Cut(strings.TrimSpace(errs), "okauth: hint: ")
	commands := commandsOf(hint)
	if got != code || len(commands) == 0 {
		d.t.Fatalf("%s: got exit code %d, want %d and a hint with a command: %s", command, got, code, errs)
	}
	const password, secret = "echo " + oktatest.DefaultPassword + " | ", "echo " + oktatest.DefaultClientSecret + " | "
	lines, again := []string{"set -e"}, command
	for _, line := range commands {
		line, _, _ = strings.Cut(line, " writes ")
		switch {
		case strings.HasPrefix(line, "okauth login"):
			if strings.HasPrefix(command, line) {
				again = "true" // it is run here
			}
			line = password + line + " --password-stdin"
		case strings.HasPrefix(line, "okauth config set client_secret"):
			line = secret + line
		}
		lines = append(lines, line)
		if strings.Contains(line, "| okauth "+strings.Fields(command)[1]) || strings.HasSuffix(line, "--keep file") {
			again = "true" // it is run here
		}
	}
	script := strings.Join(append(lines, again, password+"okauth token --password-stdin"), "\n")
	if got, _, errs := d.shell(script); got != 0 {
		d.t.Errorf("%s\ngot exit code %d: %s", script, got, errs)
	}
	return hint
}

// shell runs a script of sh that finds okauth.
func (d *desk) shell(script string) (code int, stdout, stderr string) {
	d.t.Helper()
	var out, errs bytes.Buffer
	c := exec.Command("sh", "-c", script)
	c.Env = []string{"PATH=" + filepath.Dir(self(d.t)) + ":/usr/bin:/bin", exitAtOnce}
	for name, value := range d.vars {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Stdout, c.Stderr = &out, &errs
	if _, failed := errors.AsType[*exec.ExitError](c.Run()); !failed && exitCode(c.ProcessState) != 0 {
		d.t.Fatal(script)
	}
	return exitCode(c.ProcessState), out.String(), errs.String()
}
