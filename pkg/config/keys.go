package config

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// ValueType says how the text of a setting is read.
type ValueType int

// The types of value.
const (
	Text ValueType = iota
	List
	Duration
	Enum
	Path
	Command // a command line for the shell
	Secret  // never shown, never in an error
)

// Key describes a setting.
type Key struct {
	Name      string // as in the file
	Type      ValueType
	Env       []string // environment variables, the first that is set wins
	Default   string
	Choices   []string // for Enum
	Help      string   // one line
	NotInFile bool     // a secret that the file never holds
	Keychain  bool     // a secret that the keychain may hold

	secret   string             // the secret that comes from this setting, "" for others
	noun     string             // what a Secret is called, where its name is not its words
	lines    bool               // a Secret of several lines: all that its command prints
	min, max time.Duration      // for Duration
	check    func(string) error // nil: any line of text
}

// The names of the settings.
const (
	KeyDomain       = "domain"
	KeyServer       = "server"
	KeyClientID     = "client_id"
	KeyClientSecret = "client_secret"
	KeyClientAuth   = "client_auth"
	KeyPrivateKey   = "private_key"
	KeyPrivateKeyID = "private_key_id"
	KeyGrant        = "grant"
	KeyUsername     = "username"
	KeyPassword     = "password"
	KeyFactor       = "factor"
	KeyOTP          = "otp"
	KeyRedirectURI  = "redirect_uri"
	KeyACRValues    = "acr_values"
	KeyScopes       = "scopes"
	KeyAudience     = "audience"
	KeyDPoP         = "dpop"
	KeyStorage      = "storage"
	KeyStorageDir   = "storage_dir"
	KeyStorageKey   = "storage_key"
	KeyStorageURL   = "storage_url"
	// KeyStoragePassword is the password of the server that KeyStorageURL names.
	KeyStoragePassword = "storage_password"
	KeyCAFile          = "ca_file"
	KeyClientCert      = "client_cert"
	KeyClientKey       = "client_key"
	KeyTimeout         = "timeout"
	KeyMinTTL          = "min_ttl"
)

// FileKey returns the setting that names the file of a secret: "password_file" for KeyPassword.
func FileKey(secret string) string { return secret + "_file" }

// CommandKey returns the setting of the command that prints a secret: "password_command" for KeyPassword.
func CommandKey(secret string) string { return secret + "_command" }

// SecretKeys returns the three settings that a secret may come from.
func SecretKeys(secret string) []string { return []string{secret, FileKey(secret), CommandKey(secret)} }

// Redacted is shown in place of a secret.
const Redacted = "••••"

// Grant is a value of the setting "grant", and how other settings depend on it.
type Grant struct {
	Name          string
	User          bool   // a user signs in, so username counts
	DefaultScopes string // "" leaves the choice to the server
}

// Grants returns the values of the setting "grant", the default first. A new grant of pkg/grant needs a row here.
func Grants() []Grant {
	return []Grant{
		{Name: "password", User: true, DefaultScopes: "openid"},
		{Name: "authorization-code", User: true, DefaultScopes: "openid"},
		{Name: "device-code", User: true, DefaultScopes: "openid"},
		{Name: "otp", User: true, DefaultScopes: "openid"},
		{Name: "oob", User: true, DefaultScopes: "openid"},
		// Okta refuses openid to a client that signs in for itself.
		// https://developer.okta.com/docs/guides/implement-grant-type/clientcreds/main/
		{Name: "client-credentials"},
	}
}

