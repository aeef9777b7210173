package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
	"okauth/pkg/store"
)

func (o *options) newInit() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Set up a profile by answering questions",
		Long: `Set up a profile by answering questions, one at a time. Each question says where
the answer is in Okta's Admin Console, and Enter keeps the value in brackets.
Without a terminal, use "okauth config set" or the environment instead.`,
		Example: `  # the profile in use
  okauth config init
  # a new profile
  okauth -p prod config init`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(o.env, func(ctx context.Context) error {
			t, err := cli.OpenTerminal(o.env, o.session.GlobalFlags, "okauth config set domain …, client_id …, "+
				"client_secret; or set OKAUTH_DOMAIN, OKAUTH_CLIENT_ID and OKAUTH_CLIENT_SECRET")
			if err != nil {
				return cli.Exit(cli.ExitUsage, err, cli.Hint(err))
			}
			defer t.Close()
			if err := Init(ctx, o.env, o.session.GlobalFlags, t); err != nil {
				return err
			}
			return say(t, o.env, "Next: "+o.nextSteps(ctx))
		}),
	}
}

// nextSteps says how to go on after the questions.
func (o *options) nextSteps(ctx context.Context) string {
	command := "okauth" + o.session.Again()
	client, err := o.session.Open(o.env)
	switch {
	case err == nil && client.Settings().Storage() == okauth.StorageNone:
		return command + " token signs in each time" + withVariable(client.Grant())
	case err == nil && client.Settings().Storage() == okauth.StorageAuto &&
		store.IsKind(o.keychainError(ctx), store.Unavailable):
		return command + " login, once there is a keychain"
	}
	return command + " doctor checks the setup without a password; " + command + " login signs in"
}

// withVariable says which variable a sign-in without a person reads, if there is one.
func withVariable(g grant.Type) string {
	if g.Secret == "" {
		return ""
	}
	return ", with OKAUTH_" + strings.ToUpper(g.Secret)
}

// say prints paragraphs, broken at the width of the terminal.
func say(t *prompt.Terminal, env *cli.Env, text string) error {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString(output.Wrap(line, 0, 0, cmp.Or(env.Width, 80)) + "\n")
	}
	return t.Printf("%s", b.String())
}

// setup asks for the settings of a profile.
type setup struct {
	*options
	t       *prompt.Terminal
	file    *config.File
	profile string
	way     way         // how people sign in
	secret  okta.Secret // the client secret to store in the keychain, if there is one
	newKey  bool        // a new private key is to be stored there
	keyFile string      // where to write a new key of sealed files, if there is to be one
}

