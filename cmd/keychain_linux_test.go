package cmd_test

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/cmd"
	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// KR-02, KR-06: an address of the session bus that cannot work means that there is no keychain. With storage auto a
// password from a variable is all it takes; with keychain the error says what is wrong with the address.
func TestKR02_AddressThatCannotWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rude, err := net.Listen("unix", filepath.Join(dir, "rude"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rude.Close() })
	go func() { // another user's bus, as under sudo -E
		for {
			conn, err := rude.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	m := newMachine(t, "keychain", persistent())
	for address, why := range map[string]string{
		"disabled:":                  "switches the bus off",
		"unixexec:path=/bin/false":   `not to "unixexec"`,
		"tcp:host=127.0.0.1,port=1":  `not to "tcp"`,
		"x-unknown:":                 `not to "x-unknown"`,
		"/run/user/0/bus":            "begins with a transport",
		"unix:":                      "names no socket",
		"unix:path=%zz":              "not escaped",
		"unix:path=" + dir + "/gone": "no such file or directory",
		"unix:path=/etc/passwd":      "connection refused",
		"unix:path=" + dir + "/rude": "refuses okauth: it hangs up",
	} {
		bus := "DBUS_SESSION_BUS_ADDRESS=" + address
		m.start("token", bus, "OKAUTH_STORAGE=auto", "OKAUTH_PASSWORD="+oktatest.DefaultPassword).token()
		m.start("token", bus, "OKAUTH_STORAGE=keychain", "OKAUTH_PASSWORD="+oktatest.DefaultPassword).fails(6, why)
		m.start("login", bus, "OKAUTH_STORAGE=auto").fails(6, why)
	}
}

// KR-04: every command says within three seconds that the keychain hangs, and does not call it again; doctor makes two
// checks of it. Where the keychain is slow, status has one deadline for all that it reads.
func TestKR04_EveryCommandIsBounded(t *testing.T) {
	t.Parallel()
	arguments := map[string]string{
		"exec": "-- true", "config get": "client_secret", "config set": "min_ttl 2m", "config unset": "client_secret", "config use": "default",
		"completion": "bash",
	}
	forever := []string{"sandbox", "demo", "config edit", "config init", "help"}
	lines := []string{"token --refresh", "logout --all"}
	for c := range everyCommand(cmd.Commands()) {
		if line := strings.TrimPrefix(c.CommandPath(), "okauth "); c.Runnable() && !slices.Contains(forever, line) {
			lines = append(lines, line+" "+arguments[line])
		}
	}
	bounded := func(m *machine, line string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c := m.command(ctx, line, "TEST_WAIT=")
		c.Env = slices.DeleteFunc(c.Env, func(v string) bool { return strings.HasPrefix(v, "OKAUTH_CLIENT_SECRET=") })
		limit := 5 * time.Second // three, and some for a busy machine
		if strings.HasPrefix(line, "doctor") {
			limit += 3 * time.Second
		}
		began := time.Now()
		out, _ := c.CombinedOutput()
		if took := time.Since(began); took > limit {
			t.Errorf("okauth %s took %v: %s", line, took.Round(10*time.Millisecond), out)
		}
	}
	var all sync.WaitGroup
	for _, behavior := range []fakesecretservice.Behavior{{Hang: true}, {HangBus: true}} {
		m := newMachine(t, "keychain", persistent())
		m.keychain.Update(func(b *fakesecretservice.Behavior) { *b = behavior })
		for _, line := range lines {
			all.Go(func() { bounded(m, line) })
		}
	}
	m := newMachine(t, "keychain", persistent())
	m.start("login").does()
	m.keychain.Update(func(b *fakesecretservice.Behavior) { b.Delay = 700 * time.Millisecond })
	all.Go(func() { bounded(m, "status") })
	all.Wait()
}
