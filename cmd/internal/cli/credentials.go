package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
)

// longestSecret bounds what is read of a secret on standard input, in bytes.
const longestSecret = 64 << 10

// credentials returns the grant that the settings ask for, and who signs in with
// it, asking for what is not set. Nobody signs in with a client's own credentials.
func (a *App) Credentials(ctx context.Context, id store.Identity, insist bool) (grant.Grant, string, error) {
	if a.Settings.Grant() == config.GrantClientCredentials {
		return grant.ClientCredentials{Scopes: a.Settings.Scopes()}, "", nil
	}
	s, err := a.password(ctx)
	if err != nil {
		return nil, "", err
	}
	s.name, s.insist = id.Account(), insist
	if dir, err := a.LockDir(); err == nil {
		s.refusals = &store.LockoutGuard{Dir: dir, Now: a.Env.Now}
	}
	return s, s.Username, nil
}

// unattended tells whether the settings have credentials that need nobody.
func (a *App) Unattended() bool {
	return a.Settings.Grant() == config.GrantClientCredentials || a.Flags.PasswordStdin || !a.Settings.Password().IsZero() && a.Settings.Username() != ""
}

// password collects user name and password, asking for what is not set.
func (a *App) password(ctx context.Context) (*signIn, error) {
	s := &signIn{Password: grant.Password{Username: a.Settings.Username(), Scopes: a.Settings.Scopes()}, now: a.Env.Now, warn: a.Warn}
	promised := a.Settings.Password()
	var t *prompt.Terminal
	if s.Username == "" || !a.Flags.PasswordStdin && promised.IsZero() {
		var err error
		if t, err = a.terminal(s.Username == ""); err != nil {
			return nil, err
		}
		defer t.Close()
	}
	for s.Username == "" {
		var err error
		if s.Username, err = t.ReadLine(ctx, "Okta username", ""); err != nil {
			return nil, err
		}
	}
	var password []byte
	var err error
	switch {
	case a.Flags.PasswordStdin:
		password, err = ReadSecret(ctx, a.Env, "password")
	case !promised.IsZero():
		password, err = promised.Read(ctx)
	default:
		s.typed = true
		password, err = AskSecret(ctx, t, "Password for "+s.Username, "password")
	}
	defer clear(password)
	s.Password.Password = okta.NewSecret(string(password))
	return s, err
}

// terminal opens the terminal device to ask for the password, or for the user
// name as well.
func (a *App) terminal(username bool) (*prompt.Terminal, error) {
	hint := "give the password by --password-stdin, OKAUTH_PASSWORD, OKAUTH_PASSWORD_FILE or password_command"
	if username {
		hint = "set OKAUTH_USERNAME or use --username, and " + hint
	}
	return OpenTerminal(a.Env, a.Flags.GlobalFlags, hint)
}

// openTerminal opens the terminal device, unless nothing may be asked; hint
// names the ways to do without.
func OpenTerminal(env *Env, flags *GlobalFlags, hint string) (*prompt.Terminal, error) {
	if flags.NoInput {
		return nil, &ExitError{Err: errors.New("a question would have to be asked, and --no-input forbids it"), Code: ExitLoginRequired, Advice: hint}
	}
	t, err := env.OpenTerminal()
	if err != nil {
		return nil, &ExitError{Err: err, Code: ExitLoginRequired, Advice: hint}
	}
	return t, nil
}

// askSecret asks for a secret on the terminal.
func AskSecret(ctx context.Context, t *prompt.Terminal, label, what string) ([]byte, error) {
	text, err := t.ReadPassword(ctx, label)
	switch {
	case errors.Is(err, prompt.ErrEmpty), errors.Is(err, prompt.ErrTooLong):
		return nil, &UsageError{Message: fmt.Sprintf("the %s: %v", what, err)}
	case err != nil:
		return nil, err
	}
	return text, plainSecret(text, what)
}

// readSecret reads a secret from standard input and removes one trailing
// newline, LF or CRLF.
func ReadSecret(ctx context.Context, env *Env, what string) ([]byte, error) {
	if env.StdinIsTTY {
		fmt.Fprintf(env.Stderr, "okauth: reading the %s from standard input, which shows what you type; end with Ctrl-D\n", what)
	}
	text, err := readAll(ctx, env.Stdin, longestSecret+1)
	if err != nil {
		return nil, fmt.Errorf("read the %s from standard input: %w", what, err)
	}
	text = config.DropNewline(text)
	switch {
	case len(text) == 0:
		return nil, &UsageError{Message: "the " + what + " on standard input is empty"}
	case len(text) > longestSecret:
		return nil, &UsageError{Message: fmt.Sprintf("the %s on standard input is longer than %d bytes", what, longestSecret)}
	}
	return text, plainSecret(text, what)
}

// readAll reads up to most bytes, and gives up when ctx ends: a pipe may have a
// writer that never writes.
func readAll(ctx context.Context, r io.Reader, most int64) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(r, most))
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// plainSecret refuses what no secret holds and a slip leaves behind: the escape
// sequence of an arrow key, a second line.
func plainSecret(text []byte, what string) error {
	if i := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
		return &UsageError{Message: fmt.Sprintf("the %s holds a control character or a second line, at byte %d; it was not sent", what, i+1)}
	}
	return nil
}
