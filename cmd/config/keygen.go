package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/store"
)

// keygen is one run of the command.
type keygen struct {
	*options
	alg    string
	file   string // "": the keychain
	rotate bool
}

func (o *options) newKeygen() *cobra.Command {
	k := &keygen{options: o}
	c := &cobra.Command{
		Use:   "keygen",
		Short: "Make the key pair that the client authenticates with",
		Long: `Make a key pair for client authentication by private_key_jwt, which sends no
secret. The private half goes to the keychain, or to the new file that --file
names, readable only by you. The public half is printed as a JWK, to register at
Okta; standard error says where. From then on the profile uses the key.

With --rotate, okauth keeps the present key of the keychain until Okta accepts
the new one, which is tried whenever a new token is needed. Register it, sign in
once, and then remove the old one at Okta.`,
		Example: `  # into the keychain
  okauth config keygen
  # into a file, for a machine without a keychain
  okauth config keygen --alg RS256 --file key.jwk
  # for a script that registers it
  okauth config keygen >public.jwk
  # a new key in place of the present one
  okauth config keygen --rotate`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(o.env, k.run),
	}
	cli.EnumFlag(c, &k.alg, "alg", "what the key signs with", clientauth.ES256, clientauth.RS256)
	c.Flags().StringVar(&k.file, "file", "", "write the private key to this `file`, which must not exist")
	c.Flags().BoolVar(&k.rotate, "rotate", false, "make the next key, beside the present one in the keychain")
	return c
}

func (k *keygen) run(ctx context.Context) error {
	if k.rotate && k.file != "" {
		return cli.Usage("--rotate is for a key in the keychain", "make the new key with okauth -p OTHER config keygen "+
			"--file "+cli.ShellQuote(k.file)+", in another profile; register it, then set private_key_file of this one to it")
	}
	client, err := k.session.Open(k.env)
	if err != nil {
		return err
	}
	if ref := client.Settings().Secret(config.KeyPrivateKey); !ref.IsZero() {
		return cli.Exit(cli.ExitUsage, fmt.Errorf("the profile has a private key: %s from %s", ref.Key, ref.Source),
			"to use a new one in its place, first remove that setting, or make the key in another profile (-p)")
	}
	if k.file == "" {
		return k.toKeychain(ctx, client)
	}
	key, err := clientauth.GenerateKey(k.alg)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(k.file) // a relative path in the configuration file is relative to that
	if err != nil {
		return err
	}
	if err := writeKey(path, key); err != nil {
		return err
	}
	if err := k.useKey(client, path, key.ID()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	k.env.Print("Wrote the private key to " + path + ", readable only by you.")
	return k.showPublic(key, client.Settings().ClientID())
}

// writeKey writes a key to a new file that only its owner may read.
func writeKey(path string, key clientauth.Key) error {
	text, err := key.PrivateJWK()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return cli.Exit(cli.ExitUsage, err, "name another file: okauth never overwrites a key")
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, text.Reveal())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(path) // half a key is none
	}
	return err
}

// toKeychain stores the new key in the keychain, beside the present one if it is to follow that.
func (k *keygen) toKeychain(ctx context.Context, client *okauth.Client) error {
	if err := checkKeychain(ctx, client, keyWithoutKeychain); err != nil {
		return err
	}
	keys, account := client.KeychainKey(true)
	stored, err := keys.Load(ctx, account)
	none := errors.Is(err, store.ErrNotFound)
	switch {
	case err != nil && !none:
		return err
	case none && k.rotate:
		return cli.Usage("there is no key to rotate: the keychain has none of this client", "okauth config keygen makes one")
	case !none && !k.rotate:
		return cli.Exit(cli.ExitUsage, errors.New("the keychain has a private key of this client"),
			"okauth config keygen --rotate makes the next one; okauth config unset private_key forgets the present one")
	case !stored.Next.IsZero():
		k.env.Print("Okta has not accepted the last new key yet. This is its public half.")
		key, err := clientauth.ParseKey(stored.Next)
		if err != nil {
			return err
		}
		return k.showPublic(key, client.Settings().ClientID())
	}
	key, err := clientauth.GenerateKey(k.alg)
	if err != nil {
		return err
	}
	text, err := key.PrivateJWK()
	if err != nil {
		return err
	}
	if none {
		stored.Current = text
	} else {
		stored.Next = text
	}
	if err := keys.Save(ctx, account, stored); err != nil {
		return err
	}
	if none {
		err = k.useKey(client, "", key.ID())
	}
	if err != nil {
		return errors.Join(err, keys.Delete(ctx, account))
	}
	k.env.Print("Stored the private key in the keychain.")
	return k.showPublic(key, client.Settings().ClientID())
}

const keyWithoutKeychain = "okauth config keygen --file PATH writes a key to a file for you alone; private_key_file, " +
	"private_key_command and OKAUTH_PRIVATE_KEY name one that you have"

// useKey makes the profile authenticate with the key in the file at path, or with that of the keychain if path is "".
// id is its kid, or "".
func (o *options) useKey(client *okauth.Client, path, id string) error {
	settings := client.Settings()
	err := o.edit(func(file *config.File, profile string) error {
		if path != "" {
			if err := file.Set(profile, config.FileKey(config.KeyPrivateKey), path); err != nil {
				return err
			}
		}
		if other, ok := file.Get(profile, config.KeyPrivateKeyID); ok && id != "" && other != id {
			if err := file.Unset(profile, config.KeyPrivateKeyID); err != nil {
				return err
			}
		}
		// A client secret in the settings is stronger than a key in the keychain.
		other := settings.ClientAuth() != "" && settings.ClientAuth() != "private_key_jwt"
		if !other && (path != "" || settings.Secret(config.KeyClientSecret).IsZero()) {
			return nil
		}
		return file.Set(profile, config.KeyClientAuth, "private_key_jwt")
	})
	if err == nil {
		o.warnOverridden("the profile", config.KeyClientAuth, config.KeyPrivateKeyID)
	}
	return err
}

// showPublic prints the public half of a key on standard output, and on standard error where to register it.
func (k *keygen) showPublic(key clientauth.Key, clientID string) error {
	if _, err := fmt.Fprintf(k.env.Stdout, "%s\n", key.PublicJWK()); err != nil {
		return err
	}
	k.env.Print(whereToRegister(key, clientID))
	if k.rotate {
		k.env.Print("okauth uses the present key until Okta accepts this one. Then remove the old key at Okta.")
		return nil
	}
	k.env.Print("Next: okauth" + k.session.Again() + " doctor checks whether Okta accepts it.")
	return nil
}

// whereToRegister says where the public half of a key belongs. The place is that of Okta's guide "Implement OAuth for
// Okta with a service app", Identity Engine, 2026.
func whereToRegister(key clientauth.Key, clientID string) string {
	app := "the application"
	if clientID != "" {
		app = okta.Sanitize(clientID, 100)
	}
	return "Register the public key, the JSON that okauth prints, at Okta: Admin Console, Applications › Applications › " +
		app + " › General › Client Credentials › Edit › Public key / Private key › Add key. Its kid there must be " +
		key.ID() + "."
}
