package cmd_test

import (
	"net"
	"path/filepath"
	"testing"

	"okauth/pkg/oktatest"
)

// KR-02, KR-06: an address of the session bus that cannot work means that there is no keychain. With storage auto a
// password that needs nobody is all it takes; with keychain the error says what is wrong with the address.
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
