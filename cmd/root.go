// Package cmd is okauth's command line: flags in, text out. Each file holds one
// subcommand; what the commands do lives in the packages below pkg.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Main is the program: it runs the command line args, without the program's
// name, and returns the exit code. It prints the error, if there is one.
func Main(ctx context.Context, env *Env, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil { // its type only: the value may be anything
			fmt.Fprintf(env.Stderr, "okauth: error: this is a bug in okauth (%T)\n%s", p, debug.Stack())
			code = exitFailure
		}
	}()
	global := &globalFlags{}
	root := newRootCmd(env, global, args)
	root.SetArgs(args)
	ran, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	report(env, err, global, wantsJSONErrors(env, ran))
	return exitCode(err)
}

// wantsJSONErrors tells whether the caller is a program.
func wantsJSONErrors(env *Env, ran *cobra.Command) bool {
	if env.getenv("OKAUTH_ERRORS") == "json" {
		return true
	}
	output := ran.Flags().Lookup("output")
	return output != nil && output.Value.String() == "json"
}

func newRootCmd(env *Env, global *globalFlags, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "okauth",
		Short: "Get OAuth 2.0 and OpenID Connect tokens from Okta",
		Long: `okauth gets OAuth 2.0 and OpenID Connect tokens from Okta, keeps them in the
OS keychain, and hands them to people, scripts and CI jobs.

  okauth config init       say where to sign in, once
  okauth login             sign in with a password
  okauth token             print a token that is valid now
  okauth exec -- CMD       run CMD with the token in its environment
  okauth decode            look inside it
  okauth verify            judge it as an API would
  okauth status            what is stored, and what token would do
  okauth logout            revoke and forget it
  okauth doctor            what is wrong with the set-up

"okauth demo" shows all of it against a built-in server and leaves nothing
behind.`,
		Args:              noSuchCommand,
		RunE:              func(c *cobra.Command, _ []string) error { return welcome(c, env, global) },
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return flagsFromEnvironment(c, env) },
		Version:           env.Build.Number(),
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(flagError)
	global.addFlags(root)
	commands := subcommands(env, global, args)
	root.AddCommand(commands...)
	root.CompletionOptions.DisableDefaultCmd = len(commands) == 1
	if !root.CompletionOptions.DisableDefaultCmd {
		root.InitDefaultCompletionCmd()
		root.InitDefaultHelpCmd()
		strictHelpers(root)
	}
	_ = root.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return profileNames(env, global), cobra.ShellCompDirectiveNoFileComp
	})
	return root
}

// strictHelpers makes Cobra's own commands refuse what they do not know: by
// default they print a help text and succeed, into a completion file perhaps.
func strictHelpers(root *cobra.Command) {
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args = noSuchCommand
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
			for _, shell := range c.Commands() {
				shell.Args = argsBetween(0, 0)
			}
			explainCompletion(c)
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || len(rest) > 0 {
					return noSuchCommand(found, rest)
				}
				return nil
			}
		}
	}
}

// subcommands is the table of contents. When the command line begins with one
// of the names, that command is all that is built: "okauth token" is on people's
// hot path, and half of its own time would go into commands it does not run.
func subcommands(env *Env, global *globalFlags, args []string) []*cobra.Command {
	table := []struct {
		name string
		make func() *cobra.Command
	}{
		{"login", func() *cobra.Command { return newLoginCmd(env, global) }},
		{"token", func() *cobra.Command { return newTokenCmd(env, global) }},
		{"decode", func() *cobra.Command { return newDecodeCmd(env, global) }},
		{"verify", func() *cobra.Command { return newVerifyCmd(env, global) }},
		{"introspect", func() *cobra.Command { return newIntrospectCmd(env, global) }},
		{"userinfo", func() *cobra.Command { return newUserinfoCmd(env, global) }},
		{"status", func() *cobra.Command { return newStatusCmd(env, global) }},
		{"exec", func() *cobra.Command { return newExecCmd(env, global) }},
		{"logout", func() *cobra.Command { return newLogoutCmd(env, global) }},
		{"doctor", func() *cobra.Command { return newDoctorCmd(env, global) }},
		{"config", func() *cobra.Command { return newConfigCmd(env, global) }},
		{"sandbox", func() *cobra.Command { return newSandboxCmd(env) }},
		{"demo", func() *cobra.Command { return newDemoCmd(env) }},
		{"version", func() *cobra.Command { return newVersionCmd(env) }},
		{"exit-codes", newExitCodesTopic},
		{"errors", newErrorsTopic},
	}
	var all []*cobra.Command
	for _, entry := range table {
		if len(args) > 0 && args[0] == entry.name {
			return []*cobra.Command{entry.make()}
		}
	}
	for _, entry := range table {
		all = append(all, entry.make())
	}
	return all
}

