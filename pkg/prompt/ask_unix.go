//go:build unix

package prompt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// question is one question being asked, from the first byte of its prompt to the terminal being given back.
type question struct {
	terminal *Terminal
	prompt   string
	hidden   bool
	bell     *bell
	found    *term.State // how the terminal was, nil while it is as it was
	editor   editor
}

// ask shows prompt and returns the line typed, without its end. It hands back the terminal on every way out.
func (t *Terminal) ask(ctx context.Context, prompt string, hidden bool) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	bell, err := newBell(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for the terminal: %w", err)
	}
	defer bell.close()
	q := &question{terminal: t, prompt: prompt, hidden: hidden, bell: bell}
	defer q.giveBack()
	line, err := q.answer(ctx)
	if err != nil {
		q.editor.restart()
	}
	// The Enter of a hidden line was not echoed; after an interrupted one the shell would go on in the same line.
	if hidden || err != nil {
		q.newline()
	}
	return line, err
}

func (q *question) answer(ctx context.Context) ([]byte, error) {
	if err := q.begin(ctx, q.prompt); err != nil {
		return nil, err
	}
	again := "\r" + q.prompt // over the one that is still there if nothing was stopped
	for {
		input, rung, err := q.next()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			return nil, err
		case rung == syscall.SIGCONT:
			err = q.begin(ctx, again)
		case rung == syscall.SIGTSTP:
			q.giveBack()
			q.stop()
			err = q.begin(ctx, again)
		case rung == syscall.SIGQUIT:
			q.giveBack()
			return nil, q.quit()
		case input:
			done, err := q.take()
			if err != nil || done {
				return q.editor.line, err
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// next waits for something to read, or for a signal. Neither means that the context is done.
func (q *question) next() (input bool, rung syscall.Signal, err error) {
	if len(q.terminal.unread) > 0 {
		return true, 0, nil
	}
	ready, err := wait(-1, q.terminal.fd, q.bell.fd())
	if err != nil {
		return false, 0, err
	}
	if ready[1] {
		return false, q.bell.rung(), nil
	}
	return ready[0], 0, nil
}

// begin asks from the start: what was typed before a stop is forgotten here as the kernel has forgotten it, and as
// the person can no longer see. A process in the background stops, as it would by reading, until it is in front.
func (q *question) begin(ctx context.Context, prompt string) error {
	for tries := 0; q.terminal.inBackground(); {
		// A signal to end comes together with the one to continue (kill %1), and a stopped process would not hear it.
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(patience):
		}
		// Three, because a signal that came while the patience of stop ran out looks like none. Nobody can bring an
		// orphaned process group to the front: it is never stopped, and its reads fail at once (POSIX.1-2017 §11.1.4).
		if tries++; tries > 3 {
			return fmt.Errorf("ask from the background: %w", ErrClosed)
		}
		if q.stop() {
			tries = 0
		}
	}
	q.editor.restart()
	if q.found == nil {
		found, err := term.GetState(q.terminal.fd)
		if err != nil {
			return closedOr("read the terminal's settings", err)
		}
		q.found = found
	}
	if err := q.terminal.setMode(q.hidden); err != nil {
		return closedOr("change the terminal's settings", err)
	}
	return q.terminal.write(prompt)
}

// take reads what has arrived and reports whether the line is complete. A hidden line is read byte by byte, so that
// what was typed ahead stays in the kernel for the next question.
func (q *question) take() (done bool, err error) {
	if !q.hidden {
		return q.takeLine()
	}
	var key [1]byte
	n, err := q.terminal.read(key[:])
	if err != nil || n == 0 {
		return false, err
	}
	done, err = q.editor.key(key[0])
	if done && key[0] == '\r' {
		q.terminal.skipLineFeed()
	}
	return done, err
}

func (q *question) takeLine() (done bool, err error) {
	// The kernel gives out one line at a time, in parts if the buffer is smaller; but all at once what was typed ahead
	// at a hidden question, and with the Enter key still a carriage return.
	var buf [256]byte
	n, err := q.terminal.read(buf[:])
	if err != nil {
		return false, err
	}
	for i, b := range buf[:n] {
		if done, err := q.editor.echoed(b); done || err != nil {
			rest := buf[i+1 : n]
			if b == '\r' {
				rest = bytes.TrimPrefix(rest, []byte{'\n'})
			}
			q.terminal.unread = append(bytes.Clone(rest), q.terminal.unread...)
			return done, err
		}
	}
	return false, nil
}

// patience is how long a signal may take to have its effect: to stop this process and be followed by SIGCONT, before
// stop takes it for ignored; to end the context, before a process in the background stops.
const patience = 200 * time.Millisecond

// stop stops this process and returns when it is told to continue. It reports false if it was not stopped, as in an
// orphaned process group. SIGTTIN stops as SIGTSTP does, and after [signal.Notify] SIGTSTP no longer stops: not even
// [signal.Reset] removes Go's handler for it.
func (q *question) stop() bool {
	// To this process alone: the terminal has sent Ctrl-Z to the whole group already.
	if err := unix.Kill(os.Getpid(), unix.SIGTTIN); err != nil {
		return false
	}
	ready, err := wait(patience, q.bell.fd())
	return err == nil && ready[0] && q.bell.rung() == syscall.SIGCONT
}

// quit lets SIGQUIT end the process as Go does it, with its stacks.
func (q *question) quit() error {
	signal.Reset(syscall.SIGQUIT)
	if err := unix.Kill(os.Getpid(), unix.SIGQUIT); err != nil {
		return fmt.Errorf("quit: %w", err)
	}
	_, err := wait(patience)
	return errors.Join(errors.New("quit"), err)
}

// giveBack leaves the terminal as it was found. In the background it belongs to somebody else by now, and a process
// that changes it is stopped for that.
func (q *question) giveBack() {
	if q.found == nil || q.terminal.inBackground() {
		return
	}
	// An error means that the terminal is gone: nothing is left to restore.
	_ = term.Restore(q.terminal.fd, q.found)
	q.found = nil
}

func (q *question) newline() {
	if !q.terminal.inBackground() {
		_ = q.terminal.write("\n") // nobody is there to see it fail
	}
}

// closedOr names a hang-up, which the kernel reports as an I/O error, for what it is.
func closedOr(doing string, err error) error {
	if errors.Is(err, unix.EIO) {
		return ErrClosed
	}
	return fmt.Errorf("%s: %w", doing, err)
}
