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
	o.addFlags(
		c, []string{"auto", "text", "json"}, []session.TokenType{session.Access, session.ID, session.Refresh},
		cli.ConnectionKeys()...,
	)
	c.Flags().BoolVar(
		&o.session.ClientSecretStdin, "client-secret-stdin", false, "read the client secret from standard input",
	)
	return c
}

func (o *introspectOptions) run(ctx context.Context, args []string) error {
	source := o.source(args)
	if source == fromStdin && o.session.ClientSecretStdin {
		return &cli.UsageError{
			Message: "--client-secret-stdin and the tokens want the same standard input",
			Advice:  "give the client secret another way: OKAUTH_CLIENT_SECRET_FILE or client_secret_command",
		}
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
		o.hint = string(token.Kind) + "_token"
	}
	client, err := opened.OktaClient(ctx)
	if err != nil {
		return err
	}
	if source == fromStdin {
		return o.many(ctx, client)
	}
	if !okta.ValidToken(text) {
		return notAToken() // a single one is an error, with nothing on standard output
	}
	answer, bad, err := o.ask(ctx, client, text)
	if err != nil {
		return err
	}
	if _, err := o.env.Stdout.Write(answer); err != nil {
		return err
	}
	if bad != nil && o.text && o.env.StdoutIsTTY {
		return cli.SilentError{Code: cli.ExitInvalidToken}
	}
	return bad
}

// many introspects each line of standard input, one after the other: Okta limits the rate of requests.
func (o *introspectOptions) many(ctx context.Context, client *okta.Client) error {
	answer := func(ctx context.Context, dst []byte, _ int, text string) ([]byte, error, error) {
		document, bad, err := o.ask(ctx, client, text)
		return append(dst, document...), bad, err
	}
	_, err := o.stream(ctx, "introspect", "are not active", jwt.Stream{Answer: answer, Workers: 1})
	return err
}

// ask introspects one token and returns the text to print.
func (o *introspectOptions) ask(
	ctx context.Context, client *okta.Client, text string,
) (document []byte, bad, err error) {
	if !okta.ValidToken(text) { // whatever it is, it is nothing to send away
		var b bytes.Buffer
		bad = notAToken()
		if o.text {
			fmt.Fprintf(&b, "%v\n", bad)
		} else {
			err = cli.WriteErrorJSON(&b, bad)
		}
		return b.Bytes(), bad, err
	}
	said, err := client.Introspect(ctx, okta.NewSecret(text), o.hint)
	if err != nil {
		return nil, nil, err
	}
	if !said.Active {
		bad = &cli.ExitError{
			Err: errors.New(
				"the token is not active: it expired or was revoked, or " + client.Server.Issuer() + " did not issue it",
			),
			Code: cli.ExitInvalidToken,
		}
	}
	var b bytes.Buffer
	if o.text {
		err = output.WriteObjectText(&b, said.Text, o.textOptions())
	} else {
		err = output.WriteObjectJSON(&b, said.Text)
	}
	return b.Bytes(), bad, err
}

func notAToken() error {
	return &cli.ExitError{
		Err: errors.New("that is no token: it has characters that no token has"), Code: cli.ExitInvalidToken,
	}
}
