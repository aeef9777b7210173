package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/profile"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
)

// longestSecret bounds what is read of a secret on standard input, in bytes.
const longestSecret = 64 << 10

// signIn is a password grant, and what must be known of the password.
type signIn struct {
	grant.Password
	typed    bool // by a person, just now
	refusals *store.Refusals
	name     string // of the identity, in refusals
	insist   bool   // send it although Okta has refused it before
	now      func() time.Time
}

// credentials collects user name and password, asking for what is not set.
func (a *app) credentials(ctx context.Context) (*signIn, error) {
	s := &signIn{Password: grant.Password{Username: a.settings.Username(), Scopes: a.settings.Scopes()}, now: a.env.Now}
	promised := a.settings.Password()
	var t *prompt.Terminal
	if s.Username == "" || !a.flags.passwordStdin && promised.IsZero() {
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
	case a.flags.passwordStdin:
		password, err = readSecret(ctx, a.env, "password")
	case !promised.IsZero():
		password, err = promised.Read(ctx)
	default:
		s.typed = true
		password, err = askSecret(ctx, t, "Password for "+s.Username, "password")
	}
	defer clear(password)
	s.Password.Password = okta.NewSecret(string(password))
	return s, err
}

// guard lets s remember a password that Okta has refused, and not send it again
// by itself: ten wrong passwords lock the account, and a script is quick.
func (a *app) guard(s *signIn, id store.Identity, insist bool) {
	dir := a.env.LockDir
	if dir == "" {
		var err error
		if dir, err = store.LockDir(); err != nil {
			return // nowhere to remember it
		}
	}
	s.refusals, s.name, s.insist = &store.Refusals{Dir: dir, Now: a.env.Now}, id.Account(), insist
}

// Exchange signs in, unless the password is one that nobody has typed and Okta
// has refused within the last hour.
func (s *signIn) Exchange(ctx context.Context, c *okta.Client) (*okta.Tokens, error) {
	if s.typed || s.refusals == nil {
		return s.Password.Exchange(ctx, c)
	}
	if !s.insist {
		since, refused, err := s.refusals.Refused(s.name, s.Password.Password)
		if err != nil {
			return nil, err
		}
		if refused {
			return nil, &codedError{
				err: fmt.Errorf("Okta refused this password for %s %s ago, and each further try counts for the lock-out: it was not sent again",
					okta.Printable(s.Username, 200), output.Span(s.now().Sub(since))),
				code: exitRefused,
				hint: "check the password; okauth login sends it again, and an hour from the refusal okauth token does",
			}
		}
	}
	tokens, err := s.Password.Exchange(ctx, c)
	if e, ok := errors.AsType[*okta.Error](err); ok && e.Refused() && e.Code == "invalid_grant" {
		// What cannot be remembered is sent again next time, as without a guard.
		_ = s.refusals.Remember(s.name, s.Password.Password)
	}
	if err == nil {
		_ = s.refusals.Forget(s.name)
	}
	return tokens, err
}

// terminal opens the terminal device to ask for the password, or for the user
// name as well.
func (a *app) terminal(username bool) (*prompt.Terminal, error) {
	hint := "give the password by --password-stdin, OKAUTH_PASSWORD, OKAUTH_PASSWORD_FILE or password_command"
	if username {
		hint = "set OKAUTH_USERNAME or use --username, and " + hint
	}
	return openTerminal(a.env, a.flags.globalFlags, hint)
}

// openTerminal opens the terminal device, unless nothing may be asked; hint
// names the ways to do without.
func openTerminal(env *Env, flags *globalFlags, hint string) (*prompt.Terminal, error) {
	if flags.noInput {
		return nil, &codedError{err: errors.New("a question would have to be asked, and --no-input forbids it"), code: exitLoginRequired, hint: hint}
	}
	t, err := env.OpenTerminal()
	if err != nil {
		return nil, &codedError{err: err, code: exitLoginRequired, hint: hint}
	}
	return t, nil
}

// askSecret asks for a secret on the terminal.
func askSecret(ctx context.Context, t *prompt.Terminal, label, what string) ([]byte, error) {
	text, err := t.ReadPassword(ctx, label)
	switch {
	case errors.Is(err, prompt.ErrEmpty), errors.Is(err, prompt.ErrTooLong):
		return nil, &usageError{message: fmt.Sprintf("the %s: %v", what, err)}
	case err != nil:
		return nil, err
	}
	return text, plainSecret(text, what)
}

// readSecret reads a secret from standard input and removes one trailing
// newline, LF or CRLF.
func readSecret(ctx context.Context, env *Env, what string) ([]byte, error) {
	if env.StdinIsTTY {
		fmt.Fprintf(env.Stderr, "okauth: reading the %s from standard input, which shows what you type; end with Ctrl-D\n", what)
	}
	text, err := readAll(ctx, env.Stdin, longestSecret+1)
	if err != nil {
		return nil, fmt.Errorf("read the %s from standard input: %w", what, err)
	}
	text = profile.DropNewline(text)
	switch {
	case len(text) == 0:
		return nil, &usageError{message: "the " + what + " on standard input is empty"}
	case len(text) > longestSecret:
		return nil, &usageError{message: fmt.Sprintf("the %s on standard input is longer than %d bytes", what, longestSecret)}
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
		return &usageError{message: fmt.Sprintf("the %s holds a control character or a second line, at byte %d; it was not sent", what, i+1)}
	}
	return nil
}
