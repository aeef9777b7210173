package cli

// What several commands show of the settings and the store.

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"strings"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/output"
	"okauth/pkg/store"
	"okauth/pkg/store/keychain"
)

// ConnectionKeys returns the settings of the connection to Okta and of client authentication.
func ConnectionKeys() []string {
	keys := append(config.SecretKeys(config.KeyClientSecret), config.SecretKeys(config.KeyPrivateKey)...)
	return append(keys, config.KeyClientAuth, config.KeyPrivateKeyID,
		config.KeyCAFile, config.KeyClientCert, config.KeyClientKey)
}

// SignInKeys returns the settings of a sign-in: those of the connection, and the secrets of the grants.
func SignInKeys() []string {
	keys := append(ConnectionKeys(), config.KeyFactor, config.KeyRedirectURI, config.KeyACRValues)
	for _, g := range grant.All() {
		if g.Secret != "" {
			keys = append(keys, config.SecretKeys(g.Secret)...)
		}
	}
	return keys
}

// KeychainSecret returns the value and the source to show for what the keychain has for a setting: the client secret,
// or the private key.
func KeychainSecret(ctx context.Context, client *okauth.Client, setting string) (value, source string) {
	if client.Settings().Require(config.KeyDomain, config.KeyClientID) != nil {
		return "", "not set"
	}
	var err error
	if setting == config.KeyPrivateKey {
		keys, account := client.KeychainKey(false)
		var key store.ClientKey
		if key, err = keys.Load(ctx, account); err == nil && !key.Next.IsZero() {
			return config.Redacted, "keychain, and a new key that Okta has not accepted yet"
		}
	} else {
		secrets, account := client.KeychainSecret(false)
		_, err = secrets.Load(ctx, account)
	}
	if err == nil {
		return config.Redacted, "keychain"
	}
	if e, ok := errors.AsType[*store.Error](err); ok {
		return "", unreadable + string(e.Kind)
	}
	return "", "not set"
}

const unreadable = "not set; keychain "

// SettingsStatus returns all settings, the client secret and the private key of the keychain among them.
func SettingsStatus(ctx context.Context, client *okauth.Client) []output.StatusSetting {
	var all []output.StatusSetting
	failed := "" // what the keychain said; it is not asked again
	for _, s := range client.Settings().List() {
		row := output.StatusSetting{Key: s.Key, Value: s.Value, Source: s.Source.String()}
		if s.Value == "" && s.Source.Kind > config.FromDefault {
			row.Source += " (set but empty)"
		}
		inKeychain := s.Key == config.KeyClientSecret || s.Key == config.KeyPrivateKey
		switch {
		case !inKeychain || !client.Settings().Secret(s.Key).IsZero():
		case failed != "":
			row.Source = failed
		default:
			row.Value, row.Source = KeychainSecret(ctx, client, s.Key)
			if strings.HasPrefix(row.Source, unreadable) {
				failed = row.Source
			}
		}
		all = append(all, row)
	}
	return all
}

// ShortSource returns the source of a setting in a list that names the configuration file once: "file" for that.
func ShortSource(settings *config.Settings, source string) string {
	if rest, ok := strings.CutPrefix(source, settings.ConfigPath()); ok && settings.ConfigPath() != "" {
		return "file" + rest
	}
	return source
}

// StorageStatus returns where sessions are kept.
func StorageStatus(settings *config.Settings, storage okauth.Storage) output.StatusStorage {
	s := output.StatusStorage{
		Setting: settings.Storage(), Source: settings.Source(config.KeyStorage).String(),
		Backend: storage.Backend, OK: true, Location: storage.Location, LockDir: storage.LockDir,
	}
	if storage.Backend == okauth.StorageKeychain {
		s.Location = "in this process"
		if _, ok := storage.Items.(*keychain.Keychain); ok {
			names := map[string]string{"darwin": "Keychain", "windows": "Credential Manager"}
			s.Location = cmp.Or(names[runtime.GOOS], "Secret Service")
		}
	}
	return s
}
