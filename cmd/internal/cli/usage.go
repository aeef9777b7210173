package cli

// What okauth says about a typing mistake: the nearest command or flag, and never a value, which may be a secret in the
// wrong place.

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"okauth/pkg/config"
	"okauth/pkg/output"
)

const (
	leastRoom = 24 // columns of a description beside its flag
	belowFlag = "          "
)

// FitUsage breaks the lines of the usage of root and its commands at width: Cobra does not. A description goes below
// its flag where there is little room beside it.
func FitUsage(root *cobra.Command, width int) {
	usage := root.UsageFunc()
	root.SetUsageFunc(func(c *cobra.Command) error {
		out := c.OutOrStderr()
		defer c.SetOut(out)
		var text, fitting strings.Builder
		c.SetOut(&text)
		if err := usage(c); err != nil {
			return err
		}
		for line := range strings.Lines(text.String()) {
			column := strings.LastIndex(line, "  ") + len("  ") // where the description is
			left, about := line[:column], line[column:]
			if flag := strings.TrimRight(left, " "); flag != "" && width-column < leastRoom {
				left, column = flag+"\n"+belowFlag, len(belowFlag)
			}
			fitting.WriteString(left + output.Wrap(about, column, column, width))
		}
		_, err := io.WriteString(out, fitting.String())
		return err
	})
}

// FlagError turns what the flag parser says into one of our errors, with the nearest flag that exists.
func FlagError(c *cobra.Command, err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return invalidValue(c, invalid)
	}
	// The parser's own text has the whole argument, which may be a secret, such as the first line of a private key.
	if _, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return Usage("an argument (not shown) begins with a dash and is not a flag", helpHint(c))
	}
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok {
		return Usage(err.Error(), helpHint(c))
	}
	name := unknown.GetSpecifiedName()
	if len(unknown.GetSpecifiedShortnames()) > 0 {
		return Usage("unknown shorthand flag: -"+name, helpHint(c))
	}
	advice := secretFlagHint(name)
	if key, err := config.FindKey(strings.ReplaceAll(name, "-", "_")); err == nil && advice == "" {
		advice = fmt.Sprintf("%s has no flag here: use okauth config set %[1]s, or %s", key.Name, key.Env[0])
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := config.Suggest(name, names); advice == "" && near != "" {
		advice = fmt.Sprintf("did you mean --%s?", near)
	}
	if len(name) > 32 {
		name = "… (not shown: it is long)"
	}
	return Usage("unknown flag: --"+name, cmp.Or(advice, helpHint(c)))
}

func invalidValue(c *cobra.Command, err *pflag.InvalidValueError) error {
	value := err.GetFlag().Value
	if value.Type() == "bool" {
		return Usage("--"+err.GetFlag().Name+" takes no value", helpHint(c))
	}
	near := ""
	if e, ok := value.(*enum); ok {
		near = config.Suggest(err.GetValue(), e.words)
	}
	return Usage(err.Error(), cmp.Or(didYouMean(near), helpHint(c)))
}

// secretFlagHint answers those who look for a flag that okauth will never have: a secret in argv is in the shell's
// history and in every process list.
func secretFlagHint(name string) string {
	switch name {
	case "password", "pass", "passwd":
		return "a password is never a flag: use --password-stdin, OKAUTH_PASSWORD, password_command, or be asked"
	case "client-secret", "secret":
		return "a secret is never a flag: use okauth config set client_secret, OKAUTH_CLIENT_SECRET or client_secret_command"
	case "private-key":
		return "a key is never a flag: use --private-key-file, okauth config set private_key or OKAUTH_PRIVATE_KEY"
	}
	return ""
}

// NoSuchCommand refuses arguments of a command that only has subcommands.
func NoSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	near := ""
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
		if slices.Contains(sub.SuggestFor, args[0]) {
			near = sub.Name()
		}
	}
	if near = cmp.Or(near, config.Suggest(args[0], names)); near != "" {
		near = c.CommandPath() + " " + near
	}
	message := fmt.Sprintf("unknown command %s for %q", QuoteName(args[0]), c.CommandPath())
	return Usage(message, cmp.Or(didYouMean(near), helpHint(c)))
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
		case slices.Contains(args, "#"): // zsh has no comments at the prompt
			return Usage(command+" got a comment as arguments", "leave out # and the rest; in zsh, `setopt "+
				"interactive_comments` allows comments at the prompt")
		case len(args) < least:
			_, names, _ := strings.Cut(c.Use, " ")
			return Usage(command+" needs "+names, helpHint(c))
		case most == 0 && len(args) > 0:
			return Usage(command+" takes no arguments", helpHint(c)) // the argument may be a password or a token
		case len(args) > most:
			return Usage(fmt.Sprintf("%s takes at most %d arguments, got %d", command, most, len(args)), helpHint(c))
		}
		return nil
	}
}
