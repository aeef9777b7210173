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
			runtimes, nowhere := t.TempDir(), filepath.Join(t.TempDir(), "nowhere")
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
			machine := system{uid: uid, home: func() (string, error) { return alice, nil }, runtimes: runtimes, temp: nowhere}
			if got, err := machine.places().first(); err != nil || got != want {
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
				got, err := system{uid: who, home: home, runtimes: runtimes, temp: nowhere}.places().first()
				if !c.runtime || who != uid {
					wantError(t, err, "failed", "/run/user", why)
				} else if err != nil || got != filepath.Join(mine, "okauth") {
					t.Errorf("without a home, %s: got %q, %v; want %q", why, got, err, mine)
				}
			}
		})
	}
}

// A place is one that can be written to, and that no other user can exchange. What must last prefers the home.
func TestPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	uid := os.Geteuid()
	mkdir := func(path string, mode os.FileMode) string {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(path, 0o700), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	occupied := func(path string) string { // as good as read-only, also for root
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	name := "okauth-" + strconv.Itoa(uid)
	home, noHome := mkdir("home", 0o755), mkdir("nohome", 0o755)
	for _, state := range []string{".local", "Library"} {
		occupied(filepath.Join(noHome, state))
	}
	state, err := system{uid: uid, home: func() (string, error) { return home, nil }}.places().first()
	if err != nil {
		t.Fatal(err)
	}
	runtimes, temp, ours := mkdir("run", 0o755), mkdir("tmp", 0o777|os.ModeSticky), mkdir("ours", 0o700)
	mine := mkdir("run/"+strconv.Itoa(uid), 0o700)
	noRuntimes := mkdir("norun", 0o755)
	occupied(filepath.Join(mkdir("norun/"+strconv.Itoa(uid), 0o700), "okauth"))
	open := mkdir("open", 0o777)
	squatted := mkdir("squatted", 0o777|os.ModeSticky)
	mkdir("squatted/"+name, 0o755)
	taken := occupied(filepath.Join(mkdir("taken", 0o777|os.ModeSticky), name))
	nowhere := filepath.Join(dir, "nowhere")
	for _, c := range []struct {
		what, home, runtimes, temp, ours string
		lasting, other                   string
	}{
		{"all", home, runtimes, temp, ours, state, mine + "/okauth"},
		{"no home", nowhere, runtimes, temp, ours, temp + "/" + name, mine + "/okauth"},
		{"no home and no /tmp", nowhere, runtimes, nowhere, ours, mine + "/okauth", mine + "/okauth"},
		{"home alone", home, nowhere, nowhere, "", state, state},
		{"home, not signed in", home, nowhere, temp, ours, state, state},
		{"read-only home", noHome, nowhere, temp, ours, temp + "/" + name, temp + "/" + name},
		{"read-only home and /run", noHome, noRuntimes, temp, ours, temp + "/" + name, temp + "/" + name},
		{"/tmp alone", nowhere, nowhere, temp, "", temp + "/" + name, temp + "/" + name},
		{"$XDG_RUNTIME_DIR alone", nowhere, nowhere, nowhere, ours, ours + "/okauth", ours + "/okauth"},
		{"/tmp is not sticky", nowhere, nowhere, open, ours, ours + "/okauth", ours + "/okauth"},
		{"others can read it", nowhere, nowhere, squatted, ours, ours + "/okauth", ours + "/okauth"},
		{"it is a file", nowhere, nowhere, taken, "", "", ""},
		{"$XDG_RUNTIME_DIR is open", nowhere, nowhere, nowhere, open, "", ""},
		{"$XDG_RUNTIME_DIR is relative", nowhere, nowhere, nowhere, ".", "", ""},
		{"none", nowhere, nowhere, nowhere, "", "", ""},
	} {
		s := system{
			uid: uid, home: func() (string, error) { return c.home, nil },
			runtimes: c.runtimes, temp: c.temp, ourRuntimeDir: c.ours,
		}
		for lasting, want := range map[bool]string{true: c.lasting, false: c.other} {
			got, err := s.places().usable(lasting)
			if got != want || (err != nil) != (want == "") {
				t.Errorf("%s, lasting %t: got %q, %v; want %q", c.what, lasting, got, err, want)
			}
		}
	}
}

// Whoever takes the place of a user without a home turns the lock-out guard off, and the user must see where.
func TestPlaceTaken(t *testing.T) {
	t.Parallel()
	for what, take := range map[string]func(path string) error{
		"its mode is":   func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) },
		"a file":        func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"symbolic link": func(path string) error { return os.Symlink(t.TempDir(), path) },
	} {
		temp, nowhere := t.TempDir(), filepath.Join(t.TempDir(), "nowhere")
		mine := filepath.Join(temp, "okauth-"+strconv.Itoa(os.Geteuid()))
		if err := errors.Join(os.Chmod(temp, 0o777|os.ModeSticky), take(mine)); err != nil {
			t.Fatal(err)
		}
		s := system{uid: os.Geteuid(), home: func() (string, error) { return nowhere, nil }, runtimes: nowhere, temp: temp}
		_, err := s.places().usable(true)
		wantError(t, err, "failed", mine, what)
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
