package privatefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// writersCase makes a directory tree below a directory of mode 0755, "~" in its paths, and names the file to check.
type writersCase struct {
	name  string
	steps []string // "dir PATH MODE", "file PATH MODE", "link PATH TARGET", "chown PATH UID:GID", "chmod PATH MODE"
	check string
	home  string // "" is none
	want  string // the path of the *WritersError; "" if there is none
}

// The rules of OpenSSH's StrictModes, and what okauth accepts beyond them.
func writersCases() []writersCase {
	const file, dir = "file ~/a/f 600", "dir ~/a 755"
	return []writersCase{
		{name: "usual", steps: []string{dir, "file ~/a/f 644"}, check: "~/a/f"},
		{name: "read-only", steps: []string{dir, "file ~/a/f 400"}, check: "~/a/f"},
		{name: "world-writable", steps: []string{dir, "file ~/a/f 666"}, check: "~/a/f", want: "~/a/f"},
		{name: "writable, not readable", steps: []string{dir, "file ~/a/f 622"}, check: "~/a/f", want: "~/a/f"},
		{name: "other group", steps: []string{dir, "file ~/a/f 660", "chown ~/a/f 0:65534"}, check: "~/a/f", want: "~/a/f"},
		{name: "other group may read", steps: []string{dir, "file ~/a/f 640", "chown ~/a/f 0:65534"}, check: "~/a/f"},
		{name: "other owner", steps: []string{dir, file, "chown ~/a/f 65534:65534"}, check: "~/a/f", want: "~/a/f"},
		{name: "directory", steps: []string{"dir ~/a 777", file}, check: "~/a/f", want: "~/a"},
		{name: "directory of another", steps: []string{dir, file, "chown ~/a 65534:0"}, check: "~/a/f", want: "~/a"},
		{name: "directory above", steps: []string{"dir ~/x 777", "dir ~/x/a 755", "file ~/x/a/f 600"},
			check: "~/x/a/f", want: "~/x"},
		{name: "sticky directory", steps: []string{"dir ~/a 1777", file}, check: "~/a/f"},
		{name: "sticky directory, file of another", steps: []string{"dir ~/a 1777", file, "chown ~/a/f 65534:65534"},
			check: "~/a/f", want: "~/a/f"},
		{name: "sticky directory of another", steps: []string{"dir ~/a 1777", file, "chown ~/a 65534:65534"},
			check: "~/a/f", want: "~/a"},
		{name: "above home", steps: []string{"dir ~/x 777", "dir ~/x/a 755", "file ~/x/a/f 600"}, check: "~/x/a/f",
			home: "~/x/a"},
		{name: "home itself", steps: []string{"dir ~/a 777", file}, check: "~/a/f", home: "~/a", want: "~/a"},
		{name: "beside home", steps: []string{"dir ~/x 777", "dir ~/xy 755", "file ~/x/f 600"}, check: "~/x/f",
			home: "~/xy", want: "~/x"},
		{name: "home behind a link", steps: []string{"dir ~/x 777", "dir ~/x/a 755", "file ~/x/a/f 600", "link ~/h x/a"},
			check: "~/h/f", home: "~/h"},
		{name: "dotfiles", steps: []string{dir, "dir ~/dot 755", "file ~/dot/f 644", "link ~/a/f ../dot/f"},
			check: "~/a/f"},
		{name: "dotfiles, directory", steps: []string{"dir ~/dot 755", "file ~/dot/f 644", "link ~/a ~/dot"},
			check: "~/a/f"},
		{name: "link to a writable file", steps: []string{dir, "file ~/f 666", "link ~/a/f ../f"}, check: "~/a/f",
			want: "~/f"},
		{name: "link to a writable directory", steps: []string{dir, "dir ~/b 777", "file ~/b/f 600", "link ~/a/f ../b/f"},
			check: "~/a/f", want: "~/b"},
		{name: "link in a writable directory", steps: []string{"dir ~/a 777", "file ~/f 600", "link ~/a/f ../f"},
			check: "~/a/f", want: "~/a"},
		{name: "link of another", steps: []string{"dir ~/a 1777", "file ~/f 600", "link ~/a/f ../f",
			"chown ~/a/f 65534:65534"}, check: "~/a/f", want: "~/a/f"},
		{name: "through .. of a link", steps: []string{dir, "dir ~/b 777", "dir ~/b/c 755", "link ~/a/l ../b/c",
			"file ~/b/f 600"}, check: "~/a/l/../f", want: "~/b"},
		{name: "link to itself", steps: []string{"link ~/f f"}, check: "~/f"},
		{name: "missing", steps: []string{dir}, check: "~/a/f"},
		{name: "missing in a writable directory", steps: []string{"dir ~/a 777"}, check: "~/a/f", want: "~/a"},
		{name: "device", check: "/dev/null"},
	}
}

func (c writersCase) build(t *testing.T, base string) {
	t.Helper()
	for _, step := range c.steps {
		words := strings.Fields(strings.ReplaceAll(step, "~", base))
		op, path, arg := words[0], words[1], words[2]
		var uid, gid int
		var mode fs.FileMode
		if op == "chown" {
			_, err := fmt.Sscanf(arg, "%d:%d", &uid, &gid)
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			check(t, errors.Join(err, os.Lchown(path, uid, gid)))
		} else if op != "link" {
			_, err := fmt.Sscanf(arg, "%o", &mode)
			check(t, err)
		}
		if mode&0o1000 != 0 {
			mode = mode&0o777 | fs.ModeSticky
		}
		switch op {
		case "dir":
			check(t, errors.Join(os.Mkdir(path, mode), os.Chmod(path, mode)))
		case "file":
			check(t, errors.Join(os.WriteFile(path, nil, mode), os.Chmod(path, mode)))
		case "link":
			check(t, os.Symlink(arg, path))
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAT67_Writers(t *testing.T) {
	t.Parallel()
	for _, c := range writersCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			base := privateTemp(t)
			c.build(t, base)
			in := func(path string) string { return strings.ReplaceAll(path, "~", base) }
			wantWriters(t, CheckWriters(in(c.check), in(c.home)), in(c.want))
		})
	}
}

