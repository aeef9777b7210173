package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/store"
	"okauth/pkg/store/keychain"
)

// secretChoice is a way to authenticate the client, and what to do if the user chooses it; nil keeps the present one.
type secretChoice struct {
	text       string
	take       func(context.Context) error
	inKeychain bool   // it needs a keychain that can be written
	auth       string // value of client_auth
}

// secretChoices returns the choices, and the one that Enter chooses; storedKey: the keychain has a private key. What
// they set goes to the file, to s.secret or to s.newKey.
func (s *setup) secretChoices(ctx context.Context, storedKey bool) (choices []secretChoice, first int) {
	unusable := "" // says so of the keychain
	if err := cmp.Or(s.keychainOff(), s.keychainError(ctx)); err != nil {
		unusable = ", which cannot be used now (" + keychainProblem(err) + ")"
	}
	key := secretChoice{auth: privateKeyJWT, inKeychain: true, take: s.takeKey,
		text: "there is none: a new key pair signs instead, with its private key in the keychain" + unusable}
	if storedKey { // no new one takes its place: okauth config keygen --rotate does that
		key.text = "there is none: the private key in the keychain signs instead"
	}
	none := secretChoice{text: "there is none: a public client", auth: "none", take: func(ctx context.Context) error {
		secrets, account := s.keychainItem() // okauth would go on sending the secret in it
		return ignoreNoKeychain(secrets.Delete(ctx, account))
	}}
	if s.way.needs().User {
		choices = append(s.secretPlaces(unusable), none, key)
	} else { // as Okta advises for services; and no public client can sign in for itself
		choices = append([]secretChoice{key}, s.secretPlaces(unusable)...)
	}
	first = slices.IndexFunc(choices, func(c secretChoice) bool {
		if !s.needsSecret() { // as Okta makes native apps
			return c.auth == none.auth
		}
		return !c.inKeychain || unusable == ""
	})
	if present := s.presentSecret(ctx, storedKey); present != "" {
		return slices.Insert(choices, 0, secretChoice{text: "keep the present one (" + present + ")"}), 0
	}
	return choices, first
}

// secretPlaces returns the choices of a client secret.
func (s *setup) secretPlaces(unusable string) []secretChoice {
	const auth = "client_secret_basic"
	inKeychain := "ask for it now and store it in the keychain"
	if unusable != "" {
		inKeychain = "the keychain" + unusable
	}
	return []secretChoice{
		{text: inKeychain, auth: auth, inKeychain: true, take: func(ctx context.Context) error {
			key, _ := config.FindKey(config.KeyClientSecret) // it exists
			return s.readNewSecret(ctx, func(text string) error {
				s.secret = okta.NewSecret(text)
				return key.Check(text)
			})
		}},
		{text: "ask for it now and write it to the configuration file, for you alone", auth: auth,
			take: func(ctx context.Context) error {
				return s.readNewSecret(ctx, func(text string) error {
					return s.file.Set(s.profile, config.KeyClientSecret, text)
				})
			}},
		{text: "it is in a file", auth: auth, take: func(ctx context.Context) error {
			return s.ask(ctx, question{key: config.FileKey(config.KeyClientSecret), label: "File", required: "A file",
				help: "The file that has the secret and nothing else."})
		}},
		{text: "a command prints it (op, pass, vault, …)", auth: auth, take: func(ctx context.Context) error {
			return s.ask(ctx, question{key: config.CommandKey(config.KeyClientSecret), label: "Command", required: "A command",
				help: "The command whose first line of output is the secret."})
		}},
	}
}

// needsSecret reports whether Okta's guide to the way of signing in wants a client secret. On Okta's page it does not.
func (s *setup) needsSecret() bool { return s.way.needs().Endpoint == "" && len(s.way.factors) == 0 }

// askSecret asks where the client secret is, or is to be stored.
func (s *setup) askSecret(ctx context.Context) error {
	help := "The client secret is next to the client ID. An app whose client authentication is \"None\" has none"
	if s.way.policy != "" && s.needsSecret() {
		help += `; for the password grant choose "Client secret" there`
	}
	if err := say(s.t, s.env, help+"."); err != nil {
		return err
	}
	storedKey, err := s.hasStoredKey(ctx)
	if err != nil {
		return err
	}
	choices, first := s.secretChoices(ctx, storedKey)
	chosen, err := s.choose(ctx, choices, first)
	if err != nil || chosen.take == nil {
		return err
	}
	if err := s.setAuth(ctx, chosen.auth); err != nil {
		return err
	}
	for _, key := range config.SecretKeys(config.KeyClientSecret) {
		if err := s.file.Unset(s.profile, key); err != nil {
			return err
		}
	}
	return chosen.take(ctx)
}

