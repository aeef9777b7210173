package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/okta"
	"okauth/pkg/output"
	"okauth/pkg/transport"
)

// dateReader remembers how far the clock of the last server that answered is ahead of ours.
type dateReader struct {
	http.RoundTripper
	now func() time.Time

	mu    sync.Mutex
	known bool
	ahead time.Duration // the server's clock, of ours
}

// RoundTrip reads the Date of the response.
func (d *dateReader) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := d.now()
	resp, err := d.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.known, d.ahead = true, date.Sub(sent)
	}
	return resp, nil
}

// network sends the first request and reports each step of its connection.
func (d *doctor) network(ctx context.Context) bool {
	client, err := d.opened.AnonymousClient(d.server)
	if err != nil {
		d.fail("tls", err)
		return false
	}
	d.dates = &dateReader{RoundTripper: client.HTTP.Transport, now: d.env.Now}
	client.HTTP.Transport = d.dates
	d.client = client
	observed, seen := transport.Observe(ctx)
	org, err := client.Organization(observed)
	if cli.Is[*okta.NetworkError](err) || cli.Is[*transport.ProxySettingError](err) {
		d.connection(seen(), err)
		return false
	}
	d.connection(seen(), nil)
	if err != nil {
		d.fail("okta", err)
		return false
	}
	engine := map[string]string{"idx": "Identity Engine", "v1": "Classic Engine"}[org.Pipeline]
	if engine == "" {
		engine = "pipeline " + org.Pipeline
	}
	d.ok("okta", "%s answers as Okta org %s (%s)", d.server.Host(), org.ID, engine)
	return true
}

// connection reports the steps before the first byte of HTTP, up to the one that failed.
func (d *doctor) connection(seen transport.Connection, failed error) {
	secure := strings.HasPrefix(d.server.BaseURL(), "https://")
	steps := []struct {
		name, phase, detail string
	}{
		{"proxy", phaseProxy, proxyDetail(seen.Proxy)},
		{"dns", okta.PhaseResolve, d.server.Host() + " is " + strings.Join(seen.Addresses, ", ")},
		{"connection", okta.PhaseConnect, "established"},
		{"tls", okta.PhaseTLS, tlsDetail(seen.TLS, secure)},
	}
	broken := false
	phase := phaseOf(failed)
	for _, step := range steps {
		switch {
		case broken:
			d.found(step.name, "skip", "not reached", "")
		case failed != nil && phase == step.phase:
			d.fail(step.name, failed)
			broken = true
		case step.name == "dns" && seen.Proxy != "":
			d.found("dns", "skip", "the proxy looks the host up", "")
		case step.name == "tls" && !secure:
			d.found("tls", "note", step.detail, "")
		default:
			d.ok(step.name, "%s", step.detail)
		}
	}
	switch {
	case broken:
		d.found("okta", "skip", "not reached", "")
	case failed != nil:
		d.fail("okta", failed)
	}
}

// phaseProxy is the first of a request's phases, before those of okta.NetworkError.
const phaseProxy = "proxy"

// phaseOf returns the phase in which a request failed; "" for nil.
func phaseOf(err error) string {
	if cli.Is[*transport.ProxySettingError](err) || cli.Is[*transport.ProxyError](err) {
		return phaseProxy
	}
	if failed, ok := errors.AsType[*okta.NetworkError](err); ok {
		return failed.Phase
	}
	return ""
}

func proxyDetail(host string) string {
	if host == "" {
		return "none: the connection is direct"
	}
	return "through " + host
}

func tlsDetail(state *tls.ConnectionState, secure bool) string {
	if !secure {
		return "none: http is for servers on this machine"
	}
	if state == nil {
		return ""
	}
	leaf, root := state.PeerCertificates[0], state.VerifiedChains[0][len(state.VerifiedChains[0])-1]
	return fmt.Sprintf("%s; certificate of %s, issued by %s, valid until %s; trusted root %s",
		tls.VersionName(state.Version), leaf.Subject, leaf.Issuer, leaf.NotAfter.UTC().Format(time.DateOnly), root.Subject)
}

