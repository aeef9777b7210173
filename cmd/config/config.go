// Package config is the command that shows and changes the settings.
package config

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/store"
)

// options are what the commands below "config" share.
type options struct {
	env     *cli.Env
	session cli.SessionFlags // the global flags only
}

// New returns the command "config".
func New(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &options{env: env, session: cli.SessionFlags{GlobalFlags: global}}
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
	c.AddCommand(o.newInit(), o.newList(), o.newSet(), o.newKeygen())
	c.AddCommand(o.simple()...)
	return c
}

// simple returns the commands that have no flags.
func (o *options) simple() []*cobra.Command {
	return []*cobra.Command{{
		Use:               "get KEY",
		Short:             "Print the value of one setting",
		Long:              "Print the value of one setting. A secret is never printed.",
		Example:           "  # the value in force\n  okauth config get domain",
		Args:              cli.ArgsBetween(1, 1),
		ValidArgsFunction: completeFirst(keys),
		RunE:              func(_ *cobra.Command, args []string) error { return o.get(args[0]) },
	}, {
		Use:   "unset KEY",
		Short: "Remove a setting from the profile",
		Long: "Remove a setting from the profile. client_secret and private_key are removed\n" +
			"from the keychain, too.",
		Example: "  # back to the default\n  okauth config unset username\n" +
			"  # from the keychain too\n  okauth -p prod config unset client_secret",
		Args:              cli.ArgsBetween(1, 1),
		ValidArgsFunction: completeFirst(keys),
		RunE:              func(c *cobra.Command, args []string) error { return o.unset(c.Context(), args[0]) },
	}, {
		Use:     "path",
		Short:   "Print where the configuration file is, or would be",
		Example: "  # its name\n  okauth config path\n  # edit it\n  ${EDITOR:-vi} \"$(okauth config path)\"",
		Args:    cli.ArgsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			path, err := config.ConfigPath(o.session.ConfigOptions(o.env))
			if err == nil {
				_, err = fmt.Fprintln(o.env.Stdout, path)
			}
			return err
		},
	}, {
		Use:               "use PROFILE",
		Short:             "Choose the default profile",
		Long:              "Choose the profile that okauth uses if neither -p nor OKAUTH_PROFILE names one.",
		Example:           "  # use the profile prod from now on\n  okauth config use prod",
		Args:              cli.ArgsBetween(1, 1),
		ValidArgsFunction: completeFirst(func() []string { return ProfileNames(o.env, o.session.GlobalFlags) }),
		RunE: func(_ *cobra.Command, args []string) error {
			err := o.edit(func(file *config.File, _ string) error { return file.Use(args[0]) })
			if err == nil {
				o.env.Print("Profile " + strconv.Quote(args[0]) + " is now the default.")
			}
			return err
		},
	}}
}

// edit makes a change of the profile in the configuration file, and saves the file.
func (o *options) edit(change func(file *config.File, profile string) error) error {
	file, profile, err := config.OpenProfile(o.session.ConfigOptions(o.env))
	if err != nil {
		return err
	}
	if err := change(file, profile); err != nil {
		return err
	}
	return file.Save()
}

func (o *options) get(key string) error {
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	setting, err := client.Settings().Get(key)
	switch {
	case err != nil:
		return err
	case setting.Secret:
		return cli.Usage(setting.Key+" is a secret and never shown", "okauth config list says where it comes from")
	case setting.Value == "":
		return fmt.Errorf("%s is not set in profile %q", setting.Key, client.Settings().ProfileName())
	}
	_, err = fmt.Fprintln(o.env.Stdout, okta.Sanitize(setting.Value, 10_000))
	return err
}

func (o *options) unset(ctx context.Context, key string) error {
	err := o.edit(func(file *config.File, profile string) error { return file.Unset(profile, key) })
	if k, _ := findKey(key); err != nil || !k.Keychain {
		return err
	}
	client, err := o.session.Open(o.env)
	if err != nil || client.Settings().Require(config.KeyDomain, config.KeyClientID) != nil {
		return err
	}
	if key == config.KeyPrivateKey {
		keys, account := client.KeychainKey(true)
		return ignoreNoKeychain(keys.Delete(ctx, account))
	}
	secrets, account := client.KeychainSecret(true)
	return ignoreNoKeychain(secrets.Delete(ctx, account))
}

// findKey returns a setting that the file or the keychain may hold.
func findKey(name string) (config.Key, error) {
	key, err := config.FindKey(name)
	if key.Keychain {
		return key, nil
	}
	return key, err
}

// ignoreNoKeychain returns nil if err says that there is no keychain.
func ignoreNoKeychain(err error) error {
	if !store.IsKind(err, store.Unavailable) {
		return err
	}
	return nil
}

func (o *options) newList() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "list",
		Short: "Show every setting and where it comes from",
		Example: "  # every setting\n  okauth config list\n" +
			"  # those that are set, for a program\n" +
			"  okauth -p prod config list -o json | jq '.settings[] | select(.set)'",
		Args: cli.ArgsBetween(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return o.list(c.Context(), format) },
	}
	cli.OutputFlag(c, &format, "text", "json")
	return c
}

// settingJSON is a setting for programs. A secret has no value.
type settingJSON struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Source string `json:"source"`
	Set    bool   `json:"set"`
	Secret bool   `json:"secret,omitempty"`
}

func (o *options) list(ctx context.Context, format string) error {
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	settings := client.Settings()
	rows := [][]string{{"SETTING", "VALUE", "SOURCE"}}
	var objects []settingJSON
	list := settings.List()
	for i, s := range cli.SettingsStatus(ctx, client) {
		rows = append(rows, []string{s.Key, s.Value, cli.ShortSource(settings, s.Source)})
		object := settingJSON{Key: s.Key, Source: s.Source, Set: s.Value != "", Secret: list[i].Secret}
		if !object.Secret {
			object.Value = s.Value
		}
		objects = append(objects, object)
	}
	if format == "json" {
		return output.JSON(o.env.Stdout, map[string]any{
			"profile": settings.ProfileName(), "config": settings.ConfigPath(), "settings": objects,
		})
	}
	about := fmt.Sprintf("profile %q (%s)", settings.ProfileName(),
		okta.Sanitize(cli.ShortSource(settings, settings.ProfileSource().String()), 300))
	if path := settings.ConfigPath(); path != "" {
		about += "; file: " + okta.Sanitize(path, 300)
	}
	if all := settings.Profiles(); len(all) > 1 {
		about += "; profiles: " + strings.Join(all, ", ")
	}
	o.env.Print(about)
	return output.Table(o.env.Stdout, rows, o.env.Width)
}

// keys returns the settings with their descriptions, for the completion.
func keys() []string {
	var all []string
	for _, k := range config.Keys() {
		all = append(all, cobra.CompletionWithDesc(k.Name, k.Help))
	}
	return all
}

// completeFirst offers words for the first argument only.
func completeFirst(words func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words(), cobra.ShellCompDirectiveNoFileComp
	}
}

// ProfileNames returns the profiles of the configuration file, none if it cannot be read.
func ProfileNames(env *cli.Env, global *cli.GlobalFlags) []string {
	file, _, err := config.OpenProfile(global.ConfigOptions(env))
	if err != nil {
		return nil
	}
	return file.Profiles()
}
