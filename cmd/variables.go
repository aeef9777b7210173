package cmd

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
)

const prefix = "OKAUTH_"

// warnOfVariables warns of variables whose names are probably misspelt, before c runs. It shows no value, which may be
// a secret.
func warnOfVariables(env *cli.Env, c *cobra.Command) {
	if env.Environ == nil {
		return
	}
	var known, all []string // made when they are needed: most calls have no variable of ours, and few a misspelt one
	for _, entry := range env.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		name, ours := strings.CutPrefix(name, prefix)
		if !ours {
			continue
		}
		if known == nil {
			known = append(settingVariables(), flagVariables(c)...)
		}
		if slices.Contains(known, name) {
			continue
		}
		near := config.Suggest(name, known)
		if near == "" {
			continue
		}
		if all == nil {
			all = flagVariables(Commands())
		}
		if !slices.Contains(all, name) {
			env.Warn("the variable " + prefix + name + " means nothing to okauth: did you mean " + prefix + near + "?")
		}
	}
}

// settingVariables returns the variables that are not about a flag alone, without their prefix.
func settingVariables() []string {
	all := []string{"CONFIG", "PROFILE", "ERRORS", "DEBUG"}
	for _, name := range config.SecretVariables() {
		all = append(all, strings.TrimPrefix(name, prefix))
	}
	for _, key := range config.Keys() {
		for _, name := range key.Env {
			all = append(all, strings.TrimPrefix(name, prefix))
		}
	}
	return all
}

// flagVariables returns the variables of the flags of c and its commands, without their prefix.
func flagVariables(c *cobra.Command) (all []string) {
	add := func(f *pflag.Flag) {
		if name := cli.FlagVariable(f); name != "" {
			all = append(all, strings.TrimPrefix(name, prefix))
		}
	}
	c.Flags().VisitAll(add) // with the global ones, once the line was parsed
	c.PersistentFlags().VisitAll(add)
	for _, sub := range c.Commands() {
		all = append(all, flagVariables(sub)...)
	}
	return all
}