// wantWriters fails the test unless err is a *WritersError for path, or nil where path is "".
func wantWriters(t *testing.T, err error, path string) {
	t.Helper()
	e, _ := errors.AsType[*WritersError](err)
	switch {
	case path == "" && err != nil:
		t.Errorf("got %v, want nil", err)
	case path != "" && (e == nil || e.Path != path):
		t.Errorf("got %v, want a *WritersError for %s", err, path)
	case path != "" && !strings.Contains(err.Error(), path):
		t.Errorf("got %q, want the path in it", err)
	}
}

// A relative path is one of the working directory.
func TestWritersOfARelativePath(t *testing.T) {
	base := privateTemp(t)
	c := writersCase{steps: []string{"dir ~/a 777", "dir ~/a/b 755", "file ~/a/b/f 600"}}
	c.build(t, base)
	t.Chdir(filepath.Join(base, "a", "b"))
	for _, path := range []string{"f", "./f", "../b/f"} {
		wantWriters(t, CheckWriters(path, ""), filepath.Join(base, "a"))
	}
}

// What is mounted read-only is fine whoever owns it: Kubernetes mounts a ConfigMap in a directory of mode 0777.
func TestWritersOfAReadOnlyMount(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	base := privateTemp(t)
	c := writersCase{steps: []string{"dir ~/v 777", "dir ~/v/..data 777", "file ~/v/..data/f 666", "link ~/v/f ..data/f",
		"chown ~/v/f 65534:65534", "chown ~/v/..data/f 65534:65534"}}
	c.build(t, base)
	dir := filepath.Join(base, "v")
	wantWriters(t, CheckWriters(filepath.Join(dir, "f"), ""), dir)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // not unlocked: the thread and its mounts end with the goroutine
		err := errors.Join(syscall.Unshare(syscall.CLONE_FS|syscall.CLONE_NEWNS),
			syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""), syscall.Mount(dir, dir, "", syscall.MS_BIND, ""),
			syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, ""))
		if err == nil {
			err = CheckWriters(filepath.Join(dir, "f"), "")
		}
		done <- err
	}()
	check(t, <-done)
}

func TestPrivateGroup(t *testing.T) {
	t.Parallel()
	etc := t.TempDir()
	uid := os.Geteuid()
	passwd := fmt.Sprintf("root:x:0:0::/root:/bin/sh\nbob:x:4711:701::/:/bin/sh\ncarol:x:4712:704::/:/bin/sh\n"+
		"alice:x:%d:700::/:/bin/sh\na2:x:%[1]d:702::/:/bin/sh\na3:x:%[1]d:703::/:/bin/sh\na4:x:%[1]d:704::/:/bin/sh\n"+
		"a6:x:%[1]d:706::/:/bin/sh\na8:x:%[1]d:708::/:/bin/sh\n", uid)
	group := "alice:x:700:\nbob:x:701:alice\na2:x:702:alice,root\na3:x:703:alice,bob\na4:x:704:alice\na5:x:705:\n" +
		"a6:x:706:dave\nstaff:x:708:root\nbroken\n"
	check(t, errors.Join(os.WriteFile(etc+"/passwd", []byte(passwd), 0o600),
		os.WriteFile(etc+"/group", []byte(group), 0o600)))
	for gid, want := range map[int]bool{700: true, 701: false, 702: true, 703: false, 704: false, 705: false, 706: false,
		707: false, 708: false} {
		if got := isPrivateGroup(etc, gid); got != want {
			t.Errorf("group %d: got %t, want %t", gid, got, want)
		}
	}
	if isPrivateGroup(filepath.Join(etc, "missing"), 700) {
		t.Error("a group that no file knows is private")
	}
}

// An access list may give others what the mode seems to give to the user's own group.
func TestWritersInAnAccessList(t *testing.T) {
	t.Parallel()
	path := filepath.Join(privateTemp(t), "f")
	check(t, errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o660)))
	if hasACL(path) {
		t.Error("a new file has an access list")
	}
	// struct posix_acl_xattr_header and its entries: tag, permissions, ID
	acl := binary.LittleEndian.AppendUint32(nil, 2)
	const none = 1<<32 - 1
	for _, e := range [][3]uint32{{1, 6, none}, {2, 6, otherUser}, {4, 0, none}, {16, 6, none}, {32, 0, none}} {
		acl = binary.LittleEndian.AppendUint16(acl, uint16(e[0]))
		acl = binary.LittleEndian.AppendUint16(acl, uint16(e[1]))
		acl = binary.LittleEndian.AppendUint32(acl, e[2])
	}
	check(t, syscall.Setxattr(path, "system.posix_acl_access", acl, 0))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 || !hasACL(path) {
		t.Fatalf("got %v, %v; want mode 0660 and an access list", info, err)
	}
	wantWriters(t, CheckWriters(path, ""), path)
}
