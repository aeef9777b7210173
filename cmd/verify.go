package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"time"

	"github.com/spf13/cobra"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/jwt"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/session"
)

type verifyOptions struct {
	tokenInput
	issuer      string
	algorithms  []string
	leeway      time.Duration
	jwks        string
	refreshKeys bool
	verifier    *jwt.Verifier

	receiverSession cli.SessionFlags // session, at the issuer that --issuer names: it chooses no session
}

func newVerifyCmd(env *cli.Env, global *cli.GlobalFlags) *cobra.Command {
	o := &verifyOptions{tokenInput: tokenInput{
		env: env, session: cli.SessionFlags{GlobalFlags: global}, command: "verify", bad: "are not valid",
	}}
	c := &cobra.Command{
		Use:   "verify [TOKEN|-]",
		Short: "Verify a token the way an API does",
		Long: `Verify a token the way an API does: signature, algorithm, issuer, audience,
client and times. verify lists every check with what it expected and what it
found, not only the first that fails.

verify checks the argument, the tokens on standard input (only for -, one per
line), else the cached token. Issuer, audience and client are those of the
profile or of the flags. The keys come from that issuer, never from an address
in the token. okauth caches them for as long as the issuer allows (5 minutes to
24 hours). --jwks FILE needs no network.

An access token does not pass for an ID token, nor the reverse: --type says
which one to expect. Only Okta can verify the access tokens of the org
authorization server: use "okauth introspect" for those.

The exit code is 0 if all tokens pass, else 7. -o json prints one JSON document
per token:

  {"valid":false,"reason":"exp","type":"access","checks":[{"name":"exp",…}…]}`,
		Example: `  # the cached access token
  okauth verify
  # the ID token
  okauth verify --type id
  # a token for another API
  pbpaste | okauth verify --audience api://orders -
  # a token of another issuer
  okauth verify --issuer https://dev-1.okta.com/oauth2/default - < token.txt
  # without a network
  okauth verify --jwks keys.json - < token.txt
  # the tokens that fail
  okauth verify -o json - < tokens.txt | jq -c 'select(.valid | not)'`,
		Args: cli.ArgsBetween(0, 1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args) },
	}
	o.addFlags(c, []string{"text", "json"}, []session.TokenType{session.Access, session.ID},
		config.KeyAudience, config.KeyCAFile, config.KeyClientCert, config.KeyClientKey)
	f := c.Flags()
	f.StringVar(&o.issuer, "issuer", "", "issuer that the token must be from (default that of the profile)")
	f.StringSliceVar(&o.algorithms, "alg", []string{"RS256"}, "signature algorithms to accept")
	o.leeway = jwt.DefaultLeeway
	cli.DurationFlag(c, &o.leeway, "leeway", "allowed difference between clocks")
	f.StringVar(&o.jwks, "jwks", "", "file with the issuer's keys (JWKS); no request is made")
	f.BoolVar(&o.refreshKeys, "refresh-keys", false, "fetch the issuer's keys even if the cached ones are fresh")
	cli.CompleteFlag(c, "alg", jwt.Algorithms()...)
	cli.CompleteFlag(c, "issuer")
	cli.CompleteFlag(c, "leeway")
	return c
}

func (o *verifyOptions) run(ctx context.Context, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	client, err := o.receiverSession.Open(o.env)
	if err != nil {
		return err
	}
	if err := client.Settings().Require(config.KeyDomain); err != nil {
		return err
	}
	server, err := okta.NewAuthorizationServer(client.Settings().Domain(), client.Settings().Server())
	if err != nil {
		return err
	}
	receiver, err := o.receiver(client.Settings(), server)
	if err != nil {
		return err
	}
	token, err := o.read(ctx, args)
	if err != nil {
		return err
	}
	if o.fromStore && receiver.Kind == jwt.KindID { // it may have the hash of the access token, if there is one
		receiver.AccessToken, _ = o.stored(ctx, session.Access)
	}
	keys, err := o.keys(client, server)
	if err != nil {
		return err
	}
	if o.verifier, err = jwt.NewVerifier(receiver, keys); err != nil {
		return cli.Usage(err.Error(), "okauth verify --help")
	}
	if !o.fromStdin {
		return o.one(ctx, token, o.answer)
	}
	_, err = o.many(ctx, jwt.Stream{}, o.answer)
	return err
}

