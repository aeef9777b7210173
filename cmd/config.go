package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/store"
)

// configOptions are what the commands below "config" share.
type configOptions struct {
	env    *cli.Env
	global *cli.GlobalFlags
}

func newConfigCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &configOptions{env: env, global: global}
	c := &cobra.Command{
		Use:   "config",
		Short: "Show and change the settings",
		Long: `Show and change the settings. A setting comes from a flag, else an environment
variable, else the profile in the configuration file, else its default. These
commands read and write the profile in use, or the one that -p names.`,
		Example: `  okauth config init
  okauth config list
  okauth config set scopes "openid profile"
  okauth -p prod config set domain prod-1.okta.com`,
		Args: cli.NoSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newConfigInitCmd(o),
		newConfigListCmd(o),
		o.newGetCmd(),
		newConfigSetCmd(o),
		o.newUnsetCmd(),
		o.newPathCmd(),
		o.newUseCmd(),
	)
	return c
}

// open reads the settings of the profile.
func (o *configOptions) open() (*okauth.Client, error) {
	return (&cli.SessionFlags{GlobalFlags: o.global}).Open(o.env)
}

// edit opens the file to change, and tells which profile is meant. No value is
// judged on the way, so that a wrong one can be mended.
func (o *configOptions) edit() (*config.File, string, error) {
	path, name, err := config.Locate(o.global.ConfigOptions(o.env))
	if err != nil {
		return nil, "", err
	}
	file, err := config.OpenFile(path)
	return file, name, err
}

func (o *configOptions) newGetCmd() *cobra.Command {
	return &cobra.Command{
		Use:               "get KEY",
		Short:             "Print the value of one setting",
		Long:              "Print the value that is in force for a setting. A secret is never printed.",
		Example:           "  okauth config get domain",
		Args:              cli.ArgsBetween(1, 1),
		ValidArgsFunction: completeKeys,
		RunE: func(_ *cobra.Command, args []string) error {
			a, err := o.open()
			if err != nil {
				return err
			}
			setting, err := a.Settings().Get(args[0])
			switch {
			case err != nil:
				return err
			case setting.Secret:
				return &cli.UsageError{Message: fmt.Sprintf("%s is a secret and never shown", setting.Key), Advice: "okauth config list tells where it comes from"}
			case setting.Value == "":
				return fmt.Errorf("%s is not set in profile %q", setting.Key, a.Settings().ProfileName())
			}
			_, err = fmt.Fprintln(o.env.Stdout, okta.Sanitize(setting.Value, 10_000))
			return err
		},
	}
}

func (o *configOptions) newUnsetCmd() *cobra.Command {
	return &cobra.Command{
		Use:               "unset KEY",
		Short:             "Remove a setting from the profile",
		Long:              "Remove a setting from the profile. client_secret is removed from the keychain as\nwell.",
		Example:           "  okauth config unset username\n  okauth -p prod config unset client_secret",
		Args:              cli.ArgsBetween(1, 1),
		ValidArgsFunction: completeKeys,
		RunE:              func(c *cobra.Command, args []string) error { return o.unset(c.Context(), args[0]) },
	}
}

func (o *configOptions) unset(ctx context.Context, key string) error {
	file, name, err := o.edit()
	if err != nil {
		return err
	}
	if err := file.Unset(name, key); err != nil {
		return err
	}
	if err := file.Save(); err != nil || key != config.KeyClientSecret {
		return err
	}
	return o.forgetSecret(ctx)
}

// forgetSecret removes the client secret from the keychain, if there are both.
func (o *configOptions) forgetSecret(ctx context.Context) error {
	a, err := o.open()
	if err != nil || a.Settings().Require(config.KeyDomain, config.KeyClientID) != nil {
		return err
	}
	secrets, account := a.KeychainSecret(true)
	err = secrets.Delete(ctx, account)
	if e, ok := errors.AsType[*store.Error](err); ok && e.Kind == store.Unavailable {
		return nil
	}
	return err
}

func (o *configOptions) newPathCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "path",
		Short:   "Print where the configuration file is, or would be",
		Example: "  okauth config path\n  ${EDITOR:-vi} \"$(okauth config path)\"",
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

func (o *configOptions) newUseCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "use PROFILE",
		Short:   "Choose the profile that is used where none is named",
		Example: "  okauth config use prod",
		Args:    cli.ArgsBetween(1, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return firstOf(args, profileNames(o.env, o.global))
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
			fmt.Fprintf(o.env.Stderr, "Profile %q is used where none is named.\n", args[0])
			return nil
		},
	}
}

// configList is "okauth config list".
type configList struct {
	*configOptions
	output string
}

func newConfigListCmd(shared *configOptions) *cobra.Command {
	o := &configList{configOptions: shared}
	c := &cobra.Command{
		Use:     "list",
		Short:   "Show every setting and where it comes from",
		Example: "  okauth config list\n  okauth -p prod config list -o json | jq '.settings[] | select(.set)'",
		Args:    cli.ArgsBetween(0, 0),
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	cli.EnumFlag(c, &o.output, "output", "o", "text", []string{"text", "json"}, "how to print it")
	return c
}

// settingJSON is a setting for programs; a secret has no value.
type settingJSON struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Source string `json:"source"`
	Set    bool   `json:"set"`
	Secret bool   `json:"secret,omitempty"`
}

func (o *configList) run(ctx context.Context) error {
	a, err := o.open()
	if err != nil {
		return err
	}
	var rows [][]string
	var objects []settingJSON
	for _, s := range a.Settings().List() {
		value, source := s.Value, s.Source.String()
		if s.Key == config.KeyClientSecret && a.Settings().Secret(config.KeyClientSecret).IsZero() {
			value, source = cli.KeychainSecret(ctx, a)
		}
		object := settingJSON{Key: s.Key, Value: value, Source: source, Set: value != "", Secret: s.Secret}
		if s.Secret {
			object.Value = ""
		}
		objects = append(objects, object)
		rows = append(rows, []string{s.Key, value, source})
	}
	if o.output == "json" {
		return output.JSON(o.env.Stdout, map[string]any{
			"profile": a.Settings().ProfileName(), "config": a.Settings().ConfigPath(), "settings": objects,
		})
	}
	fmt.Fprintf(o.env.Stderr, "profile %q (%s)", a.Settings().ProfileName(), okta.Sanitize(a.Settings().ProfileSource().String(), 300))
	if all := a.Settings().Profiles(); len(all) > 1 {
		fmt.Fprintf(o.env.Stderr, "; there are %s", strings.Join(all, ", "))
	}
	fmt.Fprintln(o.env.Stderr)
	return output.Table(o.env.Stdout, []string{"SETTING", "VALUE", "SOURCE"}, rows)
}
