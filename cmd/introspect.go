package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type introspectOptions struct {
	tokenInput
	hint string // token_type_hint
}

func newIntrospectCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &introspectOptions{tokenInput: tokenInput{env: env, session: cli.SessionFlags{GlobalFlags: global}}}
	c := &cobra.Command{
		Use:   "introspect [TOKEN]",
		Short: "Ask Okta whether a token is active, and whose it is",
		Long: `Ask the authorization server whether a token is active, and for its claims. The
server must be the one that issued the token; okauth asks as the client of the
profile. Unlike "okauth verify", introspect finds revoked tokens, and works for
refresh tokens and for access tokens of the org authorization server.

introspect reads the argument, else each line of standard input, else the cached
token. On a terminal it prints text, else Okta's response unchanged, one line
per token.

The exit code is 0 if the token is active, else 7. Okta does not say why a token
is not active.`,
		Example: `  # the cached access token
  okauth introspect
  # the refresh token
  okauth introspect --type refresh
  # a token from the clipboard
  pbpaste | okauth introspect -o json | jq .exp`,
		Args: cli.ArgsBetween(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("type") {
				o.hint = string(o.kind) + "_token"
			}
			return cli.UntilStopped(c.Context(), env, func(ctx context.Context) error { return o.run(ctx, args) })
		},
	}
	o.addFlags(c, []string{"auto", "text", "json"},
		[]session.TokenType{session.Access, session.ID, session.Refresh}, cli.ConnectionKeys()...)
	c.Flags().BoolVar(&o.session.ClientSecretStdin, "client-secret-stdin", false,
		"read the client secret from standard input")
	return c
}

func (o *introspectOptions) run(ctx context.Context, args []string) error {
	source := o.source(args)
	if source == fromStdin && o.session.ClientSecretStdin {
		return cli.Usage("--client-secret-stdin and the tokens want the same standard input",
			"give the client secret another way: OKAUTH_CLIENT_SECRET_FILE or client_secret_command")
	}
	opened, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	if _, err := opened.Server(); err != nil {
		return err
	}
	text := ""
	switch source {
	case fromArgument:
		text = jwt.TrimToken(args[0])
	case fromSession:
		token, err := o.stored(ctx)
		if err != nil {
			return err
		}
		text = token.Value.Reveal()
		o.hint = string(token.Type) + "_token"
	}
	client, err := opened.OktaClient(ctx)
	if err != nil {
		return err
	}
	if source == fromStdin { // one after the other: Okta limits the rate of requests
		_, err := o.stream(ctx, "introspect", "are not active", jwt.Stream{Answer: o.answer(client), Workers: 1})
		return err
	}
	if !okta.ValidToken(text) {
		return notAToken() // a single one is an error, with nothing on standard output
	}
	bad, err := o.ask(ctx, o.env.Stdout, client, text)
	if err == nil && bad != nil && o.text && o.env.StdoutIsTTY {
		return cli.SilentError{Code: cli.ExitInvalidToken}
	}
	return cmp.Or(err, bad)
}

// answer returns the function that introspects a line of standard input.
func (o *introspectOptions) answer(client *okta.Client) func(
	ctx context.Context, dst []byte, line int, text string) (out []byte, bad, err error) {
	return func(ctx context.Context, dst []byte, _ int, text string) (out []byte, bad, err error) {
		b := bytes.NewBuffer(dst)
		switch {
		case okta.ValidToken(text):
			bad, err = o.ask(ctx, b, client, text)
		case o.text:
			bad = notAToken()
			fmt.Fprintln(b, bad)
		default:
			bad = notAToken()
			err = cli.WriteErrorJSON(b, bad)
		}
		return b.Bytes(), bad, err
	}
}

// ask introspects one token and writes the response.
func (o *introspectOptions) ask(ctx context.Context, w io.Writer, client *okta.Client, text string) (bad, err error) {
	response, err := client.Introspect(ctx, okta.NewSecret(text), o.hint)
	if err != nil {
		return nil, err
	}
	if !response.Active {
		bad = cli.Exit(cli.ExitInvalidToken, errors.New("the token is not active: it expired or was revoked, or "+
			client.Server.Issuer()+" did not issue it"), "")
	}
	if o.text {
		return bad, output.WriteObjectText(w, response.Text, o.env.TextOptions())
	}
	return bad, output.WriteObjectJSON(w, response.Text)
}

func notAToken() error {
	return cli.Exit(cli.ExitInvalidToken, errors.New("that is no token: it has characters that no token has"), "")
}
