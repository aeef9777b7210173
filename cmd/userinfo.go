package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type userinfoOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	output  string
}

func newUserinfoCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &userinfoOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "userinfo",
		Short: "Ask Okta who the session's user is",
		Long: `Ask the authorization server for the claims about the session's user that the
granted scopes allow (profile, email, address, phone, groups). okauth gets the
access token as "okauth token" does. On a terminal userinfo prints text, else
Okta's response unchanged.`,
		Example: `  # who am I?
  okauth userinfo
  # one claim
  okauth userinfo -o json | jq -r .email
  # with more scopes
  okauth userinfo --scope "openid profile email"`,
		Args: cli.ArgsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.session.AddFlags(c, append(cli.SignInKeys(), config.KeyMinTTL)...)
	o.session.AddStdinFlags(c)
	cli.EnumFlag(
		c, &o.output, "output", "o", "auto", []string{"auto", "text", "json"},
		"output format; auto is text on a terminal, else JSON",
	)
	return c
}

func (o *userinfoOptions) run(ctx context.Context) error {
	token, unkept := o.session.Token(ctx, o.env, session.Access, false)
	if unkept != nil && !cli.Is[*session.SaveError](unkept) {
		return unkept
	}
	opened, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	server, err := opened.Server()
	if err != nil {
		return err
	}
	client, err := opened.AnonymousClient(server)
	if err != nil {
		return err
	}
	err = cli.UntilStopped(ctx, o.env, func(ctx context.Context) error { return o.show(ctx, client, token.Value) })
	if err != nil {
		return err
	}
	return unkept
}

func (o *userinfoOptions) show(ctx context.Context, client *okta.Client, accessToken okta.Secret) error {
	text, err := client.UserInfo(ctx, accessToken)
	if err != nil {
		return err
	}
	if o.output == "text" || o.output == "auto" && o.env.StdoutIsTTY {
		return output.WriteObjectText(o.env.Stdout, text, output.TextOptions{
			Now: o.env.Now(), Location: time.Local, Width: o.env.Width, Color: o.env.Color(),
		})
	}
	return output.WriteObjectJSON(o.env.Stdout, text)
}
