package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
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
	text, commands, err := currentState(c.Context(), env, global)
	if err != nil {
		return err
	}
	var page strings.Builder
	width := cmp.Or(env.Width, 80)
	for line := range strings.SplitSeq(text, "\n") {
		page.WriteString(output.Wrap(line, 0, 2, width) + "\n")
	}
	page.WriteString("\n")
	_ = output.Table(&page, commands, width) // a strings.Builder returns no error
	page.WriteString("\nokauth --help lists all commands\n")
	_, err = io.WriteString(env.Stdout, page.String())
	return err
}

// currentState returns the state and the next commands. It makes no request and asks no question.
func currentState(
	ctx context.Context, env *cli.Env, global *cli.GlobalFlags,
) (text string, next [][]string, err error) {
	client, err := (&cli.SessionFlags{GlobalFlags: global}).Open(env)
	if err != nil {
		return "", nil, err
	}
	settings := client.Settings()
	server, err := client.Server()
	if err != nil && settings.Domain() == "" && len(settings.Profiles()) == 0 {
		return "okauth is not set up yet", [][]string{
			{"", "okauth config init", "say where to sign in, once"},
			{"", "okauth demo", "see it all first, against a built-in server"},
		}, nil
	}
	if err != nil {
		return "", nil, err
	}
	status, err := client.Status(ctx)
	notNeeded := settings.Storage() == okauth.StorageAuto && store.IsKind(status.StoreErr, store.Unavailable)
	if !notNeeded {
		err = cmp.Or(err, status.StoreErr)
	}
	if err != nil {
		return "", nil, err
	}
	okauth := "okauth" + global.Again()
	text, signedIn := describeState(env, settings.ProfileName(), server.Issuer(), status)
	if signedIn {
		return text, [][]string{
			{"", okauth + " token", "print a token"},
			{"", okauth + " exec -- CMD", "run CMD with one in its environment"},
			{"", okauth + " status", "show sessions, settings and storage"},
		}, nil
	}
	return text, [][]string{
		{"", okauth + " login", "sign in"},
		{"", okauth + " doctor", "find out whether that could work"},
	}, nil
}

// describeState describes the session, and reports whether a token is available without a person.
func describeState(env *cli.Env, profile, issuer string, s okauth.Status) (text string, signedIn bool) {
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