// discovery reads the metadata of the authorization server.
func (d *doctor) discovery(ctx context.Context) bool {
	metadata, err := d.client.Metadata(ctx)
	if err != nil {
		d.fail("server", err)
		return false
	}
	d.metadata = metadata
	kind := "custom authorization server " + d.server.ID()
	if d.server.ID() == okta.OrgServer {
		kind = "org authorization server: its access tokens are for Okta's own APIs"
	}
	d.ok("server", "%s; issuer %s", kind, metadata.Issuer)
	return true
}

// clock compares this machine's clock with Okta's. Beyond a minute, tokens seem to expire too early or too late.
func (d *doctor) clock(context.Context) bool {
	d.dates.mu.Lock()
	defer d.dates.mu.Unlock()
	ahead := d.dates.ahead.Round(time.Second)
	switch {
	case !d.dates.known:
		d.found("clock", "note", "the responses have no date", "")
	case ahead > time.Minute:
		d.found(
			"clock", "warn", "this machine's clock is "+output.FormatDuration(ahead)+" behind Okta's",
			"set it by NTP: expired tokens look valid here, and new ones may look not yet valid elsewhere",
		)
	case ahead < -time.Minute:
		d.found(
			"clock", "warn", "this machine's clock is "+output.FormatDuration(-ahead)+" ahead of Okta's",
			"set it by NTP: tokens look expired here before they are",
		)
	default:
		d.ok("clock", "within a minute of Okta's")
	}
	return true
}

// scopes compares the configured scopes with the server's metadata.
func (d *doctor) scopes(context.Context) bool {
	scopes := d.opened.Settings().Scopes()
	if slices.ContainsFunc(scopes, aboutUser) && !slices.Contains(scopes, "openid") {
		text := strings.Join(scopes, " ")
		d.fail("scopes", cli.Exit(cli.ExitUsage,
			fmt.Errorf("%s: scopes like profile and email come only together with openid", text),
			"add it: okauth config set scopes \"openid "+text+"\""))
		return true
	}
	var unlisted []string
	for _, scope := range scopes {
		if !slices.Contains(d.metadata.Scopes, scope) {
			unlisted = append(unlisted, scope)
		}
	}
	asked := strings.Join(scopes, " ")
	switch {
	case len(unlisted) > 0:
		d.found("scopes", "note", asked+"; the server's metadata does not list: "+strings.Join(unlisted, " "),
			"custom scopes may be unlisted; check the spelling: Admin Console, Security › API › "+
				d.server.ID()+" › Scopes")
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

// noToken is what doctor introspects: the response depends on client authentication alone.
const noToken = "okauth-doctor-no-token"

// clientAuthentication checks that Okta accepts the client and its secret.
func (d *doctor) clientAuthentication(ctx context.Context) bool {
	client, err := d.opened.OktaClient(ctx)
	if err != nil {
		d.fail("client", err)
		return false
	}
	d.client.Auth, d.client.SecretSource = client.Auth, client.SecretSource
	how := "with its secret (" + d.secretSource(ctx) + ")"
	if client.Auth.Name() == "none" {
		how = "without a secret: a public client"
	}
	if _, err := d.client.Introspect(ctx, okta.NewSecret(noToken), ""); err != nil {
		d.fail("client", err)
		return false
	}
	d.ok("client", "Okta accepts %s, %s", d.client.ID, how)
	return true
}

func (d *doctor) secretSource(ctx context.Context) string {
	ref := d.opened.Settings().Secret(config.KeyClientSecret)
	switch {
	case d.flags.ClientSecretStdin:
		return "standard input"
	case ref.IsZero():
		_, source := cli.KeychainSecret(ctx, d.opened)
		return source
	}
	return ref.Source.String()
}

// grant checks that the application may use the grant, if that can be tested without making a token.
func (d *doctor) grant(ctx context.Context) bool {
	g := d.opened.Grant()
	if g.ProbeParameter == "" {
		d.found("grant", "skip", g.Name+": a test would make a token", "")
		return true
	}
	if err := d.client.ProbeGrant(ctx, g.GrantType, g.ProbeParameter); err != nil {
		d.fail("grant", err)
		return true
	}
	detail := g.Name + " is enabled for the application"
	if !slices.Contains(d.metadata.GrantTypes, g.GrantType) {
		detail += ", although the server's metadata does not list it"
	}
	d.ok("grant", "%s; only a sign-in shows whether a policy allows the user", detail)
	return true
}