// rows is the table of settings.
//
// A setting NAME has the variable OKAUTH_NAME, followed by those in Env. A Secret stands for three settings: NAME,
// NAME_file, whose content is the secret, and NAME_command, whose first line of output is, or all of it where the
// secret has several lines; nothing else is needed to add one.
func rows() []Key {
	grants := Grants()
	var grantNames []string
	for _, g := range grants {
		grantNames = append(grantNames, g.Name)
	}
	return []Key{
		{Name: KeyDomain, check: parsed(ParseDomain), Env: []string{"OKTA_CLIENT_ORGURL", envIssuer},
			Help: "the Okta org, such as dev-123456.okta.com"},
		{Name: KeyServer, check: parsed(ParseServer), Default: "default",
			Help: "authorization server ID; \"org\" is the org server"},
		{Name: KeyClientID, check: checkClientID, Env: []string{"OKTA_OAUTH2_CLIENT_ID", "OKTA_OAUTH2_CLIENTID"},
			Help: "client ID of the Okta application"},
		{Name: KeyClientSecret, Type: Secret, Keychain: true, check: checkClientSecret,
			Env:  []string{"OKTA_OAUTH2_CLIENT_SECRET", "OKTA_OAUTH2_CLIENTSECRET"},
			Help: "client secret (kept in the keychain unless the file has it)"},
		{Name: KeyClientAuth, Type: Enum, Choices: []string{"client_secret_basic", "client_secret_post", "client_secret_jwt",
			"private_key_jwt", "none"},
			Help: "how the client authenticates (default: by its key, else by its secret)"},
		{Name: KeyPrivateKey, Type: Secret, NotInFile: true, Keychain: true, lines: true, check: checkLines,
			Env:  []string{"OKTA_CLIENT_PRIVATEKEY"},
			Help: "private key that the client authenticates with (kept in the keychain)"},
		{Name: KeyPrivateKeyID, check: checkClientSecret, Env: []string{"OKTA_CLIENT_PRIVATEKEYID"},
			Help: "kid of the private key, where the key itself has none"},
		{Name: KeyGrant, Type: Enum, Choices: grantNames, Default: grantNames[0],
			Help: "how people sign in, or that the client itself does"},
		{Name: KeyUsername, check: checkUsername,
			Help: "user name (prompted if not set)"},
		{Name: KeyPassword, Type: Secret, NotInFile: true},
		{Name: KeyFactor, Type: Enum, Choices: []string{"push", "otp", "sms", "voice"},
			Help: "second factor, or the only one (asked if not set)"},
		{Name: KeyOTP, Type: Secret, NotInFile: true, noun: "one-time code", check: checkOTP},
		{Name: KeyRedirectURI, check: checkRedirectURI, Default: "http://127.0.0.1:8085/callback",
			Help: "where the browser comes back to"},
		{Name: KeyACRValues, Type: List, check: checkACRValues,
			Help: "levels of sign-in to ask for, such as urn:okta:loa:2fa:any"},
		{Name: KeyScopes, Type: List, check: parsed(ParseScopes), Default: grants[0].DefaultScopes,
			Help: "scopes to request"},
		{Name: KeyAudience, check: checkAudience, Env: []string{"OKTA_OAUTH2_AUDIENCE"},
			Help: "audience that an access token must have, such as api://default"},
		{Name: KeyDPoP, Type: Enum, Choices: []string{"true", "false"}, Default: "false",
			Help: "bind tokens to a key of the session (DPoP)"},
		{Name: KeyStorage, Type: Enum, Choices: []string{"auto", "keychain", "file", "redis", "none"}, Default: "auto",
			Help: "where to keep sessions"},
		{Name: KeyStorageDir, Type: Path,
			Help: "directory of sealed files, with storage \"file\""},
		{Name: KeyStorageKey, Type: Secret, NotInFile: true},
		{Name: KeyStorageURL, check: checkStorageURL,
			Help: "Redis or Valkey server, with storage \"redis\": rediss://host:6379"},
		{Name: KeyStoragePassword, Type: Secret, NotInFile: true},
		{Name: KeyCAFile, Type: Path,
			Help: "PEM file of certificate authorities to trust beside the system's"},
		{Name: KeyClientCert, Type: Path,
			Help: "PEM file of the client certificate, for mutual TLS"},
		{Name: KeyClientKey, Type: Path,
			Help: "PEM file of the client certificate's private key"},
		{Name: KeyTimeout, Type: Duration, min: time.Second, max: 10 * time.Minute, Default: "30s",
			Help: "time limit for each request"},
		{Name: KeyMinTTL, Type: Duration, min: 0, max: 24 * time.Hour, Default: "60s",
			Help: "how long a token must stay valid"},
	}
}

