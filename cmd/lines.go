package cmd

// Many tokens, one per line: answered in order, on all cores, in constant memory.

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"okauth/pkg/jwt"
)

const (
	// longestLine is what is read of one line, in bytes: the longest token and what
	// may stand around it. The rest of a longer line is skipped.
	longestLine = jwt.MaxSize + 4<<10
	// A batch of lines is what one goroutine answers at a time: enough that handing
	// it over costs next to nothing.
	batchLines, batchBytes = 64, 64 << 10
	// collectAt is how much may be allocated between two collections, in percent of
	// what is alive: some 20 MiB.
	collectAt = 400
)

// answerer appends the answer to one line that holds text. bad says that the token
// is none, or not what it should be, which is an answer and no end; fatal ends the
// stream.
type answerer func(ctx context.Context, dst []byte, line int, text string) (answer []byte, bad, fatal error)

// tally is what became of a stream.
type tally struct {
	count, bad int
	first      error // what was wrong with the first bad one
	firstLine  int
}

// conclude is the error of a stream that command has read to its end: bad says what
// its bad tokens are, "are not valid".
func (t tally) conclude(command, bad string) error {
	switch {
	case t.count == 0:
		return nothingOnStdin(command)
	case t.count == 1 && t.bad == 1:
		return t.first
	case t.bad > 0:
		return &codedError{err: fmt.Errorf("%d of %d tokens %s; the first: line %d: %w", t.bad, t.count, bad, t.firstLine, t.first), code: exitInvalidToken}
	}
	return nil
}

// stream answers the lines of in.
type stream struct {
	in      io.Reader
	out     *bufio.Writer
	answer  answerer
	workers int
	// own makes an answerer for each worker, where one has memory that two cannot share: instead of answer.
	own func() answerer
	// hold keeps the answer to a first line that is bad until there is a second: it
	// may turn out to be the only one, which is not answered but an error.
	hold bool
}

// batch is some lines on their way: read, answered by one of the workers, written.
type batch struct {
	text    []byte // of the lines while they are read
	lines   []line
	answers []byte        // of all lines, one after the other
	fatal   error         // ended the stream behind the answers
	ready   chan struct{} // gets one value when the answers are there
}

type line struct {
	number     int
	start, end int // in batch.text
	text       string
	bad        error
}

// run answers every line that is not empty. Whoever writes a line and waits gets
// its answer at once. out is flushed, but for an answer that is held.
//
// A reader of in that blocks outlives run where run ends early; okauth ends then.
func (s stream) run(ctx context.Context) (tally, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	waiting := make(chan *batch, 4*s.workers) // for a worker
	ordered := make(chan *batch, 4*s.workers) // what is in memory at a time
	spare := make(chan *batch, 4*s.workers)   // written, to be filled again
	failed := make(chan error, 1)
	// What is alive is a few batches, so that the collector would run every few
	// milliseconds: that was a sixth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	go func() {
		defer close(ordered)
		defer close(waiting)
		failed <- s.read(ctx, waiting, ordered, spare)
	}()
	for range s.workers {
		answer := s.answer
		if s.own != nil {
			answer = s.own()
		}
		go func() {
			for b := range waiting {
				b.answerAll(ctx, answer)
			}
		}()
	}
	var t tally
	for {
		b, err := following(ctx, ordered)
		if err != nil {
			return t, err
		}
		if b == nil {
			break
		}
		if err := s.write(&t, b); err != nil {
			return t, err
		}
		select {
		case spare <- b:
		default:
		}
		if len(ordered) == 0 && !s.held(t) {
			if err := s.out.Flush(); err != nil {
				return t, err
			}
		}
	}
	if err := <-failed; err != nil {
		return t, cmp.Or(s.out.Flush(), fmt.Errorf("read standard input: %w", err))
	}
	if s.held(t) {
		return t, nil
	}
	return t, s.out.Flush()
}

// following returns the next batch, answered; nil where there is none any more.
func following(ctx context.Context, ordered <-chan *batch) (*batch, error) {
	select {
	case b, ok := <-ordered:
		if !ok {
			return nil, nil
		}
		select {
		case <-b.ready:
			return b, nil
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return nil, context.Cause(ctx)
}

func (s stream) held(t tally) bool { return s.hold && t.count == 1 && t.bad == 1 }

// write writes the answers of a batch and counts them.
func (s stream) write(t *tally, b *batch) error {
	for _, l := range b.lines {
		t.count++
		if l.bad != nil {
			t.bad++
			if t.first == nil {
				t.first, t.firstLine = l.bad, l.number
			}
		}
	}
	if _, err := s.out.Write(b.answers); err != nil {
		return err
	}
	if b.fatal != nil {
		return cmp.Or(s.out.Flush(), b.fatal)
	}
	return nil
}

// read hands out batches until the input ends. A batch ends, too, where the next
// line is not there yet.
func (s stream) read(ctx context.Context, waiting, ordered chan<- *batch, spare <-chan *batch) error {
	in := bufio.NewReaderSize(s.in, 256<<10)
	filling := newBatch(spare)
	for number := 1; ; number++ {
		start := len(filling.text)
		var err error
		filling.text, err = readLine(in, filling.text, start+longestLine)
		filling.lines = append(filling.lines, line{number: number, start: start, end: len(filling.text)})
		if err != nil || len(filling.lines) == batchLines || len(filling.text) >= batchBytes || in.Buffered() == 0 {
			filling.cut()
			if len(filling.lines) > 0 {
				for _, to := range []chan<- *batch{ordered, waiting} { // in this order: what a worker has is in memory
					select {
					case to <- filling:
					case <-ctx.Done():
						return nil // whoever cancelled knows why
					}
				}
				filling = newBatch(spare)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// cut makes one string of what was read, the lines pieces of it, and leaves out
// those that are empty.
func (b *batch) cut() {
	whole, used := string(b.text), b.lines[:0]
	for _, l := range b.lines {
		l.text = whole[l.start:l.end]
		if len(l.text) < longestLine { // else it was cut, and what stands at its end is not known: it is too long as it is
			l.text = jwt.Clean(l.text)
		}
		if l.text != "" {
			used = append(used, l)
		}
	}
	b.lines, b.text = used, b.text[:0]
}

// newBatch returns an empty batch, made of a spare one if there is any.
func newBatch(spare <-chan *batch) *batch {
	select {
	case b := <-spare:
		b.lines, b.answers, b.fatal = b.lines[:0], b.answers[:0], nil
		return b
	default:
		return &batch{lines: make([]line, 0, batchLines), ready: make(chan struct{}, 1)}
	}
}

// answerAll answers the lines of a batch, up to a fatal one.
func (b *batch) answerAll(ctx context.Context, answer answerer) {
	defer func() { b.ready <- struct{}{} }()
	for i := range b.lines {
		l := &b.lines[i]
		var grown []byte
		grown, l.bad, b.fatal = answer(ctx, b.answers, l.number, l.text)
		if b.fatal != nil {
			b.lines = b.lines[:i]
			return
		}
		b.answers = grown
	}
}

// readLine appends the next line to dst, or as much of it as makes dst most bytes long.
func readLine(in *bufio.Reader, dst []byte, most int) ([]byte, error) {
	for {
		part, err := in.ReadSlice('\n')
		dst = append(dst, part[:min(len(part), most-len(dst))]...)
		if err != bufio.ErrBufferFull {
			return dst, err
		}
	}
}
