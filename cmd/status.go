package cmd

import (
	"context"
	"errors"
	"okauth/cmd/internal/cli"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"okauth/pkg/config"
	"okauth/pkg/output"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

type statusOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	output  string
}

func newStatusCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &statusOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "status",
		Short: "Show sessions, settings and storage, and whether token would ask",
		Long: `Show whether the next okauth token would have to ask a person, where sessions
are kept and whether that works, which sessions there are and what is left of
their tokens, and where each setting comes from. It asks nothing, makes no
request, and shows no secret. Where sessions are sealed with a key that a
command prints, that command is run.

The exit code is 0 when a token can be had without asking, and 4 when not.
-o json is for programs.`,
		Example: `  okauth status
  okauth status -o json | jq '.sessions[].tokens'
  okauth status >/dev/null || okauth login`,
		Args: cli.ArgsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.session.AddFlags(c, config.KeyMinTTL)
	cli.EnumFlag(c, &o.output, "output", "o", "text", []string{"text", "json"}, "output format")
	return c
}

func (o *statusOptions) run(ctx context.Context) error {
	a, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	kept, err := a.Storage(false)
	if err != nil {
		return err
	}
	s := output.Status{
		Profile: a.Settings.ProfileName(), ProfileSource: a.Settings.ProfileSource().String(), Profiles: a.Settings.Profiles(),
		ConfigFile: a.Settings.ConfigPath(), Settings: settingsStatus(a, ctx),
	}
	server, unset := a.Server()
	want := a.Want(server)
	s.Storage = storageStatus(a, kept)
	unreachable := kept.Reach(ctx)
	if unreachable == nil || kept.Backend == cli.StorageFile { // what cannot be written may be read
		var err error
		if s.Sessions, err = sessionsStatus(ctx, kept.Keeper(o.env), want.Identity.Account()); unreachable == nil {
			unreachable = err
		}
	}
	if unreachable == nil && kept.Locks != nil {
		unreachable = kept.Locks.Check(want.Identity.Account())
	}
	if unreachable != nil {
		unreachable = cli.FileAdvice(unreachable)
		s.Storage.OK, s.Storage.Problem, s.Storage.Hint = false, unreachable.Error(), cli.Hint(unreachable)
	}
	s.Storage.Why = whyStorage(s.Storage)
	if unset != nil {
		s.Next, s.Reason = "fail", unset.Error()
	} else {
		predict(a, ctx, kept, want, &s)
	}
	s.Ready = s.Reason == ""
	if o.output == "text" {
		err = output.WriteStatusText(o.env.Stdout, s, o.env.Now(), output.TextOptions{Color: o.env.Color(), Width: o.env.Width})
	} else {
		err = output.WriteStatusJSON(o.env.Stdout, s, o.env.Now())
	}
	if err == nil && !s.Ready {
		return cli.SilentError{Code: cli.ExitLoginRequired}
	}
	return err
}

// predict says what the next "okauth token" would do: hand out the cached token,
// refresh it, sign in by itself, or ask; and why it would ask or fail.
func predict(a *cli.App, ctx context.Context, kept cli.Storage, want session.TokenRequest, s *output.Status) {
	token, err := kept.Keeper(a.Env).Token(ctx, want)
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	switch {
	case err == nil:
		s.Next, s.Until = "cached", token.ExpiresAt
	case !ok:
		s.Next, s.Reason = "fail", err.Error()
	case !s.Storage.OK && !kept.Optional:
		s.Next, s.Reason = "fail", s.Storage.Problem
	case required.Refreshable:
		s.Next = "refresh"
	case a.Unattended() && refusedBefore(a, ctx, want.Identity):
		s.Next, s.Reason = "fail", "Okta has refused this password, and it is not sent again for an hour"
	case a.Unattended():
		s.Next = "sign_in"
	default:
		s.Next, s.Reason = "ask", required.Reason
	}
}

