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
	output  string
}

func newTokenCmd(env *Env, global *globalFlags) *cobra.Command {
	o := &tokenOptions{env: env, session: sessionFlags{globalFlags: global}}
	c := &cobra.Command{
		Use:   "token",
		Short: "Print a token that is valid now",
		Long: `Print the cached token on standard output, if it is valid for --min-ttl; that
costs one read of the keychain and no network. Otherwise exit 4: "okauth login"
gets a new one. A token whose whole life is shorter than --min-ttl is printed all
the same, with a warning: no sign-in could bring a longer one.

What -o prints:
` + formatHelp(),
		Example: `  TOKEN=$(okauth token)
  okauth token -o header | curl -H @- https://api.example.com/v1/orders
  okauth token --type id
  okauth token --min-ttl 10m || okauth login`,
		Args: argsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.session.addFlags(c, profile.KeyMinTTL)
	o.kind.addFlag(c)
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
	a, keeper, want, err := o.session.find(o.env, o.kind)
	if err != nil {
		return err
	}
	token, err := keeper.Token(ctx, want)
	if err != nil {
		return loginAdvice(err, a)
	}
	for _, note := range token.Notes {
		a.warn(note)
	}
	return output.WriteToken(o.env.Stdout, o.output, outputToken(token, want.Identity), o.env.Now())
}

// loginAdvice tells who is not signed in how to be.
func loginAdvice(err error, a *app) error {
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	if !ok {
		return err
	}
	if a.settings.Storage() == "none" {
		return &codedError{
			err:  fmt.Errorf("storage is %q (%s): no session is kept", "none", a.settings.Source(profile.KeyStorage)),
			code: exitLoginRequired, hint: "use a keychain: --storage keychain, for okauth login as well",
		}
	}
	return &codedError{
		err:  fmt.Errorf("profile %q: %w", a.settings.ProfileName(), required),
		code: exitLoginRequired,
		hint: "sign in with: okauth login" + a.flags.identity(),
	}
}
