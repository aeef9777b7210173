package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSecretOrder(t *testing.T) {
	t.Parallel()
	const inFile = "profiles: {default: {client_secret: canary-file}}"
	tests := []struct {
		name, config string
		env          []string
		want, source string
	}{
		{"file", inFile, nil, "canary-file", "file"},
		{"environment over file", inFile, []string{"OKAUTH_CLIENT_SECRET=canary-env"}, "canary-env",
			"OKAUTH_CLIENT_SECRET"},
		{"value over command", "", []string{"OKAUTH_CLIENT_SECRET=canary-env",
			"OKAUTH_CLIENT_SECRET_COMMAND=echo canary-cmd"}, "canary-env", "OKAUTH_CLIENT_SECRET"},
		{"command over Okta's names", "", []string{"OKTA_OAUTH2_CLIENT_SECRET=canary-okta",
			"OKAUTH_CLIENT_SECRET_COMMAND=echo canary-cmd"}, "canary-cmd", "OKAUTH_CLIENT_SECRET_COMMAND"},
		{"Okta's names over file", inFile, []string{"OKTA_OAUTH2_CLIENTSECRET=canary-okta"}, "canary-okta",
			"OKTA_OAUTH2_CLIENTSECRET"},
		{"command in the file", "profiles: {default: {client_secret_command: echo canary-cmd}}", nil, "canary-cmd",
			"file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, testOptions(t, tt.config, Options{}, tt.env...))
			if tt.source == "file" {
				tt.source = s.ConfigPath()
			}
			secret := s.Secret(KeyClientSecret)
			got, err := secret.Read(t.Context())
			if err != nil || string(got) != tt.want || secret.Source.String() != tt.source {
				t.Errorf("got %q from %v, %v; want %q from %q", got, secret.Source, err, tt.want, tt.source)
			}
			if shown := fmt.Sprintf("%v %+v %#v %v", secret, secret, secret, s.List()); strings.Contains(shown,
				"canary-f") || strings.Contains(shown, "canary-e") {
				t.Errorf("printing shows the secret: %s", shown)
			}
		})
	}
}

