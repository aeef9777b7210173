// Command hello is the yardstick for `okauth decode`: one Cobra subcommand that prints one value from Viper.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
)

func main() {
	settings := viper.New()
	settings.SetDefault("greeting", "hello")
	root := &cobra.Command{Use: "hello", SilenceUsage: true}
	root.AddCommand(&cobra.Command{Use: "greet", RunE: func(cmd *cobra.Command, _ []string) error {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), settings.GetString("greeting"))
		return err
	}})
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
