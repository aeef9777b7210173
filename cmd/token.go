package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type tokenOptions struct {
	env          *cli.Env
	session      cli.SessionFlags
	kind         cli.KindFlag
	refresh      bool
	how          output.TokenOptions
	githubOutput string
}

func newTokenCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &tokenOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "token",
		Short: "Print a token that is valid now",
		Long: `Print a token that is valid for --min-ttl on standard output. The cached one
costs one read of the store: no network, no lock. When that is not good enough,
a new one is had

  1. with the session's refresh token, if it has one (scope offline_access);
  2. with credentials that need nobody: --password-stdin, OKAUTH_PASSWORD,
     OKAUTH_PASSWORD_FILE, password_file or password_command, or the client's
     own with --grant client-credentials;
  3. by asking for the password on the terminal.

Without any of these: exit 4. Of many okauth token at once, one makes the
request and the others print what it brought. A token whose whole life is
shorter than --min-ttl is printed all the same, with a warning: there is no
longer one. Where a refresh can renew it, that happens after half of its life.

--type refresh prints the refresh token itself. Where it rotates, whoever uses
it takes it from okauth.

What -o prints:
` + formatHelp() + `

With -o env, --shell says for which shell and --env names the variable. With
--github-output NAME, a step of GitHub Actions gets the token as its output
NAME, masked in the log first, and nothing else is printed.`,
		Example: `  TOKEN=$(okauth token)
  okauth token -o curl | curl -K - https://api.example.com/v1/orders
  eval "$(okauth token -o env)"
  okauth token --type id
  okauth token --scope "openid orders:read"
  okauth token --min-ttl 10m`,
		Args: cli.ArgsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	o.session.AddFlags(c,
		append(cli.SignInKeys(), config.KeyMinTTL)...)
	o.session.AddStdinFlags(c)
	o.kind.AddFlag(c, session.Access, session.ID, session.Refresh)
	f := c.Flags()
	f.BoolVar(&o.refresh, "refresh", false, "get a new token, however good the cached one is")
	cli.EnumFlag(c, &o.how.Format, "output", "o", "raw", output.Formats(), "how to print it")
	cli.EnumFlag(c, &o.how.Shell, "shell", "", "sh", output.Shells(), "the shell that reads -o env")
	f.StringVar(&o.how.Variable, "env", "", "the variable that -o env sets (default OKTA_ACCESS_TOKEN, OKTA_ID_TOKEN)")
	f.StringVar(&o.githubOutput, "github-output", "", "the step output of GitHub Actions to write the token to")
	for _, name := range []string{"env", "github-output"} {
		_ = c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return c
}

// formatHelp lists the output formats, one a line.
func formatHelp() string {
	var b strings.Builder
	for _, name := range output.Formats() {
		fmt.Fprintf(&b, "  %-16s %s\n", name, output.DescribeFormat(name))
	}
	return strings.TrimRight(b.String(), "\n")
}

func (o *tokenOptions) run(c *cobra.Command) error {
	if err := o.check(c); err != nil {
		return err
	}
	token, err := o.session.Token(c.Context(), o.env, session.TokenType(o.kind), o.refresh)
	unkept, isUnkept := errors.AsType[*session.SaveError](err)
	if err != nil && !isUnkept {
		return err
	}
	err = o.write(token)
	if err == nil && isUnkept {
		return unkept // after the token: it is good, and it may be the last
	}
	return err
}

// check refuses flags that contradict each other, before anything is read or sent.
func (o *tokenOptions) check(c *cobra.Command) error {
	if o.how.Format == "exec-credential" {
		// kubectl names the version it accepts, and most clusters need the ID token.
		var err error
		if o.how.APIVersion, err = output.ExecAPIVersion(o.env.Getenv("KUBERNETES_EXEC_INFO")); err != nil {
			return &cli.UsageError{Message: "KUBERNETES_EXEC_INFO: " + err.Error()}
		}
		if !c.Flags().Changed("type") {
			o.kind = cli.KindFlag(session.ID)
		}
	}
	if o.how.Variable == "" {
		o.how.Variable = cli.TokenVariable(o.kind)
	}
	if o.how.Format != "env" && (c.Flags().Changed("shell") || c.Flags().Changed("env")) {
		return &cli.UsageError{Message: "--shell and --env are for -o env", Advice: "okauth token -o env --shell fish"}
	}
	if err := o.how.Check(string(o.kind)); err != nil {
		return &cli.UsageError{Message: err.Error(), Advice: "okauth token --help tells what -o prints"}
	}
	if o.githubOutput != "" && c.Flags().Changed("output") {
		return &cli.UsageError{Message: "--github-output prints no token, so there is nothing for -o to say"}
	}
	if o.githubOutput == "" {
		return nil
	}
	if err := output.CheckGitHubOutput(o.githubOutput); err != nil {
		return &cli.UsageError{Message: "--github-output: " + err.Error()}
	}
	if o.env.Getenv("GITHUB_OUTPUT") == "" {
		return &cli.UsageError{
			Message: "--github-output: GITHUB_OUTPUT is not set",
			Advice:  "it is for a step of GitHub Actions; elsewhere, print the token: okauth token",
		}
	}
	return nil
}

func (o *tokenOptions) write(token output.Token) error {
	o.how.Now = o.env.Now()
	if o.githubOutput == "" {
		return o.how.Write(o.env.Stdout, token)
	}
	// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
	file, err := os.OpenFile(o.env.Getenv("GITHUB_OUTPUT"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("write the step output: %w", err)
	}
	err = output.WriteGitHubOutput(o.env.Stdout, file, o.githubOutput, token)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
