package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	root := cmd.Commands()
	all, err := pages(root, time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for name, topic := range map[string]bool{
		"okauth": false, "okauth-token": false, "okauth-config-set": false, "okauth-completion-bash": false, "okauth-exit-codes": true, "okauth-errors": true,
	} {
		if _, ok := all[name+".1"]; !ok {
			t.Errorf("there is no page %s.1", name)
		}
		if got := strings.Contains(all[name+".1"], "\n.SH SYNOPSIS\n"); got == topic {
			t.Errorf("%s.1: a synopsis: got %v, want %v", name, got, !topic)
		}
	}
	fresh := cmd.Commands() // pages rewrote the texts of root
	for name, text := range all {
		path := strings.Split(strings.TrimSuffix(name, ".1"), "-")
		c, _, err := fresh.Find(path[1:])
		if len(path) == 3 && c == fresh { // the name of a topic has a hyphen
			c, _, err = fresh.Find([]string{strings.Join(path[1:], "-")})
		}
		if err != nil || strings.ReplaceAll(c.CommandPath(), " ", "-")+".1" != name {
			t.Fatalf("%s is the page of no command: %v", name, err)
		}
		checkPage(t, name, text, c)
	}
}

func checkPage(t *testing.T, name, text string, c *cobra.Command) {
	t.Helper()
	title := strings.ToUpper(strings.TrimSuffix(name, ".1"))
	if got := unescape(text); !strings.HasPrefix(got, `.TH "`+title+`" "1" "Feb 2026" "okauth" "okauth manual"`) {
		t.Errorf("%s begins with %.80q", name, got)
	}
	sections := []string{"NAME", "DESCRIPTION", "SEE ALSO"}
	if !c.IsAdditionalHelpTopicCommand() {
		sections = append(sections, "SYNOPSIS", "ENVIRONMENT", "EXIT STATUS")
		for _, flags := range []*pflag.FlagSet{c.NonInheritedFlags(), c.InheritedFlags()} {
			flags.VisitAll(func(f *pflag.Flag) { checkFlag(t, name, text, f) })
		}
	}
	if c.HasExample() {
		sections = append(sections, "EXAMPLE")
		if !strings.Contains(unescape(text), ".EX\n"+c.Example+"\n.EE\n") {
			t.Errorf("%s: the example is not as it stands in the help text", name)
		}
	}
	for _, section := range sections {
		if strings.Count(text, "\n.SH "+section+"\n") != 1 {
			t.Errorf("%s: not one section %s", name, section)
		}
	}
	for _, section := range []string{"SYNOPSIS", "OPTIONS"} {
		if c.IsAdditionalHelpTopicCommand() && strings.Contains(text, "\n.SH "+section) {
			t.Errorf("%s: a topic has a section %s", name, section)
		}
	}
	checkLines(t, name, text, cmp.Or(c.Long, c.Short))
}

// checkFlag checks that the page lists the flag, what it takes, its usage and its default.
func checkFlag(t *testing.T, name, text string, f *pflag.Flag) {
	t.Helper()
	if f.Hidden {
		return
	}
	takes, usage := pflag.UnquoteUsage(f)
	tag := `\fB--` + f.Name + `\fP`
	if takes != "" && f.NoOptDefVal == "" {
		tag += ` \fI` + takes + `\fR`
	}
	if !slices.Contains([]string{"", "0", "false", "[]"}, f.DefValue) {
		usage += " (default " + f.DefValue + ")"
	}
	if !strings.Contains(unescape(text), tag+"\n"+usage+"\n") {
		t.Errorf("%s: no flag %q with the usage %q", name, tag, usage)
	}
}

