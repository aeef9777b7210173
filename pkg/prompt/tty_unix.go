//go:build unix

package prompt

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// device is the reading side of /dev/tty. It is a file description of its own, so that O_NONBLOCK concerns nobody
// else: a read that finds its input taken by another process of the pipeline must not block where no signal is heard.
// It is waited for with select(2), the one call that works for terminals on macOS as well, where neither poll(2) nor
// kqueue(2) knows them.
type device struct {
	fd     int
	unread []byte // read too far, for the next question
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
		return nil, fmt.Errorf("%s is not a terminal that can be waited for", path)
	}
	return t, nil
}

// Close gives up the terminal device.
func (t *Terminal) Close() error {
	clear(t.unread)
	return errors.Join(unix.Close(t.fd), t.out.Close())
}

// setMode prepares the terminal for a question. With echo the kernel edits the line. Without echo it hands over every
// byte untouched, but still turns Ctrl-C and Ctrl-Z into signals (ISIG), which term.MakeRaw would not.
func (d *device) setMode(hidden bool) error {
	mode, err := unix.IoctlGetTermios(d.fd, ioctlGetTermios)
	if err != nil {
		return err
	}
	mode.Lflag |= unix.ISIG
	if hidden {
		mode.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.IEXTEN
		mode.Iflag &^= unix.ICRNL | unix.INLCR | unix.IGNCR | unix.ISTRIP
		mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	} else {
		mode.Lflag |= unix.ECHO | unix.ICANON
		mode.Iflag |= unix.ICRNL
	}
	return unix.IoctlSetTermios(d.fd, ioctlSetTermios, mode)
}

// inBackground reports whether some other process group, usually the shell, has the terminal now. Its settings are
// then not ours to touch.
func (d *device) inBackground() bool {
	foreground, err := unix.IoctlGetInt(d.fd, unix.TIOCGPGRP)
	return err == nil && foreground != 0 && foreground != unix.Getpgrp()
}

// read returns what has arrived, at most len(buf) bytes; none, without an error, if there is nothing after all.
// ErrClosed means that the terminal has gone away, or that Ctrl-D was pressed on an empty line with echo.
func (d *device) read(buf []byte) (int, error) {
	if len(d.unread) > 0 {
		n := copy(buf, d.unread)
		d.unread = d.unread[n:]
		return n, nil
	}
	n, err := unix.Read(d.fd, buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, nil
	case err == unix.EIO || err == nil && n == 0:
		return 0, ErrClosed
	case err != nil:
		return 0, fmt.Errorf("read from the terminal: %w", err)
	}
	return n, nil
}

// skipLineFeed drops the second half of a pasted CR LF, so that it does not answer the next question.
func (d *device) skipLineFeed() {
	if ready, err := wait(0, d.fd); err != nil || !ready[0] {
		return
	}
	next := make([]byte, 1)
	if n, err := d.read(next); err == nil && n == 1 && next[0] != '\n' {
		d.unread = next
	}
}

// wait blocks until one of at most two descriptors can be read, or, unless limit is negative, until limit is over.
func wait(limit time.Duration, fds ...int) (ready [2]bool, err error) {
	for {
		var set unix.FdSet
		for _, fd := range fds {
			set.Set(fd)
		}
		var timeout *unix.Timeval
		if limit >= 0 {
			tv := unix.NsecToTimeval(limit.Nanoseconds())
			timeout = &tv
		}
		_, err := unix.Select(slices.Max(fds)+1, &set, nil, nil, timeout)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return ready, fmt.Errorf("wait for the terminal: %w", err)
		}
		for i, fd := range fds {
			ready[i] = set.IsSet(fd)
		}
		return ready, nil
	}
}
