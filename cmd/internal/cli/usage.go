package cli

// What okauth says about a typing mistake: the nearest command or flag, and never a value, which may be a secret in the
// wrong place.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"okauth/pkg/config"
)

// FlagError turns what the flag parser says into one of our errors, with the nearest flag that exists.
func FlagError(c *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok && invalid.GetFlag().Value.Type() == "bool" {
		return Usage("--"+invalid.GetFlag().Name+" takes no value", helpHint(c))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if e, ok := invalid.GetFlag().Value.(*enum); ok {
			if near := config.Suggest(invalid.GetValue(), e.words); near != "" {
				return &UsageError{Message: err.Error(), Advice: fmt.Sprintf("did you mean %q?", near)}
			}
		}
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return Usage(err.Error(), helpHint(c))
	}
	// The parser's own text has the whole argument, which may be a secret.
	name := unknown.GetSpecifiedName()
	e := &UsageError{Message: "unknown flag: --" + name, Advice: helpHint(c)}
	if len(unknown.GetSpecifiedShortnames()) > 0 {
		e.Message = "unknown shorthand flag: -" + name
		return e
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if advice := secretFlagHint(name); advice != "" {
		e.Advice = advice
	} else if near := config.Suggest(name, names); near != "" {
		e.Advice = fmt.Sprintf("did you mean --%s?", near)
	}
	return e
}

// secretFlagHint answers those who look for a flag that okauth will never have: a secret in argv is in the shell's
// history and in every process list.
func secretFlagHint(name string) string {
	switch name {
	case "password", "pass", "passwd":
		return "a password is never a flag: use --password-stdin, OKAUTH_PASSWORD, password_command, or be asked"
	case "client-secret", "secret":
		return "a secret is never a flag: use okauth config set client_secret, OKAUTH_CLIENT_SECRET or client_secret_command"
	}
	return ""
}

// NoSuchCommand refuses arguments of a command that only has subcommands.
func NoSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := &UsageError{
		Message: fmt.Sprintf("unknown command %s for %q", QuoteName(args[0]), c.CommandPath()), Advice: helpHint(c),
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
		if slices.Contains(sub.SuggestFor, args[0]) {
			e.Advice = fmt.Sprintf("did you mean %q?", sub.CommandPath())
			return e
		}
	}
	if near := config.Suggest(args[0], names); near != "" {
		e.Advice = fmt.Sprintf("did you mean %q?", c.CommandPath()+" "+near)
	}
	return e
}

// QuoteName quotes what was typed as the name of a command, unless it may be a token.
func QuoteName(name string) string {
	if len(name) > 32 || strings.Count(name, ".") == 2 {
		return "(not shown: it is long, or looks like a token)"
	}
	return strconv.Quote(name)
}

func helpHint(c *cobra.Command) string { return "see " + c.CommandPath() + " --help" }

// ArgsBetween is cobra.RangeArgs with our errors.
func ArgsBetween(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		command := strconv.Quote(c.CommandPath())
		switch {
		case len(args) < least:
			_, names, _ := strings.Cut(c.Use, " ")
			return Usage(command+" needs "+names, helpHint(c))
		case most == 0 && len(args) > 0:
			return Usage(command+" takes no arguments", helpHint(c)) // the argument may be a password
		case len(args) > most:
			return Usage(fmt.Sprintf("%s takes at most %d arguments, got %d", command, most, len(args)), helpHint(c))
		}
		return nil
	}
}
