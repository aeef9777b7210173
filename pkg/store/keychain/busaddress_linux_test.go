package keychain

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/pkg/store/fakesecretservice"
)

// address is a value of DBUS_SESSION_BUS_ADDRESS, the sockets that it names, else a part of the error.
type address struct {
	value   string
	sockets []string
	says    string
}

// addresses returns values of every kind. runtime is the socket in the runtime directory; sockets under gone and refuse
// are not there and take nobody, and that under rude hangs up.
func addresses(runtime, gone, rude string) []address {
	return []address{
		{"", []string{runtime}, ""},
		{"autolaunch:", []string{runtime}, ""},
		{"autolaunch:scope=*user", []string{runtime}, ""},
		{"unix:runtime=yes", []string{runtime}, ""},
		{"unix:path=/run/user/1000/none", []string{"/run/user/1000/none"}, "no such file"},
		{"unix:path=/run/user/1000/none,guid=0123", []string{"/run/user/1000/none"}, "no such file"},
		{"unix:guid=0123,path=/tmp/a%20b%2c", []string{"/tmp/a b,"}, "no such file"},
		{"unix:path=/first;unix:path=/second", []string{"/first", "/second"}, "no such file"},
		{"unix:path=/first;", []string{"/first"}, "no such file"},
		{"unix:abstract=/tmp/dbus-aBcDeF,guid=0123", []string{"@/tmp/dbus-aBcDeF"}, "refused"},
		{"tcp:host=127.0.0.1,port=1;unix:path=/run/none", []string{"/run/none"}, "no such file"},
		{"unix:path=" + gone, []string{gone}, "no such file"},
		{"unix:path=" + rude, []string{rude}, "hangs up"},
		{"unix:path=/etc/passwd", []string{"/etc/passwd"}, "connection refused"},
		{"unix:path=/etc/passwd/bus", []string{"/etc/passwd/bus"}, "not a directory"},
		{"unix:path=/" + strings.Repeat("x", 200), []string{"/" + strings.Repeat("x", 200)}, "invalid argument"},
		{"disabled:", nil, "switches the bus off"},
		{"disabled", nil, "begins with a transport"},
		{"unix", nil, "begins with a transport"},
		{";", nil, "begins with a transport"},
		{"unix:", nil, "names no socket"},
		{"unix:path=", nil, "names no socket"},
		{"unix:dir=/tmp", nil, "names no socket"},
		{"unix:tmpdir=/tmp", nil, "names no socket"},
		{"unix:runtime=no", nil, "names no socket"},
		{"unix:path=%zz", nil, "not escaped"},
		{"unix:path=/a%2", nil, "not escaped"},
		{"unixexec:path=/bin/sh", nil, `not to "unixexec"`},
		{"tcp:host=127.0.0.1,port=1", nil, `not to "tcp"`},
		{"nonce-tcp:host=localhost,port=1,noncefile=/tmp/n", nil, `not to "nonce-tcp"`},
		{"launchd:env=DBUS_LAUNCHD_SESSION_BUS_SOCKET", nil, `not to "launchd"`},
		{"systemd:", nil, `not to "systemd"`},
		{"vsock:cid=2,port=1", nil, `not to "vsock"`},
		{"kernel:path=/dev/kdbus/0-system/bus", nil, `not to "kernel"`},
		{"x-okauth:", nil, `not to "x-okauth"`},
		{"/run/user/1000/none", nil, "begins with a transport"},
		{" unix:path=/run/none", nil, `not to " unix"`},
		{"\x1b[2J:\n", nil, "okauth connects to Unix sockets"},
	}
}

func TestBusAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, tt := range addresses(filepath.Join(dir, "bus"), "/gone", "/rude") {
		variables := map[string]string{busAddressVar: tt.value, "XDG_RUNTIME_DIR": dir}
		got, err := busSockets(func(name string) string { return variables[name] })
		if !slices.Equal(got, tt.sockets) || (err == nil) != (tt.sockets != nil) {
			t.Errorf("%q: got %q and %v, want %q", tt.value, got, err, tt.sockets)
		}
	}
}

// KR-02: whatever the address is that leads nowhere, there is no keychain, and the error says what is wrong with it.
// Nothing is started, and no file of the name is touched.
func TestKR02_AddressThatCannotWork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rude, err := net.Listen("unix", filepath.Join(dir, "rude"))
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	go func() {
		for {
			conn, err := rude.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	for _, tt := range addresses("", filepath.Join(dir, "gone"), filepath.Join(dir, "rude")) {
		if tt.says == "" {
			continue // the user's own bus may be in the runtime directory
		}
		r := child(t, orders{Steps: []step{
			{Do: "Probe"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "v"}, {Do: "Delete", Account: "a"},
		}}, "PATH="+dir, busAddressVar+"="+tt.value)
		for _, r := range r {
			r.wantKind(t, "unavailable", tt.says)
			r.wantKind(t, "unavailable", "D-Bus session bus")
			if r.Took > 2*time.Second {
				t.Errorf("%q: took %v", tt.value, r.Took)
			}
		}
	}
}

// Of several addresses the first that works is taken.
func TestBusAddressesAreTriedInOrder(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	f.Put("a", "canary")
	for _, value := range []string{
		"unix:path=" + f.Dir() + "/none;" + f.Address(), "tcp:host=127.0.0.1,port=1;" + f.Address(), "disabled:;" + f.Address(),
		"unix:runtime=yes", f.Address() + ";unix:path=/none",
	} {
		r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, busAddressVar+"="+value, "XDG_RUNTIME_DIR="+f.Dir())
		if r[0].Value != "canary" {
			t.Errorf("%q: got %+v", value, r[0])
		}
	}
}
