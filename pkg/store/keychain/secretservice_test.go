//go:build linux

package keychain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"okauth/pkg/store"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// realKeyring starts a session bus and a gnome-keyring of the test's own, with a home directory of its own, and
// returns the environment that leads a process there. Where they are not installed the test is skipped, unless
// OKAUTH_TEST_SECRET_SERVICE=required.
func realKeyring(t *testing.T) (env []string) {
	t.Helper()
	env = busDirectory(t)
	startBus(t, env, filepath.Join(lookup(env, "HOME"), "bus.conf"), nil)
	return env
}

// busDirectory is realKeyring before the bus runs.
func busDirectory(t *testing.T) (env []string) {
	t.Helper()
	for _, program := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("OKAUTH_TEST_SECRET_SERVICE") == "required" {
				t.Fatalf("OKAUTH_TEST_SECRET_SERVICE=required: %v", err)
			}
			t.Skipf("the real Secret Service is not tested: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "okauth-keyring-") // short: it holds sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// Without the system's service files nothing can be activated behind the test's back.
	config := `<busconfig><type>session</type><listen>unix:path=` + dir + `/bus</listen>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`
	if err := os.WriteFile(filepath.Join(dir, "bus.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "XDG_DATA_HOME=" + dir + "/data",
		"XDG_CONFIG_HOME=" + dir + "/config", "XDG_CACHE_HOME=" + dir + "/cache", busAddressVar + "=unix:path=" + dir + "/bus",
	}
	return env
}

// startBus starts dbus-daemon and waits until it prints its address.
func startBus(t *testing.T, env []string, config string, attributes *syscall.SysProcAttr) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	startDaemon(t, &exec.Cmd{Env: env, Stdout: w, SysProcAttr: attributes, Args: []string{"dbus-daemon", "--config-file=" + config, "--nofork", "--print-address=1"}})
	_ = w.Close()
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatalf("dbus-daemon said %q and then: %v", line, err)
	}
}

// startDaemon starts a program that stays in the foreground until the end of the test.
func startDaemon(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var err error
	if cmd.Path, err = exec.LookPath(cmd.Args[0]); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// startKeyring starts gnome-keyring, with more arguments, and waits until a probe says what is wanted.
func startKeyring(t *testing.T, env []string, want string, args ...string) {
	t.Helper()
	startDaemon(t, &exec.Cmd{
		Env: env, Stdin: strings.NewReader("wrong-horse\n"),
		Args: append([]string{"gnome-keyring-daemon", "--foreground", "--components=secrets"}, args...),
	})
	awaitKeyring(t, env, want)
}

// awaitKeyring polls until a probe's kind or message has what is wanted. The daemon has no other way of saying that
// it owns its name.
func awaitKeyring(t *testing.T, env []string, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		r := child(t, orders{Steps: []step{{Do: "Probe"}}}, env...)
		if strings.Contains(r[0].Kind+": "+r[0].Error, want) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("gnome-keyring is not %s: %+v", want, r[0])
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// awaitFile polls until a file exists.
func awaitFile(t *testing.T, name string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if _, err := os.Stat(name); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// lookup returns a variable of env.
func lookup(env []string, name string) string {
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

func TestSecretServiceRoundTrip(t *testing.T) {
	t.Parallel()
	env := realKeyring(t)
	absent := child(t, orders{Steps: []step{{Do: "Probe"}, {Do: "Get", Account: "a"}}}, env...)
	absent[0].wantKind(t, "unavailable", "no secret service")
	absent[1].wantKind(t, "unavailable", "no secret service")
	startKeyring(t, env, "ok: ", "--unlock")
	big := string(text("canary", 20_000))
	r := child(t, orders{Steps: []step{
		{Do: "Probe"}, {Do: "Set", Account: "a", Value: "canary-1"}, {Do: "Get", Account: "a"},
		{Do: "Set", Account: "a", Value: big}, {Do: "Get", Account: "a"}, {Do: "Delete", Account: "a"}, {Do: "Get", Account: "a"}, {Do: "Delete", Account: "a"},
	}}, env...)
	for i, want := range []string{"ok", "ok", "ok", "ok", "ok", "ok", "not found", "ok"} {
		r[i].wantKind(t, want, "")
	}
	if r[2].Value != "canary-1" || r[4].Value != big {
		t.Errorf("got %q and %d bytes", r[2].Value, len(r[4].Value))
	}
	wantNothingLeft(t, env)
}

// Under sudo -E root finds the bus of the user, who does not let it in. It is no keychain, and the error says so.
func TestKR02_BusOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can start a bus of another user")
	}
	env := busDirectory(t)
	dir := lookup(env, "HOME")
	const other = 65534
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, other, other), os.Chmod(filepath.Join(dir, "bus.conf"), 0o644)); err != nil {
		t.Fatal(err)
	}
	startBus(t, env, filepath.Join(dir, "bus.conf"), &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}})
	r := child(t, orders{Steps: []step{{Do: "Probe"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "v"}}}, env...)
	for _, r := range r {
		r.wantKind(t, "unavailable", "the D-Bus session bus refuses okauth")
	}
}

