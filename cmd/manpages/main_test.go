package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"okauth/cmd"
)

// Each command has a page with all its flags, in the shape that man(1), apropos(1)
// and lintian expect.
func TestPages(t *testing.T) {
	t.Parallel()
	root := cmd.Commands(cmd.Build{})
	all := pages(root, time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	for name, topic := range map[string]bool{
		"okauth": false, "okauth-token": false, "okauth-config-set": false, "okauth-completion-bash": false, "okauth-exit-codes": true, "okauth-errors": true,
	} {
		if _, ok := all[name+".1"]; !ok {
			t.Errorf("there is no page %s.1", name)
		}
		if got := bytes.Contains(all[name+".1"], []byte(`.SH "SYNOPSIS"`)); got == topic {
			t.Errorf("%s.1: a synopsis: got %v, want %v", name, got, !topic)
		}
	}
	for name, text := range all {
		path := strings.Split(strings.TrimSuffix(name, ".1"), "-")
		c, _, err := root.Find(path[1:])
		if len(path) == 3 && c == root { // the name of a topic has a hyphen
			c, _, err = root.Find([]string{strings.Join(path[1:], "-")})
		}
		if err != nil || pageName(c)+".1" != name {
			t.Fatalf("%s is the page of no command: %v", name, err)
		}
		checkPage(t, name, string(text), c)
	}
}

func checkPage(t *testing.T, name, text string, c *cobra.Command) {
	t.Helper()
	title := `.TH "` + strings.ToUpper(strings.ReplaceAll(strings.TrimSuffix(name, ".1"), "-", `\-`)) + `" "1" "2026\-02\-03" `
	if !strings.HasPrefix(text, title) {
		t.Errorf("%s begins with %.60q, want %q", name, text, title)
	}
	sections := []string{"NAME", "DESCRIPTION", "SEE ALSO"}
	if c.HasExample() {
		sections = append(sections, "EXAMPLES")
	}
	for _, section := range sections {
		if strings.Count(text, `.SH "`+section+`"`) != 1 {
			t.Errorf("%s: not one section %s", name, section)
		}
	}
	if !c.IsAdditionalHelpTopicCommand() {
		for _, flags := range []*pflag.FlagSet{c.NonInheritedFlags(), c.InheritedFlags()} {
			flags.VisitAll(func(f *pflag.Flag) {
				if !strings.Contains(text, `\fB`+strings.ReplaceAll("--"+f.Name, "-", `\-`)+`\fR`) {
					t.Errorf("%s: no flag --%s", name, f.Name)
				}
			})
		}
	}
	checkLines(t, name, text)
}

var (
	request = regexp.MustCompile(`^\.(TH|SH|SS|PP|TP|TP \d+|RS -?\d+|RE|PD|PD 0|nf|fi|nh|ad l|sp)($| ")`)
	// What a backslash may begin: anything else would be an escape of the text's own, or one that was escaped twice.
	escaped = regexp.MustCompile(`\\(-|&|f[BIR]|\((rs|aq|dq|ga|ha|ti)|\[u[0-9A-F]{4,5}\])`)
)

// checkLines checks that no text is taken for a request, that all of it is ASCII,
// and that what is not filled fits a terminal of 80 columns.
func checkLines(t *testing.T, name, text string) {
	t.Helper()
	asIs, left := false, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest := escaped.ReplaceAllString(strings.TrimPrefix(line, ".RS -"), ""); strings.Contains(rest, `\`) || strings.ContainsAny(rest, "'`~^-") {
			t.Errorf("%s: not escaped: %q", name, line)
		}
		if strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r >= utf8.RuneSelf }) >= 0 {
			t.Errorf("%s: not plain ASCII: %q", name, line)
		}
		switch {
		case strings.HasPrefix(line, "."):
			if !request.MatchString(line) {
				t.Errorf("%s: taken for a request: %q", name, line)
			}
			if amount, ok := strings.CutPrefix(line, ".RS "); ok {
				left, _ = strconv.Atoi(amount)
			}
			asIs = line == ".nf" || asIs && line != ".fi"
		case asIs:
			if shown := utf8.RuneCountInString(escaped.ReplaceAllString(line, "x")); 7+left+shown > 80 {
				t.Errorf("%s: %d columns: %q", name, 7+left+shown, line)
			}
		}
	}
}

