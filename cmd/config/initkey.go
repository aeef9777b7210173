package config

// The private key in "config init".

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"okauth/pkg/config"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/store"
)

// takeKey makes the client sign with the private key in the keychain, or with a new one, which is stored when all
// questions are answered.
func (s *setup) takeKey(ctx context.Context) error {
	stored, err := s.hasStoredKey(ctx)
	if err != nil || stored {
		return err
	}
	s.newKey = true
	for _, key := range []string{config.FileKey(config.KeyPrivateKey), config.CommandKey(config.KeyPrivateKey),
		config.KeyPrivateKeyID} {
		if err := s.file.Unset(s.profile, key); err != nil {
			return err
		}
	}
	return nil
}

// setAuth sets client_auth where the profile would not use what was chosen: a key is stronger than a secret.
func (s *setup) setAuth(ctx context.Context, chosen string) error {
	usesKey := chosen == privateKeyJWT
	present, _ := s.file.Get(s.profile, config.KeyClientAuth)
	contradicts := present != "" && (usesKey || present == privateKeyJWT || (present == "none") != (chosen == "none"))
	hasKey, err := s.hasStoredKey(ctx)
	if err != nil {
		return err
	}
	for _, key := range config.SecretKeys(config.KeyPrivateKey) {
		text, _ := s.file.Get(s.profile, key)
		hasKey = hasKey || text != ""
	}
	if !contradicts && (usesKey || !hasKey) {
		return nil
	}
	return s.file.Set(s.profile, config.KeyClientAuth, chosen)
}

// keyItem returns the keychain's item of the private key for the client of the answers.
func (s *setup) keyItem() (keys store.ClientKeys, account string) {
	baseURL, clientID := s.client()
	return store.ClientKeys{Items: s.keychain()}, store.ClientKeyAccount(s.profile, baseURL, clientID)
}

// hasStoredKey reports whether the keychain has a private key of the client. A keychain that cannot be used has none.
func (s *setup) hasStoredKey(ctx context.Context) (bool, error) {
	if cmp.Or(s.keychainOff(), s.keychainError(ctx)) != nil {
		return false, nil
	}
	keys, account := s.keyItem()
	_, err := keys.Load(ctx, account)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// storeKey stores a new key, if there is to be one, and says where its public key belongs.
func (s *setup) storeKey(ctx context.Context) error {
	if !s.newKey {
		return nil
	}
	key, text, err := newKey(clientauth.ES256)
	if err == nil {
		keys, account := s.keyItem()
		err = keys.Change(ctx, account, func(stored store.ClientKey) (store.ClientKey, error) {
			return withCurrent(stored, key, text)
		})
	}
	if err != nil {
		return fmt.Errorf("nothing is written, because the private key was not stored: %w", err)
	}
	_, clientID := s.client()
	told := "Stored the private key in the keychain. " + whereToRegister(key, clientID) + "\n"
	if err := say(s.t, s.env, told); err != nil {
		return err
	}
	return s.t.Printf("%s\n\n", key.PublicJWK())
}
