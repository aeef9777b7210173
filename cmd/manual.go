package cmd

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/prompt"
)

// Commands returns the tree of all commands, for the generator of the man pages. Its commands cannot run.
func Commands(b cli.Build) *cobra.Command {
	env := &cli.Env{
		Stdin: emptyInput{}, Stdout: io.Discard, Stderr: io.Discard, Build: b,
		LookupEnv:     func(string) (string, bool) { return "", false },
		UserConfigDir: func() (string, error) { return "", nil },
		OpenTerminal:  func() (*prompt.Terminal, error) { return nil, prompt.ErrNoTerminal },
		Signals:       func(ctx context.Context) (context.Context, func()) { return ctx, func() {} },
	}
	return newRootCmd(env, &cli.GlobalFlags{}, nil)
}

type emptyInput struct{}

func (emptyInput) Read([]byte) (int, error) { return 0, io.EOF }