// The text of a page is the help text: paragraphs to be filled, lists, and lines that stay as they are.
func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Two lines of\na paragraph.\n\n.dot and \\n, 'it' …":   ".PP\nTwo lines of a paragraph.\n.PP\n\\&.dot and \\(rsn, \\(aqit\\(aq \\[u2026]\n",
		"See:\n\n  a --b\n\n    c":                             ".PP\nSee:\n.PP\n.RS 4\n.nf\na \\-\\-b\n\n  c\n.fi\n.RE\n",
		"SIGN-IN\n\nname\n  do    one\n        two\n  says  x": ".SS \"SIGN\\-IN\"\n.PP\nname\n.RS 2\n.PD 0\n.TP 6\ndo\none two\n.TP 6\nsays\nx\n.PD\n.RE\n",
		"Tokens    one\n          two\nTLS       x":            ".RS 2\n.PD 0\n.TP 8\nTokens\none two\n.TP 8\nTLS\nx\n.PD\n.RE\n",
		"x\n\n  " + strings.Repeat("w", 75):                    ".PP\nx\n.PP\n.RS -2\n.nf\n" + strings.Repeat("w", 75) + "\n.fi\n.RE\n",
	} {
		p := &page{}
		p.text(text)
		if p.String() != want {
			t.Errorf("%q: got %q, want %q", text, p, want)
		}
	}
}

// The same tree and the same date give the same bytes, with nothing in them of the
// machine; a page of an earlier run does not survive, and other files do.
func TestRunIsReproducible(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600")
	first, second := t.TempDir(), filepath.Join(t.TempDir(), "new", "man")
	for _, name := range []string{"okauth-gone.1.gz", "other.1.gz"} {
		if err := os.WriteFile(filepath.Join(first, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{first, second} {
		if err := run([]string{dir}); err != nil {
			t.Fatal(err)
		}
	}
	a, _ := filepath.Glob(filepath.Join(first, "okauth*"))
	b, _ := filepath.Glob(filepath.Join(second, "*"))
	if len(a) != len(b) || len(a) < 25 {
		t.Fatalf("got %d and %d pages", len(a), len(b))
	}
	if _, err := os.Stat(filepath.Join(first, "other.1.gz")); err != nil {
		t.Error(err)
	}
	for i := range a {
		one, err := os.ReadFile(a[i])
		if err != nil {
			t.Fatal(err)
		}
		if other, err := os.ReadFile(b[i]); err != nil || !bytes.Equal(one, other) {
			t.Errorf("%s and %s differ: %v", a[i], b[i], err)
		}
		r, err := gzip.NewReader(bytes.NewReader(one))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil || r.Name != "" || !r.ModTime.IsZero() || !bytes.Contains(text, []byte(`"2026\-01\-01"`)) {
			t.Errorf("%s: got the name %q, the time %v, the text %.80q, %v", a[i], r.Name, r.ModTime, text, err)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, test := range []struct {
		args  []string
		epoch string
		want  string
	}{
		{nil, "0", "usage: "},
		{[]string{"a", "b"}, "0", "usage: "},
		{[]string{t.TempDir()}, "yesterday", `SOURCE_DATE_EPOCH: expected seconds since 1970, got "yesterday"`},
		{[]string{filepath.Join(os.DevNull, "man")}, "0", os.DevNull},
	} {
		t.Setenv("SOURCE_DATE_EPOCH", test.epoch)
		if err := run(test.args); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q", test.args, err, test.want)
		}
	}
}
