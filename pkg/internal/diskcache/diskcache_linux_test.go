package diskcache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAT87_BadCacheFiles: none is read, each gives way to the next Save, and what a link points to stays as it is.
func TestAT87_BadCacheFiles(t *testing.T) {
	t.Parallel()
	for _, bad := range badFiles() {
		t.Run(bad.what, func(t *testing.T) {
			t.Parallel()
			c := Cache{Dir: privateTemp(t), Now: time.Now}
			mustSave(t, c, "a", "planted data", time.Now().Add(time.Hour))
			path := c.path("a")
			good, err := os.ReadFile(path)
			must(t, err)
			must(t, os.Remove(path))
			bad.at(t, path)
			// What is there would be believed, were it the user's alone.
			for _, at := range []string{path, path + ".target"} {
				if info, err := os.Lstat(at); err == nil && info.Mode().IsRegular() {
					must(t, os.WriteFile(at, good, 0))
				}
			}
			wantCached(t, c, "a", "")
			err = c.Save("a", []byte("data"), time.Now().Add(time.Hour))
			if bad.what == "directory" {
				wantError(t, err, "failed", path)
				if left := names(t, c.Dir); len(left) != 1 {
					t.Errorf("left behind: %q", left)
				}
				return
			}
			must(t, err)
			wantCached(t, c, "a", "data")
			if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("got %v, %v; want mode 0600", info, err)
			}
			for _, other := range []string{path + ".target", path + ".second"} {
				if content, err := os.ReadFile(other); err == nil && string(content) != string(good) {
					t.Errorf("%s now holds %q", other, content)
				}
			}
			if _, err := os.Lstat(path + ".missing"); err == nil {
				t.Error("a link was followed, and a file made where it points")
			}
		})
	}
}

// TestAT87_BadCacheDirectories: nothing in them is read, and nothing is changed.
func TestAT87_BadCacheDirectories(t *testing.T) {
	t.Parallel()
	for _, bad := range []planted{
		{"symlink to a private directory", "symbolic link", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".target"), os.Symlink(dir+".target", dir))
		}},
		{"mode 0666", "mode is 0666", func(dir string) error { return os.Chmod(dir, 0o666) }},
		{"mode 0777", "mode is 0777", func(dir string) error { return os.Chmod(dir, 0o777) }},
		{"group-writable", "mode is 0720", func(dir string) error { return os.Chmod(dir, 0o720) }},
		{"other user's", "belongs to uid 65534", func(dir string) error { return os.Chown(dir, otherUser, otherUser) }},
		{"file", "a file, not a directory", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".target"), os.WriteFile(dir, nil, 0o600))
		}},
	} {
		t.Run(bad.what, func(t *testing.T) {
			t.Parallel()
			for _, slash := range []string{"", "/"} {
				c := Cache{Dir: privateTemp(t), Now: time.Now}
				mustSave(t, c, "a", "planted data", time.Now().Add(time.Hour))
				bad.at(t, c.Dir)
				before := tree(t, filepath.Dir(c.Dir))
				c.Dir += slash
				wantCached(t, c, "a", "")
				wantError(t, c.Save("a", []byte("data"), time.Now().Add(time.Hour)), "unsafe", filepath.Clean(c.Dir), bad.says)
				if after := tree(t, filepath.Dir(filepath.Clean(c.Dir))); !slices.Equal(before, after) {
					t.Errorf("something was changed:\n%q\n%q", before, after)
				}
			}
		})
	}
}

func TestCacheIsMadeWithItsParents(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	c := Cache{Dir: filepath.Join(home, ".cache", "okauth"), Now: time.Now}
	wantCached(t, c, "a", "")
	if left := names(t, home); len(left) != 0 {
		t.Errorf("Load made %q", left)
	}
	mustSave(t, c, "a", "data", time.Now().Add(time.Hour))
	for dir := c.Dir; dir != home; dir = filepath.Dir(dir) {
		if info, err := os.Lstat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: got %v, %v; want mode 0700", dir, info, err)
		}
	}
}

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

func tree(t *testing.T, root string) []string {
	t.Helper()
	var list []string
	must(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		line := path + " " + info.Mode().String()
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(content)
		}
		list = append(list, line)
		return nil
	}))
	return list
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
