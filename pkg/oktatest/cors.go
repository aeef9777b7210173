package oktatest

import (
	"net/http"
	"slices"
	"strings"
)

// allowOrigin lets pages of a trusted origin read the answer, and every page the public documents. It answers
// preflight requests. https://fetch.spec.whatwg.org/#http-cors-protocol
// https://developer.okta.com/docs/guides/enable-cors/main/
func (c *call) allowOrigin(methods string) {
	if strings.HasPrefix(c.endpoint, "/") && c.endpoint != "/api/hello" && c.endpoint != "/.well-known/okta-organization" {
		return // the sandbox's own: no page may use them
	}
	origin := c.r.Header.Get("Origin")
	preflight := c.r.Method == http.MethodOptions
	c.header.Add("Vary", "Origin")
	switch {
	case c.endpoint == "v1/keys" || strings.Contains(c.endpoint, ".well-known/"):
		c.header.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(c.s.options.TrustedOrigins, origin), preflight && c.endpoint == "v1/token":
		c.shareWith(origin) // a preflight does not name the client, whose redirect URIs decide
	}
	if preflight {
		c.header.Set("Access-Control-Allow-Methods", strings.ReplaceAll(methods, " ", ", "))
		c.header.Set("Access-Control-Max-Age", "3600")
		if headers := c.r.Header.Get("Access-Control-Request-Headers"); headers != "" {
			c.header.Set("Access-Control-Allow-Headers", headers)
		}
		c.respond(http.StatusNoContent, nil)
	}
}

// shareWith lets pages of an origin read the answer, with the nonce of DPoP:
// https://www.rfc-editor.org/rfc/rfc9449#section-8
func (c *call) shareWith(origin string) {
	if origin == "" {
		origin = "*"
	} else {
		c.header.Set("Access-Control-Allow-Credentials", "true")
	}
	c.header.Set("Access-Control-Allow-Origin", origin)
	c.header.Set("Access-Control-Expose-Headers", "DPoP-Nonce")
}

// checkBrowser refuses a token request of a page that is not the app's, or that no page should send.
func (c *call) checkBrowser() {
	origin := c.r.Header.Get("Origin")
	if origin == "" {
		return
	}
	own := func(uri string) bool { return uri == origin || strings.HasPrefix(uri, origin+"/") }
	known := slices.Contains(c.s.options.TrustedOrigins, origin) || slices.ContainsFunc(c.app.RedirectURIs, own)
	c.refuseIf(!known, "browser_request")
	if known {
		c.shareWith(origin)
	}
	grantType := c.form.Get("grant_type")
	c.refuseIf(grantType != GrantAuthorizationCode && grantType != GrantRefreshToken, "browser_grant")
	c.refuseIf(grantType == GrantAuthorizationCode && c.form.Get("code_verifier") == "", "browser_pkce")
}
