package cli

// How a command opens a profile, and the advice that depends on the profile.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/prompt"
	"okauth/pkg/session"
)

// Open reads the settings of the profile that the flags name.
func (s *SessionFlags) Open(env *Env) (*okauth.Client, error) {
	if s.PasswordStdin && s.ClientSecretStdin {
		return nil, Usage("--password-stdin and --client-secret-stdin both read standard input",
			"give one of them another way: OKAUTH_PASSWORD_FILE, OKAUTH_CLIENT_SECRET_FILE, password_command "+
				"or client_secret_command")
	}
	return okauth.Open(context.Background(), s.clientOptions(env))
}

// ConfigOptions returns where the settings come from.
func (g *GlobalFlags) ConfigOptions(env *Env) config.Options {
	s := SessionFlags{GlobalFlags: g}
	return s.clientOptions(env).ConfigOptions()
}

// clientOptions returns what flags and environment make of a client.
func (s *SessionFlags) clientOptions(env *Env) okauth.Options {
	o := okauth.Options{
		Profile: s.Profile, ConfigFile: s.config, Settings: make(map[string]string),
		SettingName: func(setting string) string { return "flag --" + flagName(setting) },
		Interaction: &terminalInteraction{env: env, flags: s.GlobalFlags, noBrowser: s.noBrowser},
		Terminal:    prompt.Name(), HoldOnError: !s.Serves, Prompt: s.prompt, NoBrowser: s.noBrowser,
		Events: s.events(env), UserAgent: "okauth/" + env.Build.Number(), SecretSource: s.ClientSecretSource,
		KeychainPrompt: !s.NoInput && env.Desktop(), Keychain: env.Keychain, LockDir: env.LockDir,
		LookupEnv: env.LookupEnv, UserConfigDir: env.UserConfigDir, Stderr: env.Stderr, Now: env.Now,
	}
	maps.Copy(o.Settings, s.Set)
	if s.timeout != "" {
		o.Settings[config.KeyTimeout] = s.timeout
	}
	if s.PasswordStdin {
		o.Password = func(ctx context.Context) (okta.Secret, error) { return ReadSecret(ctx, env, "password") }
	}
	if s.ClientSecretStdin {
		o.ClientSecret = func(ctx context.Context) (okta.Secret, error) { return ReadSecret(ctx, env, "client secret") }
	}
	return o
}

// events prints what happens meanwhile.
func (g *GlobalFlags) events(env *Env) okauth.Events {
	e := okauth.Events{
		Warning: env.Warn,
		Waiting: func(what string) func() { return env.Progress(Unnoticed, what) },
		Retry: func(d time.Duration, reason string) {
			if d >= time.Second { // a shorter wait needs no explanation
				env.Say(okta.Sanitize(reason, 300) + "; waiting " + output.FormatDuration(d.Round(time.Second)))
			}
		},
		SignIn: func(reason, notStored error) {
			env.Say(reason.Error())
			if notStored != nil {
				env.Warn(g.Commands(env, "there is no keychain, so this sign-in is not stored; to "+keepInFile))
			}
		},
		OtherAsks: func() func() {
			return env.Notice(Unnoticed, "waiting for another okauth process, in which a person signs in")
		},
	}
	if level := g.verbosity(env); level > 0 {
		e.Trace = func(line string) {
			env.above(func() { fmt.Fprintf(env.Stderr, "okauth: %s\n", okta.Sanitize(line, maxMessage)) })
		}
		e.TraceDetail = level >= verboseDetail
	}
	return e
}

// verbosity is how much of each request is shown. OKAUTH_DEBUG is for a job whose command line is out of reach.
func (g *GlobalFlags) verbosity(env *Env) verbosity {
	switch env.Getenv("OKAUTH_DEBUG") {
	case "", "0", "false":
		return g.verbose
	}
	return verboseDetail
}

// missing returns the variables that would give what a sign-in without a person lacks.
func (s *SessionFlags) missing(client *okauth.Client) (variables []string) {
	settings, g := client.Settings(), client.Grant()
	if g.Person {
		return nil
	}
	if g.Username && settings.Username() == "" {
		variables = append(variables, usernameVariable)
	}
	fromStdin := s.PasswordStdin && g.Secret == config.KeyPassword
	if g.Secret != "" && !fromStdin && settings.Secret(g.Secret).IsZero() {
		variables = append(variables, "OKAUTH_"+strings.ToUpper(g.Secret))
	}
	return variables
}

const usernameVariable = "OKAUTH_USERNAME"

