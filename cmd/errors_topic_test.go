package cmd_test

import (
	"bytes"
	"fmt"
	"okauth/cmd/internal/cli"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"okauth/cmd"
	"okauth/pkg/okta"
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
	for _, one := range allExplanations() {
		if !strings.Contains(text, "\n"+one.ID+"\n") || !strings.Contains(text, "\n"+strings.ToUpper(one.About)+"\n") {
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

func allExplanations() []okta.Explanation {
	return append(okta.Explanations(), okta.NetworkExplanations()...)
}

const (
	readmeBegin = "<!-- errors: generated, see cmd/errors_topic_test.go -->\n"
	readmeEnd   = "<!-- /errors -->"
)

// README.md has the same table. Write it anew with: go test ./cmd -run TestReadmeHasEveryError -update
func TestReadmeHasEveryError(t *testing.T) {
	const path = "../README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), readmeBegin)
	have, after, ended := strings.Cut(rest, readmeEnd)
	if !found || !ended {
		t.Fatalf("README.md has no %q … %q", readmeBegin, readmeEnd)
	}
	want := readmeErrors()
	if *update {
		if err := os.WriteFile(path, []byte(before+readmeBegin+want+readmeEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != want {
		t.Error("the errors in README.md are not those of pkg/okta: go test ./cmd -run TestReadmeHasEveryError -update")
	}
}

// readmeErrors is one folded table for each chapter.
func readmeErrors() string {
	var b strings.Builder
	chapter := ""
	for _, one := range allExplanations() {
		if one.About != chapter {
			if chapter != "" {
				b.WriteString("\n</details>\n")
			}
			chapter = one.About
			b.WriteString("\n<details>\n<summary>" + strings.ToUpper(chapter[:1]) + chapter[1:] + "</summary>\n\n| okauth says | what it means → what to do |\n|---|---|\n")
		}
		says := strings.TrimPrefix(one.Says, one.Code)
		if one.Code != "" {
			says = strings.TrimSpace("`" + one.Code + "` " + says)
		}
		if says == "" {
			says = "anything else"
		}
		if one.Status != 0 {
			says = strings.TrimPrefix(says+fmt.Sprintf(" (HTTP %d)", one.Status), "anything else ")
		}
		if len(one.For) > 0 {
			says += " *(" + strings.Join(one.For, ", ") + ")*"
		}
		b.WriteString("| " + says + " | " + one.Means + " → " + one.Do + " |\n")
	}
	b.WriteString("\n</details>\n\n")
	return b.String()
}
