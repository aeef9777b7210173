package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	keyClientSecretFile  = KeyClientSecret + "_file"
	keyStorageKeyFile    = KeyStorageKey + "_file"
	keyStorageKeyCommand = KeyStorageKey + "_command"
)

const sample = `# who we are
profile: dev
profiles:
  dev:
    domain: dev-1.okta.com
    client_id: 0oa0123
    username: alice@example.com
    scopes: [openid, profile]
    timeout: 45
  prod:
    domain: https://acme.okta.com/oauth2/aus1
    client_id: 0oaprod
`

// testOptions writes a configuration file, unless it is empty, where the
// options find it, and gives them an environment of their own.
func testOptions(t testing.TB, config string, o Options, env ...string) Options {
	t.Helper()
	dir := tempDir(t)
	if config != "" {
		path := filepath.Join(dir, "okauth", "config.yaml")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vars := make(map[string]string)
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		vars[name] = value
	}
	o.FlagName = func(key string) string {
		return "flag --" + strings.ReplaceAll(strings.TrimSuffix(key, "s"), "_", "-") // scopes: --scope
	}
	o.LookupEnv = func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	if o.UserConfigDir == nil {
		o.UserConfigDir = func() (string, error) { return dir, nil }
	}
	return o
}

// settingIn returns options in which one layer has the setting.
func settingIn(t *testing.T, layer string, k Key, text string, env ...string) Options {
	t.Helper()
	switch layer {
	case "flag":
		return testOptions(t, "", Options{Flags: map[string]string{k.Name: text}}, env...)
	case "environment":
		return testOptions(t, "", Options{}, append(env, k.Env[0]+"="+text)...)
	}
	return testOptions(t, fmt.Sprintf("profiles: {default: {%s: %q}}", k.Name, text), Options{}, env...)
}

// tempDir is [testing.T.TempDir] as errors name it: on macOS that is below a symbolic link.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, o Options) *Settings {
	t.Helper()
	s, err := Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantError checks that the text and the fields of err, an *Error, contain parts, and returns it.
func wantError(t testing.TB, err error, parts ...string) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error with %q", err, parts)
	}
	text := fmt.Sprintf("%v | did you mean %q? | other: %s | path: %s | profiles: %s", e, e.Suggestion, e.Other, e.Path,
		e.Profiles)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got %q, want %q in it", text, part)
		}
	}
	if all := fmt.Sprintf("%v %#v", e, e); strings.Contains(all, "canary") {
		t.Errorf("a secret is shown: %s", all)
	}
	return e
}

func TestLoadFile(t *testing.T) {
	t.Parallel()
	s := load(t, testOptions(t, sample, Options{}))
	if s.ProfileName() != "dev" || s.ProfileSource().Kind != FromFile ||
		!slices.Equal(s.Profiles(), []string{"dev", "prod"}) {
		t.Errorf("profile %q from %v of %q", s.ProfileName(), s.ProfileSource(), s.Profiles())
	}
	if s.Domain() != "https://dev-1.okta.com" || s.Server() != "default" || s.ClientID() != "0oa0123" ||
		s.Username() != "alice@example.com" {
		t.Errorf("got %q %q %q %q", s.Domain(), s.Server(), s.ClientID(), s.Username())
	}
	if !slices.Equal(s.Scopes(), []string{"openid", "profile"}) || s.Timeout() != 45*time.Second ||
		s.MinTTL() != time.Minute || s.Storage() != "auto" {
		t.Errorf("got %q %v %v %q", s.Scopes(), s.Timeout(), s.MinTTL(), s.Storage())
	}
	if s.Source(KeyDomain).String() != s.ConfigPath() || s.Source(KeyServer).String() != "default" ||
		s.Source(KeyCAFile).String() != "not set" {
		t.Errorf("sources %v, %v, %v", s.Source(KeyDomain), s.Source(KeyServer), s.Source(KeyCAFile))
	}
	if !s.Secret(KeyClientSecret).IsZero() || !s.Secret(KeyPassword).IsZero() {
		t.Error("there is a secret, want none")
	}
}

