package cmd

import (
	"context"
	"errors"
	"fmt"
	"okauth/cmd/internal/cli"

	"github.com/spf13/cobra"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/session"
	"okauth/pkg/store"
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
		Short: "Revoke the tokens at Okta and forget the session",
		Long: `Tell Okta to revoke the session's refresh token, and then the access tokens that
are still valid; then delete the session. It is deleted also when Okta cannot be
reached: the message says which of the two failed.

An access token that an API verifies by itself stays good there until it
expires. The client secret stays: okauth config unset client_secret removes it.

--all signs out of every session that the store has, of all profiles.`,
		Example: `  okauth logout
  okauth -p prod logout
  okauth logout --all`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(env, o.run),
	}
	o.session.AddFlags(c, connectionKeys()...)
	c.Flags().BoolVar(&o.all, "all", false, "sign out of every session of every profile")
	return c
}

func (o *logoutOptions) run(ctx context.Context) error {
	a, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	kept, err := a.Storage(true)
	if err != nil {
		return err
	}
	if kept.Backend == cli.StorageKeychain {
		if err := kept.Reach(ctx); err != nil {
			return err
		}
	}
	keeper := kept.Keeper(o.env)
	if o.all {
		return o.leaveAll(ctx, a, keeper)
	}
	server, err := a.Server()
	if err != nil {
		return err
	}
	return o.leave(ctx, a, keeper, []string{a.Want(server).Identity.Account()})
}

// leaveAll signs out of every session. Where the list of them cannot be read,
// those of the profiles are left, and the error is returned.
func (o *logoutOptions) leaveAll(ctx context.Context, a *cli.App, keeper session.Manager) error {
	accounts, err := keeper.Store.List(ctx)
	if e, ok := errors.AsType[*store.Error](err); ok && e.Kind != store.Corrupt && e.Kind != store.UnsupportedVersion {
		return cli.FileAdvice(err)
	}
	if err != nil {
		for _, name := range a.Settings.Profiles() {
			of, err := ofProfile(a, name)
			if err != nil {
				continue
			}
			if server, err := of.Server(); err == nil {
				accounts = append(accounts, of.Want(server).Identity.Account())
			}
		}
		err = fmt.Errorf("there may be more sessions than those of the profiles: %w", err)
	}
	return together(o.leave(ctx, a, keeper, accounts), err)
}

// ofProfile is a with the settings of another profile.
func ofProfile(a *cli.App, name string) (*cli.App, error) {
	global := *a.Flags.GlobalFlags
	global.Profile = name
	return (&cli.SessionFlags{GlobalFlags: &global}).Open(a.Env)
}

// together is one error of several, on one line; nil ones are left out.
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

// leave signs out of each session and says what came of it. An error does not
// keep it from the next.
func (o *logoutOptions) leave(ctx context.Context, a *cli.App, keeper session.Manager, accounts []string) error {
	var all []error
	found := 0
	for _, account := range accounts {
		f := keeper.Logout(ctx, account, func(ctx context.Context, id store.Identity) (*okta.Client, error) { return clientOf(ctx, a, id) })
		if !f.Found && f.DeleteErr == nil {
			continue
		}
		found++
		if dir, err := a.LockDir(); err == nil {
			_ = store.LockoutGuard{Dir: dir, Now: o.env.Now}.Forget(account) // it would be gone within the hour
		}
		all = append(all, o.tell(account, f)...)
	}
	if found == 0 {
		fmt.Fprintln(o.env.Stderr, "There was no session to sign out of.")
	}
	return together(all...)
}

// tell says what came of signing out of one session, and returns what failed.
func (o *logoutOptions) tell(account string, f session.LogoutResult) []error {
	who := account
	if f.Username != "" {
		who = okta.Sanitize(f.Username, 200) + " (" + account + ")"
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

// clientOf makes the client for the identity of a session: with the settings of
// the profile that it belongs to.
func clientOf(ctx context.Context, a *cli.App, id store.Identity) (*okta.Client, error) {
	of := a
	if id.Profile != a.Settings.ProfileName() {
		var err error
		if of, err = ofProfile(a, id.Profile); err != nil {
			return nil, err
		}
	}
	issuer, err := config.ParseDomain(id.Issuer)
	if err != nil {
		return nil, err
	}
	server, err := okta.NewAuthorizationServer(issuer.BaseURL, issuer.Server)
	if err != nil {
		return nil, err
	}
	return of.Client(ctx, server, id.ClientID)
}
