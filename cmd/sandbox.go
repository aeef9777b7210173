package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"okauth/pkg/oktatest"
)

type sandboxOptions struct {
	env      *Env
	addr     string
	tls      bool
	noLimits bool
	cast     bool
}

func newSandboxCmd(env *Env) *cobra.Command {
	o := &sandboxOptions{env: env}
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run an Okta-shaped authorization server on this machine",
		Long: `Run an Okta-shaped authorization server on the loopback interface, for trying
okauth out and for the tests of other programs. It prints the lines to paste into
another terminal and serves until Ctrl-C, which is no failure: exit 0. Nothing it knows is a secret, and it
forgets everything when it ends.

It refuses as Okta does: --cast lists how to meet each refusal. Beside Okta's
endpoints, GET /api/hello is an API that wants an access token.`,
		Example: `  okauth sandbox
  okauth sandbox --tls --addr 127.0.0.1:8443
  okauth sandbox --cast`,
		Args: argsBetween(0, 0),
		RunE: stoppable(env, o.run),
	}
	c.Flags().StringVar(&o.addr, "addr", "127.0.0.1:0", "the loopback address to listen on; port 0 is a free one")
	c.Flags().BoolVar(&o.tls, "tls", false, "serve https, with a certificate authority of its own")
	c.Flags().BoolVar(&o.noLimits, "no-limits", false, "no rate limits and no lock-out")
	c.Flags().BoolVar(&o.cast, "cast", false, "list the refusals, each with the command that meets it")
	return c
}

func (o *sandboxOptions) run(ctx context.Context) error {
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
	fmt.Fprintf(o.env.Stderr, "okauth: serving %s until Ctrl-C; paste the lines above into another terminal, then: okauth login\n", server.URL())
	<-ctx.Done()
	return nil // being told to stop is how a server ends well
}

func (o *sandboxOptions) options() []oktatest.Option {
	options := []oktatest.Option{oktatest.WithAddr(o.addr)}
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
