//go:build linux

package keychain

import (
	"bytes"
	"errors"
	"fmt"
	"okauth/pkg/store"
	"okauth/pkg/store/keyringtest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// realBus starts a session bus of the test's own, in a home of its own. Where what the test needs is not installed it
// is skipped, unless OKAUTH_TEST_SECRET_SERVICE=required.
func realBus(t *testing.T, program string) *keyringtest.Bus {
	t.Helper()
	b := newBus(t, program)
	if err := b.Start(nil); err != nil {
		t.Fatal(err)
	}
	return b
}

// newBus is realBus before the bus runs.
func newBus(t *testing.T, program string) *keyringtest.Bus {
	t.Helper()
	b, err := keyringtest.NewBus()
	if err == nil {
		t.Cleanup(b.Close)
		_, err = exec.LookPath(program)
	}
	switch {
	case err != nil && errors.Is(err, exec.ErrNotFound) && os.Getenv("OKAUTH_TEST_SECRET_SERVICE") != "required":
		t.Skipf("the real Secret Service is not tested: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	return b
}

// realKeyring starts a bus with a keyring that is unlocked.
func realKeyring(t *testing.T, k keyringtest.Keyring) *keyringtest.Bus {
	t.Helper()
	b := realBus(t, k.Program)
	if err := k.Start(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// eachKeyring runs f with each keyring that okauth is tested with.
func eachKeyring(t *testing.T, f func(t *testing.T, k keyringtest.Keyring, b *keyringtest.Bus)) {
	for _, k := range keyringtest.Keyrings() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			f(t, k, realKeyring(t, k))
		})
	}
}

func gnomeKeyring() keyringtest.Keyring { return keyringtest.Keyrings()[0] }

func TestSecretServiceRoundTrip(t *testing.T) {
	t.Parallel()
	eachKeyring(t, func(t *testing.T, _ keyringtest.Keyring, b *keyringtest.Bus) {
		big := string(text("canary", 20_000))
		r := child(t, orders{Steps: []step{
			{Do: "Probe"}, {Do: "Set", Account: "a", Value: "canary-1"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: big},
			{Do: "Get", Account: "a"}, {Do: "Delete", Account: "a"}, {Do: "Get", Account: "a"}, {Do: "Delete", Account: "a"},
		}}, b.Env...)
		for i, want := range []string{"ok", "ok", "ok", "ok", "ok", "ok", "not found", "ok"} {
			r[i].wantKind(t, want, "")
		}
		if r[2].Value != "canary-1" || r[4].Value != big {
			t.Errorf("got %q and %d bytes", r[2].Value, len(r[4].Value))
		}
		wantNothingLeft(t, b)
	})
}

func TestSecretServiceAbsent(t *testing.T) {
	t.Parallel()
	b := realBus(t, "dbus-daemon")
	for _, r := range child(t, orders{Steps: []step{{Do: "Probe"}, {Do: "Get", Account: "a"}}}, b.Env...) {
		r.wantKind(t, "unavailable", "no secret service")
	}
}

// Under sudo -E root finds the bus of the user, who does not let it in. It is no keychain, and the error says so.
func TestKR02_BusOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can start a bus of another user")
	}
	b := newBus(t, "dbus-daemon")
	const other = 65534
	err := errors.Join(os.Chmod(b.Dir, 0o755), os.Chown(b.Dir, other, other), os.Chmod(filepath.Join(b.Dir, "bus.conf"), 0o644),
		b.Start(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}}))
	if err != nil {
		t.Fatal(err)
	}
	r := child(t, orders{Steps: []step{{Do: "Probe"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "v"}}}, b.Env...)
	for _, r := range r {
		r.wantKind(t, "unavailable", "the D-Bus session bus refuses okauth")
	}
}

// A user's gnome-keyring holds the passwords of every program: sixteen users of it who sign in, read, refresh and sign
// out at the same time, sixty times each, leave it alive. A read that is cut off in the middle does no harm either.
func TestKR03_ManyUsersLeaveTheServiceAlive(t *testing.T) {
	t.Parallel()
	b := realKeyring(t, gnomeKeyring())
	const users, rounds = 16, 60
	var all sync.WaitGroup
	for user := range users {
		var steps []step
		account := fmt.Sprintf("user%d-0123abcd", user)
		for range rounds {
			steps = append(steps,
				step{Do: "Set", Account: account, Value: "canary-login"}, step{Do: "Get", Account: account},
				step{Do: "Set", Account: account, Value: "canary-refresh"}, step{Do: "Get", Account: account, Cut: true},
				step{Do: "Delete", Account: account}, step{Do: "Get", Account: account})
		}
		all.Go(func() {
			for i, r := range child(t, orders{Options: tight(store.MaxValue), Steps: steps}, b.Env...) {
				want := []string{"ok", "ok", "ok", "ok", "ok", "not found"}[i%6]
				r.wantKind(t, want, "")
			}
		})
	}
	all.Wait()
	// A gnome-keyring that died and came back would be locked, or have lost what was not saved.
	child(t, orders{Steps: []step{{Do: "Probe"}}}, b.Env...)[0].wantKind(t, "ok", "")
	wantNothingLeft(t, b)
}

