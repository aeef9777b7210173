package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type decodeOptions struct {
	tokenInput
	claim string
	time  string
}

func newDecodeCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &decodeOptions{tokenInput: tokenInput{env: env, session: cli.SessionFlags{GlobalFlags: global}}}
	c := &cobra.Command{
		Use:        "decode [TOKEN]",
		SuggestFor: []string{"inspect", "jwt"},
		Short:      "Show what is in a token, without verifying it",
		Long: `Show the header and the claims of a token. decode verifies nothing: anyone can
write a token that looks like this. Use "okauth verify" to check one.

decode reads the argument, else each line of standard input, else the cached
token (always with --cached or --type). An argument stays in your shell's
history, standard input does not. On a terminal decode prints text, else one
JSON document per token:

  {"header":{…},"claims":{…},"verified":false}

Numbers keep every digit, and claims keep their order. --claim prints one claim:
a string without quotes, anything else as JSON. It may be a path, such as
address.country, groups.0, cnf.jkt or header.kid.

The exit code is 7 if the input is not a token. One such line among several is
answered by {"error":{…}}.`,
		Example: `  # the cached access token
  okauth decode
  # one claim, for a script
  okauth decode --claim exp
  # the ID token as JSON
  okauth decode --type id -o json | jq .claims.sub
  # a token from the clipboard
  pbpaste | okauth decode --time utc
  # many tokens, one per line
  okauth decode -o json < tokens.txt`,
		Args: cli.ArgsBetween(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			o.cached = o.cached || c.Flags().Changed("type")
			if o.claim == "" && c.Flags().Changed("claim") {
				return cli.Usage("--claim is empty", "okauth decode --claim sub")
			}
			if o.claim != "" && c.Flags().Changed("output") {
				return cli.Usage("--claim prints the claim alone, so there is nothing for -o to say", "")
			}
			return o.run(c.Context(), args)
		},
	}
	o.addFlags(c, []string{"auto", "text", "json"}, []session.TokenType{session.Access, session.ID})
	c.Flags().StringVar(&o.claim, "claim", "", "print only this claim")
	claims := []string{
		"sub", "exp", "iat", "iss", "aud", "cid", "uid", "scp", "jti", "email", "groups", "header.kid",
	}
	_ = c.RegisterFlagCompletionFunc("claim", cobra.FixedCompletions(claims, cobra.ShellCompDirectiveNoFileComp))
	cli.EnumFlag(c, &o.time, "time", "", output.TimeFormats()[0], output.TimeFormats(), "how text shows times")
	return c
}

func (o *decodeOptions) run(ctx context.Context, args []string) error {
	switch o.source(args) {
	case fromArgument:
		return o.one(args[0])
	case fromStdin:
		return o.many(ctx)
	}
	token, err := o.stored(ctx)
	if err != nil {
		return err
	}
	return o.one(token.Value.Reveal())
}

// one decodes a single token; when it is none, nothing is printed.
func (o *decodeOptions) one(text string) error {
	token, err := jwt.Parse(jwt.TrimToken(text))
	if err != nil {
		return err
	}
	if err := o.write(o.env.Stdout, token); err != nil {
		return err
	}
	if token.Unsecured() {
		fmt.Fprintln(o.env.Stderr,
			"okauth: note: the token is unsecured: it has no signature, and no API should accept it")
	}
	o.sayUnverified()
	return nil
}

// many decodes each line of standard input. A line that is no token is an answer,
// not an end; only a stream that holds nothing else is an error.
func (o *decodeOptions) many(ctx context.Context) error {
	sum, err := o.stream(ctx, "decode", "cannot be decoded", jwt.Stream{Answer: o.answer, Hold: true})
	if sum.Bad < sum.Count {
		o.sayUnverified()
	}
	return err
}

// answer appends the document of one line: the token, or what is wrong with it.
func (o *decodeOptions) answer(_ context.Context, dst []byte, line int, text string) (answer []byte, bad, fatal error) {
	b := bytes.NewBuffer(dst)
	token, err := jwt.Parse(text)
	if err == nil {
		err = o.write(b, token)
	}
	switch {
	case err == nil:
		return b.Bytes(), nil, nil
	case o.claim != "":
		return append(dst, '\n'), err, nil // the answers stay beside their lines
	case o.text:
		return fmt.Appendf(dst, "line %d is not decoded: %v\n\n", line, err), err, nil
	}
	fatal = cli.WriteErrorJSON(b, err)
	return b.Bytes(), err, fatal
}

func (o *decodeOptions) write(w io.Writer, token jwt.Unverified) error {
	switch {
	case o.claim != "":
		return output.WriteClaim(w, token, o.claim)
	case !o.text:
		return output.WriteDecodedJSON(w, token)
	}
	options := o.textOptions()
	options.Time = o.time
	return output.WriteDecodedText(w, token, options)
}

func (o *decodeOptions) sayUnverified() {
	if o.claim == "" { // who asks for one claim by name knows what it is worth
		fmt.Fprintln(o.env.Stderr, "okauth: note: nothing was verified: anyone can write a token that looks like this")
	}
}
