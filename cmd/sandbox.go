package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"okauth/pkg/oktatest"
)

type sandboxOptions struct {
	env      *Env
	addr     string
	tls      bool
	noLimits bool
	cast     bool

	lifetime time.Duration
	rotate   bool
	grace    time.Duration
}

func newSandboxCmd(env *Env) *cobra.Command {
	o := &sandboxOptions{env: env}
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run an Okta-shaped authorization server on this machine",
		Long: `Run an Okta-shaped authorization server on the loopback interface, for trying
okauth out and for the tests of other programs. It prints the lines to paste
into another terminal and serves until Ctrl-C, which is no failure: exit 0.
Nothing it knows is a secret, and it forgets everything when it ends.

It refuses as Okta does: --cast lists how to meet each refusal. Beside Okta's
endpoints, GET /api/hello is an API that wants an access token.

OKAUTH_SCOPES is among the lines, so that okauth login brings a refresh token
and okauth token --refresh uses it. With --rotate each refresh token works
once: the answer has the next one, and the old one, shown again after --grace,
ends the session. --lifetime 90s shows soon what happens when an access token
expires.`,
		Example: `  okauth sandbox
  okauth sandbox --rotate --lifetime 90s
  okauth sandbox --tls --addr 127.0.0.1:8443
  okauth sandbox --cast`,
		Args: argsBetween(0, 0),
		RunE: stoppable(env, o.run),
	}
	c.Flags().StringVar(&o.addr, "addr", "127.0.0.1:0", "the loopback address to listen on; port 0 is a free one")
	c.Flags().BoolVar(&o.tls, "tls", false, "serve https, with a certificate authority of its own")
	c.Flags().BoolVar(&o.noLimits, "no-limits", false, "no rate limits and no lock-out")
	c.Flags().DurationVar(&o.lifetime, "lifetime", time.Hour, "how long access tokens live, 1s or more")
	c.Flags().BoolVar(&o.rotate, "rotate", false, "every refresh brings a new refresh token and spends the old one")
	c.Flags().DurationVar(&o.grace, "grace", oktatest.DefaultLeeway, "with --rotate: how long a spent refresh token still works, 0s to 60s")
	c.Flags().BoolVar(&o.cast, "cast", false, "list the refusals, each with the command that meets it")
	return c
}

// check judges the flags together. https://developer.okta.com/docs/guides/refresh-tokens/main/ has the bounds of the grace period.
func (o *sandboxOptions) check() error {
	switch {
	case o.lifetime < time.Second:
		return &usageError{message: fmt.Sprintf("--lifetime: expected 1s or more, got %v", o.lifetime), hint: "okauth sandbox --lifetime 90s"}
	case o.grace < 0 || o.grace > time.Minute:
		return &usageError{message: fmt.Sprintf("--grace: expected 0s to 60s, got %v", o.grace), hint: "okauth sandbox --rotate --grace 60s"}
	case o.grace != oktatest.DefaultLeeway && !o.rotate:
		return &usageError{message: "--grace needs --rotate: a refresh token that stays the same is never spent", hint: "okauth sandbox --rotate --grace " + o.grace.String()}
	}
	return nil
}

func (o *sandboxOptions) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	server, err := oktatest.Start(o.options()...)
	if err != nil {
		return &codedError{err: err, code: exitUsage, hint: "--addr takes a loopback address and a free port, such as 127.0.0.1:8099"}
	}
	defer server.Close()
	if o.cast {
		_, err := fmt.Fprint(o.env.Stdout, castList(server))
		return err
	}
	caFile, remove, err := o.writeCA(server)
	if err != nil {
		return err
	}
	defer remove()
	if _, err := fmt.Fprint(o.env.Stdout, sandboxExports(server, caFile)); err != nil {
		return err
	}
	fmt.Fprintf(o.env.Stderr, "okauth: serving %s until Ctrl-C; paste the lines above into another terminal, then: okauth login && okauth token --refresh\n", server.URL())
	<-ctx.Done()
	return nil // being told to stop is how a server ends well
}

func (o *sandboxOptions) options() []oktatest.Option {
	options := []oktatest.Option{
		oktatest.WithAddr(o.addr), oktatest.WithLifetimes(oktatest.Lifetimes{Access: o.lifetime}),
		oktatest.WithRotation(oktatest.Rotation{Rotate: o.rotate, Leeway: o.grace}),
	}
	if o.tls {
		options = append(options, oktatest.WithTLS())
	}
	if o.noLimits {
		options = append(options, oktatest.WithLimits(oktatest.Limits{}))
	}
	return options
}

// writeCA puts the server's certificate authority where a client can read it.
func (o *sandboxOptions) writeCA(server *oktatest.Server) (name string, remove func(), err error) {
	if !o.tls {
		return "", func() {}, nil
	}
	dir, err := os.MkdirTemp("", "okauth-sandbox-")
	if err != nil {
		return "", nil, err
	}
	name = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(name, server.CAPEM(), 0o600); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return name, func() { os.RemoveAll(dir) }, nil
}

// sandboxExports are the lines that lead okauth to the sandbox.
func sandboxExports(server *oktatest.Server, caFile string) string {
	var b strings.Builder
	for _, v := range [][2]string{
		{"OKAUTH_DOMAIN", server.URL()},
		{"OKAUTH_CLIENT_ID", oktatest.DefaultClientID},
		{"OKAUTH_CLIENT_SECRET", oktatest.DefaultClientSecret},
		{"OKAUTH_USERNAME", oktatest.DefaultUser},
		{"OKAUTH_PASSWORD", oktatest.DefaultPassword},
		{"OKAUTH_SCOPES", "openid offline_access"},
		{"OKAUTH_CA_FILE", caFile},
	} {
		if v[1] != "" {
			fmt.Fprintf(&b, "export %s=%s\n", v[0], shellQuote(v[1]))
		}
	}
	return b.String()
}

// castList shows each refusal with the command that meets it, in a shell that has
// the sandbox's variables. What okauth never sends is left out.
func castList(server *oktatest.Server) string {
	var b strings.Builder
	for _, e := range server.Cast() {
		if e.Error == "" || e.Login == "" || e.Password == "" || e.Scope == "" {
			continue
		}
		fmt.Fprintf(&b, "%s: %d %s\n  %s\n", e.Shows, e.Status, e.Error, castCommand(e))
	}
	return b.String()
}

func castCommand(e oktatest.Example) string {
	var line strings.Builder
	if e.Secret != oktatest.DefaultClientSecret {
		line.WriteString("OKAUTH_CLIENT_SECRET=" + e.Secret + " ")
	}
	if e.Password != oktatest.DefaultPassword {
		line.WriteString("OKAUTH_PASSWORD=" + shellQuote(e.Password) + " ")
	}
	line.WriteString("okauth login --scope " + shellQuote(e.Scope))
	for _, flag := range [][3]string{
		{"server", e.Server, oktatest.DefaultServerID},
		{"client-id", e.ClientID, oktatest.DefaultClientID},
		{"username", e.Login, oktatest.DefaultUser},
	} {
		if flag[1] != flag[2] {
			line.WriteString(" --" + flag[0] + " " + shellQuote(flag[1]))
		}
	}
	return line.String()
}
