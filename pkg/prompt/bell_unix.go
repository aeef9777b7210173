//go:build unix

package prompt

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// bell wakes a question that waits in select(2): for a signal that stops or continues the process, and for the end of
// the context. One end is a pipe to wait for, the other a goroutine that rings it.
type bell struct {
	r, w    *os.File
	signals chan os.Signal
	quit    chan struct{}
	gone    chan struct{}
}

func newBell(ctx context.Context) (*bell, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	b := &bell{r: r, w: w, signals: make(chan os.Signal, 8), quit: make(chan struct{}), gone: make(chan struct{})}
	if b.fd() >= unix.FD_SETSIZE {
		return nil, errors.Join(errors.New("too many open files"), r.Close(), w.Close())
	}
	b.listen()
	go b.ring(ctx)
	return b, nil
}

// listen asks for the signals that stop and continue a process, and for SIGQUIT (Ctrl-\), after which Go prints its
// stacks and exits without a defer having run. Whoever started us with a signal ignored wants it to stay so.
func (b *bell) listen() {
	signal.Notify(b.signals, syscall.SIGCONT)
	for _, s := range []os.Signal{syscall.SIGTSTP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signal.Notify(b.signals, s)
		}
	}
}

func (b *bell) ring(ctx context.Context) {
	defer close(b.gone)
	for {
		select {
		case s := <-b.signals:
			number, ok := s.(syscall.Signal)
			if !ok {
				continue
			}
			// A full pipe has woken the reader already.
			_, _ = b.w.Write([]byte{byte(number)})
		case <-ctx.Done():
			_ = b.w.Close()
			return
		case <-b.quit:
			return
		}
	}
}

// fd is readable when the bell has rung, and for good when the context is done.
func (b *bell) fd() int { return int(b.r.Fd()) }

// rung returns the signal that rang, 0 for the end of the context.
func (b *bell) rung() syscall.Signal {
	var number [1]byte
	if n, err := b.r.Read(number[:]); err != nil || n == 0 {
		return 0
	}
	return syscall.Signal(number[0])
}

func (b *bell) close() {
	signal.Stop(b.signals)
	close(b.quit)
	<-b.gone
	_ = b.r.Close()
	_ = b.w.Close()
}
