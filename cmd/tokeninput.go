package cmd

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
	"okauth/pkg/okauth"
	"okauth/pkg/session"
)

// tokenInput is how "decode", "verify" and "introspect" get their tokens: the argument, else the cached token. Standard
// input belongs to the script around them: only the argument - says that the tokens are there, one per line.
type tokenInput struct {
	env     *cli.Env
	session cli.SessionFlags
	kind    session.TokenType
	output  string

	command string // "verify"
	bad     string // what bad tokens are: "are not valid"
	notOne  string // the format of what text says of a line that is no token: its number and the error

	text                 bool // for people, not for programs
	fromStdin, fromStore bool // where the tokens are, else in the argument
}

// tokenAnswer writes the answer to a token. bad says what is wrong with it; err ends the command. If no answer is
// written, bad is the answer. line is 0 for a single token.
type tokenAnswer func(ctx context.Context, b *bytes.Buffer, line int, token string) (bad, err error)

// addFlags adds the flags of a command that prints tokens in one of formats, the first by default.
func (i *tokenInput) addFlags(c *cobra.Command, formats []string, kinds []session.TokenType, settings ...string) {
	i.session.AddFlags(c, settings...)
	cli.TokenTypeFlag(c, &i.kind, kinds...)
	cli.OutputFlag(c, &i.output, formats...)
}

// read finds out where the tokens are, tells a person what that means, and returns the single token, if it is one.
func (i *tokenInput) read(ctx context.Context, args []string) (string, error) {
	i.text = i.output == "text" || i.output == "auto" && i.env.StdoutIsTTY
	switch {
	case len(args) == 1 && args[0] != "-":
		if i.env.StderrIsTTY && i.text {
			i.env.Note("a token given as an argument stays in your shell's history; standard input does not keep it")
		}
		return jwt.TrimToken(args[0]), nil
	case len(args) == 1:
		if i.env.StdinIsTTY {
			i.env.Say("paste a token, then press Enter and Ctrl-D")
		}
		i.fromStdin = true
		return "", nil
	}
	i.fromStore = true
	if i.env.StdinIsPipe && !i.session.ClientSecretStdin {
		i.env.Note("this is about the cached token; okauth " + i.command + " - reads standard input")
	}
	return i.stored(ctx, i.kind)
}

// stored returns the session's token of a type, valid or not.
func (i *tokenInput) stored(ctx context.Context, kind session.TokenType) (string, error) {
	client, err := i.session.Open(i.env)
	if err != nil {
		return "", err
	}
	token, err := client.Stored(ctx, kind)
	if required, ok := errors.AsType[*okauth.LoginRequiredError](err); ok && required.NoStore != "" {
		advice := "no session is stored here; pass a token on standard input: okauth token | okauth " + i.command + " -"
		return "", cli.Exit(cli.ExitLoginRequired, err, advice)
	}
	return token.Value.Reveal(), i.session.Advise(err)
}

// one answers a single token.
func (i *tokenInput) one(ctx context.Context, token string, answer tokenAnswer) error {
	var b bytes.Buffer
	bad, err := answer(ctx, &b, 0, token)
	if err != nil || b.Len() == 0 {
		return cmp.Or(err, bad)
	}
	if _, err := i.env.Stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	if bad != nil && i.text && i.env.StdoutIsTTY { // the answer has just been shown
		i.env.Advise(cli.Hint(bad))
		return cli.SilentError{Code: cli.ExitInvalidToken}
	}
	return bad
}

// many answers the lines of standard input.
func (i *tokenInput) many(ctx context.Context, s jwt.Stream, answer tokenAnswer) (jwt.Summary, error) {
	// Few batches are alive, so that the collector would run every few milliseconds: that was a sixth of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	s.In, s.Out = i.env.Stdin, bufio.NewWriterSize(i.env.Stdout, 64<<10)
	s.Answer = func(ctx context.Context, dst []byte, line int, text string) (out []byte, bad, err error) {
		b := bytes.NewBuffer(dst)
		bad, err = answer(ctx, b, line, text)
		switch {
		case bad == nil || err != nil || b.Len() > len(dst):
		case i.text:
			fmt.Fprintf(b, i.notOne, line, bad)
		default:
			err = cli.WriteErrorJSON(b, bad)
		}
		return b.Bytes(), bad, err
	}
	sum, err := s.Run(ctx)
	switch {
	case err != nil:
		return jwt.Summary{}, err
	case sum.Count == 0:
		err = cli.Usage("no token on standard input", "without - it is the cached token: okauth "+i.command)
	case sum.Count == 1:
		err = sum.FirstBad
	case sum.Bad > 0:
		err = fmt.Errorf("%d of %d tokens %s; the first: line %d: %w",
			sum.Bad, sum.Count, i.bad, sum.FirstLine, sum.FirstBad)
		err = cli.Exit(cli.ExitInvalidToken, err, cli.Hint(sum.FirstBad))
	}
	return sum, err
}
