package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
	"okauth/pkg/okta/clientauth"
	"okauth/pkg/output"
	"okauth/pkg/transport"
)

// clockReader remembers how far the clock of the last server that answered is ahead of ours.
type clockReader struct {
	http.RoundTripper
	now   func() time.Time
	known bool
	ahead time.Duration
}

// RoundTrip reads the Date of the response.
func (r *clockReader) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := r.now()
	resp, err := r.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.known, r.ahead = true, date.Sub(sent)
	}
	return resp, nil
}

// networkChecks returns what checkNetwork reports: the steps of the connection, and last whether Okta answers.
func networkChecks() []string { return []string{"proxy", "dns", "connection", "tls", "okta"} }

// checkNetwork sends the first request and reports each step of its connection.
func (d *doctor) checkNetwork(ctx context.Context) bool {
	var err error
	if d.client, err = d.opened.AnonymousClient(d.server); err != nil {
		return d.fail("tls", err)
	}
	d.clock = &clockReader{RoundTripper: d.client.HTTP.Transport, now: d.env.Now}
	d.client.HTTP.Transport = d.clock
	observed, seen := transport.Observe(ctx)
	org, err := d.client.Organization(observed)
	if !d.connection(seen(), err) {
		return false
	}
	if err != nil {
		return d.fail("okta", err)
	}
	engine := map[string]string{"idx": "Identity Engine", "v1": "Classic Engine"}[org.Pipeline]
	if engine == "" {
		engine = "pipeline " + org.Pipeline
	}
	return d.ok("okta", "%s answers as Okta org %s (%s)", d.server.Host(), org.ID, engine)
}

// connection reports the steps before the first byte of HTTP, up to the one in which err arose.
func (d *doctor) connection(seen transport.Connection, err error) bool {
	failed := ""
	if cli.Is[*transport.ProxySettingError](err) || cli.Is[*transport.ProxyError](err) {
		failed = "proxy"
	} else if e, ok := errors.AsType[*okta.NetworkError](err); ok {
		failed = map[string]string{
			transport.PhaseResolve: "dns", transport.PhaseConnect: "connection", transport.PhaseTLS: "tls",
		}[e.Phase]
	}
	secure := strings.HasPrefix(d.server.BaseURL(), "https://")
	for i, name := range networkChecks()[:4] {
		switch {
		case name == failed:
			d.fail(name, err)
			d.skip(networkChecks()[i+1:])
			return false
		case name == "proxy" && seen.Proxy != "":
			d.ok(name, "through %s", seen.Proxy)
		case name == "proxy":
			d.ok(name, "none: the connection is direct")
		case name == "dns" && seen.Proxy != "":
			d.found(name, "skip", "the proxy looks the host up", "")
		case name == "dns":
			d.ok(name, "%s is %s", d.server.Host(), strings.Join(seen.Addresses, ", "))
		case name == "connection":
			d.ok(name, "established")
		case !secure:
			d.found(name, "note", "none: http is for servers on this machine", "")
		default:
			d.ok(name, "%s", tlsDetail(seen.TLS))
		}
	}
	return true
}

func tlsDetail(state *tls.ConnectionState) string {
	if state == nil {
		return ""
	}
	leaf, root := state.PeerCertificates[0], state.VerifiedChains[0][len(state.VerifiedChains[0])-1]
	return fmt.Sprintf("%s; certificate of %s, issued by %s, valid until %s; trusted root %s",
		tls.VersionName(state.Version), leaf.Subject, leaf.Issuer, leaf.NotAfter.UTC().Format(time.DateOnly), root.Subject)
}

// checkServer reads the metadata of the authorization server.
func (d *doctor) checkServer(ctx context.Context) (goOn bool) {
	var err error
	if d.metadata, err = d.client.Metadata(ctx); err != nil {
		return d.fail("server", err)
	}
	kind := "custom authorization server " + d.server.ID()
	if d.server.ID() == okta.OrgServer {
		kind = "org authorization server: its access tokens are for Okta's own APIs"
	}
	return d.ok("server", "%s; issuer %s", kind, d.metadata.Issuer)
}