// globalFlags are the flags that every command has.
type globalFlags struct {
	profile string
	config  string
	noInput bool
	verbose verbosity
	timeout string
}

// again returns the flags that lead another command to the same configuration.
func (g *globalFlags) again() string {
	text := ""
	if g.config != "" {
		text += " --config " + shellQuote(g.config)
	}
	if g.profile != "" {
		text += " -p " + shellQuote(g.profile)
	}
	return text
}

func (g *globalFlags) addFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVarP(&g.profile, "profile", "p", "", "the profile to use")
	f.StringVar(&g.config, "config", "", "the configuration file to use")
	f.BoolVar(&g.noInput, "no-input", false, "never ask a question")
	f.VarPF(&g.verbose, "verbose", "v", "show each request on standard error, without secrets; -vv also headers and form fields").NoOptDefVal = "+1"
	f.StringVar(&g.timeout, "timeout", "", "give up a request after this long (default 30s)")
	fromSettings(f, "profile", "config", "timeout")
}

// settingsFlag marks the flags that package config layers over the environment
// itself, so that their source is known.
const settingsFlag = "okauth_setting"

func fromSettings(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = f.SetAnnotation(name, settingsFlag, []string{"true"}) // fails for unknown names only
	}
}

// flagsFromEnvironment gives every flag that was not typed the value of its
// variable: --no-input is OKAUTH_NO_INPUT.
func flagsFromEnvironment(c *cobra.Command, env *Env) error {
	var bad error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || bad != nil || f.Name == "help" || f.Name == "version" || f.Annotations[settingsFlag] != nil {
			return
		}
		name := flagVariable(f.Name)
		value := env.getenv(name)
		if value == "" {
			return
		}
		err := f.Value.Set(value)
		switch {
		case err != nil && f.Value.Type() == "bool": // the value may be a secret in the wrong place
			bad = &usageError{message: name + ": expected true or false", hint: "the variable stands for --" + f.Name}
		case err != nil:
			bad = &usageError{message: fmt.Sprintf("%s: %v", name, err), hint: "the variable stands for --" + f.Name}
		}
	})
	return bad
}

func flagVariable(flag string) string {
	return "OKAUTH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// stoppable is run in a context that a signal ends.
func stoppable(env *Env, run func(context.Context) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) error { return untilStopped(c.Context(), env, run) }
}

// untilStopped calls run with a context that a signal ends. Whatever failed then
// failed because of the signal.
func untilStopped(ctx context.Context, env *Env, run func(context.Context) error) error {
	ctx, stop := env.Signals(ctx)
	defer stop()
	err := run(ctx)
	if s, ok := errors.AsType[SignalError](context.Cause(ctx)); ok && err != nil {
		return s
	}
	return err
}

// verbosity is --verbose: how often it was given, or how much OKAUTH_VERBOSE says.
type verbosity int

// The levels of verbosity that differ.
const (
	verboseLines  verbosity = 1 // a line for each request and each answer
	verboseDetail verbosity = 2 // headers and form fields as well
)

func (v *verbosity) String() string { return strconv.Itoa(int(*v)) }
func (v *verbosity) Type() string   { return "count" }

// Set takes a level, true or false, and +1 for each time the flag is typed.
func (v *verbosity) Set(text string) error {
	switch text {
	case "+1":
		*v++
		return nil
	case "true", "false":
		*v = map[string]verbosity{"true": verboseLines}[text]
		return nil
	}
	level, err := strconv.ParseUint(text, 10, 8)
	if err != nil || level > uint64(verboseDetail) {
		return errors.New("expected true, false or a number from 0 to 2")
	}
	*v = verbosity(level)
	return nil
}
