package cmd

// Many tokens, one per line: answered in order, on all cores, in constant memory.

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
)

const (
	// longestLine is what is read of one line, in bytes: the longest token and what
	// may stand around it. The rest of a longer line is skipped.
	longestLine = jwt.MaxSize + 4<<10
	// A batch of lines is what one goroutine answers at a time: enough that taking
	// turns costs next to nothing, and little enough for the processor's cache.
	batchLines, batchBytes = 16, 32 << 10
	// ahead is how many batches of each worker may wait for one that takes longer.
	ahead = 4
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
		err := fmt.Errorf("%d of %d tokens %s; the first: line %d: %w", t.bad, t.count, bad, t.firstLine, t.first)
		return &cli.ExitError{Err: err, Code: cli.ExitInvalidToken, Advice: cli.Hint(t.first)}
	}
	return nil
}

// stream answers the lines of in.
type stream struct {
	in      io.Reader
	out     *bufio.Writer
	answer  answerer
	workers int
	// hold keeps the answer to a first line that is bad until there is a second: it
	// may turn out to be the only one, which is not answered but an error.
	hold bool
}

// batch is some lines on their way: read, answered and written.
type batch struct {
	turn    int    // the batches are written in the order of their turns
	text    []byte // of the lines while they are read
	lines   []line
	answers []byte // of all lines, one after the other
	fatal   error  // ended the stream behind the answers
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
// Workers take turns at reading, answer side by side, and take turns at writing:
// nothing is handed from one to another, which would wake and wait for threads.
//
// A reader of in that blocks outlives run where run ends early, and so does a
// writer of out; okauth ends then.
func (s stream) run(ctx context.Context) (tally, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// What is alive is a few batches, so that the collector would run every few
	// milliseconds: that was a sixth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	in := &source{in: bufio.NewReaderSize(s.in, 256<<10)}
	out := &sink{stream: s, source: in, done: make(map[int]*batch)}
	out.moved.L = &out.mu
	context.AfterFunc(ctx, out.stop) // at the latest when run ends
	ended := make(chan error, s.workers)
	for range s.workers {
		go func() { ended <- s.work(ctx, in, out) }()
	}
	for range s.workers {
		select {
		case err := <-ended:
			if err != nil && ctx.Err() == nil {
				return out.count(), err
			}
		case <-ctx.Done():
		}
		if ctx.Err() != nil { // without the tally: a writer that blocks holds its lock
			return tally{}, context.Cause(ctx)
		}
	}
	t := out.count()
	if s.held(t) {
		return t, nil
	}
	return t, s.out.Flush()
}

func (s stream) held(t tally) bool { return s.hold && t.count == 1 && t.bad == 1 }

// work answers batches until there are no more, or the stream has ended otherwise.
func (s stream) work(ctx context.Context, in *source, out *sink) error {
	b := &batch{lines: make([]line, 0, batchLines)}
	for ctx.Err() == nil && in.fill(b) {
		b.answerAll(ctx, s.answer)
		var err error
		if b, err = out.put(ctx, b); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// source is where the workers get their lines, one worker at a time.
type source struct {
	mu     sync.Mutex
	in     *bufio.Reader
	number int          // of the last line
	ended  bool         // the input has, or broke
	taken  atomic.Int64 // how many batches have been given a turn
}

// fill puts the next lines into b, as many as are there already: it waits for the
// first only. It returns false where there are none any more.
func (s *source) fill(b *batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.lines, b.answers, b.fatal = b.lines[:0], b.answers[:0], nil
	for !s.ended {
		s.number++
		start := len(b.text)
		var err error
		b.text, err = readLine(s.in, b.text, start+longestLine)
		b.lines = append(b.lines, line{number: s.number, start: start, end: len(b.text)})
		s.ended = err != nil
		if err != nil && err != io.EOF {
			b.fatal = fmt.Errorf("read standard input: %w", err)
		}
		if s.ended || len(b.lines) == batchLines || len(b.text) >= batchBytes || s.in.Buffered() == 0 {
			if b.cut(); len(b.lines) > 0 || b.fatal != nil {
				b.turn = int(s.taken.Add(1)) - 1
				return true
			}
		}
	}
	return false
}

// cut makes one string of what was read, the lines pieces of it, and leaves out
// those that are empty.
func (b *batch) cut() {
	whole, used := string(b.text), b.lines[:0]
	for _, l := range b.lines {
		l.text = whole[l.start:l.end]
		if len(l.text) < longestLine { // else it was cut, and what stands at its end is not known: it is too long as it is
			l.text = jwt.TrimToken(l.text)
		}
		if l.text != "" {
			used = append(used, l)
		}
	}
	b.lines, b.text = used, b.text[:0]
}

// answerAll answers the lines of a batch, up to a fatal one.
func (b *batch) answerAll(ctx context.Context, answer answerer) {
	for i := range b.lines {
		l := &b.lines[i]
		grown, bad, fatal := answer(ctx, b.answers, l.number, l.text)
		if fatal != nil {
			b.lines, b.fatal = b.lines[:i], fatal
			return
		}
		b.answers, l.bad = grown, bad
	}
}

// sink is where the answers go, in the order of the turns.
type sink struct {
	stream stream
	source *source // which tells when all that was read has been written

	mu    sync.Mutex
	moved sync.Cond      // next has changed, or the stream has ended
	next  int            // whose turn it is
	done  map[int]*batch // answered before their turn
	spare []*batch
	tally tally
	ended error // why nothing is written any more
}

// put writes b if its turn has come, and those that waited for that; else b waits.
// It returns a batch to fill. The error is why the stream has ended.
func (s *sink) put(ctx context.Context, b *batch) (*batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = cmp.Or(s.ended, ctx.Err())
	turn := b.turn
	s.done[turn] = b
	for due := s.done[s.next]; due != nil && s.ended == nil; due = s.done[s.next] {
		delete(s.done, s.next)
		s.next++
		s.ended = s.write(due)
		s.spare = append(s.spare, due)
		s.moved.Broadcast()
	}
	// Nobody is at work any more: whoever gave the last line may be waiting for its answer.
	if s.ended == nil && int64(s.next) == s.source.taken.Load() && !s.stream.held(s.tally) {
		s.ended = s.stream.out.Flush()
	}
	for s.ended == nil && turn-s.next >= ahead*s.stream.workers {
		s.moved.Wait()
	}
	if s.ended != nil || len(s.spare) == 0 {
		return &batch{lines: make([]line, 0, batchLines)}, s.ended
	}
	last := len(s.spare) - 1
	b, s.spare = s.spare[last], s.spare[:last]
	return b, nil
}

// write writes the answers of a batch and counts them.
func (s *sink) write(b *batch) error {
	t := &s.tally
	for _, l := range b.lines {
		t.count++
		if l.bad != nil {
			t.bad++
			if t.first == nil {
				t.first, t.firstLine = l.bad, l.number
			}
		}
	}
	if _, err := s.stream.out.Write(b.answers); err != nil {
		return err
	}
	if b.fatal != nil {
		return cmp.Or(s.stream.out.Flush(), b.fatal)
	}
	return nil
}

func (s *sink) count() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally
}

// stop lets nobody write or wait any more.
func (s *sink) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = cmp.Or(s.ended, context.Canceled)
	s.moved.Broadcast()
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
