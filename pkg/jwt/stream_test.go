package jwt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

// echo answers a line with itself; what begins with "bad" is bad, "fatal" ends the stream.
func echo(_ context.Context, dst []byte, line int, text string) ([]byte, error, error) {
	switch {
	case strings.HasPrefix(text, "bad"):
		return fmt.Appendf(dst, "%d: %s\n", line, text), errors.New(text), nil
	case strings.HasPrefix(text, "fatal"):
		return nil, nil, errors.New(text)
	}
	return fmt.Appendf(dst, "%d: %s\n", line, text), nil, nil
}

type answerer = func(ctx context.Context, dst []byte, line int, text string) ([]byte, error, error)

func newStream(in io.Reader, out io.Writer, answer answerer) Stream {
	return Stream{In: in, Out: bufio.NewWriter(out), Answer: answer, Workers: 4}
}

func TestStream(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in, out string
		hold          bool
		sum           Summary
		err           string
	}{
		{name: "nothing", in: "\n \n\t\n"},
		{name: "no newline at the end", in: "a\n\nb", out: "1: a\n3: b\n", sum: Summary{Count: 2}},
		{name: "one bad", in: "bad1\n", out: "1: bad1\n", sum: Summary{Count: 1, Bad: 1, FirstLine: 1}},
		{name: "one bad, held", in: "\nbad1\n", hold: true, sum: Summary{Count: 1, Bad: 1, FirstLine: 2}},
		{name: "bad among good", in: "bad1\na\nbad2\n", hold: true, out: "1: bad1\n2: a\n3: bad2\n", sum: Summary{Count: 3, Bad: 2, FirstLine: 1}},
		{name: "fatal", in: "a\nfatal\nb\n", out: "1: a\n", sum: Summary{Count: 1}, err: "fatal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			s := newStream(strings.NewReader(test.in), &out, echo)
			s.Hold = test.hold
			got, err := s.Run(t.Context())
			got.FirstBad = nil
			if got != test.sum || out.String() != test.out {
				t.Errorf("got %+v and %q, want %+v and %q", got, out.String(), test.sum, test.out)
			}
			if text := fmt.Sprint(err); err == nil && test.err != "" || err != nil && text != test.err {
				t.Errorf("got error %v, want %q", err, test.err)
			}
		})
	}
}

// What is answered already when an earlier line ends the stream is not written behind it.
func TestStreamEndsWhereItIsFatal(t *testing.T) {
	t.Parallel()
	const before = 3*batchLines + 1
	var in, want strings.Builder
	for i := range 50 * batchLines {
		text := "x"
		if i == before {
			text = "fatal"
		}
		fmt.Fprintln(&in, text)
		if i < before {
			fmt.Fprintf(&want, "%d: x\n", i+1)
		}
	}
	var later atomic.Int64
	waits := func(ctx context.Context, dst []byte, line int, text string) ([]byte, error, error) {
		if line > 4*batchLines {
			later.Add(1)
		}
		for text == "fatal" && later.Load() < 2*batchLines {
			runtime.Gosched()
		}
		return echo(ctx, dst, line, text)
	}
	var out bytes.Buffer
	got, err := newStream(strings.NewReader(in.String()), &out, waits).Run(t.Context())
	if err == nil || err.Error() != "fatal" || got.Count != before || out.String() != want.String() {
		t.Errorf("got %+v, %v and %d bytes, want %d answers and %d bytes", got, err, out.Len(), before, want.Len())
	}
}

// A reader that breaks is an error, after the answers to what it gave.
func TestStreamBreaks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	broken := io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(errors.New("the disk is gone")))
	got, err := newStream(broken, &out, echo).Run(t.Context())
	if err == nil || err.Error() != "read the tokens: the disk is gone" || got.Count != 2 || out.String() != "1: a\n2: b\n" {
		t.Errorf("got %+v, %v, %q", got, err, out.String())
	}
}

// Answers come in the order of the lines, whichever worker is first.
func TestStreamKeepsOrder(t *testing.T) {
	t.Parallel()
	const lines = 20_000
	var in, want strings.Builder
	for i := range lines {
		fmt.Fprintf(&in, "token-%d\n", i)
		fmt.Fprintf(&want, "%d: token-%d\n", i+1, i)
	}
	var out bytes.Buffer
	uneven := func(ctx context.Context, dst []byte, line int, text string) ([]byte, error, error) {
		for range line % 7 {
			runtime.Gosched()
		}
		return echo(ctx, dst, line, text)
	}
	if _, err := newStream(strings.NewReader(in.String()), &out, uneven).Run(t.Context()); err != nil || out.String() != want.String() {
		t.Errorf("the answers are not in order (%v)", err)
	}
}

