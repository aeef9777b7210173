package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"okauth/pkg/grant"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/profile"
	"okauth/pkg/prompt"
	"okauth/pkg/session"
	"okauth/pkg/store"
)

// longestSecret bounds what is read of a secret on standard input, in bytes.
const longestSecret = 64 << 10

type loginOptions struct {
	env           *Env
	session       sessionFlags
	passwordStdin bool
}

func newLoginCmd(env *Env, global *globalFlags) *cobra.Command {
	o := &loginOptions{env: env, session: sessionFlags{globalFlags: global}}
	c := &cobra.Command{
		Use:   "login",
		Short: "Sign in with a password and keep the session in the keychain",
		Long: `Sign in at Okta with a user name and a password, and keep the tokens in the OS
keychain. The password goes to Okta in one request and is kept nowhere. It comes
from --password-stdin, OKAUTH_PASSWORD, OKAUTH_PASSWORD_FILE, password_file or
password_command, else you are asked for it on the terminal, without echo.

The password grant is a last resort (RFC 9700 §2.4): the user's password passes
through this program. Use it where no browser can be had and the user has a
password only.`,
		Example: `  okauth login
  okauth login --username alice@example.com --scope "openid profile"
  pass show okta | okauth login --password-stdin`,
		Args: argsBetween(0, 0),
		RunE: stoppable(env, o.run),
	}
	o.session.addFlags(c,
		profile.KeyClientSecretFile, profile.KeyClientSecretCommand,
		profile.KeyPasswordFile, profile.KeyPasswordCommand, profile.KeyCAFile)
	c.Flags().BoolVar(&o.passwordStdin, "password-stdin", false, "read the password from standard input")
	return c
}

func (o *loginOptions) run(ctx context.Context) error {
	// A reader of standard error that has gone away must not cost the session
	// that Okta has already granted.
	signal.Ignore(syscall.SIGPIPE)
	a, err := o.session.open(o.env)
	if err != nil {
		return err
	}
	if a, err = o.offerInit(ctx, a); err != nil {
		return err
	}
	server, err := a.server()
	if err != nil {
		return err
	}
	roots := a.roots(server)
	kept := a.keychain(true)
	if err := a.canKeep(ctx, kept); err != nil {
		return err
	}
	client, err := a.client(ctx, server, kept, roots)
	if err != nil {
		return err
	}
	credentials, err := o.credentials(ctx, a)
	if err != nil {
		return err
	}
	keeper := session.Keeper{Store: store.Sessions{Items: kept}, Now: o.env.Now}
	want := a.want(server)
	want.Username = credentials.Username
	tokens, err := keeper.Login(ctx, client, credentials, want)
	if tokens != nil && err != nil {
		return fmt.Errorf("signed in as %s, but the session could not be kept: %w", credentials.Username, err)
	}
	if err != nil {
		return err
	}
	o.say(a, server, tokens, credentials.Username)
	return nil
}

// offerInit leads a person without any configuration to one, and returns what
// the settings are then.
func (o *loginOptions) offerInit(ctx context.Context, a *app) (*app, error) {
	if a.settings.Domain() != "" || a.settings.ClientID() != "" || o.session.noInput || o.passwordStdin {
		return a, nil
	}
	t, err := o.env.OpenTerminal()
	if err != nil {
		return a, nil // what is missing is said by those who need it
	}
	defer t.Close()
	yes, err := t.Confirm(ctx, "okauth does not know where to sign in yet. Set it up now?", true)
	if err != nil || !yes {
		return a, err
	}
	if err := initProfile(ctx, o.env, o.session.globalFlags, t); err != nil {
		return nil, err
	}
	return o.session.open(o.env)
}

// canKeep finds out, before anything is asked, whether a session could be kept.
func (a *app) canKeep(ctx context.Context, kept store.Items) error {
	switch k := kept.(type) {
	case store.None:
		return &codedError{
			err:  fmt.Errorf("storage is %q (%s): a session would not be kept", "none", a.settings.Source(profile.KeyStorage)),
			code: exitStorage, hint: "sign in with --storage keychain",
		}
	case *store.Keychain:
		return k.Probe(ctx)
	}
	return nil
}

// credentials collects user name and password, asking for what is not set.
func (o *loginOptions) credentials(ctx context.Context, a *app) (grant.Password, error) {
	g := grant.Password{Username: a.settings.Username(), Scopes: a.settings.Scopes()}
	promised := a.settings.Password()
	var t *prompt.Terminal
	if g.Username == "" || !o.passwordStdin && promised.IsZero() {
		var err error
		if t, err = o.terminal(g.Username == ""); err != nil {
			return g, err
		}
		defer t.Close()
	}
	for g.Username == "" {
		var err error
		if g.Username, err = t.ReadLine(ctx, "Okta username", ""); err != nil {
			return g, err
		}
	}
	var password []byte
	var err error
	switch {
	case o.passwordStdin:
		password, err = readSecret(ctx, o.env, "password")
	case !promised.IsZero():
		password, err = promised.Read(ctx)
	default:
		password, err = askSecret(ctx, t, "Password for "+g.Username, "password")
	}
	defer clear(password)
	g.Password = okta.NewSecret(string(password))
	return g, err
}

// terminal opens the terminal device to ask for the password, or for the user
// name as well.
func (o *loginOptions) terminal(username bool) (*prompt.Terminal, error) {
	hint := "give the password by --password-stdin, OKAUTH_PASSWORD, OKAUTH_PASSWORD_FILE or password_command"
	if username {
		hint = "set OKAUTH_USERNAME or use --username, and " + hint
	}
	return openTerminal(o.env, o.session.globalFlags, hint)
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

// say tells who signed in, for what, and until when. It goes to standard error:
// standard output is for tokens.
func (o *loginOptions) say(a *app, server okta.Server, tokens *okta.Tokens, username string) {
	until := tokens.ObtainedAt.Add(tokens.ExpiresIn)
	fmt.Fprintf(o.env.Stderr, "Signed in as %s.\n  profile  %s\n  server   %s\n  scopes   %s\n  valid    until %s, %s\n",
		okta.Printable(username, 200), a.settings.ProfileName(), okta.Printable(server.Issuer(), 300),
		okta.Printable(strings.Join(tokens.Scope, " "), 1000),
		until.Local().Format("2006-01-02 15:04:05 MST"), output.In(tokens.ExpiresIn))
	for _, note := range tokens.Notes {
		a.warn(note)
	}
}
