package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/prompt"
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
			t, err := cli.OpenTerminal(o.env, o.global, "okauth config set domain …, client_id …, client_secret; "+
				"or set OKAUTH_DOMAIN, OKAUTH_CLIENT_ID and OKAUTH_CLIENT_SECRET")
			if err != nil {
				return &cli.ExitError{Err: err, Code: cli.ExitUsage, Advice: cli.Hint(err)}
			}
			defer t.Close()
			if err := Init(ctx, o.env, o.global, t); err != nil {
				return err
			}
			return t.Printf("Next: okauth login\n")
		}),
	}
}

// setup asks for the settings of a profile.
type setup struct {
	*options
	t       *prompt.Terminal
	file    *config.File
	profile string
}

// Init asks for the settings of a profile on t, and then stores them. If it is interrupted before, it changes nothing.
func Init(ctx context.Context, env *cli.Env, global *cli.GlobalFlags, t *prompt.Terminal) error {
	o := &options{env: env, global: global}
	file, profile, err := o.edit()
	if err != nil {
		return err
	}
	s := &setup{options: o, t: t, file: file, profile: profile}
	if err := t.Printf("Setting up profile %q in %s.\nEnter keeps what is in [brackets]; Ctrl-C changes nothing.\n\n",
		profile, file.Path()); err != nil {
		return err
	}
	for _, q := range questions() {
		if err := s.ask(ctx, q); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// question is a setting and what a user has to know to answer.
type question struct {
	key, label, help string
	optional         bool
}

// questions returns the questions in their order. The places in the Admin Console are those of Okta's guide "Implement
// authorization by grant type: Resource Owner Password", Identity Engine, 2026.
func questions() []question {
	return []question{
		{key: config.KeyDomain, label: "Okta domain",
			help: `The host of your Okta org, without "-admin": dev-123456.okta.com. It is in the menu under
your name, at the top right of the Admin Console.`},
		{key: config.KeyServer, label: "Authorization server",
			help: `The name or id in Security > API > Authorization Servers; "org" is the org server.`},
		{key: config.KeyClientID, label: "Client ID",
			help: `Applications > Applications > your app > General > Client Credentials. It must be a native
app with the grant "Resource Owner Password".`},
		{key: config.KeyUsername, label: "Okta username", optional: true,
			help: `The Username in Directory > People, such as alice@example.com. Leave it empty, or answer
"-", and okauth asks for it at each sign-in.`},
		{key: config.KeyScopes, label: "Scopes",
			help: `What to ask for, separated by spaces, from the list in Security > API > Authorization
Servers > your server > Scopes; "openid" adds an ID token.`},
	}
}

// ask repeats a question until the setting can have the answer, and sets it.
func (s *setup) ask(ctx context.Context, q question) error {
	key, err := config.FindKey(q.key)
	if err != nil {
		return err
	}
	if err := s.t.Printf("%s\n", q.help); err != nil {
		return err
	}
	initial, ok := s.file.Get(s.profile, q.key)
	if !ok {
		initial = key.Default
	}
	for {
		answer, err := s.t.ReadLine(ctx, q.label, initial)
		if err != nil {
			return err
		}
		if q.optional && (answer == "" || answer == "-") {
			err = s.unset(q.key)
		} else {
			err = s.set(q.key, answer)
		}
		if err == nil {
			return s.t.Printf("\n")
		}
		if err := s.t.Printf("%s\n", correction(err)); err != nil {
			return err
		}
	}
}

// set sets an answer. It splits an issuer into domain and server, so that the next question shows the server.
func (s *setup) set(key, answer string) error {
	if key == config.FileKey(config.KeyClientSecret) && !strings.HasPrefix(answer, "~") {
		// A relative path in the file is relative to the file.
		path, err := filepath.Abs(answer)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		answer = path
	}
	if key != config.KeyDomain {
		return s.file.Set(s.profile, key, answer)
	}
	d, err := config.ParseDomain(answer)
	if err != nil {
		return err
	}
	if d.Server != "" { // the file accepts one server only
		if err := s.unset(config.KeyServer); err != nil {
			return err
		}
	}
	if err := s.file.Set(s.profile, key, strings.TrimPrefix(d.BaseURL, "https://")); err != nil || d.Server == "" {
		return err
	}
	return s.file.Set(s.profile, config.KeyServer, d.Server)
}

// unset removes a setting of the profile, if the file has the profile.
func (s *setup) unset(key string) error {
	if !slices.Contains(s.file.Profiles(), s.profile) {
		return nil
	}
	return s.file.Unset(s.profile, key)
}

// correction says what is wrong with an answer.
func correction(err error) string {
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		return "This is not valid: " + err.Error() + "\n"
	}
	text := "This is not valid: " + e.Reason + "\n"
	if advice := cli.Hint(e); advice != "" {
		text += advice + "\n"
	}
	return text
}

// finish asks for the client secret, and stores the secret and the file.
func (s *setup) finish(ctx context.Context) error {
	secret, err := s.askSecret(ctx)
	if err != nil {
		return err
	}
	if s.profile != config.DefaultProfile && s.file.Current() != s.profile {
		label := fmt.Sprintf("Make profile %q the default?", s.profile)
		yes, err := s.t.Confirm(ctx, label, len(s.file.Profiles()) == 1)
		if err != nil {
			return err
		}
		if yes {
			if err := s.file.Use(s.profile); err != nil {
				return err
			}
		}
	}
	// The keychain first: if it fails, the file still has the secret that it had.
	if !secret.IsZero() {
		if err := s.saveSecret(ctx, secret); err != nil {
			return err
		}
	}
	if err := s.file.Save(); err != nil {
		return err
	}
	return s.t.Printf("\nWrote %s.\n", s.file.Path())
}
