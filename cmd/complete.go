package cmd

import (
	"github.com/spf13/cobra"

	"okauth/pkg/profile"
)

// completeKeys offers the setting keys for the first argument.
func completeKeys(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, k := range profile.Keys() {
		keys = append(keys, cobra.CompletionWithDesc(k.Name, k.Help))
	}
	return firstOf(args, keys)
}

// firstOf offers words for the first argument and nothing for the others.
func firstOf(args, words []string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		words = nil
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// profileNames lists the profiles in the configuration file; where it cannot be
// read, there is nothing to offer.
func profileNames(env *Env, global *globalFlags) []string {
	path, err := profile.ConfigPath(global.options(env))
	if err != nil {
		return nil
	}
	file, err := profile.OpenFile(path)
	if err != nil {
		return nil
	}
	return file.Profiles()
}
