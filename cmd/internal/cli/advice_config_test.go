package cli

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/oktatest"
)

// configError returns the error that package config gives for a file, an environment and a profile.
func configError(t *testing.T, text, profile string, env ...string) error {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "okauth", "config.yaml")
	if text != "" {
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings, err := config.Load(config.Options{
		Profile:       profile,
		UserConfigDir: func() (string, error) { return dir, nil },
		LookupEnv: func(name string) (string, bool) {
			for _, entry := range env {
				if value, ok := strings.CutPrefix(entry, name+"="); ok {
					return value, true
				}
			}
			return "", false
		},
	})
	if err == nil {
		err = settings.Require(config.KeyDomain)
	}
	if err == nil {
		_, err = settings.StorageDir()
	}
	if err == nil {
		_, err = settings.Secret(config.KeyPassword).Read(t.Context())
	}
	if err == nil {
		t.Fatalf("%q is accepted", text)
	}
	return err
}

func TestConfigAdvice(t *testing.T) {
	t.Parallel()
	const two = "profiles: {dev: {domain: a.okta.com}, prod: {}}"
	many := "profiles:\n"
	for _, n := range strings.Split("0 1 2 3 4 5 6 7 8 9 10 11", " ") {
		many += "  p" + n + ": {}\n"
	}
	tests := []struct {
		name, config, profile string
		env                   []string
		want                  string // parts of the hint, separated by |
	}{
		{"missing", "", "", nil, "run `okauth config init`, or `okauth config set domain …`, or set OKAUTH_DOMAIN"},
		{"no such default profile", two, "", nil, "choose a profile with --profile or `okauth config use`: dev, prod"},
		{"AT-02", "", "", []string{"OKAUTH_DOMAIN=dev-1-admin.okta.com"}, `did you mean "dev-1.okta.com"?`},
		{"AT-02, no suggestion", "", "", []string{"OKAUTH_DOMAIN={yourOktaDomain}"},
			"copy the domain from the user menu"},
		{"server", "", "", []string{"OKAUTH_SERVER=a/b"}, "the last part of the issuer"},
		{"client id", "", "", []string{"OKAUTH_CLIENT_ID={clientId}"}, "General > Client ID"},
		{"audience", "", "", []string{"OKAUTH_AUDIENCE=${AUD}"}, "copy the audience"},
		{"grant", "", "", []string{"OKAUTH_GRANT=client_credentials"}, `did you mean "client-credentials"?`},
		{"unknown setting", "profiles: {default: {domian: x}}", "", nil, `did you mean "domain"? Edit line 1 of the file by hand`},
		{"a secret that the file never has", "profiles: {default: {password: x}}", "", nil, "; edit line 1 of the file by hand"},
		{"far from any setting", "profiles: {default: {zzzzzzzzzzzz: x}}", "", nil,
			"the settings are domain, server, client_id"},
		{"unknown key", "profles: {}", "", nil, `did you mean "profiles"? Edit the file by hand`},
		{"not YAML", "profiles: [", "", nil, "edit the file by hand; `okauth config path`"},
		{"password", "profiles: {default: {password: canary}}", "", nil,
			"set password_command or password_file, or OKAUTH_PASSWORD in the environment, or use --password-stdin"},
		{"storage key", "profiles: {default: {storage_key: canary}}", "", nil,
			"set storage_key_command or storage_key_file, or OKAUTH_STORAGE_KEY in the environment"},
		{"two secrets", "profiles: {default: {password_file: f, password_command: c}}", "", nil,
			"remove one with `okauth config unset password_command`"},
		{"two servers", "profiles: {default: {domain: a.okta.com/oauth2/aus1, server: aus2}}", "", nil,
			"in one of the two only"},
		{"unknown profile", two, "dve", nil,
			`did you mean "dev"? The profiles are dev, prod; choose with |okauth config use dev|-p dev`},
		{"unknown profile of the environment", two, "", []string{"OKAUTH_PROFILE=dve"},
			`did you mean "dev"?|OKAUTH_PROFILE=dev or -p dev`},
		{"far from any profile", two, "", []string{"OKAUTH_PROFILE=zzzzzzzz"},
			"the profiles are dev, prod; |OKAUTH_PROFILE=NAME or -p NAME|`okauth -p zzzzzzzz config init`"},
		{"far from any profile, by flag", two, "zzzzzzzz", nil, "okauth config use NAME"},
		{"many profiles", many, "zzzzzzzz", nil, "the profiles are p0, p1, p10, p11, p2 and 7 more;"},
		{"many profiles, and a near one", many, "p111", nil,
			`did you mean "p11"? The profiles are p0, p1, p10, p11, p2 and 7 more;`},
		{"no profiles in the file", "profile:\n", "dve", nil, "run `okauth -p dve config init` to make it"},
		{"AT-69, no home", "", "", []string{"XDG_CONFIG_HOME=x", "OKAUTH_DOMAIN=a.okta.com", "OKAUTH_STORAGE_DIR="},
			"set storage_dir or OKAUTH_STORAGE_DIR to a directory of yours"},
		{"command", "", "", []string{"OKAUTH_DOMAIN=a.okta.com", "HOME=" + os.TempDir(), "XDG_STATE_HOME=" + os.TempDir(),
			"OKAUTH_PASSWORD_COMMAND=exit 3"},
			"run the command by hand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := configError(t, tt.config, tt.profile, tt.env...)
			got := Hint(err)
			for part := range strings.SplitSeq(tt.want, "|") {
				if !strings.Contains(got, part) {
					t.Errorf("%v: got the hint %q, want %q in it", err, got, part)
				}
			}
			if ExitCode(err) != ExitUsage || strings.Contains(got, "canary") {
				t.Errorf("%v: got exit code %d and the hint %q", err, ExitCode(err), got)
			}
		})
	}
}

