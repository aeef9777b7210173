package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Settings are the settings of one profile, each with its source. All values but secrets have been checked. Secrets are
// in it as [SecretRef] only.
type Settings struct {
	options       Options
	path          string
	profile       string
	profileSource Source
	profiles      []string
	file          map[string]string // the profile in the file

	values  map[string]value
	secrets map[string]SecretRef
	inURL   func() value // the password that the variable of storage_url has; nil: none. A value would be printed
	domain  Domain
	server  string
}

// value is the text of a setting and where it comes from.
type value struct {
	text   string
	source Source
}

// Setting is a setting with its value: "" if it is not set, [Redacted] if it is a secret.
type Setting struct {
	Key    string
	Value  string
	Source Source
	Secret bool
}

// resolve finds and checks every setting.
func (s *Settings) resolve() error {
	for name := range s.options.Flags {
		k, err := FindKey(name)
		if err == nil && k.Type == Secret {
			err = &Error{Key: name, Reason: "a secret must not be a flag, which other users see in the process list"}
		}
		if err != nil {
			return err
		}
	}
	s.values, s.secrets = make(map[string]value), make(map[string]SecretRef)
	for _, k := range table() {
		v := s.find(k)
		if k.Name == KeyStorageURL && v.source.Kind == FromEnv {
			v.text, s.inURL = splitPassword(v)
		}
		if k.Type == Secret {
			var err error
			if s.secrets[k.Name], err = s.findSecret(k); err != nil {
				return err
			}
			if v.text != "" {
				v.text = Redacted // its SecretRef has it, and checks it when it is read
			} else if s.secrets[k.Name].fromURL() {
				v = value{Redacted, s.secrets[k.Name].Source}
			} else if name := s.options.withheld(k); name != "" && v.source.Kind < FromFile {
				v = value{Redacted, Source{FromEnv, name + ", withheld"}}
			}
			delete(s.file, k.Name)
		} else if v.source.Kind > FromDefault && (v.text != "" || k.secret == "") {
			if err := k.Check(v.text); err != nil {
				return withSource(err, v.source)
			}
		}
		s.values[k.Name] = v
	}
	if s.values[KeyScopes].source.Kind == FromDefault {
		s.setDefault(KeyScopes, s.grant().DefaultScopes)
	}
	if err := s.resolveServer(); err != nil {
		return err
	}
	// Every org has this server with this audience; servers that its administrators make have an audience of their
	// choice. https://developer.okta.com/docs/concepts/auth-servers/#default-custom-authorization-server
	if s.values[KeyAudience].source.Kind == Unset && s.server == "default" {
		s.setDefault(KeyAudience, "api://default")
	}
	return nil
}

func (s *Settings) setDefault(key, text string) {
	s.values[key] = value{}
	if text != "" {
		s.values[key] = value{text, Source{Kind: FromDefault}}
	}
}

// find returns the value of a setting from the strongest layer that has it, without one line break at its end. A
// variable or an entry of the file that is empty counts as not set, except for a secret: there it is a mistake, and
// okauth must not send the password without the client secret, or another secret than was meant.
func (s *Settings) find(k Key) value {
	if text, ok := s.options.Flags[k.Name]; ok {
		return value{DropNewline(text), Source{FromFlag, s.options.FlagName(k.Name)}}
	}
	for _, name := range k.Env {
		text, ok := s.options.LookupEnv(name)
		if text = DropNewline(text); ok && (text != "" || k.secret != "") {
			return value{text, Source{FromEnv, name}}
		}
	}
	if text, ok := s.file[k.Name]; ok && (text != "" || k.secret != "") {
		return value{DropNewline(text), Source{FromFile, s.path}}
	}
	if k.Default != "" {
		return value{k.Default, Source{Kind: FromDefault}}
	}
	return value{}
}

// resolveServer decides which authorization server is meant. Both the domain and the server may say it: the stronger
// layer wins, and two answers in one layer are an error.
func (s *Settings) resolveServer() error {
	domain, explicit := s.values[KeyDomain], s.values[KeyServer]
	if domain.source.Kind > Unset {
		var err error
		if s.domain, err = ParseDomain(domain.text); err != nil {
			return withSource(err, domain.source)
		}
	}
	server, err := ParseServer(explicit.text)
	if err != nil {
		return withSource(err, explicit.source)
	}
	s.server = server
	implied := s.impliedServer(domain)
	switch {
	case implied.text == "" || implied.text == server || implied.source.Kind < explicit.source.Kind:
		return nil
	case implied.source.Name == envIssuer && explicit.source.Kind == FromEnv: // okauth's own variable is stronger
		return nil
	case implied.source.Kind == explicit.source.Kind:
		return &Error{Kind: Conflict, Key: KeyServer, Other: KeyDomain, Source: explicit.source,
			Reason: fmt.Sprintf("it says %q and the domain from %s says %q", explicit.text, implied.source,
				implied.text)}
	}
	s.server, s.values[KeyServer] = implied.text, implied
	return nil
}

// impliedServer returns the authorization server that the domain names, or Okta's variable for the issuer if it is
// about the same domain. An issuer without a path is that of the org server.
func (s *Settings) impliedServer(domain value) value {
	if s.domain.Server != "" {
		return value{s.domain.Server, domain.source}
	}
	base, server, err := ParseIssuer(s.options.env(envIssuer))
	if err != nil || base != s.domain.BaseURL {
		return value{}
	}
	return value{server, Source{FromEnv, envIssuer}}
}

// ProfileName returns the name of the profile in use.
func (s *Settings) ProfileName() string { return s.profile }

// ProfileSource returns what named the profile.
func (s *Settings) ProfileSource() Source { return s.profileSource }

