package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// The commands of docs/services.md, from nothing to a token, each as it stands there.
func TestServices(t *testing.T) {
	t.Parallel()
	installedOrSkip(t, "curl")
	text, err := os.ReadFile(filepath.Join("..", "docs", "services.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := recipesIn([]byte("\n### all\n" + strings.ReplaceAll(string(text), "\n## ", "\n#### ")))["all"]
	if len(blocks) != 6 {
		t.Fatalf("docs/services.md has %d blocks, want 6", len(blocks))
	}
	if commands := strings.Count(blocks[0].text+blocks[1].text, "okauth "); commands != 6 {
		t.Errorf("the way to a token has %d commands, want 6", commands)
	}
	k := newKitchen(t)
	k.server.AddAuthServer(oktatest.AuthServer{ID: "default", Audience: "api://default",
		Scopes: []oktatest.Scope{{Name: "orders:read"}}, Rules: []oktatest.Rule{{}}})
	app := oktatest.App{ClientID: readmeClient, AuthMethod: oktatest.PrivateKeyJWT,
		Service: true, Grants: []string{oktatest.GrantClientCredentials}, OktaScopes: []string{"okta.users.read"}}
	register := func(public string) { // as an administrator does, at Okta
		k.t.Helper()
		app.Keys = append(app.Keys, json.RawMessage(public))
		k.server.AddApp(app)
	}
	environ := slices.DeleteFunc(k.desk(), func(entry string) bool {
		return strings.HasPrefix(entry, "OKAUTH_") && !strings.HasPrefix(entry, "OKAUTH_NO_INPUT=")
	})
	run := func(environ []string, text string) string {
		k.t.Helper()
		stdout, stderr, code := k.runs(environ, "bash", "-euo", "pipefail", "-c", text)
		if code != 0 {
			k.t.Fatalf("%s: exit code %d: %s", text, code, stderr)
		}
		return stdout
	}

	register(run(environ, blocks[0].text))
	k.posts()
	token := run(environ, blocks[1].text)
	first := k.lastKid()
	if run(environ, blocks[1].text) != token || k.posts() != 1 || first == "" {
		t.Error("the token is not cached, or was asked for without a key")
	}

	register(run(environ, "okauth -p file config set domain dev-123456.okta.com; okauth -p file config set client_id "+
		readmeClient+"; okauth -p file config keygen --file key.jwk"))
	if job := run(k.network(), "export "+path()+"\n"+blocks[2].text); job == "" || k.lastKid() == first {
		t.Errorf("the job got %q, with the key %s", job, k.lastKid())
	}

	next := run(environ, blocks[3].text)
	run(environ, "okauth token --refresh")
	if k.lastKid() != first {
		t.Error("a key was used that Okta does not know")
	}
	register(next)
	run(environ, "okauth token --refresh")
	if kid := k.lastKid(); !strings.Contains(next, kid) {
		t.Errorf("the key %s was used, and not the next one", kid)
	}

	run(environ, blocks[4].text)
	k.cooks(environ, blocks[5].text, ordersAnswer)
	if orders := k.ordered("/v1/orders"); !strings.Contains(orders[0].proof, `"ath"`) {
		t.Errorf("got the proof %q", orders[0].proof)
	}
}

// lastKid returns the name of the key in the last client assertion that the server got.
func (k *kitchen) lastKid() string {
	k.t.Helper()
	requests := k.server.Requests()
	for _, r := range slices.Backward(requests) {
		if header, _, ok := strings.Cut(r.Form.Get("client_assertion"), "."); ok && strings.HasSuffix(r.Path, "/token") {
			text, _ := base64.RawURLEncoding.DecodeString(header)
			var named struct{ Kid string }
			if err := json.Unmarshal(text, &named); err != nil {
				k.t.Fatal(err)
			}
			return named.Kid
		}
	}
	return ""
}
