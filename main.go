// okauth gets OAuth 2.0 and OpenID Connect tokens from Okta, keeps them in the
// OS keychain and hands them to people, scripts and CI jobs.
package main

import (
	"context"
	"os"

	"okauth/cmd"
)

// Set by the release build, see .goreleaser.yaml.
var version, commit, date string

func main() { os.Exit(run()) }

// run exists so that stop is called before the process exits.
func run() int {
	ctx, stop := cmd.Signals(context.Background())
	defer stop()
	return cmd.Main(ctx, cmd.System(cmd.Build{Version: version, Commit: commit, Date: date}), os.Args[1:])
}
