package cmd

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
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
		Use:        "userinfo",
		SuggestFor: []string{"whoami", "me"},
		Short:      "Ask Okta who the session's user is",
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
	o.session.AddPageFlags(c)
	o.session.AddStdinFlags(c)
	cli.OutputFlag(c, &o.output, "auto", "text", "json")
	return c
}

func (o *userinfoOptions) run(ctx context.Context) error {
	token, saveErr := o.session.Token(ctx, o.env, session.Access, false)
	if saveErr != nil && !cli.Is[*session.SaveError](saveErr) {
		return saveErr
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
	if token.Prover != nil {
		if client.DPoP, err = token.Prover(); err != nil {
			return err
		}
	}
	err = cli.UntilStopped(ctx, o.env, func(ctx context.Context) error {
		text, err := client.UserInfo(ctx, token.Value)
		switch {
		case err != nil:
			return err
		case o.output == "text", o.output == "auto" && o.env.StdoutIsTTY:
			return output.WriteObjectText(o.env.Stdout, text, o.env.TextOptions())
		}
		return output.WriteObjectJSON(o.env.Stdout, text)
	})
	return cmp.Or(err, saveErr)
}
