package cmd

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/proxy"
	"okauth/pkg/session"
	"okauth/pkg/transport"
)

const upstreamHint = "okauth proxy --upstream https://api.example.com"

type proxyOptions struct {
	env              *cli.Env
	session          cli.SessionFlags
	upstream, listen string
}

func newProxyCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &proxyOptions{env: env, session: cli.SessionFlags{GlobalFlags: global}}
	c := &cobra.Command{
		Use:   "proxy",
		Short: "Serve an API on this machine, with the token added",
		Long: `Run a reverse proxy on this machine that leads to the API at --upstream and adds
the access token, and with dpop the proof, to each request. Programs use its
address in place of the API's and need no token.

okauth gets the token as "okauth token" does, before it prints the address. Then
it keeps the token in memory and renews it without asking. If the API answers
401, okauth gets a new token and repeats the request once, unless its body is
larger than 64 KiB or of unknown length. Redirects are passed on.

--listen takes a loopback address, where port 0 is any free port, or unix:PATH
for a Unix socket that only you can connect to. Every user of this machine can
connect to a port. Web pages cannot use the proxy: okauth refuses requests
from another site or for another host (403).

okauth answers 502 with a problem document (RFC 9457) if it has no token or
cannot reach the API, and writes a line to standard error. It runs until Ctrl-C
or SIGTERM (exit 0), and then lets open requests end for up to 10 seconds.`,
		Example: `  # print http://127.0.0.1:8080 and serve
  okauth proxy --upstream https://api.example.com --listen 127.0.0.1:8080
  # in another terminal
  curl http://127.0.0.1:8080/v1/orders
  # on a Unix socket, for programs of this user only
  okauth proxy --upstream https://api.example.com --listen unix:api.sock
  curl --unix-socket api.sock http://localhost/v1/orders`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cli.ArgsBetween(0, 0)(c, args); err != nil {
				return cli.Exit(cli.ExitUsage, err, upstreamHint) // the argument may be the URL
			}
			return nil
		},
		RunE: cli.Stoppable(env, o.run),
	}
	o.session.AddFlags(c, append(cli.SignInKeys(), config.KeyMinTTL)...)
	o.session.AddPageFlags(c)
	o.session.AddStdinFlags(c)
	c.Flags().StringVar(&o.upstream, "upstream", "", "`URL` of the API; a path in it comes before that of each request")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "address to serve at: HOST:PORT or unix:PATH")
	cli.CompleteFlag(c, "upstream")
	cli.CompleteFlag(c, "listen")
	return c
}

func (o *proxyOptions) run(ctx context.Context) error {
	if o.upstream == "" {
		return cli.Usage("--upstream: missing", upstreamHint)
	}
	upstream, err := proxy.ParseUpstream(o.upstream)
	if err != nil {
		return fmt.Errorf("--upstream: %w", err)
	}
	o.session.Serves = true
	client, err := o.session.Open(o.env)
	if err != nil {
		return err
	}
	settings, err := client.TransportConfig()
	if err != nil {
		return err
	}
	api, err := transport.NewAPI(settings)
	if err != nil {
		return err
	}
	listener, err := proxy.Listen(o.listen) // before a person is asked
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	token, err := o.signIn(ctx, client)
	if err != nil {
		return err
	}
	o.session.NoInput = true // from now on no one waits for a question
	if _, err := fmt.Fprintln(o.env.Stdout, proxy.Address(listener)); err != nil {
		return err
	}
	notify(o.env, "READY=1")
	if o.env.StderrIsTTY {
		o.env.Say("serving " + upstream.Redacted() + " until Ctrl-C")
	}
	tokens, cancel := context.WithCancel(context.WithoutCancel(ctx)) // open requests may need one after the signal
	defer client.Wait()
	defer cancel()
	return o.serve(ctx, client, listener, &proxy.Proxy{
		Upstream: upstream, Transport: client.Transport(tokens, proxy.WrapErrors(api), token),
	})
}

// serve runs p until the end of ctx.
func (o *proxyOptions) serve(ctx context.Context, client *okauth.Client, l net.Listener, p *proxy.Proxy) error {
	log.SetOutput(io.Discard) // net/http writes there what an API sends unasked
	defer o.env.Stopping(ctx)()
	p.Hint = func(err error) string { return o.hint(client, err) }
	p.Failed = (&failureLog{env: o.env, hint: p.Hint}).add
	return p.Serve(ctx, l)
}

// signIn gets a token, so that a proxy that cannot work does not start.
func (o *proxyOptions) signIn(ctx context.Context, client *okauth.Client) (session.CachedToken, error) {
	token, err := cli.ValidToken(ctx, o.env, client, session.Access, false)
	_, err = o.session.Result(o.env, client, token, err)
	if cli.Is[*session.SaveError](err) {
		o.env.Warn(err.Error())
		o.env.Advise(o.session.Hint(o.env, err))
		return token, nil
	}
	return token, err
}

// hint returns what to do about the error of a request.
func (o *proxyOptions) hint(client *okauth.Client, err error) string {
	_, err = o.session.Result(o.env, client, session.CachedToken{}, err)
	return o.session.Hint(o.env, err)
}

// failureLog writes the errors of requests: at most one line a second, and a repeated one every ten seconds.
type failureLog struct {
	env  *cli.Env
	hint func(error) string

	mu   sync.Mutex
	last string
	at   time.Time
	left int // errors since then that got no line
}

func (l *failureLog) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, now, pause := err.Error(), time.Now(), time.Second
	if text == l.last {
		pause = 10 * time.Second
	}
	if now.Sub(l.at) < pause {
		l.left++
		return
	}
	line := text
	if hint := l.hint(err); hint != "" {
		line += "; " + hint
	}
	if l.left > 0 {
		line += fmt.Sprintf(" (%d more requests failed before)", l.left)
	}
	l.last, l.at, l.left = text, now, 0
	l.env.Warn(line)
}
