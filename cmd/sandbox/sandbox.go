// Package sandbox is the command that serves an authorization server like Okta, and lists what it can do.
package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/oktatest"
	"okauth/pkg/output"
	"okauth/pkg/store"
	"okauth/pkg/store/keychain"
)

type options struct {
	env         *cli.Env
	server      oktatest.Options
	noLimits    bool
	certificate string
	faults      []string // NAME or NAME@PATH
	publicKey   string   // a file
	publicJWK   []byte   // its content
	org         string   // a file
	log         bool

	listScenarios, listTokens, listFaults, printKey, printSchema bool
}

// New returns the command "sandbox".
func New(env *cli.Env) *cobra.Command {
	o := &options{env: env}
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run an authorization server that behaves like Okta",
		Long: `Run an authorization server on this machine that behaves like Okta, to try
okauth and to test other programs. sandbox prints lines to paste into another
terminal and serves until Ctrl-C (exit 0). It knows no real secret and forgets
everything when it ends.

--scenarios, --tokens and --faults list what it can do: every refusal of Okta,
access tokens with one flaw each, and failures of networks and servers. Each
entry shows the command that triggers it. --test-key prints the private key of
the applications that have one; everyone has it. --public-key registers another
for them, such as one from "okauth config keygen".

--org FILE takes the users, applications and authorization servers from a YAML
file instead; --schema prints its JSON schema.

--lifetime makes access tokens expire soon. With --rotate a refresh token works
once, and ends the session if used again after --grace. --fault NAME[@PATH]
fails every request to a path that ends with PATH (/token).

--certificate KIND serves https with a certificate that is expired,
not-yet-valid, wrong-name, self-signed or unknown-ca, or with client-required
asks the client for one.

GET /api/hello is an API that needs an access token. Requests to /sandbox/, with
the header X-Sandbox, change users, clock, keys and faults: docs/sandbox.md.`,
		Example: `  # everything works
  okauth sandbox
  # tokens expire soon, and refresh tokens rotate
  okauth sandbox --rotate --lifetime 90s
  # https at a fixed address
  okauth sandbox --tls --listen 127.0.0.1:8443
  # in a container, for other containers and a page
  okauth sandbox --listen 0.0.0.0:8080 --allow-remote --log \
    --issuer http://okta:8080 --trusted-origin http://localhost:3000
  # a network that fails
  okauth sandbox --fault html --fault 503-read-only@/keys
  # a certificate to refuse
  okauth sandbox --certificate expired
  # users and applications of your own
  okauth sandbox --org org.yaml
  # list the refusals
  okauth sandbox --scenarios`,
		Args: cli.ArgsBetween(0, 0),
		PreRunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("config") {
				return usage("--org FILE takes users, applications and authorization servers",
					"--config is for profiles, which the sandbox does not have")
			}
			return nil
		},
		RunE: cli.Stoppable(env, o.run),
	}
	o.addFlags(c)
	return c
}

func (o *options) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false // in the order of the text above
	f.StringVar(&o.server.Addr, "listen", "127.0.0.1:0", "`HOST:PORT` to serve at, a loopback address")
	f.BoolVar(&o.server.AllowRemote, "allow-remote", false, "let --listen take an address that others can reach")
	f.StringVar(&o.server.Issuer, "issuer", "", "base `URL` of the issuers, such as http://okta:8080")
	f.StringArrayVar(&o.server.TrustedOrigins, "trusted-origin", nil, "let pages of this `ORIGIN` ask (CORS); repeatable")
	f.BoolVar(&o.log, "log", false, "write each request to standard error, as a line of JSON")
	f.StringVar(&o.org, "org", "", "take users, apps and servers from this YAML `FILE`; - is standard input")
	f.BoolVar(&o.printSchema, "schema", false, "print the JSON schema of that file")
	f.BoolVar(&o.noLimits, "no-limits", false, "turn off rate limits and lock-out")
	f.BoolVar(&o.listScenarios, "scenarios", false, "list the refusals and how to trigger each")
	o.server.Lifetimes.Access, o.server.Rotation.Leeway = time.Hour, oktatest.DefaultLeeway
	cli.DurationFlag(c, &o.server.Lifetimes.Access, "lifetime", "lifetime of access tokens, 1s or more")
	f.BoolVar(&o.server.Rotation.Rotate, "rotate", false, "make each refresh token valid for one use")
	cli.DurationFlag(c, &o.server.Rotation.Leeway, "grace", "how long a used one still works, 0s to 60s")
	f.BoolVar(&o.listTokens, "tokens", false, "list invalid tokens and how to verify each")
	f.StringArrayVar(&o.faults, "fault", nil, "fail requests with `NAME[@PATH]`; repeatable")
	f.BoolVar(&o.listFaults, "faults", false, "list the faults and how to turn each on")
	f.BoolVar(&o.printKey, "test-key", false, "print the private key of the test applications")
	f.StringVar(&o.publicKey, "public-key", "", "register the public key in this `FILE`, a JWK, for them")
	f.BoolVar(&o.server.TLS, "tls", false, "serve https with its own authority")
	f.StringVar(&o.certificate, "certificate", "", "serve https with a certificate of this `KIND`")
	var faults []string
	for _, fault := range oktatest.NamedFaults() {
		faults = append(faults, cobra.CompletionWithDesc(fault.Name, fault.Description))
	}
	cli.CompleteFlag(c, "fault", faults...)
	cli.CompleteFlag(c, "certificate", certificateKinds()...)
}

