package cmd_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"okauth/pkg/oktatest"
)

// uses makes a shell run the lines of the recipe.
func (k *kitchen) uses(shell string) {
	k.t.Helper()
	if k.shell = []string{shell}; shell == "ash" {
		k.shell = []string{"busybox", "ash"}
	}
	installedOrSkip(k.t, k.shell[0])
}

// strict returns the arguments with which the shell runs lines as strictly as it can: dash has no pipefail, and fish
// none of this.
func (k *kitchen) strict(text string) []string {
	if k.shell[0] != "fish" {
		text = "set -eu; if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi\n" + text
	}
	return append(slices.Clone(k.shell[1:]), "-c", text)
}

// cooks runs lines of shell, and wants them to succeed with this output and
// nothing on standard error.
func (k *kitchen) cooks(environ []string, text, want string) {
	k.t.Helper()
	stdout, stderr, code := k.runs(environ, k.shell[0], k.strict(text)...)
	if code != 0 || stdout != want || stderr != "" {
		k.t.Errorf("%s: got exit code %d, %q and %q, want 0, %q and nothing", text, code, stdout, stderr, want)
	}
}

func fishRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "fish")
	k.cooks(k.desk(), blocks[0].text, ordersAnswer)
	k.cooks(k.desk(), `set -gx OKTA_ACCESS_TOKEN (okauth token); or exit
		sh -c 'test "$OKTA_ACCESS_TOKEN" = "$(okauth token)"'
		set -e OKTA_ACCESS_TOKEN
		okauth token -o env --shell fish | source
		sh -c 'test "$OKTA_ACCESS_TOKEN" = "$(okauth token)"'`, "")
	k.signedIn(1)
	k.ordered("/v1/orders")
	k.endsWithout(blocks[0].text)
}

// endsWithout wants a script to end with okauth's exit code if there is no token.
func (k *kitchen) endsWithout(text string) {
	k.t.Helper()
	environ := append(k.desk(), "OKAUTH_PASSWORD=wrong-horse", "OKAUTH_STORAGE=none")
	stdout, stderr, code := k.runs(environ, k.shell[0], append(slices.Clone(k.shell[1:]), "-c", text)...)
	if code != 5 || stdout != "" || !strings.Contains(stderr, "okauth: error: ") {
		k.t.Errorf("got exit code %d, %q and %q, want 5 and no call", code, stdout, stderr)
	}
	k.ordered()
}

// writeDeploy writes a script that calls the API with no other variable than the token.
func (k *kitchen) writeDeploy(name string) {
	k.write(filepath.Join(k.dir, name), "#!/bin/sh\nexport "+strings.Join(k.network(), " ")+`
echo "Authorization: Bearer $OKTA_ACCESS_TOKEN" | curl -fsS -H @- https://api.example.com/v1/orders
`, 0o700)
}

// Both targets at once share one sign-in.
func makeRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "make")
	installedOrSkip(k.t, "make")
	k.writeDeploy("deploy.sh")
	k.write(filepath.Join(k.dir, "Makefile"), blocks[0].text, 0o600)
	k.cooks(k.desk(), "make -s -j orders.json deploy; cat orders.json; rm orders.json", ordersAnswer+ordersAnswer)
	k.ordered("/v1/orders", "/v1/orders")
	k.signedIn(1)

	environ := append(k.desk(), "OKAUTH_PASSWORD=wrong-horse", "OKAUTH_STORAGE=none")
	_, stderr, code := k.runs(environ, "make", "orders.json")
	if code != 2 || !strings.Contains(stderr, "okauth: error: ") || !strings.Contains(stderr, "Error 5") {
		k.t.Errorf("got exit code %d: %s", code, stderr)
	}
	k.ordered()
}

// cronRecipe runs the job as Debian's cron does: a few variables, those of the table, sh, the home directory, no
// terminal. https://manpages.debian.org/bookworm/cron/crontab.5.en.html
func cronRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "crontab")
	vars, line, _ := strings.Cut(blocks[0].text, "\n")
	words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 6)
	if len(words) != 6 || strings.Contains(words[5], "%") || vars != "PATH=/usr/local/bin:/usr/bin:/bin" {
		k.t.Fatalf("got the table %q", blocks[0].text)
	}
	k.writeDeploy("orders.sh")
	secret := filepath.Join(k.dir, "password")
	k.write(secret, oktatest.DefaultPassword+"\n", 0o600)
	config := filepath.Join(k.dir, ".config", "okauth", "config.yaml")
	must(os.MkdirAll(filepath.Dir(config), 0o700))
	text := "profiles: {default: {domain: " + readmeDomain + ", client_id: " + readmeClient + ", client_secret: " +
		oktatest.DefaultClientSecret + ", username: " + readmeUser + ", password_file: " + secret + ", storage: "
	// okauth is not in /usr/local/bin here, and the network is another one.
	environ := append(k.network(), "HOME="+k.dir, "LOGNAME=alice", "SHELL=/bin/sh", "PATH="+k.path,
		"TEST_LOCKS="+filepath.Join(k.home, "locks"))
	run := func(storage string, command ...string) {
		k.t.Helper()
		k.write(config, text+storage+"}}", 0o600)
		for range 2 {
			stdout, stderr, code := k.runs(environ, command[0], append(command[1:], "/bin/sh", "-c", words[5])...)
			if stdout != ordersAnswer || stderr != "" {
				k.t.Errorf("%s: got exit code %d, %q and %q", storage, code, stdout, stderr)
			}
		}
		k.ordered("/v1/orders", "/v1/orders")
		k.signedIn(1)
	}
	run("file", "setsid", "-w")
	if os.Geteuid() == 0 { // no one else can have a desktop's bus here
		run("keychain", "unshare", "--mount", "setsid", "-w", "sh", "-c",
			`mount -t tmpfs tmpfs /run && mkdir /run/user && ln -s "$0" /run/user/0 && exec "$@"`, k.keychain.Dir())
	}
}

// Without the flag, sudo takes the token away.
func sudoRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	installedOrSkip(k.t, "sudo")
	if os.Geteuid() != 0 {
		k.t.Skip("sudo asks everyone but root for a password")
	}
	k.writeDeploy("deploy.sh")
	k.cooks(k.desk(), blocks[0].text, ordersAnswer)
	k.ordered("/v1/orders")
	k.signedIn(1)

	_, stderr, code := k.runs(k.desk(), "okauth", "exec", "--", "sudo", "./deploy.sh")
	if code != 22 || !strings.Contains(stderr, "401") {
		k.t.Errorf("got exit code %d: %s", code, stderr)
	}
}
