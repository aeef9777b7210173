package config

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// The values of --keep: where "config set client_secret" stores the secret.
const (
	keepInKeychain = "keychain"
	keepInFile     = "file"
)

func (o *options) newSet() *cobra.Command {
	var keep string
	c := &cobra.Command{
		Use:   "set KEY [VALUE]",
		Short: "Set a setting in the profile",
		Long: `Set a setting in the profile. It creates the profile if there is none. Comments
and the order of the file stay.

client_secret takes no value: okauth asks for it without echo, or reads it from
standard input if that is a pipe, and stores it in the keychain. With --keep
file it goes to the configuration file, which then only its owner may read. Set
domain and client_id first: a secret in the keychain belongs to one client of
one domain.`,
		Example: `  # one value
  okauth config set domain dev-123456.okta.com
  # a list
  okauth config set scopes "openid profile"
  # in another profile
  okauth -p prod config set client_id 0oab8eb55Kb9jdMIr5d6
  # a secret, into the keychain
  op read op://dev/okta/secret | okauth config set client_secret`,
		Args:              cli.ArgsBetween(1, 2),
		ValidArgsFunction: completeKeys,
		RunE: func(c *cobra.Command, args []string) error {
			return cli.Stoppable(o.env, func(ctx context.Context) error { return o.set(ctx, args, keep) })(c, args)
		},
	}
	cli.EnumFlag(c, &keep, "keep", "", keepInKeychain, []string{keepInKeychain, keepInFile},
		"where to store client_secret")
	return c
}

func (o *options) set(ctx context.Context, args []string, keep string) error {
	key, err := config.FindKey(args[0])
	switch {
	case err != nil:
		return err
	case key.Type == config.Secret && len(args) == 2:
		return &cli.UsageError{
			Message: key.Name + " takes no value on the command line: it would stay in your shell's history",
			Advice:  "okauth config set " + key.Name + " asks for it; if you typed a real secret, replace it in Okta",
		}
	case key.Type == config.Secret:
		return o.setSecret(ctx, key, keep)
	case keep != keepInKeychain:
		return &cli.UsageError{Message: "--keep is for client_secret only", Advice: "okauth config set --help"}
	case len(args) == 1:
		return &cli.UsageError{Message: key.Name + " needs a value",
			Advice: "okauth config set " + key.Name + " VALUE; to remove it: okauth config unset " + key.Name}
	}
	file, profile, err := o.edit()
	if err != nil {
		return err
	}
	if err := file.Set(profile, key.Name, args[1]); err != nil {
		return err
	}
	if err := file.Save(); err != nil {
		return err
	}
	o.warnOverridden(key.Name)
	return nil
}

// warnOverridden warns if a variable overrides the value that was just set.
func (o *options) warnOverridden(key string) {
	client, err := o.open()
	if err != nil {
		return // the next command that reads the settings reports it
	}
	if source := client.Settings().Source(key); source.Kind == config.FromEnv {
		o.env.Warn(source.String() + " is set in the environment and overrides the file")
	}
}

func (o *options) setSecret(ctx context.Context, key config.Key, keep string) error {
	file, profile, err := o.edit()
	if err != nil {
		return err
	}
	client, err := o.open()
	if keep == keepInKeychain {
		if err == nil {
			err = checkKeychain(ctx, client)
		}
		if err != nil {
			return err
		}
	}
	text, err := o.readSecret(ctx)
	defer clear(text)
	if err != nil {
		return err
	}
	if err := key.Check(string(text)); err != nil {
		return err
	}
	if keep == keepInFile {
		if err := file.Set(profile, key.Name, string(text)); err != nil {
			return err
		}
		return file.Save()
	}
	secrets, account := client.KeychainSecret(true)
	if err := secrets.Save(ctx, account, okta.NewSecret(string(text))); err != nil {
		return err
	}
	if _, ok := file.Get(profile, key.Name); ok { // it would override the keychain's
		if err := file.Unset(profile, key.Name); err != nil {
			return err
		}
		if err := file.Save(); err != nil {
			return err
		}
	}
	if ref := client.Settings().Secret(key.Name); !ref.IsZero() && ref.Key != key.Name {
		o.env.Warn(fmt.Sprintf("%s from %s overrides the keychain", ref.Key, ref.Source))
	}
	id := okta.Sanitize(client.Settings().ClientID(), 100)
	fmt.Fprintf(o.env.Stderr, "Stored the client secret of %s in the keychain.\n", id)
	return nil
}

// checkKeychain returns an error if the keychain cannot store a client secret, before okauth asks for one.
func checkKeychain(ctx context.Context, client *okauth.Client) error {
	settings := client.Settings()
	if err := settings.Require(config.KeyDomain, config.KeyClientID); err != nil {
		return err
	}
	var err error
	switch storage := settings.Storage(); storage {
	case okauth.StorageNone, okauth.StorageFile:
		err = fmt.Errorf("storage is %q (%s), so the keychain is not used", storage, settings.Source(config.KeyStorage))
	default:
		err = okauth.Storage{Items: client.Keychain(true)}.Ready(ctx)
	}
	if e, ok := errors.AsType[*store.Error](err); ok && e.Kind != store.Unavailable {
		return err // a keychain that is locked or slow can be used later
	}
	if err != nil {
		return &cli.ExitError{Err: err, Code: cli.ExitStorage,
			Advice: "okauth config set client_secret --keep file writes it to the configuration file; " +
				"client_secret_file, client_secret_command and OKAUTH_CLIENT_SECRET are other ways"}
	}
	return nil
}

// readSecret reads the client secret from a pipe, or asks for it.
func (o *options) readSecret(ctx context.Context) ([]byte, error) {
	if o.env.StdinIsPipe {
		return cli.ReadSecret(ctx, o.env, "client secret")
	}
	t, err := cli.OpenTerminal(o.env, o.global,
		"pipe the secret into the command, or set client_secret_file or client_secret_command")
	if err != nil {
		return nil, err
	}
	defer t.Close()
	return cli.AskSecret(ctx, t, "Client secret", "client secret")
}
