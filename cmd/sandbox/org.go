package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"okauth/cmd/internal/cli"
	"okauth/pkg/oktatest"
)

const maxOrg = 1 << 20 // bytes of the file

// readFiles reads the files of --public-key and --org.
func (o *options) readFiles() (err error) {
	if o.org != "" {
		if o.server.Org, err = o.readOrg(); err != nil {
			return err
		}
	}
	if o.publicKey == "" {
		return nil
	}
	if o.publicJWK, err = os.ReadFile(o.publicKey); err != nil {
		return cli.Exit(cli.ExitUsage, fmt.Errorf("--public-key: %w", err), "docs/sandbox.md has the commands that make one")
	}
	var key struct{ Kid string }
	if !isPublicKey(o.publicJWK) || json.Unmarshal(o.publicJWK, &key) != nil || key.Kid == "" {
		return usage("--public-key takes what okauth config keygen prints",
			"--public-key: %q is no JWK of a public key with a kid", o.publicKey)
	}
	return nil
}

// readOrg reads the file of --org; "-" is standard input.
func (o *options) readOrg() (*oktatest.Org, error) {
	in, name := o.env.Stdin, "standard input"
	if o.org != "-" {
		name = o.org
		f, err := os.Open(o.org)
		if err != nil {
			return nil, cli.Exit(cli.ExitUsage, fmt.Errorf("--org: %w", err), "docs/sandbox.md has an example of such a file")
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxOrg+1))
	if err == nil && len(text) > maxOrg {
		err = fmt.Errorf("the file is larger than %d bytes", maxOrg)
	}
	if err != nil {
		return nil, cli.Exit(cli.ExitUsage, fmt.Errorf("--org: %w", err), "")
	}
	org, err := parseOrg(text)
	if f, ok := errors.AsType[*mistake](err); ok {
		return nil, usage("--schema prints what the file may have", "%s:%d: %v", name, f.line, f)
	}
	return org, err
}

func parseOrg(text []byte) (*oktatest.Org, error) {
	n, err := parse(text)
	if err != nil {
		return nil, err
	}
	var org oktatest.Org
	r := newReader()
	if err := r.read(n, "org", &org); err != nil {
		return nil, err
	}
	if org.AuthServers == nil {
		org.AuthServers = []oktatest.AuthServer{
			{ID: oktatest.DefaultServerID, Audience: oktatest.DefaultAudience, Rules: []oktatest.Rule{{}}},
		}
	}
	f := cmp.Or(checkEach(userKind(), org.Users), checkEach(appKind(), org.Apps),
		checkEach(authServerKind(), org.AuthServers))
	if f != nil {
		f.line = r.line(f.path)
		return nil, f
	}
	return &org, nil
}

// kind is one of the lists of an org, and what the schema cannot say about its entries.
type kind[T any] struct {
	list, schema, key string // "users", "user", "login"
	id                func(*T) *string
	check             func(entry *T, path string) *mistake
}

func checkEach[T any](k kind[T], entries []T) *mistake {
	seen := map[string]bool{}
	for i := range entries {
		path, id := fmt.Sprintf("%s[%d].", k.list, i), strings.ToLower(*k.id(&entries[i]))
		if seen[id] {
			return &mistake{path: path + k.key, reason: fmt.Sprintf("%q is there twice", id)}
		}
		seen[id] = true
		if f := k.check(&entries[i], path); f != nil {
			return f
		}
	}
	return nil
}

func userKind() kind[oktatest.User] {
	return kind[oktatest.User]{"users", "user", "login", func(u *oktatest.User) *string { return &u.Login }, checkUser}
}

func appKind() kind[oktatest.App] {
	return kind[oktatest.App]{"apps", "app", "client_id", func(a *oktatest.App) *string { return &a.ClientID }, checkApp}
}

func authServerKind() kind[oktatest.AuthServer] {
	return kind[oktatest.AuthServer]{
		"auth_servers", "auth_server", "id", func(a *oktatest.AuthServer) *string { return &a.ID }, checkAuthServer,
	}
}

// checkUser refuses nothing: the schema says it all. ACTIVE is the empty text in package oktatest.
func checkUser(u *oktatest.User, _ string) *mistake {
	if u.Status == "ACTIVE" {
		u.Status = oktatest.Active
	}
	return nil
}

// checkApp refuses a way to authenticate without what it needs.
func checkApp(a *oktatest.App, path string) *mistake {
	method := cmp.Or(a.AuthMethod, oktatest.ClientSecretBasic)
	bySecret := method != oktatest.PrivateKeyJWT && method != oktatest.NoSecret
	short := func(secret string) bool { return len(secret) < 32 }
	switch {
	case bySecret && len(a.Secrets) == 0:
		return &mistake{path: path + "secrets", reason: "missing: the app authenticates by " + method}
	case !bySecret && len(a.Secrets) > 0:
		return &mistake{path: path + "secrets", reason: "an app that authenticates by " + method + " has none"}
	case method == oktatest.ClientSecretJWT && slices.ContainsFunc(a.Secrets, short):
		return &mistake{path: path + "secrets", reason: "a secret that signs has 32 characters or more"}
	case method == oktatest.PrivateKeyJWT && len(a.Keys) == 0:
		return &mistake{path: path + "keys", reason: "missing: the app authenticates by " + method}
	case a.Rotation.Leeway < 0 || a.Rotation.Leeway > time.Minute:
		return &mistake{path: path + "rotation.leeway", reason: "expected 0s to 60s"}
	}
	f := cmp.Or(checkURIs(a.RedirectURIs, path+"redirect_uris"), checkURIs(a.LogoutURIs, path+"logout_uris"))
	if f != nil {
		return f
	}
	for i, key := range a.Keys {
		if !isPublicKey(key) {
			return &mistake{path: fmt.Sprintf("%skeys[%d]", path, i), reason: "not a public key (RSA or EC) as a JWK"}
		}
	}
	return nil
}

func checkURIs(uris []string, path string) *mistake {
	for i, uri := range uris {
		if u, err := url.Parse(uri); err != nil || !u.IsAbs() {
			return &mistake{path: fmt.Sprintf("%s[%d]", path, i), reason: "expected a URI with a scheme, such as " +
				oktatest.DefaultRedirectURI}
		}
	}
	return nil
}

// isPublicKey reports whether the text is a JWK that package oktatest can check signatures with.
func isPublicKey(text []byte) bool {
	var key map[string]any
	if json.Unmarshal(text, &key) != nil || key["d"] != nil {
		return false
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return key[name] == nil })
	}
	return key["kty"] == "EC" && has("crv", "x", "y") || key["kty"] == "RSA" && has("n", "e")
}

func checkAuthServer(a *oktatest.AuthServer, path string) *mistake {
	if a.ID == oktatest.OrgServerID {
		return &mistake{path: path + "id", reason: "the org server is there by itself, without an ID; choose another"}
	}
	return nil
}
