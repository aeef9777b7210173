package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/prompt"
)

// Commands returns the tree of all commands, for the generator of the man pages. Its commands cannot run.
func Commands(b cli.Build) *cobra.Command {
	env := &cli.Env{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Build: b,
		LookupEnv:     func(string) (string, bool) { return "", false },
		UserConfigDir: func() (string, error) { return "", nil },
		OpenTerminal:  func() (*prompt.Terminal, error) { return nil, prompt.ErrNoTerminal },
		Signals:       func(ctx context.Context) (context.Context, func()) { return ctx, func() {} },
	}
	return newRootCmd(env, &cli.GlobalFlags{}, nil)
}

func newVersionCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version",
		Example: "  # for a bug report\n  okauth version",
		Args:    cli.ArgsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, "okauth version "+env.Build.String())
			return err
		},
	}
}

// explainCompletion replaces Cobra's help texts of the completion commands.
func explainCompletion(completion *cobra.Command) {
	completion.Short = "Print a completion script for a shell"
	completion.Long = `Print the script with which a shell completes commands, flags, profiles and
settings when you press Tab. Packages install it.`
	completion.Example = `  # bash, for this session
  source <(okauth completion bash)
  # fish, for this session
  okauth completion fish | source`
	type shell struct{ needs, session, install string }
	shells := map[string]shell{
		"bash": {" bash needs the package bash-completion for it.", "source <(okauth completion bash)",
			"> ~/.local/share/bash-completion/completions/okauth"},
		"zsh": {` zsh must have run "autoload -U compinit; compinit".`, "source <(okauth completion zsh)",
			`> "${fpath[1]}/_okauth"`},
		"fish":       {"", "okauth completion fish | source", "> ~/.config/fish/completions/okauth.fish"},
		"powershell": {"", "okauth completion powershell | Out-String | Invoke-Expression", ">> $PROFILE"},
	}
	for _, c := range completion.Commands() {
		s, name := shells[c.Name()], c.Name()
		c.Long = "Print completions for " + name + ", for this session or for a file that\nevery session reads." + s.needs
		c.Example = "  # for this session\n  " + s.session +
			"\n  # for every session\n  okauth completion " + name + " " + s.install
	}
}
