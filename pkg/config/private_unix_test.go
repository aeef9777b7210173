//go:build !windows

package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// alive reports whether a process runs; one that waits to be reaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

// othersCanWrite makes what is at path one of the files that others can change, and returns what an error names.
func othersCanWrite(t *testing.T, how, path string) (named string) {
	t.Helper()
	dir := filepath.Dir(path)
	switch how {
	case "0666", "0622":
		var mode uint32
		if _, err := fmt.Sscanf(how, "%o", &mode); err != nil {
			t.Fatal(err)
		}
		named = path
		must(t, os.Chmod(path, os.FileMode(mode)))
	case "directory 0777":
		named = dir
		must(t, os.Chmod(dir, 0o777))
	case "directory above 0777":
		named = filepath.Dir(dir)
		must(t, os.Chmod(named, 0o777))
	case "link to 0666":
		named = path + ".target"
		must(t, errors.Join(os.Rename(path, named), os.Chmod(named, 0o666), os.Symlink(named, path)))
	}
	return named
}

func waysOthersCanWrite() []string {
	return []string{"0666", "0622", "directory 0777", "directory above 0777", "link to 0666"}
}

// A configuration that others can change is neither believed nor edited: its password_command would run.
func TestAT67_ConfigOthersCanWrite(t *testing.T) {
	t.Parallel()
	for _, how := range waysOthersCanWrite() {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			o := testOptions(t, "profiles: {default: {domain: a.okta.com}}", Options{})
			path, err := ConfigPath(o)
			must(t, err)
			load(t, o)
			named := othersCanWrite(t, how, path)
			_, err = Load(o)
			_, _, editErr := OpenProfile(o)
			for _, err := range []error{err, editErr} {
				if e := wantError(t, err, path, "others can write to it"); e.Kind != Writable || e.Path != named {
					t.Errorf("got %#v, want kind Writable and path %s", e, named)
				}
			}
		})
	}
	t.Run("new file", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(tempDir(t), "open")
		must(t, errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777)))
		_, err := OpenFile(filepath.Join(dir, "config.yaml"), "")
		wantError(t, err, "others can write to it", "path: "+dir)
	})
	t.Run("other owner", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() != 0 {
			t.Skip("only root can give a file away")
		}
		o := testOptions(t, "profiles: {default: {domain: a.okta.com}}", Options{})
		path, _ := ConfigPath(o)
		must(t, os.Chown(path, 65534, 65534))
		_, err := Load(o)
		if e := wantError(t, err, "belongs to uid 65534"); e.Kind != WrongOwner || e.Path != path {
			t.Errorf("got %#v, want kind WrongOwner and path %s", e, path)
		}
	})
}

// A file that is open and has no name any more is at a path that cannot be looked at; so is, for a moment, one that its
// owner renames back and forth. It is checked when it is open.
func TestAT67_FilesWithoutANameOthersCanWrite(t *testing.T) {
	t.Parallel()
	for mode, refused := range map[os.FileMode]bool{0o666: true, 0o622: true, 0o644: false, 0o400: false} {
		name := filepath.Join(t.TempDir(), "file")
		must(t, errors.Join(os.WriteFile(name, []byte("profile: default\n"), 0o600), os.Chmod(name, mode)))
		f, err := os.Open(name)
		must(t, errors.Join(err, os.Remove(name)))
		defer f.Close()
		path := fmt.Sprintf("/dev/fd/%d", f.Fd())
		_, readErr := readConfig(path, "")
		_, secretErr := readSecretFile(t.Context(), path)
		for what, err := range map[string]error{"configuration": readErr, "secret": secretErr} {
			if e, ok := errors.AsType[*Error](err); ok != refused || ok && (e.Kind != Writable || e.Path != path) {
				t.Errorf("mode %04o: %s: got %v, want an error of kind Writable for %s: %t", mode, what, err, path, refused)
			}
		}
	}
}

