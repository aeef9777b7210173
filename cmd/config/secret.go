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

// secretChoice is a place of the client secret, and what to do if the user chooses it.
type secretChoice struct {
	text string
	take func(context.Context) error
}

// secretChoices returns the places for a new client secret. What they set goes to the file or to s.secret.
func (s *setup) secretChoices(keychainProblem string) []secretChoice {
	inKeychain := "ask for it now and store it in the keychain"
	if keychainProblem != "" {
		inKeychain = "the keychain, which cannot be used now (" + keychainProblem + ")"
	}
	return []secretChoice{
		{inKeychain, func(ctx context.Context) (err error) {
			s.secret, err = s.readNewSecret(ctx)
			return err
		}},
		{"ask for it now and write it to the configuration file, readable by you alone",
			func(ctx context.Context) error {
				secret, err := s.readNewSecret(ctx)
				if err != nil {
					return err
				}
				return s.file.Set(s.profile, config.KeyClientSecret, secret.Reveal())
			}},
		{"it is in a file", func(ctx context.Context) error {
			return s.ask(ctx, question{key: config.FileKey(config.KeyClientSecret), label: "File",
				help: "The file that has the secret and nothing else."})
		}},
		{"a command prints it (op, pass, vault, …)", func(ctx context.Context) error {
			return s.ask(ctx, question{key: config.CommandKey(config.KeyClientSecret), label: "Command",
				help: "The command whose first line of output is the secret."})
		}},
		{"there is none: a public client", func(ctx context.Context) error {
			secrets, account := s.keychainItem() // okauth would go on sending the secret in it
			return ignoreNoKeychain(secrets.Delete(ctx, account))
		}},
	}
}

// askSecret asks where the client secret is, or is to be stored.
func (s *setup) askSecret(ctx context.Context) error {
	if err := s.t.Printf("The client secret is next to the client ID. An app whose client authentication is\n" +
		"\"None\" has none; for the password grant choose \"Client secret\" there.\n"); err != nil {
		return err
	}
	var texts []string
	if present := s.presentSecret(ctx); present != "" {
		texts = append(texts, "keep the present one ("+present+")")
	}
	kept := len(texts) // how many choices keep the secret
	problem := s.keychainProblem(ctx)
	choices := s.secretChoices(problem)
	for _, c := range choices {
		texts = append(texts, c.text)
	}
	first := 0
	if problem != "" {
		first = 1 - kept
	}
	chosen, err := s.t.Choose(ctx, "Client secret", texts, first)
	if err != nil || chosen < kept {
		return err
	}
	for _, key := range config.SecretKeys(config.KeyClientSecret) {
		if err := s.file.Unset(s.profile, key); err != nil {
			return err
		}
	}
	return choices[chosen-kept].take(ctx)
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

// readNewSecret asks for the client secret until one is valid.
func (s *setup) readNewSecret(ctx context.Context) (okta.Secret, error) {
	key, err := config.FindKey(config.KeyClientSecret)
	if err != nil {
		return okta.Secret{}, err
	}
	for {
		text, err := s.t.ReadPassword(ctx, "Client secret (not shown)")
		if err == nil {
			err = key.Check(string(text))
		} else if !errors.Is(err, prompt.ErrEmpty) {
			return okta.Secret{}, err
		}
		if err == nil {
			return okta.NewSecret(string(text)), nil
		}
		if err := s.correct(err); err != nil {
			return okta.Secret{}, err
		}
	}
}

// keychainProblem says in a few words why the keychain cannot be used, "" if it can.
func (s *setup) keychainProblem(ctx context.Context) string {
	if s.env.Keychain != nil {
		return ""
	}
	err := keychain.New(keychain.Options{}).Probe(ctx)
	if e, ok := errors.AsType[*store.Error](err); ok {
		return string(e.Kind)
	}
	if err != nil {
		return err.Error()
	}
	return ""
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
