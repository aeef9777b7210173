package cmd

import (
	"context"
	"errors"
	"fmt"

	"okauth/pkg/okta"
	"okauth/pkg/profile"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
)

// The ways to keep a client secret, in the order they are offered; the first is
// offered only when there is one.
const (
	keepPresent = iota - 1
	keepKeychain
	keepFile
	keepElsewhere
	keepCommand
	keepNone
)

// askSecret asks where the client secret is or shall be. It returns the secret
// only when it is for the keychain; the other ways are settings.
func (i *interview) askSecret(ctx context.Context) (okta.Secret, error) {
	inKeychain, first := "ask for it now and keep it in the keychain", keepKeychain
	if err := i.keychainError(ctx); err != nil {
		inKeychain, first = "the keychain, which cannot be used now ("+err.Error()+")", keepFile
	}
	if err := i.t.Printf("The client secret is beside the client id. An app whose client authentication is \"None\"\nhas none; for the password grant choose \"Client secret\" there.\n"); err != nil {
		return okta.Secret{}, err
	}
	ways := []string{
		keepKeychain:  inKeychain,
		keepFile:      "ask for it now and write it to the configuration file, readable by you alone",
		keepElsewhere: "it is in a file",
		keepCommand:   "a command prints it (op, pass, vault, …)",
		keepNone:      "there is none: a public client",
	}
	shift := 0
	if present := i.presentSecret(); present != "" {
		ways, first, shift = append([]string{"keep the present one (" + present + ")"}, ways...), 0, 1
	}
	way, err := i.t.Choose(ctx, "Client secret", ways, first)
	if err != nil {
		return okta.Secret{}, err
	}
	if way -= shift; way == keepPresent {
		return okta.Secret{}, nil
	}
	for _, key := range []string{profile.KeyClientSecret, profile.KeyClientSecretFile, profile.KeyClientSecretCommand} {
		if err := i.file.Unset(i.name, key); err != nil {
			return okta.Secret{}, err
		}
	}
	switch way {
	case keepElsewhere:
		return okta.Secret{}, i.ask(ctx, question{key: profile.KeyClientSecretFile, label: "File", where: "The file that holds the secret and nothing else."})
	case keepCommand:
		return okta.Secret{}, i.ask(ctx, question{key: profile.KeyClientSecretCommand, label: "Command", where: "The command whose first line of output is the secret."})
	case keepNone:
		return okta.Secret{}, nil
	}
	return i.typeSecret(ctx, way)
}

// presentSecret names the setting in the file that has the client secret, or "".
func (i *interview) presentSecret() string {
	for _, key := range []string{profile.KeyClientSecret, profile.KeyClientSecretFile, profile.KeyClientSecretCommand} {
		if text, ok := i.file.Get(i.name, key); ok && text != "" {
			return key
		}
	}
	return ""
}

func (i *interview) typeSecret(ctx context.Context, way int) (okta.Secret, error) {
	key, err := profile.FindKey(profile.KeyClientSecret)
	if err != nil {
		return okta.Secret{}, err
	}
	for {
		text, err := i.t.ReadPassword(ctx, "Client secret (not shown)")
		if err != nil && !errors.Is(err, prompt.ErrEmpty) {
			return okta.Secret{}, err
		}
		if err == nil {
			err = key.Check(string(text))
		}
		switch {
		case err != nil:
		case way == keepFile:
			return okta.Secret{}, i.file.Set(i.name, profile.KeyClientSecret, string(text))
		default:
			return okta.NewSecret(string(text)), nil
		}
		if err := i.t.Printf("%s\n", correction(err)); err != nil {
			return okta.Secret{}, err
		}
	}
}

// keychainError tells why the keychain cannot be used, in a few words.
func (i *interview) keychainError(ctx context.Context) error {
	if i.env.Keychain != nil {
		return nil
	}
	err := store.NewKeychain(store.KeychainOptions{}).Probe(ctx)
	if e, ok := errors.AsType[*store.Error](err); ok {
		return errors.New(e.Kind.String())
	}
	return err
}

// keep puts the client secret into the keychain, for the client and the domain
// of the answers.
func (i *interview) keep(ctx context.Context, secret okta.Secret) error {
	text, _ := i.file.Get(i.name, profile.KeyDomain)
	domain, err := profile.ParseDomain(text)
	if err != nil {
		return err
	}
	clientID, _ := i.file.Get(i.name, profile.KeyClientID)
	kept := i.env.Keychain
	if kept == nil {
		kept = store.NewKeychain(store.KeychainOptions{MayPrompt: i.env.desktop()})
	}
	if err := (store.ClientSecrets{Items: kept}).Save(ctx, store.ClientSecretAccount(i.name, domain.BaseURL, clientID), secret); err != nil {
		return fmt.Errorf("nothing is written, because the client secret was not kept: %w", err)
	}
	return i.t.Printf("Kept the client secret in the keychain.\n")
}
