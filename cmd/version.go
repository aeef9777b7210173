package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
)

func newVersionCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version",
		Example: "  # for a bug report\n  okauth version",
		Args:    cli.ArgsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, "okauth version "+env.Build.String())
			return err
		},
	}
}
