package cmd

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"okauth/pkg/jwt"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

// longestLine is what "decode" reads of one line, in bytes: the longest token
// and what may stand around it. The rest of a longer line is skipped.
const longestLine = jwt.MaxSize + 4<<10

type decodeOptions struct {
	env     *Env
	session sessionFlags
	kind    kindFlag
	output  string
	text    bool // for people, not for programs
	cached  bool // --type was given: the cached token is meant, whatever stdin is
}

func newDecodeCmd(env *Env, global *globalFlags) *cobra.Command {
	o := &decodeOptions{env: env, session: sessionFlags{globalFlags: global}}
	c := &cobra.Command{
		Use:   "decode [TOKEN]",
		Short: "Show what is inside a token, without verifying it",
		Long: `Show the header and the claims of a token: of the argument, else of each line of
standard input, else of the cached token (always with --type). Nothing is
verified: anybody could have written what you see.

People on a terminal get text, programs get one JSON document per token:

  {"header":{…},"claims":{…},"verified":false}

Numbers keep every digit and claims their order. Among several lines, one that
is no token is answered by {"error":{…}}, and the exit code is 7; a single one
that is none is an error, and nothing is printed. An argument stays in your
shell's history; standard input does not.`,
		Example: `  okauth decode
  okauth decode --type id -o json | jq .claims.sub
  pbpaste | okauth decode
  okauth decode -o json < tokens.txt`,
		Args: argsBetween(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			o.cached = c.Flags().Changed("type")
			return o.run(c.Context(), args)
		},
	}
	o.session.addFlags(c)
	o.kind.addFlag(c, session.Access, session.ID)
	enumFlag(c, &o.output, "output", "o", "auto", []string{"auto", "text", "json"}, "how to print it; auto is text on a terminal")
	return c
}

func (o *decodeOptions) run(ctx context.Context, args []string) error {
	o.text = o.output == "text" || o.output == "auto" && o.env.StdoutIsTTY
	switch {
	case len(args) == 1 && args[0] != "-":
		if o.env.StderrIsTTY && o.text {
			fmt.Fprintln(o.env.Stderr, "okauth: note: a token given as an argument stays in your shell's history; standard input does not keep it")
		}
		return o.one(args[0])
	case len(args) == 1, o.env.StdinIsPipe && !o.cached:
		return o.stream(ctx)
	}
	return o.fromSession(ctx)
}

func (o *decodeOptions) fromSession(ctx context.Context) error {
	a, kept, want, err := o.session.find(o.env, o.kind)
	if err != nil {
		return err
	}
	token, err := kept.keeper(o.env).Stored(ctx, want)
	if err != nil {
		return a.loginAdvice(ctx, kept, err)
	}
	return o.one(token.Value.Reveal())
}

// one decodes a single token; when it is none, nothing is printed.
func (o *decodeOptions) one(text string) error {
	token, err := jwt.Parse(jwt.Clean(text))
	if err != nil {
		return err
	}
	if err := o.write(o.env.Stdout, token); err != nil {
		return err
	}
	if token.Unsecured() {
		fmt.Fprintln(o.env.Stderr, "okauth: note: "+output.Unsecured)
	}
	o.sayUnverified()
	return nil
}

// stream decodes each line of standard input. A line that is no token is an
// answer, not an end; only a stream that holds nothing else is an error.
func (o *decodeOptions) stream(ctx context.Context) error {
	if o.env.StdinIsTTY {
		fmt.Fprintln(o.env.Stderr, "okauth: paste a token, then press Enter and Ctrl-D")
	}
	out := bufio.NewWriter(o.env.Stdout)
	in := bufio.NewReaderSize(o.env.Stdin, 64<<10)
	count, bad := 0, 0
	var first error
	for number := 1; ctx.Err() == nil; number++ {
		line, err := readLine(in, longestLine)
		if text := jwt.Clean(line); text != "" {
			count++
			if failed := o.answer(out, number, text); failed != nil {
				if _, malformed := errors.AsType[*jwt.FormatError](failed); !malformed {
					return failed
				}
				bad++
				first = cmp.Or(first, fmt.Errorf("line %d: %w", number, failed))
			}
		}
		if err == io.EOF {
			break
		}
		// Whoever waits for the answer to this line gets it, but for a first
		// line that is no token: it may turn out to be the only one.
		if in.Buffered() == 0 && bad < count {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
	}
	return o.conclude(out, count, bad, first)
}

// conclude ends a stream of count tokens of which bad were none.
func (o *decodeOptions) conclude(out *bufio.Writer, count, bad int, first error) error {
	switch {
	case count == 0:
		return &usageError{message: "no token on standard input", hint: "to decode the cached token while standard input is a pipe: okauth decode --type access"}
	case count == 1 && bad == 1:
		return errors.Unwrap(first) // not flushed: one bad token is an error, with nothing on stdout
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if bad < count {
		o.sayUnverified()
	}
	if bad > 0 {
		return &codedError{err: fmt.Errorf("%d of %d tokens cannot be decoded; the first: %w", bad, count, first), code: exitInvalidToken}
	}
	return nil
}

// answer writes the document of one line: the token, or what is wrong with it.
func (o *decodeOptions) answer(w *bufio.Writer, line int, text string) error {
	token, err := jwt.Parse(text)
	if err == nil {
		return o.write(w, token)
	}
	var failed error
	if o.text {
		_, failed = fmt.Fprintf(w, "line %d is not decoded: %v\n\n", line, err)
	} else {
		failed = output.DecodeErrorJSON(w, err)
	}
	return cmp.Or(failed, err)
}

func (o *decodeOptions) write(w io.Writer, token jwt.Unverified) error {
	if !o.text {
		return output.DecodeJSON(w, token)
	}
	return output.DecodeText(w, token, output.TextOptions{
		Now: o.env.Now(), Location: time.Local, Width: o.env.Width, Color: o.env.color(),
	})
}

func (o *decodeOptions) sayUnverified() {
	fmt.Fprintln(o.env.Stderr, "okauth: note: "+output.NotVerified)
}

// readLine returns the next line, or its first most bytes when it is longer.
func readLine(in *bufio.Reader, most int) (string, error) {
	var b strings.Builder
	for {
		part, err := in.ReadSlice('\n')
		b.Write(part[:min(len(part), most-b.Len())])
		if err != bufio.ErrBufferFull {
			return b.String(), err
		}
	}
}
