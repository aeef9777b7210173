package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
)

type logoutOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	all     bool
}

func newLogoutCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &logoutOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "logout",
		Short: "Revoke the tokens and delete the session",
		Long: `Revoke the session's refresh token and the access tokens that are still valid,
then delete the session. okauth deletes the session even if Okta cannot be
reached, and says which of the two failed.

An API that verifies access tokens by itself accepts one until it expires. The
client secret stays: "okauth config unset client_secret" removes it.

--all does this for every session in the store, whatever its profile.`,
		Example: `  # the session of the profile
  okauth logout
  # the session of another profile
  okauth -p prod logout
  # all sessions
  okauth logout --all`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(env, o.run),
	}
	o.session.AddFlags(c, cli.ConnectionKeys()...)
	c.Flags().BoolVar(&o.all, "all", false, "sign out of every session of every profile")
	return c
}

func (o *logoutOptions) run(ctx context.Context) error {
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	results, err := client.LogoutEach(ctx, o.all)
	if results == nil && err != nil {
		return err
	}
	var failed []error
	for _, r := range results {
		failed = append(failed, o.tell(r)...)
	}
	if len(results) == 0 {
		fmt.Fprintln(o.env.Stderr, "There was no session to sign out of.")
	}
	return together(append(failed, err)...)
}

// together joins errors on one line; nil errors are left out.
func together(all ...error) error {
	var one error
	for _, err := range all {
		switch {
		case one == nil:
			one = err
		case err != nil:
			one = fmt.Errorf("%w; %w", one, err)
		}
	}
	return one
}

// tell prints what signing out of one session did, and returns what failed.
func (o *logoutOptions) tell(f okauth.LogoutResult) []error {
	who := f.Account
	if f.Username != "" {
		who = okta.Sanitize(f.Username, 200) + " (" + f.Account + ")"
	}
	var failed []error
	if f.DeleteErr == nil {
		text := "Signed out: " + who + "."
		if f.Revoked > 0 && f.RevokeErr == nil {
			text += " Okta has revoked the tokens."
		}
		fmt.Fprintln(o.env.Stderr, text)
	} else {
		failed = append(failed, fmt.Errorf("%s: the session is still stored: %w", who, f.DeleteErr))
	}
	if f.LockErr != nil {
		failed = append(failed, fmt.Errorf("%s: a refresh that is under way may bring the session back: %w", who, f.LockErr))
	}
	if f.RevokeErr != nil {
		failed = append(failed, fmt.Errorf("%s: the tokens were not revoked at Okta: %w", who, f.RevokeErr))
	}
	return failed
}
