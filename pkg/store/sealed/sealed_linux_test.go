package sealed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"okauth/pkg/store"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unsafePlaces put something in the place of the directory or of the file of "dev" that File must not use.
var unsafePlaces = map[string]func(t *testing.T, f *Store){
	"directory is a link": func(t *testing.T, f *Store) {
		must(t, os.Rename(f.dir, f.dir+"-elsewhere"))
		must(t, os.Symlink(f.dir+"-elsewhere", f.dir))
	},
	"directory is a link with a slash": func(t *testing.T, f *Store) {
		must(t, os.Rename(f.dir, f.dir+"-elsewhere"))
		must(t, os.Symlink(f.dir+"-elsewhere", f.dir))
		f.dir = New(f.dir+"/", f.sealer).dir
	},
	"directory is a dangling link": func(t *testing.T, f *Store) {
		must(t, os.RemoveAll(f.dir))
		must(t, os.Symlink(f.dir+"-elsewhere", f.dir))
	},
	"directory is a file": func(t *testing.T, f *Store) {
		must(t, os.RemoveAll(f.dir))
		must(t, os.WriteFile(f.dir, nil, 0o600))
	},
	"directory is a pipe": func(t *testing.T, f *Store) {
		must(t, os.RemoveAll(f.dir))
		must(t, syscall.Mkfifo(f.dir, 0o600))
	},
	"directory is the group's": func(t *testing.T, f *Store) { must(t, os.Chmod(f.dir, 0o770)) },
	"directory is to be read":  func(t *testing.T, f *Store) { must(t, os.Chmod(f.dir, 0o704)) },
	"directory is another's":   func(t *testing.T, f *Store) { giveAway(t, f.dir) },
	"file is a link": func(t *testing.T, f *Store) {
		must(t, os.Rename(f.Path("dev"), f.dir+"-target"))
		must(t, os.Symlink(f.dir+"-target", f.Path("dev")))
	},
	"file is a dangling link": func(t *testing.T, f *Store) {
		must(t, os.Remove(f.Path("dev")))
		must(t, os.Symlink(f.dir+"-elsewhere", f.Path("dev")))
	},
	"file has two names":  func(t *testing.T, f *Store) { must(t, os.Link(f.Path("dev"), f.dir+"-target")) },
	"file is the group's": func(t *testing.T, f *Store) { must(t, os.Chmod(f.Path("dev"), 0o660)) },
	"file is to be read":  func(t *testing.T, f *Store) { must(t, os.Chmod(f.Path("dev"), 0o604)) },
	"file is another's":   func(t *testing.T, f *Store) { giveAway(t, f.Path("dev")) },
	"file is a directory": func(t *testing.T, f *Store) {
		must(t, os.Remove(f.Path("dev")))
		must(t, os.Mkdir(f.Path("dev"), 0o700))
	},
	"file is a pipe": func(t *testing.T, f *Store) {
		must(t, os.Remove(f.Path("dev")))
		must(t, syscall.Mkfifo(f.Path("dev"), 0o600))
	},
	"file is a device": func(t *testing.T, f *Store) {
		must(t, os.Remove(f.Path("dev")))
		must(t, os.Symlink("/dev/zero", f.Path("dev")))
	},
}

// giveAway makes the path another user's.
func giveAway(t *testing.T, path string) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	must(t, os.Chown(path, 65534, 65534))
}

func TestAT87_UnsafePlaces(t *testing.T) {
	t.Parallel()
	for name, spoil := range unsafePlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFile(t)
			mustSet(t, f, "dev", "canary-old")
			spoil(t, f)
			before := tree(t, filepath.Dir(f.dir))
			for call, err := range everyCall(t.Context(), f) {
				path := f.dir
				if strings.HasPrefix(name, "file") {
					if call == "List" || call == "Probe" {
						continue // they look at the directory only
					}
					path = f.Path("dev")
				}
				e, ok := errors.AsType[*store.Error](err)
				if !ok || e.Kind != store.Unsafe || !strings.Contains(err.Error(), strconv.Quote(path)) || strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: got %v, want unsafe with %q", call, err, path)
				}
			}
			if after := tree(t, filepath.Dir(f.dir)); !slices.Equal(before, after) {
				t.Errorf("something was changed:\n%q\n%q", before, after)
			}
		})
	}
}

// tree describes everything below a directory: name, mode, and the content of files.
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

// fileChildVar holds "<story>:<directory>" for TestFileChild.
const fileChildVar = "OKAUTH_TEST_FILE_CHILD"

// TestFileChild is what the processes that fileChild starts run. In any other process it does nothing.
func TestFileChild(t *testing.T) {
	story, dir, _ := strings.Cut(os.Getenv(fileChildVar), ":")
	f := New(dir, givenKey(storageKey(t, rawKey)))
	switch story {
	case "writer":
		writeForEver(t, f)
	case "limit":
		fileSizeLimit(t, f)
	case "disk":
		fullDisk(t, f)
	}
}

