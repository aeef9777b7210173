package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

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
  2. with a password that needs nobody: --password-stdin, OKAUTH_PASSWORD,
     OKAUTH_PASSWORD_FILE, password_file or password_command;
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
	o.session.addStdinFlags(c)
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
	token, err := o.session.obtain(ctx, o.env, o.kind, o.refresh)
	unkept, isUnkept := errors.AsType[*session.NotKeptError](err)
	if err != nil && !isUnkept {
		return err
	}
	err = output.WriteToken(o.env.Stdout, o.output, token, o.env.Now())
	if err == nil && isUnkept {
		return unkept // after the token: it is good, and it may be the last
	}
	return err
}