// check refuses flags that contradict each other, and takes --issuer apart.
func (o *verifyOptions) check() error {
	o.receiverSession = o.session
	switch {
	case o.leeway < 0 || o.leeway > time.Hour:
		return cli.Usage(fmt.Sprintf("--leeway: expected 0s to 1h, got %s", output.ShortDuration(o.leeway)),
			"clocks that are minutes apart are set wrong")
	case o.jwks != "" && o.refreshKeys:
		return cli.Usage("--jwks has the keys, so there are none for --refresh-keys to ask for", "")
	case o.issuer == "":
		return nil
	case o.session.Set[config.KeyDomain] != "" || o.session.Set[config.KeyServer] != "":
		return cli.Usage("--issuer says what --domain and --server say", "use either")
	}
	domain, server, err := config.ParseIssuer(o.issuer)
	o.receiverSession.Set = maps.Clone(o.session.Set)
	o.receiverSession.Set[config.KeyDomain], o.receiverSession.Set[config.KeyServer] = domain, server
	return err
}

// receiver describes the API or the client that the token is for.
func (o *verifyOptions) receiver(settings *config.Settings, server okta.AuthorizationServer) (jwt.Config, error) {
	r := jwt.Config{
		Kind: jwt.KindAccess, Issuer: server.Issuer(), Audience: settings.Audience(), ClientID: settings.ClientID(),
		Algorithms: o.algorithms, Leeway: o.leeway,
		OrgServer: server.ID() == okta.OrgServer, OrgIssuer: server.BaseURL(), Now: o.env.Now,
	}
	if o.kind == session.ID {
		r.Kind, r.Audience = jwt.KindID, ""
		return r, settings.Require(config.KeyClientID) // the audience of an ID token is the client
	}
	if r.Audience == "" && !r.OrgServer {
		return r, cli.Usage(
			fmt.Sprintf("no audience is set, and authorization server %s has none by default", server.ID()),
			"okauth config set audience, or --audience: Admin Console, Security › API shows it beside the server")
	}
	return r, nil
}

// answer verifies a token and writes the report.
func (o *verifyOptions) answer(ctx context.Context, b *bytes.Buffer, line int, token string) (bad, err error) {
	report, err := o.verifier.Check(ctx, token)
	if err != nil {
		return nil, err
	}
	if !report.Valid() {
		bad = errors.New("the token is not valid")
		for _, c := range report.Checks {
			if c.Name == report.Reason() {
				bad = fmt.Errorf("the token is not valid: %s: %s", c.Name, c.Why)
			}
		}
		bad = cli.Exit(cli.ExitInvalidToken, bad, cli.VerifyAdvice(report))
	}
	if !o.text {
		b.Write(output.AppendReportJSON(b.AvailableBuffer(), report))
		return bad, nil
	}
	options := o.env.TextOptions()
	if line > 0 {
		options.Prefix = fmt.Sprintf("line %d: ", line)
	}
	err = output.WriteReportText(b, report, options)
	if line > 0 {
		b.WriteByte('\n')
	}
	return bad, err
}

// keys returns where the keys of server are: the file of --jwks, else the issuer.
func (o *verifyOptions) keys(client *okauth.Client, server okta.AuthorizationServer) (jwt.KeySource, error) {
	if o.jwks != "" {
		return readKeySet(o.jwks)
	}
	options := okauth.KeyOptions{Fresh: o.refreshKeys}
	if o.fromStdin {
		options.Unreachable = func(err error) {
			o.env.Warn("a token's key is not among the cached ones, and the issuer cannot be asked for newer ones: " +
				err.Error())
		}
	}
	return client.Keys(server, options)
}

// readKeySet reads a JWKS from a file; "-" is not standard input, where tokens come from.
func readKeySet(name string) (jwt.KeySet, error) {
	const advice = "the file has what the issuer's jwks_uri answers: {\"keys\":[…]}"
	file, err := os.Open(name)
	if err != nil {
		return jwt.KeySet{}, cli.Usage(fmt.Sprintf("--jwks: %v", err), advice)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, jwt.MaxKeySetSize+1))
	if err != nil {
		return jwt.KeySet{}, cli.Usage(fmt.Sprintf("--jwks: %v", err), "")
	}
	set, err := jwt.ParseKeySet(text)
	if err != nil {
		return jwt.KeySet{}, cli.Usage(fmt.Sprintf("--jwks %q: %v", name, err), advice)
	}
	return set, nil
}