// ConfigPath returns the configuration file, which may not exist, or "" if there is no directory for one.
func (s *Settings) ConfigPath() string { return s.path }

// Profiles returns the names of the profiles in the file, sorted.
func (s *Settings) Profiles() []string { return s.profiles }

// Domain returns the org's address, "https://host[:port]", or "".
func (s *Settings) Domain() string { return s.domain.BaseURL }

// Server returns the id of the authorization server, or OrgServer.
func (s *Settings) Server() string { return s.server }

// ClientID returns the client id, or "".
func (s *Settings) ClientID() string { return s.values[KeyClientID].text }

// ClientAuth returns the name of the client's authentication method, or "": what it has decides.
func (s *Settings) ClientAuth() string { return s.values[KeyClientAuth].text }

// PrivateKeyID returns the kid of a private key that has none in it, or "".
func (s *Settings) PrivateKeyID() string { return s.values[KeyPrivateKeyID].text }

// Grant returns the name of the grant to sign in with.
func (s *Settings) Grant() string { return s.grant().Name }

func (s *Settings) grant() Grant {
	grants := Grants()
	return grants[slices.IndexFunc(grants, func(g Grant) bool { return g.Name == s.values[KeyGrant].text })]
}

// Username returns the user who signs in, or "": if it is not set, and if the grant has no user.
func (s *Settings) Username() string {
	if !s.grant().User {
		return ""
	}
	return s.values[KeyUsername].text
}

// Storage returns "auto", "keychain", "file", "redis" or "none".
func (s *Settings) Storage() string { return s.values[KeyStorage].text }

// StorageURL returns the URL of the server of storage "redis", without a password, or "".
func (s *Settings) StorageURL() string { return s.values[KeyStorageURL].text }

// Scopes returns the scopes to ask for, without repetitions. There are none if no setting names any and the grant
// leaves the choice to the server.
func (s *Settings) Scopes() []string {
	scopes, _ := ParseScopes(s.values[KeyScopes].text)
	return scopes
}

// Factor returns the second or only factor to use, or "".
func (s *Settings) Factor() string { return s.values[KeyFactor].text }

// RedirectURI returns where the browser comes back to.
func (s *Settings) RedirectURI() string { return s.values[KeyRedirectURI].text }

// ACRValues returns the levels of sign-in to ask for.
func (s *Settings) ACRValues() []string { return strings.Fields(s.values[KeyACRValues].text) }

// Audience returns what the aud of an access token must be, or "". The default is that of the server "default".
func (s *Settings) Audience() string { return s.values[KeyAudience].text }

// DPoP reports whether tokens are to be bound to a key.
func (s *Settings) DPoP() bool { return s.values[KeyDPoP].text == "true" }

// Timeout returns the longest time that one request may take.
func (s *Settings) Timeout() time.Duration { return s.duration(KeyTimeout) }

// MinTTL returns how long a token must stay valid to be handed out.
func (s *Settings) MinTTL() time.Duration { return s.duration(KeyMinTTL) }

func (s *Settings) duration(name string) time.Duration {
	d, _ := lookup(name).duration(s.values[name].text)
	return d
}

// File returns the path of the file that a setting such as KeyCAFile names, or "". A leading ~/ is the home directory.
// A relative path in the configuration file is relative to the file. A file that others can change is an *Error.
func (s *Settings) File(key string) (string, error) {
	path, err := s.resolvePath(key)
	if err != nil || path == "" {
		return "", err
	}
	if err := checkWriters(path, s.options.home()); err != nil {
		return "", locate(err, key, s.values[key].source)
	}
	return path, nil
}

// Secret returns where a secret is, such as that of KeyClientSecret or KeyPassword. It is zero if no setting says it.
func (s *Settings) Secret(key string) SecretRef { return s.secrets[key] }

// Source returns where a setting comes from.
func (s *Settings) Source(key string) Source { return s.values[key].source }

// Require returns an *Error of kind Missing for the first of the settings that is not set.
func (s *Settings) Require(keys ...string) error {
	for _, name := range keys {
		if s.values[name].source.Kind > Unset {
			continue
		}
		if variable := s.options.withheld(lookup(name)); variable != "" {
			return &Error{Kind: Withheld, Key: name, Source: Source{FromEnv, variable},
				Reason: "it is withheld from this process"}
		}
		missing := &Error{Kind: Missing, Key: name, Profile: s.profile,
			Reason: fmt.Sprintf("it is not set (%s); profile %q", lookup(name).Help, s.profile)}
		if s.profileSource.Kind == FromDefault && !slices.Contains(s.profiles, s.profile) {
			missing.Profiles = s.profiles
		}
		return missing
	}
	return nil
}

// List returns every setting in a fixed order.
func (s *Settings) List() []Setting {
	var list []Setting
	for _, k := range table() {
		v := s.values[k.Name]
		list = append(list, Setting{Key: k.Name, Value: v.text, Source: v.source, Secret: k.Type == Secret})
	}
	return list
}

// Get returns one setting. The error is that of [FindKey].
func (s *Settings) Get(key string) (Setting, error) {
	k, err := FindKey(key)
	if err != nil && !k.Keychain {
		return Setting{}, err
	}
	v := s.values[k.Name]
	return Setting{Key: k.Name, Value: v.text, Source: v.source, Secret: k.Type == Secret}, nil
}

// resolvePath returns the path of a setting, absolute if only its layer knows what it is relative to, or "". The error
// is an *Error.
func (s *Settings) resolvePath(key string) (string, error) {
	v := s.values[key]
	path, err := s.options.expand(v.text)
	if v.source.Kind == FromFile && path != "" && !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(s.path), path)
	}
	if err != nil {
		err = locate(err, key, v.source)
	}
	return path, err
}