// choose asks for one of the choices. It does not accept a keychain that cannot be used: the answers would be lost.
func (s *setup) choose(ctx context.Context, choices []secretChoice, first int) (secretChoice, error) {
	var texts []string
	for _, c := range choices {
		texts = append(texts, c.text)
	}
	for {
		chosen, err := s.t.Choose(ctx, "Where is the client secret?", texts, first)
		if err != nil {
			return secretChoice{}, err
		}
		if choices[chosen].inKeychain {
			if err = s.keychainOff(); err == nil {
				err = s.unlock(ctx)
			}
		}
		if err == nil || ctx.Err() != nil {
			return choices[chosen], context.Cause(ctx)
		}
		err = say(s.t, s.env, "The keychain cannot be used now ("+keychainProblem(err)+"): choose another number.\n")
		if err != nil {
			return secretChoice{}, err
		}
	}
}

// presentSecret says where the client secret or the private key is now, or "".
func (s *setup) presentSecret(ctx context.Context, storedKey bool) string {
	auth, _ := s.file.Get(s.profile, config.KeyClientAuth)
	keys := append(config.SecretKeys(config.KeyPrivateKey), config.SecretKeys(config.KeyClientSecret)...)
	usesSecret := strings.HasPrefix(auth, "client_secret")
	if usesSecret {
		keys = config.SecretKeys(config.KeyClientSecret)
	}
	for _, key := range keys {
		if text, _ := s.file.Get(s.profile, key); text != "" {
			return key
		}
	}
	if !usesSecret && storedKey {
		return "a private key in the keychain"
	}
	secrets, account := s.keychainItem()
	if _, err := secrets.Load(ctx, account); err != nil || s.keychainOff() != nil {
		return ""
	}
	return "in the keychain"
}

// readNewSecret asks for the client secret until keep takes it.
func (s *setup) readNewSecret(ctx context.Context, keep func(string) error) error {
	return s.untilValid("A client secret", func() (string, error) {
		text, err := s.t.ReadPassword(ctx, "Client secret (not shown)")
		return string(text), err
	}, keep)
}

// keychainError returns an error if the keychain cannot be used without a prompt.
func (o *options) keychainError(ctx context.Context) error {
	if backend, ok := o.keychain().(*keychain.Keychain); ok {
		return backend.Probe(ctx)
	}
	return nil
}

// keychainOff returns an error if the setting storage says that the keychain is not used, not even for secrets.
func (s *setup) keychainOff() error {
	text, _ := s.file.Get(s.profile, config.KeyStorage)
	switch storage := cmp.Or(s.env.Getenv("OKAUTH_STORAGE"), text, okauth.StorageAuto); storage {
	case okauth.StorageAuto, okauth.StorageKeychain:
		return nil
	default:
		return fmt.Errorf("storage is %s", okta.Sanitize(storage, 20))
	}
}

// unlock has a locked keychain ask for its password now.
func (o *options) unlock(ctx context.Context) error {
	if backend, ok := o.keychain().(*keychain.Keychain); ok {
		return backend.Unlock(ctx)
	}
	return nil
}

// keychainProblem says in a few words what an error of the keychain means.
func keychainProblem(err error) string {
	if e, ok := errors.AsType[*store.Error](err); ok {
		return string(e.Kind)
	}
	return err.Error()
}

func (o *options) keychain() store.Backend {
	if o.env.Keychain != nil {
		return o.env.Keychain
	}
	return keychain.New(keychain.Options{MayPrompt: o.env.Desktop(), Notify: o.env.Warn})
}

// client returns the client of the answers, and the address of its org.
func (s *setup) client() (baseURL, clientID string) {
	clientID, _ = s.file.Get(s.profile, config.KeyClientID)
	address, _ := s.file.Get(s.profile, config.KeyDomain)
	domain, _ := config.ParseDomain(address) // the answer was valid
	return domain.BaseURL, clientID
}

// keychainItem returns the keychain's item for the client of the answers.
func (s *setup) keychainItem() (secrets store.ClientSecrets, account string) {
	baseURL, clientID := s.client()
	return store.ClientSecrets{Items: s.keychain()}, store.ClientSecretAccount(s.profile, baseURL, clientID)
}

func (s *setup) storeInKeychain(ctx context.Context) error {
	if err := s.storeKey(ctx); err != nil || s.secret.IsZero() {
		return err
	}
	secrets, account := s.keychainItem()
	if err := secrets.Save(ctx, account, s.secret); err != nil {
		return fmt.Errorf("nothing is written, because the client secret was not stored: %w", err)
	}
	return s.t.Printf("Stored the client secret in the keychain.\n")
}
