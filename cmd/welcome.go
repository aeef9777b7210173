package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/store"
)

// welcome is "okauth" without a command: on a terminal it shows the state and the next commands, elsewhere the help.
func welcome(c *cobra.Command, env *cli.Env, global *cli.GlobalFlags) error {
	if !env.StdoutIsTTY {
		return c.Help()
	}
	text, err := standing(c.Context(), env, global)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "%s\n\nokauth --help lists all commands\n", text)
	return err
}

// standing returns the state in a few lines. It makes no request and asks no question.
func standing(ctx context.Context, env *cli.Env, global *cli.GlobalFlags) (string, error) {
	flags := &cli.SessionFlags{GlobalFlags: global}
	client, err := flags.Open(env)
	if err != nil {
		return "", err
	}
	server, unset := client.Server()
	if unset != nil {
		if client.Settings().Domain() == "" && len(client.Settings().Profiles()) == 0 {
			return next("okauth is not set up yet", [][2]string{
				{"okauth config init", "say where to sign in, once"},
				{"okauth demo", "see it all first, against a built-in server"},
			}), nil
		}
		return "", unset
	}
	status, err := client.Status(ctx)
	if err != nil {
		return "", err
	}
	if e := status.StoreErr; e != nil && !(client.Settings().Storage() == okauth.StorageAuto && isUnavailable(e)) {
		return "", e
	}
	again := global.Again()
	text, signedIn := standingText(env, client.Settings().ProfileName(), server.Issuer(), status)
	if signedIn {
		return next(wrapLines(text), [][2]string{
			{"okauth" + again + " token", "print a token"},
			{"okauth" + again + " exec -- CMD", "run CMD with one in its environment"},
			{"okauth" + again + " status", "show sessions, settings and storage"},
		}), nil
	}
	return next(wrapLines(text), [][2]string{
		{"okauth" + again + " login", "sign in"},
		{"okauth" + again + " doctor", "find out whether that could work"},
	}), nil
}

func isUnavailable(err error) bool {
	e, ok := errors.AsType[*store.Error](err)
	return ok && e.Kind == store.Unavailable
}

// standingText describes the session, and reports whether a token is available without a person.
func standingText(env *cli.Env, profile, issuer string, s okauth.Status) (text string, signedIn bool) {
	where := fmt.Sprintf("profile %s, %s", profile, issuer)
	for _, session := range s.Sessions {
		if session.Current && session.Username != "" {
			where = okta.Sanitize(session.Username, 100) + ", " + where
		}
	}
	switch s.Next {
	case okauth.UseCached:
		good := "the access token is good"
		if !s.Until.IsZero() {
			good += " for " + output.FormatDuration(s.Until.Sub(env.Now()))
		}
		return "signed in: " + where + "\n" + good, true
	case okauth.Refresh:
		return "signed in: " + where + "\nthe access token has expired, and the next one comes by a refresh", true
	case okauth.SignIn:
		return "ready: " + where + "\nokauth token signs in by itself, with the credentials it is given", true
	}
	if s.Reason != "not signed in" {
		where += "\n" + okta.Sanitize(s.Reason, 300)
	}
	return "not signed in: " + where, false
}

// wrapLines breaks lines at 80 columns.
func wrapLines(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, cli.Wrap(line, 80))
	}
	return strings.Join(lines, "\n")
}

// next returns text followed by the next commands.
func next(text string, commands [][2]string) string {
	widest := 0
	for _, c := range commands {
		widest = max(widest, len(c[0]))
	}
	var b strings.Builder
	b.WriteString(text + "\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\n  %-*s  %s", widest, c[0], c[1])
	}
	return b.String()
}
