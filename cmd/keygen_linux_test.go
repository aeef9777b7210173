package cmd_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// keyMachine is a machine whose client has a private key at most, and an Okta that knows the keys in the app.
type keyMachine struct {
	*machine
	app  oktatest.App
	said strings.Builder // all output of all commands
}

func newKeyMachine(t *testing.T) *keyMachine {
	m := newMachine(t, "keychain", persistent())
	app, _ := m.server.App(oktatest.PrivateKeyClientID)
	app.Keys = nil
	return &keyMachine{machine: m, app: app}
}

// begin starts okauth with standard input from a pipe.
func (m *keyMachine) begin(line, stdin string, vars ...string) *process {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	c := m.command(ctx, line, append(vars, "OKAUTH_CLIENT_ID="+oktatest.PrivateKeyClientID,
		"OKAUTH_PASSWORD="+oktatest.DefaultPassword)...)
	c.Env = slices.DeleteFunc(c.Env, func(v string) bool {
		return strings.HasPrefix(v, "OKAUTH_CLIENT_SECRET=") && !slices.Contains(vars, v)
	})
	c.Stdin, c.Dir = strings.NewReader(stdin), m.home
	return m.run(c, cancel)
}

// okauth runs okauth as begin does, and returns what it prints.
func (m *keyMachine) okauth(code int, line, stdin string, vars ...string) (stdout, stderr string) {
	m.t.Helper()
	p := m.begin(line, stdin, vars...)
	if got := p.ends(); got != code {
		m.t.Fatalf("okauth %s: got exit code %d, want %d: %s", line, got, code, &p.stderr)
	}
	m.said.WriteString(p.stdout.String() + p.stderr.String())
	return p.stdout.String(), p.stderr.String()
}

// registers makes Okta know these public keys, and no others.
func (m *keyMachine) registers(keys ...string) {
	m.app.Keys = nil
	for _, key := range keys {
		m.app.Keys = append(m.app.Keys, json.RawMessage(key))
	}
	m.server.AddApp(m.app)
	m.server.ResetRequests()
}

// signsWith wants a new token, for which the client has signed with the key of this public key.
func (m *keyMachine) signsWith(public string, vars ...string) {
	m.t.Helper()
	m.okauth(0, "-vv token --refresh", "", vars...)
	requests := m.server.Requests()
	var header struct{ Kid, Alg string }
	assertion := requests[len(requests)-1].Form.Get("client_assertion")
	segment, _, _ := strings.Cut(assertion, ".")
	text, err := base64.RawURLEncoding.DecodeString(segment)
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	if strings.Contains(m.said.String(), assertion) {
		m.t.Error("the trace shows an assertion")
	}
	if header.Kid != member(m.t, public, "kid") || header.Alg != member(m.t, public, "alg") {
		m.t.Errorf("the assertion has the header %v, want the key %s", header, public)
	}
}

func member(t *testing.T, jwk, name string) string {
	t.Helper()
	var members map[string]string
	if err := json.Unmarshal([]byte(jwk), &members); err != nil {
		t.Fatalf("%q: %v", jwk, err)
	}
	return members[name]
}

// hidden wants the private parts of the keys in text in no output so far.
func (m *keyMachine) hidden(text string) {
	m.t.Helper()
	private := regexp.MustCompile(`"d\\?":\\?"([^"\\]+)`).FindAllStringSubmatch(text, -1)
	if len(private) == 0 {
		m.t.Fatal("there is no private key to look for")
	}
	for _, d := range private {
		if strings.Contains(m.said.String(), d[1]) {
			m.t.Error("a private key is in the output")
		}
	}
}

