package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseScopes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []string
	}{
		{"openid", []string{"openid"}},
		{"openid profile,offline_access", []string{"openid", "profile", "offline_access"}},
		{" openid ,\topenid\nprofile ", []string{"openid", "profile"}},
		{"https://api.example.com/x:read", []string{"https://api.example.com/x:read"}},
		{"", nil}, {" , ", nil}, {`a"b`, nil}, {`a\b`, nil}, {"é", nil}, {"a\x7fb", nil}, {"a\x00", nil},
	}
	for _, tt := range tests {
		got, err := ParseScopes(tt.text)
		if (err == nil) != (tt.want != nil) || !slices.Equal(got, tt.want) {
			t.Errorf("ParseScopes(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestKeyCheck(t *testing.T) {
	t.Parallel()
	tests := []struct{ key, text, want string }{ // want: part of the error, empty: none
		{KeyClientID, "0oab8eb55Kb9jdMIr5d6", ""},
		{KeyClientID, "a$-_.+!*'(),", ""},
		{KeyClientID, "{clientId}", "placeholder"},
		{KeyClientID, "${CLIENT_ID}", "placeholder"},
		{KeyClientID, "<client>", "placeholder"},
		{KeyClientID, "0oa 1", `"0oa 1" is not a client ID: it must not contain " "`},
		{KeyClientID, "0oaé", `it must not contain "\u00e9"`},
		{KeyClientID, "jane@example.com", `a client ID has no "@": this looks like a user name`},
		{KeyClientID, strings.Repeat("a", 101), "at most 100"},
		{KeyClientID, "  ", "empty"},
		{KeyUsername, "alice@example.com", ""},
		{KeyUsername, "", "empty"},
		{KeyUsername, "alice\x1b[2J", "escape sequence"},
		{KeyUsername, "alice ", "white space"},
		{KeyDPoP, "true", ""},
		{KeyDPoP, "yes", "none of true, false"},
		{KeyStorage, "keychain", ""},
		{KeyStorage, "file", ""},
		{KeyStorage, "keychian", "none of auto, keychain, file, redis, none"},
		{KeyStorage, "File", "none of"},
		{KeyGrant, "client-credentials", ""},
		{KeyGrant, "Password", "none of password, "},
		{KeyStorageDir, "/var/lib/okauth", ""},
		{KeyStorageDir, "/var/lib/\nokauth", "line break"},
		{keyStorageKeyFile, "", "empty"},
		{KeyTimeout, "30s", ""},
		{KeyTimeout, "45", ""},
		{KeyTimeout, "0", "out of bounds"},
		{KeyTimeout, "-5s", "out of bounds"},
		{KeyTimeout, "11m", "out of bounds"},
		{KeyTimeout, "soon", "not a duration"},
		{KeyTimeout, "99999999999999999999", "not a duration"},
		{KeyMinTTL, "0s", ""},
		{KeyMinTTL, "2m", ""},
		{KeyMinTTL, "25h", "out of bounds"},
		{KeyScopes, ",", "no scope"},
		{KeyClientSecret, "{clientSecret}", "placeholder"},
		{KeyClientSecret, "canary-secret\nline", "line break"},
		{KeyCAFile, "/etc/ssl/corp.pem", ""},
		{KeyClientCert, "/etc/ssl/okauth.pem\n", "line break"},
		{KeyClientCert, "/etc/ssl/\aokauth.pem", "control character U+0007"},
		{KeyClientCert, "/etc/ssl/a\tb", "a tab"},
		{KeyUsername, "ali\u200bce", "invisible character U+200B"},
		{KeyClientSecret, "canary-s\u00e9cret", "the character U+00E9"},
		{KeyClientSecret, "canary-secret ", "ends with a space"},
		{KeyClientKey, " ~/okauth.key", "white space"},
		{KeyAudience, "https://api.example.com/v1", ""},
		{KeyAudience, "Orders & more", ""},
		{KeyAudience, "${AUDIENCE}", "placeholder"},
		{KeyAudience, "api://orders\x1b[2J", "escape sequence"},
		{KeyAudience, "  ", "empty"},
		{KeyFactor, "voice", ""},
		{KeyFactor, "email", "none of push, otp, sms, voice"},
		{KeyRedirectURI, "http://localhost:8085/", ""},
		{KeyRedirectURI, "http://127.0.0.1:8085/a/b", ""},
		{KeyRedirectURI, "https://127.0.0.1:8085/callback", "is not an address of this machine"},
		{KeyRedirectURI, "http://192.0.2.1:8085/callback", "is not an address of this machine"},
		{KeyRedirectURI, "http://localhost.example.com:8085/callback", "is not an address of this machine"},
		{KeyRedirectURI, "http://127.0.0.1:8085/callback?a=b", "is not an address of this machine"},
		{KeyRedirectURI, "http://127.0.0.1:08085/callback", "expected http://127.0.0.1"},
		{KeyRedirectURI, "http://[0:0:0:0:0:0:0:1]:8085/callback", "expected http://[::1]:8085/callback"},
		{KeyRedirectURI, "http://127.0.0.1:8085/x/../callback", "expected http://127.0.0.1:8085/callback"},
		{KeyRedirectURI, "http://LOCALHOST:8085/callback", "expected http://localhost:8085/callback"},
		{KeyACRValues, "urn:okta:loa:2fa:any phr", ""},
		{KeyACRValues, `urn:okta:"`, "is not a list of levels"},
		{KeyServer, "a/b", "not a server id"},
		{KeyDomain, "http://acme.okta.com", "in the clear"},
	}
	for _, tt := range tests {
		k, err := FindKey(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		err = k.Check(tt.text)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: Check(%q): %v", tt.key, tt.text, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Key != tt.key || !strings.Contains(e.Error(), tt.want) ||
			strings.Contains(e.Error(), "canary") {
			t.Errorf("%s: Check(%q) = %v, want an *Error with %q", tt.key, tt.text, err, tt.want)
		}
	}
}

func TestFindKey(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, suggestion string }{
		{"domian", "domain"}, {"clientid", "client_id"}, {"scope", "scopes"}, {"Domain", "domain"},
		{"min-ttl", "min_ttl"}, {"zzzzzzzzzzzz", ""}, {strings.Repeat("x", 9000), ""},
	}
	for _, tt := range tests {
		_, err := FindKey(tt.name)
		var e *Error
		if !errors.As(err, &e) || e.Kind != UnknownKey || e.Suggestion != tt.suggestion {
			t.Errorf("FindKey(%.20q) = %#v, want an *Error of kind UnknownKey with suggestion %q", tt.name, err,
				tt.suggestion)
		}
		if len(e.Error()) > 200 {
			t.Errorf("FindKey(%.20q): an error of %d bytes", tt.name, len(e.Error()))
		}
	}
}

func TestAT60_SecretsWithoutKey(t *testing.T) {
	t.Parallel()
	for _, k := range Keys() {
		if k.Name == KeyPassword || k.Name == KeyStorageKey {
			t.Errorf("%s is a key of the file", k.Name)
		}
	}
	for _, tt := range []struct{ key, reason string }{
		{KeyPassword, "the password is never kept"},
		{KeyStorageKey, "the storage key is never kept"},
	} {
		_, err := FindKey(tt.key)
		wantError(t, err, tt.reason)
		_, err = Load(testOptions(t, "profiles: {default: {"+tt.key+": canary-1}}", Options{}))
		if e := wantError(t, err, "line 1", tt.reason); e.Kind != NotInFile || e.Key != tt.key {
			t.Errorf("got %#v, want kind NotInFile", e)
		}
	}
	for _, key := range []string{KeyPassword, KeyClientSecret, KeyStorageKey} {
		_, err := Load(testOptions(t, "", Options{Flags: map[string]string{key: "canary-flag"}}))
		wantError(t, err, key)
	}
}
