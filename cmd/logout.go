package cmd

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/session"
)

type logoutOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	all     bool
}

func newLogoutCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &logoutOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:        "logout",
		SuggestFor: []string{"signout", "sign-out", "revoke"},
		Short:      "Revoke the tokens and delete the session",
		Long: `Revoke the session's refresh token and the access tokens that are still valid,
then delete the session. okauth deletes the session even if Okta cannot be
reached, and says which of the two failed.

An API that verifies access tokens by itself accepts one until it expires. The
client secret and the private key stay: "okauth config unset client_secret" and
"okauth config unset private_key" remove them.

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
	results, unlisted := client.LogoutEach(ctx, o.all)
	if len(results) == 0 && unlisted == nil {
		o.env.Print("There was no session to sign out of.")
	}
	var failed error
	for _, r := range results {
		failed = join(failed, o.report(r))
	}
	return join(failed, unlisted)
}

// join joins two errors on one line.
func join(one, other error) error {
	if one == nil || other == nil {
		return cmp.Or(one, other)
	}
	return fmt.Errorf("%w; %w", one, other)
}

// notRevoked says what is left to do when the session is gone: another logout would find none.
const notRevoked = "okauth no longer has the tokens, so it cannot try again; they stay valid until they expire, or " +
	"until an administrator revokes them: Admin Console, Directory › People › the user › More Actions › " +
	"Clear User Sessions"

// report prints what signing out of one session did, and returns what failed.
func (o *logoutOptions) report(r session.LogoutResult) error {
	who := r.Account
	if r.Username != "" {
		who = okta.Sanitize(r.Username, 200) + " (" + r.Account + ")"
	}
	if r.DeleteErr == nil {
		text := "Signed out: " + who + "."
		if r.Revoked > 0 && r.RevokeErr == nil {
			text += " Okta has revoked the tokens."
		}
		o.env.Print(text)
	}
	if r.RevokeErr != nil && r.DeleteErr == nil && r.LockErr == nil {
		advice := notRevoked
		if cli.Is[*config.Error](r.RevokeErr) { // which the next logout would meet as well
			advice = strings.TrimPrefix(cli.Hint(r.RevokeErr)+"; "+notRevoked, "; ")
		}
		r.RevokeErr = cli.Exit(cli.ExitCode(r.RevokeErr), r.RevokeErr, advice)
	}
	var failed error
	for _, f := range []struct {
		what string
		err  error
	}{
		{"the session is still stored", r.DeleteErr},
		{"a refresh that is under way may bring the session back", r.LockErr},
		{"the tokens were not revoked at Okta", r.RevokeErr},
	} {
		if f.err != nil {
			failed = join(failed, fmt.Errorf("%s: %s: %w", who, f.what, f.err))
		}
	}
	return failed
}