// Init asks for the settings of a profile on t, and then stores them. If it is interrupted before, it changes nothing.
func Init(ctx context.Context, env *cli.Env, global *cli.GlobalFlags, t *prompt.Terminal) error {
	o := &options{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	file, profile, err := config.OpenProfile(o.session.ConfigOptions(env))
	if err != nil {
		return err
	}
	if err := file.Check(profile); err != nil {
		return err
	}
	s := &setup{options: o, t: t, file: file, profile: profile}
	if err := say(t, env, fmt.Sprintf("Setting up profile %q in %s.\nEnter keeps what is in [brackets]; Ctrl-C changes "+
		"nothing.\n", profile, file.Path())); err != nil {
		return err
	}
	for _, q := range questions() {
		if err := s.ask(ctx, q); err != nil {
			return err
		}
	}
	if err := s.askSecret(ctx); err != nil {
		return err
	}
	if err := s.askStorage(ctx); err != nil {
		return err
	}
	if profile != config.DefaultProfile && file.Current() != profile {
		label := "Make profile " + strconv.Quote(profile) + " the default?"
		yes, err := t.Confirm(ctx, label, len(file.Profiles()) == 1)
		if err == nil && yes {
			err = file.Use(profile)
		}
		if err != nil {
			return err
		}
	}
	// The keychain first: if it fails, the file still has the secret that it had.
	if err := cmp.Or(s.storeInKeychain(ctx), s.writeKey()); err != nil {
		return err
	}
	if err := file.Save(); err != nil {
		return err
	}
	answered := []string{config.KeyClientSecret, config.KeyClientAuth, config.KeyPrivateKey, config.KeyFactor}
	for _, q := range questions() {
		answered = append(answered, q.key)
	}
	o.warnOverridden("your answer", answered...)
	return say(t, env, "\nWrote "+file.Path()+".")
}

// question is a setting and what a user has to know to answer.
type question struct {
	key, label, help string
	required         string // what is missing if there is no answer; "" allows none
	proposal         string // in place of the default
}

// questions returns the questions in their order. The places in the Admin Console are those of Okta's guide "Implement
// authorization by grant type: Resource Owner Password", Identity Engine, 2026.
func questions() []question {
	return []question{
		{key: config.KeyDomain, label: "Okta domain", required: "A domain",
			help: `The host of your Okta org, without "-admin": dev-123456.okta.com. It is in the menu under your name, at ` +
				`the top right of the Admin Console.`},
		{key: config.KeyServer, label: "Authorization server", required: "An authorization server",
			help: `The name or id in Security > API > Authorization Servers; "org" is the org server.`},
		{key: config.KeyGrant}, // askSignIn
		{key: config.KeyClientID, label: "Client ID", required: "A client ID",
			help: `Applications > Applications > your app > General > Client Credentials. For people, it must be a native ` +
				`app, for the application itself one of type API Services.`},
		{key: config.KeyUsername, label: "Okta username",
			help: `The Username in Directory > People, such as alice@example.com. Leave it empty, or answer "-", and okauth ` +
				`asks for it at each sign-in.`},
		{key: config.KeyScopes, label: "Scopes", required: "A scope", proposal: "openid profile offline_access",
			help: `What to ask for, separated by spaces, from the list in Security > API > Authorization Servers > your ` +
				`server > Scopes. "openid" adds an ID token. "offline_access" keeps you signed in after the first hour ` +
				`(refresh token), if the app has the grant "Refresh Token".`},
	}
}

// ask repeats a question until the setting can have the answer, and sets it.
func (s *setup) ask(ctx context.Context, q question) error {
	switch {
	case q.key == config.KeyGrant:
		return s.askSignIn(ctx)
	case q.key == config.KeyUsername && !s.way.needs().Username:
		return nil
	case q.key == config.KeyScopes && !s.way.needs().User:
		q = question{key: q.key, label: q.label, help: `Custom scopes, separated by spaces, from Security > API > ` +
			`Authorization Servers > your server > Scopes; at the org server, okta.* scopes that the app was granted. Leave ` +
			`it empty, or answer "-", for the server's default scopes.`}
	}
	key, err := config.FindKey(q.key)
	if err != nil {
		return err
	}
	if err := say(s.t, s.env, q.help); err != nil {
		return err
	}
	initial, ok := s.file.Get(s.profile, q.key)
	if !ok && q.required != "" {
		initial = cmp.Or(q.proposal, key.Default)
	}
	read := func() (string, error) { return s.t.ReadLine(ctx, q.label, initial) }
	err = s.untilValid(q.required, read, func(answer string) error {
		switch {
		case q.required == "" && (answer == "" || answer == "-"):
			return s.file.Unset(s.profile, q.key)
		case answer == "":
			return prompt.ErrEmpty
		}
		return s.set(q.key, answer)
	})
	if err != nil {
		return err
	}
	return s.t.Printf("\n")
}

// untilValid reads answers until set takes one, and says what is wrong with the others. required is what is missing
// after an empty one.
func (s *setup) untilValid(required string, read func() (string, error), set func(string) error) error {
	for {
		answer, err := read()
		if err != nil && !errors.Is(err, prompt.ErrEmpty) {
			return err
		}
		if err == nil {
			err = set(answer)
		}
		if err == nil {
			return nil
		}
		reason, empty := err.Error(), errors.Is(err, prompt.ErrEmpty)
		if e, ok := errors.AsType[*config.Error](err); ok {
			reason, empty = e.Reason, e.Kind == config.Empty
		}
		text := strings.TrimSpace("This is not valid: " + reason + "\n" + cli.Hint(err))
		if empty {
			text = required + " is required. Ctrl-C leaves everything as it was."
		}
		if err := say(s.t, s.env, text+"\n"); err != nil {
			return err
		}
	}
}

// set sets an answer. It splits an issuer into domain and server, so that the next question shows the server.
func (s *setup) set(key, answer string) error {
	server := ""
	switch {
	case key == config.KeyDomain:
		domain, err := config.ParseDomain(answer)
		if err != nil {
			return err
		}
		answer, server = strings.TrimPrefix(domain.BaseURL, "https://"), domain.Server
	case key == config.FileKey(config.KeyClientSecret) && !strings.HasPrefix(answer, "~"):
		// A relative path in the file is relative to the file.
		path, err := filepath.Abs(answer)
		if err == nil {
			_, err = os.Stat(path)
		}
		if err != nil {
			return err
		}
		answer = path
	}
	if err := s.file.Set(s.profile, key, answer); err != nil || server == "" {
		return err
	}
	return s.file.Set(s.profile, config.KeyServer, server)
}
