package cmd

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"okauth/pkg/output"
	"okauth/pkg/profile"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

type statusOptions struct {
	env     *Env
	session sessionFlags
	output  string
}

func newStatusCmd(env *Env, global *globalFlags) *cobra.Command {
	o := &statusOptions{env: env, session: sessionFlags{globalFlags: global}}
	c := &cobra.Command{
		Use:   "status",
		Short: "Show sessions, settings and storage, and whether token would ask",
		Long: `Show whether the next okauth token would have to ask a person, where sessions are
kept and whether that works, which sessions there are and what is left of their
tokens, and where each setting comes from. It asks nothing, makes no request, and
shows no secret.

The exit code is 0 when a token can be had without asking, and 4 when not. People
on a terminal get text, programs JSON.`,
		Example: `  okauth status
  okauth status -o json | jq '.sessions[].tokens'
  okauth status >/dev/null || okauth login`,
		Args: argsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.session.addFlags(c, profile.KeyMinTTL)
	enumFlag(c, &o.output, "output", "o", "auto", []string{"auto", "text", "json"}, "how to print it; auto is text on a terminal")
	return c
}

// silentError ends the process with a code and no message: what there is to say
// is on standard output.
type silentError struct{ code int }

func (silentError) Error() string { return "see the output" }

func (o *statusOptions) run(ctx context.Context) error {
	a, keeper, want, err := o.session.find(o.env, kindFlag(session.Access))
	if err != nil {
		return err
	}
	kept, err := a.storage(false)
	if err != nil {
		return err
	}
	s := output.Status{
		Profile: a.settings.ProfileName(), ProfileSource: a.settings.ProfileSource().String(),
		ConfigFile: a.settings.ConfigPath(), Storage: a.storageStatus(ctx, kept), Settings: a.settingsStatus(ctx),
	}
	if s.Storage.OK || kept.backend == storageNone {
		s.Sessions, err = sessionsStatus(ctx, keeper, want.Identity.Account())
		if err != nil {
			s.Storage.OK, s.Storage.Problem, s.Storage.Hint = false, err.Error(), hint(err)
		}
	}
	a.predict(ctx, keeper, want, &s)
	if o.output == "text" || o.output == "auto" && o.env.StdoutIsTTY {
		err = output.WriteStatusText(o.env.Stdout, s, o.env.Now(), output.TextOptions{Color: o.env.color(), Width: o.env.Width})
	} else {
		err = output.WriteStatusJSON(o.env.Stdout, s, o.env.Now())
	}
	if err == nil && !s.Ready {
		return silentError{exitLoginRequired}
	}
	return err
}

// predict says what the next "okauth token" would do: hand out the cached token,
// refresh it, sign in by itself, or ask; and why it would have to ask.
func (a *app) predict(ctx context.Context, keeper session.Keeper, want session.Want, s *output.Status) {
	token, err := keeper.Token(ctx, want)
	required, ok := errors.AsType[*session.LoginRequiredError](err)
	spent := slices.ContainsFunc(s.Sessions, func(of output.StatusSession) bool {
		return of.Current && of.Refresh != nil && of.Refresh.CutShort
	})
	switch {
	case err == nil:
		s.Next, s.Until = "cached", token.ExpiresAt
	case !ok:
		s.Next, s.Reason = "fail", err.Error()
	case required.Refreshable && !spent:
		s.Next = "refresh"
	case !a.settings.Password().IsZero() && a.settings.Username() != "":
		s.Next = "sign_in"
	case spent:
		s.Next, s.Reason = "ask", "an earlier refresh was cut short, and its refresh token may be spent"
	default:
		s.Next, s.Reason = "ask", required.Reason
	}
	s.Ready = s.Reason == ""
}

// storageStatus says where sessions are kept and whether that works.
func (a *app) storageStatus(ctx context.Context, kept storage) output.StatusStorage {
	s := output.StatusStorage{
		Setting: a.settings.Storage(), Source: a.settings.Source(profile.KeyStorage).String(), Backend: kept.backend, OK: true,
	}
	if kept.locks != nil {
		s.Locks, _ = kept.locks.Directory() // its error shows when the lock is needed
	}
	switch kept.backend {
	case storageKeychain:
		s.Where = keychainName(runtime.GOOS)
	case storageFile:
		s.Where = kept.locks.Dir
	}
	if err := probe(ctx, kept.items); err != nil {
		err = fileAdvice(err)
		s.OK, s.Problem, s.Hint = false, err.Error(), hint(err)
	}
	s.Why = whyStorage(s, kept.optional)
	return s
}

// whyStorage says in a few words what the setting means here.
func whyStorage(s output.StatusStorage, optional bool) string {
	switch {
	case s.Setting != storageAuto:
		return "as set"
	case s.OK:
		return "auto: there is a keychain"
	case optional:
		return "auto: the keychain, else nothing is kept"
	}
	return ""
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

func (a *app) settingsStatus(ctx context.Context) []output.StatusSetting {
	var all []output.StatusSetting
	for _, s := range a.settings.List() {
		value, source := s.Value, s.Source.String()
		if s.Key == profile.KeyClientSecret && a.settings.ClientSecret().IsZero() {
			value, source = a.keptSecret(ctx)
		}
		all = append(all, output.StatusSetting{Key: s.Key, Value: value, Source: source})
	}
	return all
}

// sessionsStatus lists the sessions that are kept, the current one first.
func sessionsStatus(ctx context.Context, keeper session.Keeper, current string) ([]output.StatusSession, error) {
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
		view, err := keeper.View(ctx, account)
		switch {
		case errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			all = append(all, output.StatusSession{Account: account, Current: account == current, Problem: err.Error(), Hint: hint(err)})
			continue
		}
		all = append(all, sessionStatus(account, account == current, view))
	}
	return all, nil
}

func sessionStatus(account string, current bool, v session.View) output.StatusSession {
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
		s.Refresh = &output.StatusRefresh{Scopes: r.Granted, ObtainedAt: r.ObtainedAt, Rotates: rotates, CutShort: r.CutShort}
	}
	return s
}

func lifeStatus(l *session.Life) *output.StatusLife {
	if l == nil {
		return nil
	}
	return &output.StatusLife{From: l.From, Until: l.Until, Left: l.Left}
}
