package config

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// ValueType says how the text of a setting is read.
type ValueType int

// The kinds of value.
const (
	Text ValueType = iota
	List
	Duration
	Enum
	Path
	Command
	Hidden // a secret: never shown, never in an error
)

// Key describes one setting.
type Key struct {
	Name    string   // as in the file
	Flag    string   // the flag that sets it, without dashes; empty: none
	Env     []string // environment variables, first one set wins
	Default string
	Kind    ValueType
	Choices []string // for Enum
	Help    string   // one line
	Secret  bool     // shown as dots
	EnvOnly bool     // never a key of the file
	Instead string   // for EnvOnly: what the user can do instead, one sentence

	least, most time.Duration // for Duration
	check       func(string) error
}

// Names of the settings, as in the file.
const (
	KeyDomain              = "domain"
	KeyServer              = "server"
	KeyClientID            = "client_id"
	KeyClientSecret        = "client_secret"
	KeyClientSecretFile    = "client_secret_file"
	KeyClientSecretCommand = "client_secret_command"
	KeyGrant               = "grant"
	KeyUsername            = "username"
	KeyPassword            = "password"
	KeyPasswordFile        = "password_file"
	KeyPasswordCommand     = "password_command"
	KeyScopes              = "scopes"
	KeyAudience            = "audience"
	KeyStorage             = "storage"
	KeyStorageDir          = "storage_dir"
	KeyStorageKey          = "storage_key"
	KeyStorageKeyFile      = "storage_key_file"
	KeyStorageKeyCommand   = "storage_key_command"
	KeyCAFile              = "ca_file"
	KeyClientCert          = "client_cert"
	KeyClientKey           = "client_key"
	KeyTimeout             = "timeout"
	KeyMinTTL              = "min_ttl"
)

// The values of the setting "grant". GrantPassword signs a user in with a
// password, GrantClientCredentials the client for itself, without a user.
const (
	GrantPassword          = "password"
	GrantClientCredentials = "client-credentials"
)

// Redacted stand for a secret wherever settings are shown.
const Redacted = "••••"

// Keys returns the settings a profile may hold, in the order they are shown. What
// their slices hold is everybody's, and not to be changed.
func Keys() []Key {
	return slices.DeleteFunc(slices.Clone(table()), func(k Key) bool { return k.EnvOnly })
}

// table is every setting, the environment-only ones included. It is made once: reading the settings asks for it a dozen times.
var table = sync.OnceValue(func() []Key {
	return []Key{
		{Name: KeyDomain, Flag: "domain", Env: []string{"OKAUTH_DOMAIN", "OKTA_CLIENT_ORGURL", "OKTA_OAUTH2_ISSUER"},
			Help: "the Okta organisation, such as dev-123456.okta.com", check: checkDomain},
		{Name: KeyServer, Flag: "server", Env: []string{"OKAUTH_SERVER"}, Default: "default",
			Help: "authorization server id; \"org\" is the org server", check: checkServer},
		{Name: KeyClientID, Flag: "client-id", Env: []string{"OKAUTH_CLIENT_ID", "OKTA_OAUTH2_CLIENT_ID", "OKTA_OAUTH2_CLIENTID"},
			Help: "client id of the Okta application", check: checkClientID},
		{Name: KeyClientSecret, Env: []string{"OKAUTH_CLIENT_SECRET", "OKTA_OAUTH2_CLIENT_SECRET", "OKTA_OAUTH2_CLIENTSECRET"},
			Kind: Hidden, Secret: true, Help: "client secret; kept in the keychain unless written here", check: checkClientSecret},
		{Name: KeyClientSecretFile, Flag: "client-secret-file", Env: []string{"OKAUTH_CLIENT_SECRET_FILE"}, Kind: Path,
			Help: "file that holds the client secret", check: checkLine},
		{Name: KeyClientSecretCommand, Flag: "client-secret-command", Env: []string{"OKAUTH_CLIENT_SECRET_COMMAND"}, Kind: Command,
			Help: "command whose first line is the client secret", check: checkLine},
		{Name: KeyGrant, Flag: "grant", Env: []string{"OKAUTH_GRANT"}, Default: GrantPassword, Kind: Enum,
			Choices: []string{GrantPassword, GrantClientCredentials}, Help: "who signs in: a user (password) or the client itself (client-credentials)"},
		{Name: KeyUsername, Flag: "username", Env: []string{"OKAUTH_USERNAME"},
			Help: "who signs in; asked when not set", check: checkLine},
		{Name: KeyPassword, Env: []string{"OKAUTH_PASSWORD"}, Kind: Hidden, Secret: true, EnvOnly: true,
			Help: "password, from the environment only", check: checkSecret,
			Instead: "set password_command or password_file, use --password-stdin, or set OKAUTH_PASSWORD for one run"},
		{Name: KeyPasswordFile, Flag: "password-file", Env: []string{"OKAUTH_PASSWORD_FILE"}, Kind: Path,
			Help: "file that holds the password", check: checkLine},
		{Name: KeyPasswordCommand, Flag: "password-command", Env: []string{"OKAUTH_PASSWORD_COMMAND"}, Kind: Command,
			Help: "command whose first line is the password", check: checkLine},
		{Name: KeyScopes, Flag: "scope", Env: []string{"OKAUTH_SCOPES"}, Default: "openid", Kind: List,
			Help: "scopes to ask for", check: checkScopes},
		{Name: KeyAudience, Flag: "audience", Env: []string{"OKAUTH_AUDIENCE", "OKTA_OAUTH2_AUDIENCE"},
			Help: "audience that an access token must be for, such as api://default", check: checkAudience},
		{Name: KeyStorage, Flag: "storage", Env: []string{"OKAUTH_STORAGE"}, Default: "auto", Kind: Enum,
			Choices: []string{"auto", "keychain", "file", "none"}, Help: "where sessions are kept: auto, keychain, file or none"},
		{Name: KeyStorageDir, Flag: "storage-dir", Env: []string{"OKAUTH_STORAGE_DIR"}, Kind: Path,
			Help: "directory of the sealed files of storage \"file\"", check: checkLine},
		{Name: KeyStorageKey, Env: []string{"OKAUTH_STORAGE_KEY"}, Kind: Hidden, Secret: true, EnvOnly: true,
			Help: "key that seals the files, from the environment only", check: checkStorageKey,
			Instead: "set storage_key_command or storage_key_file, or set OKAUTH_STORAGE_KEY in the environment"},
		{Name: KeyStorageKeyFile, Flag: "storage-key-file", Env: []string{"OKAUTH_STORAGE_KEY_FILE"}, Kind: Path,
			Help: "file that holds the storage key", check: checkLine},
		{Name: KeyStorageKeyCommand, Flag: "storage-key-command", Env: []string{"OKAUTH_STORAGE_KEY_COMMAND"}, Kind: Command,
			Help: "command whose first line is the storage key", check: checkLine},
		{Name: KeyCAFile, Flag: "ca-file", Env: []string{"OKAUTH_CA_FILE"}, Kind: Path,
			Help: "PEM file of certificate authorities added to the system's", check: checkLine},
		{Name: KeyClientCert, Flag: "client-cert", Env: []string{"OKAUTH_CLIENT_CERT"}, Kind: Path,
			Help: "PEM file of the certificate that okauth shows to the server (mutual TLS)", check: checkLine},
		{Name: KeyClientKey, Flag: "client-key", Env: []string{"OKAUTH_CLIENT_KEY"}, Kind: Path,
			Help: "PEM file of the private key of client_cert", check: checkLine},
		{Name: KeyTimeout, Flag: "timeout", Env: []string{"OKAUTH_TIMEOUT"}, Default: "30s", Kind: Duration,
			Help: "longest time one request may take", least: time.Second, most: 10 * time.Minute},
		{Name: KeyMinTTL, Flag: "min-ttl", Env: []string{"OKAUTH_MIN_TTL"}, Default: "60s", Kind: Duration,
			Help: "shortest life left in a token that is handed out", least: 0, most: 24 * time.Hour},
	}
})