var (
	request = regexp.MustCompile(`^\.(TH .*|SH [A-Z ]+|SS .*|PP|TP|IP .*|RS -\d|RE|EX|EE|nh|ad l|br)?$`)
	// What a backslash may begin: anything else would be an escape of the text's own, or one that was escaped twice.
	escaped   = regexp.MustCompile(`\\(-|&|e|\\|f[BIPR]|\((aq|ga|ha|ti)|\[u[0-9A-F]{4,5}\])`)
	unescaped = strings.NewReplacer(`\-`, "-", `\(aq`, "'", `\(ga`, "`", `\(ha`, "^", `\(ti`, "~", `\\`, `\`, `\&`, "")
)

func unescape(text string) string {
	return regexp.MustCompile(`\\\[u([0-9A-F]{4})\]`).ReplaceAllStringFunc(unescaped.Replace(text), func(c string) string {
		code, _ := strconv.ParseInt(c[3:7], 16, 32)
		return string(rune(code))
	})
}

// checkLines checks that no text is taken for a request, that all of it is ASCII without Markdown, that what is not
// filled fits a terminal of 80 columns, and that every word of the help text is there, in its order.
func checkLines(t *testing.T, name, text, help string) {
	t.Helper()
	asIs, left := false, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.IndexFunc(line, func(r rune) bool { return r != '\t' && r < ' ' || r >= utf8.RuneSelf }) >= 0 {
			t.Errorf("%s: not plain ASCII: %q", name, line)
		}
		if strings.HasPrefix(line, ".") {
			if !request.MatchString(line) {
				t.Errorf("%s: taken for a request: %q", name, line)
			}
			asIs = line == ".EX" || asIs && line != ".EE"
			if amount, ok := strings.CutPrefix(line, ".RS "); ok || line == ".RE" {
				left, _ = strconv.Atoi(amount)
			}
			continue
		}
		rest := escaped.ReplaceAllString(line, "")
		if strings.Contains(rest, `\`) || strings.ContainsAny(rest, "'^~-`") || strings.Contains(line, "**") {
			t.Errorf("%s: not escaped: %q", name, line)
		}
		if shown := utf8.RuneCountInString(escaped.ReplaceAllString(line, "x")); asIs && 7+left+shown > 80 {
			t.Errorf("%s: %d columns: %q", name, 7+left+shown, line)
		}
	}
	_, description, _ := strings.Cut(unescape(text), "\n.SH DESCRIPTION\n")
	for word := range strings.FieldsSeq(help) {
		at := strings.Index(description, word)
		if at < 0 {
			t.Fatalf("%s: the description has not the word %q in its place", name, word)
		}
		description = description[at+len(word):]
	}
}

// The text of a page is the help text: paragraphs to be filled, and lines that stay as they are.
func TestMarkdown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Two lines of\na paragraph.\n\n.dot and \\n, 'it' …": "Two lines of\na paragraph.\n\n.PP\n\\&.dot and \\\\n, \\(aqit\\(aq \\[u2026]\n",
		"See:\n\n  a --b\n\n    c":                           "See:\n\n.EX\n  a \\-\\-b\n\n    c\n.EE\n",
		"SIGN-IN\n\nname_of_it <x> *y* `z` [w]\n  do    one": ".SS SIGN-IN\nname_of_it <x> *y* \\(gaz\\(ga [w]\n\n.EX\n  do    one\n.EE\n",
		"Tokens    one\n          two\nTLS       x":          ".EX\nTokens    one\n          two\nTLS       x\n.EE\n",
		"x\n\n  " + strings.Repeat("w", 75):                  "x\n\n.RS -4\n.EX\n  " + strings.Repeat("w", 75) + "\n.EE\n.RE\n",
	} {
		all, err := page(&cobra.Command{Use: "x", Long: text, Run: func(*cobra.Command, []string) {}}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(all, "\n.SH DESCRIPTION\n")
		got, _, _ = strings.Cut(got, "\n\n.SH ")
		if strings.TrimSpace(got)+"\n" != want {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
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
		if err != nil || r.Name != "" || !r.ModTime.IsZero() || !bytes.Contains(text, []byte(`"Jan 2026"`)) {
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