// keygen keeps the private key and prints the public one; --rotate makes a second one, which waits until Okta accepts it.
func TestST36_KeygenKeepsTheKeyInTheKeychain(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	first, stderr := m.okauth(0, "config keygen", "")
	for _, piece := range []string{"Client Credentials", "Add key", member(t, first, "kid"), m.app.ClientID} {
		if !strings.Contains(stderr, piece) {
			t.Errorf("standard error lacks %q: %s", piece, stderr)
		}
	}
	if _, stderr := m.okauth(5, "token", ""); !strings.Contains(stderr, "hint: ") {
		t.Errorf("a key that Okta does not know: %s", stderr)
	}
	m.registers(first)
	m.signsWith(first)
	if _, stderr := m.okauth(2, "config keygen", ""); !strings.Contains(stderr, "--rotate") {
		t.Errorf("a second key: %s", stderr)
	}

	second, _ := m.okauth(0, "config keygen --rotate --alg RS256", "")
	if again, _ := m.okauth(0, "config keygen --rotate", ""); again != second {
		t.Errorf("the key that waits is %s, want %s", again, second)
	}
	if list, _ := m.okauth(0, "config list", ""); !regexp.MustCompile(`(?m)^private_key +•+ +keychain, and a new key`).MatchString(list) {
		t.Errorf("got %s", list)
	}
	m.signsWith(first)
	m.registers(first, second)
	m.hidden(itemsOf(m.machine))
	m.signsWith(second)
	m.registers(second)
	m.signsWith(second)
	if list, _ := m.okauth(0, "status", ""); !strings.Contains(list, "keychain") || strings.Contains(list, "new key") {
		t.Errorf("got %s", list)
	}
	m.hidden(itemsOf(m.machine))

	m.okauth(0, "logout", "")
	if !strings.Contains(itemsOf(m.machine), "private_key") {
		t.Error("logout has deleted the key")
	}
	m.okauth(0, "config unset private_key", "")
	if left := m.keychain.Items(); len(left) > 0 {
		t.Errorf("%d items are left", len(left))
	}
	if _, stderr := m.okauth(2, "config keygen --rotate", ""); !strings.Contains(stderr, "no key to rotate") {
		t.Errorf("got %s", stderr)
	}
}

func itemsOf(m *machine) string {
	var all strings.Builder
	for name, value := range m.keychain.Items() {
		all.WriteString(name + " " + value + "\n")
	}
	return all.String()
}

// keygen --file writes a new file for the user alone, and the profile uses it.
func TestST36_KeygenWritesAFile(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	m.okauth(0, "config set client_auth client_secret_basic", "")
	const nowhere = "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"
	if _, stderr := m.okauth(6, "config keygen", "", nowhere); !strings.Contains(stderr, "--file") {
		t.Errorf("without a keychain: %s", stderr)
	}
	public, _ := m.okauth(0, "config keygen --file key.jwk", "", nowhere)
	path := filepath.Join(m.home, "key.jwk")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %v, %v; want mode 0600", info, err)
	}
	config, err := os.ReadFile(filepath.Join(m.home, ".config", "okauth", "config.yaml"))
	if want := "private_key_file: " + path; err != nil || !strings.Contains(string(config), want) ||
		!strings.Contains(string(config), "client_auth: private_key_jwt") {
		t.Errorf("got the configuration %s, %v; want %s", config, err, want)
	}
	m.registers(public)
	m.signsWith(public)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, stderr := m.okauth(2, "config keygen --file other.jwk", ""); !strings.Contains(stderr, "private_key_file") {
		t.Errorf("a second key: %s", stderr)
	}
	m.okauth(0, "-p new config set server default", "")
	if _, stderr := m.okauth(2, "-p new config keygen --file key.jwk", ""); !strings.Contains(stderr, "never overwrites") {
		t.Errorf("the same file: %s", stderr)
	}
	if _, stderr := m.okauth(2, "-p new config keygen --file nowhere/key.jwk", ""); !strings.Contains(stderr, "hint: name a new file") {
		t.Errorf("no such directory: %s", stderr)
	}
	m.okauth(2, "config keygen --file other.jwk --rotate", "")
	if again, err := os.ReadFile(path); err != nil || string(again) != string(text) {
		t.Error("the file has changed")
	}
	m.hidden(string(text))
	if items := m.keychain.Items(); len(items) != 2 { // the session and its index
		t.Errorf("the keychain has %d items", len(items))
	}
}

