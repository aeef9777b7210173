// floor has Cobra, Viper, go-keyring and net/http, and does nothing, or one read of a secret: the least time that a
// program with these libraries can take.
package main

import (
	"fmt"
	"net/http"
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
	// Never run: it keeps net/http in the program.
	fetch := &cobra.Command{
		Use: "fetch URL", Args: cobra.ExactArgs(1), SilenceUsage: true,
		RunE: func(_ *cobra.Command, args []string) error {
			response, err := http.Get(args[0])
			if err == nil {
				fmt.Println(response.Status)
				err = response.Body.Close()
			}
			return err
		},
	}
	version := &cobra.Command{Use: "version", Run: func(*cobra.Command, []string) { fmt.Println("floor") }}
	root := &cobra.Command{Use: "floor"}
	root.AddCommand(get, fetch, version)
	if root.Execute() != nil {
		os.Exit(1)
	}
}
