package privatefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A file of the user's, whatever its mode, may be replaced; nothing else that has its name.
func TestAT87_CheckTarget(t *testing.T) {
	t.Parallel()
	replaced := map[string]bool{"group-writable": true, "world-readable": true, "hard link": true, "other user's": true}
	for _, u := range unsafeFiles() {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(privateTemp(t), "token")
			if err := CheckTarget(path); err != nil {
				t.Fatalf("no file: %v", err)
			}
			u.createAt(t, path)
			if err := CheckTarget(path); replaced[u.name] != (err == nil) {
				t.Errorf("got %v", err)
			} else if err != nil {
				wantError(t, err, true, path, u.want)
			}
		})
	}
}

func TestAT87_CheckTargetsDirectory(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o777, 0o772, 0o777 | fs.ModeSticky, 0o770} {
		dir := privateTemp(t)
		if err := errors.Join(os.Chmod(dir, mode), os.Chown(dir, -1, otherUser)); err != nil {
			t.Fatal(err)
		}
		wantError(t, CheckTarget(filepath.Join(dir, "token")), true, dir, "mode is 0", "others can write")
	}
	dir := privateTemp(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(privateTemp(t), "link") // systemd makes one for DynamicUser=
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "token"), filepath.Join(link, "token")} {
		if err := CheckTarget(path); err != nil {
			t.Error(err)
		}
	}
	missing := filepath.Join(dir, "missing")
	wantError(t, CheckTarget(filepath.Join(missing, "token")), false, missing, "no such file")
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, CheckTarget(filepath.Join(file, "token")), false, file, "not a directory")
	if os.Geteuid() != 0 {
		return // only root can give a directory away
	}
	if err := os.Chown(dir, otherUser, otherUser); err != nil {
		t.Fatal(err)
	}
	wantError(t, CheckTarget(filepath.Join(dir, "token")), true, dir, "belongs to uid 65534")
}
