//go:build unix

package prompt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

const (
	pollInterval = 50 * time.Millisecond  // how long a read waits for input before it looks for signals
	signalDelay  = 200 * time.Millisecond // how long a signal may take to stop the process or end the context
)

// device is the input side of /dev/tty. It is not blocking: another process may take the line that select announced.
type device struct {
	fd      int
	endedCR bool // the last answer ended with CR
}

func open() (*Terminal, error) {
	const path = "/dev/tty"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	t := &Terminal{device: device{fd: fd}, out: out}
	if !term.IsTerminal(fd) || fd >= unix.FD_SETSIZE {
		_ = t.Close()
		return nil, fmt.Errorf("%s is not a terminal that select can wait for", path)
	}
	return t, nil
}

// Name returns a name of the terminal of this process, on which all its processes agree; "" where it is not known. The
// processes of a session have one controlling terminal, and no other session has it.
func Name() string {
	session, err := unix.Getsid(0)
	if err != nil {
		return ""
	}
	return strconv.Itoa(session)
}

// Busy reports whether another program uses the terminal, which takes no question then: a full-screen program, which
// reads single keys, or what the shell runs in the foreground while this process is in the background.
func (t *Terminal) Busy() bool {
	// A shell may start a job and then give it the terminal.
	for begin := time.Now(); t.inBackground(); time.Sleep(pollInterval / 10) {
		if time.Since(begin) > signalDelay {
			return true
		}
	}
	mode, err := unix.IoctlGetTermios(t.fd, ioctlGetTermios)
	return err == nil && mode.Lflag&unix.ICANON == 0
}

// Close closes the terminal device.
func (t *Terminal) Close() error { return errors.Join(unix.Close(t.fd), t.out.Close()) }

// question is one question on the terminal.
type question struct {
	*Terminal
	prompt  string
	hidden  bool
	found   *term.State    // the settings to restore, nil if they are unchanged
	signals chan os.Signal // those that stop, continue or quit the process
	line    []byte         // what was read so far
	pasted  bool           // LF is the rest of a pasted CR LF, whose CR ended the last answer
}

// ask shows a prompt and returns the line that the user types, without its end. It always restores the terminal.
//
// term.ReadPassword would not do. It turns echo off when the prompt is on the screen already, so it can echo a script's
// answer; it leaves echo off while Ctrl-Z has stopped the process, and on after fg; it cannot be canceled; and it loops
// without end when the terminal hangs up.
func (t *Terminal) ask(ctx context.Context, prompt string, hidden bool) ([]byte, error) {
	q := &question{Terminal: t, prompt: prompt, hidden: hidden, signals: make(chan os.Signal, 8)}
	q.pasted, t.endedCR = t.endedCR && t.waitInput(0) == nil, false
	// After SIGQUIT and SIGABRT, too, Go exits without running deferred functions.
	for _, s := range []os.Signal{syscall.SIGCONT, syscall.SIGTSTP, syscall.SIGQUIT, syscall.SIGABRT} {
		if !signal.Ignored(s) { // as the parent process may wish
			signal.Notify(q.signals, s)
		}
	}
	defer signal.Stop(q.signals)
	defer q.restore()
	err := q.answer(ctx)
	if (hidden || err != nil) && !q.inBackground() {
		_ = q.write("\n") // the Enter of a hidden line was not echoed, and after Ctrl-C the shell goes on in this line
	}
	if err != nil {
		q.forget()
	}
	return q.line, err
}

func (q *question) answer(ctx context.Context) error {
	err := q.show(ctx, q.prompt)
	for complete := false; err == nil && !complete; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case s := <-q.signals:
			err = q.handle(ctx, s)
		default:
			complete, err = q.read()
		}
	}
	return err
}

func (q *question) handle(ctx context.Context, s os.Signal) error {
	if s != syscall.SIGCONT {
		q.restore()
	}
	switch s {
	case syscall.SIGQUIT, syscall.SIGABRT:
		return quit(s.(syscall.Signal))
	case syscall.SIGTSTP:
		q.stop()
	}
	return q.show(ctx, "\r"+q.prompt) // over a prompt that is still there
}

// show asks the question from the start. A process in the background stops, as it would by reading, until fg.
func (q *question) show(ctx context.Context, prompt string) error {
	for q.inBackground() {
		// "kill %1" sends the signal that ends a process and the one that continues it: wait for the first to arrive.
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(signalDelay):
		}
		if !q.stop() { // an orphaned process group is never in the foreground again (POSIX.1-2017 §11.1.4)
			return fmt.Errorf("ask from the background: %w", ErrClosed)
		}
	}
	q.forget()
	if q.found == nil {
		found, err := term.GetState(q.fd)
		if err != nil {
			return ioError("read the terminal's settings", err)
		}
		q.found = found
	}
	if err := q.setEcho(); err != nil {
		return ioError("change the terminal's settings", err)
	}
	return q.write(prompt)
}

