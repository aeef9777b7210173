package cmd_test

import (
	"bytes"
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
	for _, command := range []string{
		"", "login", "token", "exec", "decode", "status", "logout", "config", "config init", "config list", "config get", "config set",
		"config unset", "config path", "config use", "sandbox", "demo", "version", "help exit-codes",
	} {
		var out, errs bytes.Buffer
		env := &cmd.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, LookupEnv: os.LookupEnv}
		args := strings.Fields(command)
		if len(args) == 0 || args[0] != "help" {
			args = append(args, "--help")
		}
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
