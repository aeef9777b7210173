package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// secretPlace is one way of giving a secret.
type secretPlace struct {
	name string
	// options gives text as the secret, or as the content of its file or the output of its command.
	options func(t *testing.T, text string) Options
	inYAML  bool // only UTF-8 can stand there
	command bool // the first line counts
}

// secretPlaces returns every way there is for a secret, from the table of settings.
func secretPlaces(secret Key) []secretPlace {
	content := func(t *testing.T, text string) string {
		path := filepath.Join(t.TempDir(), "content")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	var places []secretPlace
	for _, k := range table() {
		if k.secret != secret.Name || k.Type == Command && runtime.GOOS == "windows" {
			continue
		}
		given := func(t *testing.T, text string) string {
			switch k.Type {
			case Path:
				return content(t, text)
			case Command:
				return "cat '" + content(t, text) + "'"
			}
			return text
		}
		for _, name := range k.Env {
			places = append(places, secretPlace{name: name, command: k.Type == Command,
				options: func(t *testing.T, text string) Options {
					return testOptions(t, "", Options{}, name+"="+given(t, text))
				}})
		}
		if !k.NotInFile {
			places = append(places, secretPlace{name: k.Name, command: k.Type == Command, inYAML: k.Type == Secret,
				options: func(t *testing.T, text string) Options {
					return testOptions(t, fmt.Sprintf("profiles: {default: {%s: %q}}", k.Name, given(t, text)), Options{})
				}})
		}
	}
	return places
}

func eachSecretPlace(t *testing.T, test func(t *testing.T, secret Key, place secretPlace)) {
	for _, k := range table() {
		if k.Type != Secret {
			continue
		}
		for _, place := range secretPlaces(k) {
			t.Run(k.Name+"/"+place.name, func(t *testing.T) {
				t.Parallel()
				test(t, k, place)
			})
		}
	}
}

// One rule for every place: a line break at the end is not part of the secret, and what else an editor, a shell or a
// store put there is named. The password may have quotes; whoever meant none learns of them when Okta refuses it.
func TestAT60_SecretText(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want, err string }{
		{"canary-1", "canary-1", ""},
		{"canary-1\n", "canary-1", ""},
		{"canary-1\r\n", "canary-1", ""},
		{"canary-1\r", "", "ends with a carriage return"},
		{"canary-1\n\n", "", "a line break in it"},
		{"canary-1\r\n\r\n", "", "a line break in it"},
		{"canary-1\u2028", "", "a line break in it"},
		{"\ufeffcanary-1", "", "byte order mark"},
		{"\ufeffcanary-1\r\n", "", "byte order mark"},
		{"\xff\xfec\x00a\x00n\x00", "", "UTF-16"},
		{"\xfe\xff\x00c\x00a", "", "UTF-16"},
		{"c\x00a\x00\n\x00", "", "UTF-16"},
		{"canary-\xe9", "", "not UTF-8"},
		{"\x1b[31mcanary-1", "", "escape sequence"},
		{"canary-1\a", "", "control character U+0007"},
		{`"canary-1"`, `"canary-1"`, "in quotes"},
		{"'canary-1'\n", "'canary-1'", "in quotes"},
		{`"`, `"`, ""},
		{`canary"1"`, `canary"1"`, ""},
	}
	eachSecretPlace(t, func(t *testing.T, k Key, place secretPlace) {
		for _, tt := range tests {
			if k.Name == KeyOTP {
				if tt.text == `"` || tt.text == `canary"1"` {
					continue // no code
				}
				code := strings.NewReplacer("canary-1", "123456", "canary-", "123456")
				tt.text, tt.want = code.Replace(tt.text), code.Replace(tt.want)
			}
			if place.inYAML && (!utf8.ValidString(tt.text) || strings.Contains(tt.text, "\x00")) {
				continue
			}
			if breaks := tt.err == "a line break in it" && strings.HasSuffix(tt.text, "\n"); breaks && k.lines {
				tt.want, tt.err = DropNewline(tt.text), ""
			} else if first, _, more := strings.Cut(tt.text, "\n"); place.command && more && tt.err == "a line break in it" {
				tt.want, tt.err = strings.TrimSuffix(first, "\r"), ""
			}
			s := load(t, place.options(t, tt.text))
			got, err := s.Secret(k.Name).Read(t.Context())
			if tt.err == "" || tt.err == "in quotes" && k.Name == KeyPassword {
				if err != nil || string(got) != tt.want {
					t.Errorf("%q: got %q, %v; want %q", tt.text, got, err, tt.want)
				}
				continue
			}
			if e := wantError(t, err, tt.err, place.name); e.Source.Kind == Unset || len(got) > 0 {
				t.Errorf("%q: got %q, %#v; want the source", tt.text, got, e)
			}
		}
	})
}

