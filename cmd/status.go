package cmd

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/output"
	"okauth/pkg/session"
	"okauth/pkg/store"
	"okauth/pkg/store/sealed"
)

// These limit what status waits for the keychain, and for a server, in all.
const keychainTime, serverTime = 3 * time.Second, 10 * time.Second

type statusOptions struct {
	env     *cli.Env
	session cli.SessionFlags
	output  string
}

func newStatusCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &statusOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "status",
		Short: "Show sessions, storage and settings",
		Long: `Show what the next "okauth token" would do, the sessions and their expiry, where
they are stored and whether that works, and the source of each setting. status
asks no question, makes no request and shows no secret. If a command provides
the key of sealed files, status runs that command; it runs none for a password
or a client secret, so it cannot know whether Okta has refused that.

The exit code is 0 if "okauth token" can get a token without asking, else 4,
also where "okauth token" would end with another code.
-o json is for programs.`,
		Example: `  # what is there
  okauth status
  # for a program
  okauth status -o json | jq '.sessions[].tokens'
  # sign in if the next token would need it
  okauth status >/dev/null || okauth login`,
		Args: cli.ArgsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.session.AddFlags(c, config.KeyMinTTL)
	cli.OutputFlag(c, &o.output, "text", "json")
	return c
}

func (o *statusOptions) run(ctx context.Context) error {
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(ctx, client.Settings().Storage())
	defer cancel()
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	storage, err := client.Storage(false)
	if err != nil {
		return err
	}
	settings := client.Settings()
	s := output.Status{
		Command: "okauth token", Profile: settings.ProfileName(), ProfileSource: settings.ProfileSource().String(),
		Profiles: settings.Profiles(), ConfigFile: settings.ConfigPath(), Settings: cli.SettingsStatus(ctx, client),
		Storage: cli.StorageStatus(settings, storage),
		Next:    string(status.Next), ExpiresAt: status.Until, Reason: status.Reason, Ready: status.Reason == "",
	}
	missing, ok := errors.AsType[*config.Error](settings.Require(config.KeyDomain, config.KeyClientID))
	if ok && missing.Kind == config.Missing && status.Next == okauth.Fail {
		s.NotSetUp, s.Reason = true, missing.Key+" is missing; run okauth"+o.session.Again()+" config init"
	}
	if problem := status.StoreErr; problem != nil {
		s.Storage.OK, s.Storage.Problem, s.Storage.Hint = false, problem.Error(), o.session.Hint(o.env, problem)
	}
	s.Storage.Reason = storageReason(s.Storage)
	for _, stored := range status.Sessions {
		s.Sessions = append(s.Sessions, o.sessionStatus(stored))
	}
	if o.output == "text" {
		if key, ok := errors.AsType[*sealed.KeyError](status.StoreErr); ok {
			sayOnce(&s, key.Error())
		}
		err = output.WriteStatusText(o.env.Stdout, s, o.env.Now(), o.env.TextOptions())
	} else {
		err = output.WriteStatusJSON(o.env.Stdout, s, o.env.Now())
	}
	if err == nil && !s.Ready {
		return cli.SilentError{Code: cli.ExitLoginRequired}
	}
	return err
}

// bounded returns ctx with one deadline, however many items there are to read from a storage. Files have none, because
// their key may come from a command that asks.
func bounded(ctx context.Context, storage string) (context.Context, context.CancelFunc) {
	switch storage {
	case okauth.StorageFile:
		return ctx, func() {}
	case okauth.StorageRedis:
		return context.WithTimeout(ctx, serverTime)
	}
	return context.WithTimeout(ctx, keychainTime)
}

// storageReason says what the setting means here.
func storageReason(s output.StatusStorage) string {
	switch {
	case s.Setting != okauth.StorageAuto:
		return "as set"
	case s.OK:
		return "auto: there is a keychain"
	}
	return "auto: the keychain, else nothing is kept"
}

// sayOnce leaves the cause of a missing key to the storage, which has the hint: each sealed session has the same.
func sayOnce(s *output.Status, cause string) {
	if strings.HasSuffix(s.Reason, cause) {
		s.Reason = "the sealed files cannot be opened"
	}
	for i := range s.Sessions {
		if strings.HasSuffix(s.Sessions[i].Problem, cause) {
			s.Sessions[i].Problem, s.Sessions[i].Hint = "no key, as said above", ""
		}
	}
}

func (o *statusOptions) sessionStatus(v okauth.StoredSession) output.StatusSession {
	if v.Err != nil {
		hint := o.session.Hint(o.env, v.Err)
		return output.StatusSession{Account: v.Account, Current: v.Current, Problem: v.Err.Error(), Hint: hint}
	}
	s := output.StatusSession{
		Account: v.Account, Profile: v.Identity.Profile, Issuer: v.Identity.Issuer, ClientID: v.Identity.ClientID,
		Username: v.Username, Current: v.Current, Thumbprint: v.Thumbprint, Revision: v.Revision,
	}
	for _, set := range v.Sets {
		access, id := session.Lifetimes(set, o.env.Now())
		s.Tokens = append(s.Tokens, output.StatusTokens{
			Requested: set.Requested, Granted: set.Granted,
			Exchange: okauth.DescribeExchange(set.Exchange, v.Identity),
			Access:   (*output.StatusLifetime)(access), ID: (*output.StatusLifetime)(id),
		})
	}
	if r := v.Refresh; !r.Value.IsZero() {
		s.Refresh = &output.StatusRefresh{Scopes: r.Granted, ObtainedAt: r.ObtainedAt}
		if r.Rotation == store.Rotating || r.Rotation == store.Persistent {
			s.Refresh.Rotates = new(r.Rotation == store.Rotating)
		}
	}
	return s
}