// A program that writes a line and waits gets the answer before writing the next.
func TestStreamAnswersAtOnce(t *testing.T) {
	t.Parallel()
	stdin, write := io.Pipe()
	read, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := newStream(stdin, stdout, echo).Run(context.Background())
		stdout.Close()
		ended <- err
	}()
	answers := bufio.NewReader(read)
	for i := range 5 {
		fmt.Fprintf(write, "token-%d\n", i)
		if got, err := answers.ReadString('\n'); err != nil || got != fmt.Sprintf("%d: token-%d\n", i+1, i) {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	write.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// AT-48: what is read ahead is bounded, however long the stream and however slow
// the reader of the answers.
func TestAT48_StreamInConstantMemory(t *testing.T) {
	t.Parallel()
	endless := &counter{text: strings.Repeat("x", 1000) + "\n"}
	var answered atomic.Int64
	blocked := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := newStream(endless, blockedWriter{blocked, ctx}, func(ctx context.Context, dst []byte, line int, text string) ([]byte, error, error) {
			answered.Add(1)
			return echo(ctx, dst, line, text)
		}).Run(ctx)
		ended <- err
	}()
	<-blocked // the writer has been called and does not come back
	for before := int64(-1); before != answered.Load(); {
		before = answered.Load()
		for range 1000 {
			runtime.Gosched()
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a stream whose writer failed ended well")
	}
	if most := int64(24 * batchLines); answered.Load() > most {
		t.Errorf("%d lines are in memory, want at most %d", answered.Load(), most)
	}
}

// AT-48: one line that takes long, whose issuer is asked for a key perhaps, does not let the others pile up behind it.
func TestAT48_StreamWaitsForASlowLine(t *testing.T) {
	t.Parallel()
	const lines = 1000 * batchLines
	var answered atomic.Int64
	release := make(chan struct{})
	var out bytes.Buffer
	s := newStream(io.LimitReader(&counter{text: "x\n"}, 2*lines), &out, func(ctx context.Context, dst []byte, line int, text string) ([]byte, error, error) {
		if line == 1 {
			<-release
		}
		answered.Add(1)
		return echo(ctx, dst, line, text)
	})
	go func() {
		defer close(release)
		for before := int64(-1); before != answered.Load() || before == 0; {
			before = answered.Load()
			for range 1000 {
				runtime.Gosched()
			}
		}
		if most := int64(5 * s.Workers * batchLines); answered.Load() > most {
			t.Errorf("%d lines were answered before the first one, want at most %d", answered.Load(), most)
		}
	}()
	got, err := s.Run(t.Context())
	if err != nil || got.Count != lines || strings.Count(out.String(), "\n") != lines || !strings.HasPrefix(out.String(), "1: x\n2: x\n") {
		t.Errorf("got %+v, %v", got, err)
	}
}

type counter struct{ text string }

func (c *counter) Read(p []byte) (int, error) {
	n := 0
	for n == 0 || len(p)-n >= len(c.text) {
		n += copy(p[n:], c.text)
	}
	return n, nil
}

type blockedWriter struct {
	called chan struct{}
	ctx    context.Context
}

func (w blockedWriter) Write([]byte) (int, error) {
	close(w.called)
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

// AT-48: a line that is longer than any token is never taken for what it begins with, and always answered.
func TestAT48_LongLines(t *testing.T) {
	t.Parallel()
	blank := strings.Repeat(" ", maxLine)
	in := "a" + blank + "b\n" + blank + "c\nd\n"
	var lengths []int
	var out bytes.Buffer
	s := newStream(strings.NewReader(in), &out, func(_ context.Context, dst []byte, _ int, text string) ([]byte, error, error) {
		lengths = append(lengths, len(text))
		return append(dst, '\n'), nil, nil
	})
	s.Workers = 1
	if got, err := s.Run(t.Context()); err != nil || got.Count != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if want := []int{maxLine, maxLine, 1}; !slices.Equal(lengths, want) {
		t.Errorf("got lines of %d bytes, want %d", lengths, want)
	}
}

// A stream that ends with its context does not wait for a silent input.
func TestStreamEndsWithItsContext(t *testing.T) {
	t.Parallel()
	silent, write := io.Pipe()
	defer write.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	asked := readerFunc(func(p []byte) (int, error) {
		cancel(stopped)
		return silent.Read(p)
	})
	if _, err := newStream(asked, io.Discard, echo).Run(ctx); !errors.Is(err, stopped) {
		t.Errorf("got %v, want %v", err, stopped)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