// In chunks, as on the platforms that need them, with the index beside.
func TestSecretServiceSessions(t *testing.T) {
	t.Parallel()
	eachKeyring(t, func(t *testing.T, _ keyringtest.Keyring, b *keyringtest.Bus) {
		wantSessions(t, b, Options{}, tight(2560))
	})
}

func wantSessions(t *testing.T, b *keyringtest.Bus, each ...Options) {
	t.Helper()
	steps := []step{
		{Do: "Save", Account: "dev", Size: 20_000, Generation: 1}, {Do: "Load", Account: "dev", Size: 20_000, Generation: 1},
		{Do: "Save", Account: "dev", Size: 9_000, Generation: 2}, {Do: "Load", Account: "dev", Size: 9_000, Generation: 2},
		{Do: "Save", Account: "prod", Size: 100, Generation: 1}, {Do: "List"},
	}
	for _, options := range each {
		r := child(t, orders{Options: options, Steps: steps}, b.Env...)
		for i := range r {
			r[i].wantKind(t, "ok", "")
		}
		if want := "dev-886585e0 prod-886585e0"; r[1].Value != "same" || r[3].Value != "same" || r[5].Value != want {
			t.Errorf("got %+v, want the same sessions and %q", r, want)
		}
		// Two sessions and the index; in chunks, four and a journal for the bigger one.
		want := 3
		if options.ItemLimit > 0 {
			want += 5
		}
		if items := itemsIn(t, b); len(items) != want {
			t.Errorf("%d items, want %d", len(items), want)
		}
		r = child(t, orders{Options: options, Steps: []step{{Do: "Logout", Account: "dev"}, {Do: "List"}, {Do: "Logout", Account: "prod"}, {Do: "List"}}}, b.Env...)
		if r[1].Value != "prod-886585e0" || r[3].Value != "" || r[3].Kind != "ok" {
			t.Errorf("after a logout: %+v", r)
		}
		wantNothingLeft(t, b)
	}
}

// itemsIn asks the service itself for everything of okauth's.
func itemsIn(t *testing.T, b *keyringtest.Bus) []dbus.ObjectPath {
	t.Helper()
	items, err := b.Items()
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func wantNothingLeft(t *testing.T, b *keyringtest.Bus) {
	t.Helper()
	if left := itemsIn(t, b); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}

// A keyring that is locked says so at once, whatever okauth does, and has everything again when it is unlocked.
func TestSecretServiceLocked(t *testing.T) {
	t.Parallel()
	eachKeyring(t, func(t *testing.T, k keyringtest.Keyring, b *keyringtest.Bus) {
		child(t, orders{Steps: []step{{Do: "Set", Account: "a", Value: "canary"}}}, b.Env...)[0].wantKind(t, "ok", "")
		if err := b.Lock(); err != nil {
			t.Fatal(err)
		}
		for _, options := range []Options{{}, {ItemLimit: 100}} {
			r := child(t, orders{Options: options, Steps: []step{
				{Do: "Probe"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "canary"}, {Do: "Delete", Account: "a"},
				{Do: "Load", Account: "dev"}, {Do: "Save", Account: "dev", Size: 1000, Generation: 1}, {Do: "List"}, {Do: "Logout", Account: "dev"},
			}}, b.Env...)
			for _, r := range r {
				r.wantKind(t, "locked", "locked")
				if r.Took > 2*time.Second {
					t.Errorf("took %v", r.Took)
				}
			}
		}
		if err := k.Unlock(b); err != nil {
			t.Fatal(err)
		}
		if r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, b.Env...); r[0].Value != "canary" {
			t.Errorf("got %+v", r[0])
		}
		if items := itemsIn(t, b); len(items) != 1 {
			t.Errorf("%d items, want the one that was there", len(items))
		}
	})
}

// A gnome-keyring of a fresh account has the collection "session" alone, which keeps nothing, and okauth makes none.
func TestSecretServiceWithoutCollection(t *testing.T) {
	t.Parallel()
	b := realBus(t, gnomeKeyring().Program)
	if err := b.StartGnomeKeyring(); err != nil {
		t.Fatal(err)
	}
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "canary"}}}, b.Env...)
	for _, r := range r {
		r.wantKind(t, "unavailable", "no login or default collection")
	}
}

// KeePassXC with its own settings asks before a search if no database is open, and before a process reads an item.
// okauth says what it waited for.
func TestSecretServiceKeePassXCAsks(t *testing.T) {
	t.Parallel()
	k := keyringtest.Keyrings()[1]
	b := realKeyring(t, k)
	child(t, orders{Steps: []step{{Do: "Set", Account: "a", Value: "canary"}}}, b.Env...)[0].wantKind(t, "ok", "")
	settings := filepath.Join(b.Dir, "keepassxc.ini")
	text, err := os.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("=false"), []byte("=true"))
	// Locking it saves the item; it reads its settings when it starts.
	if err := errors.Join(b.Lock(), os.WriteFile(settings, text, 0o600), k.Unlock(b), b.Lock()); err != nil {
		t.Fatal(err)
	}
	read := func(kind, piece string) {
		r := child(t, orders{Options: Options{ReadTimeout: time.Second}, Steps: []step{{Do: "Get", Account: "a"}}}, b.Env...)
		r[0].wantKind(t, kind, piece)
	}
	read("timed_out", "in time")
	if err := k.Unlock(b); err != nil {
		t.Fatal(err)
	}
	read("denied", "asks whether okauth may read it")
}
