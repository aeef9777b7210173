package cmd_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"okauth/pkg/config"
	"okauth/pkg/oktatest"
)

// Of many processes at once, whatever their profile and wherever they keep sessions, each wrong password is sent once,
// and later ones send none. The storages are those of the table of settings.
func TestLockoutGuardOfManyProcesses(t *testing.T) {
	t.Parallel()
	for storage, vars := range everyStorage(t) {
		t.Run(storage, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, storage, rotating())
			file := filepath.Join(m.home, "config.yaml")
			if err := os.WriteFile(file, []byte("profiles: {p0: {}, p1: {}, p2: {}, p3: {}, p4: {}}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			const n = 8
			all := make([]*process, n+2)
			for i := range all {
				if i == n { // the last two come when all is over
					for _, p := range all[:n] {
						p.fails(5)
					}
				}
				all[i] = m.start("token", append(vars, "OKAUTH_CONFIG="+file, fmt.Sprintf("OKAUTH_PROFILE=p%d", i%5),
					fmt.Sprintf("OKAUTH_PASSWORD=wrong-horse-%d", i%2))...)
			}
			all[n].fails(5, "not sent: Okta refused")
			all[n+1].fails(5, "not sent: Okta refused")
			if sent := m.posts(); sent != 2 {
				t.Errorf("%d passwords were sent, want 2", sent)
			}
		})
	}
}

// The command in the hint asks a person, whatever gives the wrong password, and a login that Okta accepts clears the
// record.
func TestTheHintAboutABlockedPasswordWorks(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(*user, string){
		"variable": func(u *user, _ string) { u.vars["OKAUTH_PASSWORD"] = "wrong-horse" },
		"file":     func(u *user, file string) { u.vars["OKAUTH_PASSWORD_FILE"] = file },
		"setting":  func(u *user, file string) { u.sets(t, "password_file", file) },
		"command":  func(u *user, file string) { u.sets(t, "password_command", "cat "+file) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, okauth := household(t, "file")
			u.vars["PATH"] = filepath.Dir(okauth) + ":" + u.vars["PATH"]
			file := filepath.Join(u.vars["HOME"], "password")
			if err := os.WriteFile(file, []byte("wrong-horse\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			give(u, file)
			runs := func(line string) *person { return atTerminalRuns(t, u, exec.Command("sh", "-c", line)) }
			records := func() (paths []string) {
				_ = filepath.WalkDir(u.vars["HOME"], func(path string, _ fs.DirEntry, err error) error {
					if strings.HasSuffix(path, ".refused") {
						paths = append(paths, path)
					}
					return err
				})
				return paths
			}
			if code := runs("okauth token").ends(); code != 5 {
				t.Fatalf("got exit code %d", code)
			}
			p := runs("okauth login")
			code := p.ends()
			said := strings.Join(strings.Fields(p.stderr.String()), " ")
			_, hint, found := strings.Cut(said, ", or type it: ")
			if code != 5 || !found || u.posts() != 1 {
				t.Fatalf("got exit code %d, %q after %d requests", code, said, u.posts())
			}
			if len(records()) != 1 {
				t.Fatalf("got the records %q, want one", records())
			}
			p = runs(strings.ReplaceAll(hint, ", then:", " &&"))
			p.waitFor("Password for alice@example.com: ")
			p.types(oktatest.DefaultPassword + "\r")
			if code := p.ends(); code != 0 {
				t.Errorf("%s: got exit code %d: %s", hint, code, &p.stderr)
			}
			if len(records()) != 0 {
				t.Errorf("got the records %q, want none", records())
			}
		})
	}
}

// sets writes a setting into the configuration file.
func (u *user) sets(t *testing.T, key, value string) {
	t.Helper()
	if code, _, stderr := u.okauth(t.Context(), "config", "set", key, value); code != 0 {
		t.Fatal(stderr)
	}
}

// everyStorage returns the variables that choose each storage, and auto without a keychain.
func everyStorage(t *testing.T) map[string][]string {
	const nowhere = "auto, no keychain"
	all := map[string][]string{nowhere: {"OKAUTH_STORAGE=auto", "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"}}
	for _, key := range config.Keys() {
		if key.Name == config.KeyStorage {
			for _, choice := range key.Choices {
				all[choice] = []string{"OKAUTH_STORAGE=" + choice}
			}
		}
	}
	if len(all) < 5 {
		t.Fatalf("got the storages %v", all)
	}
	return all
}
