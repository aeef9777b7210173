package config

// The private key in "config init".

import (
	"context"
	"fmt"

	"okauth/pkg/config"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/store"
)

// makeKey makes the key pair of the client, which is stored when all questions are answered.
func (s *setup) makeKey(context.Context) (err error) {
	if s.key, err = clientauth.GenerateKey(clientauth.ES256); err != nil {
		return err
	}
	for _, key := range []string{config.FileKey(config.KeyPrivateKey), config.CommandKey(config.KeyPrivateKey),
		config.KeyPrivateKeyID} {
		if err := s.file.Unset(s.profile, key); err != nil {
			return err
		}
	}
	return nil
}

// keepKey changes nothing: the key is in the keychain.
func keepKey(context.Context) error { return nil }

// setAuth sets client_auth where the profile would not use what was chosen: a present key is stronger than a secret.
func (s *setup) setAuth(ctx context.Context, chosen string) error {
	usesKey := chosen == "private_key_jwt"
	present, _ := s.file.Get(s.profile, config.KeyClientAuth)
	contradicts := present != "" && (usesKey || present == "private_key_jwt" || (present == "none") != (chosen == "none"))
	hasKey := s.hasStoredKey(ctx)
	for _, key := range config.SecretKeys(config.KeyPrivateKey) {
		text, _ := s.file.Get(s.profile, key)
		hasKey = hasKey || text != ""
	}
	if !contradicts && (usesKey || !hasKey) {
		return nil
	}
	return s.file.Set(s.profile, config.KeyClientAuth, chosen)
}

// keyItem returns the keychain's item of the private key for the client and the domain of the answers.
func (s *setup) keyItem() (keys store.ClientKeys, account string) {
	clientID, _ := s.file.Get(s.profile, config.KeyClientID)
	address, _ := s.file.Get(s.profile, config.KeyDomain)
	domain, _ := config.ParseDomain(address) // the answer was valid
	return store.ClientKeys{Items: s.keychain()}, store.ClientKeyAccount(s.profile, domain.BaseURL, clientID)
}

func (s *setup) hasStoredKey(ctx context.Context) bool {
	keys, account := s.keyItem()
	_, err := keys.Load(ctx, account)
	return err == nil
}

// storeKey stores the new key, and says where its public half belongs.
func (s *setup) storeKey(ctx context.Context) error {
	if s.key.IsZero() {
		return nil
	}
	private, err := s.key.PrivateJWK()
	if err == nil {
		keys, account := s.keyItem()
		err = keys.Save(ctx, account, store.ClientKey{Current: private})
	}
	if err != nil {
		return fmt.Errorf("nothing is written, because the private key was not stored: %w", err)
	}
	clientID, _ := s.file.Get(s.profile, config.KeyClientID)
	text := "Stored the private key in the keychain. " + whereToRegister(s.key, clientID) + "\n"
	if err := say(s.t, s.env, text); err != nil {
		return err
	}
	return s.t.Printf("%s\n\n", s.key.PublicJWK())
}
