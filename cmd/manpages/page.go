package main

import (
	"bytes"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// page is a manual page that is being written.
type page struct{ bytes.Buffer }

// pages returns the pages of root and of all below it, by their files' names:
// okauth-token.1.
func pages(root *cobra.Command, date time.Time) map[string][]byte {
	all := make(map[string][]byte)
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		all[pageName(c)+".1"] = newPage(c, date)
		for _, sub := range documented(c) {
			add(sub)
		}
	}
	add(root)
	return all
}

// pageName is the name of the page of c: okauth-config-set.
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// documented are the commands and topics below c that the help text lists.
func documented(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			all = append(all, sub)
		}
	}
	return all
}

func newPage(c *cobra.Command, date time.Time) []byte {
	p := &page{}
	topic := c.IsAdditionalHelpTopicCommand()
	p.macro("TH", strings.ToUpper(pageName(c)), "1", date.Format(time.DateOnly), "okauth", "okauth manual")
	p.line(".nh") // what is hyphenated cannot be copied
	p.line(".ad l")
	p.section("NAME")
	p.line(escape(pageName(c)) + ` \- ` + escape(c.Short))
	if !topic {
		p.section("SYNOPSIS")
		p.line(synopsis(c))
	}
	p.section("DESCRIPTION")
	p.text(description(c))
	if !topic {
		p.commands(c)
		p.flags("OPTIONS", c.NonInheritedFlags())
	}
	if c.HasExample() {
		p.section("EXAMPLES")
		p.block(strings.Split(c.Example, "\n"))
	}
	if !topic {
		p.flags("GLOBAL OPTIONS", c.InheritedFlags())
		p.section("ENVIRONMENT")
		p.text("Each flag has a variable that stands for it where it is not given: --no-input is OKAUTH_NO_INPUT. " +
			"Each setting has one, too: client_id is OKAUTH_CLIENT_ID.")
		p.section("EXIT STATUS")
		p.text("0 when all went well. What the other codes say is in okauth-exit-codes(1).")
	}
	p.seeAlso(c)
	return p.Bytes()
}

// synopsis is the usage line.
func synopsis(c *cobra.Command) string {
	text := bold(c.CommandPath()) + ` [` + italic("FLAGS") + `]`
	if c.HasAvailableSubCommands() {
		return text + " " + italic("COMMAND")
	}
	_, rest, _ := strings.Cut(c.Use, " ")
	rest = strings.TrimSpace(strings.TrimPrefix(rest, "[flags]"))
	if rest == "" {
		return text
	}
	return text + " " + escape(rest)
}

func bold(text string) string   { return `\fB` + escape(text) + `\fR` }
func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// description is the long text, or the short one as a sentence.
func description(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

// commands lists what c has below it.
func (p *page) commands(c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	p.section("COMMANDS")
	for _, sub := range documented(c) {
		if !sub.IsAdditionalHelpTopicCommand() {
			p.item(bold(sub.CommandPath()), escape(sub.Short))
		}
	}
}

// flags lists flags as the help text does. --help and --version are not worth a
// line on each page.
func (p *page) flags(title string, flags *pflag.FlagSet) {
	first := true
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Name == "version" {
			return
		}
		if first {
			p.section(title)
			first = false
		}
		what, usage := pflag.UnquoteUsage(f)
		tag := bold("--" + f.Name)
		if f.Shorthand != "" {
			tag = bold("-"+f.Shorthand) + ", " + tag
		}
		if what != "" && f.NoOptDefVal == "" {
			tag += " " + italic(what)
		}
		switch f.DefValue {
		case "", "0", "false", "[]":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		p.item(tag, escape(usage))
	})
}

// seeAlso names the pages above, beside and below that of c.
func (p *page) seeAlso(c *cobra.Command) {
	var related []*cobra.Command
	if c.HasParent() {
		related = append(related, c.Parent())
	}
	switch {
	case c.HasAvailableSubCommands():
		related = append(related, documented(c)...)
	default:
		for _, beside := range documented(c.Parent()) {
			if beside != c {
				related = append(related, beside)
			}
		}
	}
	p.section("SEE ALSO")
	for i, one := range related {
		comma := ","
		if i == len(related)-1 {
			comma = ""
		}
		p.line(bold(pageName(one)) + "(1)" + comma)
	}
}
