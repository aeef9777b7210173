package cmd

import (
	"context"
	"errors"
	"fmt"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
)

// secretWay is a way to have a client secret.
type secretWay int

const (
	keepPresent  secretWay = iota // the one that is there already
	inKeychain                    // typed now
	inConfig                      // typed now
	inFile                        // of the user's own
	fromCommand                   // of the user's own
	publicClient                  // none
)

// secretChoice is a way as it is offered.
type secretChoice struct {
	way  secretWay
	text string
}

// secretChoices returns the ways that there are, and the one that Enter takes.
func (i *interview) secretChoices(ctx context.Context) (choices []secretChoice, first int) {
	if present := i.presentSecret(ctx); present != "" {
		choices = []secretChoice{{keepPresent, "keep the present one (" + present + ")"}}
	}
	keychain := "ask for it now and keep it in the keychain"
	if err := i.keychainError(ctx); err != nil {
		keychain = "the keychain, which cannot be used now (" + err.Error() + ")"
		first = 1 - len(choices)
	}
	return append(choices,
		secretChoice{inKeychain, keychain},
		secretChoice{inConfig, "ask for it now and write it to the configuration file, readable by you alone"},
		secretChoice{inFile, "it is in a file"},
		secretChoice{fromCommand, "a command prints it (op, pass, vault, …)"},
		secretChoice{publicClient, "there is none: a public client"},
	), first
}

// askSecret asks where the client secret is or shall be. It returns the secret
// only when it is for the keychain; the other ways are settings.
func (i *interview) askSecret(ctx context.Context) (okta.Secret, error) {
	if err := i.t.Printf("The client secret is beside the client id. An app whose client authentication is \"None\"\nhas none; for the password grant choose \"Client secret\" there.\n"); err != nil {
		return okta.Secret{}, err
	}
	choices, first := i.secretChoices(ctx)
	var texts []string
	for _, c := range choices {
		texts = append(texts, c.text)
	}
	chosen, err := i.t.Choose(ctx, "Client secret", texts, first)
	if err != nil || choices[chosen].way == keepPresent {
		return okta.Secret{}, err
	}
	for _, key := range clientSecretKeys() {
		if err := i.file.Unset(i.name, key); err != nil {
			return okta.Secret{}, err
		}
	}
	switch way := choices[chosen].way; way {
	case inFile:
		return okta.Secret{}, i.ask(ctx, question{key: config.FileKey(config.KeyClientSecret), label: "File", where: "The file that holds the secret and nothing else."})
	case fromCommand:
		return okta.Secret{}, i.ask(ctx, question{key: config.CommandKey(config.KeyClientSecret), label: "Command", where: "The command whose first line of output is the secret."})
	case publicClient:
		return okta.Secret{}, i.forget(ctx)
	default:
		return i.typeSecret(ctx, way)
	}
}

func clientSecretKeys() []string {
	return config.SecretKeys(config.KeyClientSecret)
}

// presentSecret says where the client secret is already, or "".
func (i *interview) presentSecret(ctx context.Context) string {
	for _, key := range clientSecretKeys() {
		if text, ok := i.file.Get(i.name, key); ok && text != "" {
			return key
		}
	}
	secrets, account, err := i.secretItem()
	if err == nil {
		_, err = secrets.Load(ctx, account)
	}
	if err != nil {
		return ""
	}
	return "in the keychain"
}

func (i *interview) typeSecret(ctx context.Context, way secretWay) (okta.Secret, error) {
	key, err := config.FindKey(config.KeyClientSecret)
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
		case way == inConfig:
			return okta.Secret{}, i.file.Set(i.name, config.KeyClientSecret, string(text))
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

// secretItem names the item of the keychain for the client and the domain of
// the answers.
func (i *interview) secretItem() (store.ClientSecrets, string, error) {
	text, _ := i.file.Get(i.name, config.KeyDomain)
	domain, err := config.ParseDomain(text)
	if err != nil {
		return store.ClientSecrets{}, "", err
	}
	clientID, _ := i.file.Get(i.name, config.KeyClientID)
	kept := i.env.Keychain
	if kept == nil {
		kept = store.NewKeychain(store.KeychainOptions{MayPrompt: i.env.Desktop()})
	}
	return store.ClientSecrets{Items: kept}, store.ClientSecretAccount(i.name, domain.BaseURL, clientID), nil
}

// keep puts the client secret into the keychain.
func (i *interview) keep(ctx context.Context, secret okta.Secret) error {
	secrets, account, err := i.secretItem()
	if err != nil {
		return err
	}
	if err := secrets.Save(ctx, account, secret); err != nil {
		return fmt.Errorf("nothing is written, because the client secret was not kept: %w", err)
	}
	return i.t.Printf("Kept the client secret in the keychain.\n")
}

// forget removes the client secret from the keychain: a public client that had
// one would go on sending it.
func (i *interview) forget(ctx context.Context) error {
	secrets, account, err := i.secretItem()
	if err != nil {
		return err
	}
	err = secrets.Delete(ctx, account)
	if e, ok := errors.AsType[*store.Error](err); ok && e.Kind == store.Unavailable {
		return nil
	}
	return err
}