func usage(advice, format string, args ...any) error {
	return cli.Usage(fmt.Sprintf(format, args...), "okauth sandbox "+advice)
}

// check completes the options of the server, or returns a usage error for flags that do not fit. The bounds of the
// grace period are Okta's: https://developer.okta.com/docs/guides/refresh-tokens/main/
func (o *options) check() error {
	kinds, lifetime, rotation := certificateKinds(), o.server.Lifetimes.Access, o.server.Rotation
	wrong := slices.IndexFunc(o.server.TrustedOrigins, func(text string) bool { return !isOrigin(text) })
	switch {
	case lifetime < time.Second:
		return usage("--lifetime 90s", "--lifetime: expected 1s or more, got %s", output.ShortDuration(lifetime))
	case rotation.Leeway < 0 || rotation.Leeway > time.Minute:
		return usage("--rotate --grace 60s", "--grace: expected 0s to 60s, got %s", output.ShortDuration(rotation.Leeway))
	case rotation.Leeway != oktatest.DefaultLeeway && !rotation.Rotate:
		return usage("--rotate --grace "+output.ShortDuration(rotation.Leeway),
			"--grace needs --rotate: without it a refresh token works any number of times")
	case o.server.Issuer != "" && !isOrigin(o.server.Issuer):
		return usage("--issuer http://okta:8080",
			"--issuer: expected a URL of scheme, host and port, got %q", o.server.Issuer)
	case wrong >= 0:
		return usage("--trusted-origin http://localhost:3000",
			"--trusted-origin: expected a URL of scheme, host and port, got %q", o.server.TrustedOrigins[wrong])
	case o.org != "" && rotation.Rotate:
		return usage("--schema shows it", "--rotate is not for --org: set rotation in an app of the file")
	case o.org != "" && o.publicKey != "":
		return usage("--schema shows them", "--public-key is not for --org: set keys in an app of the file")
	case o.certificate != "" && !slices.Contains(kinds, o.certificate):
		return usage("--certificate expired", "--certificate: %q is not one of %s", o.certificate, strings.Join(kinds, ", "))
	}
	if o.certificate != "" {
		setCertificate(&o.server, o.certificate)
	}
	if o.noLimits {
		o.server.Limits = &oktatest.Limits{}
	}
	if o.log {
		o.server.Logged = o.writeLog
	}
	for _, text := range o.faults {
		name, _, _ := strings.Cut(text, "@")
		if _, err := namedFault(name); err != nil {
			return usage("--faults lists them", "--fault: %v", err)
		}
	}
	return o.readFiles()
}

// isOrigin reports whether text is an origin, as browsers write it: https://www.rfc-editor.org/rfc/rfc6454#section-6.2
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.Scheme+"://"+u.Host == text
}

// writeLog writes what is no secret in a request, as one line.
func (o *options) writeLog(r oktatest.Request) {
	line, _ := json.Marshal(struct { // it has text and numbers
		Time      time.Time `json:"time"`
		Method    string    `json:"method"`
		Path      string    `json:"path"`
		Status    int       `json:"status"`
		Error     string    `json:"error,omitempty"`
		RequestID string    `json:"request_id"`
	}{r.Time.UTC(), r.Method, (&url.URL{Path: r.Path}).EscapedPath(), r.Status, r.ErrorCode, r.RequestID})
	_, _ = o.env.Stderr.Write(append(line, '\n'))
}

