package cmd_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
	"okauth/pkg/store/keyringtest"
	"okauth/pkg/store/redistest"
)

// machine is where many okauth run, each in a process of its own: they share a
// home, a directory of locks, a store and an Okta.
type machine struct {
	t           *testing.T
	server      *oktatest.Server
	keychain    *fakesecretservice.Fake
	keyring     *keyringtest.Bus  // sessions are in a real keyring there, and the keychain stays empty; nil: they are not
	inFile      bool              // sessions are in sealed files, and the keychain stays empty
	redis       *redistest.Server // sessions are there, and the keychain stays empty; nil: they are not
	home, locks string
	scopes      string
	ahead       time.Duration // of the clock on the wall
	reuses      int           // how often Okta was shown a spent refresh token, as far as the test knows
}

// Refresh tokens that work once and not a moment longer, and such as stay.
func rotating() oktatest.Rotation   { return oktatest.Rotation{Rotate: true} }
func persistent() oktatest.Rotation { return oktatest.Rotation{} }

// newExpired is a machine on which somebody has signed in, two hours ago: the
// access token has expired, the refresh token has not.
func newExpired(t *testing.T, storage string, rotation oktatest.Rotation) *machine {
	t.Helper()
	m := newMachine(t, storage, rotation)
	m.start("login").does()
	m.later(2 * time.Hour)
	return m
}

func newMachine(t *testing.T, storage string, rotation oktatest.Rotation) *machine {
	t.Helper()
	server := oktatest.ForTest(t, oktatest.Options{Keys: sharedKeys(), Clock: new(oktatest.Clock),
		Rotation: rotation, Limits: &oktatest.Limits{}})
	keychain, err := fakesecretservice.Start(fakesecretservice.Behavior{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keychain.Close)
	home := t.TempDir()
	m := &machine{t: t, server: server, keychain: keychain, inFile: storage == "file", home: home, locks: filepath.Join(home, "locks"), scopes: "openid profile email offline_access"}
	if m.inFile {
		m.locks = m.state()
	}
	if storage == "redis" {
		m.redis = startRedis(t)
	}
	return m
}

// eachStore runs f for sessions in the keychain and for those in sealed files.
func eachStore(t *testing.T, f func(t *testing.T, storage string)) {
	for _, storage := range []string{"keychain", "file"} {
		t.Run(storage, func(t *testing.T) {
			t.Parallel()
			f(t, storage)
		})
	}
}

// everyStore is eachStore, for a server as well.
func everyStore(t *testing.T, f func(t *testing.T, storage string)) {
	eachStore(t, f)
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		f(t, "redis")
	})
}

// on is newMachine for a test case, which reports as t.
func (m *machine) on(t *testing.T) *machine {
	other := *m
	other.t = t
	return &other
}

func (m *machine) state() string { return filepath.Join(m.home, ".local", "state", "okauth") }

// later lets time pass, on the machine and at Okta.
func (m *machine) later(d time.Duration) {
	if m.redis != nil { // whose clock counts: what is stored becomes older
		m.age(d)
		return
	}
	m.ahead += d
	m.server.Clock().Advance(d)
}

// posts returns how many token requests there were since the last call.
func (m *machine) posts() int {
	n := 0
	for _, r := range m.server.Requests() {
		if strings.HasSuffix(r.Path, "/v1/token") {
			n++
		}
	}
	m.server.ResetRequests()
	return n
}

// active asks Okta whether an access token is good.
func (m *machine) active(token string) bool {
	m.t.Helper()
	r, err := http.NewRequest(http.MethodPost, m.server.URL()+"/oauth2/default/v1/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(oktatest.DefaultClientID, oktatest.DefaultClientSecret)
	res, err := m.server.Client().Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Active bool `json:"active"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		m.t.Fatal(err)
	}
	return answer.Active
}

// alive wants a session whose refresh token Okta would take, and returns that.
func (m *machine) alive() string {
	m.t.Helper()
	p := m.start("token --type refresh")
	if code := p.ends(); code != 0 {
		m.t.Fatalf("no refresh token is stored: exit code %d: %s", code, &p.stderr)
	}
	refresh := strings.TrimSpace(p.stdout.String())
	if !m.server.RefreshAlive(refresh) {
		m.t.Fatal("the refresh token in the store is dead at Okta")
	}
	m.unspent()
	return refresh
}

// unspent wants that Okta was shown a spent refresh token only where the test expected it.
func (m *machine) unspent() {
	m.t.Helper()
	if n := m.server.Reuses() - m.reuses; n != 0 {
		m.t.Fatalf("Okta was shown a spent refresh token %d times", n)
	}
}

// refusedOnce wants "okauth token" to present the stored refresh token, which is spent, once: Okta refuses it, and
// it is not sent again.
func (m *machine) refusedOnce() {
	m.t.Helper()
	m.posts()
	m.start("token").fails(4, "invalid_grant", "okauth login")
	m.start("token").fails(4, "okauth login")
	if n := m.posts(); n != 1 || m.server.Reuses() != m.reuses+1 {
		m.t.Errorf("%d requests, and Okta was shown a spent refresh token %d times, want one of each", n, m.server.Reuses()-m.reuses)
	}
	m.reuses = m.server.Reuses()
}

// stored returns everything that is in the store, byte for byte.
func (m *machine) stored() map[string]string {
	m.t.Helper()
	if m.redis != nil {
		return m.values()
	}
	if !m.inFile {
		return m.keychain.Items()
	}
	files := m.files()
	maps.DeleteFunc(files, func(name, _ string) bool { return !strings.HasSuffix(name, ".sealed") })
	return files
}

// restore puts things back into the store behind everybody's back.
func (m *machine) restore(stored map[string]string) {
	m.t.Helper()
	for name, value := range stored {
		if m.redis != nil {
			m.redisDo("SET", name, value+"\n")
		} else if !m.inFile {
			m.keychain.Put(name, value)
		} else if err := os.WriteFile(name, []byte(value), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
}

// unchanged wants the store to be what it was.
func (m *machine) unchanged(before map[string]string) {
	m.t.Helper()
	if !maps.Equal(m.stored(), before) {
		m.t.Error("the store has changed")
	}
}

// files returns every ordinary file in the home, by its path.
func (m *machine) files() map[string]string {
	m.t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(m.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return files
}

// signOut wants a logout to leave nothing but the files that are locked.
func (m *machine) signOut() {
	m.t.Helper()
	m.start("logout").does()
	for name := range m.keychain.Items() {
		m.t.Errorf("left in the keychain: %q", name)
	}
	if m.redis != nil && len(m.values()) > 0 {
		m.t.Errorf("left on the server: %q", m.values())
	}
	for name := range m.files() {
		if !strings.HasSuffix(name, ".lock") {
			m.t.Errorf("left behind: %s", name)
		}
	}
}