func TestLoadLayers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, value, source string
		flags                    map[string]string
		env                      []string
	}{
		{"file", KeyClientID, "0oa0123", "file", nil, nil},
		{"environment over file", KeyClientID, "0oaenv", "OKAUTH_CLIENT_ID", nil,
			[]string{"OKAUTH_CLIENT_ID=0oaenv", "OKTA_OAUTH2_CLIENT_ID=0oaokta"}},
		{"Okta's name over file", KeyClientID, "0oaokta", "OKTA_OAUTH2_CLIENTID", nil,
			[]string{"OKTA_OAUTH2_CLIENTID=0oaokta"}},
		{"empty is not set", KeyClientID, "0oa0123", "file", nil, []string{"OKAUTH_CLIENT_ID="}},
		{"flag over all", KeyScopes, "openid email", "flag --scope", map[string]string{KeyScopes: "openid email"},
			[]string{"OKAUTH_SCOPES=groups"}},
		{"list with commas", KeyScopes, "openid,groups", "OKAUTH_SCOPES", nil, []string{"OKAUTH_SCOPES=openid,groups"}},
		{"org URL", KeyDomain, "https://x.okta.com", "OKTA_CLIENT_ORGURL", nil,
			[]string{"OKTA_CLIENT_ORGURL=https://x.okta.com", "OKTA_OAUTH2_ISSUER=https://y.okta.com/oauth2/aus7"}},
		{"default", KeyStorage, "auto", "default", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, testOptions(t, sample, Options{Flags: tt.flags}, tt.env...))
			got, err := s.Get(tt.key)
			if tt.source == "file" {
				tt.source = s.ConfigPath()
			}
			if err != nil || got.Value != tt.value || got.Source.String() != tt.source {
				t.Errorf("got %q from %q, %v; want %q from %q", got.Value, got.Source, err, tt.value, tt.source)
			}
		})
	}
}

func TestLoadGrant(t *testing.T) {
	t.Parallel()
	const client = "profiles: {default: {grant: client-credentials, username: alice@example.com"
	tests := []struct {
		name, config   string
		flags          map[string]string
		env            []string
		grant, user    string
		scopes, source string // of the scopes
	}{
		{"default", "profiles: {default: {username: alice@example.com}}", nil, nil, "password", "alice@example.com",
			"openid", "default"},
		{"client", client + "}}", nil, nil, "client-credentials", "", "", "not set"},
		{"client, scopes in the file", client + ", scopes: [api:read]}}", nil, nil, "client-credentials", "",
			"api:read", "file"},
		{"client, openid asked for", client + "}}", map[string]string{KeyScopes: "openid"}, nil, "client-credentials",
			"", "openid", "flag --scope"},
		{"environment", "", nil, []string{"OKAUTH_GRANT=client-credentials", "OKAUTH_USERNAME=alice@example.com",
			"OKAUTH_SCOPES=api:read"}, "client-credentials", "", "api:read", "OKAUTH_SCOPES"},
		{"flag over all", client + "}}", map[string]string{KeyGrant: "password"},
			[]string{"OKAUTH_GRANT=client-credentials"}, "password", "alice@example.com", "openid", "default"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, testOptions(t, tt.config, Options{Flags: tt.flags}, tt.env...))
			if s.Grant() != tt.grant || s.Username() != tt.user || strings.Join(s.Scopes(), " ") != tt.scopes {
				t.Errorf("got %q, %q, %q; want %q, %q, %q", s.Grant(), s.Username(), s.Scopes(), tt.grant, tt.user,
					tt.scopes)
			}
			if tt.source == "file" {
				tt.source = s.ConfigPath()
			}
			got, err := s.Get(KeyScopes)
			if err != nil || got.Value != tt.scopes || got.Source.String() != tt.source {
				t.Errorf("scopes: got %q from %q, %v; want %q from %q", got.Value, got.Source, err, tt.scopes,
					tt.source)
			}
		})
	}
	_, err := Load(testOptions(t, "", Options{}, "OKAUTH_GRANT=client_credentials"))
	wantError(t, err, "OKAUTH_GRANT", "none of password, ", `did you mean "client-credentials"?`)
}