func (o *options) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.printKey {
		_, err := o.env.Stdout.Write(oktatest.TestKey())
		return err
	}
	if o.printSchema {
		_, err := io.WriteString(o.env.Stdout, orgSchema)
		return err
	}
	if o.listScenarios || o.listTokens || o.listFaults {
		_, err := fmt.Fprint(o.env.Stdout, o.lists())
		return err
	}
	o.server.Control = func(s *oktatest.Server) http.Handler { return newControl(s, o.prepare) }
	server, err := oktatest.Start(o.server)
	if err != nil {
		return cli.Exit(cli.ExitUsage, err, "--listen takes a loopback address and a free port, such as 127.0.0.1:8099; "+
			"with --allow-remote any address of this machine")
	}
	defer server.Close()
	o.prepare(server)
	dir, certificates, err := writeCertificates(server)
	defer os.RemoveAll(dir)
	if err != nil {
		return err
	}
	return o.serve(ctx, server, certificates)
}

// prepare adds to a new server what the flags say: faults, and a key of the applications that authenticate with one.
func (o *options) prepare(server *oktatest.Server) {
	for _, text := range o.faults {
		name, path, found := strings.Cut(text, "@")
		if !found {
			path = oktatest.DefaultFaultPath
		}
		fault, _ := namedFault(name) // check found it
		server.FailAlways(path, fault)
	}
	if o.publicJWK == nil {
		return
	}
	for _, id := range []string{oktatest.PrivateKeyClientID, oktatest.ServiceKeyClientID} {
		app, _ := server.App(id)
		app.Keys = append(slices.Clone(app.Keys), o.publicJWK)
		server.AddApp(app)
	}
}

// serve prints how to reach the server, and waits for the end, which is no failure.
func (o *options) serve(ctx context.Context, server *oktatest.Server, more [][2]string) error {
	if o.certificate == "self-signed" || o.certificate == "unknown-ca" {
		o.env.Say("the lines below leave the certificate untrusted; to trust it: export OKAUTH_CA_FILE=" +
			cli.ShellQuote(more[0][1]))
		more = more[1:]
	}
	if o.needsFiles(ctx) {
		more = append(more, [2]string{"OKAUTH_STORAGE", "file"})
		if o.server.Org != nil { // its client may have a short secret, or none, to make a key from
			more = append(more, [2]string{"OKAUTH_STORAGE_KEY", "NotASecretSandboxStorageKey0000000000000000="})
		}
	}
	variables, command := testVariables(), "okauth login && okauth token --refresh"
	if o.server.Org != nil {
		variables, command = orgVariables(o.server.Org)
	}
	variables = slices.Concat([][2]string{{"OKAUTH_DOMAIN", cmp.Or(o.server.Issuer, server.URL())}}, variables, more)
	for _, v := range variables {
		if _, err := fmt.Fprintf(o.env.Stdout, "export %s=%s\n", v[0], cli.ShellQuote(v[1])); err != nil {
			return err
		}
	}
	if !o.log { // a log has no other lines
		o.sayWhatToTry(server, command)
	}
	<-ctx.Done()
	return nil
}

func (o *options) sayWhatToTry(server *oktatest.Server, command string) {
	if command == "" { // an org without an app that can sign in
		o.env.Say("serving " + server.URL() + " until Ctrl-C")
		return
	}
	o.env.Say("serving " + server.URL() + " until Ctrl-C; paste the lines above into another terminal, then run:")
	fmt.Fprintf(o.env.Stderr, "\n%s\n\n", command)
	if o.server.Org != nil {
		return
	}
	o.env.Say("or sign in another way; in a browser, with the user name and the password above:")
	fmt.Fprintf(o.env.Stderr, "\n%s\n\n", strings.Join([]string{
		"okauth login --grant authorization-code",
		"okauth login --grant device-code",
		"okauth login --client-id " + oktatest.DirectAuthClientID + " --username push@example.com --factor push",
	}, "\n"))
	o.env.Say("or authenticate the client another way, exchange the token, or bind it to a key (DPoP):")
	fmt.Fprintf(o.env.Stderr, "\n%s\n", strings.Join(clientCommands(), "\n"))
}

// needsFiles reports whether okauth login can store no session in a keychain. A locked one asks for its password.
func (o *options) needsFiles(ctx context.Context) bool {
	if o.env.Keychain != nil {
		return false
	}
	err := keychain.New(keychain.Options{}).Probe(ctx)
	e, ok := errors.AsType[*store.Error](err)
	return err != nil && !(ok && e.Kind == store.Locked && o.env.Desktop())
}
