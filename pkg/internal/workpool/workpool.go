// Package workpool works on a stream of items side by side and hands them on in their order.
package workpool

import "context"

// ahead is how many items per worker may wait behind one that takes longer.
const ahead = 4

// Pool says how to read, work on and hand on items. An item is a pointer, or something else that Work can change.
type Pool[T any] struct {
	Workers int
	Next    func() (item T, ok bool)            // the next item; false at the end
	Work    func(item T)                        // called by several goroutines at once
	Emit    func(item T, idle bool) (err error) // called for each item in order; idle: no other item is waiting
}

// Run reads, works on and emits items until the last one, or until Emit fails, and returns the error of Emit. The
// number of items between Next and Emit is bounded.
//
// When ctx ends, Run returns its cause at once. A call of Next, Work or Emit that blocks then outlives Run.
func (p Pool[T]) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type job struct {
		item T
		done chan struct{}
	}
	jobs, inOrder := make(chan job, p.Workers), make(chan job, ahead*p.Workers)
	go func() {
		defer close(inOrder)
		defer close(jobs)
		for item, ok := p.Next(); ok && ctx.Err() == nil; item, ok = p.Next() {
			j := job{item, make(chan struct{})}
			for _, to := range [...]chan<- job{inOrder, jobs} {
				select {
				case to <- j:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	for range p.Workers {
		go func() {
			for j := range jobs {
				p.Work(j.item)
				close(j.done)
			}
		}()
	}
	emitted := make(chan error, 1)
	go func() {
		for j := range inOrder {
			select {
			case <-j.done:
			case <-ctx.Done():
			}
			if err := context.Cause(ctx); err != nil {
				emitted <- err
				return
			}
			if err := p.Emit(j.item, len(inOrder) == 0); err != nil {
				emitted <- err
				return
			}
		}
		emitted <- nil
	}()
	select {
	case err := <-emitted:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
