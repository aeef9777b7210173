package privatefile

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

// unsafeFile is something that may be in the place of a file, and a part of the error about it.
type unsafeFile struct {
	name, want string
	create     func(path string) error
}

func unsafeFiles() []unsafeFile {
	write := func(path string, mode fs.FileMode) error {
		return errors.Join(os.WriteFile(path, []byte("planted"), mode), os.Chmod(path, mode)) // regardless of the umask
	}
	return []unsafeFile{
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

func (u unsafeFile) createAt(t *testing.T, path string) {
	t.Helper()
	if strings.HasPrefix(u.name, "other user") && os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	if err := u.create(path); err != nil {
		t.Fatal(err)
	}
}

func privateTemp(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wantError fails the test unless err is an *Error as described; path is that of the error.
func wantError(t *testing.T, err error, unsafe bool, path string, says ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Unsafe != unsafe || e.Path != path {
		t.Fatalf("got %#v, want an *Error for %s with Unsafe %t", err, path, unsafe)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got %q, want %q in it", err, text)
		}
	}
}

func TestAT87_UnsafeFilesAreNotOpened(t *testing.T) {
	t.Parallel()
	flags := map[string]int{
		"read":   os.O_RDONLY,
		"write":  os.O_WRONLY | os.O_CREATE,
		"append": os.O_RDWR | os.O_CREATE | os.O_APPEND,
	}
	for access, flag := range flags {
		for _, u := range unsafeFiles() {
			t.Run(access+"/"+u.name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(privateTemp(t), "a")
				u.createAt(t, path)
				before, err := os.Lstat(path)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = Open(path, flag)
				wantError(t, err, true, path, u.want)
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
				if after, err := os.Lstat(path); err != nil || after.Mode() != before.Mode() ||
					after.Size() != before.Size() {
					t.Errorf("got %v, %v; want it unchanged", after, err)
				}
				if _, err := os.Lstat(path + ".missing"); err == nil {
					t.Error("Open followed a link and created the file it points to")
				}
			})
		}
	}
}

func TestAT87_UnsafeFilesAreReplaced(t *testing.T) {
	t.Parallel()
	for _, u := range unsafeFiles() {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(privateTemp(t), "a")
			u.createAt(t, path)
			u.createAt(t, path+tempSuffix) // as if a killed writer had left it
			if u.name == "hard link" {
				_ = os.Remove(path + tempSuffix + ".second")
			}
			err := Replace(path, []byte("ours"))
			if u.name == "directory" {
				wantError(t, err, false, path)
				if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				return
			}
			if data, readErr := Read(path, 100); err != nil || readErr != nil || string(data) != "ours" {
				t.Errorf("got %v; then %q, %v", err, data, readErr)
			}
			for _, other := range []string{path + ".target", path + ".second"} {
				if content, err := os.ReadFile(other); err == nil && string(content) != "planted" {
					t.Errorf("%s now holds %q", other, content)
				}
			}
			if _, err := os.Lstat(path + ".missing"); err == nil {
				t.Error("Replace followed a link and created the file it points to")
			}
			if _, err := os.Lstat(path + tempSuffix); err == nil {
				t.Error("the temporary file is still there")
			}
		})
	}
}

func TestAT87_UnsafeDirectories(t *testing.T) {
	t.Parallel()
	mkdir := func(path string, mode fs.FileMode) error {
		return errors.Join(os.Mkdir(path, mode), os.Chmod(path, mode))
	}
	for _, u := range []unsafeFile{
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
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(privateTemp(t), "okauth")
			u.createAt(t, path)
			wantError(t, MakeDir(path), true, path, u.want)
			_, err := DirExists(path)
			wantError(t, err, true, path, u.want)
			wantError(t, CanCreate(path), true, path, u.want)
			if _, err := os.Stat(path + ".missing"); err == nil {
				t.Error("a link was followed, and a directory made where it points")
			}
		})
	}
}

func TestMakeDirMakesParents(t *testing.T) {
	t.Parallel()
	home := privateTemp(t)
	dir := filepath.Join(home, ".local", "state", "okauth")
	if exists, err := DirExists(dir); exists || err != nil {
		t.Fatalf("got %t, %v; want no directory", exists, err)
	}
	if err := CanCreate(dir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := MakeDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	for d := dir; d != home; d = filepath.Dir(d) {
		if info, err := os.Lstat(d); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: got %v, %v; want mode 0700", d, info, err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inFile := filepath.Join(file, "okauth")
	wantError(t, MakeDir(inFile), false, inFile, "not a directory")
	wantError(t, MakeDir(""), false, "", "make it")
}

func TestOpenCreates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(privateTemp(t), "a")
	_, err := Open(path, os.O_RDONLY)
	wantError(t, err, false, path)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want it to wrap fs.ErrNotExist", err)
	}
	f, err := Open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v; want mode 0600", info, err)
	}
	_, err = Open(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	wantError(t, err, false, path, "exists")
	if err := errors.Join(Replace(path, []byte("1")), Remove(path), Remove(path)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no file", err)
	}
}
