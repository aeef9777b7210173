package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The flags of every command, and how commands run.

// GlobalFlags are the flags that every command has.
type GlobalFlags struct {
	Profile string
	config  string
	NoInput bool
	verbose verbosity
	timeout string

	SignInProfile string // of the session that "okauth login" in a hint is about, if it is not that of Profile
}

// Again returns the global flags that another command needs to use the same profile.
func (g *GlobalFlags) Again() string {
	text := ""
	if g.config != "" {
		text += " --config " + ShellQuote(g.config)
	}
	if g.Profile != "" {
		text += " -p " + ShellQuote(g.Profile)
	}
	return text
}

// AddFlags adds the global flags.
func (g *GlobalFlags) AddFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVarP(&g.Profile, "profile", "p", "", "profile to use")
	f.StringVar(&g.config, "config", "", "configuration file")
	f.BoolVar(&g.NoInput, "no-input", false, "never ask a question")
	f.VarPF(&g.verbose, "verbose", "v",
		"show each request on standard error, redacted; -vv adds headers and form fields").NoOptDefVal = "+1"
	f.StringVar(&g.timeout, "timeout", "", "time limit for each request (default 30s)")
	fromSettings(f, "profile", "config", "timeout")
}

// settingsFlag marks the flags that package config reads itself, so that it knows the source of each value.
const settingsFlag = "okauth_setting"

func fromSettings(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = f.SetAnnotation(name, settingsFlag, []string{"true"}) // fails for unknown names only
	}
}

// FlagVariable returns the variable of a flag, "" if it has none or is that of a setting.
func FlagVariable(f *pflag.Flag) string {
	if f.Name == "help" || f.Name == "version" || f.Annotations[settingsFlag] != nil {
		return ""
	}
	return "OKAUTH_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// FlagsFromEnvironment sets every flag that was not given to the value of its variable: OKAUTH_NO_INPUT is --no-input.
func FlagsFromEnvironment(c *cobra.Command, env *Env) error {
	var bad error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		name := FlagVariable(f)
		if f.Changed || bad != nil || name == "" {
			return
		}
		value := env.Getenv(name)
		if value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			if f.Value.Type() == "bool" { // the value may be a secret in the wrong place
				err = errors.New("expected true or false")
			}
			bad = Usage(fmt.Sprintf("%s: %v", name, err), "the variable stands for --"+f.Name)
		}
	})
	return bad
}

// Stoppable returns run as a RunE with a context that a signal ends.
func Stoppable(env *Env, run func(context.Context) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) error { return UntilStopped(c.Context(), env, run) }
}

// UntilStopped calls run with a context that a signal ends. After a signal its error is the SignalError.
func UntilStopped(ctx context.Context, env *Env, run func(context.Context) error) error {
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
	verboseLines  verbosity = 1 // a line for each request and each response
	verboseDetail verbosity = 2 // headers and form fields as well
)

func (v *verbosity) String() string { return strconv.Itoa(int(*v)) }
func (v *verbosity) Type() string   { return "count" }

// Set takes a level, true or false, or +1, which pflag passes each time the flag is given.
func (v *verbosity) Set(text string) error {
	level, ok := map[string]verbosity{
		"+1": *v + 1, "true": verboseLines, "false": 0, "0": 0, "1": verboseLines, "2": verboseDetail,
	}[text]
	if !ok {
		return errors.New("expected true, false or a number from 0 to 2")
	}
	*v = level
	return nil
}
