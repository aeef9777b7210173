package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Settings is everything known before a request is made, each value with its
// source. What is in it has been checked, but for secrets, of which it holds
// the promise only: printing it shows none.
type Settings struct {
	o             Options
	path          string
	profile       string
	profileSource Source
	names         []string
	file          map[string]string // the chosen profile

	values  map[string]found
	secrets map[string]SecretRef // by the name of the setting that would hold it
	domain  Domain
	server  string
}

// found is the text of a setting and where it was found.
type found struct {
	text string
	from Source
}

// Setting is one line of `config list`. Value is empty where the setting is
// not set, and Dots where it is a secret.
type Setting struct {
	Key    string
	Value  string
	Source Source
	Secret bool
}

// resolve looks every setting up, strongest layer first, and checks it.
func (s *Settings) resolve() error {
	for name := range s.o.Flags {
		if err := checkFlag(name); err != nil {
			return err
		}
	}
	s.values, s.secrets = make(map[string]found), make(map[string]SecretRef)
	for _, k := range table() {
		f := s.find(k)
		// A secret is checked when it is read: from a file or a command it
		// could not be checked here either. Only its source is kept.
		if k.Secret && f.text != "" {
			f.text = Redacted
		}
		s.values[k.Name] = f
		if f.from.Kind > FromDefault && !k.Secret {
			if err := k.Check(f.text); err != nil {
				return at(err, f.from)
			}
		}
	}
	// openid is about a user: Okta refuses it to a client that signs in for
	// itself, and gives it the server's default scopes where none are named.
	// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
	if s.Grant() == GrantClientCredentials && s.values[KeyScopes].from.Kind == FromDefault {
		s.values[KeyScopes] = found{}
	}
	if err := s.resolveServer(); err != nil {
		return err
	}
	// Okta makes this server, with this audience, in every organisation; those
	// that people make have one of their choice.
	// https://developer.okta.com/docs/concepts/auth-servers/#default-custom-authorization-server
	if s.values[KeyAudience].from.Kind == Unset && s.server == "default" {
		s.values[KeyAudience] = found{"api://default", Source{Kind: FromDefault}}
	}
	return s.resolveSecrets()
}

func (s *Settings) resolveSecrets() error {
	for _, k := range table() {
		if !k.Secret {
			continue
		}
		secret, err := s.findSecret(k)
		if err != nil {
			return err
		}
		s.secrets[k.Name] = secret
		delete(s.file, k.Name) // its promise has it
	}
	return nil
}

func checkFlag(name string) error {
	k, err := FindKey(name)
	if err == nil && k.Flag == "" {
		err = &Error{Key: name, Reason: "a secret is never taken from a flag, which other users could see in the process list"}
	}
	return err
}

// find returns the strongest value of a setting.
func (s *Settings) find(k Key) found {
	if text, ok := s.o.Flags[k.Name]; ok {
		return found{text, Source{FromFlag, k.Flag}}
	}
	for _, name := range k.Env {
		if text, ok := s.o.env(name); ok {
			return found{text, Source{FromEnv, name}}
		}
	}
	if text := s.file[k.Name]; text != "" {
		return found{text, Source{FromFile, s.path}}
	}
	if k.Default != "" {
		return found{k.Default, Source{Kind: FromDefault}}
	}
	return found{}
}

const envIssuer = "OKTA_OAUTH2_ISSUER"

// resolveServer settles which authorization server is meant, where both the
// domain and the server may say so: the stronger layer wins, and two answers
// in one layer are an error.
func (s *Settings) resolveServer() error {
	domain := s.values[KeyDomain]
	if domain.from.Kind > Unset {
		var err error
		if s.domain, err = ParseDomain(domain.text); err != nil {
			return at(err, domain.from)
		}
	}
	implied := found{s.domain.Server, domain.from}
	// Okta's own variable names the issuer as a whole: one without a path is
	// the org server. It speaks only for the domain it names.
	if issuer, ok := s.o.env(envIssuer); ok && implied.text == "" {
		if d, err := ParseDomain(issuer); err == nil && d.BaseURL == s.domain.BaseURL {
			implied = found{d.Server, Source{FromEnv, envIssuer}}
			if d.Server == "" {
				implied.text = OrgServer
			}
		}
	}
	explicit := s.values[KeyServer]
	own, err := ParseServer(explicit.text)
	if err != nil {
		return at(err, explicit.from)
	}
	s.server = own
	switch {
	case implied.text == "" || implied.text == own || implied.from.Kind < explicit.from.Kind || implied.from.Name == envIssuer && explicit.from.Kind == FromEnv:
		return nil
	case implied.from.Kind == explicit.from.Kind:
		return serverConflict(implied, explicit)
	}
	s.server, s.values[KeyServer] = implied.text, implied
	return nil
}

