package cmd_test

import (
	"bytes"
	"okauth/cmd/internal/cli"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"okauth/cmd"
)

// What people read is 80 columns wide. Lists of flags are not held to that: they
// are looked things up in, and Cobra lays them out.
func TestHelpFits80Columns(t *testing.T) {
	t.Parallel()
	for command := range everyCommand(cmd.Commands(cli.Build{})) {
		var out, errs bytes.Buffer
		env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, LookupEnv: os.LookupEnv}
		args := append([]string{"help"}, strings.Fields(command.CommandPath())[1:]...)
		if code := cmd.Main(t.Context(), env, args); code != 0 || out.Len() == 0 {
			t.Errorf("okauth %q: exit code %d, %q", args, code, &errs)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimRight(line, "\n")
			if utf8.RuneCountInString(line) > 80 && !strings.HasPrefix(strings.TrimLeft(line, " "), "-") {
				t.Errorf("okauth %q has a line of %d columns: %s", args, utf8.RuneCountInString(line), line)
			}
		}
	}
}
