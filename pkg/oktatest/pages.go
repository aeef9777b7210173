package oktatest

import (
	"cmp"
	"crypto/rand"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// showPage answers with the page of a step, which says what was refused.
func (c *call) showPage(step string) {
	in, nonce, status := c.visit, rand.Text(), http.StatusOK
	values := map[string]string{
		"nonce": nonce, "host": strings.SplitAfter(c.base, "://")[1], "signin": in.id, "step": step, "refusal": c.refusal,
		"code": c.entry.ErrorCode, "user_code": in.userCode, "app": cmp.Or(c.app, &App{}).Name,
		"login":  cmp.Or(in.login, c.form.Get("username"), in.request.Get("login_hint")),
		"scopes": strings.Join(in.scopes, " "), "device": "", "form": "yes", "mark": "",
	}
	if in.device {
		values["device"], values["user_code"] = "yes", in.userCode[:4]+"-"+in.userCode[4:]
	}
	if c.entry.ErrorCode != "" {
		status, values["mark"] = c.reply.Status, "Error: "
	}
	// Browsers apply form-action to the redirect at the end, too. It cannot name an IPv6 address.
	target := regexp.MustCompile(`^[-+.\w]+:(//[^]/?#[]+)?`).FindString(in.request.Get("redirect_uri"))
	formAction := "'self' " + target
	if step == "done" || step == "failed" {
		values["form"], values["mark"], formAction = "", "", "'none'"
	}
	c.header.Set("Content-Type", "text/html; charset=utf-8")
	c.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action "+formAction+
		"; frame-ancestors 'none'; base-uri 'none'")
	c.header.Set("X-Frame-Options", "DENY")
	c.header.Set("X-Content-Type-Options", "nosniff")
	c.header.Set("Referrer-Policy", "no-referrer")
	c.reply = &Response{status, c.header, []byte(fillPage(step, values))}
}

// fillPage makes a page of pages.html: what stands before the first "== ", with the section of the step in its place.
// A line that begins with "?name" is there if the value is not empty, one with "!name" if it is. Every value becomes
// text. (html/template would do the same, and make every program with this package 3 MB larger.)
func fillPage(step string, values map[string]string) string {
	sections := strings.Split(embedded("pages.html"), "\n== ")
	find := func(s string) bool { return strings.HasPrefix(s, step+" ") }
	heading, section, _ := strings.Cut(sections[slices.IndexFunc(sections, find)], "\n")
	values["title"] = strings.TrimPrefix(heading, step+" ")
	var lines, pairs []string
	for line := range strings.SplitSeq(strings.Replace(sections[0], "SECTION", section, 1), "\n") {
		if condition, rest, _ := strings.Cut(line, " "); condition != "" && strings.Contains("?!", condition[:1]) {
			if (values[condition[1:]] == "") != (condition[0] == '!') {
				continue
			}
			line = rest
		}
		lines = append(lines, line)
	}
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", html.EscapeString(value))
	}
	return strings.NewReplacer(pairs...).Replace(strings.Join(lines, "\n"))
}
