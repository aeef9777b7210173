package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
	"okauth/pkg/okauth"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

// tokenInput is how "decode", "verify" and "introspect" get their tokens: the argument, else each line of standard
// input, else the cached token.
type tokenInput struct {
	env     *cli.Env
	session cli.SessionFlags
	kind    cli.TokenTypeFlag
	output  string

	cached bool // the cached token is meant, whatever stdin is
	text   bool // for people, not for programs
}

// addFlags adds the flags of a command that prints tokens in one of formats, the first by default.
func (i *tokenInput) addFlags(c *cobra.Command, formats []string, kinds []session.TokenType, settings ...string) {
	i.session.AddFlags(c, settings...)
	i.kind.AddFlag(c, kinds...)
	c.Flags().BoolVar(&i.cached, "cached", false, "use the cached token even if standard input is a pipe")
	cli.OutputFlag(c, &i.output, formats...)
}

// tokenSource is where the tokens of one call are.
type tokenSource int

const (
	fromArgument tokenSource = iota
	fromStdin
	fromSession
)

// source says where the tokens are, once the flags are known, and tells a person what that means.
func (i *tokenInput) source(args []string) tokenSource {
	i.text = i.output == "text" || i.output == "auto" && i.env.StdoutIsTTY
	switch {
	case len(args) == 1 && args[0] != "-":
		if i.env.StderrIsTTY && i.text {
			fmt.Fprintln(i.env.Stderr, "okauth: note: a token given as an argument stays in your shell's history; "+
				"standard input does not keep it")
		}
		return fromArgument
	case len(args) == 1, i.env.StdinIsPipe && !i.cached:
		if i.env.StdinIsTTY {
			fmt.Fprintln(i.env.Stderr, "okauth: paste a token, then press Enter and Ctrl-D")
		}
		return fromStdin
	}
	return fromSession
}

// stream answers the lines of standard input. The error of command counts the bad ones, and bad says what they are:
// "are not valid".
func (i *tokenInput) stream(ctx context.Context, command, bad string, s jwt.Stream) (jwt.Summary, error) {
	// Few batches are alive, so that the collector would run every few milliseconds: that was a sixth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	s.In, s.Out = i.env.Stdin, bufio.NewWriterSize(i.env.Stdout, 64<<10)
	sum, err := s.Run(ctx)
	switch {
	case err != nil:
		return jwt.Summary{}, err
	case sum.Count == 0:
		err = cli.Usage("no token on standard input",
			"to "+command+" the cached token while standard input is a pipe: okauth "+command+" --cached")
	case sum.Count == 1:
		err = sum.FirstBad
	case sum.Bad > 0:
		err = fmt.Errorf("%d of %d tokens %s; the first: line %d: %w",
			sum.Bad, sum.Count, bad, sum.FirstLine, sum.FirstBad)
		err = cli.Exit(cli.ExitInvalidToken, err, cli.Hint(sum.FirstBad))
	}
	return sum, err
}

// stored returns the session's token, valid or not.
func (i *tokenInput) stored(ctx context.Context) (session.CachedToken, error) {
	client, err := i.session.Open(i.env)
	if err != nil {
		return session.CachedToken{}, err
	}
	token, err := client.Stored(ctx, session.TokenType(i.kind))
	if required, ok := errors.AsType[*okauth.LoginRequiredError](err); ok && required.NoStore != "" {
		const advice = "no session is stored here; pass a token on standard input, as in: okauth token | okauth decode"
		return token, cli.Exit(cli.ExitLoginRequired, err, advice)
	}
	return token, i.session.Advise(err)
}

func (i *tokenInput) textOptions() output.TextOptions {
	return output.TextOptions{Now: i.env.Now(), Location: time.Local, Width: i.env.Width, Color: i.env.Color()}
}