// setEcho turns echo on or off. In both cases the kernel edits the line and turns Ctrl-C and Ctrl-Z into signals.
// Without echo CR ends a line as it is, so that CR LF differs from two times Enter; with echo the kernel would show it.
func (q *question) setEcho() error {
	mode, err := unix.IoctlGetTermios(q.fd, ioctlGetTermios)
	if err != nil {
		return err
	}
	mode.Lflag |= unix.ISIG | unix.ICANON | unix.ECHO
	mode.Iflag &^= unix.INLCR | unix.IGNCR | unix.ISTRIP
	mode.Iflag |= unix.ICRNL | unix.IUTF8 // so that backspace removes a whole character
	if q.hidden {
		mode.Lflag &^= unix.ECHO | unix.ECHONL
		mode.Iflag &^= unix.ICRNL
		mode.Cc[unix.VEOL] = '\r'
	}
	return unix.IoctlSetTermios(q.fd, ioctlSetTermios, mode)
}

// inBackground reports whether another process group, usually the shell, has the terminal and thus its settings.
func (t *Terminal) inBackground() bool {
	foreground, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	return err == nil && foreground != 0 && foreground != unix.Getpgrp()
}

// waitInput waits for input. The error is EAGAIN if there is none.
func (t *Terminal) waitInput(longest time.Duration) error {
	// select(2), because poll(2) and kqueue(2) do not work for terminals on macOS.
	var set unix.FdSet
	set.Set(t.fd)
	limit := unix.NsecToTimeval(longest.Nanoseconds())
	n, err := unix.Select(t.fd+1, &set, nil, nil, &limit)
	if err == nil && n == 0 {
		err = unix.EAGAIN
	}
	return err
}

// read waits a moment for input, adds it to the line and reports whether the line is complete.
func (q *question) read() (complete bool, err error) {
	if err := q.waitInput(pollInterval); err == unix.EAGAIN || err == unix.EINTR {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("wait for the terminal: %w", err)
	}
	if q.line == nil {
		q.line = make([]byte, 0, maxKernelLine)
	}
	n, err := unix.Read(q.fd, q.line[len(q.line):cap(q.line)])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return false, nil
	case err != nil:
		return false, ioError("read from the terminal", err)
	case n == 0:
		return false, ErrClosed
	}
	q.line = q.line[:len(q.line)+n]
	if q.pasted {
		q.pasted = false
		if string(q.line) == "\n" {
			q.forget()
			return false, nil
		}
	}
	if last := len(q.line) - 1; q.line[last] == '\n' || q.line[last] == '\r' {
		q.endedCR = q.line[last] == '\r'
		q.line, complete = q.line[:last], true
	}
	if len(q.line) > maxLine {
		return false, ErrTooLong
	}
	return complete, nil // no line end after Ctrl-D within the line
}

// forget drops what was typed before the process was stopped: the user can no longer see or remember it.
func (q *question) forget() {
	clear(q.line)
	q.line = q.line[:0]
}

// stop stops this process and reports true when it continues, false if it cannot be stopped. SIGTTIN stops it, because
// SIGTSTP does not after [signal.Notify].
func (q *question) stop() bool {
	// Ctrl-Z went to the whole process group: this signal is for this process.
	if err := unix.Kill(os.Getpid(), unix.SIGTTIN); err != nil {
		return false
	}
	for range 2 { // a timer runs while the process is stopped
		select {
		case s := <-q.signals:
			return s == syscall.SIGCONT
		case <-time.After(signalDelay):
		}
	}
	return false
}

// quit lets a signal end the process as it ends every Go program, with its stack traces.
func quit(s syscall.Signal) error {
	signal.Reset(s)
	err := unix.Kill(os.Getpid(), s)
	time.Sleep(signalDelay)
	return errors.Join(errors.New("quit"), err)
}

// restore gives the terminal the settings back that it had before the question. It leaves them alone in the background,
// where changing them would stop the process.
func (q *question) restore() {
	if q.found == nil || q.inBackground() {
		return
	}
	_ = term.Restore(q.fd, q.found) // fails if the terminal is gone
	q.found = nil
}

// ioError returns ErrClosed for a hang-up, which the kernel reports as an I/O error.
func ioError(op string, err error) error {
	if errors.Is(err, unix.EIO) {
		return ErrClosed
	}
	return fmt.Errorf("%s: %w", op, err)
}
