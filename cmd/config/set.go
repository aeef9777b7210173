package config

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/store"
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
file it goes to the configuration file, which then only its owner may read.
private_key is read from standard input and stored in the keychain, which must
have no other key. Set domain and client_id first: a secret and a key belong to
one client of one domain.`,
		Example: `  # one value
  okauth config set domain dev-123456.okta.com
  # a list
  okauth config set scopes "openid profile"
  # in another profile
  okauth -p prod config set client_id 0oab8eb55Kb9jdMIr5d6
  # a secret, into the keychain
  op read op://dev/okta/secret | okauth config set client_secret
  # a key, into the keychain
  okauth config set private_key < key.pem`,
		Args:              setArgs,
		ValidArgsFunction: completeSet,
		RunE: func(c *cobra.Command, args []string) error {
			return cli.UntilStopped(c.Context(), o.env, func(ctx context.Context) error { return o.set(ctx, args, keep) })
		},
	}
	cli.EnumFlag(c, &keep, "keep", "where to store client_secret", "keychain", "file")
	return c
}

// completeSet completes KEY, and VALUE where it is one of a few words or a file.
func completeSet(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return keys(), cobra.ShellCompDirectiveNoFileComp
	}
	key, _ := findKey(args[0])
	switch {
	case len(args) > 1:
		return nil, cobra.ShellCompDirectiveNoFileComp
	case key.Type == config.Path:
		return nil, cobra.ShellCompDirectiveDefault
	}
	return key.Choices, cobra.ShellCompDirectiveNoFileComp
}

// setArgs accepts KEY and VALUE. For a line that was meant so, it says how to write it; it shows no secret.
func setArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cli.ArgsBetween(1, 2)(c, args)
	}
	name, value, joined := strings.Cut(args[0], "=")
	key, err := findKey(name)
	switch {
	case err != nil:
		return cli.ArgsBetween(1, 2)(c, args)
	case key.Type == config.Secret && (joined || len(args) > 2):
		return noSecretArgument(key)
	case joined:
		if key.Type == config.Command || key.Check(value) != nil {
			value = "VALUE"
		}
		return cli.Usage(key.Name+" and its value are two words",
			"write a space, not =: okauth config set "+key.Name+" "+cli.ShellQuote(value))
	case key.Type == config.List && len(args) > 2:
		list := `"…"`
		if value := strings.Join(args[1:], " "); key.Check(value) == nil && !strings.ContainsAny(value, "\"$`\\!") {
			list = `"` + value + `"`
		}
		return cli.Usage(fmt.Sprintf("%s takes one value, got %d", key.Name, len(args)-1),
			"quote a list: okauth config set "+key.Name+" "+list)
	}
	return cli.ArgsBetween(1, 2)(c, args)
}

func noSecretArgument(key config.Key) error {
	return cli.Usage(key.Name+" takes no value on the command line: it would stay in your shell's history",
		"okauth config set "+key.Name+" asks for it; if you typed a real secret, replace it in Okta")
}

func (o *options) set(ctx context.Context, args []string, keep string) error {
	key, err := findKey(args[0])
	secret := key.Type == config.Secret
	switch {
	case err != nil:
		return err
	case secret && len(args) == 2:
		return noSecretArgument(key)
	case key.Name == config.KeyPrivateKey && keep == "keychain":
		return o.setKey(ctx, key)
	case secret && keep == "keychain":
		return o.storeSecret(ctx, key)
	case key.NotInFile:
		return cli.Usage("--keep is for client_secret only", "private_key_file names a file that has the private key")
	case !secret && keep != "keychain":
		return cli.Usage("--keep is for client_secret only", "okauth config set --help")
	case !secret && len(args) == 1:
		return cli.Usage(key.Name+" needs a value",
			"okauth config set "+key.Name+" VALUE; to remove it: okauth config unset "+key.Name)
	}
	var written *config.File
	err = o.edit(func(file *config.File, profile string) error {
		value := args[len(args)-1]
		if secret {
			text, err := o.readSecret(ctx)
			if err != nil {
				return err
			}
			value = text.Reveal()
		}
		written = file
		return file.Set(profile, key.Name, value)
	})
	if err != nil {
		return err
	}
	if secret {
		o.env.Print("Stored the client secret in " + written.Path() + ".")
	}
	o.warnOverridden("the file", key.Name)
	return nil
}

