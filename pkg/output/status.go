package output

import (
	"io"
	"time"
)

// Status is what "okauth status" knows. It holds no secret, so that no form of it can show one.
type Status struct {
	Profile, ProfileSource string    // "dev", and who chose it: "flag --profile"
	Profiles               []string  // all that the configuration has
	ConfigFile             string    // path; empty where there is none
	Ready                  bool      // the next "okauth token" needs nobody
	Next                   string    // what it will do: "cached", "refresh", "sign_in", "ask" or "fail"
	Until                  time.Time // until when the token is good that Next "cached" hands out; zero if unknown
	Reason                 string    // why it will ask or fail; empty when Ready
	Storage                StatusStorage
	Settings               []StatusSetting
	Sessions               []StatusSession // in the order in which they are to be shown
}

// StatusStorage is where sessions are kept.
type StatusStorage struct {
	Setting, Source string // what storage is set to, and by whom
	Backend         string // what is in force: "keychain", "file" or "none"
	Why             string // "auto: there is a keychain"
	Where           string // "Secret Service", or the directory of the sealed files; empty for "none"
	Locks           string // directory; empty where nothing is locked
	OK              bool
	Problem, Hint   string // empty when OK
}

// StatusSetting is one setting. The value of a secret is already redacted, and empty where nothing is set.
type StatusSetting struct{ Key, Value, Source string }

// StatusSession is one session that is kept.
type StatusSession struct {
	Account                             string
	Profile, Issuer, ClientID, Username string
	Current                             bool   // the one that the present settings mean
	Problem, Hint                       string // why it cannot be read and what to do; Account and Current are all else there is then
	Generation                          uint64
	Tokens                              []StatusTokens
	Refresh                             *StatusRefresh // nil: no refresh token
}

// StatusTokens are the tokens for one set of scopes.
type StatusTokens struct {
	Requested, Granted []string
	Access, ID         *StatusLife // nil: no such token
}

// StatusLife is from when until when a token is good, by the clock of this machine.
type StatusLife struct {
	From, Until time.Time
	Left        time.Duration // 0 or less: expired, or the clock has run backwards
}

// StatusRefresh is what is known of a refresh token.
type StatusRefresh struct {
	Scopes     []string
	ObtainedAt time.Time
	Rotates    string    // "yes", "no" or "unknown"
	ExpiresAt  time.Time // zero: Okta does not say
}

// The documents of "status -o json". Names and order are a promise; what is unknown is null, and a list never is.
type (
	statusJSON struct {
		Ready         bool                `json:"ready"`
		Next          string              `json:"next"` // cached, refresh, sign_in, ask or fail
		Reason        *string             `json:"reason"`
		ExpiresAt     *string             `json:"expires_at"` // of the token that cached hands out: RFC 3339, UTC
		ExpiresIn     *int64              `json:"expires_in"` // whole seconds from now
		Profile       string              `json:"profile"`
		ProfileSource *string             `json:"profile_source"`
		Profiles      []string            `json:"profiles"`
		Config        *string             `json:"config"` // path, under the name that "config list" gives it
		Storage       statusStorageJSON   `json:"storage"`
		Sessions      []statusSessionJSON `json:"sessions"`
		Settings      []statusSettingJSON `json:"settings"`
	}
	statusStorageJSON struct {
		Setting string  `json:"setting"` // auto, keychain, file or none
		Source  *string `json:"source"`
		Backend string  `json:"backend"` // keychain, file or none
		Why     *string `json:"why"`
		Where   *string `json:"where"`
		Locks   *string `json:"locks"`
		OK      bool    `json:"ok"`
		Problem *string `json:"problem"`
		Hint    *string `json:"hint"`
	}
	statusSessionJSON struct {
		Account    string             `json:"account"`
		Current    bool               `json:"current"`
		Problem    *string            `json:"problem"`
		Hint       *string            `json:"hint"`
		Profile    *string            `json:"profile"`
		Issuer     *string            `json:"issuer"`
		ClientID   *string            `json:"client_id"`
		Username   *string            `json:"username"`
		Generation *uint64            `json:"generation"`
		Tokens     []statusTokensJSON `json:"tokens"`
		Refresh    *statusRefreshJSON `json:"refresh"`
	}
	statusTokensJSON struct {
		Requested []string        `json:"requested"`
		Granted   []string        `json:"granted"`
		Access    *statusLifeJSON `json:"access"`
		ID        *statusLifeJSON `json:"id"`
	}
	statusLifeJSON struct {
		From      *string `json:"from"`
		ExpiresAt *string `json:"expires_at"`
		ExpiresIn int64   `json:"expires_in"` // 0 once the token is no good
	}
	statusRefreshJSON struct {
		Scopes     []string `json:"scopes"`
		ObtainedAt *string  `json:"obtained_at"`
		Rotates    *bool    `json:"rotates"`
		ExpiresAt  *string  `json:"expires_at"`
	}
	statusSettingJSON struct {
		Key    string  `json:"key"`
		Value  *string `json:"value"` // dots for a secret
		Source string  `json:"source"`
	}
)

