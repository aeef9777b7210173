//go:build !windows

package filelock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestAT86_LockDirDependsOnTheUserAlone is not parallel: it changes the environment.
func TestAT86_LockDirDependsOnTheUserAlone(t *testing.T) {
	before, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(before) || filepath.Base(before) != "okauth" {
		t.Errorf("got %q", before)
	}
	for _, name := range []string{"HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"} {
		mine := filepath.Join(t.TempDir(), strconv.Itoa(os.Geteuid()))
		if err := os.Mkdir(mine, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, mine)
	}
	if after, err := Dir(); err != nil || after != before {
		t.Errorf("got %q, %v in another environment; want %q", after, err, before)
	}
}

func TestAT86_LockDirChoice(t *testing.T) {
	t.Parallel()
	uid := os.Geteuid()
	for _, c := range []struct {
		what    string
		runtime bool // is the runtime directory chosen?
		make    func(path string) error
	}{
		{"private", true, func(path string) error { return os.Mkdir(path, 0o700) }},
		{"missing", false, func(string) error { return nil }},
		{"others may read", false, func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o755)) }},
		{"not for writing", false, func(path string) error { return os.Mkdir(path, 0o500) }},
		{"a link", false, func(path string) error {
			return errors.Join(os.Mkdir(path+".target", 0o700), os.Symlink(path+".target", path))
		}},
		{"a file", false, func(path string) error { return os.WriteFile(path, nil, 0o700) }},
		{"other user's", false, func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, 65534, 65534))
		}},
		// Not whether a write works: that may differ between two processes of one user.
		{"private, with a file in the place of okauth", true, func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "okauth"), nil, 0o600))
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			if c.what == "other user's" && os.Geteuid() != 0 {
				t.Skip("only root can give a directory away")
			}
			runtimes := t.TempDir()
			mine := filepath.Join(runtimes, strconv.Itoa(uid))
			if err := c.make(mine); err != nil {
				t.Fatal(err)
			}
			// The home comes first: what is left there outlives a boot.
			alice := t.TempDir()
			want := filepath.Join(alice, ".local", "state", "okauth")
			if runtime.GOOS == "darwin" {
				want = filepath.Join(alice, "Library", "Application Support", "okauth")
			}
			if got, err := chooseDir(uid, runtimes, func() (string, error) { return alice, nil }); err != nil || got != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
			for why, home := range map[string]func() (string, error){
				"unknown":                    func() (string, error) { return "", errors.New("unknown") },
				"no such file":               func() (string, error) { return filepath.Join(alice, "gone"), nil },
				"no directory of uid":        func() (string, error) { return os.DevNull, nil },
				fmt.Sprint("of uid ", uid+1): func() (string, error) { return alice, nil },
			} {
				who := uid
				if strings.Contains(why, strconv.Itoa(uid+1)) {
					who = uid + 1
				}
				got, err := chooseDir(who, runtimes, home)
				if !c.runtime || who != uid {
					wantError(t, err, "failed", runtimes, why)
				} else if err != nil || got != filepath.Join(mine, "okauth") {
					t.Errorf("without a home, %s: got %q, %v; want %q", why, got, err, mine)
				}
			}
		})
	}
}

func TestPasswdHome(t *testing.T) {
	t.Parallel()
	const passwd = `root:x:0:0:root:/root:/bin/sh
# alice moved
broken:x:1000

alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh
again:x:1000:1000::/home/again:/bin/sh
nowhere:x:1001:1001:::/bin/sh
relative:x:1002:1002::home:/bin/sh
`
	for _, c := range []struct {
		uid        int
		want, says string
	}{
		{0, "/root", ""}, {1000, "/home/alice", ""}, {100, "", "uid 100 has no entry in /etc/passwd"}, {1001, "", `uid 1001 in /etc/passwd is ""`},
		{1002, "", `uid 1002 in /etc/passwd is "home"`}, {10000, "", "no entry"},
	} {
		got, err := passwdHome(strings.NewReader(passwd), c.uid)
		if got != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("uid %d: got %q, %v; want %q, %q", c.uid, got, err, c.want, c.says)
		}
	}
}