// warnOverridden warns of each of the settings that the environment sets, in place of what was set. Where the settings
// cannot be read, the next command that needs them reports it.
func (o *options) warnOverridden(set string, keys ...string) {
	client, err := o.session.Open(o.env)
	if err != nil {
		return
	}
	for _, key := range keys {
		source := client.Settings().Source(key)
		if ref := client.Settings().Secret(key); !ref.IsZero() {
			source = ref.Source
		}
		if source.Kind == config.FromEnv {
			o.env.Warn(source.String() + " is set in the environment and overrides " + set)
		}
	}
}

// storeSecret stores the client secret in the keychain.
func (o *options) storeSecret(ctx context.Context, key config.Key) error {
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	if err := checkKeychain(ctx, client, secretWithoutKeychain); err != nil {
		return err
	}
	secret, err := o.readSecret(ctx)
	if err != nil {
		return err
	}
	secrets, account := client.KeychainSecret(true)
	if err := secrets.Save(ctx, account, secret); err != nil {
		return err
	}
	err = o.edit(func(file *config.File, profile string) error {
		if _, ok := file.Get(profile, key.Name); !ok {
			return nil
		}
		return file.Unset(profile, key.Name) // it would override the keychain's
	})
	if err != nil {
		return err
	}
	o.reportStored(client, key)
	return nil
}

// reportStored says what was stored in the keychain, and what overrides it.
func (o *options) reportStored(client *okauth.Client, key config.Key) {
	settings := client.Settings()
	if ref := settings.Secret(key.Name); !ref.IsZero() && (ref.Key != key.Name || ref.Source.Kind > config.FromFile) {
		o.env.Warn(fmt.Sprintf("%s from %s overrides the keychain", ref.Key, ref.Source))
	}
	what := strings.ReplaceAll(key.Name, "_", " ")
	o.env.Print("Stored the " + what + " of " + settings.ClientID() + " in the keychain.")
}

// setKey stores the private key on standard input in the keychain.
func (o *options) setKey(ctx context.Context, key config.Key) error {
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	if err := checkKeychain(ctx, client, keyWithoutKeychain); err != nil {
		return err
	}
	if !o.env.StdinIsPipe {
		return cli.Usage(key.Name+" is read from standard input: it has several lines",
			"okauth config set private_key < FILE; okauth config keygen makes a new key")
	}
	text, err := cli.ReadSecret(ctx, o.env, "private key")
	if err != nil {
		return err
	}
	private, err := clientauth.ParseKey(text)
	if err != nil {
		return fmt.Errorf("the private key on standard input: %w", err)
	}
	if err := o.keepKey(ctx, client, private, text); err != nil {
		return err
	}
	if private.ID() == "" && client.Settings().PrivateKeyID() == "" {
		o.env.Note("the key has no kid in it; where the application has several keys at Okta, set private_key_id to the " +
			"one that stands beside this key there")
	}
	o.reportStored(client, key)
	return nil
}

const secretWithoutKeychain = "okauth config set client_secret --keep file writes it to the configuration " +
	"file; client_secret_file, client_secret_command and OKAUTH_CLIENT_SECRET are other ways"

// checkKeychain returns an error if the keychain cannot store a secret or a key, before okauth asks for one; without
// says what to do then.
func checkKeychain(ctx context.Context, client *okauth.Client, without string) error {
	settings := client.Settings()
	if err := settings.Require(config.KeyDomain, config.KeyClientID); err != nil {
		return err
	}
	var err error
	switch storage := settings.Storage(); storage {
	case okauth.StorageNone, okauth.StorageFile, okauth.StorageRedis:
		err = fmt.Errorf("storage is %q (%s), so the keychain is not used", storage, settings.Source(config.KeyStorage))
	default:
		secrets, _ := client.KeychainSecret(true)
		err = okauth.Storage{Items: secrets.Items}.Ready(ctx)
	}
	if e, ok := errors.AsType[*store.Error](err); err == nil || ok && e.Kind != store.Unavailable {
		return err // a keychain that is locked or slow can be used later
	}
	return cli.Exit(cli.ExitStorage, err, without)
}

// readSecret reads the client secret from a pipe, or asks for it.
func (o *options) readSecret(ctx context.Context) (okta.Secret, error) {
	if o.env.StdinIsPipe {
		return cli.ReadSecret(ctx, o.env, "client secret")
	}
	t, err := cli.OpenTerminal(o.env, o.session.GlobalFlags,
		"pipe the secret into the command, or set client_secret_file or client_secret_command")
	if err != nil {
		return okta.Secret{}, err
	}
	defer t.Close()
	return cli.AskSecret(ctx, t, "Client secret", "client secret")
}
