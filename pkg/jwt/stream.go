package jwt

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"okauth/pkg/internal/workpool"
)

const (
	// maxLine is what is read of one line, in bytes: the longest token and what may surround it. The rest of a longer
	// line is skipped.
	maxLine = MaxSize + 4<<10
	// A batch of lines is what a worker answers at a time: large enough that passing it on costs next to nothing, and
	// small enough for the processor's cache.
	batchLines, batchBytes = 16, 32 << 10
)

// Stream answers a text of many tokens, one per line: in order, side by side, in constant memory. A token that was
// wrapped over several lines is one token, with the number of its first line. A line that may be the first of several
// is answered after the next one was read.
type Stream struct {
	In  io.Reader
	Out *bufio.Writer // flushed whenever no line is waiting for its answer
	// Answer appends the answer to a line that is not empty. bad says that the line has no good token, and does not
	// end the stream; err does. Several goroutines call it at once.
	Answer  func(ctx context.Context, dst []byte, line int, token string) (answer []byte, bad, err error)
	Workers int // how many goroutines call Answer; 0 for as many as keep all processors busy
	// Hold keeps the answer to a first line that is bad until a second line comes: if none does, that answer is not
	// written.
	Hold bool
}

// Summary counts the lines that were answered.
type Summary struct {
	Count, Bad int
	FirstBad   error // what was wrong with the first bad line
	FirstLine  int   // its number, from 1
}

// Run answers every line of In that is not empty. The error is that of reading, of Answer or of writing; what was
// answered before it has been written. For a text in UTF-16 it is a [*FormatError].
//
// When ctx ends, Run returns its cause at once, without a summary; a read or a write that blocks then outlives Run.
func (s Stream) Run(ctx context.Context) (Summary, error) {
	reader := lineReader{in: bufio.NewReaderSize(s.In, 256<<10)}
	var sum Summary
	held := func() bool { return s.Hold && sum.Count == 1 && sum.Bad == 1 }
	pool := workpool.Pool[*batch]{
		// One more than processors: while one worker waits for lines, another has its processor.
		Workers: cmp.Or(s.Workers, 1+runtime.GOMAXPROCS(0)),
		Next:    reader.next,
		Work:    func(b *batch) { b.answer(ctx, s.Answer) },
		Emit: func(b *batch, idle bool) error {
			sum.add(b)
			if _, err := s.Out.Write(b.answers); err != nil {
				return err
			}
			defer reader.used.Put(b)
			if b.err != nil || idle && !held() {
				return cmp.Or(s.Out.Flush(), b.err)
			}
			return nil
		},
	}
	err := pool.Run(ctx)
	switch {
	case ctx.Err() != nil:
		return Summary{}, context.Cause(ctx)
	case err != nil || held():
		return sum, err
	}
	return sum, s.Out.Flush()
}

// batch is some lines: read, then answered, then written.
type batch struct {
	lines   []line
	answers []byte // of all lines, one after the other
	err     error  // ended the stream behind the answers
}

type line struct {
	number int
	token  string
	bad    error
}

func (b *batch) answer(ctx context.Context, answer func(context.Context, []byte, int, string) ([]byte, error, error)) {
	for i := range b.lines {
		l := &b.lines[i]
		grown, bad, err := answer(ctx, b.answers, l.number, l.token)
		if err != nil {
			b.lines, b.err = b.lines[:i], err
			return
		}
		b.answers, l.bad = grown, bad
	}
}

func (s *Summary) add(b *batch) {
	s.Count += len(b.lines)
	for _, l := range b.lines {
		if l.bad == nil {
			continue
		}
		s.Bad++
		if s.FirstBad == nil {
			s.FirstBad, s.FirstLine = l.bad, l.number
		}
	}
}

// lineReader reads lines in batches.
type lineReader struct {
	in     *bufio.Reader
	number int // of the last line
	ended  bool
	broken wrapped   // lines that may be one token
	used   sync.Pool // batches that were written
}

// next returns the lines that are there already, and waits for the first only: a program that writes a line and waits
// for its answer gets it. It returns false at the end.
func (r *lineReader) next() (*batch, bool) {
	b, ok := r.used.Get().(*batch)
	if !ok {
		b = &batch{lines: make([]line, 0, batchLines)}
	}
	b.lines, b.answers, b.err = b.lines[:0], b.answers[:0], nil
	for size := 0; !r.ended; {
		text, err := r.readLine()
		r.number++
		r.ended = err != nil
		switch {
		case r.number == 1 && isUTF16(text): // whose lines do not end at a line break's byte
			b.err, r.ended = errUTF16(), true
			return b, true
		case err != nil && err != io.EOF:
			b.err = fmt.Errorf("read the tokens: %w", err)
		}
		size += len(text)
		b.lines = r.add(b.lines, text)
		full := len(b.lines) >= batchLines || size >= batchBytes
		if some := len(b.lines) > 0 || b.err != nil; some && (r.ended || full || r.in.Buffered() == 0) {
			return b, true
		}
	}
	return nil, false
}

// add appends the tokens that are known to be whole once a line was read.
func (r *lineReader) add(lines []line, text string) []line {
	token, cut := text, len(text) >= maxLine // what follows a cut line is unknown, and it is too long as it is
	if !cut {
		text = strings.TrimSpace(text)
		token = TrimToken(text)
	}
	if r.broken.waits() && !r.broken.continues(text) {
		lines = r.broken.take(lines)
	}
	switch {
	case r.broken.waits() || !cut && beginsWrapped(token):
		r.broken.add(line{number: r.number, token: text})
	case token != "":
		lines = append(lines, line{number: r.number, token: token})
	}
	if r.broken.waits() && (r.ended || r.broken.complete()) {
		lines = r.broken.take(lines)
	}
	return lines
}

// readLine returns the next line, or as much of it as fits into maxLine.
func (r *lineReader) readLine() (string, error) {
	part, err := r.in.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return string(part[:min(len(part), maxLine)]), err
	}
	text := append(make([]byte, 0, maxLine), part[:min(len(part), maxLine)]...)
	for err == bufio.ErrBufferFull {
		part, err = r.in.ReadSlice('\n')
		text = append(text, part[:min(len(part), maxLine-len(text))]...)
	}
	return string(text), err
}
