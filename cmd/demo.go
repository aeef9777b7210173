package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/oktatest"
	"okauth/pkg/output"
	"okauth/pkg/store/memory"
)

func newDemoCmd(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show every step against a built-in server",
		Long: `Show every step against a built-in server: configure, sign in, print the token,
decode and verify it, call an API with it, refresh it, sign in by a browser that
the demo plays itself and with a second factor, and sign out. A line that begins
with "$" is a command that you can type; its output follows. The demo needs no
account, no keychain and no network, and leaves nothing behind.`,
		Example: `  # at one go
  okauth demo
  # page by page
  okauth demo | less -R`,
		Args: cli.ArgsBetween(0, 0),
		RunE: cli.Stoppable(env, func(ctx context.Context) error { return runDemo(ctx, env) }),
	}
}

// demo is one run: a server, and the environment of its user.
type demo struct {
	out    io.Writer
	server *oktatest.Server
	env    cli.Env

	redirectURI string // "" until it is needed

	err error // the first that occurred; the steps after it do nothing
}

func runDemo(ctx context.Context, env *cli.Env) error {
	signal.Ignore(syscall.SIGPIPE) // "okauth demo | head" must not leave the directory behind
	server, err := oktatest.Start(oktatest.Options{Rotation: oktatest.Rotation{Rotate: true}})
	if err != nil {
		return err
	}
	defer server.Close()
	home, err := os.MkdirTemp("", "okauth-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)

	d := &demo{out: env.Stdout, server: server, env: *env}
	d.env.Stdin, d.env.Stdout, d.env.Stderr = strings.NewReader(""), d.out, d.out
	d.env.StdoutIsTTY, d.env.StderrIsTTY, d.env.StdinIsPipe, d.env.StdinIsTTY = true, env.StdoutIsTTY, false, false
	d.env.Environ, d.env.Keychain = nil, new(memory.Store)
	d.env.LockDir = filepath.Join(home, "locks")
	d.env.LookupEnv = func(name string) (string, bool) { // nothing of the user's own setup shows
		switch {
		case name == "OKAUTH_CONFIG":
			return filepath.Join(home, "config.yaml"), true
		case name == "OKAUTH_REDIRECT_URI" && d.redirectURI != "":
			return d.redirectURI, true
		case name == "OKAUTH_NO_BROWSER", name == "OKAUTH_NO_INPUT": // the demo plays the browser and asks nothing
			return "1", true
		case name == "NO_COLOR" && !env.StdoutIsTTY:
			return "1", true
		case name == "NO_COLOR", name == "TERM":
			return env.LookupEnv(name)
		}
		return "", false
	}
	d.play(ctx)
	return d.err
}

func (d *demo) play(ctx context.Context) {
	d.say("A simulated Okta server runs at %s; its user is %s.", d.server.URL(), oktatest.DefaultUser)

	d.say("1. Set where to sign in.")
	d.okauth(ctx, "config", "set", "domain", d.server.URL())
	d.okauth(ctx, "config", "set", "client_id", oktatest.DefaultClientID)
	d.okauthReading(ctx, "client-secret.txt", oktatest.DefaultClientSecret, "config", "set", "client_secret")
	d.okauth(ctx, "config", "set", "username", oktatest.DefaultUser)
	d.okauth(ctx, "config", "set", "scopes", "openid profile offline_access")

	d.say("2. Sign in. On a terminal, okauth would prompt for the password.")
	d.okauthReading(ctx, "password.txt", oktatest.DefaultPassword, "login", "--password-stdin")

	d.say("3. Print the token: it comes from the keychain, without a request.")
	d.okauth(ctx, "token")

	d.say("4. Decode it.")
	d.okauth(ctx, "decode")
	d.okauth(ctx, "decode", "--type", "id", "-o", "json")

	d.say("5. Verify it, as the API will: signature, issuer, audience, times.")
	d.okauth(ctx, "verify")

	d.say("6. Call an API with it. No process list shows the token.")
	d.call(ctx)

	d.say("7. Two hours later: the token has expired, and okauth refreshes it without a prompt.")
	d.env.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	d.okauth(ctx, "token", "-o", "json")
	d.okauth(ctx, "status")

	d.env.Now = time.Now
	d.say("8. Sign in with a browser. On a desktop, okauth would open it; here the demo plays the person in front of it.")
	d.signInWithBrowser(ctx)

	d.say("9. Sign in where Okta wants a second factor. On a terminal, okauth would ask for the code.")
	d.signInWithSecondFactor(ctx)

	d.say("10. Sign out: Okta revokes the refresh tokens, and okauth deletes the sessions.")
	d.okauth(ctx, "logout", "--all")

	d.say("The demo has left nothing behind. Next: okauth config init")
}

// signInWithSecondFactor signs in a user of the server who needs a one-time code.
func (d *demo) signInWithSecondFactor(ctx context.Context) {
	app, _ := d.server.App(oktatest.DefaultClientID)
	app.Assigned, app.Grants = nil, append(app.Grants, oktatest.GrantMFAOTP)
	d.server.AddApp(app)
	vars := map[string]string{"OKAUTH_USERNAME": "otp@example.com", "OKAUTH_OTP": oktatest.DefaultOTP}
	env := d.env
	env.Stdin, env.StdinIsPipe = strings.NewReader(oktatest.DefaultPassword), true
	env.LookupEnv = func(name string) (string, bool) {
		if value, ok := vars[name]; ok {
			return value, true
		}
		return d.env.LookupEnv(name)
	}
	d.print("$ export OKAUTH_USERNAME=%s OKAUTH_OTP=%s\n", vars["OKAUTH_USERNAME"], vars["OKAUTH_OTP"])
	d.run(ctx, env, []string{"login", "--password-stdin"}, " <password.txt")
}

func (d *demo) say(format string, args ...any) {
	d.print("\n%s\n", output.Wrap("# "+fmt.Sprintf(format, args...), 0, 2, d.env.Width))
}

func (d *demo) print(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.out, format, args...)
	}
}

func (d *demo) okauth(ctx context.Context, args ...string) { d.run(ctx, d.env, args, "") }

// okauthReading is okauth with the text of a file on standard input.
func (d *demo) okauthReading(ctx context.Context, file, text string, args ...string) {
	env := d.env
	env.Stdin, env.StdinIsPipe = strings.NewReader(text), true
	d.run(ctx, env, args, " <"+file)
}

// run shows a command line, which ends with rest, and runs it.
func (d *demo) run(ctx context.Context, env cli.Env, args []string, rest string) {
	line := "okauth"
	for _, arg := range args {
		line += " " + cli.ShellQuote(arg)
	}
	d.print("$ %s%s\n", line, rest)
	if d.err != nil {
		return
	}
	if code := Main(ctx, &env, args); code != cli.ExitOK {
		d.err = fmt.Errorf("demo: %q ended with exit code %d", line, code)
	}
}

// call asks the server's API as curl would.
func (d *demo) call(ctx context.Context) {
	url := d.server.URL() + "/api/hello"
	var header strings.Builder
	env := d.env
	env.Stdout = &header
	d.run(ctx, env, []string{"token", "-o", "header"}, " | curl -H @- "+url)
	if d.err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		d.err = err
		return
	}
	name, value, _ := strings.Cut(strings.TrimSpace(header.String()), ": ")
	req.Header.Set(name, value)
	answer, err := d.server.Client().Do(req)
	if err != nil {
		d.err = err
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("demo: the API answered %s", answer.Status)
	}
	d.err = err
	d.print("%s\n", bytes.TrimSpace(body))
}