func fileChild(t *testing.T, story, dir string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFileChild$")
	cmd.Env = append(os.Environ(), fileChildVar+"="+story+":"+dir, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// nth is the n-th value that writeForEver writes. They differ in length too.
func nth(n int) string { return fmt.Sprintf("%d:%s", n, text(strconv.Itoa(n), 100+n*977%20000)) }

// writeForEver tells which values it has stored, until it is killed.
func writeForEver(t *testing.T, f *Store) {
	for n := 1; ; n++ {
		mustSet(t, f, "dev", nth(n))
		fmt.Println("stored", n)
	}
}

func TestAT84_KilledWriter(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	for round := range 15 {
		cmd := fileChild(t, "writer", f.dir)
		stdout, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines, last := bufio.NewReader(stdout), 0
		for range 1 + round%5 {
			if _, err := fmt.Fscanln(lines, new(string), &last); err != nil {
				t.Fatal(err)
			}
		}
		must(t, cmd.Process.Kill()) // wherever it is by now
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()

		got, err := f.Get(t.Context(), "dev")
		number, _, _ := strings.Cut(string(got), ":")
		n, _ := strconv.Atoi(number)
		if err != nil || n < last || string(got) != nth(n) {
			t.Fatalf("round %d: got %.20q, %v; want value %d or a later one, whole", round, got, err, last)
		}
		if left := names(t, f.dir); len(left) > 2 {
			t.Fatalf("round %d: %q: more than the file and what one killed writer left", round, left)
		}
	}
	must(t, f.Delete(t.Context(), "dev"))
	if left := names(t, f.dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestAT84_FileSizeLimit(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	mustSet(t, f, "dev", "canary-old")
	if out, err := fileChild(t, "limit", f.dir).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	wantFile(t, f, "dev", "canary-old", "ok")
}

// fileSizeLimit writes more than the process may.
func fileSizeLimit(t *testing.T, f *Store) {
	signal.Ignore(unix.SIGXFSZ)
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 4096, Max: 4096}))
	wantUnwritten(t, f, f.Set(t.Context(), "dev", text("canary", 10<<10)), unix.EFBIG)
}

// wantUnwritten checks the error of a write, and that the write left nothing.
func wantUnwritten(t *testing.T, f *Store, err error, cause error) {
	t.Helper()
	if kindOf(err) != "failed" || !errors.Is(err, cause) || !strings.Contains(err.Error(), f.dir) || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v, want failed with %v", err, cause)
	}
	wantFile(t, f, "dev", "canary-old", "ok")
	if left := names(t, f.dir); !slices.Equal(left, []string{"dev.sealed"}) {
		t.Errorf("left behind: %q", left)
	}
}

func TestAT84_FullAndReadOnlyDisk(t *testing.T) {
	t.Parallel()
	mount := t.TempDir()
	cmd := fileChild(t, "disk", filepath.Join(mount, "okauth"))
	// What the child mounts is seen by the child alone, and goes with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Geteuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if os.Geteuid() != 0 && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)) {
		t.Skipf("only root can mount here: %v", err)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// fullDisk runs where it can mount a file system of a few pages.
func fullDisk(t *testing.T, f *Store) {
	mount := filepath.Dir(f.dir)
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(t, unix.Mount("tmpfs", mount, "tmpfs", 0, "size=64k"))
	mustSet(t, f, "dev", "canary-old")

	filler := filepath.Join(mount, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("got %v: the disk is not full", err)
	}
	wantUnwritten(t, f, f.Set(t.Context(), "dev", text("canary", 10<<10)), unix.ENOSPC)
	must(t, os.Remove(filler))

	must(t, unix.Mount("", mount, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	for call, err := range everyCall(t.Context(), f) {
		if call == "Get" || call == "List" {
			must(t, err)
			continue
		}
		wantUnwritten(t, f, err, unix.EROFS)
	}
	never := New(filepath.Join(mount, "never", "okauth"), f.sealer)
	for _, err := range []error{never.Set(t.Context(), "dev", []byte("canary")), never.Probe(t.Context())} {
		if kindOf(err) != "failed" || !errors.Is(err, unix.EROFS) {
			t.Errorf("got %v from a directory that cannot be made", err)
		}
	}

	must(t, unix.Mount("", mount, "", unix.MS_REMOUNT, "size=64k"))
	mustSet(t, f, "dev", "canary-new")
	wantFile(t, f, "dev", "canary-new", "ok")
}

func TestAT69_DirectoryVanishes(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	mustSet(t, f, "dev", "canary-1")
	must(t, os.RemoveAll(filepath.Dir(f.dir)))
	wantFile(t, f, "dev", "", "not found")
	must(t, f.Delete(t.Context(), "dev"))
	must(t, f.Probe(t.Context()))
	mustSet(t, f, "dev", "canary-2")
	wantFile(t, f, "dev", "canary-2", "ok")

	// A parent that leads nowhere: nothing can be made below it, and Probe knows.
	must(t, os.RemoveAll(filepath.Dir(f.dir)))
	must(t, os.Symlink("nowhere", filepath.Dir(f.dir)))
	for _, err := range []error{f.Probe(t.Context()), f.Set(t.Context(), "dev", []byte("canary"))} {
		if kindOf(err) != "failed" {
			t.Errorf("got %v", err)
		}
	}
}
