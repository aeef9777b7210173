package cmd

import (
	"context"
	"fmt"
	"okauth/cmd/internal/cli"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

type loginOptions struct {
	env     *cli.Env
	session cli.SessionFlags
}

func newLoginCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &loginOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "login",
		Short: "Sign in with a password and keep the session",
		Long: `Sign in at Okta with a user name and a password, and keep the tokens in the
keychain, or with --storage file in a sealed file. The password goes to Okta in
one request and is kept nowhere. It comes from --password-stdin,
OKAUTH_PASSWORD, OKAUTH_PASSWORD_FILE, password_file or password_command, else
you are asked for it on the terminal, without echo. It is sent also when Okta
has refused it before: okauth token would not do that.

With --grant client-credentials the client itself signs in, and nobody is asked.

The password grant is a last resort (RFC 9700 §2.4): the user's password passes
through this program. Use it where no browser can be had and the user has a
password only.`,
		Example: `  okauth login
  okauth login --username alice@example.com --scope "openid profile"
  pass show okta | okauth login --password-stdin`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(env, o.run),
	}
	o.session.AddFlags(c,
		config.KeyClientSecretFile, config.KeyClientSecretCommand,
		config.KeyPasswordFile, config.KeyPasswordCommand, config.KeyCAFile, config.KeyClientCert, config.KeyClientKey)
	o.session.AddStdinFlags(c)
	return c
}

func (o *loginOptions) run(ctx context.Context) error {
	// A reader of standard error that has gone away must not cost the session
	// that Okta has already granted.
	signal.Ignore(syscall.SIGPIPE)
	a, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	if a, err = o.offerInit(ctx, a); err != nil {
		return err
	}
	server, err := a.Server()
	if err != nil {
		return err
	}
	kept, err := a.Storage(true)
	if err != nil {
		return err
	}
	if err := a.CanKeep(ctx, kept); err != nil {
		return err
	}
	client, err := a.Client(ctx, server, a.Settings.ClientID())
	if err != nil {
		return err
	}
	want := a.Want(server)
	credentials, username, err := a.Credentials(ctx, want.Identity, true)
	if err != nil {
		return err
	}
	want.Username = username
	tokens, err := kept.Keeper(o.env).Login(ctx, client, credentials, want)
	if tokens != nil && err != nil {
		return fmt.Errorf("signed in as %s, but the session could not be kept: %w", who(a, username), err)
	}
	if err != nil {
		return err
	}
	o.say(a, server, tokens, who(a, username))
	return nil
}

// offerInit leads a person without any configuration to one, and returns what
// the settings are then.
func (o *loginOptions) offerInit(ctx context.Context, a *cli.App) (*cli.App, error) {
	if a.Settings.Domain() != "" || a.Settings.ClientID() != "" || o.session.NoInput || o.session.PasswordStdin || o.session.ClientSecretStdin {
		return a, nil
	}
	t, err := o.env.OpenTerminal()
	if err != nil {
		return a, nil // what is missing is said by those who need it
	}
	defer t.Close()
	yes, err := t.Confirm(ctx, "okauth does not know where to sign in yet. Set it up now?", true)
	if err != nil || !yes {
		return a, err
	}
	if err := initProfile(ctx, o.env, o.session.GlobalFlags, t); err != nil {
		return nil, err
	}
	return o.session.Open(o.env)
}

// who names a user, or the client where none signed in.
func who(a *cli.App, username string) string {
	if username == "" {
		return "client " + okta.Sanitize(a.Settings.ClientID(), 100)
	}
	return okta.Sanitize(username, 200)
}

// say tells who signed in, for what, and until when. It goes to standard error:
// standard output is for tokens.
func (o *loginOptions) say(a *cli.App, server okta.AuthorizationServer, tokens *okta.TokenResponse, who string) {
	until := tokens.ObtainedAt.Add(tokens.ExpiresIn)
	fmt.Fprintf(o.env.Stderr, "Signed in as %s.\n  profile  %s\n  server   %s\n  scopes   %s\n  valid    until %s, %s\n",
		who, a.Settings.ProfileName(), okta.Sanitize(server.Issuer(), 300),
		okta.Sanitize(strings.Join(tokens.Scope, " "), 1000),
		until.Local().Format("2006-01-02 15:04:05 MST"), output.In(tokens.ExpiresIn))
	for _, note := range tokens.Warnings {
		a.Warn(note)
	}
}