func TestLoadServer(t *testing.T) {
	t.Parallel()
	const in = "profiles: {default: {domain: a.okta.com/oauth2/aus1, server: "
	tests := []struct {
		name, config string
		env          []string
		want, source string // source empty: an error with want in it
	}{
		{"default", "", []string{"OKAUTH_DOMAIN=a.okta.com"}, "default", "default"},
		{"in the domain", "profiles: {default: {domain: a.okta.com/oauth2/aus1}}", nil, "aus1", "file"},
		{"twice the same", in + "aus1}}", nil, "aus1", "file"},
		{"two answers", in + "aus2}}", nil, `says "aus2" and the domain from`, ""},
		{"stronger server", in + "aus1}}", []string{"OKAUTH_SERVER=aus3"}, "aus3", "OKAUTH_SERVER"},
		{"stronger domain", "profiles: {default: {server: aus1}}", []string{"OKAUTH_DOMAIN=a.okta.com/oauth2/aus4"},
			"aus4", "OKAUTH_DOMAIN"},
		{"two variables", "", []string{"OKAUTH_SERVER=aus3", "OKAUTH_DOMAIN=a.okta.com/oauth2/aus4"}, `says "aus3"`,
			""},
		{"issuer", "", []string{"OKTA_OAUTH2_ISSUER=https://a.okta.com/oauth2/aus5"}, "aus5", "OKTA_OAUTH2_ISSUER"},
		{"issuer of the org", "", []string{"OKTA_OAUTH2_ISSUER=https://a.okta.com"}, "org", "OKTA_OAUTH2_ISSUER"},
		{"issuer beside the org URL", "", []string{"OKTA_CLIENT_ORGURL=https://a.okta.com",
			"OKTA_OAUTH2_ISSUER=https://a.okta.com/oauth2/aus5"}, "aus5", "OKTA_OAUTH2_ISSUER"},
		{"issuer of another org", "", []string{"OKAUTH_DOMAIN=https://b.okta.com",
			"OKTA_OAUTH2_ISSUER=https://a.okta.com/oauth2/aus5"}, "default", "default"},
		{"own name over issuer", "", []string{"OKAUTH_SERVER=aus6",
			"OKTA_OAUTH2_ISSUER=https://a.okta.com/oauth2/aus5"}, "aus6", "OKAUTH_SERVER"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := Load(testOptions(t, tt.config, Options{}, tt.env...))
			if tt.source == "" {
				wantError(t, err, tt.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.source == "file" {
				tt.source = s.ConfigPath()
			}
			if s.Server() != tt.want || s.Source(KeyServer).String() != tt.source {
				t.Errorf("got %q from %q, want %q from %q", s.Server(), s.Source(KeyServer), tt.want, tt.source)
			}
		})
	}
}

func TestLoadAudience(t *testing.T) {
	t.Parallel()
	const set = "profiles: {default: {domain: a.okta.com, audience: api://orders"
	tests := []struct {
		name, config string
		flags        map[string]string
		env          []string
		want, source string
	}{
		{"the default server's", "profiles: {default: {domain: a.okta.com}}", nil, nil, "api://default", "default"},
		{"nothing at all is set", "", nil, nil, "api://default", "default"},
		{"the default server's, by the domain", "", nil, []string{"OKAUTH_DOMAIN=https://a.okta.com/oauth2/default"},
			"api://default", "default"},
		{"another server", "", nil, []string{"OKAUTH_DOMAIN=https://a.okta.com/oauth2/aus1"}, "", "not set"},
		{"the org server", "profiles: {default: {domain: a.okta.com, server: org}}", nil, nil, "", "not set"},
		{"file", set + "}}", nil, nil, "api://orders", "file"},
		{"file, another server", set + ", server: aus1}}", nil, nil, "api://orders", "file"},
		{"Okta's name over file", set + "}}", nil, []string{"OKTA_OAUTH2_AUDIENCE=https://api.example.com/"},
			"https://api.example.com/", "OKTA_OAUTH2_AUDIENCE"},
		{"own name over Okta's", set + "}}", nil,
			[]string{"OKAUTH_AUDIENCE=my api",
				"OKTA_OAUTH2_AUDIENCE=https://api.example.com/"}, "my api", "OKAUTH_AUDIENCE"},
		{"flag over all", set + "}}", map[string]string{KeyAudience: "api://flag"},
			[]string{"OKAUTH_AUDIENCE=api://env"}, "api://flag", "flag --audience"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, testOptions(t, tt.config, Options{Flags: tt.flags}, tt.env...))
			if tt.source == "file" {
				tt.source = s.ConfigPath()
			}
			got, err := s.Get(KeyAudience)
			if err != nil || s.Audience() != tt.want || got.Value != tt.want || got.Source.String() != tt.source {
				t.Errorf("got %q, in the list %q from %q, %v; want %q from %q", s.Audience(), got.Value, got.Source,
					err, tt.want, tt.source)
			}
		})
	}
}

