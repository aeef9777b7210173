package workpool_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"okauth/pkg/internal/workpool"
)

type number struct{ in, out int }

// numbers returns a pool that doubles the numbers below end.
func numbers(end int) workpool.Pool[*number] {
	next := 0
	return workpool.Pool[*number]{
		Workers: 4,
		Next: func() (*number, bool) {
			next++
			return &number{in: next - 1}, next <= end
		},
		Work: func(n *number) {
			for range n.in % 7 {
				runtime.Gosched()
			}
			n.out = 2 * n.in
		},
	}
}

func TestPool_KeepsOrder(t *testing.T) {
	t.Parallel()
	pool, count, idle := numbers(5000), 0, false
	pool.Emit = func(n *number, last bool) error {
		if n.in != count || n.out != 2*count {
			t.Fatalf("got %+v in place %d", *n, count)
		}
		count, idle = count+1, last
		return nil
	}
	if err := pool.Run(t.Context()); err != nil || count != 5000 || !idle {
		t.Errorf("got %d items, %v, idle %t", count, err, idle)
	}
}

func TestPool_EndsWithEmit(t *testing.T) {
	t.Parallel()
	full, count := errors.New("full"), 0
	pool := numbers(5000)
	pool.Emit = func(*number, bool) error {
		if count++; count == 10 {
			return full
		}
		return nil
	}
	if err := pool.Run(t.Context()); !errors.Is(err, full) || count != 10 {
		t.Errorf("got %v after %d items, want %v after 10", err, count, full)
	}
}

func TestPool_EndsWithContext(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped")
	for _, where := range []string{"next", "work", "emit"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		release := make(chan struct{})
		block := func(here string) {
			if here == where {
				cancel(stopped)
				<-release
			}
		}
		pool := numbers(5000)
		next, work := pool.Next, pool.Work
		pool.Next = func() (*number, bool) { block("next"); return next() }
		pool.Work = func(n *number) { block("work"); work(n) }
		pool.Emit = func(*number, bool) error { block("emit"); return nil }
		if err := pool.Run(ctx); !errors.Is(err, stopped) {
			t.Errorf("%s: got %v, want %v", where, err, stopped)
		}
		close(release)
	}
}
