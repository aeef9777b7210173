package config

import (
	"context"
	"errors"
	"fmt"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/keychain"
)

// secretChoice is a place of the client secret, and what to do if the user chooses it; nil keeps the secret there.
type secretChoice struct {
	text string
	take func(context.Context) error
}

// secretChoices returns the choices, and the one that Enter chooses. What they set goes to the file or to s.secret.
func (s *setup) secretChoices(ctx context.Context) (choices []secretChoice, first int) {
	if present := s.presentSecret(ctx); present != "" {
		choices = []secretChoice{{text: "keep the present one (" + present + ")"}}
	}
	inKeychain := "ask for it now and store it in the keychain"
	if err := s.keychainProblem(ctx); err != nil {
		inKeychain = "the keychain, which cannot be used now (" + err.Error() + ")"
		first = 1 - len(choices)
	}
	return append(choices,
		secretChoice{inKeychain, func(ctx context.Context) error {
			key, _ := config.FindKey(config.KeyClientSecret) // it exists
			return s.readNewSecret(ctx, func(text string) error {
				s.secret = okta.NewSecret(text)
				return key.Check(text)
			})
		}},
		secretChoice{"ask for it now and write it to the configuration file, readable by you alone",
			func(ctx context.Context) error {
				return s.readNewSecret(ctx, func(text string) error {
					return s.file.Set(s.profile, config.KeyClientSecret, text)
				})
			}},
		secretChoice{"it is in a file", func(ctx context.Context) error {
			return s.ask(ctx, question{key: config.FileKey(config.KeyClientSecret), label: "File",
				help: "The file that has the secret and nothing else."})
		}},
		secretChoice{"a command prints it (op, pass, vault, …)", func(ctx context.Context) error {
			return s.ask(ctx, question{key: config.CommandKey(config.KeyClientSecret), label: "Command",
				help: "The command whose first line of output is the secret."})
		}},
		secretChoice{"there is none: a public client", func(ctx context.Context) error {
			secrets, account := s.keychainItem() // okauth would go on sending the secret in it
			return ignoreNoKeychain(secrets.Delete(ctx, account))
		}},
	), first
}

// askSecret asks where the client secret is, or is to be stored.
func (s *setup) askSecret(ctx context.Context) error {
	if err := s.t.Printf("The client secret is next to the client ID. An app whose client authentication is\n" +
		"\"None\" has none; for the password grant choose \"Client secret\" there.\n"); err != nil {
		return err
	}
	choices, first := s.secretChoices(ctx)
	var texts []string
	for _, c := range choices {
		texts = append(texts, c.text)
	}
	chosen, err := s.t.Choose(ctx, "Client secret", texts, first)
	if err != nil || choices[chosen].take == nil {
		return err
	}
	for _, key := range config.SecretKeys(config.KeyClientSecret) {
		if err := s.file.Unset(s.profile, key); err != nil {
			return err
		}
	}
	return choices[chosen].take(ctx)
}

// presentSecret says where the client secret is now, or "".
func (s *setup) presentSecret(ctx context.Context) string {
	for _, key := range config.SecretKeys(config.KeyClientSecret) {
		if text, _ := s.file.Get(s.profile, key); text != "" {
			return key
		}
	}
	secrets, account := s.keychainItem()
	if _, err := secrets.Load(ctx, account); err != nil {
		return ""
	}
	return "in the keychain"
}

// readNewSecret asks for the client secret until keep takes it.
func (s *setup) readNewSecret(ctx context.Context, keep func(string) error) error {
	return s.untilValid(func() (string, error) {
		text, err := s.t.ReadPassword(ctx, "Client secret (not shown)")
		return string(text), err
	}, keep)
}

// keychainProblem says in a few words why the keychain cannot be used.
func (s *setup) keychainProblem(ctx context.Context) error {
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
func (s *setup) keychainItem() (secrets store.ClientSecrets, account string) {
	clientID, _ := s.file.Get(s.profile, config.KeyClientID)
	address, _ := s.file.Get(s.profile, config.KeyDomain)
	domain, _ := config.ParseDomain(address) // the answer was valid
	backend := s.env.Keychain
	if backend == nil {
		backend = keychain.New(keychain.Options{MayPrompt: s.env.Desktop()})
	}
	return store.ClientSecrets{Items: backend}, store.ClientSecretAccount(s.profile, domain.BaseURL, clientID)
}

func (s *setup) storeInKeychain(ctx context.Context) error {
	if s.secret.IsZero() {
		return nil
	}
	secrets, account := s.keychainItem()
	if err := secrets.Save(ctx, account, s.secret); err != nil {
		return fmt.Errorf("nothing is written, because the client secret was not stored: %w", err)
	}
	return s.t.Printf("Stored the client secret in the keychain.\n")
}
