package main

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// pages returns the pages of root and of all commands and help topics below it, by file name: okauth-token.1. It
// rewrites the texts of the commands as Markdown, which package doc expects.
func pages(root *cobra.Command, date time.Time) (map[string]string, error) {
	var err error
	all := make(map[string]string)
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		if err != nil {
			return
		}
		if !c.HasParent() || c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			name := strings.ReplaceAll(c.CommandPath(), " ", "-")
			all[name+".1"], err = page(c, date)
		}
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	prepareFlags(root.PersistentFlags())
	add(root)
	return all, err
}

func page(c *cobra.Command, date time.Time) (string, error) {
	c.Long, c.DisableAutoGenTag = markdown(cmp.Or(c.Long, c.Short+".")), true
	c.InitDefaultHelpFlag()
	prepareFlags(c.LocalNonPersistentFlags())
	var b bytes.Buffer
	header := doc.GenManHeader{Section: "1", Date: &date, Source: "okauth", Manual: "okauth manual"}
	if err := doc.GenMan(c, &header, &b); err != nil {
		return "", err
	}
	text := b.String()
	if c.IsAdditionalHelpTopicCommand() {
		command := regexp.MustCompile(`(?s)\n\.SH (SYNOPSIS|OPTIONS[A-Z ]*)\n.*?(\n\.SH )`)
		for command.MatchString(text) { // sections that follow each other share the end of the match
			text = command.ReplaceAllString(text, "$2")
		}
		return finish(text), nil
	}
	const more = `
.SH ENVIRONMENT
Each flag has a variable, which counts unless the flag is given: OKAUTH_NO_INPUT for --no-input. Each setting has one,
too: OKAUTH_CLIENT_ID for client_id.

.SH EXIT STATUS
0 on success. okauth-exit-codes(1) explains the other codes.
`
	return finish(strings.Replace(text, "\n.SH SEE ALSO\n", more+"\n.SH SEE ALSO\n", 1)), nil
}

// prepareFlags makes package doc show what a flag takes, where it shows its default, and the default behind its usage.
func prepareFlags(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		takes, usage := pflag.UnquoteUsage(f)
		switch f.DefValue {
		case "", "0", "false", "[]":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		if f.NoOptDefVal != "" {
			takes = ""
		}
		f.Usage, f.DefValue, f.NoOptDefVal = escape(usage), takes, ""
	})
}

// markdown returns a help text as Markdown. Lines that are indented or have columns stay as they are; a line of capital
// letters is a heading.
func markdown(text string) string {
	var b strings.Builder
	verbatim := false
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if fits := strings.Contains(line, "  ") || verbatim && line == ""; fits != verbatim {
			verbatim = fits
			b.WriteString("\n```\n")
		}
		switch {
		case verbatim:
			b.WriteString(line)
		case line == strings.ToUpper(line) && line != strings.ToLower(line):
			b.WriteString("### " + escape(line) + "\n")
		default:
			b.WriteString(escape(line))
		}
		b.WriteByte('\n')
	}
	if verbatim {
		b.WriteString("```\n")
	}
	return b.String()
}

// escape makes Markdown show text as it is.
func escape(text string) string {
	return regexp.MustCompile("[\\\\`*_<\\[]").ReplaceAllString(text, `\$0`)
}

// finish makes a list of the flags, and makes every character show as it is and be copied as it is, whatever man(1)
// makes of hyphens, quotes and what is not ASCII. A word that is broken cannot be copied, so words are not hyphenated.
// https://man7.org/linux/man-pages/man7/groff_char.7.html
func finish(text string) string {
	flag := regexp.MustCompile(`(?m)(?:^\.PP\n)?^(\\fB-.*\\fP)="?([^"\n]*)"?\n\t`)
	text = flag.ReplaceAllString(text, ".TP\n$1 \\fI$2\\fR\n")
	text = strings.ReplaceAll(text, " \\fI\\fR\n", "\n") // a flag that takes nothing
	verbatim, widest := regexp.MustCompile(`(?s)\.EX\n.*?\.EE\n`), 0
	for _, block := range verbatim.FindAllString(text, -1) {
		for line := range strings.Lines(block) {
			widest = max(widest, utf8.RuneCountInString(line)-1)
		}
	}
	const room = 80 - 7 // man(1) indents by 7
	if widest > room {
		text = verbatim.ReplaceAllString(text, fmt.Sprintf(".RS %d\n$0.RE\n", max(-7, room-widest)))
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		switch {
		case line == ".nh\n":
		case strings.HasPrefix(line, ".TH "):
			b.WriteString(line + ".nh\n.ad l\n")
		case strings.HasPrefix(line, "."):
			b.WriteString(line)
		default:
			line = strings.ReplaceAll(line, `\-`, "-")
			line = strings.NewReplacer("-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(line)
			b.WriteString(regexp.MustCompile(`[^\x00-\x7f]`).ReplaceAllStringFunc(line, func(c string) string {
				return fmt.Sprintf(`\[u%04X]`, []rune(c)[0])
			}))
		}
	}
	return b.String()
}
