package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// SignalError is the cause of a context that a signal ended. The exit code is 128 plus the signal's number.
type SignalError struct{ Signal syscall.Signal }

func (e SignalError) Error() string { return "ended by signal: " + e.Signal.String() }

// secondSignalAfter is how long after the first signal others are still caught. It leaves time to restore the echo of a
// terminal when Ctrl-C arrives twice at once.
const secondSignalAfter = time.Second

// Signals returns a context that ends with a [SignalError] as its cause when a signal stops the process. The first
// signal is caught; one that comes more than a second later kills.
//
// Commands that must clean up call it through [Env]: to restore the echo of a terminal, remove a temporary file, cancel
// a request. All others die of the signal as any program does; catching it would cost "okauth token" about a hundred
// system calls.
func Signals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	caught := make(chan os.Signal, 1)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // nohup(1) and background jobs ask for this
			signal.Notify(caught, s)
		}
	}
	go func() {
		if s, ok := (<-caught).(syscall.Signal); ok {
			cancel(SignalError{s})
			time.AfterFunc(secondSignalAfter, func() { signal.Stop(caught) })
		}
	}()
	return ctx, sync.OnceFunc(func() { signal.Stop(caught); close(caught); cancel(nil) })
}