// FindKey returns the setting of that name. An unknown name is an *Error that
// suggests the nearest one; a secret that comes from the environment only, such
// as "password", is an *Error that says what to do instead.
func FindKey(name string) (Key, error) {
	var names []string
	for _, k := range table() {
		switch {
		case k.Name == name && k.EnvOnly:
			return Key{}, &Error{Key: name, Reason: "a " + strings.ReplaceAll(name, "_", " ") + " is never kept in the configuration", Next: k.Instead}
		case k.Name == name:
			return k, nil
		case !k.EnvOnly:
			names = append(names, k.Name)
		}
	}
	err := &Error{Reason: "unknown setting " + keyShown(name), Next: "the settings are " + strings.Join(names, ", ")}
	if near := Suggest(name, names); near != "" {
		err.Next = fmt.Sprintf("did you mean %q?", near)
	}
	return Key{}, err
}

// Check judges a value for this setting; the error is an *Error that names the
// setting, and shows no secret.
func (k Key) Check(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return &Error{Key: k.Name, Reason: "the value is empty", Next: "give it a value, or remove it with `okauth config unset " + k.Name + "`"}
	case k.Kind == Enum:
		return k.checkChoice(text)
	case k.Kind == Duration:
		_, err := k.duration(text)
		return err
	case k.check == nil:
		return nil
	}
	err := k.check(text)
	if e, ok := err.(*Error); ok {
		e.Key = k.Name
	}
	return err
}

func (k Key) checkChoice(text string) error {
	for _, c := range k.Choices {
		if text == c {
			return nil
		}
	}
	err := &Error{Key: k.Name, Reason: fmt.Sprintf("%s is none of %s", shown(text), strings.Join(k.Choices, ", "))}
	if near := Suggest(text, k.Choices); near != "" {
		err.Next = fmt.Sprintf("did you mean %q?", near)
	}
	return err
}

// keyShown quotes the name of an unknown key, unless it looks like something
// else that slipped into its place: a secret pasted one line off, say.
func keyShown(name string) string {
	if name == "" || len(name) > 32 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.") != "" {
		return "(not a plain word, not shown)"
	}
	return fmt.Sprintf("%q", name)
}

// Suggest returns the candidate at the smallest edit distance of word, or an
// empty string when none is near enough to be a slip of the finger.
func Suggest(word string, candidates []string) string {
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), c); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours
// between a and b.
func distance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) {
		rows[0][j+1] = j + 1
	}
	for i := range len(a) {
		for j := range len(b) {
			change := rows[i][j]
			if a[i] != b[j] {
				change++
			}
			rows[i+1][j+1] = min(change, rows[i+1][j]+1, rows[i][j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				rows[i+1][j+1] = min(rows[i+1][j+1], rows[i-1][j-1]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
