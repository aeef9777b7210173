//go:build linux

package cmd_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"okauth/pkg/oktatest"
)

// profiles are the profiles of a recipe, and the environment of somebody who has them and no other settings.
func (k *kitchen) profiles(text string) []string {
	k.t.Helper()
	config := filepath.Join(k.home, "config.yaml")
	k.write(config, text, 0o600)
	return append(slices.DeleteFunc(k.desk(), func(variable string) bool {
		return strings.HasPrefix(variable, "OKAUTH_DOMAIN=") || strings.HasPrefix(variable, "OKAUTH_CLIENT_")
	}), "OKAUTH_CONFIG="+config, "PATH="+k.dir+":"+k.path)
}

// addOrders adds the authorization server of the API orders.
func (k *kitchen) addOrders() {
	k.server.AddAuthServer(oktatest.AuthServer{ID: "orders", Audience: "api://orders",
		Scopes: []oktatest.Scope{{Name: "orders:read"}}, Rules: []oktatest.Rule{{}}})
}

// An API's caller gives its token to a service, which calls another API as that user.
func onBehalfRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "yaml", "sh")
	k.addOrders()
	k.server.AddApp(oktatest.App{ClientID: "0oa1service1example7", Service: true, Secrets: []string{"fake-secret-of-the-service"},
		Grants: []string{exchangeGrant}})
	k.write(filepath.Join(k.dir, "pass"), "#!/bin/sh\ntest \"$2\" = okta/service && echo fake-secret-of-the-service\n", 0o700)
	app, _ := k.server.App(readmeClient) // the recipe does not show how it authenticates
	app.Secrets, app.AuthMethod = nil, oktatest.NoSecret
	k.server.AddApp(app)
	environ := k.profiles(blocks[0].text)
	k.cooks(environ, "okauth token -p web >user-token", "")
	k.cooks(environ, blocks[1].text, ordersAnswer+ordersAnswer)
	orders := k.ordered("/v1/orders", "/v1/orders")
	k.signedIn(3) // the user, and two exchanges: of a token from standard input nothing is kept
	k.cooks(environ, blocks[1].text, ordersAnswer+ordersAnswer)
	again := k.ordered("/v1/orders", "/v1/orders")
	k.signedIn(1)
	if len(again) == 2 && (again[0].token == orders[0].token || again[1].token != orders[1].token) {
		k.t.Error("the token of the session is not kept, or that of standard input is")
	}
}

// The second application gets in with the first one's ID token and device secret.
func nativeSSORecipe(k *kitchen, blocks []block) {
	k.only(blocks, "yaml", "sh")
	app, _ := k.server.App(readmeClient)
	app.Secrets, app.AuthMethod = nil, oktatest.NoSecret
	k.server.AddApp(app)
	k.server.AddApp(oktatest.App{ClientID: "0oa1second1example77", AuthMethod: oktatest.NoSecret, Grants: []string{exchangeGrant}})
	u := &user{server: k.server, vars: map[string]string{}}
	opened := u.inBrowser(k.t)
	app, _ = k.server.App(oktatest.DefaultClientID) // which inBrowser has given the redirect URI
	uris := app.RedirectURIs
	app, _ = k.server.App(readmeClient)
	app.RedirectURIs = uris
	k.server.AddApp(app)
	environ := append(k.profiles(blocks[0].text), "OKAUTH_NO_INPUT=", "OKAUTH_PASSWORD=",
		"OKAUTH_REDIRECT_URI="+u.vars["OKAUTH_REDIRECT_URI"], "BROWSER="+u.vars["BROWSER"], "DISPLAY=:0")
	proxy, err := url.Parse(k.proxy)
	if err != nil {
		k.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(k.server.CAPEM())
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool}}
	k.t.Cleanup(transport.CloseIdleConnections)
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(k.t.Context(), k.shell[0], k.strict(blocks[1].text)...)
	c.Env, c.Dir, c.Stdout, c.Stderr = environ, k.dir, &stdout, &stderr
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	response, err := http.Get(browseBy(k.t, transport, opened(), readmeUser))
	if err != nil {
		k.t.Fatal(err)
	}
	response.Body.Close()
	if err := c.Wait(); err != nil || !k.welcome(strings.TrimSpace(stdout.String())) {
		k.t.Errorf("got %v, %q: %s", err, &stdout, &stderr)
	}
	k.signedIn(2) // the code, and the exchange
}

// The agent's user is who signed in at the org server; the agent has a key, and no secret.
func idJAGRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "yaml", "sh")
	k.addOrders()
	app, _ := k.server.App(oktatest.PrivateKeyClientID)
	app.ClientID = "0oa1agent1example777"
	k.server.AddApp(app)
	key := filepath.Join(k.home, "agent.pem")
	k.write(key, string(oktatest.TestKey()), 0o600)
	environ := append(k.profiles(blocks[0].text), "OKAUTH_PRIVATE_KEY_FILE="+key, "OKAUTH_PRIVATE_KEY_ID="+oktatest.TestKeyID)
	for range 2 {
		k.cooks(environ, blocks[1].text, ordersAnswer)
	}
	k.ordered("/v1/orders", "/v1/orders")
	k.signedIn(3) // the user, the ID-JAG and the token, once
}
