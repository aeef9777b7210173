package filelock

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/store"
)

// lockChildVar names what a process does that a test of the lock has started: this test binary, with TestLockChild
// alone.
const lockChildVar = "OKAUTH_TEST_LOCK_CHILD"

// TestLockChild is no test of its own. In a child it does what the parent asks for, in the directory that the parent
// names.
func TestLockChild(t *testing.T) {
	do, dir, ok := strings.Cut(os.Getenv(lockChildVar), ":")
	if !ok {
		return
	}
	switch do {
	case "hold":
		holdInChild(t, dir)
	case "count":
		countInChild(t, dir)
	case "readonly":
		readOnlyInChild(t, dir)
	case "full":
		fullInChild(t, dir)
	default:
		t.Fatalf("unknown order %q", do)
	}
}

// lockChild is a process that has not been started.
func lockChild(t *testing.T, do, dir string) (cmd *exec.Cmd, output *bytes.Buffer) {
	t.Helper()
	// By descriptor: another user may not search the directory of the test binary.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = self.Close() })
	output = new(bytes.Buffer)
	cmd = exec.CommandContext(t.Context(), "/proc/self/fd/3", "-test.run=^TestLockChild$")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = []string{lockChildVar + "=" + do + ":" + dir, "GOCOVERDIR=" + t.TempDir(), "GORACE=atexit_sleep_ms=0"}
	cmd.Stdout, cmd.Stderr = output, output
	return cmd, output
}

// holder is a child that holds the lock "a" and has marked it. It lets go when its stdin ends.
type holder struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func startHolder(t *testing.T, dir string) holder {
	t.Helper()
	cmd, _ := lockChild(t, "hold", dir)
	cmd.Stdout = nil
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "held\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	return holder{cmd, stdin}
}

func holdInChild(t *testing.T, dir string) {
	held, err := Locks{Dir: dir}.Acquire(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	held.Release()
}

func TestAT86_DiesWithItsProcess(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t), Wait: time.Minute}
	child := startHolder(t, l.Dir)
	short := Locks{Dir: l.Dir, Wait: 50 * time.Millisecond}
	_, err := short.Acquire(t.Context(), "a")
	wantError(t, err, "lock_timeout", "a.lock")
	if err := child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	mustAcquire(t, l, "a").Release() // the minute is for machines, not for the lock
}

func TestAT86_HolderIsStopped(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t), Wait: 300 * time.Millisecond}
	child := startHolder(t, l.Dir)
	if err := child.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err := l.Acquire(t.Context(), "a")
	wantError(t, err, "lock_timeout", filepath.Join(l.Dir, "a.lock"), "300ms")
	if took := time.Since(start); took < l.Wait || took > 10*time.Second {
		t.Errorf("it took %v, want %v", took, l.Wait)
	}
	if err := errors.Join(child.stdin.Close(), child.cmd.Process.Signal(syscall.SIGCONT)); err != nil {
		t.Fatal(err)
	}
	l.Wait = time.Minute
	mustAcquire(t, l, "a")
}

