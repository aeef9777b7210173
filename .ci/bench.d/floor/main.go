// floor reads one secret with go-keyring behind Cobra and Viper and does nothing else: the least time that a program
// with these three libraries can take.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"github.com/zalando/go-keyring"
)

func main() {
	settings := viper.New()
	settings.SetDefault("service", "okauth")
	get := &cobra.Command{
		Use: "get ACCOUNT", Args: cobra.ExactArgs(1), SilenceUsage: true,
		RunE: func(_ *cobra.Command, args []string) error {
			secret, err := keyring.Get(settings.GetString("service"), args[0])
			if err == nil {
				fmt.Println(secret)
			}
			return err
		},
	}
	root := &cobra.Command{Use: "floor"}
	root.AddCommand(get)
	if root.Execute() != nil {
		os.Exit(1)
	}
}
