package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// String is the one line that "okauth version" prints.
func (b Build) String() string {
	version, commit := b.Version, b.Commit
	if version == "" {
		version = "devel"
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					commit = s.Value
				}
			}
		}
	}
	line := "okauth " + version
	if commit != "" {
		line += " (" + commit[:min(len(commit), 12)] + ")"
	}
	if b.Date != "" {
		line += " " + b.Date
	}
	return fmt.Sprintf("%s %s %s/%s", line, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// userAgent is how okauth names itself to Okta.
func (b Build) userAgent() string {
	if b.Version == "" {
		return "okauth/devel"
	}
	return "okauth/" + b.Version
}

func newVersionCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the Go version",
		Args:  argsBetween(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, env.Build)
			return err
		},
	}
}