// table returns every setting, those of [rows] and those that a secret stands for.
var table = sync.OnceValue(func() []Key {
	var keys []Key
	for _, k := range rows() {
		own := "OKAUTH_" + strings.ToUpper(k.Name)
		k.Env = append([]string{own}, k.Env...)
		if k.Type != Secret {
			keys = append(keys, k)
			continue
		}
		noun := k.words()
		if k.NotInFile && !k.Keychain {
			k.Help = noun + ", from the environment only"
		}
		prints := "whose first line is"
		if k.lines {
			prints = "that prints"
		}
		k.secret = k.Name
		keys = append(keys, k,
			Key{Name: FileKey(k.Name), Type: Path, Env: []string{own + "_FILE"}, secret: k.Name,
				Help: "file that holds the " + noun},
			Key{Name: CommandKey(k.Name), Type: Command, Env: []string{own + "_COMMAND"}, secret: k.Name,
				Help: "command " + prints + " the " + noun})
	}
	return keys
})

// words returns what a secret is called.
func (k Key) words() string { return cmp.Or(k.noun, strings.ReplaceAll(k.Name, "_", " ")) }

// Keys returns the settings that a profile or the keychain may hold, in the order to show them. The caller must not
// change its slices.
func Keys() []Key {
	return slices.DeleteFunc(slices.Clone(table()), func(k Key) bool { return k.NotInFile && !k.Keychain })
}

// WithheldVariable names the variables that hold a secret and that the process which started this one has withheld,
// separated by blanks. A secret that would come from one of them cannot be read: another source could have another.
const WithheldVariable = "OKAUTH_WITHHELD"

// WithheldNames returns the value of [WithheldVariable] for a program that gets none of the variables that hold a
// secret; "" if none is set.
func WithheldNames(lookup func(string) (string, bool)) string {
	before, _ := lookup(WithheldVariable)
	names := strings.Fields(before)
	for _, name := range SecretVariables() {
		if _, ok := lookup(name); ok {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// SecretVariables returns the environment variables that hold a secret itself, or may. okauth passes none of them on to
// the processes that it starts.
func SecretVariables() []string {
	var names []string
	for _, k := range table() {
		if k.Type == Secret || k.Name == KeyStorageURL {
			names = append(names, k.Env...)
		}
	}
	return names
}

// FindKey returns the setting of that name. The error is an *Error of kind UnknownKey, with the nearest name, or, with
// the setting, NotInFile.
func FindKey(name string) (Key, error) {
	var names []string
	for _, k := range table() {
		switch {
		case k.Name == name && k.NotInFile:
			return k, &Error{Kind: NotInFile, Key: name,
				Reason: "the " + k.words() + " is never kept in the configuration"}
		case k.Name == name:
			return k, nil
		}
		names = append(names, k.Name)
	}
	near := Suggest(name, names)
	if slices.ContainsFunc(table(), func(k Key) bool { return k.Name == near && k.NotInFile && !k.Keychain }) {
		near = FileKey(near)
	}
	return Key{}, &Error{Kind: UnknownKey, Reason: "unknown setting " + quoteKey(name), Suggestion: near}
}

// lookup returns a setting that the table has.
func lookup(name string) Key {
	keys := table()
	return keys[slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })]
}

// quoteKey quotes an unknown key, unless it looks like something else, such as a secret pasted one line off.
func quoteKey(name string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-."
	if name == "" || len(name) > 32 || strings.Trim(name, letters) != "" {
		return "(not a plain word, not shown)"
	}
	return quote(name)
}

// Suggest returns the candidate that is most like word, or "" if none is.
func Suggest(word string, candidates []string) string {
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements of bytes that lead from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the part of a so far, from it to the first j bytes of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		change := row[0]
		row[0] = i + 1
		for j := range len(b) {
			if a[i] != b[j] {
				change++
			}
			change, row[j+1] = row[j+1], min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
