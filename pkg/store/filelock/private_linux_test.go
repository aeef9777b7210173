package filelock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const otherUser = 65534

// planted is what may stand in the place of a file, and a piece of what is said about it.
type planted struct {
	what, says string
	plant      func(path string) error
}

func badFiles() []planted {
	write := func(path string, mode fs.FileMode) error {
		return errors.Join(os.WriteFile(path, []byte("planted"), mode), os.Chmod(path, mode)) // the umask has no say
	}
	return []planted{
		{"symlink to a private file", "symbolic link", func(path string) error {
			return errors.Join(write(path+".target", 0o600), os.Symlink(path+".target", path))
		}},
		{"dangling symlink", "symbolic link", func(path string) error { return os.Symlink(path+".missing", path) }},
		{"symlink to itself", "symbolic link", func(path string) error { return os.Symlink(path, path) }},
		{"directory", "a directory", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"named pipe", "named pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }},
		{"socket", "a socket", func(path string) error { return syscall.Mknod(path, syscall.S_IFSOCK|0o600, 0) }},
		{"group-writable", "mode is 0620", func(path string) error { return write(path, 0o620) }},
		{"world-readable", "mode is 0604", func(path string) error { return write(path, 0o604) }},
		{"hard link", "2 names", func(path string) error {
			return errors.Join(write(path, 0o600), os.Link(path, path+".second"))
		}},
		{"other user's", "belongs to uid 65534", func(path string) error {
			return errors.Join(write(path, 0o600), os.Chown(path, otherUser, otherUser))
		}},
	}
}

func (p planted) at(t *testing.T, path string) {
	t.Helper()
	if strings.HasPrefix(p.what, "other user") && os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	if err := p.plant(path); err != nil {
		t.Fatal(err)
	}
}

// TestAT87_BadFiles opens each of them in each of the ways that okauth opens its own.
func TestAT87_BadFiles(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		suffix string
		open   func(dir string) error
	}{
		{"lock", func(dir string) error {
			_, err := Locks{Dir: dir}.Acquire(t.Context(), "a")
			return err
		}},
		{"lock", func(dir string) error { return Locks{Dir: dir}.Revoke("a") }},
	} {
		for _, bad := range badFiles() {
			t.Run(way.suffix+"/"+bad.what, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := os.Chmod(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(dir, "a."+way.suffix)
				bad.at(t, path)
				before, err := os.Lstat(path)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				wantError(t, way.open(dir), "unsafe", path, bad.says)
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
				if after, err := os.Lstat(path); err != nil || after.Mode() != before.Mode() || after.Size() != before.Size() {
					t.Errorf("got %v, %v; want it untouched", after, err)
				}
				if _, err := os.Lstat(path + ".missing"); err == nil {
					t.Error("a link was followed, and a file made where it points")
				}
			})
		}
	}
}

func TestAT87_BadDirectories(t *testing.T) {
	t.Parallel()
	mkdir := func(path string, mode fs.FileMode) error {
		return errors.Join(os.Mkdir(path, mode), os.Chmod(path, mode))
	}
	for _, bad := range []planted{
		{"symlink to a private directory", "symbolic link", func(path string) error {
			return errors.Join(mkdir(path+".target", 0o700), os.Symlink(path+".target", path))
		}},
		{"dangling symlink", "symbolic link", func(path string) error { return os.Symlink(path+".missing", path) }},
		{"file", "a file, not a directory", func(path string) error { return os.WriteFile(path, nil, 0o600) }},
		{"group-writable", "mode is 0720", func(path string) error { return mkdir(path, 0o720) }},
		{"world-readable", "mode is 0704", func(path string) error { return mkdir(path, 0o704) }},
		{"other user's", "belongs to uid 65534", func(path string) error {
			return errors.Join(mkdir(path, 0o700), os.Chown(path, otherUser, otherUser))
		}},
	} {
		t.Run(bad.what, func(t *testing.T) {
			t.Parallel()
			path := privateTemp(t)
			bad.at(t, path)
			l := Locks{Dir: path}
			wantError(t, l.Ready(), "unsafe", path, bad.says)
			_, err := l.Acquire(t.Context(), "a")
			wantError(t, err, "unsafe", filepath.Join(path, "a.lock"), bad.says)
			for _, beyond := range []string{path + ".missing", filepath.Join(path, "a.lock")} {
				if _, err := os.Stat(beyond); err == nil {
					t.Errorf("%s was made", beyond)
				}
			}
		})
	}
}

func TestPrivateDirIsMadeWithItsParents(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	dir := filepath.Join(home, ".local", "state", "okauth")
	for range 2 {
		if err := (Locks{Dir: dir}).Ready(); err != nil {
			t.Fatal(err)
		}
	}
	for d := dir; d != home; d = filepath.Dir(d) {
		if info, err := os.Lstat(d); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: got %v, %v; want mode 0700", d, info, err)
		}
	}
	if info, err := os.Lstat(filepath.Join(dir, "ready.lock")); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v; want mode 0600", info, err)
	}
	inFile := filepath.Join(dir, "ready.lock", "okauth")
	wantError(t, Locks{Dir: inFile}.Ready(), "failed", inFile, "not a directory")
}