// A user's gnome-keyring holds the passwords of every program: sixteen users of it who sign in, read, refresh and sign
// out at the same time, sixty times each, leave it alive. A read that is cut off in the middle does no harm either.
func TestKR03_ManyUsersLeaveTheServiceAlive(t *testing.T) {
	t.Parallel()
	env := realKeyring(t)
	startKeyring(t, env, "ok: ", "--unlock")
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
			for i, r := range child(t, orders{Options: tight(store.MaxValue), Steps: steps}, env...) {
				want := []string{"ok", "ok", "ok", "ok", "ok", "not found"}[i%6]
				r.wantKind(t, want, "")
			}
		})
	}
	all.Wait()
	// A gnome-keyring that died and came back would be locked, or have lost what was not saved.
	child(t, orders{Steps: []step{{Do: "Probe"}}}, env...)[0].wantKind(t, "ok", "")
	wantNothingLeft(t, env)
}

// In chunks, as on the platforms that need them, with the index beside.
func TestSecretServiceSessions(t *testing.T) {
	t.Parallel()
	env := realKeyring(t)
	startKeyring(t, env, "ok: ", "--unlock")
	steps := []step{
		{Do: "Save", Account: "dev", Size: 20_000, Generation: 1}, {Do: "Load", Account: "dev", Size: 20_000, Generation: 1},
		{Do: "Save", Account: "dev", Size: 9_000, Generation: 2}, {Do: "Load", Account: "dev", Size: 9_000, Generation: 2},
		{Do: "Save", Account: "prod", Size: 100, Generation: 1}, {Do: "List"},
	}
	for _, options := range []Options{{}, tight(2560)} {
		r := child(t, orders{Options: options, Steps: steps}, env...)
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
		if items := itemsIn(t, env); len(items) != want {
			t.Errorf("%d items, want %d", len(items), want)
		}
		r = child(t, orders{Options: options, Steps: []step{{Do: "Logout", Account: "dev"}, {Do: "List"}, {Do: "Logout", Account: "prod"}, {Do: "List"}}}, env...)
		if r[1].Value != "prod-886585e0" || r[3].Value != "" || r[3].Kind != "ok" {
			t.Errorf("after a logout: %+v", r)
		}
		wantNothingLeft(t, env)
	}
}

// itemsIn asks the service itself for everything of okauth's.
func itemsIn(t *testing.T, env []string) []dbus.ObjectPath {
	t.Helper()
	conn, err := dbus.Connect(lookup(env, busAddressVar))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var unlocked, locked []dbus.ObjectPath
	search := func() error {
		call := conn.Object(secretsName, "/org/freedesktop/secrets").Call("org.freedesktop.Secret.Service.SearchItems", 0,
			map[string]string{"service": service})
		return call.Store(&unlocked, &locked)
	}
	err = search()
	if e, ok := errors.AsType[dbus.Error](err); ok && e.Name == "org.freedesktop.DBus.Error.UnknownMethod" {
		err = search() // see openItem
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(unlocked, locked...)
}

func wantNothingLeft(t *testing.T, env []string) {
	t.Helper()
	if left := itemsIn(t, env); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}

// A real service that is locked: started again without --unlock, over the collection that the first one made.
func TestSecretServiceLocked(t *testing.T) {
	t.Parallel()
	env := realKeyring(t)
	t.Run("first life", func(t *testing.T) {
		startKeyring(t, env, "ok: ", "--unlock")
		// The collection is there before its file is, and this life ends by SIGKILL.
		child(t, orders{Steps: []step{{Do: "Set", Account: "a", Value: "canary"}}}, env...)[0].wantKind(t, "ok", "")
		awaitFile(t, filepath.Join(lookup(env, "XDG_DATA_HOME"), "keyrings", "login.keyring"))
	})
	startKeyring(t, env, "locked")
	for _, options := range []Options{{}, {ItemLimit: 100}} {
		r := child(t, orders{Options: options, Steps: []step{
			{Do: "Probe"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "canary"}, {Do: "Delete", Account: "a"},
			{Do: "Load", Account: "dev"}, {Do: "Save", Account: "dev", Size: 1000, Generation: 1}, {Do: "List"}, {Do: "Logout", Account: "dev"},
		}}, env...)
		for _, r := range r {
			r.wantKind(t, "locked", "locked")
			if r.Took > 2*time.Second {
				t.Errorf("took %v", r.Took)
			}
		}
	}
	if items := itemsIn(t, env); len(items) != 1 {
		t.Errorf("%d items, want the one that was there", len(items))
	}
}

// A real service on a fresh account has no collection yet, and go-keyring cannot make one.
func TestSecretServiceWithoutCollection(t *testing.T) {
	t.Parallel()
	env := realKeyring(t)
	startKeyring(t, env, "no login or default collection")
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "canary"}}}, env...)
	for _, r := range r {
		r.wantKind(t, "unavailable", "no login or default collection")
	}
}
