package cmd_test

import (
	"bytes"
	"okauth/cmd/internal/cli"
	"strings"
	"testing"
	"unicode/utf8"

	"okauth/cmd"
)

// "okauth help errors" has every row, in lines that fit and that a search for Okta's error code finds.
func TestHelpErrorsHasEveryRow(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	env := &cli.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false }}
	if code := cmd.Main(t.Context(), env, []string{"help", "errors"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	text := out.String()
	flat := strings.Join(strings.Fields(text), " ")
	for _, one := range cli.Explanations() {
		one = one.Printable()
		if !strings.Contains(text, "\n"+one.ID+"\n") || !strings.Contains(text, "\n"+strings.ToUpper(one.Topic)+"\n") {
			t.Errorf("%s is not in it", one.ID)
		}
		for _, part := range []string{one.Says, one.Means, one.Do} {
			if part = strings.Join(strings.Fields(part), " "); !strings.Contains(flat, part) {
				t.Errorf("%s: %q is not in it", one.ID, part)
			}
		}
		if one.Code != "" && !strings.Contains(text, "\n  says   "+one.Code) {
			t.Errorf("%s: the code %s does not begin its line", one.ID, one.Code)
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if utf8.RuneCountInString(line) > 80 || strings.TrimRight(line, " ") != line {
			t.Errorf("does not fit, or ends in white space: %q", line)
		}
	}
}
