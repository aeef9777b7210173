package cmd

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

// configSet is "okauth config set".
type configSet struct {
	*configOptions
	keep string
}

func newConfigSetCmd(shared *configOptions) *cobra.Command {
	o := &configSet{configOptions: shared}
	c := &cobra.Command{
		Use:   "set KEY [VALUE]",
		Short: "Set a setting in the profile",
		Long: `Set a setting in the profile, which is made if there is none of that name.
Comments and the order of the file stay as they are.

client_secret takes no value: it is asked for without echo, or read from
standard input when that is a pipe, and goes to the keychain. With --keep file
it goes to the configuration file, which only its owner may read then. Set
domain and client_id first: a secret in the keychain belongs to one client of
one domain.`,
		Example: `  okauth config set domain dev-123456.okta.com
  okauth config set scopes "openid profile"
  okauth -p prod config set client_id 0oab8eb55Kb9jdMIr5d6
  op read op://dev/okta/secret | okauth config set client_secret`,
		Args:              cli.ArgsBetween(1, 2),
		ValidArgsFunction: completeKeys,
		RunE: func(c *cobra.Command, args []string) error {
			run := func(ctx context.Context) error { return o.run(ctx, args) }
			return cli.Stoppable(o.env, run)(c, args)
		},
	}
	cli.EnumFlag(c, &o.keep, "keep", "", "keychain", []string{"keychain", "file"}, "where client_secret is kept")
	return c
}

func (o *configSet) run(ctx context.Context, args []string) error {
	key, err := config.FindKey(args[0])
	if err != nil {
		return err
	}
	if key.Type == config.Secret {
		if len(args) == 2 {
			return &cli.UsageError{
				Message: fmt.Sprintf("%s takes no value on the command line: it would stay in your shell's history", key.Name),
				Advice:  "okauth config set " + key.Name + " asks for it; change the secret in Okta if a real one was typed",
			}
		}
		return o.setSecret(ctx, key)
	}
	if o.keep != "keychain" {
		return &cli.UsageError{Message: "--keep is for client_secret only", Advice: "okauth config set --help"}
	}
	if len(args) == 1 {
		return &cli.UsageError{Message: fmt.Sprintf("%s needs a value", key.Name), Advice: "okauth config set " + key.Name + " VALUE; to remove it: okauth config unset " + key.Name}
	}
	file, name, err := o.edit()
	if err != nil {
		return err
	}
	if err := file.Set(name, key.Name, args[1]); err != nil {
		return err
	}
	if err := file.Save(); err != nil {
		return err
	}
	o.sayOverridden(key.Name)
	return nil
}

// sayOverridden tells who has just set a value that a variable outdoes.
func (o *configSet) sayOverridden(key string) {
	a, err := o.open()
	if err != nil {
		return // the file is written; what else is wrong shows when it is used
	}
	if from := a.Settings().Source(key); from.Kind == config.FromEnv {
		o.env.Warn(fmt.Sprintf("%s is set in the environment, and wins over the file", from))
	}
}

func (o *configSet) setSecret(ctx context.Context, key config.Key) error {
	file, name, err := o.edit()
	if err != nil {
		return err
	}
	a, err := o.open()
	if err != nil && o.keep == "keychain" {
		return err
	}
	if o.keep == "keychain" {
		if err := secretCanBeKept(ctx, a); err != nil {
			return err
		}
	}
	text, err := o.read(ctx)
	defer clear(text)
	if err != nil {
		return err
	}
	if err := key.Check(string(text)); err != nil {
		return err
	}
	if o.keep == "file" {
		if err := file.Set(name, key.Name, string(text)); err != nil {
			return err
		}
		return file.Save()
	}
	if err := keepSecret(ctx, a, okta.NewSecret(string(text))); err != nil {
		return err
	}
	// One in the file would win over the keychain's.
	if _, ok := file.Get(name, key.Name); ok {
		if err := file.Unset(name, key.Name); err != nil {
			return err
		}
		if err := file.Save(); err != nil {
			return err
		}
	}
	if promised := a.Settings().Secret(config.KeyClientSecret); !promised.IsZero() && promised.Key != key.Name {
		o.env.Warn(fmt.Sprintf("%s from %s is used before the keychain", promised.Key, promised.Source))
	}
	fmt.Fprintf(o.env.Stderr, "Kept the client secret of %s in the keychain.\n", okta.Sanitize(a.Settings().ClientID(), 100))
	return nil
}

// secretCanBeKept finds out, before anything is asked, whether the keychain
// would take a client secret, and whose.
func secretCanBeKept(ctx context.Context, a *okauth.Client) error {
	if err := a.Settings().Require(config.KeyDomain, config.KeyClientID); err != nil {
		return err
	}
	var err error
	switch kept := a.Settings().Storage(); kept {
	case okauth.StorageNone, okauth.StorageFile:
		err = fmt.Errorf("storage is %q (%s): the keychain is not used", kept, a.Settings().Source(config.KeyStorage))
	default:
		err = okauth.Storage{Items: a.Keychain(true)}.Ready(ctx)
	}
	if e, ok := errors.AsType[*store.Error](err); ok && e.Kind != store.Unavailable {
		return err // a keychain that is locked or slow is mended, not avoided
	}
	if err != nil {
		return &cli.ExitError{Err: err, Code: cli.ExitStorage, Advice: "okauth config set client_secret --keep file writes it to the configuration file; " +
			"client_secret_file, client_secret_command and OKAUTH_CLIENT_SECRET are other ways"}
	}
	return nil
}

func keepSecret(ctx context.Context, a *okauth.Client, secret okta.Secret) error {
	secrets, account := a.KeychainSecret(true)
	return secrets.Save(ctx, account, secret)
}

// read takes the secret from a pipe, else from a person.
func (o *configSet) read(ctx context.Context) ([]byte, error) {
	if o.env.StdinIsPipe {
		return cli.ReadSecret(ctx, o.env, "client secret")
	}
	t, err := cli.OpenTerminal(o.env, o.global, "pipe the secret into the command, or set client_secret_file or client_secret_command")
	if err != nil {
		return nil, err
	}
	defer t.Close()
	return cli.AskSecret(ctx, t, "Client secret", "client secret")
}
