package cmd_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"okauth/cmd"
)

// Every command shows how it is used, and what it shows can be typed.
func TestExamplesParse(t *testing.T) {
	t.Parallel()
	commands := 0
	for c := range everyCommand(cmd.Commands()) {
		if !c.HasParent() || c.Name() == "help" || c.IsAdditionalHelpTopicCommand() {
			continue // their text is the list of the commands, or is no command's
		}
		commands++
		if !c.HasExample() {
			t.Errorf("%s has no example", c.CommandPath())
			continue
		}
		if !strings.HasPrefix(c.Example, "  # ") {
			t.Errorf("%s: the first example has no comment", c.CommandPath())
		}
		own := 0
		for _, line := range invocations(c.Example) {
			used, err := parseExample(line)
			if err != nil {
				t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
				continue
			}
			if used == c.CommandPath() || strings.HasPrefix(used, c.CommandPath()+" ") {
				own++
			}
		}
		if own == 0 {
			t.Errorf("%s: no example of %q uses it", c.CommandPath(), c.Example)
		}
	}
	if commands < 25 {
		t.Errorf("got %d commands, want 25 or more", commands)
	}
}

// What would not work is found.
func TestExamplesThatDoNotParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"okauth lgoin":                `no command "lgoin"`,
		"okauth config gett domain":   `no command "gett"`,
		"okauth config use":           "needs PROFILE",
		"okauth version now":          "takes no arguments",
		"okauth token --no-such":      "unknown flag",
		"okauth token -o yaml":        "yaml",
		"okauth -p":                   "needs an argument",
		"okauth exec --min-ttl 5m":    "command to run",
		"okauth token --shell=korn":   "korn",
		"okauth token -o env --type":  "needs an argument",
		"okauth config init --output": "unknown flag",
	} {
		got := invocations(line)
		if len(got) != 1 {
			t.Fatalf("%q: got %q", line, got)
		}
		if _, err := parseExample(got[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
}

// everyCommand yields the whole tree.
func everyCommand(c *cobra.Command) func(func(*cobra.Command) bool) {
	var walk func(*cobra.Command, func(*cobra.Command) bool) bool
	walk = func(c *cobra.Command, yield func(*cobra.Command) bool) bool {
		if !yield(c) {
			return false
		}
		for _, sub := range c.Commands() {
			if !walk(sub, yield) {
				return false
			}
		}
		return true
	}
	return func(yield func(*cobra.Command) bool) { walk(c, yield) }
}

// invocation is an okauth on a line of shell, up to what ends a command.
var invocation = regexp.MustCompile(`(?:^|[\s(])(okauth(?:\s(?:'[^']*'|"[^"]*"|\$\([^()]*\)|[^|<>;&()"'])*)?)`)

// invocations are the command lines of okauth in the lines of an example.
func invocations(example string) []string {
	var all []string
	for _, match := range invocation.FindAllStringSubmatch(example, -1) {
		line, _, _ := strings.Cut(match[1], "\n") // what a line goes on with is another program's
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

var word = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s"'])+`)

// words splits a line as a shell does that knows quotes alone.
func words(line string) []string {
	var all []string
	for _, match := range word.FindAllString(line, -1) {
		all = append(all, strings.NewReplacer(`"`, "", "'", "").Replace(match))
	}
	return all
}

// parseExample parses a command line on a fresh tree, as okauth would, and returns
// the path of the command that it finds.
func parseExample(line string) (string, error) {
	root := cmd.Commands()
	// Flags in front of the command are parsed with it.
	found, rest, err := root.Find(words(line)[1:])
	if err != nil {
		return "", err
	}
	flags := pflag.NewFlagSet(line, pflag.ContinueOnError)
	flags.SetInterspersed(found.Name() != "exec")
	flags.AddFlagSet(found.Flags())
	flags.AddFlagSet(found.InheritedFlags())
	if err := flags.Parse(rest); err != nil {
		return "", err
	}
	args := flags.Args()
	if found.HasSubCommands() && len(args) > 0 {
		return "", fmt.Errorf("there is no command %q", args[0])
	}
	if !found.Runnable() && !found.IsAdditionalHelpTopicCommand() {
		return "", errors.New("the command does nothing")
	}
	if found.Args != nil {
		err = found.Args(found, args)
	}
	return found.CommandPath(), err
}