func TestLoadProfileName(t *testing.T) {
	t.Parallel()
	many := "profiles:\n"
	for i := range 12 {
		many += fmt.Sprintf("  p%d: {domain: dev-1.okta.com}\n", i)
	}
	tests := []struct {
		name, config, flag, env string
		want                    string // or part of the error
		ok                      bool
	}{
		{"flag over environment", sample, "prod", "dev", "prod", true},
		{"environment over file", sample, "", "prod", "prod", true},
		{"file", sample, "", "", "dev", true},
		{"nothing", "", "", "", "default", true},
		{"default need not exist", sample, "default", "", "default", true},
		{"no file, any name", "", "ci", "", "ci", true},
		{"unknown", sample, "prdo", "",
			`from flag --profile: there is no profile "prdo" | did you mean "prod"? | profiles: [dev prod]`, false},
		{"letters in another order", sample, "dve", "", `did you mean "dev"? | profiles: [dev prod]`, false},
		{"unknown to the environment", sample, "", "dve",
			`setting "profile" from OKAUTH_PROFILE: there is no profile "dve" | did you mean "dev"?`, false},
		{"unknown and far", sample, "", "zzzzzzzz", `did you mean ""? | profiles: [dev prod]`, false},
		{"unknown and far, by flag", sample, "zzzzzzzz", "", `did you mean ""? | profiles: [dev prod]`, false},
		{"many", many, "zzzzzzzz", "", "profiles: [p0 p1 p10 p11 p2 p3", false},
		{"many, and a near one", many, "p111", "", `did you mean "p11"? | profiles: [p0 p1 p10 p11 p2 p3`, false},
		{"no profiles in the file", "profile:\n", "dve", "", "profiles: []", false},
		{"named by the file", "profile: gone\nprofiles: {dev: {}}", "", "",
			`config.yaml: there is no profile "gone" | profiles: [dev]`, false},
		{"not a name", sample, "../x", "", "not a profile name", false},
		{"upper case", sample, "", "Dev", `from OKAUTH_PROFILE: there is no profile "Dev" | did you mean "dev"?`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := Load(testOptions(t, tt.config, Options{Profile: tt.flag}, "OKAUTH_PROFILE="+tt.env))
			if !tt.ok {
				wantError(t, err, strings.Split(tt.want, " | ")...)
				return
			}
			if err != nil || s.ProfileName() != tt.want {
				t.Errorf("got %v, %v; want %q", s, err, tt.want)
			}
		})
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	s := load(t, testOptions(t, "", Options{}, "OKAUTH_CLIENT_ID=0oa"))
	if e := wantError(t, s.Require(KeyClientID, KeyDomain), `"domain"`, "not set", "profiles: []"); e.Kind != Missing ||
		e.Profile != DefaultProfile {
		t.Errorf("got %#v, want kind Missing", e)
	}
	if err := s.Require(KeyClientID); err != nil {
		t.Error(err)
	}
	s = load(t, testOptions(t, "profiles: {dev: {domain: a.okta.com}}", Options{}))
	wantError(t, s.Require(KeyDomain), "not set", "profiles: [dev]")
}

