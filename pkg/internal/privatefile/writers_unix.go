//go:build !windows

package privatefile

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// CheckWriters returns a *WritersError if anyone but the user and root can change what a program reads at path: the
// file, a symbolic link that leads to it, and every directory on the way, except those above home. It asks what
// OpenSSH's StrictModes asks, and accepts in addition a directory whose sticky bit protects its entries, a group that
// has no other member, and whatever is mounted read-only. A path that does not exist has no writers beyond those of
// its directories.
func CheckWriters(path, home string) error {
	if !filepath.IsAbs(path) {
		wd, err := os.Getwd()
		if err != nil {
			return fail("check", path, err)
		}
		path = wd + "/" + path // filepath.Join would drop "link/.." where the system follows the link
	}
	at, rest := "/", strings.Split(path, "/")
	for links := 0; ; {
		info, err := os.Lstat(at)
		if err != nil {
			return nil // it cannot be opened either
		}
		if err := checkWriters(at, info); err != nil && !isAbove(at, home) && !isReadOnly(at, info) {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(at)
			if links++; err != nil || links > 255 {
				return nil // as above
			}
			if at = filepath.Dir(at); filepath.IsAbs(target) {
				at = "/"
			}
			rest = append(strings.Split(target, "/"), rest...)
		}
		for len(rest) > 0 && (rest[0] == "" || rest[0] == ".") {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return nil
		}
		at, rest = filepath.Join(at, rest[0]), rest[1:] // at has no symbolic links, so ".." is what it seems
	}
}

// CheckOpen is [CheckWriters] for the open file itself, whatever its name leads to by now. A file without a name cannot
// be checked by its path, nor can one that was away when CheckWriters looked.
func CheckOpen(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fail("check", f.Name(), err)
	}
	if err = checkWriters(f.Name(), info); err != nil && info.Mode().IsRegular() && !isReadOnly(f.Name(), info) {
		return err
	}
	return nil
}

// checkWriters checks one file, link or directory.
func checkWriters(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if !trusted(int(stat.Uid)) {
		return &WritersError{Path: path, Owner: int(stat.Uid)}
	}
	mode := info.Mode()
	if mode&(fs.ModeSymlink|fs.ModeDevice|fs.ModeSticky) != 0 && !mode.IsRegular() {
		return nil // the mode of a link means nothing, and a device keeps nothing that others write to it
	}
	if mode&0o002 != 0 || mode&0o020 != 0 && (hasACL(path) || !isPrivateGroup("/etc", int(stat.Gid))) {
		return &WritersError{Path: path, Owner: -1, Mode: mode.Perm()}
	}
	return nil
}

// OthersCanRead reports whether the mode of a file lets anyone but the user and root read it, unless it is mounted
// read-only: such a mode is that of the secrets that Kubernetes and Docker mount.
func OthersCanRead(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode()
	read := mode&0o004 != 0 || mode&0o040 != 0 && (hasACL(path) || ok && !isPrivateGroup("/etc", int(stat.Gid)))
	return read && !isReadOnly(path, info)
}

func trusted(uid int) bool { return uid == 0 || uid == os.Geteuid() }

// isAbove reports whether home is in the directory dir, which has no symbolic links.
func isAbove(dir, home string) bool {
	home, err := filepath.EvalSymlinks(home)
	return err == nil && strings.HasPrefix(home, strings.TrimSuffix(dir, "/")+"/") && home != dir
}

// isReadOnly reports whether a file is mounted read-only, as Kubernetes and Docker mount what a container must not
// change.
func isReadOnly(path string, info fs.FileInfo) bool {
	if info.Mode()&fs.ModeSymlink != 0 {
		path = filepath.Dir(path) // the link, not what it leads to
	}
	// EROFS stands for a read-only file system alone, and is what root gets, too. access(2)
	return unix.Access(path, unix.W_OK) == unix.EROFS
}

// hasACL reports whether a list names others who have the rights that the mode seems to give to the group. acl(5)
func hasACL(path string) bool {
	size, err := unix.Lgetxattr(path, "system.posix_acl_access", nil)
	return err == nil && size > 0
}

// isPrivateGroup reports whether a group has the name of the user or of root and, as far as the files in etc know, no
// other members. Where each user has such a group, the mode of new files often gives it the right to write.
func isPrivateGroup(etc string, gid int) bool {
	id := strconv.Itoa(gid)
	users := make(map[string]bool) // by name: the user or root
	members, known := 0, false
	for name, fields := range entries(etc+"/passwd", 4) { // name:password:uid:gid
		uid, err := strconv.Atoi(fields[2])
		users[name] = err == nil && trusted(uid)
		if fields[3] == id {
			if members++; !users[name] {
				return false
			}
		}
	}
	for group, fields := range entries(etc+"/group", 4) { // name:password:gid:members
		if fields[2] != id {
			continue
		}
		known = users[group]
		for _, name := range strings.FieldsFunc(fields[3], func(r rune) bool { return r == ',' }) {
			if members++; !users[name] {
				return false
			}
		}
	}
	return known && members > 0
}

// entries yields the lines of a table such as /etc/passwd, each by its name and with at least n fields.
func entries(path string, n int) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		f, err := os.Open(path)
		if err != nil {
			return
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Split(lines.Text(), ":")
			if len(fields) >= n && !yield(fields[0], fields) {
				return
			}
		}
	}
}