// refusedBefore asks the lock-out guard about the password that needs nobody. One
// that a command prints is not looked into: the command may ask a person.
func refusedBefore(a *cli.App, ctx context.Context, id store.Identity) bool {
	promise := a.Settings.Password()
	if a.Settings.Grant() != config.GrantPassword || promise.IsZero() || promise.Key == config.KeyPasswordCommand {
		return false
	}
	dir, err := a.LockDir()
	if err != nil {
		return false
	}
	password, err := a.Promised(ctx, promise)
	if err != nil {
		return false
	}
	_, refused, err := store.LockoutGuard{Dir: dir, Now: a.Env.Now}.Refused(id.Account(), password)
	return err == nil && refused
}

// storageStatus says where sessions are kept.
func storageStatus(a *cli.App, kept cli.Storage) output.StatusStorage {
	s := output.StatusStorage{
		Setting: a.Settings.Storage(), Source: a.Settings.Source(config.KeyStorage).String(), Backend: kept.Backend, OK: true,
	}
	if kept.Locks != nil {
		s.Locks, _ = kept.Locks.Directory() // what is wrong with it, Check says
	}
	switch {
	case kept.Backend == cli.StorageKeychain && a.Env.Keychain != nil:
		s.Where = "in this process"
	case kept.Backend == cli.StorageKeychain:
		s.Where = keychainName(runtime.GOOS)
	case kept.Backend == cli.StorageFile:
		s.Where = kept.Locks.Dir
	}
	return s
}

// whyStorage says in a few words what the setting means here.
func whyStorage(s output.StatusStorage) string {
	switch {
	case s.Setting != cli.StorageAuto:
		return "as set"
	case s.OK:
		return "auto: there is a keychain"
	}
	return "auto: the keychain, else nothing is kept"
}

func keychainName(goos string) string {
	switch goos {
	case "darwin":
		return "Keychain"
	case "windows":
		return "Credential Manager"
	}
	return "Secret Service"
}

func settingsStatus(a *cli.App, ctx context.Context) []output.StatusSetting {
	var all []output.StatusSetting
	for _, s := range a.Settings.List() {
		value, source := s.Value, s.Source.String()
		if s.Key == config.KeyClientSecret && a.Settings.ClientSecret().IsZero() {
			value, source = keptSecret(a, ctx)
		}
		all = append(all, output.StatusSetting{Key: s.Key, Value: value, Source: source})
	}
	return all
}

// sessionsStatus lists the sessions that are kept, the current one first.
func sessionsStatus(ctx context.Context, keeper session.Manager, current string) ([]output.StatusSession, error) {
	accounts, err := keeper.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(accounts, func(a, b string) int {
		switch current {
		case a:
			return -1
		case b:
			return 1
		}
		return 0
	})
	var all []output.StatusSession
	for _, account := range accounts {
		view, err := keeper.Describe(ctx, account)
		switch {
		case errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			all = append(all, output.StatusSession{Account: account, Current: account == current, Problem: err.Error(), Hint: cli.Hint(err)})
			continue
		}
		all = append(all, sessionStatus(account, account == current, view))
	}
	return all, nil
}

func sessionStatus(account string, current bool, v session.Description) output.StatusSession {
	s := output.StatusSession{
		Account: account, Profile: v.Identity.Profile, Issuer: v.Identity.Issuer, ClientID: v.Identity.ClientID,
		Username: v.Username, Current: current, Generation: v.Generation,
	}
	for _, set := range v.Sets {
		s.Tokens = append(s.Tokens, output.StatusTokens{
			Requested: set.Requested, Granted: set.Granted, Access: lifeStatus(set.Access), ID: lifeStatus(set.ID),
		})
	}
	if r := v.Refresh; r != nil {
		rotates := "unknown"
		switch r.Rotation {
		case store.Rotating:
			rotates = "yes"
		case store.Persistent:
			rotates = "no"
		}
		s.Refresh = &output.StatusRefresh{Scopes: r.Granted, ObtainedAt: r.ObtainedAt, Rotates: rotates}
	}
	return s
}

func lifeStatus(l *session.Lifetime) *output.StatusLife {
	if l == nil {
		return nil
	}
	return &output.StatusLife{From: l.From, Until: l.Until, Left: l.Left}
}
