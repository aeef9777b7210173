package output

import (
	"io"
	"time"
)

// Status is what is known of the settings, the store and its sessions. It holds no secret.
type Status struct {
	Command                string    // what prints a token: "okauth token"
	Profile, ProfileSource string    // "dev", and where that was set: "flag --profile"
	Profiles               []string  // all profiles of the configuration
	ConfigFile             string    // path, or ""
	Ready                  bool      // whether Command prints a token without asking
	Next                   string    // what it does: "cached", "refresh", "sign_in", "ask" or "fail"
	ExpiresAt              time.Time // expiry of the token that is "cached"; zero if unknown
	Reason                 string    // why it asks or fails; empty if Ready
	Storage                StatusStorage
	Settings               []StatusSetting
	Sessions               []StatusSession // in the order to be shown
}

// StatusStorage is where sessions are stored.
type StatusStorage struct {
	Setting, Source string // the value of the setting storage, and where it was set
	Backend         string // what that means here: "keychain", "file" or "none"
	Reason          string // why: "auto: there is a keychain"
	Location        string // "Secret Service", or the directory of the sealed files; empty for "none"
	LockDir         string // empty for "none"
	OK              bool
	Problem, Hint   string // empty if OK
}

// StatusSetting is one setting. The value of a secret is redacted; the value is empty if it is not set.
type StatusSetting struct{ Key, Value, Source string }

// StatusSession is one stored session.
type StatusSession struct {
	Account                             string
	Profile, Issuer, ClientID, Username string
	Current                             bool   // whether the settings mean this one
	Problem, Hint                       string // why it cannot be read; only Account and Current are known then
	Generation                          uint64
	Tokens                              []StatusTokens
	Refresh                             *StatusRefresh // nil: no refresh token
}

// StatusTokens are the tokens for one set of scopes.
type StatusTokens struct {
	Requested, Granted []string
	Access, ID         *StatusLifetime // nil: no such token
}

// StatusLifetime is from when until when a token is valid, by the clock of this machine.
type StatusLifetime struct {
	From, Until time.Time
	Left        time.Duration // 0 or less: expired, or the clock ran backwards
}

// StatusRefresh is what is known of a refresh token.
type StatusRefresh struct {
	Scopes     []string
	ObtainedAt time.Time
	Rotates    *bool     // whether each use replaces it; nil: unknown
	ExpiresAt  time.Time // zero: Okta does not say
}

// WriteStatusJSON writes s as one line of JSON, with one Write call. Its names and their order are a promise; unknown
// values are null, and a list never is. Numbers of seconds count from now. The error is that of the write.
func WriteStatusJSON(w io.Writer, s Status, now time.Time) error {
	sessions, settings := []object{}, []object{}
	for _, one := range s.Sessions {
		sessions = append(sessions, one.object())
	}
	for _, one := range s.Settings {
		settings = append(settings, object{{"key", one.Key}, {"value", orNull(one.Value)}, {"source", one.Source}})
	}
	return JSON(w, object{
		{"ready", s.Ready},
		{"next", s.Next},
		{"reason", orNull(s.Reason)},
		{"expires_at", timeOrNull(s.ExpiresAt)},
		{"expires_in", secondsUntil(s.ExpiresAt, now)},
		{"profile", s.Profile},
		{"profile_source", orNull(s.ProfileSource)},
		{"profiles", list(s.Profiles)},
		{"config", orNull(s.ConfigFile)},
		{"storage", object{
			{"setting", s.Storage.Setting},
			{"source", orNull(s.Storage.Source)},
			{"backend", s.Storage.Backend},
			{"why", orNull(s.Storage.Reason)},
			{"where", orNull(s.Storage.Location)},
			{"locks", orNull(s.Storage.LockDir)},
			{"ok", s.Storage.OK},
			{"problem", orNull(s.Storage.Problem)},
			{"hint", orNull(s.Storage.Hint)},
		}},
		{"sessions", sessions},
		{"settings", settings},
	})
}

func (s StatusSession) object() object {
	var generation, refresh any
	if s.Problem == "" {
		generation = s.Generation
	}
	if r := s.Refresh; r != nil {
		refresh = object{
			{"scopes", list(r.Scopes)}, {"obtained_at", timeOrNull(r.ObtainedAt)},
			{"rotates", r.Rotates}, {"expires_at", timeOrNull(r.ExpiresAt)},
		}
	}
	tokens := []object{}
	for _, t := range s.Tokens {
		tokens = append(tokens, object{
			{"requested", list(t.Requested)}, {"granted", list(t.Granted)},
			{"access", t.Access.orNull()}, {"id", t.ID.orNull()},
		})
	}
	return object{
		{"account", s.Account},
		{"current", s.Current},
		{"problem", orNull(s.Problem)},
		{"hint", orNull(s.Hint)},
		{"profile", orNull(s.Profile)},
		{"issuer", orNull(s.Issuer)},
		{"client_id", orNull(s.ClientID)},
		{"username", orNull(s.Username)},
		{"generation", generation},
		{"tokens", tokens},
		{"refresh", refresh},
	}
}

func (l *StatusLifetime) orNull() any {
	if l == nil {
		return nil
	}
	return object{{"from", timeOrNull(l.From)}, {"expires_at", timeOrNull(l.Until)}, {"expires_in", wholeSeconds(l.Left)}}
}

// list returns texts, but an empty list for nil, which would be null.
func list(texts []string) []string { return append([]string{}, texts...) }
