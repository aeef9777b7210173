package cmd_test

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// step is a system call and its third argument. The zero step changes nothing.
type step struct{ number, third uint64 }

// changes tells whether others can see what it does: to the names of files, and
// what is written to a file, a socket or standard output.
func (s step) changes() bool {
	switch s.number {
	case unix.SYS_OPENAT:
		return s.third&unix.O_CREAT != 0
	case unix.SYS_UNLINKAT:
		return s.third == 0 // a file
	case unix.SYS_WRITE:
		return s.third != 8 // that is the runtime waking itself up
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_MKDIRAT:
		return true
	}
	return false
}

// killedAt runs c and kills it with SIGKILL right before the nth system call
// that changes something. It returns false when c ended before.
func killedAt(t *testing.T, c *exec.Cmd, n int) bool {
	t.Helper()
	held, goOn := holdAt(t, c, n)
	if held {
		if err := c.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	goOn()
	return held
}

// holdAt runs c until it is right before the nth system call that changes
// something, and holds it there; false: it ended before. goOn lets it run to its
// end.
func holdAt(t *testing.T, c *exec.Cmd, n int) (held bool, goOn func()) {
	t.Helper()
	reached, resume, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread that traces; it ends with the goroutine
		err := trace(c, n, func() { close(reached); <-resume })
		if err != nil && c.Process != nil {
			_ = c.Process.Kill()
		}
		done <- err
	}()
	goOn = sync.OnceFunc(func() {
		close(resume)
		if err := <-done; err != nil {
			t.Errorf("trace: %v", err)
		}
	})
	t.Cleanup(goOn)
	select {
	case <-reached:
		return true, goOn
	case err := <-done:
		done <- err
		return false, goOn
	}
}

// https://man7.org/linux/man-pages/man2/ptrace.2.html
func trace(c *exec.Cmd, n int, then func()) error {
	// The group tells its threads from other children of this process.
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := c.Start(); err != nil {
		return err
	}
	pid := c.Process.Pid
	if _, err := unix.Wait4(pid, nil, unix.WALL, nil); err != nil { // it stops at its first instruction
		return err
	}
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		return err
	}
	thread, signal := pid, 0
	for seen := 0; ; {
		if err := unix.PtraceSyscall(thread, signal); err != nil && !errors.Is(err, unix.ESRCH) { // ESRCH: killed already
			return err
		}
		var status unix.WaitStatus
		for {
			var err error
			if thread, err = unix.Wait4(-pid, &status, unix.WALL, nil); err != nil && !errors.Is(err, unix.EINTR) {
				return err
			}
			if err == nil && thread == pid && (status.Exited() || status.Signaled()) {
				return nil
			}
			if err == nil && status.Stopped() {
				break
			}
		}
		signal = 0
		switch s := status.StopSignal(); {
		case s == unix.SIGTRAP|0x80: // a system call begins or ends
			if current(thread).changes() {
				if seen++; seen == n {
					then()
				}
			}
		case s != unix.SIGTRAP && s != unix.SIGSTOP: // the tracer's own; others are for the process
			signal = int(s)
		}
	}
}

// current reads the system call that a thread is about to make; the zero step
// when it has just made one, or has been killed.
// https://man7.org/linux/man-pages/man2/PTRACE_GET_SYSCALL_INFO.2const.html
func current(thread int) step {
	const getSyscallInfo, entry = 0x420e, 1
	var info struct {
		op                   uint8
		_                    [3]uint8
		arch                 uint32
		pointer, stack, call uint64
		args                 [6]uint64
		_                    [3]uint64
	}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op != entry {
		return step{}
	}
	return step{info.call, info.args[2]}
}
