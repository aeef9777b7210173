package cmd_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"okauth/pkg/oktatest"
)

// "sudo okauth" with the user's own HOME makes nothing there. Where something is root's, the error names the owner and the
// chown, whatever okauth keeps. Public keys are fetched again: okauth does without that file.
func TestStateOfRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to root")
	}
	u := newCommoner(t)
	u.start("login", fmt.Sprint("SUDO_UID=", commonerID)).fails(2, "belongs to", "run okauth without sudo")
	if paths := u.kept(); len(paths) > 0 {
		t.Errorf("under sudo, okauth has made %q", paths)
	}
	u.runs("login")
	u.runs("config set min_ttl 2m")
	u.runs("verify")
	for _, path := range u.kept(".sealed", ".lock", ".cache", ".yaml") {
		u.check(path, []string{"token --refresh", "login", "config set min_ttl 3m", "logout --all"})
		u.runs("login")
	}
	u.runs("logout --all")
	wrong := []string{"token", "OKAUTH_PASSWORD=wrong-horse"}
	if code, text := u.tries(wrong[0], wrong[1:]...); code == 0 {
		t.Errorf("a wrong password: %s", text)
	}
	for _, path := range u.kept(".refused") {
		if filepath.Ext(path) == ".refused" {
			u.check(path, wrong[:1], wrong[1:]...)
		}
	}
}

// kept returns what okauth has put into the home, and wants files that end so.
func (u *commoner) kept(wanted ...string) (paths []string) {
	u.t.Helper()
	kept := map[string]bool{}
	must(filepath.WalkDir(u.home, func(path string, _ fs.DirEntry, err error) error {
		if path != u.home {
			paths = append(paths, path)
			kept[filepath.Ext(path)] = true
		}
		return err
	}))
	for _, ext := range wanted {
		if !kept[ext] {
			u.t.Errorf("okauth kept no file %s: %q", ext, paths)
		}
	}
	return paths
}

// commoner is a machine whose user is not root.
type commoner struct {
	*machine
	program string
}

const commonerID = 65534

func newCommoner(t *testing.T) *commoner {
	t.Helper()
	m := newMachine(t, "file", persistent())
	self, err := program()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	must(os.Chmod(filepath.Dir(dir), 0o755))
	u := &commoner{m, filepath.Join(dir, "okauth")}
	must(os.WriteFile(u.program, binary, 0o755))
	must(os.Chown(u.home, commonerID, commonerID))
	must(os.Chmod(u.home, 0o700))
	return u
}

// tries runs okauth as the user, and returns the exit code and what it said.
func (u *commoner) tries(line string, vars ...string) (int, string) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	c := u.command(ctx, line, append([]string{"OKAUTH_PASSWORD=" + oktatest.DefaultPassword}, vars...)...)
	c.Path, c.Dir = u.program, "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: commonerID, Gid: commonerID}}
	var stderr strings.Builder
	c.Stderr = &stderr
	_ = c.Run()
	return exitCode(c.ProcessState), stderr.String()
}

func (u *commoner) runs(line string, vars ...string) {
	u.t.Helper()
	if code, text := u.tries(line, vars...); code != 0 {
		u.t.Fatalf("okauth %s: exit code %d: %s", line, code, text)
	}
}

// check gives a file or directory to root, and wants each of the commands that fails to name root and the chown. One
// does, except for the public keys, which are fetched again, and the lock of a question, which is asked without.
func (u *commoner) check(path string, lines []string, vars ...string) {
	u.t.Helper()
	must(os.Chown(path, 0, 0))
	defer func() { _ = os.Chown(path, commonerID, commonerID) }() // a logout may have removed it
	named := strings.Contains(path, ".cache") || strings.HasPrefix(filepath.Base(path), "ask-")
	for _, line := range lines {
		code, text := u.tries(line, vars...)
		text = strings.Join(strings.Fields(text), " ")
		if code == 0 {
			continue
		}
		named = true
		if !strings.Contains(text, "belongs to root") || !strings.Contains(text, `sudo chown -R "$USER" `+path) {
			u.t.Errorf("%s is root's: okauth %s: exit code %d: %s", path, line, code, text)
		}
	}
	if !named {
		u.t.Errorf("%s is root's, and nothing minds", path)
	}
}
