package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pages returns the pages of root and of all commands and help topics below it, by file name: okauth-token.1.
func pages(root *cobra.Command, date time.Time) map[string]string {
	all := make(map[string]string)
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		if !c.HasParent() || c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			all[name(c)+".1"] = page(c, date)
		}
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(root)
	return all
}

func name(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

const environment = `Each flag has a variable, which counts unless the flag is given: OKAUTH_NO_INPUT for --no-input.
Each setting has one, too: OKAUTH_CLIENT_ID for client_id.`

// page returns the page of a command or a help topic. A word that is broken cannot be copied, so words are not
// hyphenated.
// https://man7.org/linux/man-pages/man7/man.7.html
func page(c *cobra.Command, date time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %q \"1\" %q \"okauth\" \"okauth manual\"\n.nh\n.ad l\n",
		strings.ToUpper(name(c)), date.Format("Jan 2006"))
	section := func(title, text string) {
		if text != "" {
			b.WriteString("\n.SH " + title + "\n" + strings.TrimSpace(text) + "\n")
		}
	}
	section("NAME", escape(name(c)+" - "+c.Short))
	if c.IsAdditionalHelpTopicCommand() {
		section("DESCRIPTION", description(c.Long))
	} else {
		c.InitDefaultHelpFlag()
		section("SYNOPSIS", bold(c.UseLine()))
		section("DESCRIPTION", description(cmp.Or(c.Long, c.Short)))
		section("OPTIONS", options(c.NonInheritedFlags()))
		section("OPTIONS INHERITED FROM PARENT COMMANDS", options(c.InheritedFlags()))
		section("EXAMPLE", verbatim(c.Example))
		section("ENVIRONMENT", escape(environment))
		section("EXIT STATUS", escape("0 on success. okauth-exit-codes(1) explains the other codes."))
	}
	var others []string
	for _, other := range append([]*cobra.Command{c.Parent()}, c.Commands()...) {
		if other != nil && (other == c.Parent() || other.IsAvailableCommand()) {
			others = append(others, bold(name(other)+"(1)"))
		}
	}
	section("SEE ALSO", strings.Join(others, ", "))
	return b.String()
}

// options returns a list of flags, each with what it takes, its usage and its default.
func options(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		takes, usage := pflag.UnquoteUsage(f)
		tag := bold("--" + f.Name)
		if f.Shorthand != "" {
			tag = bold("-"+f.Shorthand) + ", " + tag
		}
		if takes != "" && f.NoOptDefVal == "" {
			tag += ` \fI` + escape(takes) + `\fR`
		}
		switch f.DefValue {
		case "", "0", "false", "[]":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		b.WriteString("\n.TP\n" + tag + "\n" + escape(usage) + "\n")
	})
	return b.String()
}

// description returns a help text as it stands on a page. Lines that are indented or have columns stay as they are; a
// line of capital letters is a heading.
func description(text string) string {
	columns := regexp.MustCompile(`(?m)(\n*^.*  .*$)+`)
	heading := regexp.MustCompile(`(?m)^([A-Z][^a-z\n]*)\n\n`)
	paragraph := regexp.MustCompile(`\n\n([^.])`)
	text = strings.TrimSpace(text)
	var b strings.Builder
	end := 0
	for _, at := range append(columns.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		filled := heading.ReplaceAllString(escape(text[end:at[0]]), ".SS $1\n")
		b.WriteString(paragraph.ReplaceAllString(filled, "\n\n.PP\n$1") + verbatim(text[at[0]:at[1]]))
		end = at[1]
	}
	return b.String()
}

// verbatim returns lines that stay as they are. Where they are too wide for 80 columns, they begin further to the left.
func verbatim(lines string) string {
	if lines == "" {
		return ""
	}
	widest := 0
	for line := range strings.Lines(lines) {
		widest = max(widest, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	text := ".EX\n" + strings.Trim(escape(lines), "\n") + "\n.EE"
	const room = 80 - 7 // man(1) indents by 7
	if widest > room {
		text = fmt.Sprintf(".RS %d\n%s\n.RE", max(-7, room-widest), text)
	}
	return "\n\n" + text
}

func bold(text string) string { return `\fB` + escape(text) + `\fP` }

// escape makes every character show as it is and be copied as it is, whatever man(1) makes of a dot, of hyphens, quotes
// and what is not ASCII.
// https://man7.org/linux/man-pages/man7/groff_char.7.html
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\\`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	text = regexp.MustCompile(`[^\x00-\x7f]`).ReplaceAllStringFunc(text, func(c string) string {
		return fmt.Sprintf(`\[u%04X]`, []rune(c)[0])
	})
	return regexp.MustCompile(`(?m)^\.`).ReplaceAllString(text, `\&.`)
}