// The kinds that take a certain file system, or an edit.
func TestConfigAdviceOfFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  config.Error
		want string
	}{
		{config.Error{Kind: config.Exposed, Path: "/my dir/c.yaml"}, "run `chmod 600 '/my dir/c.yaml'`"},
		{config.Error{Kind: config.Writable, Path: "/tmp/it's"}, `run ` + "`chmod go-w '/tmp/it'\\''s'`"},
		{config.Error{Kind: config.WrongOwner, Path: "/c.yaml"}, "sudo chown \"$USER\" /c.yaml"},
		{config.Error{Kind: config.Conflict, Key: "password_file", Other: "password_command"},
			"run `okauth config unset password_command` first"},
		{config.Error{Kind: config.Conflict, Key: "domain", Other: "server", Suggestion: "https://a.okta.com"},
			"`okauth config unset server`, or set domain to https://a.okta.com"},
		{config.Error{Kind: config.NotEditable}, "edit the file by hand"},
		{config.Error{Kind: config.NoDirectory}, "set HOME, or name the file with --config or OKAUTH_CONFIG"},
		{config.Error{Kind: config.WriteFailed, Err: fs.ErrPermission}, "make the directory writable"},
		{config.Error{Kind: config.Empty, Key: "domain"}, "`okauth config unset domain`"},
		{config.Error{Key: "storage_key_file"}, "openssl rand -base64 32"},
		{config.Error{Key: "issuer"}, "copy the issuer"},
		{config.Error{Kind: config.ReadFailed, Err: fs.ErrPermission}, "name another one with --config or OKAUTH_CONFIG"},
		{config.Error{Kind: config.ReadFailed, Err: fs.ErrInvalid}, ""},
	} {
		if got := Hint(&tt.err); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%+v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

// Each problem of a private key has its advice, and the code of a wrong setting.
func TestST36_EveryKeyProblemHasAdvice(t *testing.T) {
	t.Parallel()
	block := func(label string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[clientauth.KeyProblem]string{
		clientauth.KeyEncrypted: block("ENCRYPTED PRIVATE KEY", nil), clientauth.KeyPublic: block("PUBLIC KEY", nil),
		clientauth.KeyCertificate: block("CERTIFICATE", nil), clientauth.KeyOpenSSH: block("OPENSSH PRIVATE KEY", nil),
		clientauth.KeySeveral: string(oktatest.TestKey()) + string(oktatest.TestKey()),
		clientauth.KeyWeak:    block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak)), clientauth.KeyFileName: "/a/key.pem",
		clientauth.KeyUnsupported: `{"kty":"oct"}`, clientauth.KeyUnreadable: "canary",
	}
	seen := make(map[string]bool)
	check := func(problem clientauth.KeyProblem, err error) {
		t.Helper()
		e, ok := errors.AsType[*clientauth.KeyError](err)
		hint := Hint(&config.Error{Key: config.KeyPrivateKey, Err: err})
		if !ok || e.Problem != problem || hint == "" || seen[hint] || ExitCode(err) != ExitUsage {
			t.Errorf("%s: got %v with the hint %q", problem, err, hint)
		}
		seen[hint] = true
	}
	for problem, text := range texts {
		_, err := clientauth.ParseKey(okta.NewSecret(text))
		check(problem, err)
	}
	check(clientauth.SecretTooShort, clientauth.CheckHMAC(okta.NewSecret("canary")))
}

// sudo is the reason why the settings are missing, or another user's.
func TestAdviceUnderSudo(t *testing.T) {
	t.Setenv("USER", "root")
	for uid, want := range map[string]string{"4711": "without sudo", strconv.Itoa(os.Geteuid()): "run `"} {
		t.Setenv("SUDO_UID", uid)
		for _, e := range []*config.Error{
			{Kind: config.Missing, Key: config.KeyDomain}, {Kind: config.WrongOwner, Path: "/home/alice"},
		} {
			if got := configAdvice(e); strings.Contains(got, "without sudo") != (uid == "4711") || !strings.Contains(got, want) {
				t.Errorf("SUDO_UID=%s: got %q, want %q", uid, got, want)
			}
		}
	}
}
