package cmd_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"okauth/cmd"
	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
)

// longDuration is how Go writes an hour or a minute; people write 1h, 1m.
var longDuration = regexp.MustCompile(`\dh0m|\dm0s`)

// What people read is 80 columns wide.
func TestHelpFits80Columns(t *testing.T) {
	t.Parallel()
	for command := range everyCommand(cmd.Commands()) {
		for line := range strings.Lines(helpOf(t, command)) {
			line = strings.TrimRight(line, "\n")
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("%s: a line of %d columns: %s", command.CommandPath(), utf8.RuneCountInString(line), line)
			}
			if longDuration.MatchString(line) {
				t.Errorf("%s: units that are zero: %s", command.CommandPath(), line)
			}
		}
	}
}

// On a narrow terminal a description that has too little room beside its flag is below it.
func TestUsageFitsNarrowTerminals(t *testing.T) {
	t.Parallel()
	for command := range everyCommand(cmd.Commands()) {
		for _, width := range []int{40, 50, 60, 70} {
			_, usage, _ := strings.Cut(helpAt(t, command, width), "Usage:\n")
			for line := range strings.Lines(usage) {
				words := strings.TrimLeft(strings.TrimRight(line, "\n"), " ")
				indent := len(line) - len(words) - 1
				tooWide := indent+utf8.RuneCountInString(words) > width && strings.Contains(words, " ")
				if tooWide || words != "" && indent > width-24 || words == "" && indent > 0 {
					t.Errorf("%s, %d columns: %q", command.CommandPath(), width, line)
				}
			}
		}
	}
}

// helpOf returns what "okauth help" prints about a command.
func helpOf(t *testing.T, command *cobra.Command) string { return helpAt(t, command, 0) }

func helpAt(t *testing.T, command *cobra.Command, width int) string {
	t.Helper()
	var out, errs bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Width: width, LookupEnv: os.LookupEnv}
	args := append([]string{"help"}, strings.Fields(command.CommandPath())[1:]...)
	if code := cmd.Main(t.Context(), env, args); code != 0 || out.Len() == 0 {
		t.Errorf("okauth %q: exit code %d, %q", args, code, &errs)
	}
	return out.String()
}

// A command's help fits on a screen, with its usage: what is longer belongs into docs.
func TestHelpIsShort(t *testing.T) {
	t.Parallel()
	for command := range everyCommand(cmd.Commands()) {
		if command.IsAdditionalHelpTopicCommand() {
			continue // a table
		}
		long, _, found := strings.Cut(helpOf(t, command), "Usage:")
		if lines := strings.Count(long, "\n"); !found || lines > 25 {
			t.Errorf("%s: %d lines before its usage, want at most 25", command.CommandPath(), lines)
		}
		if command.HasParent() && strings.HasSuffix(command.Short, ".") {
			t.Errorf("%s: %q is not a phrase", command.CommandPath(), command.Short)
		}
	}
}

// The help of login says of each grant what it is.
func TestLoginDescribesEachGrant(t *testing.T) {
	t.Parallel()
	command, _, err := cmd.Commands().Find([]string{"login"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range config.Grants() {
		if !regexp.MustCompile(`(?m)^  ` + g.Name + `  +\w`).MatchString(helpOf(t, command)) {
			t.Errorf("%s is not described", g.Name)
		}
	}
}

// "okauth help" lists each command once, in a group or, as Cobra's own help command, behind them.
func TestHelpListsEachCommandOnce(t *testing.T) {
	t.Parallel()
	root := cmd.Commands()
	text := helpOf(t, root)
	for _, group := range root.Groups() {
		if !strings.Contains(text, "\n"+group.Title+"\n") {
			t.Errorf("the group %q is not in the list", group.Title)
		}
	}
	if len(root.Groups()) == 0 {
		t.Error("there are no groups")
	}
	for _, c := range root.Commands() {
		name := c.Name()
		if c.IsAdditionalHelpTopicCommand() {
			name = c.CommandPath()
		} else if c.GroupID == "" && name != "help" && name != "version" {
			t.Errorf("%s is in no group", name)
		}
		times := 0
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "  "+name+" ") {
				times++
			}
		}
		if times != 1 {
			t.Errorf("%s is listed %d times, want 1", name, times)
		}
	}
}
