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

func main() {
	build := cmd.Build{Version: version, Commit: commit, Date: date}
	cmd.Exit(cmd.Main(context.Background(), cmd.System(build), os.Args[1:]))
}
