package cmd

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

func newConfigInitCmd(o *configOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Set up a profile by answering questions",
		Long: `Set up a profile by answering questions, one at a time. Each tells where in
Okta's admin console the answer is found, and Enter keeps what is in brackets.
Without a terminal, use "okauth config set" or the environment instead.`,
		Example: `  okauth config init
  okauth -p prod config init`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(o.env, func(ctx context.Context) error {
			t, err := cli.OpenTerminal(o.env, o.global,
				"okauth config set domain …, client_id …, client_secret; or set OKAUTH_DOMAIN, OKAUTH_CLIENT_ID and OKAUTH_CLIENT_SECRET")
			if err != nil {
				return &cli.ExitError{Err: err, Code: cli.ExitUsage, Advice: cli.Hint(err)}
			}
			defer t.Close()
			if err := initProfile(ctx, o.env, o.global, t); err != nil {
				return err
			}
			return t.Printf("Next: okauth login\n")
		}),
	}
}

// interview asks for the settings of one profile.
type interview struct {
	*configOptions
	t    *prompt.Terminal
	file *config.File
	name string
}

// initProfile asks, then writes: an interview that is broken off changes nothing.
func initProfile(ctx context.Context, env *cli.Env, global *cli.GlobalFlags, t *prompt.Terminal) error {
	shared := &configOptions{env: env, global: global}
	file, name, err := shared.edit()
	if err != nil {
		return err
	}
	i := &interview{configOptions: shared, t: t, file: file, name: name}
	if err := t.Printf("Setting up profile %q in %s.\nEnter keeps what is in [brackets]; Ctrl-C changes nothing.\n\n", name, file.Path()); err != nil {
		return err
	}
	for _, q := range questions() {
		if err := i.ask(ctx, q); err != nil {
			return err
		}
	}
	return i.finish(ctx)
}

// question is one setting and what a person has to know to answer.
type question struct {
	key, label, where string
	optional          bool
}

// The places in the admin console are those of Okta's guide "Implement
// authorization by grant type: Resource Owner Password", Identity Engine, 2026.
func questions() []question {
	return []question{
		{key: config.KeyDomain, label: "Okta domain", where: `The host of your Okta organisation, without "-admin": dev-123456.okta.com. It is in the
menu under your name, at the top right of the admin console.`},
		{key: config.KeyServer, label: "Authorization server", where: `The name or id in Security > API > Authorization Servers; "org" is the org server.`},
		{key: config.KeyClientID, label: "Client ID", where: `Applications > Applications > your app > General > Client Credentials. It must be a native
app with the grant "Resource Owner Password".`},
		{key: config.KeyUsername, label: "Okta username", optional: true, where: `Who signs in: the Username in Directory > People, such as alice@example.com. Leave it empty,
or answer "-", to be asked at each sign-in.`},
		{key: config.KeyScopes, label: "Scopes", where: `What to ask for, separated by spaces, of the list in Security > API > Authorization Servers >
your server > Scopes; "openid" brings an ID token.`},
	}
}

// ask repeats a question until the answer is a value that the setting can have.
func (i *interview) ask(ctx context.Context, q question) error {
	key, err := config.FindKey(q.key)
	if err != nil {
		return err
	}
	if err := i.t.Printf("%s\n", q.where); err != nil {
		return err
	}
	initial, ok := i.file.Get(i.name, q.key)
	if !ok {
		initial = key.Default
	}
	for {
		answer, err := i.t.ReadLine(ctx, q.label, initial)
		if err != nil {
			return err
		}
		if q.optional && (answer == "" || answer == "-") {
			if i.has() {
				if err := i.file.Unset(i.name, q.key); err != nil {
					return err
				}
			}
			return i.t.Printf("\n")
		}
		if err = i.set(q.key, answer); err == nil {
			return i.t.Printf("\n")
		}
		if err := i.t.Printf("%s\n", correction(err)); err != nil {
			return err
		}
	}
}

// set puts an answer into the file. A domain that was given as an issuer is
// split into domain and server, so that the next question shows the server.
func (i *interview) set(key, answer string) error {
	if key == config.FileKey(config.KeyClientSecret) && !strings.HasPrefix(answer, "~") {
		// In the file, a relative path is relative to the file; here it is not.
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
		return i.file.Set(i.name, key, answer)
	}
	d, err := config.ParseDomain(answer)
	if err != nil {
		return err
	}
	if d.Server != "" {
		if err := i.dropServer(); err != nil {
			return err
		}
	}
	if err := i.file.Set(i.name, key, strings.TrimPrefix(d.BaseURL, "https://")); err != nil || d.Server == "" {
		return err
	}
	return i.file.Set(i.name, config.KeyServer, d.Server)
}

// dropServer makes way for the server that a domain names: the file refuses two.
func (i *interview) dropServer() error {
	if !i.has() {
		return nil
	}
	return i.file.Unset(i.name, config.KeyServer)
}

func (i *interview) has() bool { return slices.Contains(i.file.Profiles(), i.name) }

// correction is an error in the words of a conversation.
func correction(err error) string {
	if e, ok := errors.AsType[*config.Error](err); ok {
		text := "That will not do: " + e.Reason
		if advice := cli.Hint(e); advice != "" {
			text += "\n" + advice
		}
		return text + "\n"
	}
	return "That will not do: " + err.Error() + "\n"
}

// finish asks for the client secret, writes the file, and then the keychain,
// where a secret needs the domain and the client of the finished profile.
func (i *interview) finish(ctx context.Context) error {
	secret, err := i.askSecret(ctx)
	if err != nil {
		return err
	}
	if i.name != config.DefaultProfile && i.file.Current() != i.name {
		yes, err := i.t.Confirm(ctx, fmt.Sprintf("Use profile %q where none is named?", i.name), len(i.file.Profiles()) == 1)
		if err != nil {
			return err
		}
		if yes {
			if err := i.file.Use(i.name); err != nil {
				return err
			}
		}
	}
	// The secret first: a file that says "in the keychain" while it is not there
	// would have lost the secret that the old file had.
	if !secret.IsZero() {
		if err := i.keep(ctx, secret); err != nil {
			return err
		}
	}
	if err := i.file.Save(); err != nil {
		return err
	}
	return i.t.Printf("\nWrote %s.\n", i.file.Path())
}
