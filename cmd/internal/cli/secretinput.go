package cli

// Where a secret enters: standard input or the terminal.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"okauth/pkg/config"
	"okauth/pkg/jwt"
	"okauth/pkg/okta"
	"okauth/pkg/prompt"
)

// longestSecret bounds what is read of a secret on standard input, in bytes.
const longestSecret = 64 << 10

// OpenTerminal opens the terminal device, unless questions are forbidden. hint says how to do without.
func OpenTerminal(env *Env, flags *GlobalFlags, hint string) (*prompt.Terminal, error) {
	forbids := ""
	switch {
	case flags.NoInput:
		forbids = "--no-input"
	case kubernetesForbids(env):
		forbids = kubernetesInfo
	}
	if forbids != "" {
		err := errors.New("okauth would have to ask a question, and " + forbids + " forbids it")
		return nil, Exit(ExitLoginRequired, err, hint)
	}
	t, err := env.OpenTerminal()
	if err != nil {
		return nil, Exit(ExitLoginRequired, err, hint)
	}
	return t, nil
}

const passwordAdvice = "give the password by --password-stdin, OKAUTH_PASSWORD, OKAUTH_PASSWORD_FILE or " +
	"password_command"

// AskPassword asks for the password, without echo.
func (i *terminalInteraction) AskPassword(ctx context.Context, username string) (okta.Secret, error) {
	t, err := OpenTerminal(i.env, i.flags, passwordAdvice)
	if err != nil {
		return okta.Secret{}, err
	}
	defer t.Close()
	return AskSecret(ctx, t, "Password for "+username, "password")
}

// AskSecret asks for a secret on the terminal.
func AskSecret(ctx context.Context, t *prompt.Terminal, label, what string) (okta.Secret, error) {
	text, err := t.ReadPassword(ctx, label)
	switch {
	case errors.Is(err, prompt.ErrEmpty), errors.Is(err, prompt.ErrTooLong):
		return okta.Secret{}, Usage(fmt.Sprintf("the %s: %v", what, err), "")
	case err != nil:
		return okta.Secret{}, err
	}
	return cleanSecret(what, text, "the terminal")
}

// ReadSecret reads a secret from standard input and removes one trailing newline, LF or CRLF.
func ReadSecret(ctx context.Context, env *Env, what string) (okta.Secret, error) {
	text, err := readStdin(ctx, env, what)
	if err != nil {
		return okta.Secret{}, err
	}
	return cleanSecret(what, text, "standard input")
}

// ReadToken reads a token from standard input, as decode does.
func ReadToken(ctx context.Context, env *Env, what string) (okta.Secret, error) {
	text, err := readStdin(ctx, env, what)
	if err != nil {
		return okta.Secret{}, err
	}
	defer clear(text)
	token := jwt.TrimToken(string(text))
	if err := okta.CheckToken(token); err != nil {
		return okta.Secret{}, Usage("the "+what+" on standard input "+err.Error(), "give a token as okauth token prints it")
	}
	return okta.NewSecret(token), nil
}

// readStdin reads what a secret on standard input consists of, a trailing newline included.
func readStdin(ctx context.Context, env *Env, what string) ([]byte, error) {
	if env.StdinIsTTY {
		env.Say("reading the " + what + " from standard input, which shows what you type; end with Ctrl-D")
	}
	text, err := readAll(ctx, env.Stdin, longestSecret+1)
	if err != nil {
		return nil, fmt.Errorf("read the %s from standard input: %w", what, err)
	}
	switch {
	case len(config.DropNewline(text)) == 0:
		return nil, Usage("the "+what+" on standard input is empty", "")
	case len(text) > longestSecret:
		return nil, Usage(fmt.Sprintf("the %s on standard input is longer than %d bytes", what, longestSecret), "")
	}
	return text, nil
}

// readAll reads up to most bytes, and gives up when ctx ends: the writer of a pipe may never write.
func readAll(ctx context.Context, r io.Reader, most int64) ([]byte, error) {
	var text []byte
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		text, err = io.ReadAll(io.LimitReader(r, most))
	}()
	select {
	case <-done:
		return text, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// cleanSecret takes text for the secret that is called what, and clears it. The text of a variable or a file has the
// same rules.
func cleanSecret(what string, text []byte, from string) (okta.Secret, error) {
	defer clear(text)
	key := strings.ReplaceAll(what, " ", "_")
	clean, err := config.CleanSecret(key, text, key, config.Source{Kind: config.FromFlag, Name: from})
	return okta.NewSecret(string(clean)), err
}
