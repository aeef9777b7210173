package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"okauth/cmd/internal/cli"
	"okauth/pkg/config"
	"okauth/pkg/grant"
	"okauth/pkg/okauth"
	"okauth/pkg/okta"
)

// checkDPoP finds out whether Okta takes token requests without a proof, or with one where the setting dpop asks for
// that: by a refresh with a token that is none, which Okta refuses after it has looked at the proof. It says nothing
// without the setting where Okta wants no proof, or where the application may not refresh, which Okta refuses before.
func (d *doctor) checkDPoP(ctx context.Context) bool {
	const name = "DPoP"
	proves := d.opened.Settings().DPoP()
	if proves { // here and in the checks that follow; no token is made that could be bound to the key
		bound, err := d.client.Bound(okta.Secret{}, "")
		if err != nil {
			return d.fail(name, err)
		}
		d.client = bound
	}
	_, err := d.client.Token(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {okauth.NoToken}})
	refusal, refused := errors.AsType[*okta.Error](err)
	switch {
	case refused && (refusal.Code == "invalid_dpop_proof" || refusal.Code == "use_dpop_nonce"):
		return d.fail(name, err)
	case !proves:
	case refused && refusal.Code == "invalid_grant":
		d.ok(name, "Okta takes a proof; only a sign-in shows whether it binds tokens to the key")
	default:
		d.found(name, "note", "not known whether Okta takes a proof: that shows with the grant type Refresh Token", "")
	}
	return true
}

// checkGrant checks that the server has what the grant needs and that the application may use it, if that can be tested
// without making a token. A device code is not asked for: it would wait for a person until it expires.
func (d *doctor) checkGrant(ctx context.Context) bool {
	g := d.opened.Grant()
	if g.ProbeParameter == "" {
		d.found("grant", "skip", g.Name+": a test would make a token", "")
		return true
	}
	if err := d.client.ProbeGrant(ctx, g.GrantType, g.ProbeParameter); err != nil {
		return d.fail("grant", err)
	}
	if gap := d.metadataGap(g); gap != "" {
		d.found("grant", "warn", g.Name+" is enabled for the application, but the server's metadata "+gap,
			"compare domain and server with Admin Console, Security › API; if they are right, this sign-in needs another grant")
		return true
	}
	detail := g.Name + " is enabled for the application"
	if !slices.Contains(d.metadata.GrantTypes, g.GrantType) {
		detail += ", although the server's metadata does not list it"
	}
	d.ok("grant", "%s; only a sign-in shows whether a policy allows the user", detail)
	if g.Secret == config.KeyPassword { // after which Okta may want one
		d.checkSecondFactor(ctx)
	}
	return true
}

// metadataGap says what the metadata lacks of that the grant needs beside the token endpoint; "" if nothing.
func (d *doctor) metadataGap(g grant.Type) string {
	got, want := d.metadata.Endpoints[g.Endpoint], d.server.Endpoint(g.Endpoint)
	switch {
	case g.Endpoint == "":
		return ""
	case got == "":
		return "does not name the endpoint " + want
	case got != want:
		return fmt.Sprintf("names the endpoint %s, where okauth uses %s", okta.Sanitize(got, 200), want)
	case g.RedirectURI && !slices.Contains(d.metadata.Challenges, "S256"):
		// "If omitted, the authorization server does not support PKCE." RFC 8414 §2
		return "does not list PKCE's S256 (code_challenge_methods_supported)"
	}
	return ""
}

// checkSecondFactor reports which grants the application has for a second factor: Okta's Direct Authentication. Without
// an mfa_token nothing is counted and no factor is asked.
func (d *doctor) checkSecondFactor(ctx context.Context) {
	factor := d.opened.Settings().Factor()
	var on, off []string
	missing := "" // what the setting "factor" needs
	for _, grantType := range grant.MFAGrantTypes() {
		err := d.client.ProbeGrant(ctx, grantType, "mfa_token")
		refusal, refused := errors.AsType[*okta.Error](err)
		name, _ := cli.GrantInConsole(grantType)
		switch {
		case err == nil:
			on = append(on, name)
		case refused && (refusal.Code == "unauthorized_client" || refusal.Code == "unsupported_grant_type"):
			off = append(off, name)
			if factor != "" && grant.Factor(factor).MFAGrantType() == grantType {
				missing = name
			}
		default:
			d.found("second factor", "note", "not known: "+err.Error(), "")
			return
		}
	}
	where := fmt.Sprintf("%s is at Admin Console, Applications › Applications › %s › General › Grant type › Advanced, "+
		"for a super administrator", cmp.Or(missing, strings.Join(off, " or ")), d.client.ID)
	switch {
	case missing != "":
		d.found("second factor", "warn", "the application has no grant for factor "+factor, where)
	case len(on) == 0:
		d.found("second factor", "note",
			"the application has no grant for one: where a policy asks for it, Okta refuses the password", where)
	default:
		d.found("second factor", "note", "the application may ask for one: "+strings.Join(on, ", "), "")
	}
}

// checkBrowser checks that a browser can be opened and can come back, where the grant needs one.
func (d *doctor) checkBrowser(ctx context.Context) {
	if !d.opened.Grant().RedirectURI {
		return
	}
	redirect := d.opened.Settings().RedirectURI()
	if err := grant.CheckRedirectURI(ctx, redirect); err != nil {
		d.fail("redirect URI", err)
	} else {
		d.ok("redirect URI", "%s: the port is free; the application must have exactly this text", redirect)
	}
	if program, err := d.env.FindBrowser(); err != nil {
		command := "okauth" + d.session.Again() + " login --no-browser"
		d.found("browser", "note", err.Error(), command+" shows the address to open elsewhere; so does --grant device-code")
	} else {
		d.ok("browser", "%s", program)
	}
}
