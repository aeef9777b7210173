package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type execOptions struct {
	env      *cli.Env
	session  cli.SessionFlags
	kind     session.TokenType
	variable string

	passSecrets bool
}

func newExecCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &execOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "exec [flags] -- CMD [ARG...]",
		Short: "Run a command with a token in its environment",
		Long: `Run CMD with a token in its environment: in OKTA_ACCESS_TOKEN, in OKTA_ID_TOKEN
with --type id, or in the variable that --env names. okauth gets the token as
"okauth token" does. If okauth gets no token, CMD does not run, and the exit
code is okauth's ("okauth help exit-codes").

CMD inherits all other variables except those that hold a secret of okauth, such
as OKAUTH_PASSWORD; an okauth in CMD that needs one says so, for a refresh or a
sealed file. --pass-secrets passes them on.

CMD replaces okauth: signals, terminal, standard input and exit code are its
own. On Windows okauth waits and exits with CMD's code. If CMD cannot run, the
exit code is that of a shell:

  127  CMD was not found
  126  CMD was found, but cannot be run

okauth looks for CMD in PATH but not in the current directory: write ./CMD for
that. Your shell expands $OKTA_ACCESS_TOKEN before okauth runs, except in single
quotes, as in sh -c '…'.

If okauth cannot store a new session, it warns and runs CMD.`,
		Example: `  # the access token is in $OKTA_ACCESS_TOKEN
  okauth exec -- ./deploy.sh
  # the ID token is in $ID_TOKEN
  okauth exec --type id --env ID_TOKEN -- make release
  # a shell expands the variable
  okauth exec --env T -- sh -c 'echo "Authorization: Bearer $T" |
    curl -H @- https://api.example.com/v1/orders'
  # a token for a long job
  okauth exec --min-ttl 30m -p prod -- python3 report.py`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usage(fmt.Sprintf("%q needs a command to run", c.CommandPath()),
					"write it behind --, as in: okauth exec -- ./deploy.sh")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	c.Flags().SetInterspersed(false)
	o.session.AddFlags(c, append(cli.SignInKeys(), config.KeyMinTTL)...)
	o.session.AddPageFlags(c)
	cli.TokenTypeFlag(c, &o.kind, session.Access, session.ID)
	c.Flags().StringVar(&o.variable, "env", "", "variable `NAME` (default OKTA_ACCESS_TOKEN or OKTA_ID_TOKEN)")
	cli.CompleteFlag(c, "env")
	c.Flags().BoolVar(&o.passSecrets, "pass-secrets", false, "let CMD inherit the variables that hold okauth's secrets")
	return c
}

func (o *execOptions) run(ctx context.Context, args []string) error {
	variable := cmp.Or(o.variable, cli.TokenVariable(o.kind))
	if output.CheckVariable(variable) != nil { // what was typed is not shown: it may be "$TOKEN"
		return cli.Usage("--env: expected the name of a variable: letters, digits and _, with no digit in front",
			"okauth exec --env API_TOKEN -- "+cli.ShellQuote(args[0]))
	}
	path, err := find(args[0]) // first: a typing mistake must cost no request
	if err != nil {
		return err
	}
	token, err := o.token(ctx)
	if err != nil {
		return err
	}
	o.env.WarnBound(token)
	var value strings.Builder
	if err := (output.TokenOptions{Format: "raw"}).Write(&value, token); err != nil {
		return err
	}
	code, err := o.env.Exec(path, args, o.environ(variable, strings.TrimSpace(value.String())))
	if err != nil {
		return cannotRun(args[0], err)
	}
	return cli.SilentError{Code: code}
}

// environ returns the environment of CMD, which has each variable once: programs differ in which of two they read.
func (o *execOptions) environ(variable, token string) []string {
	add := make(map[string]string)
	if names := config.WithheldNames(o.env.LookupEnv); names != "" && !o.passSecrets {
		add[config.WithheldVariable] = names
	}
	for _, name := range config.SecretVariables() {
		if value, ok := o.env.LookupEnv(name); ok && o.passSecrets {
			add[name] = value
		}
	}
	add[variable] = token
	environ := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		_, again := add[name]
		return again
	})
	for name, value := range add {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// token gets the token for CMD. A refresh that has begun may succeed after Ctrl-C; CMD does not start after that.
func (o *execOptions) token(ctx context.Context) (token output.Token, err error) {
	err = cli.UntilStopped(ctx, o.env, func(ctx context.Context) error {
		token, err = o.session.Token(ctx, o.env, o.kind, false)
		if cli.Is[*session.SaveError](err) { // CMD runs, and its exit code does not report this
			o.env.Warn(err.Error())
			o.env.Advise(o.session.Hint(o.env, err))
			err = nil
		}
		return cmp.Or(err, context.Cause(ctx))
	})
	return token, err
}

// find returns the path of the program called name.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrDot):
		return "", cli.Exit(cli.ExitNotFound,
			fmt.Errorf("run %q: it is in the directory %q, and PATH finds programs in absolute directories only",
				name, filepath.Dir(path)),
			fmt.Sprintf("if that one is meant, write .%c%s", filepath.Separator, path))
	case errors.Is(err, exec.ErrNotFound) && name == filepath.Base(name):
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && filepath.IsAbs(path) {
				return "", cannotRun(path, fs.ErrPermission) // the program, if it were executable
			}
		}
	}
	return "", cannotRun(name, err)
}

// cannotRun returns the error of a program that did not start, with a shell's exit code.
func cannotRun(name string, err error) error {
	// Both name the program once more.
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	shown := strconv.Quote(name)
	if !strings.ContainsRune(name, filepath.Separator) {
		shown = cli.QuoteName(name)
	}
	code, advice := cli.ExitNotExecutable, ""
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		code = cli.ExitNotFound
		if os.Getenv("PATH") == "" && errors.Is(err, exec.ErrNotFound) {
			advice = "PATH is not set: write the whole path of CMD"
		} else if strings.ContainsAny(name, " |<>$;") {
			advice = "CMD and each ARG are words of their own; for a line of shell: okauth exec -- sh -c '…'"
		}
	case errors.Is(err, syscall.ENOEXEC):
		advice = "a script names its interpreter in its first line, as in: #!/bin/sh"
	case errors.Is(err, fs.ErrPermission):
		advice = "if it is a program, make it executable: chmod +x " + cli.ShellQuote(name)
	}
	return cli.Exit(code, fmt.Errorf("run %s: %w", shown, err), advice)
}