// A one-time code is digits, which may stand in groups; anything else is a mistake and costs no try.
func TestOTPText(t *testing.T) {
	t.Parallel()
	eachSecretPlace(t, func(t *testing.T, k Key, place secretPlace) {
		if k.Name != KeyOTP {
			return
		}
		for text, want := range map[string]string{
			"123456": "", "123 456": "", " 1234 ": "", "1234567890\n": "", "1 2 3": "4 to 10 digits",
			"12345678901": "4 to 10 digits", "12345a": "4 to 10 digits", "123-456": "4 to 10 digits",
			"123\t456": "4 to 10 digits", "१२३४": "4 to 10 digits", "    ": "4 to 10 digits",
		} {
			got, err := load(t, place.options(t, text)).Secret(KeyOTP).Read(t.Context())
			switch {
			case want != "":
				if e := wantError(t, err, want, place.name); strings.Contains(err.Error(), text) || e.Source.Kind == Unset {
					t.Errorf("%q: got %v, want the source and not the code", text, err)
				}
			case err != nil || string(got) != DropNewline(text):
				t.Errorf("%q: got %q, %v", text, got, err)
			}
		}
	})
}

// A secret that is set and empty is an error where it is used, and never counts as "there is none": a weaker place
// would give another secret, and okauth would send the password without the client secret.
func TestEmptySecret(t *testing.T) {
	t.Parallel()
	eachSecretPlace(t, func(t *testing.T, k Key, place secretPlace) {
		for _, text := range []string{"", "\n", "\r\n"} {
			s := load(t, place.options(t, text))
			_, err := s.Secret(k.Name).Read(t.Context())
			if e := wantError(t, err, "empty", place.name); e.Kind != Empty {
				t.Errorf("%q: got %#v, want kind Empty", text, e)
			}
		}
	})
	for _, k := range table() {
		if k.secret == "" {
			continue
		}
		for _, name := range k.Env {
			env := []string{"OKTA_OAUTH2_CLIENTSECRET=canary-1", name + "="} // the weakest one, or nothing
			s := load(t, testOptions(t, "", Options{}, env...))
			_, err := s.Secret(k.secret).Read(t.Context())
			wantError(t, err, "from "+name, "it is set but empty")
			if ref := s.Secret(k.secret); ref.IsZero() || ref.FromFile() || ref.FromCommand() {
				t.Errorf("%s: got %+v, want a place without a file or a command", name, ref)
			}
			if got, _ := s.Get(k.Name); k.Type != Secret && (got.Value != "" || got.Source.Name != name) {
				t.Errorf("%s: got %+v, want the source", name, got)
			}
		}
		if !k.NotInFile {
			for _, empty := range []string{"", `""`, "~"} {
				config := fmt.Sprintf("profiles: {default: {%s: %s}}", k.Name, empty)
				_, err := load(t, testOptions(t, config, Options{})).Secret(k.secret).Read(t.Context())
				wantError(t, err, k.Name, "config.yaml", "it is set but empty")
			}
		}
	}
}

// The values of the other settings, too, end where their line ends, whatever gave them.
func TestValueText(t *testing.T) {
	t.Parallel()
	values := map[string]string{KeyDomain: "a.okta.com", KeyServer: "aus1", KeyGrant: "password", KeyScopes: "openid",
		KeyStorage: "file", KeyTimeout: "5s", KeyMinTTL: "5s", KeyFactor: "push", KeyRedirectURI: "http://[::1]:8085/callback",
		KeyDPoP: "true", KeyClientAuth: "none", KeyStorageURL: "rediss://user@[::1]:6379/1?addr=b:1"}
	for _, k := range table() {
		if k.Type == Secret {
			continue
		}
		value, ok := values[k.Name]
		if !ok {
			value = "abc"
		}
		for _, layer := range []string{"flag", "environment", "file"} {
			for text, want := range map[string]string{value + "\n": "", value + "\r\n": "", "\ufeff" + value: "byte order mark",
				`"` + value + `"`: "in quotes", "'" + value + "'\n": "in quotes", value + "\x00": "NUL"} {
				s, err := Load(settingIn(t, layer, k, text))
				switch {
				case want == "in quotes" && k.Type == Command: // the shell takes them away
				case want != "":
					if e := wantError(t, err, want); e.Key != k.Name || e.Source.Kind == Unset {
						t.Errorf("%s from the %s: got %#v, want the setting and the source", k.Name, layer, e)
					}
				case err != nil:
					t.Errorf("%s from the %s: %q: %v", k.Name, layer, text, err)
				default:
					if got, _ := s.Get(k.Name); got.Value != value {
						t.Errorf("%s from the %s: %q is %q, want %q", k.Name, layer, text, got.Value, value)
					}
				}
			}
		}
	}
}