// A key of one's own goes to the keychain by a pipe, and what is none does not.
func TestST36_SetPrivateKey(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	m.app, _ = m.server.App(oktatest.PrivateKeyClientID)
	secret := "OKAUTH_CLIENT_SECRET=" + oktatest.DefaultClientSecret
	if _, stderr := m.okauth(2, "config set private_key canary", ""); strings.Contains(stderr, "canary") {
		t.Errorf("a value: %s", stderr)
	}
	m.okauth(2, "config set private_key --keep file", string(oktatest.TestKey()))
	_, stderr := m.okauth(2, "config set private_key", "canary-text")
	if !strings.Contains(stderr, "neither PEM nor a JWK") || strings.Contains(stderr, "canary") {
		t.Errorf("no key: %s", stderr)
	}
	if _, stderr := m.okauth(0, "config set private_key", string(oktatest.TestKey()), secret); !strings.Contains(stderr, "private_key_id") {
		t.Errorf("a key without a kid: %s", stderr)
	}
	m.okauth(0, "config set private_key_id "+oktatest.TestKeyID, "")
	m.okauth(0, "token", "", secret) // client_auth is set, because the secret would be stronger
	if _, stderr := m.okauth(2, "config get private_key", ""); !strings.Contains(stderr, "never shown") {
		t.Errorf("got %s", stderr)
	}
	m.okauth(0, "-p other config set server default", "")
	other, stderr := m.okauth(0, "-p other config keygen --file other.jwk", "")
	text, err := os.ReadFile(filepath.Join(m.home, "other.jwk"))
	if err != nil {
		t.Fatal(err, other, stderr)
	}
	if _, stderr := m.okauth(2, "config set private_key", string(text)); !strings.Contains(stderr, "config unset private_key") {
		t.Errorf("another key: %s", stderr)
	}
	m.okauth(0, "config unset private_key", "")
	m.okauth(0, "config set private_key", string(text))
	config, err := os.ReadFile(filepath.Join(m.home, ".config", "okauth", "config.yaml"))
	if err != nil || strings.Contains(string(config), "private_key_id") {
		t.Errorf("the kid of the key before is still there: %s, %v", config, err)
	}
	m.registers(other)
	m.signsWith(other)
	m.hidden(string(text))
}

// No command replaces a key that only the keychain has, nor drops the next one, which Okta may know already; a key that
// is set again is no other one. What cannot be read is not taken for no key.
func TestST36_NoKeyIsLost(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	first, _ := m.okauth(0, "config keygen", "")
	next, _ := m.okauth(0, "config keygen --rotate", "")
	items := m.keychain.Items()
	same := func(what string) {
		t.Helper()
		if !maps.Equal(m.keychain.Items(), items) {
			t.Errorf("%s: the keychain has changed", what)
		}
	}
	for _, line := range []string{"config keygen", "config set private_key"} {
		if _, stderr := m.okauth(2, line, string(oktatest.TestKey())); !strings.Contains(stderr, "--rotate") ||
			!strings.Contains(stderr, "okauth config unset private_key") {
			t.Errorf("%s: %s", line, stderr)
		}
		same(line)
	}
	if again, _ := m.okauth(0, "config keygen --public", ""); again != first {
		t.Errorf("the public key is %s, want %s", again, first)
	}
	same("keygen --public")
	var stored struct {
		Key string `json:"private_key"`
	}
	for account, text := range items {
		if err := json.Unmarshal([]byte(text), &stored); err != nil {
			t.Fatal(err)
		}
		m.okauth(0, "config set private_key", stored.Key)
		if waits, _ := m.okauth(0, "config keygen --rotate", ""); waits != next {
			t.Errorf("after the same key was set, the next one is %s, want %s", waits, next)
		}
		for _, garbled := range []string{"canary-garbled", `{"okauth":2,"private_key":"canary"}`} {
			m.keychain.Put(account, garbled)
			items = m.keychain.Items()
			for _, line := range []string{"config keygen", "config keygen --rotate", "config keygen --public", "config set private_key"} {
				if _, stderr := m.okauth(6, line, string(oktatest.TestKey())); !strings.Contains(stderr, "hint: ") ||
					strings.Contains(stderr, "canary") {
					t.Errorf("%s: %s", line, stderr)
				}
				same(line)
			}
		}
	}
	m.okauth(0, "config unset private_key", "")
	if left := m.keychain.Items(); len(left) > 0 {
		t.Errorf("%d items are left", len(left))
	}
}

