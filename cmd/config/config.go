// Package config is the command that shows and changes the settings.
package config

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/store"
)

// options are what the commands below "config" share.
type options struct {
	env    *cli.Env
	global *cli.GlobalFlags
}

// New returns the command "config".
func New(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &options{env: env, global: global}
	c := &cobra.Command{
		Use:   "config",
		Short: "Show and change the settings",
		Long: `Show and change the settings. A setting comes from a flag, an environment
variable, the profile in the configuration file, or its default, in this order.
These commands work on the profile in use, or on the one that -p names.`,
		Example: `  # answer questions
  okauth config init
  # every setting and where it comes from
  okauth config list
  # one setting
  okauth config set scopes "openid profile"
  # one setting of another profile
  okauth -p prod config set domain prod-1.okta.com`,
		Args: cli.NoSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(o.newInit(), o.newList(), o.newGet(), o.newSet(), o.newUnset(), o.newPath(), o.newUse())
	return c
}

// open reads the settings of the profile.
func (o *options) open() (*okauth.Client, error) {
	return (&cli.SessionFlags{GlobalFlags: o.global}).Open(o.env)
}

// edit opens the configuration file and returns the profile to edit. It checks no value, so that a wrong one can be
// corrected.
func (o *options) edit() (file *config.File, profile string, err error) {
	path, profile, err := config.Locate(o.global.ConfigOptions(o.env))
	if err != nil {
		return nil, "", err
	}
	file, err = config.OpenFile(path)
	return file, profile, err
}

func (o *options) newGet() *cobra.Command {
	return &cobra.Command{
		Use:               "get KEY",
		Short:             "Print the value of one setting",
		Long:              "Print the value of one setting. A secret is never printed.",
		Example:           "  # the value in force\n  okauth config get domain",
		Args:              cli.ArgsBetween(1, 1),
		ValidArgsFunction: completeKeys,
		RunE:              func(_ *cobra.Command, args []string) error { return o.get(args[0]) },
	}
}

func (o *options) get(key string) error {
	client, err := o.open()
	if err != nil {
		return err
	}
	setting, err := client.Settings().Get(key)
	switch {
	case err != nil:
		return err
	case setting.Secret:
		return &cli.UsageError{Message: setting.Key + " is a secret and never shown",
			Advice: "okauth config list says where it comes from"}
	case setting.Value == "":
		return fmt.Errorf("%s is not set in profile %q", setting.Key, client.Settings().ProfileName())
	}
	_, err = fmt.Fprintln(o.env.Stdout, okta.Sanitize(setting.Value, 10_000))
	return err
}

func (o *options) newUnset() *cobra.Command {
	return &cobra.Command{
		Use:   "unset KEY",
		Short: "Remove a setting from the profile",
		Long:  "Remove a setting from the profile. client_secret is also removed from the\nkeychain.",
		Example: "  # back to the default\n  okauth config unset username\n" +
			"  # from the keychain too\n  okauth -p prod config unset client_secret",
		Args:              cli.ArgsBetween(1, 1),
		ValidArgsFunction: completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return o.unset(c.Context(), args[0]) },
	}
}

func (o *options) unset(ctx context.Context, key string) error {
	file, profile, err := o.edit()
	if err != nil {
		return err
	}
	if err := file.Unset(profile, key); err != nil {
		return err
	}
	if err := file.Save(); err != nil || key != config.KeyClientSecret {
		return err
	}
	client, err := o.open()
	if err != nil || client.Settings().Require(config.KeyDomain, config.KeyClientID) != nil {
		return err
	}
	secrets, account := client.KeychainSecret(true)
	return ignoreNoKeychain(secrets.Delete(ctx, account))
}

// ignoreNoKeychain returns nil if err says that there is no keychain.
func ignoreNoKeychain(err error) error {
	if e, ok := errors.AsType[*store.Error](err); ok && e.Kind == store.Unavailable {
		return nil
	}
	return err
}

func (o *options) newPath() *cobra.Command {
	return &cobra.Command{
		Use:     "path",
		Short:   "Print where the configuration file is, or would be",
		Example: "  # its name\n  okauth config path\n  # edit it\n  ${EDITOR:-vi} \"$(okauth config path)\"",
		Args:    cli.ArgsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			path, err := config.ConfigPath(o.global.ConfigOptions(o.env))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(o.env.Stdout, path)
			return err
		},
	}
}

func (o *options) newUse() *cobra.Command {
	return &cobra.Command{
		Use:     "use PROFILE",
		Short:   "Choose the default profile",
		Long:    "Choose the profile that okauth uses if neither -p nor OKAUTH_PROFILE names one.",
		Example: "  # use the profile prod from now on\n  okauth config use prod",
		Args:    cli.ArgsBetween(1, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return completeFirst(args, ProfileNames(o.env, o.global))
		},
		RunE: func(_ *cobra.Command, args []string) error {
			file, _, err := o.edit()
			if err != nil {
				return err
			}
			if err := file.Use(args[0]); err != nil {
				return err
			}
			if err := file.Save(); err != nil {
				return err
			}
			fmt.Fprintf(o.env.Stderr, "Profile %q is now the default.\n", args[0])
			return nil
		},
	}
}

// completeKeys offers the settings for the first argument.
func completeKeys(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, k := range config.Keys() {
		keys = append(keys, cobra.CompletionWithDesc(k.Name, k.Help))
	}
	return completeFirst(args, keys)
}

// completeFirst offers words for the first argument only.
func completeFirst(args, words []string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		words = nil
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// ProfileNames returns the profiles of the configuration file, none if it cannot be read.
func ProfileNames(env *cli.Env, global *cli.GlobalFlags) []string {
	path, err := config.ConfigPath(global.ConfigOptions(env))
	if err != nil {
		return nil
	}
	file, err := config.OpenFile(path)
	if err != nil {
		return nil
	}
	return file.Profiles()
}