// The check of a directory ends at the home directory of the settings.
func TestAT67_ConfigBelowHome(t *testing.T) {
	t.Parallel()
	above := filepath.Join(tempDir(t), "home")
	home := filepath.Join(above, "alice")
	must(t, errors.Join(os.MkdirAll(home, 0o700), os.Chmod(above, 0o777)))
	path := filepath.Join(home, "config.yaml")
	must(t, os.WriteFile(path, []byte("profiles: {default: {password_file: pw}}"), 0o600))
	must(t, os.WriteFile(filepath.Join(home, "pw"), []byte("canary-1"), 0o600))
	s := load(t, testOptions(t, "", Options{ConfigFile: path}, "HOME="+home))
	if _, err := s.Secret(KeyPassword).Read(t.Context()); err != nil {
		t.Error(err)
	}
	_, err := Load(testOptions(t, "", Options{ConfigFile: path}, "HOME=/"))
	wantError(t, err, "path: "+above)
}

// What okauth reads because a setting names it: each setting, from each layer.
func TestAT67_NamedFilesOthersCanWrite(t *testing.T) {
	t.Parallel()
	for _, k := range table() {
		if k.Type != Path || k.Name == KeyStorageDir { // package sealed checks that directory
			continue
		}
		for _, how := range waysOthersCanWrite() {
			for _, layer := range []string{"flag", "environment", "file"} {
				t.Run(k.Name+"/"+how+"/"+layer, func(t *testing.T) {
					t.Parallel()
					path := filepath.Join(tempDir(t), "a", "it's a file")
					must(t, errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("123456\n"), 0o600)))
					o := settingIn(t, layer, k, path)
					if err := readNamed(t, load(t, o), k); err != nil {
						t.Fatal(err)
					}
					named := othersCanWrite(t, how, path)
					e := wantError(t, readNamed(t, load(t, o), k), k.Name, "others can write to it")
					if e.Kind != Writable || e.Path != named || e.Source.Kind == Unset {
						t.Errorf("got %#v, want kind Writable and path %s", e, named)
					}
				})
			}
		}
	}
}

// readNamed reads the file of a setting as okauth does.
func readNamed(t *testing.T, s *Settings, k Key) error {
	if secret, ok := strings.CutSuffix(k.Name, FileKey("")); ok && s.Secret(secret).FromFile() {
		_, err := s.Secret(secret).Read(t.Context())
		return err
	}
	_, err := s.File(k.Name)
	return err
}

// Docker and Kubernetes mount secrets that others can read.
func TestAT67_SecretFileOthersCanRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	must(t, errors.Join(os.WriteFile(path, []byte("canary-1\n"), 0o600), os.Chmod(path, 0o444)))
	s := load(t, testOptions(t, "", Options{}, "OKAUTH_PASSWORD_FILE="+path))
	if got, err := s.Secret(KeyPassword).Read(t.Context()); err != nil || string(got) != "canary-1" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A client secret in a file that others can read fails what would use it, and nothing else.
func TestAT67_ExposedClientSecret(t *testing.T) {
	t.Parallel()
	const config = "profiles: {default: {client_secret: canary-cs}, other: {domain: a.okta.com}}"
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o444} {
		dir := tempDir(t)
		target, link := filepath.Join(dir, "target.yaml"), filepath.Join(dir, "link.yaml")
		must(t, errors.Join(os.WriteFile(target, []byte(config), 0o600), os.Symlink(target, link)))
		s := load(t, testOptions(t, "", Options{ConfigFile: link}))
		if got, err := s.Secret(KeyClientSecret).Read(t.Context()); err != nil || string(got) != "canary-cs" {
			t.Errorf("mode 0600: got %q, %v", got, err)
		}
		must(t, os.Chmod(target, mode))
		s = load(t, testOptions(t, "", Options{ConfigFile: link}))
		_, err := s.Secret(KeyClientSecret).Read(t.Context())
		e := wantError(t, err, `setting "client_secret" from `+link, fmt.Sprintf("its mode is %04o", mode))
		if e.Kind != Exposed || e.Path != target {
			t.Errorf("got %#v, want kind Exposed and path %s", e, target)
		}
		s = load(t, testOptions(t, "", Options{ConfigFile: link}, "OKAUTH_CLIENT_SECRET=canary-env"))
		if got, err := s.Secret(KeyClientSecret).Read(t.Context()); err != nil || string(got) != "canary-env" {
			t.Errorf("overridden: got %q, %v", got, err)
		}
		s = load(t, testOptions(t, "", Options{ConfigFile: link, Profile: "other"}))
		if !s.Secret(KeyClientSecret).IsZero() {
			t.Error("the other profile has a secret")
		}
	}
}