// A wrong value is named with its source, and only in the chosen profile.
func TestLoadChecksValues(t *testing.T) {
	t.Parallel()
	const config = "profiles:\n  default: {domain: dev-1-admin.okta.com}\n  good: {domain: dev-1.okta.com}\n"
	_, err := Load(testOptions(t, config, Options{}))
	wantError(t, err, `setting "domain" from`, "config.yaml", `did you mean "dev-1.okta.com"?`)
	load(t, testOptions(t, config, Options{Profile: "good"}))
	_, err = Load(testOptions(t, "", Options{}, "OKAUTH_TIMEOUT=soon"))
	wantError(t, err, `setting "timeout" from OKAUTH_TIMEOUT`)
	_, err = Load(testOptions(t, "", Options{Flags: map[string]string{KeyDomain: ""}}))
	wantError(t, err, `setting "domain" from flag --domain`, "empty")
}

// Text is taken as written: YAML's idea of numbers and truth stays out.
func TestLoadKeepsText(t *testing.T) {
	t.Parallel()
	s := load(t, testOptions(t, `profiles:
  default:
    server: 0123
    client_id: 1e3
    username: yes
    storage: ~
    scopes: openid email
    ca_file:
`, Options{}))
	if s.Server() != "0123" || s.ClientID() != "1e3" || s.Username() != "yes" || s.Storage() != "auto" ||
		len(s.Scopes()) != 2 || s.Source(KeyCAFile).Kind != Unset {
		t.Errorf("got %+v", s.List())
	}
}

func TestLoadAnchors(t *testing.T) {
	t.Parallel()
	s := load(t, testOptions(t, `profiles:
  base: &b
    domain: a.okta.com
    client_id: &id 0oabase
  default:
    <<: *b
    domain: b.okta.com
    username: *id
`, Options{}))
	if s.Domain() != "https://b.okta.com" || s.ClientID() != "0oabase" || s.Username() != "0oabase" {
		t.Errorf("got %+v", s.List())
	}
}

