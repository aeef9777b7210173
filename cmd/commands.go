package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/output"
)

// Commands returns the tree of all commands, for the generator of the man pages. Its commands cannot run.
func Commands() *cobra.Command {
	root := newRootCmd(&cli.Env{}, &cli.GlobalFlags{}, nil)
	topic, _, _ := root.Find([]string{"errors"})
	topic.Long += errorsText()
	return root
}

func newVersionCmd(env *cli.Env) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version",
		Example: "  # for a bug report\n  okauth version\n  # for a program\n  okauth version -o json | jq -r .version",
		Args:    cli.ArgsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if format == "json" {
				return output.JSON(env.Stdout, env.Build.Facts())
			}
			_, err := fmt.Fprintln(env.Stdout, "okauth version "+env.Build.String())
			return err
		},
	}
	cli.OutputFlag(c, &format, "text", "json")
	return c
}

// explainCompletion replaces Cobra's help texts of the completion commands, which then refuse unknown arguments.
func explainCompletion(completion *cobra.Command) {
	completion.Args = cli.NoSuchCommand
	completion.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	completion.Short = "Print a completion script for a shell"
	completion.Long = `Print the script with which a shell completes commands, flags, profiles and
settings when you press Tab. Packages install it.`
	completion.Example = `  # bash, for this session
  source <(okauth completion bash)
  # fish, for this session
  okauth completion fish | source`
	for _, shell := range []struct{ name, needs, session, install string }{
		{"bash", " bash needs the package bash-completion for it.", "source <(okauth completion bash)",
			"> ~/.local/share/bash-completion/completions/okauth"},
		{"zsh", ` zsh must have run "autoload -U compinit; compinit".`, "source <(okauth completion zsh)",
			`> "${fpath[1]}/_okauth"`},
		{"fish", "", "okauth completion fish | source", "> ~/.config/fish/completions/okauth.fish"},
		{"powershell", "", "okauth completion powershell | Out-String | Invoke-Expression", ">> $PROFILE"},
	} {
		c, _, _ := completion.Find([]string{shell.name}) // Cobra has made it
		c.Args = cli.ArgsBetween(0, 0)
		c.Long = "Print completions for " + shell.name + ", for this session or for a file that\nevery session reads." +
			shell.needs
		c.Example = "  # for this session\n  " + shell.session +
			"\n  # for every session\n  okauth completion " + shell.name + " " + shell.install
	}
}