func TestAT86_ManyProcesses(t *testing.T) {
	t.Parallel()
	dir := privateTemp(t)
	const processes, turns = 16, 10
	var wg sync.WaitGroup
	for range processes {
		cmd, output := lockChild(t, "count", dir)
		wg.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
	wg.Wait()
	if got, err := os.ReadFile(filepath.Join(dir, "count")); err != nil || string(got) != strconv.Itoa(processes*turns) {
		t.Errorf("got %q, %v; want %d: turns were lost", got, err, processes*turns)
	}
}

func countInChild(t *testing.T, dir string) {
	path := filepath.Join(dir, "count")
	for range 10 {
		held := mustAcquire(t, Locks{Dir: dir, Wait: time.Minute}, "a")
		text, _ := os.ReadFile(path)
		n, _ := strconv.Atoi(string(text))
		if err := os.WriteFile(path, []byte(strconv.Itoa(n+1)), 0o600); err != nil {
			t.Fatal(err)
		}
		held.Release()
	}
}

// TestAT86_LockFileIsSwept: a process that waited for a file without a name must not take it for the lock.
func TestAT86_LockFileIsSwept(t *testing.T) {
	t.Parallel()
	l := Locks{Dir: privateTemp(t), Wait: time.Minute}
	path := filepath.Join(l.Dir, "a.lock")
	first := mustAcquire(t, l, "a")
	second := make(chan store.Lock, 1)
	go func() {
		held, err := l.Acquire(t.Context(), "a")
		if err != nil {
			t.Error(err)
		}
		second <- held
	}()
	awaitWaiter(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	third := mustAcquire(t, l, "a") // of a new file
	first.Release()
	awaitWaiter(t, path) // the second has noticed
	select {
	case <-second:
		t.Fatal("two hold the lock")
	default:
	}
	third.Release()
	(<-second).Release()
}

// awaitWaiter returns when a process waits for the lock of the file, according to the kernel.
func awaitWaiter(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	// "2: -> FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF", the inode last of three: proc_locks(5)
	inode := fmt.Sprintf(":%d 0 EOF", info.Sys().(*syscall.Stat_t).Ino)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		locks, err := os.ReadFile("/proc/locks")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(locks)) {
			if strings.Contains(line, "-> FLOCK") && strings.Contains(line, inode) {
				return
			}
		}
	}
	t.Fatalf("no process waits for %s", path)
}

// TestAT86_ReadOnlyHome runs as a user whom permissions concern.
func TestAT86_ReadOnlyHome(t *testing.T) {
	t.Parallel()
	cmd, output := lockChild(t, "readonly", "")
	home := t.TempDir()
	if os.Geteuid() == 0 {
		var err error
		if home, err = os.MkdirTemp("/tmp", "okauth-readonly-"); err != nil { // not below a directory of root's
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(home) })
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: otherUser, Gid: otherUser}}
		if err := os.Chown(home, otherUser, otherUser); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Env = append(cmd.Env, lockChildVar+"=readonly:"+home, "GOCOVERDIR="+home) // the last one counts
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

func readOnlyInChild(t *testing.T, home string) {
	dir := filepath.Join(home, ".local", "state", "okauth")
	l := Locks{Dir: dir}
	for _, d := range []string{home, dir} {
		want := filepath.Join(home, ".local") // cannot be made
		if d == dir {
			want = filepath.Join(dir, "a.lock")
		}
		if err := errors.Join(os.MkdirAll(d, 0o700), os.Chmod(d, 0o500)); err != nil {
			t.Fatal(err)
		}
		_, err := l.Acquire(t.Context(), "a")
		wantError(t, err, "failed", want, "permission denied")
		wantError(t, l.Ready(), "failed", "permission denied")
		if err := os.Chmod(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mustAcquire(t, l, "a").Release()
}

// TestAT86_FullDisk mounts file systems of a few pages in a mount namespace of its own, which ends with the child.
func TestAT86_FullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	cmd, output := lockChild(t, "full", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

func fullInChild(t *testing.T, at string) {
	mount := func(flags uintptr, options string) {
		t.Helper()
		if err := syscall.Mount("tmpfs", at, "tmpfs", flags, options); err != nil {
			t.Fatal(err)
		}
	}
	l := Locks{Dir: filepath.Join(at, "okauth")}
	mount(0, "size=16k")
	held := mustAcquire(t, l, "a")
	if err := os.WriteFile(filepath.Join(at, "fill"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if held.Revoked() {
		t.Error("the lock is lost")
	}
	held.Release()

	mount(0, "nr_inodes=3") // its root, okauth and one file
	mustAcquire(t, l, "a").Release()
	_, err := l.Acquire(t.Context(), "b")
	wantError(t, err, "failed", filepath.Join(l.Dir, "b.lock"), "no space left")
	wantError(t, l.Ready(), "failed", l.Dir, "no space left")

	mount(syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	_, err = l.Acquire(t.Context(), "a")
	wantError(t, err, "failed", filepath.Join(l.Dir, "a.lock"), "read-only file system")
	wantError(t, l.Ready(), "failed", l.Dir, "read-only file system")
}
