package output

import (
	"io"
	"time"
)

// Status describes the settings, the store and its sessions. It holds no secret.
type Status struct {
	Command                string    // what prints a token
	Profile, ProfileSource string    // "dev", and where that was set: "flag --profile"
	Profiles               []string  // all profiles of the configuration
	ConfigFile             string    // path, or ""
	Ready                  bool      // whether Command prints a token without asking
	Next                   string    // what it does: "cached", "refresh", "sign_in", "ask" or "fail"
	ExpiresAt              time.Time // expiry of the token that is "cached"; zero if unknown
	Reason                 string    // why it asks or fails; empty if Ready
	NotSetUp               bool      // it fails because a required setting is missing, which Reason names
	Storage                StatusStorage
	Settings               []StatusSetting
	Sessions               []StatusSession // in the order to be shown
}

// StatusStorage describes the place of the sessions.
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
	Thumbprint                          string // of the key that the tokens are bound to (DPoP); "": bearer tokens
	Revision                            uint64
	Tokens                              []StatusTokens
	Refresh                             *StatusRefresh // nil: no refresh token
}

// StatusTokens are the tokens for one set of scopes.
type StatusTokens struct {
	Requested, Granted []string
	Exchange           string          // what an exchanged token is for: "audience api://orders"; "" for others
	Access, ID         *StatusLifetime // nil: no such token
}

// StatusLifetime is from when until when a token is valid, by the clock of this machine.
type StatusLifetime struct {
	From, Until time.Time
	Left        time.Duration // 0 or less: expired, or the clock ran backwards
}

// StatusRefresh describes a refresh token.
type StatusRefresh struct {
	Scopes     []string
	ObtainedAt time.Time
	Rotates    *bool     // whether each use replaces it; nil: unknown
	ExpiresAt  time.Time // zero: Okta does not say
}

// WriteStatusJSON writes s as one line of JSON. Its names and their order are a promise; unknown values are null, and a
// list never is. Numbers of seconds count from now.
func WriteStatusJSON(w io.Writer, s Status, now time.Time) error {
	return JSON(w, object{
		{"ready", s.Ready},
		{"next", s.Next},
		{"reason", s.Reason},
		{"expires_at", s.ExpiresAt},
		{"expires_in", secondsUntil(s.ExpiresAt, now)},
		{"profile", s.Profile},
		{"profile_source", s.ProfileSource},
		{"profiles", s.Profiles},
		{"config", s.ConfigFile},
		{"storage", object{
			{"setting", s.Storage.Setting},
			{"source", s.Storage.Source},
			{"backend", s.Storage.Backend},
			{"why", s.Storage.Reason},
			{"where", s.Storage.Location},
			{"locks", s.Storage.LockDir},
			{"ok", s.Storage.OK},
			{"problem", s.Storage.Problem},
			{"hint", s.Storage.Hint},
		}},
		{"sessions", append([]StatusSession{}, s.Sessions...)},
		{"settings", append([]StatusSetting{}, s.Settings...)},
	})
}

// MarshalJSON returns a member of "settings".
func (s StatusSetting) MarshalJSON() ([]byte, error) {
	return object{{"key", s.Key}, {"value", s.Value}, {"source", s.Source}}.MarshalJSON()
}

// MarshalJSON returns a member of "sessions".
func (s StatusSession) MarshalJSON() ([]byte, error) {
	revision := &s.Revision
	if s.Problem != "" {
		revision = nil
	}
	return object{
		{"account", s.Account},
		{"current", s.Current},
		{"problem", s.Problem},
		{"hint", s.Hint},
		{"profile", s.Profile},
		{"issuer", s.Issuer},
		{"client_id", s.ClientID},
		{"username", s.Username},
		{"dpop_jkt", s.Thumbprint}, // as RFC 9449 §10 calls it
		{"revision", revision},
		{"tokens", append([]StatusTokens{}, s.Tokens...)},
		{"refresh", s.Refresh},
	}.MarshalJSON()
}

// MarshalJSON returns a member of "tokens".
func (t StatusTokens) MarshalJSON() ([]byte, error) {
	return object{
		{"requested", t.Requested}, {"granted", t.Granted}, {"access", t.Access}, {"id", t.ID},
		{"exchange", t.Exchange},
	}.MarshalJSON()
}

// MarshalJSON returns the member "access" or "id".
func (l StatusLifetime) MarshalJSON() ([]byte, error) {
	return object{
		{"from", l.From}, {"expires_at", l.Until}, {"expires_in", wholeSeconds(l.Left)},
	}.MarshalJSON()
}

// MarshalJSON returns the member "refresh".
func (r StatusRefresh) MarshalJSON() ([]byte, error) {
	return object{
		{"scopes", r.Scopes}, {"obtained_at", r.ObtainedAt}, {"rotates", r.Rotates}, {"expires_at", r.ExpiresAt},
	}.MarshalJSON()
}
