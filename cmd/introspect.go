package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type introspectOptions struct {
	tokenInput
	typed  bool // --type was given
	client *okta.Client
}

func newIntrospectCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &introspectOptions{tokenInput: tokenInput{
		env: env, session: cli.SessionFlags{GlobalFlags: global},
		command: "introspect", bad: "are not active", notOne: "%[2]v\n",
	}}
	c := &cobra.Command{
		Use:   "introspect [TOKEN|-]",
		Short: "Ask Okta whether a token is active, and whose it is",
		Long: `Ask the authorization server whether a token is active, and for its claims. The
server must be the one that issued the token; okauth asks as the client of the
profile. Unlike "okauth verify", introspect finds revoked tokens, and works for
refresh tokens and for access tokens of the org authorization server.

introspect asks about the argument, the tokens on standard input (only for -,
one per line), else the cached token. On a terminal it prints text, else Okta's
response unchanged, one line per token.

The exit code is 0 if the token is active, else 7. Okta does not say why a token
is not active.`,
		Example: `  # the cached access token
  okauth introspect
  # the refresh token
  okauth introspect --type refresh
  # a token from the clipboard
  pbpaste | okauth introspect -o json - | jq .exp`,
		Args: cli.ArgsBetween(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			o.typed = c.Flags().Changed("type")
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
	opened, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	token, err := o.read(ctx, args)
	if err != nil {
		return err
	}
	if o.fromStdin && o.session.ClientSecretStdin {
		return cli.Usage("--client-secret-stdin and the tokens want the same standard input",
			"give the client secret another way: OKAUTH_CLIENT_SECRET_FILE or client_secret_command")
	}
	if o.client, err = opened.OktaClient(ctx); err != nil {
		return err
	}
	if !o.fromStdin {
		return o.one(ctx, token, o.answer)
	}
	_, err = o.many(ctx, jwt.Stream{Workers: 1}, o.answer) // one after the other: Okta limits the rate of requests
	return err
}

// answer introspects a token and writes the response.
func (o *introspectOptions) answer(ctx context.Context, b *bytes.Buffer, _ int, token string) (bad, err error) {
	if err := okta.CheckToken(token); err != nil {
		return cli.Exit(cli.ExitInvalidToken, noToken(token, err), ""), nil
	}
	hint := ""
	if o.fromStore || o.typed {
		hint = string(o.kind) + "_token"
	}
	response, err := o.client.Introspect(ctx, okta.NewSecret(token), hint)
	if err != nil {
		return nil, err
	}
	if !response.Active {
		bad = cli.Exit(cli.ExitInvalidToken, errors.New("the token is not active: it expired or was revoked, or "+
			o.client.Server.Issuer()+" did not issue it"), "")
	}
	if o.text {
		return bad, output.WriteObjectText(b, response.Text, o.env.TextOptions())
	}
	return bad, output.WriteObjectJSON(b, response.Text)
}

// noToken says why Okta need not be asked about a text.
func noToken(text string, problem error) error {
	_, err := jwt.Parse(text)
	if format, ok := errors.AsType[*jwt.FormatError](err); ok {
		switch format.Reason {
		case jwt.ReasonEmpty, jwt.ReasonCharset, jwt.ReasonAlphabet, jwt.ReasonNotCompact:
			return err
		}
	}
	return fmt.Errorf("that is no token: it %w", problem)
}