// checkClock compares this machine's clock with Okta's. Beyond a minute, tokens seem to expire too early or too late.
func (d *doctor) checkClock(context.Context) bool {
	ahead := d.clock.ahead.Round(time.Second)
	switch {
	case !d.clock.known:
		d.found("clock", "note", "the responses have no date", "")
	case ahead > time.Minute:
		d.found("clock", "warn", "this machine's clock is "+output.FormatDuration(ahead)+" behind Okta's",
			"set it by NTP: expired tokens look valid here, and new ones may look not yet valid elsewhere")
	case ahead < -time.Minute:
		d.found("clock", "warn", "this machine's clock is "+output.FormatDuration(-ahead)+" ahead of Okta's",
			"set it by NTP: tokens look expired here before they are")
	default:
		d.ok("clock", "within a minute of Okta's")
	}
	return true
}

// checkScopes compares the configured scopes with the server's metadata.
func (d *doctor) checkScopes(context.Context) bool {
	scopes := d.opened.Settings().Scopes()
	asked := strings.Join(scopes, " ")
	unlisted := slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool {
		return slices.Contains(d.metadata.Scopes, scope)
	})
	switch {
	case slices.ContainsFunc(scopes, aboutUser) && !slices.Contains(scopes, "openid"):
		d.fail("scopes", cli.Exit(cli.ExitUsage,
			fmt.Errorf("%s: scopes like profile and email come only together with openid", asked),
			"add it: okauth config set scopes \"openid "+asked+"\""))
	case len(unlisted) > 0:
		hint := "custom scopes may be unlisted; check the spelling: Admin Console, Security › API › " + d.server.ID() +
			" › Scopes"
		if d.server.ID() == okta.OrgServer {
			hint = "scopes of Okta's API are not listed; the application must have been granted them: Admin Console, " +
				"Applications › Applications › the application › Okta API Scopes"
		}
		d.found("scopes", "note", asked+"; the server's metadata does not list: "+strings.Join(unlisted, " "), hint)
	case asked == "":
		d.ok("scopes", "none: the server's defaults")
	default:
		d.ok("scopes", "%s", asked)
	}
	return true
}

// aboutUser reports whether the scope is one of OpenID Connect, for claims about the user.
// https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims
func aboutUser(scope string) bool {
	return slices.Contains([]string{"profile", "email", "address", "phone", "groups"}, scope)
}

// checkClient checks that Okta accepts the client and what it authenticates with. OktaClient has already tried a new
// key that waits in the keychain.
func (d *doctor) checkClient(ctx context.Context) bool {
	client, err := d.opened.OktaClient(ctx)
	if err != nil {
		return d.fail("client", err)
	}
	d.client.Auth, d.client.SecretSource = client.Auth, client.SecretSource
	// The response depends on client authentication alone.
	if _, err := d.client.Introspect(ctx, okta.NewSecret(okauth.NoToken), ""); err != nil {
		return d.fail("client", err)
	}
	switch auth := client.Auth.(type) {
	case clientauth.None:
		return d.ok("client", "Okta accepts %s, without a secret: a public client", d.client.ID)
	case clientauth.PrivateKeyJWT:
		source := d.secretSource(ctx, config.KeyPrivateKey)
		return d.ok("client", "Okta accepts %s, with its private key (%s; %s)", d.client.ID, describeKey(auth.Key), source)
	}
	how := "its secret"
	if name := client.AuthMethod(); name != "client_secret_basic" {
		how += " by " + name
	}
	return d.ok("client", "Okta accepts %s, with %s (%s)", d.client.ID, how, d.secretSource(ctx, config.KeyClientSecret))
}

// describeKey returns what the Admin Console shows of a key.
func describeKey(key clientauth.Key) string {
	id := "no kid"
	if key.ID() != "" {
		id = "kid " + okta.Sanitize(key.ID(), 80)
	}
	return key.Algorithm() + ", " + id
}

func (d *doctor) secretSource(ctx context.Context, key string) string {
	ref := d.opened.Settings().Secret(key)
	switch {
	case d.session.ClientSecretStdin && key == config.KeyClientSecret:
		return "standard input"
	case ref.IsZero():
		_, source := cli.KeychainSecret(ctx, d.opened, key)
		return source
	}
	return ref.Source.String()
}
