package transport

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const hostsVar = "TRANSPORT_TEST_HOSTS"

// TestHostsChild is not a test of its own: it runs where this machine's hosts file can be replaced.
func TestHostsChild(t *testing.T) {
	hosts, target, ok := strings.Cut(os.Getenv(hostsVar), " ")
	if !ok {
		return
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(hosts, "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*http.Client{"client": client(t, Config{}), "bearer": {Transport: Loopback()}} {
		_, err := get(c, target)
		t.Logf("%s: %v", name, err)
	}
}

// A hosts file that puts localhost elsewhere does not take the password there; of two addresses, the loopback one is
// asked.
func TestAT02_LocalhostElsewhere(t *testing.T) {
	t.Parallel()
	port, asked := listenEverywhere(t)
	at := away(t)
	for text, want := range map[string]string{
		at + " localhost\n":                      "plain http is for a loopback address only, not for " + at + ":" + port,
		at + " localhost\n127.0.0.1 localhost\n": "<nil>",
	} {
		hosts := filepath.Join(t.TempDir(), "hosts")
		write(t, hosts, []byte(text))
		cmd := exec.Command(os.Args[0], "-test.run=^TestHostsChild$", "-test.v")
		cmd.Env = append(os.Environ(), hostsVar+"="+hosts+" http://localhost:"+port)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		if uid := os.Geteuid(); uid != 0 {
			cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		}
		out, err := cmd.CombinedOutput()
		if err != nil && os.Geteuid() != 0 {
			t.Skipf("only root can replace the hosts file here: %v", err)
		}
		if err != nil || strings.Count(string(out), want+"\n") != 2 || want != "<nil>" && len(asked) > 0 {
			t.Errorf("%q: got %s, want twice %q", text, out, want)
		}
		for len(asked) > 0 {
			<-asked
		}
	}
}