func TestPasswordOrder(t *testing.T) {
	t.Parallel()
	const inFile = "profiles: {default: {password_command: echo canary-cmd}}"
	s := load(t, testOptions(t, inFile, Options{}))
	if got, err := s.Secret(KeyPassword).Read(t.Context()); string(got) != "canary-cmd" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	s = load(t, testOptions(t, inFile, Options{}, "OKAUTH_PASSWORD= canary with spaces "))
	if got, err := s.Secret(KeyPassword).Read(t.Context()); string(got) != " canary with spaces " || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestStorageKeyOrder(t *testing.T) {
	t.Parallel()
	const inFile = "profiles: {default: {storage_key_command: echo canary-cmd}}"
	beside := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(beside, []byte("canary-beside\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, config string
		flags        map[string]string
		env          []string
		want, source string
	}{
		{"command in the file", inFile, nil, nil, "canary-cmd", "file"},
		{"environment over file", inFile, nil, []string{"OKAUTH_STORAGE_KEY=canary-env",
			"OKAUTH_STORAGE_KEY_FILE=" + beside}, "canary-env", "OKAUTH_STORAGE_KEY"},
		{"file over command", "", nil, []string{"OKAUTH_STORAGE_KEY_COMMAND=echo canary-cmd",
			"OKAUTH_STORAGE_KEY_FILE=" + beside}, "canary-beside", "OKAUTH_STORAGE_KEY_FILE"},
		{"flag over environment", "", map[string]string{keyStorageKeyFile: beside},
			[]string{"OKAUTH_STORAGE_KEY=canary-env"}, "canary-beside", "flag --storage-key-file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := load(t, testOptions(t, tt.config, Options{Flags: tt.flags}, tt.env...))
			if tt.source == "file" {
				tt.source = s.ConfigPath()
			}
			key := s.Secret(KeyStorageKey)
			if got, err := key.Read(t.Context()); err != nil || string(got) != tt.want ||
				key.Source.String() != tt.source {
				t.Errorf("got %q from %v, %v; want %q from %q", got, key.Source, err, tt.want, tt.source)
			}
		})
	}
	if s := load(t, testOptions(t, "", Options{})); !s.Secret(KeyStorageKey).IsZero() {
		t.Error("there is a storage key, want none")
	}
}

// A key must be text: raw bytes would not survive a variable or a command.
func TestStorageKeyText(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("canary\x00\x01raw"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := load(t, testOptions(t, "", Options{}, "OKAUTH_STORAGE_KEY_FILE="+path))
	_, err := s.Secret(KeyStorageKey).Read(t.Context())
	wantError(t, err, `setting "storage_key_file" from OKAUTH_STORAGE_KEY_FILE`, "NUL byte")
}

func TestSecretTwice(t *testing.T) {
	t.Parallel()
	_, err := Load(testOptions(t, "profiles: {default: {client_secret_file: f, client_secret_command: c}}", Options{}))
	wantError(t, err, `"client_secret_command" from`, `"client_secret_file" is set as well`,
		"other: client_secret_file")
	_, err = Load(testOptions(t, "profiles: {default: {password_file: f, password_command: c}}", Options{}))
	wantError(t, err, `"password_file" is set as well`)
	_, err = Load(testOptions(t, "profiles: {default: {storage_key_file: f, storage_key_command: c}}", Options{}))
	wantError(t, err, `"storage_key_file" is set as well`)
	_, err = Load(testOptions(t, "", Options{Flags: map[string]string{keyStorageKeyFile: "f",
		keyStorageKeyCommand: "c"}}))
	wantError(t, err, `"storage_key_command" from flag --storage-key-command`, `"storage_key_file" is set as well`)
}

func TestSecretFile(t *testing.T) {
	t.Parallel()
	tests := []struct{ content, want, err string }{
		{" canary-\u00e9\u200b1 \n", " canary-\u00e9\u200b1 ", ""},
		{strings.Repeat("c", maxSecret+1), "", "larger than 65536 bytes"},
		{"{a password of a person}\tand a tab\n", "{a password of a person}\tand a tab", ""},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := load(t, testOptions(t, "", Options{}, "OKAUTH_PASSWORD_FILE="+path))
		got, err := s.Secret(KeyPassword).Read(t.Context())
		if tt.err != "" {
			wantError(t, err, `setting "password_file" from OKAUTH_PASSWORD_FILE`, tt.err)
		} else if err != nil || string(got) != tt.want {
			t.Errorf("%.20q: got %q, %v; want %q", tt.content, got, err, tt.want)
		}
	}
}

// A client secret in braces is a template's; Okta makes none like it.
func TestClientSecretPlaceholder(t *testing.T) {
	t.Parallel()
	s := load(t, testOptions(t, "", Options{}, "OKAUTH_CLIENT_SECRET={clientSecret}"))
	_, err := s.Secret(KeyClientSecret).Read(t.Context())
	wantError(t, err, `setting "client_secret" from OKAUTH_CLIENT_SECRET`, "placeholder")
}

// Every setting that is a path, from every layer: ~ is the home directory, and a path in the file is relative to the
// file.
func TestPaths(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, k := range table() {
		if k.Type != Path {
			continue
		}
		for _, layer := range []string{"flag", "environment", "file"} {
			for text, want := range map[string]string{"~/a/b": filepath.Join(home, "a", "b"), "~": home, "a/b": "a/b",
				"./~/a": "./~/a", filepath.Join(home, "x"): filepath.Join(home, "x")} {
				o := settingIn(t, layer, k, text, "HOME="+home)
				path, err := ConfigPath(o)
				must(t, err)
				if layer == "file" && !filepath.IsAbs(want) {
					want = filepath.Join(filepath.Dir(path), want)
				}
				if got, err := load(t, o).resolvePath(k.Name); err != nil || got != want {
					t.Errorf("%s from the %s: %q is %q, %v; want %q", k.Name, layer, text, got, err, want)
				}
			}
			_, err := Load(settingIn(t, layer, k, "~bob/a", "HOME="+home))
			wantError(t, err, k.Name, `"~bob/a"`, "home directory of another user")
		}
	}
}

// So is the path of the configuration file itself.
func TestConfigPathInHome(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	must(t, os.WriteFile(filepath.Join(home, "c.yaml"), []byte("profiles: {default: {username: alice}}"), 0o600))
	for _, o := range []Options{testOptions(t, "", Options{ConfigFile: "~/c.yaml"}, "HOME="+home),
		testOptions(t, "", Options{}, "HOME="+home, "OKAUTH_CONFIG=~/c.yaml")} {
		if s := load(t, o); s.Username() != "alice" || s.ConfigPath() != filepath.Join(home, "c.yaml") {
			t.Errorf("got user %q from %s", s.Username(), s.ConfigPath())
		}
	}
}

// What cannot be read is named, and what is not set is no file.
func TestUnusablePaths(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for path, want := range map[string]string{home: "is a directory", filepath.Join(home, "none"): "open"} {
		s := load(t, testOptions(t, "", Options{}, "OKAUTH_PASSWORD_FILE="+path))
		_, err := s.Secret(KeyPassword).Read(t.Context())
		wantError(t, err, want)
	}
	if path, err := load(t, testOptions(t, "", Options{})).File(KeyClientCert); path != "" || err != nil {
		t.Errorf("not set: got %q, %v", path, err)
	}
}

func TestSecretCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command lines are written for sh")
	}
	t.Parallel()
	tests := []struct{ command, want, err string }{
		{"echo canary-1", "canary-1", ""},
		{"printf canary-1", "canary-1", ""},
		{`printf 'canary-1\r\nsecond\n'`, "canary-1", ""},
		{"echo 'it'\\''s'", "it's", ""},
		{"cat; echo after", "after", ""}, // stdin is empty, not inherited
		{"echo canary-1; exit 3", "", "exit status 3"},
		{"echo canary-1 >&2; false", "", "exit status 1"},
		{"no-such-command-here", "", "exit status 127"},
		{"kill -9 $$", "", "signal: killed"},
		{"true", "", "the secret is empty"},
		{"echo", "", "the secret is empty"},
		{"yes canary", "", "more than 65536 bytes"},
	}
	for _, tt := range tests {
		s := load(t, testOptions(t, "", Options{}, "OKAUTH_PASSWORD_COMMAND="+tt.command))
		got, err := s.Secret(KeyPassword).Read(t.Context())
		if tt.err != "" {
			wantError(t, err, `setting "password_command" from OKAUTH_PASSWORD_COMMAND`, tt.err)
		} else if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.command, got, err, tt.want)
		}
	}
}