func serverConflict(implied, explicit found) error {
	return &Error{Key: KeyServer, Source: explicit.from,
		Reason: fmt.Sprintf("it says %q and the domain from %s says %q", explicit.text, implied.from, implied.text),
		Next:   "name the authorization server in one of the two only"}
}

// ProfileName returns the name of the profile in use.
func (s *Settings) ProfileName() string { return s.profile }

// ProfileSource returns who named the profile.
func (s *Settings) ProfileSource() Source { return s.profileSource }

// ConfigPath returns the configuration file, which may not exist; empty where
// there is no place for one.
func (s *Settings) ConfigPath() string { return s.path }

// Profiles returns the names of the profiles in the file, sorted.
func (s *Settings) Profiles() []string { return s.names }

// Domain returns the base URL "https://host[:port]", empty if not set. The
// server it may carry is in Server.
func (s *Settings) Domain() string { return s.domain.BaseURL }

// Server returns the id of the authorization server, "org" for the org server.
func (s *Settings) Server() string { return s.server }

// ClientID returns the client id, empty if not set.
func (s *Settings) ClientID() string { return s.values[KeyClientID].text }

// Grant returns how to sign in: GrantPassword or GrantClientCredentials.
func (s *Settings) Grant() string { return s.values[KeyGrant].text }

// Username returns who signs in, empty if not set. With GrantClientCredentials
// it is empty whatever is set: nobody signs in but the client.
func (s *Settings) Username() string {
	if s.Grant() == GrantClientCredentials {
		return ""
	}
	return s.values[KeyUsername].text
}

// Storage returns "auto", "keychain", "file" or "none".
func (s *Settings) Storage() string { return s.values[KeyStorage].text }

// Scopes returns the scopes to ask for, without repetitions. There is at least
// one, but with GrantClientCredentials: none is then what no setting names, and
// means those that the server gives by default.
func (s *Settings) Scopes() []string {
	scopes, _ := ParseScopes(s.values[KeyScopes].text)
	return scopes
}

// Audience returns what the aud of an access token must be. Where no setting
// says it, it is "api://default" for the server "default", and empty for others.
func (s *Settings) Audience() string { return s.values[KeyAudience].text }

// Timeout returns the longest time that one request may take.
func (s *Settings) Timeout() time.Duration { return s.duration(KeyTimeout) }

// MinTTL returns how long a token must still live to be handed out.
func (s *Settings) MinTTL() time.Duration { return s.duration(KeyMinTTL) }

func (s *Settings) duration(name string) time.Duration {
	for _, k := range table() {
		if k.Name == name {
			d, _ := k.duration(s.values[name].text)
			return d
		}
	}
	return 0
}

// CAFile returns the PEM file to add to the system's roots, empty if not set.
// A leading ~/ is the home directory, and a relative path in the file is
// relative to the file.
func (s *Settings) CAFile() string { return s.pathOf(s.values[KeyCAFile]) }

// ClientCert and ClientKey return the PEM files of the certificate that okauth
// shows to the server and of its private key, resolved as in CAFile, each empty
// if not set. Neither says that the other is set, nor that the file is there.
func (s *Settings) ClientCert() string { return s.pathOf(s.values[KeyClientCert]) }

// ClientKey is described at ClientCert.
func (s *Settings) ClientKey() string { return s.pathOf(s.values[KeyClientKey]) }

