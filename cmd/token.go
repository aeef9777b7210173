package cmd

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/profile"
	"okauth/pkg/session"
)

type tokenOptions struct {
	env     *Env
	session sessionFlags
	kind    kindFlag
	refresh bool
	output  string
}

func newTokenCmd(env *Env, global *globalFlags) *cobra.Command {
	o := &tokenOptions{env: env, session: sessionFlags{globalFlags: global}}
	c := &cobra.Command{
		Use:   "token",
		Short: "Print a token that is valid now",
		Long: `Print a token that is valid for --min-ttl on standard output. The cached one costs
one read of the store: no network, no lock. When that is not good enough, a new
one is had

  1. with the session's refresh token, if it has one (scope offline_access);
  2. with a password that needs nobody: OKAUTH_PASSWORD, OKAUTH_PASSWORD_FILE,
     password_file or password_command;
  3. by asking for the password on the terminal.

Without any of these: exit 4. Of many okauth token at once, one makes the request
and the others print what it brought. A token whose whole life is shorter than
--min-ttl is printed all the same, with a warning: there is no longer one.

--type refresh prints the refresh token itself. Where it rotates, whoever uses it
takes it from okauth.

What -o prints:
` + formatHelp(),
		Example: `  TOKEN=$(okauth token)
  okauth token -o header | curl -H @- https://api.example.com/v1/orders
  okauth token --type id
  okauth token --scope "openid orders:read"
  okauth token --min-ttl 10m`,
		Args: argsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.session.addFlags(c,
		profile.KeyClientSecretFile, profile.KeyClientSecretCommand,
		profile.KeyPasswordFile, profile.KeyPasswordCommand, profile.KeyCAFile, profile.KeyMinTTL)
	o.kind.addFlag(c, session.Access, session.ID, session.Refresh)
	c.Flags().BoolVar(&o.refresh, "refresh", false, "get a new token, however good the cached one is")
	enumFlag(c, &o.output, "output", "o", "raw", output.Formats(), "how to print it")
	return c
}

// formatHelp lists the formats that package output knows, a line each.
func formatHelp() string {
	var b strings.Builder
	for _, name := range output.Formats() {
		fmt.Fprintf(&b, "  %-8s %s\n", name, output.DescribeFormat(name))
	}
	return strings.TrimRight(b.String(), "\n")
}

func (o *tokenOptions) run(ctx context.Context) error {
	if session.Kind(o.kind) == session.Refresh && o.output == "header" {
		return &usageError{message: "no API takes a refresh token, so there is no header for it", hint: "okauth token -o header prints that of the access token"}
	}
	a, keeper, want, err := o.session.find(o.env, o.kind)
	if err != nil {
		return err
	}
	var token session.Token
	if !o.refresh {
		token, err = keeper.Token(ctx, want)
	}
	if o.refresh || is[*session.LoginRequiredError](err) {
		want.Fresh = o.refresh
		token, err = a.renew(ctx, keeper, want)
	}
	unkept, isUnkept := errors.AsType[*session.NotKeptError](err)
	if err != nil && !isUnkept {
		return loginAdvice(err, a)
	}
	for _, note := range token.Notes {
		a.warn(note)
	}
	err = output.WriteToken(o.env.Stdout, o.output, outputToken(token, want.Identity), o.env.Now())
	if err == nil && isUnkept {
		return unkept // after the token: it is good, and it may be the last
	}
	return err
}

// renew gets a new token, for which a request must be made and perhaps a person
// asked. From here on signals are caught: a refresh that has begun is brought to
// its end, since Okta may spend the refresh token at the moment we are told to stop.
func (a *app) renew(ctx context.Context, keeper session.Keeper, want session.Want) (session.Token, error) {
	ctx, stop := a.env.Signals(ctx)
	defer stop()
	// A reader of standard error that has gone away must not cost the session.
	signal.Ignore(syscall.SIGPIPE)
	ways, err := a.ways(ctx, want)
	if err != nil {
		return session.Token{}, err
	}
	token, err := keeper.Renew(ctx, want, ways)
	if s, ok := errors.AsType[SignalError](context.Cause(ctx)); ok && err != nil && !is[*session.NotKeptError](err) {
		return token, s
	}
	return token, err
}

// ways tells how new tokens can be had with these settings.
func (a *app) ways(ctx context.Context, want session.Want) (session.Ways, error) {
	server, err := a.server()
	if err != nil {
		return session.Ways{}, err
	}
	newClient := func(ctx context.Context) (*okta.Client, error) { return a.client(ctx, server, a.settings.ClientID()) }
	if a.settings.ClientSecret().Key == profile.KeyClientSecretCommand {
		// The command may ask a person, and nobody is asked while the session is
		// locked: others would wait for the answer.
		client, err := newClient(ctx)
		if err != nil {
			return session.Ways{}, err
		}
		newClient = func(context.Context) (*okta.Client, error) { return client, nil }
	}
	return session.Ways{
		Client: newClient,
		Credentials: func(ctx context.Context) (session.Grant, string, error) {
			if a.settings.Password().IsZero() && !a.mayAsk() {
				return nil, "", nil
			}
			credentials, err := a.credentials(ctx, false)
			if err != nil {
				return nil, "", err
			}
			a.guard(credentials, want.Identity, false)
			return credentials, credentials.Username, nil
		},
	}, nil
}

// mayAsk tells whether there is somebody to ask.
func (a *app) mayAsk() bool {
	if a.flags.noInput {
		return false
	}
	t, err := a.env.OpenTerminal()
	if err != nil {
		return false
	}
	t.Close()
	return true
}

// loginAdvice tells who is not signed in how to be.
func loginAdvice(err error, a *app) error {
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	if !ok {
		return fileAdvice(err)
	}
	hint := "sign in with: okauth login" + a.flags.identity()
	if a.settings.Storage() == storageNone {
		hint = "storage is none, so no session is kept: set OKAUTH_USERNAME and OKAUTH_PASSWORD, or use --storage keychain or file and sign in with: okauth login"
	}
	return &codedError{
		err:  fmt.Errorf("profile %q: %w", a.settings.ProfileName(), required),
		code: exitLoginRequired, hint: hint,
	}
}
