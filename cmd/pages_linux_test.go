package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// Lines of the other pages, each as it stands there, in each shell that people script in.
func TestPages(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*kitchen){
		"settings": settingsPage,
		"storage":  storagePage,
		"recipes":  tokensPage,
		"sandbox":  sandboxPage,
	} {
		for _, shell := range []string{"ash", "bash", "dash", "zsh", "fish"} {
			t.Run(name+"/"+shell, func(t *testing.T) {
				t.Parallel()
				k := newKitchen(t)
				k.uses(shell)
				run(k)
			})
		}
	}
}

// block returns the block of sh on a page that begins so.
func (k *kitchen) block(page, beginning string) string {
	k.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", page))
	if err != nil {
		k.t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "```sh\n"+beginning)
	block, _, _ = strings.Cut(block, "```\n")
	if !ok {
		k.t.Fatalf("docs/%s has no lines %s", page, beginning)
	}
	return beginning + block
}

// prints runs lines of shell, wants them to succeed, and returns their standard output.
func (k *kitchen) prints(environ []string, text string) string {
	k.t.Helper()
	stdout, stderr, code := k.runs(environ, k.shell[0], k.strict(text)...)
	if code != 0 {
		k.t.Fatalf("%s: exit code %d: %s", text, code, stderr)
	}
	return stdout
}

// stranger has a keychain and no settings.
func (k *kitchen) stranger() []string {
	environ := slices.DeleteFunc(k.desk(), func(entry string) bool {
		return strings.HasPrefix(entry, "OKAUTH_") && !strings.HasPrefix(entry, "OKAUTH_NO_INPUT=")
	})
	return append(environ, "PATH="+k.dir+":"+k.path)
}

func settingsPage(k *kitchen) {
	k.write(filepath.Join(k.dir, "pass"), `#!/bin/sh
case $2 in
okta/client-secret) echo `+oktatest.DefaultClientSecret+` ;;
okta/alice) echo `+oktatest.DefaultPassword+` ;;
esac
`, 0o700)
	k.server.AddUser(oktatest.User{Login: "alice@example.com", Password: oktatest.DefaultPassword})
	lines := k.block("settings.md", "okauth config set domain ")
	if token := k.prints(k.stranger(), lines+"okauth token"); !k.welcome(strings.TrimSpace(token)) {
		k.t.Errorf("got the token %q", token)
	}
	k.signedIn(1)
}

func storagePage(k *kitchen) {
	secrets := filepath.Join(k.home, "secrets")
	must(os.Mkdir(secrets, 0o700))
	k.write(filepath.Join(secrets, "okauth-key"), "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n", 0o600)
	k.write(filepath.Join(secrets, "password"), oktatest.DefaultPassword+"\n", 0o600)
	lines := k.block("storage.md", "export OKAUTH_STORAGE=file ")
	lines = strings.NewReplacer("/run/secrets", secrets, "/var/lib/job", k.dir).Replace(lines)
	if token := k.prints(k.desk(), lines); !k.welcome(strings.TrimSpace(token)) {
		k.t.Errorf("got the token %q", token)
	}
	k.signedIn(1)
}

// What each line prints, other tests look at.
func tokensPage(k *kitchen) {
	installedOrSkip(k.t, "jq")
	environ := append(k.desk(), "OKAUTH_SCOPES=openid offline_access", "PATH="+k.dir+":"+k.path)
	token := k.prints(environ, "okauth token")
	k.write(filepath.Join(k.dir, "pbpaste"), "#!/bin/sh\nokauth token\n", 0o700)
	k.write(filepath.Join(k.dir, "access.log"), strings.Repeat("GET /?token="+token, 3), 0o600)
	lines := strings.Replace(k.block("recipes.md", "okauth decode  "), "api://orders", "api://default", 1)
	got := k.prints(environ, lines)
	if !strings.HasSuffix(got, "      3 valid\n") || strings.Count(got, "\nvalid: ") != 1 {
		k.t.Errorf("got %s", got)
	}
}

func sandboxPage(k *kitchen) {
	s := startSandbox(k.t)
	var lines string
	for name, value := range s.vars {
		lines += "export " + name + "='" + value + "'\n"
	}
	command, _, _ := strings.Cut(k.block("sandbox.md", "okauth login && "), "\n")
	if token := k.prints(k.stranger(), lines+command); strings.Count(token, ".") != 2 {
		k.t.Errorf("got the token %q", token)
	}
}

// The page names the secret that the sandbox has, also in the lines that no test runs.
func TestSandboxPageSecret(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "sandbox.md"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := regexp.MustCompile(`_CLIENT_SECRET[=:] ?(\S+)`).FindAllStringSubmatch(string(page), -1)
	if len(secrets) < 2 {
		t.Errorf("got %q", secrets)
	}
	for _, s := range secrets {
		if s[1] != oktatest.DefaultClientSecret {
			t.Errorf("got %s", s[0])
		}
	}
}
