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
	public bool
}

func (o *options) newKeygen() *cobra.Command {
	k := &keygen{options: o}
	c := &cobra.Command{
		Use:   "keygen",
		Short: "Make the key pair that the client authenticates with",
		Long: `Make a key pair for client authentication by private_key_jwt, which sends no
secret. The private key goes to the keychain, or to the new file that --file
names, readable only by you. The public key is printed as a JWK, to register at
Okta; standard error says where. From then on the profile uses the key.

With --rotate, okauth keeps the current key of the keychain until Okta accepts
the new one, which is tried whenever a new token is needed. Register it, sign in
once, and then remove the old one at Okta.`,
		Example: `  # into the keychain
  okauth config keygen
  # into a file, for a machine without a keychain
  okauth config keygen --alg RS256 --file key.jwk
  # for a script that registers it
  okauth config keygen >public.jwk
  # a new key in place of the current one
  okauth config keygen --rotate
  # the public key of the current key once more
  okauth config keygen --public`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(o.env, k.run),
	}
	cli.EnumFlag(c, &k.alg, "alg", "what the key signs with", clientauth.ES256, clientauth.RS256)
	c.Flags().StringVar(&k.file, "file", "", "write the private key to this `file`, which must not exist")
	c.Flags().BoolVar(&k.rotate, "rotate", false, "make the next key, beside the current one in the keychain")
	c.Flags().BoolVar(&k.public, "public", false, "make no key, and print the public key of the current one")
	return c
}

func (k *keygen) run(ctx context.Context) error {
	switch {
	case k.public && (k.rotate || k.file != ""):
		return cli.Usage("--public makes no key, and the other flags are for a new one", "leave out --rotate and --file")
	case k.rotate && k.file != "":
		return cli.Usage("--rotate is for a key in the keychain", "make the new key with okauth -p OTHER config keygen "+
			"--file "+cli.ShellQuote(k.file)+", in another profile; register it, then set private_key_file of this one to it")
	}
	client, err := k.session.Open(k.env)
	if err != nil {
		return err
	}
	ref := client.Settings().Secret(config.KeyPrivateKey)
	switch {
	case k.public:
		return k.showCurrent(ctx, client)
	case !ref.IsZero():
		return cli.Exit(cli.ExitUsage, fmt.Errorf("the profile has a private key: %s from %s", ref.Key, ref.Source),
			"to use a new one in its place, first remove that setting, or make the key in another profile (-p)")
	case k.file != "":
		return k.toFile(client)
	}
	if err := checkKeychain(ctx, client, keyWithoutKeychain); err != nil {
		return err
	}
	if k.rotate {
		return k.makeNext(ctx, client)
	}
	return k.toKeychain(ctx, client)
}

// toFile writes the new key to the file.
func (k *keygen) toFile(client *okauth.Client) error {
	key, text, err := newKey(k.alg)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(k.file) // a relative path in the configuration file is relative to that
	if err != nil {
		return err
	}
	if err := writeKey(path, text); err != nil {
		return err
	}
	if err := k.useKey(client, path, key.ID()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	k.env.Print("Wrote the private key to " + path + ", readable only by you.")
	return k.showPublic(key, client.Settings().ClientID())
}

// writeKey writes a key to a new file that only its owner may read.
func writeKey(path string, text okta.Secret) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, os.ErrExist):
		return cli.Exit(cli.ExitUsage, err, "name another file: okauth never overwrites a key")
	case err != nil:
		return cli.Exit(cli.ExitUsage, err, "name a new file in a directory that exists and that you can write to")
	}
	_, err = fmt.Fprintln(f, text.Reveal())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(path) // half a key is none
	}
	return err
}

// toKeychain stores the new key in the keychain.
func (k *keygen) toKeychain(ctx context.Context, client *okauth.Client) error {
	key, text, err := newKey(k.alg)
	if err != nil {
		return err
	}
	if err := k.keepKey(ctx, client, key, text); err != nil {
		return err
	}
	k.env.Print("Stored the private key in the keychain.")
	return k.showPublic(key, client.Settings().ClientID())
}

// makeNext stores the new key beside the current one of the keychain, which it is to follow, unless one waits already.
func (k *keygen) makeNext(ctx context.Context, client *okauth.Client) error {
	keys, account := client.KeychainKey(true)
	var next clientauth.Key
	made := false
	err := keys.Change(ctx, account, func(stored store.ClientKey) (_ store.ClientKey, err error) {
		switch {
		case stored.Current.IsZero():
			return stored, cli.Usage("there is no key to rotate: the keychain has none of this client",
				"okauth config keygen makes one")
		case !stored.Next.IsZero():
			next, err = clientauth.ParseKey(stored.Next)
		default:
			made = true
			next, stored.Next, err = newKey(k.alg)
		}
		return stored, err
	})
	if err != nil {
		return err
	}
	if made {
		k.env.Print("Stored the private key in the keychain.")
	} else {
		k.env.Print("Okta has not accepted the last new key yet. This is its public key.")
	}
	return k.showPublic(next, client.Settings().ClientID())
}

// showCurrent prints the public key of the current key.
func (k *keygen) showCurrent(ctx context.Context, client *okauth.Client) error {
	if err := client.Settings().Require(config.KeyDomain, config.KeyClientID); err != nil {
		return err
	}
	key, err := client.PrivateKey(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return cli.Exit(cli.ExitUsage, errors.New("the client has no private key"), "okauth config keygen makes one")
	}
	if err != nil {
		return err
	}
	return k.showPublic(key, client.Settings().ClientID())
}

// showPublic prints the public key on standard output, and on standard error where to register it.
func (k *keygen) showPublic(key clientauth.Key, clientID string) error {
	if _, err := fmt.Fprintf(k.env.Stdout, "%s\n", key.PublicJWK()); err != nil {
		return err
	}
	k.env.Print(whereToRegister(key, clientID))
	if k.rotate {
		k.env.Print("okauth uses the current key until Okta accepts this one. Then remove the old key at Okta.")
		return nil
	}
	k.env.Print("Next: okauth" + k.session.Again() + " doctor checks whether Okta accepts it.")
	return nil
}

// whereToRegister says where a public key belongs. The place is that of Okta's guide "Implement OAuth for Okta with a
// service app", Identity Engine, 2026.
func whereToRegister(key clientauth.Key, clientID string) string {
	app := "the application"
	if clientID != "" {
		app = okta.Sanitize(clientID, 100)
	}
	text := "Register the public key, the JSON that okauth prints, at Okta: Admin Console, Applications › " +
		"Applications › " + app + " › General › Client Credentials › Edit › Public key / Private key › Add key."
	if id := key.ID(); id != "" {
		text += " Its kid there must be " + id + "."
	}
	return text
}
