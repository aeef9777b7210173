package config

import (
	"context"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/store"
	"okauth/pkg/store/sealed"
)

// askStorage asks where to keep sessions if there is no keychain and nothing says what to do without one: on servers,
// over SSH, in containers and on WSL, where "okauth login" would refuse.
func (s *setup) askStorage(ctx context.Context) error {
	if text, _ := s.file.Get(s.profile, config.KeyStorage); text != "" && text != okauth.StorageAuto {
		return nil
	}
	if s.env.Getenv("OKAUTH_STORAGE") != "" || !store.IsKind(s.keychainError(ctx), store.Unavailable) {
		return nil
	}
	inFile, path := "in a sealed file", ""
	if !s.hasKey() {
		inFile += ", with a new key beside the configuration file"
		path = cli.StorageKeyFile(s.file.Path())
	}
	if err := say(s.t, s.env, "\nThere is no keychain here. A session lasts from one okauth command to the next only if "+
		"it is kept somewhere."); err != nil {
		return err
	}
	chosen, err := s.t.Choose(ctx, "Where are sessions kept?", []string{
		inFile,
		"nowhere: each okauth token signs in" + withVariable(s.way.needs()),
		"in the keychain, once there is one",
	}, 0)
	switch {
	case err != nil || chosen == 2:
		return err
	case chosen == 1:
		return s.file.Set(s.profile, config.KeyStorage, okauth.StorageNone)
	}
	err = s.file.Set(s.profile, config.KeyStorage, okauth.StorageFile)
	if err == nil && path != "" {
		s.keyFile = path
		err = s.file.Set(s.profile, config.FileKey(config.KeyStorageKey), path)
	}
	return err
}

// hasKey reports whether the settings have what sealed files are sealed with.
func (s *setup) hasKey() bool {
	keys := append(config.SecretKeys(config.KeyStorageKey), config.SecretKeys(config.KeyClientSecret)...)
	for _, key := range keys {
		if text, _ := s.file.Get(s.profile, key); text != "" {
			return true
		}
	}
	return s.env.Getenv("OKAUTH_CLIENT_SECRET") != "" || s.env.Getenv("OKAUTH_STORAGE_KEY") != ""
}

// writeKey writes the new key of sealed files, unless there is one of an earlier profile.
func (s *setup) writeKey() error {
	if s.keyFile == "" {
		return nil
	}
	return sealed.CreateKeyFile(s.keyFile)
}
