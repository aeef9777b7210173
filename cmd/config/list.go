package config

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

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
	cli.EnumFlag(c, &format, "output", "o", "text", []string{"text", "json"}, "output format")
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
	client, err := o.open()
	if err != nil {
		return err
	}
	settings := client.Settings()
	var rows [][]string
	var objects []settingJSON
	for _, s := range settings.List() {
		text, source := s.Value, s.Source.String()
		if s.Key == config.KeyClientSecret && settings.Secret(s.Key).IsZero() {
			text, source = cli.KeychainSecret(ctx, client)
		}
		object := settingJSON{Key: s.Key, Value: text, Source: source, Set: text != "", Secret: s.Secret}
		if s.Secret {
			object.Value = ""
		}
		objects = append(objects, object)
		rows = append(rows, []string{s.Key, text, source})
	}
	if format == "json" {
		return output.JSON(o.env.Stdout, map[string]any{
			"profile": settings.ProfileName(), "config": settings.ConfigPath(), "settings": objects,
		})
	}
	source := okta.Sanitize(settings.ProfileSource().String(), 300)
	fmt.Fprintf(o.env.Stderr, "profile %q (%s)", settings.ProfileName(), source)
	if all := settings.Profiles(); len(all) > 1 {
		fmt.Fprintf(o.env.Stderr, "; profiles: %s", strings.Join(all, ", "))
	}
	fmt.Fprintln(o.env.Stderr)
	return output.Table(o.env.Stdout, append([][]string{{"SETTING", "VALUE", "SOURCE"}}, rows...))
}
