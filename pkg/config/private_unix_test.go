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

	"okauth/pkg/internal/privatefile"
)

// alive reports whether a process runs; one that waits to be reaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestAT67_SecretInOpenFile(t *testing.T) {
	t.Parallel()
	const secret = "profiles: {default: {client_secret: canary-cs}}"
	tests := []struct {
		name   string
		config string
		file   os.FileMode
		dir    os.FileMode
		kind   ErrorKind
		want   string // "" if it is accepted
	}{
		{"owner only", secret, 0o600, 0o700, 0, ""},
		{"read only", secret, 0o400, 0o755, 0, ""},
		{"group", secret, 0o640, 0o700, Exposed, "its mode is 0640"},
		{"others", secret, 0o604, 0o700, Exposed, "its mode is 0604"},
		{"usual", secret, 0o644, 0o700, Exposed, "its mode is 0644"},
		{"world-writable directory", secret, 0o600, 0o777, WorldWritable,
			"everybody can replace files in its directory"},
		{"sticky directory", secret, 0o600, 0o777 | os.ModeSticky, 0, ""},
		{"no secret", "profiles: {default: {domain: a.okta.com}}", 0o644, 0o777, 0, ""},
		{"secret of another profile", "profiles: {other: {client_secret: canary-cs}}", 0o644, 0o700, Exposed,
			"its mode is 0644"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := testOptions(t, tt.config, Options{})
			path, err := ConfigPath(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Chmod(path, tt.file), os.Chmod(filepath.Dir(path), tt.dir)); err != nil {
				t.Fatal(err)
			}
			_, err = Load(o)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e := wantError(t, err, `"client_secret"`, path, tt.want)
			if at := map[ErrorKind]string{Exposed: path,
				WorldWritable: filepath.Dir(path)}[tt.kind]; e.Kind != tt.kind || e.Path != at {
				t.Errorf("got %#v, want kind %d and path %s", e, tt.kind, at)
			}
		})
	}
}

func TestAT67_SecretOfAnotherOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		info, err := os.Stat("/")
		if err != nil || privatefile.IsOwner(info) {
			t.Errorf("the root directory is ours: %v", err)
		}
		return
	}
	o := testOptions(t, "profiles: {default: {client_secret: canary-cs}}", Options{})
	path, _ := ConfigPath(o)
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	_, err := Load(o)
	if e := wantError(t, err, "belongs to another user"); e.Kind != WrongOwner || e.Path != path {
		t.Errorf("got %#v, want kind WrongOwner and path %s", e, path)
	}
}

// Docker and Kubernetes mount secrets that others can read. A file that others can write to is no secret.
func TestAT67_SecretFileOfEverybody(t *testing.T) {
	t.Parallel()
	for mode, want := range map[os.FileMode]string{0o400: "", 0o444: "", 0o660: "", 0o602: "0602", 0o666: "0666",
		0o777: "0777"} {
		path := filepath.Join(t.TempDir(), "it's a secret")
		if err := errors.Join(os.WriteFile(path, []byte("canary-1\n"), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		for _, variable := range []string{"OKAUTH_PASSWORD_FILE", "OKAUTH_CLIENT_SECRET_FILE",
			"OKAUTH_STORAGE_KEY_FILE"} {
			s := load(t, testOptions(t, "", Options{}, variable+"="+path))
			for _, secret := range []SecretRef{s.Secret(KeyPassword), s.Secret(KeyClientSecret),
				s.Secret(KeyStorageKey)} {
				if secret.IsZero() {
					continue
				}
				got, err := secret.Read(t.Context())
				if want != "" {
					e := wantError(t, err, "from "+variable, want, "everybody can write to it")
					if e.Kind != WorldWritable || e.Path != path {
						t.Errorf("got %#v, want kind WorldWritable and path %s", e, path)
					}
				} else if err != nil || string(got) != "canary-1" {
					t.Errorf("%s, mode %04o: got %q, %v", variable, mode, got, err)
				}
			}
		}
	}
}

// What counts is the file that a link leads to.
func TestAT67_SecretBehindSymlink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.yaml"), filepath.Join(dir, "link.yaml")
	if err := errors.Join(os.WriteFile(target, []byte("profiles: {default: {client_secret: canary-cs}}"), 0o600),
		os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	o := testOptions(t, "", Options{ConfigFile: link})
	load(t, o)
	if err := os.Chmod(target, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(o)
	wantError(t, err, "its mode is 0644", "path: "+target)
}

func TestAT67_FIFO(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(testOptions(t, "", Options{ConfigFile: path}))
	wantError(t, err, "expected a regular file, got a named pipe")
	_, err = OpenFile(path)
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
		dir := t.TempDir()
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
	f, err := OpenFile(filepath.Join(blocker, "config.yaml"))
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
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if f, err = OpenFile(path); err != nil {
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
