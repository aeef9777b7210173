package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Number is the version alone.
func (b Build) Number() string {
	if b.Version == "" {
		return "devel"
	}
	return b.Version
}

// String says which build this is: version, commit, date, Go version, platform.
func (b Build) String() string {
	commit := b.Commit
	if b.Version == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					commit = s.Value
				}
			}
		}
	}
	line := b.Number()
	if commit != "" {
		line += " (" + commit[:min(len(commit), 12)] + ")"
	}
	if b.Date != "" {
		line += " " + b.Date
	}
	return fmt.Sprintf("%s %s %s/%s", line, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// userAgent is how okauth names itself to Okta.
func (b Build) userAgent() string { return "okauth/" + b.Number() }

func newVersionCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the commit and the Go version",
		Example: "  okauth version",
		Args:    argsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, "okauth version "+env.Build.String())
			return err
		},
	}
}