// Of a private key, which has several lines, a command prints all, and a variable may have all.
func TestST36_SecretOfSeveralLines(t *testing.T) {
	t.Parallel()
	const text = "-----BEGIN X-----\r\ncanary-1\n-----END X-----"
	for _, variable := range []string{"OKAUTH_PRIVATE_KEY=" + text + "\n", "OKTA_CLIENT_PRIVATEKEY=" + text,
		"OKAUTH_PRIVATE_KEY_COMMAND=printf -- '-----BEGIN X-----\\r\\ncanary-1\\n-----END X-----\\n'"} {
		if runtime.GOOS == "windows" && strings.Contains(variable, "COMMAND") {
			continue // the command line is written for sh
		}
		s := load(t, testOptions(t, "", Options{}, variable))
		if got, err := s.Secret(KeyPrivateKey).Read(t.Context()); err != nil || string(got) != text {
			t.Errorf("%.30s: got %q, %v", variable, got, err)
		}
	}
	s := load(t, testOptions(t, "", Options{}, "OKAUTH_PRIVATE_KEY=-----BEGIN\x1b[31m"))
	_, err := s.Secret(KeyPrivateKey).Read(t.Context())
	wantError(t, err, "escape sequence", "OKAUTH_PRIVATE_KEY")
	_, err = Load(testOptions(t, "profiles: {default: {private_key: canary}}", Options{}))
	if e := wantError(t, err, "the private key is never kept in the configuration"); e.Kind != NotInFile {
		t.Errorf("got %#v", e)
	}
}

// A key file that others can read is named, and one that only its owner can, a link to it and a pipe are not.
func TestST36_ReadableByOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(path, []byte("x"), 0o600))
	s := load(t, testOptions(t, "", Options{}, "OKAUTH_PRIVATE_KEY_FILE="+path))
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o604: true, 0o644: true} {
		must(t, os.Chmod(path, mode))
		if got, yes := s.ReadableByOthers(s.Secret(KeyPrivateKey)); yes != want || got != path {
			t.Errorf("%04o: got %q, %t", mode, got, yes)
		}
	}
	if _, yes := s.ReadableByOthers(s.Secret(KeyPassword)); yes {
		t.Error("a secret that is in no file is readable")
	}
}

// The command sees no secret in its environment, and may complain to stderr.
func TestAT61_SecretCommandEnvironment(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command lines are written for sh")
	}
	for name, value := range map[string]string{"OKAUTH_PASSWORD": "canary-1", "OKAUTH_CLIENT_SECRET": "canary-2",
		"OKTA_OAUTH2_CLIENT_SECRET": "canary-3", "OKTA_OAUTH2_CLIENTSECRET": "canary-4",
		"OKAUTH_STORAGE_KEY": "canary-5", "KEPT": "kept"} {
		t.Setenv(name, value)
	}
	var complaint strings.Builder
	s := load(t, testOptions(t, "", Options{Stderr: &complaint},
		"OKAUTH_PASSWORD_COMMAND=echo please unlock >&2; env | grep -c canary; env | grep -c ^KEPT >&2"))
	got, err := s.Secret(KeyPassword).Read(t.Context())
	if err != nil || string(got) != "0" || complaint.String() != "please unlock\n1\n" {
		t.Errorf("got %q, %v, stderr %q", got, err, complaint.String())
	}
}