func TestAT67_FIFO(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(testOptions(t, "", Options{ConfigFile: path}))
	wantError(t, err, "expected a regular file, got a named pipe")
	_, err = OpenFile(path, "")
	wantError(t, err, "named pipe")
	_, err = Load(testOptions(t, "", Options{ConfigFile: "/dev/zero"}))
	wantError(t, err, "a device")
}

// A pipe can hold a secret, but okauth does not wait for it without a limit.
func TestSecretPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, testOptions(t, "", Options{}, "OKAUTH_PASSWORD_FILE="+path))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = s.Secret(KeyPassword).Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := writer.WriteString("canary-pipe\n")
		done <- errors.Join(err, writer.Close())
	}()
	got, err := s.Secret(KeyPassword).Read(t.Context())
	// Whether the writer had closed before the reader opened decides between
	// the secret and nothing; it must not decide between that and waiting.
	if err != nil {
		wantError(t, err, "empty")
	} else if string(got) != "canary-pipe" {
		t.Errorf("got %q", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSaveModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "okauth")
	path := filepath.Join(dir, "config.yaml")
	set(t, path, "default", KeyDomain, "a.okta.com")
	wantMode(t, dir, 0o700)
	wantMode(t, path, 0o600)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	set(t, path, "default", KeyClientSecret, "wrong-horse")
	wantMode(t, path, 0o600)
}

func wantMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
		t.Errorf("%s: got %v, %v; want %v", path, info.Mode().Perm(), err, want)
	}
}

// A link stays a link; what it leads to is written, also where it is yet to be.
func TestSaveThroughSymlink(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{true, false} {
		dir := tempDir(t)
		target, link := filepath.Join(dir, "real", "target.yaml"), filepath.Join(dir, "link.yaml")
		if err := errors.Join(os.Mkdir(filepath.Dir(target), 0o700), os.Symlink("real/target.yaml", link)); err != nil {
			t.Fatal(err)
		}
		if exists {
			if err := os.WriteFile(target, []byte("# mine\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		set(t, link, "default", KeyDomain, "a.okta.com")
		info, err := os.Lstat(link)
		if err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link is %v, %v", info.Mode(), err)
		}
		if data, err := os.ReadFile(target); err != nil || !strings.Contains(string(data), "a.okta.com") {
			t.Errorf("target: %q, %v", data, err)
		}
	}
}

// Where nothing can be written, the error says so and the old file stays.
func TestSaveUnwritable(t *testing.T) {
	t.Parallel()
	blocker := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFile(filepath.Join(blocker, "config.yaml"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Set("default", KeyDomain, "a.okta.com"); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.Save(), "config.yaml", "not a directory")
	if os.Geteuid() == 0 {
		return // no directory is read-only for root
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	set(t, path, "default", KeyDomain, "a.okta.com")
	must(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // so that it can be removed
	if f, err = OpenFile(path, ""); err != nil {
		t.Fatal(err)
	}
	if err := f.Set("default", KeyDomain, "b.okta.com"); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.Save(), "permission denied")
}

// A file that does not exist is created where a chain of links leads, and the links stay.
func TestSaveCreatesTheEndOfLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second, end := filepath.Join(dir, "first"), filepath.Join(dir, "second"), filepath.Join(dir, "end")
	if err := errors.Join(os.Symlink("second", first), os.Symlink("end", second)); err != nil {
		t.Fatal(err)
	}
	set(t, first, "dev", KeyClientID, "0oa1")
	for path, want := range map[string]os.FileMode{first: os.ModeSymlink, second: os.ModeSymlink, end: 0} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != want {
			t.Errorf("%s: got %v, %v; want type %v", filepath.Base(path), info, err, want)
		}
	}
}
