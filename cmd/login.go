package cmd

import (
	"context"
	"fmt"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	configcmd "okauth/cmd/config"
	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
)

type loginOptions struct {
	env     *cli.Env
	session cli.SessionFlags
}

func newLoginCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &loginOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:        "login",
		SuggestFor: []string{"signin", "sign-in", "auth"},
		Short:      "Sign in and store the session",
		Long: `Sign in to Okta, and store the session in the keychain, or in a sealed file with
--storage file. login says on standard error who signed in and until when. If
the session could not be stored, it fails before it asks anything (exit 6).

--grant, or the setting grant, says how you sign in:

` + grantHelp() + `

okauth reads the password from --password-stdin, OKAUTH_PASSWORD,
OKAUTH_PASSWORD_FILE, password_file or password_command, else it asks on the
terminal, without echo. It sends the password in one request and does not store
it. A rejected password that no one typed is not sent again for an hour; one
that you type is. A program gives the one-time code of a second factor with
OKAUTH_OTP, OKAUTH_OTP_FILE, otp_file or otp_command, such as one of a password
manager.

The password grant is a last resort (RFC 9700 §2.4): it gives the user's
password to this program. Where people have a browser, on any device, use that.`,
		Example: `  # with the user name and scopes of the profile
  okauth login
  # as another user, with other scopes
  okauth login --username alice@example.com --scope "openid profile"
  # with a password from a password manager
  pass show okta | okauth login --password-stdin
  # in a browser, over ssh: on the machine in front of you
  okauth login --grant authorization-code --no-browser`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(env, o.run),
	}
	o.session.AddFlags(c, cli.SignInKeys()...)
	o.session.AddPageFlags(c)
	o.session.AddStdinFlags(c)
	return c
}

// grantHelp lists the grants, one a line.
func grantHelp() string {
	texts := map[string]string{
		"password":           "a password, then a second factor if Okta wants one",
		"otp":                "a one-time code alone, without a password",
		"oob":                "a push, a text message or a phone call alone",
		"device-code":        "a code that you enter in a browser on any device",
		"authorization-code": "a browser; with --no-browser one on another machine",
		"client-credentials": "the client itself, without a user",
	}
	var b strings.Builder
	for _, g := range config.Grants() {
		fmt.Fprintf(&b, "  %-18s  %s\n", g.Name, texts[g.Name])
	}
	return strings.TrimRight(b.String(), "\n")
}

func (o *loginOptions) run(ctx context.Context) error {
	// A reader of standard error that has gone away must not cost the session that Okta has already granted.
	signal.Ignore(syscall.SIGPIPE)
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	if client, err = o.offerInit(ctx, client); err != nil {
		return err
	}
	signedIn, err := client.Login(ctx)
	if err != nil {
		return o.session.FitHint(client.Settings(), err)
	}
	o.report(signedIn)
	o.noteEnd(client.Settings(), signedIn)
	o.checkFlags(client)
	return nil
}

// noteEnd says so if the session ends with the access token, and how to make it last.
func (o *loginOptions) noteEnd(settings *config.Settings, s *okauth.Session) {
	if s.Renews || s.Username == "" { // a client signs in again by itself
		return
	}
	text := "the session ends with the access token, because Okta gave no refresh token"
	if scopes := settings.Scopes(); !slices.Contains(scopes, "offline_access") {
		text += `; to stay signed in: okauth config set scopes "` + strings.Join(scopes, " ") + ` offline_access", then: ` +
			"okauth login"
	} else {
		text += ": the application needs the grant Refresh Token (Admin Console, Applications › Applications › " +
			s.ClientID + " › General › Grant type)"
	}
	o.env.Note(o.session.Commands(o.env, text))
}

// checkFlags says what to set if the flags made a session that "okauth token" without them does not find.
func (o *loginOptions) checkFlags(client *okauth.Client) {
	without := o.session
	without.Set = nil
	other, err := without.Open(o.env)
	if err != nil {
		return
	}
	var commands []string
	for _, key := range config.Keys() {
		if _, given := o.session.Set[key.Name]; !given || !cli.IsIdentityKey(key.Name) {
			continue
		}
		withFlags, err := client.Settings().Get(key.Name)
		withoutFlags, otherErr := other.Settings().Get(key.Name)
		if err == nil && otherErr == nil && withFlags.Value != withoutFlags.Value && !sameSession(withFlags, withoutFlags) {
			commands = append(commands, "okauth config set "+key.Name+" "+cli.ShellQuote(withFlags.Value))
		}
	}
	if len(commands) > 0 {
		o.env.Warn(o.session.Commands(o.env, "okauth token finds this session only with the same flags; to leave "+
			"them out, run: "+strings.Join(commands, "; ")))
	}
}

// sameSession reports whether two values of a setting lead to the same session. A user's is the same however they
// signed in, and a client's is another; sealed files and a server are other places than the keychain.
func sameSession(a, b config.Setting) bool {
	isUsers := func(name string) bool {
		g, _ := grant.Lookup(name)
		return g.User
	}
	elsewhere := func(storage string) bool { return storage == okauth.StorageFile || storage == okauth.StorageRedis }
	return a.Key == config.KeyStorage && !elsewhere(a.Value) && !elsewhere(b.Value) ||
		a.Key == config.KeyGrant && isUsers(a.Value) == isUsers(b.Value)
}

// offerInit offers to set okauth up where nothing is configured, and returns the client with the new settings.
func (o *loginOptions) offerInit(ctx context.Context, client *okauth.Client) (*okauth.Client, error) {
	settings := client.Settings()
	if settings.Domain() != "" || settings.ClientID() != "" || o.session.PasswordStdin || o.session.ClientSecretStdin {
		return client, nil
	}
	t, err := cli.OpenTerminal(o.env, o.session.GlobalFlags, "")
	if err != nil {
		return client, nil // Login says what is missing
	}
	defer t.Close()
	yes, err := t.Confirm(ctx, "okauth does not know where to sign in yet. Set it up now?", true)
	if err != nil || !yes {
		return client, err
	}
	if err := configcmd.Init(ctx, o.env, o.session.GlobalFlags, t); err != nil {
		return nil, err
	}
	return o.session.Open(o.env)
}

// report says who signed in, for what, and until when. It goes to standard error: standard output is for tokens.
func (o *loginOptions) report(s *okauth.Session) {
	who := okta.Sanitize(s.Username, 200)
	if who == "" {
		who = "client " + okta.Sanitize(s.ClientID, 100)
	}
	until := s.Expires.Local().Format("2006-01-02 15:04:05 MST") + ", in " + output.FormatDuration(s.Lifetime)
	rows := [][]string{{"", "profile", s.Profile}, {"", "server", s.Issuer}}
	if s.Factor != "" {
		rows = append(rows, []string{"", "factor", s.Factor})
	}
	rows = append(rows, []string{"", "scopes", strings.Join(s.Scope, " ")}, []string{"", "valid", "until " + until})
	o.env.Print("Signed in as "+who+".", rows...)
	for _, warning := range s.Warnings {
		o.env.Warn(warning)
	}
}
