package cmd

import "github.com/spf13/cobra"

// explainCompletion replaces Cobra's help texts of the completion commands.
func explainCompletion(completion *cobra.Command) {
	completion.Short = "Print a completion script for a shell"
	completion.Long = `Print the script with which a shell completes commands, flags, profiles and
settings when you press Tab. Packages install it.`
	completion.Example = `  # bash, for this session
  source <(okauth completion bash)
  # fish, for this session
  okauth completion fish | source`
	for _, shell := range completion.Commands() {
		shell.Long = "Print completions for " + shell.Name() + ", for this session or for a file that\nevery session reads."
		switch shell.Name() {
		case "bash":
			shell.Long += " bash needs the package bash-completion for it."
			shell.Example = `  # for this session
  source <(okauth completion bash)
  # for every session
  okauth completion bash > ~/.local/share/bash-completion/completions/okauth`
		case "zsh":
			shell.Long += " zsh must have run \"autoload -U compinit; compinit\"."
			shell.Example = `  # for this session
  source <(okauth completion zsh)
  # for every session
  okauth completion zsh > "${fpath[1]}/_okauth"`
		case "fish":
			shell.Example = `  # for this session
  okauth completion fish | source
  # for every session
  okauth completion fish > ~/.config/fish/completions/okauth.fish`
		case "powershell":
			shell.Example = `  # for this session
  okauth completion powershell | Out-String | Invoke-Expression
  # for every session
  okauth completion powershell >> $PROFILE`
		}
	}
}
