// Package cmd is okauth's command line. Each file holds one command, each command of several files is a package of its
// own, and cmd/internal/cli is what they share. The work is done in the packages below pkg.
package cmd

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	configcmd "okauth/cmd/config"
	"okauth/cmd/doctor"
	"okauth/cmd/internal/cli"
	"okauth/cmd/sandbox"
)

// Build says which okauth this is; the release build fills it in.
type Build = cli.Build

// System returns the environment that the operating system gives a process.
func System(b Build) *cli.Env { return cli.System(b) }

// Exit ends the process with the exit code that [Main] returned.
func Exit(code int) { cli.EndProcess(code) }

// Main runs the command line args, without the program's name, prints the error if there is one, and returns the exit
// code.
func Main(ctx context.Context, env *cli.Env, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil { // its type only: the value may be anything
			fmt.Fprintf(env.Stderr, "okauth: error: this is a bug in okauth (%T)\n%s", p, debug.Stack())
			code = cli.ExitFailure
		}
	}()
	global := &cli.GlobalFlags{}
	root := newRootCmd(env, global, args)
	root.SetArgs(args)
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return cli.ExitOK
	}
	cli.Report(env, err, global, wantsJSONErrors(env, ran))
	return cli.ExitCode(err)
}

// wantsJSONErrors reports whether the caller wants errors as JSON.
func wantsJSONErrors(env *cli.Env, ran *cobra.Command) bool {
	if env.Getenv("OKAUTH_ERRORS") == "json" {
		return true
	}
	output := ran.Flags().Lookup("output")
	return output != nil && output.Value.String() == "json"
}

func newRootCmd(env *cli.Env, global *cli.GlobalFlags, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "okauth",
		Short: "Get OAuth 2.0 and OpenID Connect tokens from Okta",
		Long: `okauth gets OAuth 2.0 and OpenID Connect tokens from Okta, keeps them in the OS
keychain, and gives them to people, scripts, CI jobs and programs.

"okauth config init" sets it up, once. Then "okauth login" signs in, and "okauth
token" prints a token that is valid now. "okauth demo" shows every step against
a built-in server and leaves nothing behind.`,
		Args:          cli.NoSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return welcome(c, env, global) },
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := cli.CheckDescriptors(); err != nil {
				return err
			}
			warnOfVariables(env, c)
			return cli.FlagsFromEnvironment(c, env)
		},
		Version: env.Build.Number(),
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(cli.FlagError)
	cli.FitUsage(root, cmp.Or(env.Width, 80))
	global.AddFlags(root)
	for _, title := range []string{groupGet, groupLook, groupSetup, groupTry} {
		root.AddGroup(&cobra.Group{ID: title, Title: title})
	}
	commands := subcommands(env, global, commandName(args))
	root.AddCommand(commands...)
	root.CompletionOptions.DisableDefaultCmd = len(commands) == 1
	if len(commands) > 1 {
		root.SetCompletionCommandGroupID(groupSetup)
		root.InitDefaultCompletionCmd()
		root.InitDefaultHelpCmd()
		strictHelpers(root)
	}
	_ = root.RegisterFlagCompletionFunc("profile", profileNames(env, global))
	return root
}

// profileNames completes the name of a profile.
func profileNames(env *cli.Env, global *cli.GlobalFlags) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return configcmd.ProfileNames(env, global), cobra.ShellCompDirectiveNoFileComp
	}
}

// The groups of commands in "okauth help".
const (
	groupGet   = "Get tokens:"
	groupLook  = "Look at tokens:"
	groupSetup = "Set up:"
	groupTry   = "Try out:"
)

// strictHelpers makes Cobra's own commands refuse unknown arguments. By default they print a help text and succeed, and
// it may end up in a completion file.
func strictHelpers(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			explainCompletion(c)
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || len(rest) > 0 {
					return cli.NoSuchCommand(found, rest)
				}
				return nil
			}
		}
	}
}

// commandName returns the first argument that is neither a global flag nor its value, "" if that is not clear.
func commandName(args []string) string {
	probe := &cobra.Command{}
	new(cli.GlobalFlags).AddFlags(probe)
	flags := probe.PersistentFlags()
	flags.SetInterspersed(false)
	flags.Usage = func() {}
	if flags.Parse(args) != nil {
		return ""
	}
	return flags.Arg(0)
}

// subcommands is the table of contents. If name is one of the names, only that command is built: otherwise half of the
// time of "okauth token" would go into commands it does not run.
func subcommands(env *cli.Env, global *cli.GlobalFlags, name string) []*cobra.Command {
	table := []struct {
		name, group string
		make        func() *cobra.Command
	}{
		{"login", groupGet, func() *cobra.Command { return newLoginCmd(env, global) }},
		{"token", groupGet, func() *cobra.Command { return newTokenCmd(env, global) }},
		{"decode", groupLook, func() *cobra.Command { return newDecodeCmd(env, global) }},
		{"verify", groupLook, func() *cobra.Command { return newVerifyCmd(env, global) }},
		{"introspect", groupLook, func() *cobra.Command { return newIntrospectCmd(env, global) }},
		{"userinfo", groupLook, func() *cobra.Command { return newUserinfoCmd(env, global) }},
		{"status", groupLook, func() *cobra.Command { return newStatusCmd(env, global) }},
		{"exchange", groupGet, func() *cobra.Command { return newExchangeCmd(env, global) }},
		{"exec", groupGet, func() *cobra.Command { return newExecCmd(env, global) }},
		{"proxy", groupGet, func() *cobra.Command { return newProxyCmd(env, global) }},
		{"logout", groupGet, func() *cobra.Command { return newLogoutCmd(env, global) }},
		{"doctor", groupSetup, func() *cobra.Command { return doctor.New(env, global) }},
		{"config", groupSetup, func() *cobra.Command { return configcmd.New(env, global) }},
		{"sandbox", groupTry, func() *cobra.Command { return sandbox.New(env) }},
		{"demo", groupTry, func() *cobra.Command { return newDemoCmd(env) }},
		{"version", "", func() *cobra.Command { return newVersionCmd(env) }},
		{"exit-codes", "", cli.NewExitCodesTopic},
		{"errors", "", newErrorsTopic},
	}
	for i, entry := range table {
		if entry.name == name {
			table = table[i : i+1]
			break
		}
	}
	var all []*cobra.Command
	for _, entry := range table {
		c := entry.make()
		c.GroupID = entry.group
		all = append(all, c)
	}
	return all
}
