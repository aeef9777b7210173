package config

import (
	"context"
	"errors"
	"fmt"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
	"okauth/pkg/store/keychain"
)

// secretPlace is where the client secret is, or shall be stored.
type secretPlace int

const (
	keepPresent secretPlace = iota
	inKeychain
	inConfig
	inOwnFile
	fromCommand
	publicClient // there is none
)

// secretChoice is a place as the user sees it.
type secretChoice struct {
	place secretPlace
	text  string
}

// secretChoices returns the choices, and the one that Enter chooses.
func (s *setup) secretChoices(ctx context.Context) (choices []secretChoice, first int) {
	if present := s.presentSecret(ctx); present != "" {
		choices = []secretChoice{{keepPresent, "keep the present one (" + present + ")"}}
	}
	keychain := "ask for it now and store it in the keychain"
	if err := s.keychainError(ctx); err != nil {
		keychain = "the keychain, which cannot be used now (" + err.Error() + ")"
		first = 1 - len(choices)
	}
	return append(choices,
		secretChoice{inKeychain, keychain},
		secretChoice{inConfig, "ask for it now and write it to the configuration file, readable by you alone"},
		secretChoice{inOwnFile, "it is in a file"},
		secretChoice{fromCommand, "a command prints it (op, pass, vault, …)"},
		secretChoice{publicClient, "there is none: a public client"},
	), first
}

// askSecret asks where the client secret is. It returns the secret if it is to be stored in the keychain, and sets the
// settings otherwise.
func (s *setup) askSecret(ctx context.Context) (okta.Secret, error) {
	none := okta.Secret{}
	if err := s.t.Printf("The client secret is next to the client ID. An app whose client authentication is\n" +
		"\"None\" has none; for the password grant choose \"Client secret\" there.\n"); err != nil {
		return none, err
	}
	choices, first := s.secretChoices(ctx)
	var texts []string
	for _, c := range choices {
		texts = append(texts, c.text)
	}
	chosen, err := s.t.Choose(ctx, "Client secret", texts, first)
	if err != nil || choices[chosen].place == keepPresent {
		return none, err
	}
	for _, key := range config.SecretKeys(config.KeyClientSecret) {
		if err := s.unset(key); err != nil {
			return none, err
		}
	}
	switch place := choices[chosen].place; place {
	case inOwnFile:
		return none, s.ask(ctx, question{key: config.FileKey(config.KeyClientSecret), label: "File",
			help: "The file that has the secret and nothing else."})
	case fromCommand:
		return none, s.ask(ctx, question{key: config.CommandKey(config.KeyClientSecret), label: "Command",
			help: "The command whose first line of output is the secret."})
	case publicClient:
		return none, s.deleteSecret(ctx)
	default:
		return s.readNewSecret(ctx, place)
	}
}

// presentSecret says where the client secret is now, or "".
func (s *setup) presentSecret(ctx context.Context) string {
	for _, key := range config.SecretKeys(config.KeyClientSecret) {
		if text, ok := s.file.Get(s.profile, key); ok && text != "" {
			return key
		}
	}
	secrets, account, err := s.keychainItem()
	if err == nil {
		_, err = secrets.Load(ctx, account)
	}
	if err != nil {
		return ""
	}
	return "in the keychain"
}

// readNewSecret asks for the secret. It returns the secret for the keychain, and sets one for the configuration file.
func (s *setup) readNewSecret(ctx context.Context, place secretPlace) (okta.Secret, error) {
	key, err := config.FindKey(config.KeyClientSecret)
	if err != nil {
		return okta.Secret{}, err
	}
	for {
		text, err := s.t.ReadPassword(ctx, "Client secret (not shown)")
		if err != nil && !errors.Is(err, prompt.ErrEmpty) {
			return okta.Secret{}, err
		}
		if err == nil {
			err = key.Check(string(text))
		}
		switch {
		case err != nil:
		case place == inConfig:
			return okta.Secret{}, s.file.Set(s.profile, config.KeyClientSecret, string(text))
		default:
			return okta.NewSecret(string(text)), nil
		}
		if err := s.t.Printf("%s\n", correction(err)); err != nil {
			return okta.Secret{}, err
		}
	}
}

// keychainError says why the keychain cannot be used, in a few words.
func (s *setup) keychainError(ctx context.Context) error {
	if s.env.Keychain != nil {
		return nil
	}
	err := keychain.New(keychain.Options{}).Probe(ctx)
	if e, ok := errors.AsType[*store.Error](err); ok {
		return errors.New(string(e.Kind))
	}
	return err
}

// keychainItem returns the keychain's item for the client and the domain of the answers.
func (s *setup) keychainItem() (secrets store.ClientSecrets, account string, err error) {
	text, _ := s.file.Get(s.profile, config.KeyDomain)
	domain, err := config.ParseDomain(text)
	if err != nil {
		return store.ClientSecrets{}, "", err
	}
	clientID, _ := s.file.Get(s.profile, config.KeyClientID)
	backend := s.env.Keychain
	if backend == nil {
		backend = keychain.New(keychain.Options{MayPrompt: s.env.Desktop()})
	}
	return store.ClientSecrets{Items: backend}, store.ClientSecretAccount(s.profile, domain.BaseURL, clientID), nil
}

func (s *setup) saveSecret(ctx context.Context, secret okta.Secret) error {
	secrets, account, err := s.keychainItem()
	if err != nil {
		return err
	}
	if err := secrets.Save(ctx, account, secret); err != nil {
		return fmt.Errorf("nothing is written, because the client secret was not stored: %w", err)
	}
	return s.t.Printf("Stored the client secret in the keychain.\n")
}

// deleteSecret removes the client secret from the keychain: a public client would go on sending it.
func (s *setup) deleteSecret(ctx context.Context) error {
	secrets, account, err := s.keychainItem()
	if err != nil {
		return err
	}
	return ignoreNoKeychain(secrets.Delete(ctx, account))
}
