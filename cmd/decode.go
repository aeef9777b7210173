package cmd

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type decodeOptions struct {
	tokenInput
	claim     string
	time      string
	unsecured bool // the single token has no signature
}

func newDecodeCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &decodeOptions{tokenInput: tokenInput{
		env: env, session: cli.SessionFlags{GlobalFlags: global},
		command: "decode", bad: "cannot be decoded", notOne: "line %d is not decoded: %v\n\n",
	}}
	c := &cobra.Command{
		Use:        "decode [TOKEN|-]",
		SuggestFor: []string{"inspect", "jwt"},
		Short:      "Show what is in a token, without verifying it",
		Long: `Show the header and the claims of a token. decode verifies nothing: anyone can
write a token that looks like this. Use "okauth verify" to check one.

decode shows the argument, the tokens on standard input (only for -, one per
line), else the cached token. An argument stays in your shell's history,
standard input does not. On a terminal decode prints text, else one JSON
document per token:

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
  pbpaste | okauth decode --time utc -
  # a fresh token
  okauth token | okauth decode -
  # many tokens, one per line
  okauth decode -o json - < tokens.txt`,
		Args: cli.ArgsBetween(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
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
	cli.CompleteFlag(c, "claim",
		"sub", "exp", "iat", "iss", "aud", "cid", "uid", "scp", "jti", "email", "groups", "header.kid")
	cli.EnumFlag(c, &o.time, "time", "how text shows times", output.TimeFormats()...)
	return c
}

func (o *decodeOptions) run(ctx context.Context, args []string) error {
	token, err := o.read(ctx, args)
	if err != nil {
		return err
	}
	good := false
	if o.fromStdin {
		// A line that is no token is an answer, not an end; only a stream that holds nothing else is an error.
		var sum jwt.Summary
		sum, err = o.many(ctx, jwt.Stream{Hold: true}, o.answer)
		good = sum.Bad < sum.Count
	} else {
		err = o.one(ctx, token, o.answer)
		good = err == nil
	}
	if o.unsecured {
		o.env.Note("the token is unsecured: it has no signature, and no API should accept it")
	}
	if good && o.claim == "" { // who asks for one claim by name knows what it is worth
		o.env.Note("nothing was verified: anyone can write a token that looks like this")
	}
	return err
}

// answer writes what is in a token.
func (o *decodeOptions) answer(_ context.Context, b *bytes.Buffer, line int, text string) (bad, err error) {
	token, bad := jwt.Parse(text)
	switch {
	case bad != nil:
	case o.claim != "":
		bad = output.WriteClaim(b, token, o.claim)
	case o.text:
		options := o.env.TextOptions()
		options.Time = o.time
		bad = output.WriteDecodedText(b, token, options)
	default:
		bad = output.WriteDecodedJSON(b, token)
	}
	if line == 0 {
		o.unsecured = bad == nil && token.Unsecured()
	} else if bad != nil && o.claim != "" {
		b.WriteByte('\n') // the answers stay beside their lines
	}
	return bad, nil
}