// WriteStatusJSON writes s as one line of JSON, with one Write call; now is what expires_in of the next token is counted from.
// The error is that of the write.
func WriteStatusJSON(w io.Writer, s Status, now time.Time) error {
	doc := statusJSON{
		Ready: s.Ready, Next: s.Next, Reason: known(s.Reason), ExpiresAt: knownTime(s.Until),
		Profile: s.Profile, ProfileSource: known(s.ProfileSource), Config: known(s.ConfigFile),
		Profiles: list(s.Profiles),
		Storage: statusStorageJSON{
			Setting: s.Storage.Setting, Source: known(s.Storage.Source), Backend: s.Storage.Backend, Why: known(s.Storage.Why),
			Where: known(s.Storage.Where), Locks: known(s.Storage.Locks),
			OK: s.Storage.OK, Problem: known(s.Storage.Problem), Hint: known(s.Storage.Hint),
		},
		Sessions: []statusSessionJSON{}, Settings: []statusSettingJSON{},
	}
	if !s.Until.IsZero() {
		left := wholeSeconds(s.Until.Sub(now))
		doc.ExpiresIn = &left
	}
	for _, one := range s.Sessions {
		doc.Sessions = append(doc.Sessions, sessionJSON(one))
	}
	for _, one := range s.Settings {
		doc.Settings = append(doc.Settings, statusSettingJSON{one.Key, known(one.Value), one.Source})
	}
	return JSON(w, doc)
}

func sessionJSON(s StatusSession) statusSessionJSON {
	doc := statusSessionJSON{
		Account: s.Account, Current: s.Current, Problem: known(s.Problem), Hint: known(s.Hint),
		Profile: known(s.Profile), Issuer: known(s.Issuer), ClientID: known(s.ClientID), Username: known(s.Username),
		Tokens: []statusTokensJSON{},
	}
	if s.Problem == "" {
		doc.Generation = &s.Generation
	}
	for _, t := range s.Tokens {
		doc.Tokens = append(doc.Tokens, statusTokensJSON{list(t.Requested), list(t.Granted), lifeJSON(t.Access), lifeJSON(t.ID)})
	}
	if r := s.Refresh; r != nil {
		doc.Refresh = &statusRefreshJSON{
			Scopes: list(r.Scopes), ObtainedAt: knownTime(r.ObtainedAt), ExpiresAt: knownTime(r.ExpiresAt),
		}
		if r.Rotates == "yes" || r.Rotates == "no" {
			rotates := r.Rotates == "yes"
			doc.Refresh.Rotates = &rotates
		}
	}
	return doc
}

func lifeJSON(l *StatusLife) *statusLifeJSON {
	if l == nil {
		return nil
	}
	return &statusLifeJSON{knownTime(l.From), knownTime(l.Until), wholeSeconds(l.Left)}
}

// list makes an empty list of a nil one, which would be null.
func list(texts []string) []string { return append([]string{}, texts...) }