// StorageDir returns the directory of the sealed files of storage "file", which
// may not exist: the setting storage_dir, resolved as in CAFile, else the place
// where the system keeps such things of the user's. The error, an *Error, means
// that there is no such place; setting storage_dir makes one.
func (s *Settings) StorageDir() (string, error) {
	f := s.values[KeyStorageDir]
	path := s.pathOf(f)
	switch {
	case path == "":
		return stateDir(runtime.GOOS, s.o.env)
	case strings.HasPrefix(path, "~/"): // it would be made, where okauth was started
		return "", &Error{Key: KeyStorageDir, Source: f.from, Reason: "the home directory is unknown", Next: "write storage_dir without the ~, or set HOME"}
	case !filepath.IsAbs(path):
		return "", &Error{Key: KeyStorageDir, Source: f.from, Reason: shown(path) + " is not absolute", Next: "begin it with /, or with ~/"}
	}
	return path, nil
}

// ClientSecret returns the promise of the client secret; the zero Secret where
// no setting has one, which means the keychain, or a public client.
func (s *Settings) ClientSecret() SecretRef { return s.secrets[KeyClientSecret] }

// Password returns the promise of the password; the zero Secret where it has
// to be asked for. GrantClientCredentials has no use for it.
func (s *Settings) Password() SecretRef { return s.secrets[KeyPassword] }

// StorageKey returns the promise of the text of the key that seals storage
// "file"; the zero Secret where no setting has one. Package store reads the
// text, which has been checked here for control characters only.
func (s *Settings) StorageKey() SecretRef { return s.secrets[KeyStorageKey] }

// Secret returns where the secret of that name is: "password", "client_secret" or "storage_key". The zero SecretRef
// stands for a secret that no setting has, and for an unknown name.
func (s *Settings) Secret(name string) SecretRef { return s.secrets[name] }

// Source returns where a setting came from.
func (s *Settings) Source(key string) Source { return s.values[key].from }

// Require returns an *Error for the first of the settings that is not set: what
// it is, which variable and which command would set it.
func (s *Settings) Require(keys ...string) error {
	for _, name := range keys {
		if s.values[name].from.Kind > Unset {
			continue
		}
		k, err := FindKey(name)
		if err != nil {
			return err
		}
		missing := &Error{Key: name, Reason: fmt.Sprintf("it is not set (%s); profile %q", k.Help, s.profile),
			Next: fmt.Sprintf("run `okauth config init`, or `okauth config set %s …`, or set %s", name, k.Env[0])}
		if s.profileSource.Kind == FromDefault && len(s.names) > 0 && !slices.Contains(s.names, s.profile) {
			missing.Next = "choose a profile with --profile or `okauth config use`: " + someOf(s.names)
		}
		return missing
	}
	return nil
}

// List returns every setting in a fixed order, the environment-only secrets
// included.
func (s *Settings) List() []Setting {
	keys := table()
	list := make([]Setting, len(keys))
	for i, k := range keys {
		list[i] = s.setting(k)
	}
	return list
}

// Get returns one setting; the error is that of [FindKey].
func (s *Settings) Get(key string) (Setting, error) {
	k, err := FindKey(key)
	if err != nil {
		return Setting{}, err
	}
	return s.setting(k), nil
}

func (s *Settings) setting(k Key) Setting {
	f := s.values[k.Name]
	return Setting{Key: k.Name, Value: f.text, Source: f.from, Secret: k.Secret}
}

// pathOf makes a path absolute where only its layer knows what it is relative
// to. A path that cannot be resolved is returned as it is: opening it says why.
func (s *Settings) pathOf(f found) string {
	switch rest, home := strings.CutPrefix(f.text, "~/"); {
	case home:
		if dir, ok := s.o.env("HOME"); ok {
			return filepath.Join(dir, rest)
		}
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, rest)
		}
	case f.text != "" && f.from.Kind == FromFile && !filepath.IsAbs(f.text):
		return filepath.Join(filepath.Dir(s.path), f.text)
	}
	return f.text
}

// errTwice is the cause where one layer has a secret in two ways.
var errTwice = errors.New("expected one of them")