// One row of the table is all that a secret needs.
func TestSecretIsThreeSettings(t *testing.T) {
	t.Parallel()
	for _, k := range rows() {
		if k.Type != Secret {
			continue
		}
		own := "OKAUTH_" + strings.ToUpper(k.Name)
		want := []Key{
			{Name: k.Name, Type: Secret, Env: append([]string{own}, k.Env...)},
			{Name: k.Name + "_file", Type: Path, Env: []string{own + "_FILE"}},
			{Name: k.Name + "_command", Type: Command, Env: []string{own + "_COMMAND"}},
		}
		for _, w := range want {
			got := lookup(w.Name)
			if got.Type != w.Type || !slices.Equal(got.Env, w.Env) || got.Help == "" ||
				got.NotInFile != (k.NotInFile && w.Type == Secret) {
				t.Errorf("%s: got %+v, want %+v", w.Name, got, w)
			}
		}
	}
}

func TestSecretVariables(t *testing.T) {
	t.Parallel()
	got := SecretVariables()
	for _, want := range []string{"OKAUTH_CLIENT_SECRET", "OKTA_OAUTH2_CLIENT_SECRET", "OKTA_OAUTH2_CLIENTSECRET",
		"OKAUTH_PASSWORD", "OKAUTH_OTP", "OKAUTH_STORAGE_KEY", "OKAUTH_PRIVATE_KEY", "OKTA_CLIENT_PRIVATEKEY"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in %q", want, got)
		}
	}
	for _, k := range table() {
		for _, name := range k.Env {
			if slices.Contains(got, name) != (k.Type == Secret || k.Name == KeyStorageURL) {
				t.Errorf("%s of %s: in the list %t", name, k.Name, k.Type != Secret)
			}
		}
	}
}

// A secret in a variable that was withheld is an error, and no other source takes its place, unless this process was
// given one.
func TestWithheldSecrets(t *testing.T) {
	t.Parallel()
	for _, k := range table() {
		if k.Type != Secret {
			continue
		}
		for _, name := range k.Env {
			file := ""
			if !k.NotInFile {
				file = "profiles:\n  default:\n    " + CommandKey(k.Name) + ": echo another\n"
			}
			s := load(t, testOptions(t, file, Options{}, WithheldVariable+"=OTHER "+name))
			_, err := s.Secret(k.Name).Read(t.Context())
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != Withheld || e.Source.Name != name || e.Key != k.Name {
				t.Errorf("%s: got %v, want that it is withheld", name, err)
			}
			if got, err := s.Get(k.Name); !k.NotInFile && (err != nil || got.Source.Name != name+", withheld") {
				t.Errorf("%s: the setting comes from %q, %v", name, got.Source.Name, err)
			}
			given := k.Env[0] + "_FILE"
			s = load(t, testOptions(t, file, Options{}, WithheldVariable+"="+name, given+"=here"))
			if got := s.Secret(k.Name).Source.Name; got != given {
				t.Errorf("%s: it comes from %q, want %s", name, got, given)
			}
		}
	}
	lookup := func(name string) (string, bool) {
		text, ok := map[string]string{WithheldVariable: "OTHER", "OKAUTH_STORAGE_KEY": "", "OKAUTH_DOMAIN": "x"}[name]
		return text, ok
	}
	if got := WithheldNames(lookup); got != "OTHER OKAUTH_STORAGE_KEY" {
		t.Errorf("got %q", got)
	}
}

// A command that hangs is killed, and the reason can be asked.
func TestSecretCommandDeadline(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command lines are written for sh")
	}
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "pid")
	s := load(t, testOptions(t, "", Options{},
		"OKAUTH_PASSWORD_COMMAND=echo $$ > '"+mark+"'; echo ready >> '"+mark+"'; exec sleep 600"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := s.Secret(KeyPassword).Read(ctx)
		done <- err
	}()
	var pid int
	for ready := false; !ready; {
		select {
		case err := <-done:
			t.Fatalf("ended early: %v", err)
		case <-time.After(5 * time.Millisecond):
		}
		data, _ := os.ReadFile(mark)
		ready = strings.Contains(string(data), "ready")
		_, _ = fmt.Sscan(string(data), &pid)
	}
	cancel()
	err := <-done
	if wantError(t, err, "did not finish"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled in it", err)
	}
	for start := time.Now(); alive(pid); {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("process %d of the command still runs", pid)
		}
		<-time.After(5 * time.Millisecond)
	}
}
