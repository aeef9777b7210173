package cmd

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/output"
)

// newErrorsTopic is "okauth help errors": the table that the hints come from. It is written when it is asked for, since
// every list of commands would wait for it.
func newErrorsTopic() *cobra.Command {
	c := &cobra.Command{
		Use:   "errors",
		Short: "What each error means and what to do",
		Long: `An error says what failed, in Okta's words where Okta refused. The hint says
what to do:

  okauth: error: Okta refused the sign-in: Password has expired.
    (invalid_grant, HTTP 400, request reqVy8wsvmBQN27h4soUE3ZEnA)
  okauth: hint: the user's password has expired: sign in to Okta in a browser
    and choose a new one

The brackets hold Okta's error code, the HTTP status and the request ID, which
you can search for in Okta's System Log (Admin Console, Reports › System Log).
The log often says more than Okta tells a client.

The exit code is 5 if Okta refused, 3 if the network or Okta failed (see "okauth
help exit-codes"). "okauth doctor" looks for the cause without sending a
password, and -v shows each request.

The list below covers the errors of Okta and of the network that okauth
recognizes. Search it for the error code: okauth help errors | less, then
/invalid_grant
`,
	}
	help := c.HelpFunc()
	c.SetHelpFunc(func(c *cobra.Command, args []string) {
		c.Long += errorsText()
		help(c, args)
	})
	return c
}

// errorsText lays the table out in 80 columns.
func errorsText() string {
	var b strings.Builder
	topic := ""
	for _, one := range cli.Explanations() {
		one = one.Printable()
		if one.Topic != topic {
			topic = one.Topic
			b.WriteString("\n" + strings.ToUpper(topic) + "\n")
		}
		b.WriteString("\n" + one.ID + "\n")
		labelled(&b, "says", errorSays(one))
		if len(one.For) > 0 {
			labelled(&b, "to", "a "+strings.Join(one.For, ", a "))
		}
		labelled(&b, "means", one.Means)
		labelled(&b, "do", one.Do)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// errorSays is what to look for in an error: Okta's code, status and words, or okauth's own.
func errorSays(one cli.Explanation) string {
	status := ""
	if one.Status != 0 {
		status = fmt.Sprintf(" HTTP %d", one.Status)
	}
	text := strings.TrimSpace(one.Code + status)
	if text != "" && one.Says != "" {
		text += ": "
	}
	return cmp.Or(text+one.Says, "anything else")
}

// labelled writes a label and, beside it, a text broken between words.
func labelled(b *strings.Builder, label, text string) {
	fmt.Fprintf(b, "  %-6s %s\n", label, output.Wrap(strings.Join(strings.Fields(text), " "), 9, 9, 80))
}