// Advise adds the command that signs in to an error that only a sign-in resolves, or the variables that are missing.
func (s *SessionFlags) Advise(err error, missing ...string) error {
	required, ok := errors.AsType[*okauth.LoginRequiredError](err)
	needs, wantsFactor := errors.AsType[*grant.InteractionRequiredError](err) // after the password
	switch {
	case !ok:
		return err
	case wantsFactor && required.NoStore == "":
		advice := strings.ReplaceAll(interactionAdvice(needs), "okauth login", "okauth login"+s.Identity())
		return Exit(ExitLoginRequired, err, advice)
	case wantsFactor:
		return Exit(ExitLoginRequired, err, giveCode+", or "+keepInFile)
	case required.NoStore == "":
		advice := "sign in with: okauth login" + s.Identity()
		if slices.Equal(missing, []string{usernameVariable}) {
			advice = "only the user name is missing: set " + usernameVariable + ", or " + advice
		}
		return Exit(ExitLoginRequired, err, advice)
	case len(missing) > 0:
		return Exit(ExitLoginRequired, err, strings.Replace(Hint(err), signInVariables, strings.Join(missing, " and "), 1))
	}
	return err
}

// FitHint makes the hint about err name where a wrong value came from, since an old value in the environment is the
// usual cause: a refused password's source, unless a person typed it, and --scope. A hint that asks for the user name
// does not ask for a password that is there, and one about a grant without a password for none.
func (s *SessionFlags) FitHint(settings *config.Settings, err error) error {
	hint := Hint(err)
	_, scopesGiven := s.Set[config.KeyScopes]
	nameOnly, asksForBoth := strings.CutSuffix(hint, ", and "+passwordAdvice)
	e, ok := errors.AsType[*okta.Error](err)
	refused := ok && e.Code == "invalid_grant" && requestKind(e.RequestInfo) == config.KeyPassword
	source := s.secretSource(settings, config.KeyPassword)
	blocked, isBlocked := errors.AsType[*session.PasswordBlockedError](err)
	g, _ := grant.Lookup(settings.Grant())
	switch {
	case strings.Contains(hint, keepInFile) && g.Secret == "":
		hint = strings.NewReplacer(orVariables, "", noLoginNeeded, "").Replace(hint)
	case strings.Contains(hint, noLoginNeeded) && g.Secret == config.KeyOTP:
		hint = strings.Replace(hint, "a password in OKAUTH_PASSWORD", "a one-time code in OKAUTH_OTP", 1)
	case asksForBoth && (source != "" || g.Secret != config.KeyPassword):
		hint = nameOnly
	case errors.Is(err, prompt.ErrNoTerminal):
		hint = strings.ReplaceAll(hint, "okauth login", "okauth login"+s.Identity())
	case scopesGiven && strings.Contains(hint, showScopes):
		hint = strings.ReplaceAll(hint, showScopes, "--scope")
	case source != "" && refused:
		hint = strings.Replace(hint, "the password", "the password from "+source, 1)
	case isBlocked:
		key := config.KeyPassword
		if blocked.What != key {
			key = config.KeyOTP
		}
		hint = "correct the " + blocked.What + " from " + s.secretSource(settings, key) + ", or type it: " +
			s.typeSecret(settings, key)
	default:
		return err
	}
	return Exit(ExitCode(err), err, hint)
}

// secretSource says where the password, or the one-time code, came from; "" where a person types it.
func (s *SessionFlags) secretSource(settings *config.Settings, key string) string {
	ref := settings.Secret(key)
	source := ref.Key
	switch {
	case s.PasswordStdin && key == config.KeyPassword:
		return "standard input"
	case ref.IsZero():
		return ""
	case ref.Source.Kind == config.FromEnv:
		source = ref.Source.Name
	}
	if file, err := settings.Get(ref.Key); err == nil && ref.FromFile() {
		source += " (" + file.Value + ")"
	}
	return source
}

// typeSecret returns the command that asks for the password, whatever gives it now.
func (s *SessionFlags) typeSecret(settings *config.Settings, secret string) string {
	unset, without := "", ""
	for _, key := range config.SecretKeys(secret) {
		switch source := settings.Source(key); source.Kind {
		case config.FromEnv:
			without += "-u " + source.Name + " "
		case config.FromFile:
			unset += "okauth config unset " + key + ", then: "
		}
	}
	if without != "" {
		without = "env " + without
	}
	return unset + without + "okauth login" + s.Identity()
}

const showScopes = "okauth config get scopes"

// ClientSecretSource says where the client secret was taken from, where that is not what "config set client_secret"
// would change.
func (s *SessionFlags) ClientSecretSource(settings *config.Settings) string {
	ref := settings.Secret(config.KeyClientSecret)
	switch {
	case s.ClientSecretStdin:
		return "what --client-secret-stdin reads"
	case ref.IsZero():
		return ""
	}
	name := ref.Key
	if ref.Source.Kind == config.FromEnv {
		name = ref.Source.Name
	}
	switch {
	case ref.FromFile():
		return "the file that " + name + " names"
	case ref.FromCommand():
		return "what the command of " + name + " prints"
	case ref.Source.Kind == config.FromFile:
		return "it in " + ref.Source.Name + " (okauth config set client_secret --keep file)"
	}
	return name
}