// Where the profile cannot be written, the keychain keeps what it had.
func TestST36_KeyOfNoProfile(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	vars := []string{"OKAUTH_CONFIG=/proc/okauth/config.yaml", "OKAUTH_CLIENT_AUTH=client_secret_basic"}
	for _, line := range []string{"config keygen", "config set private_key", "config keygen --file key.jwk"} {
		if _, stderr := m.okauth(2, line, string(oktatest.TestKey()), vars...); !strings.Contains(stderr, "/proc/okauth") {
			t.Errorf("%s: %s", line, stderr)
		}
		if items := m.keychain.Items(); len(items) > 0 {
			t.Errorf("%s: left %d items", line, len(items))
		}
	}
	if _, err := os.Stat(filepath.Join(m.home, "key.jwk")); err == nil {
		t.Error("the file with the key is left")
	}
}

// keygen --public prints the public key of any key that the client has.
func TestST36_PublicKeyAgain(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	if stdout, stderr := m.okauth(2, "config keygen --public", ""); stdout != "" || !strings.Contains(stderr, "hint: okauth config keygen") {
		t.Errorf("no key: %q, %s", stdout, stderr)
	}
	m.okauth(2, "config keygen --public --rotate", "")
	public, _ := m.okauth(0, "config keygen --file key.jwk", "")
	text, err := os.ReadFile(filepath.Join(m.home, "key.jwk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"", "OKAUTH_PRIVATE_KEY=" + string(text)} {
		if again, stderr := m.okauth(0, "config keygen --public", "", variable); again != public || !strings.Contains(stderr, "Add key") {
			t.Errorf("%.20s: got %s, want %s: %s", variable, again, public, stderr)
		}
	}
	m.okauth(0, "config unset private_key_file", "")
	pem := "OKAUTH_PRIVATE_KEY=" + string(oktatest.TestKey())
	if again, stderr := m.okauth(0, "config keygen --public", "", pem); strings.Contains(again, `"d"`) || strings.Contains(stderr, "Its kid") {
		t.Errorf("a PEM: got %s; %s", again, stderr)
	}
	if n := len(m.server.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	m.hidden(string(text))
}

// A key of one's own without a kid can be rotated: private_key_id is about that key, and not about the next one.
func TestST36_RotateAKeyWithoutAKid(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	m.app, _ = m.server.App(oktatest.PrivateKeyClientID)
	own := string(m.app.Keys[0])
	m.okauth(0, "config set private_key", string(oktatest.TestKey()))
	m.okauth(0, "config set private_key_id "+oktatest.TestKeyID, "")
	next, _ := m.okauth(0, "config keygen --rotate", "")
	m.registers(own)
	m.signsWith(own)
	m.registers(own, next)
	m.signsWith(next) // tries it
	m.signsWith(next)
}

// Of many at once one makes the key, and one the next: no public key is printed that is not in the keychain.
func TestST36_AT80_ManyKeygen(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	const processes = 8
	many := func(line string) (printed []string) {
		var all []*process
		for range processes {
			all = append(all, m.begin(line, ""))
		}
		for _, p := range all {
			if code := p.ends(); code == 0 {
				printed = append(printed, p.stdout.String())
			} else if code != 2 || !strings.Contains(p.stderr.String(), "--rotate") {
				t.Errorf("%s: exit code %d: %s", line, code, &p.stderr)
			}
		}
		return printed
	}
	first := many("config keygen")
	if public, _ := m.okauth(0, "config keygen --public", ""); len(first) != 1 || first[0] != public {
		t.Errorf("%d processes made a key", len(first))
	}
	next := many("config keygen --rotate")
	if different := slices.Compact(slices.Clone(next)); len(next) != processes || len(different) != 1 {
		t.Errorf("%d processes printed a next key, got %q", len(next), different)
	}
}

// AT-81: after a kill at any step of making, rotating or promoting a key, the client still signs with one that Okta
// knows, and the same command again prints a public key that is in the keychain.
func TestAT81_ST36_KilledKeygen(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	killed := func(n int, line string, code int) bool {
		t.Helper()
		got := m.begin(line, "", fmt.Sprint("TEST_KILL=", n)).ends()
		if got != 137 && got != code {
			t.Fatalf("%s, killed at call %d: got exit code %d", line, n, got)
		}
		return got == 137
	}
	step := func(line string, try func(n int) bool) {
		t.Helper()
		n := 1
		for try(n) && n < 50 {
			n++
		}
		if n < 3 || n == 50 {
			t.Errorf("%s was killed at %d calls", line, n-1)
		}
	}
	step("keygen", func(n int) bool {
		m.okauth(0, "config unset private_key", "")
		killed := killed(n, "config keygen", 0)
		if !strings.Contains(itemsOf(m.machine), "private_key") {
			m.okauth(0, "config keygen", "")
		}
		public, _ := m.okauth(0, "config keygen --public", "")
		m.registers(public)
		m.signsWith(public)
		return killed
	})
	first, _ := m.okauth(0, "config keygen --public", "")
	m.registers(first)
	next := ""
	step("keygen --rotate", func(n int) bool {
		killed := killed(n, "config keygen --rotate", 0)
		m.signsWith(first)
		if strings.Contains(itemsOf(m.machine), "next_private_key") {
			next, _ = m.okauth(0, "config keygen --rotate", "")
		}
		return killed
	})
	before := m.keychain.Items()
	step("the promotion", func(n int) bool {
		m.restore(before)
		m.registers(first, next)
		killed := killed(n, "token --refresh", 0)
		m.signsWith(next)
		return killed
	})
}

// AT-81: at no system call does a kill leave a profile whose key file is not whole.
func TestAT81_ST36_KilledKeygenFile(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	killed := true
	for n := 1; killed; n++ {
		file := fmt.Sprintf("key-%d.jwk", n)
		c := m.command(t.Context(), "config keygen --file "+file, "OKAUTH_CLIENT_ID="+oktatest.PrivateKeyClientID)
		c.Dir = m.home
		killed = killedAt(t, c, n)
		switch list, _ := m.okauth(0, "config list", ""); {
		case strings.Contains(list, file):
			m.okauth(0, "config keygen --public", "")
			m.okauth(0, "config unset private_key_file", "")
		case !killed:
			t.Errorf("the profile does not name %s: %s", file, list)
		case n > 40:
			t.Fatal("it does not end")
		}
	}
}

// doctor says which key Okta does not know, what the application lacks, and that the clock is off.
func TestST36_DoctorChecksTheKey(t *testing.T) {
	t.Parallel()
	m := newKeyMachine(t)
	public, _ := m.okauth(0, "config keygen", "")
	other, _ := m.okauth(0, "config keygen --rotate", "")
	kid := member(t, public, "kid")
	check := func(code int, pieces ...string) {
		t.Helper()
		report, _ := m.okauth(code, "doctor -o json", "")
		var found struct {
			Checks []struct{ Name, State, Detail, Hint string }
		}
		if err := json.Unmarshal([]byte(report), &found); err != nil {
			t.Fatal(err)
		}
		for _, c := range found.Checks {
			for _, piece := range pieces {
				if c.Name == "client" && !strings.Contains(c.State+" "+c.Detail+" "+c.Hint, piece) {
					t.Errorf("got %+v, want %q", c, piece)
				}
			}
		}
	}
	m.app.AuthMethod = oktatest.PrivateKeyJWT
	m.server.AddApp(m.app)
	check(5, "fail", "has no public key", "Add key")
	third, _ := m.okauth(0, "config keygen --file third.jwk", "", "OKAUTH_CONFIG="+filepath.Join(m.home, "third.yaml"),
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere")
	m.registers(third)
	check(5, "fail", "(kid "+kid+") is not among the application's public keys", "Add key")
	m.registers(public)
	check(0, "ok", "with its private key (ES256, kid "+kid+"; keychain, and a new key that Okta has not accepted yet)")
	m.registers(public, other)
	check(0, "ok", "kid "+member(t, other, "kid")+"; keychain)")
	m.ahead = -10*time.Minute - 30*time.Second
	check(5, "fail", "token is expired", "clock is 10 minutes behind Okta's")
	m.ahead = 2 * time.Hour
	check(5, "fail", "too far into the future", "ahead of Okta's")
	m.hidden(itemsOf(m.machine))
}
