package cmd_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/creack/pty"
)

// Ctrl-G makes each shell show the line as it stands.
var shellStarts = map[string]string{
	"bash": `. /usr/share/bash-completion/bash_completion
		PS1='ready> '
		bind -x '"\C-g": printf "<%s>" "$READLINE_LINE"'`,
	"zsh": `fpath=($HOME/completions $fpath)
		autoload -Uz compinit && compinit -u -D
		PS1='ready> '
		show() { print -rn -- "<$BUFFER>" }
		zle -N show
		bindkey '^G' show`,
	"fish": `set fish_greeting
		function fish_prompt; echo 'ready> '; end
		bind \cg 'printf "<%s>" (commandline)'`,
}

// Real shells complete what a person types. With OKAUTH_TEST_INSTALLED, in a root where a package was installed, they
// find the program and its completions where the package put them.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	for shell := range shellStarts {
		t.Run(shell, func(t *testing.T) {
			p := inShell(t, shell)
			p.waitFor("ready>")
			for _, line := range []struct{ typed, completed string }{
				{"okauth tok", "okauth token "},
				{"okauth config key", "okauth config keygen "},
				{"okauth -p pr", "okauth -p prod "},
				{"okauth token --ref", "okauth token --refresh "},
				{"okauth token --type i", "okauth token --type id "},
				{"okauth token -o h", "okauth token -o header "},
				{"okauth config use d", "okauth config use dev "},
				{"okauth config get dom", "okauth config get domain "},
				{"okauth config set dom", "okauth config set domain "},
				{"okauth config set storage k", "okauth config set storage keychain "},
				{"okauth config set grant de", "okauth config set grant device-code "},
				{"okauth config set ca_file compan", "okauth config set ca_file company.pem "},
			} {
				p.types("\x15" + line.typed + "\t\a")
				p.waitFor("<" + line.completed + ">")
			}
		})
	}
}

// inShell returns a person in front of a shell whose folder has a configuration and a file company.pem.
func inShell(t *testing.T, shell string) *person {
	if _, err := exec.LookPath(shell); err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat("/usr/share/bash-completion/bash_completion"); shell == "bash" && err != nil {
		t.Skip(err)
	}
	home := t.TempDir()
	place := func(name, text string) {
		path := filepath.Join(home, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	place("okauth.yaml", "profile: dev\nprofiles:\n  dev: {domain: dev-1.okta.com}\n  prod: {domain: acme.okta.com}\n")
	place("company.pem", "")
	place(map[string]string{"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}[shell], shellStarts[shell])

	command := exec.Command(shell, "-i")
	command.Dir = home
	command.Env = []string{"HOME=" + home, "PATH=" + filepath.Join(home, "bin") + ":" + os.Getenv("PATH"), "TERM=xterm", exitAtOnce,
		"LANG=C.UTF-8", "OKAUTH_CONFIG=" + filepath.Join(home, "okauth.yaml")}
	if os.Getenv("OKAUTH_TEST_INSTALLED") == "" {
		for from, to := range map[string]string{
			"okauth.bash": ".local/share/bash-completion/completions/okauth",
			"_okauth":     "completions/_okauth",
			"okauth.fish": ".config/fish/completions/okauth.fish",
		} {
			script, err := os.ReadFile(filepath.Join("..", "completions", from))
			if err != nil {
				t.Fatal(err)
			}
			place(to, string(script))
		}
		self, err := os.Executable()
		if err := errors.Join(err, os.Mkdir(filepath.Join(home, "bin"), 0o700), os.Symlink(self, filepath.Join(home, "bin", "okauth"))); err != nil {
			t.Fatal(err)
		}
	}
	p := newPerson(t, command)
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	p.terminal = terminal
	t.Cleanup(func() { command.Process.Kill(); command.Wait(); terminal.Close() })
	go p.watch()
	return p
}