// However Settings are printed, no secret is in it, wherever it came from.
func TestSettingsPrintNoSecret(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Settings{
		"environment": load(t, testOptions(t, sample, Options{}, "OKAUTH_CLIENT_SECRET=canary-cs",
			"OKAUTH_PASSWORD=canary-pw", "OKAUTH_STORAGE_URL=redis://:canary-url@localhost")),
		"file": load(t, testOptions(t,
			"profiles: {default: {client_secret: canary-cs}, b: {client_secret: canary-b}}", Options{})),
	} {
		for _, format := range []string{"%v", "%+v", "%#v"} {
			if text := fmt.Sprintf(format, *s); strings.Contains(text, "canary") {
				t.Errorf("%s, %s: %s", name, format, text)
			}
		}
		if got, err := s.Secret(KeyClientSecret).Read(t.Context()); string(got) != "canary-cs" || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	var secrets, keys, want []string
	for _, name := range SecretVariables() {
		if name != "OKAUTH_STORAGE_URL" {
			secrets = append(secrets, name+"=canary")
		}
	}
	for _, k := range table() {
		want = append(want, k.Name)
	}
	s := load(t, testOptions(t, sample, Options{}, secrets...))
	for _, setting := range s.List() {
		keys = append(keys, setting.Key)
		if strings.Contains(setting.Value, "canary") {
			t.Errorf("%s shows its value", setting.Key)
		}
		if setting.Secret && setting.Value != Redacted {
			t.Errorf("%s: got %q, want %q", setting.Key, setting.Value, Redacted)
		}
	}
	if !slices.Equal(keys, want) || keys[0] != KeyDomain {
		t.Errorf("got %q, want %q", keys, want)
	}
}

func TestConfigPath(t *testing.T) {
	t.Parallel()
	xdg := t.TempDir()
	tests := []struct {
		name, flag string
		env        []string
		want       string
	}{
		{"flag", "/f.yaml", []string{"OKAUTH_CONFIG=/e.yaml"}, "/f.yaml"},
		{"variable", "", []string{"OKAUTH_CONFIG=/e.yaml", "XDG_CONFIG_HOME=" + xdg}, "/e.yaml"},
		{"XDG", "", []string{"XDG_CONFIG_HOME=" + xdg}, filepath.Join(xdg, "okauth", "config.yaml")},
	}
	for _, tt := range tests {
		if got, err := ConfigPath(testOptions(t, "", Options{ConfigFile: tt.flag}, tt.env...)); err != nil ||
			got != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	_, err := Load(testOptions(t, "", Options{ConfigFile: filepath.Join(xdg, "none.yaml")}))
	wantError(t, err, "none.yaml")
	load(t, testOptions(t, "", Options{}, "OKAUTH_CONFIG="+filepath.Join(xdg, "none.yaml")))
}

func TestAT68_WorkingDirectoryIsNotRead(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	evil := []byte("profiles: {default: {domain: evil.example.com}}")
	for _, name := range []string{"config.yaml", ".okauth.yaml", "okauth.yaml", ".okta.yaml"} {
		if err := os.WriteFile(name, evil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("okauth", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("okauth/config.yaml", evil, 0o600); err != nil {
		t.Fatal(err)
	}
	noHome := func() (string, error) { return "", errors.New("no home") }
	relative := func() (string, error) { return ".", nil }
	for name, o := range map[string]Options{
		"home":            testOptions(t, "", Options{}),
		"no home":         testOptions(t, "", Options{UserConfigDir: noHome}),
		"relative home":   testOptions(t, "", Options{UserConfigDir: relative}),
		"relative XDG":    testOptions(t, "", Options{}, "XDG_CONFIG_HOME=."),
		"empty XDG":       testOptions(t, "", Options{}, "XDG_CONFIG_HOME="),
		"empty variables": testOptions(t, "", Options{}, "OKAUTH_CONFIG="),
	} {
		if s := load(t, o); s.Domain() != "" {
			t.Errorf("%s: domain %q from %v", name, s.Domain(), s.Source(KeyDomain))
		}
	}
}

func TestAT69_NoHome(t *testing.T) {
	t.Parallel()
	noHome := Options{UserConfigDir: func() (string, error) { return "", errors.New("HOME is not defined") }}
	o := testOptions(t, "", noHome, "OKAUTH_DOMAIN=a.okta.com", "OKAUTH_CLIENT_ID=0oa", "OKAUTH_PROFILE=ci")
	s := load(t, o)
	if err := s.Require(KeyDomain, KeyClientID); err != nil || s.ConfigPath() != "" || s.ProfileName() != "ci" {
		t.Errorf("got %v, path %q, profile %q", err, s.ConfigPath(), s.ProfileName())
	}
	_, _, err := OpenProfile(o)
	if e := wantError(t, err, "HOME is not defined"); e.Kind != NoDirectory {
		t.Errorf("got %#v, want kind NoDirectory", e)
	}
	_, _, err = OpenProfile(testOptions(t, "", Options{}, "XDG_CONFIG_HOME=some/where"))
	wantError(t, err, "XDG_CONFIG_HOME is not an absolute path")
}

func TestOpenProfile(t *testing.T) {
	t.Parallel()
	// Values are not checked, so that a wrong one can be corrected.
	_, profile, err := OpenProfile(testOptions(t, "profile: dev\nprofiles: {dev: {domain: '{yourOktaDomain}'}}", Options{}))
	if err != nil || profile != "dev" {
		t.Errorf("got %q, %v", profile, err)
	}
	_, profile, err = OpenProfile(testOptions(t, "", Options{Profile: "new"}))
	if err != nil || profile != "new" {
		t.Errorf("got %q, %v", profile, err)
	}
	// A profile that is about to be made is near another one as often as not.
	_, profile, err = OpenProfile(testOptions(t, sample, Options{Profile: "dve"}))
	if err != nil || profile != "dve" {
		t.Errorf("got %q, %v", profile, err)
	}
	_, _, err = OpenProfile(testOptions(t, "profile: [", Options{}))
	wantError(t, err, "config.yaml", "not valid YAML")
}

func BenchmarkLoad(b *testing.B) {
	o := testOptions(b, sample, Options{})
	for b.Loop() {
		load(b, o)
	}
}
