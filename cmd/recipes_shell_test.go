//go:build linux

package cmd_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const ordersAnswer = "answer to /v1/orders\n"

// The token is where curl reads it, and neither in its arguments nor in its
// environment. (That the search would find it, the last line shows.)
func curlRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh", "sh")
	k.cooks(k.desk(), blocks[1].text, ordersAnswer+ordersAnswer)
	for _, o := range k.ordered("/v1/orders", "/v1/orders") {
		if len(o.environ) > 0 {
			k.t.Errorf("the token is in the environment of %q", o.environ)
		}
	}
	k.cooks(k.desk(), blocks[0].text, ordersAnswer)
	k.ordered("/v1/orders")
	k.signedIn(1)

	// Without a token the script ends with okauth's exit code, and curl does not run.
	k.endsWithout(blocks[0].text)

	k.cooks(k.desk(), `curl -fsS -H "Authorization: Bearer $(okauth token)" https://api.example.com/v1/orders`, ordersAnswer)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.orders) != 1 || !slices.Equal(k.orders[0].argv, []string{"curl"}) {
		k.t.Errorf("the search finds no token where there is one: %d requests", len(k.orders))
	}
}

// The proof is for the request that curl makes; what an API makes of it is in the script about DPoP.
func dpopRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	environ := append(k.desk(), "OKAUTH_DPOP=true")
	k.cooks(environ, blocks[0].text, ordersAnswer)
	k.cooks(environ, `url=https://api.example.com/v1/orders
		okauth token -o curl --url "$url" | curl -fsS -K - "$url"`, ordersAnswer)
	for i, o := range k.ordered("/v1/orders", "/v1/orders") {
		method := []string{"DELETE", "GET"}[i]
		want := `{"htm":"` + method + `","htu":"https://api.example.com/v1/orders",`
		if !strings.HasPrefix(o.proof, want) || !strings.Contains(o.proof, `"ath":`) || len(o.environ) > 0 {
			k.t.Errorf("got the proof %s, and the token in the environment of %q", o.proof, o.environ)
		}
	}
	k.signedIn(2)
}

func loopRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	answers := "answer to /v1/orders/1\nanswer to /v1/orders/2\nanswer to /v1/orders/3\n"
	for name, environ := range map[string][]string{
		"keychain": k.desk(),
		"file":     append(k.desk(), "OKAUTH_STORAGE=file", "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(k.dir, "nowhere")),
	} {
		k.cooks(environ, blocks[0].text, answers)
		orders := k.ordered("/v1/orders/1", "/v1/orders/2", "/v1/orders/3")
		for _, o := range orders {
			if o.token != orders[0].token {
				k.t.Errorf("%s: not every turn has the same token", name)
			}
		}
		k.signedIn(1)
	}
}

func commandRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	k.write(filepath.Join(k.dir, "deploy.sh"), `#!/bin/sh
if test "$ID_TOKEN"; then path=ping; else path=v1/orders; fi
echo "Authorization: Bearer ${ID_TOKEN:-$OKTA_ACCESS_TOKEN}" | curl -fsS -H @- https://api.example.com/$path
`, 0o700)
	k.cooks(k.desk(), blocks[0].text, ordersAnswer+"answer to /ping\n")
	if orders := k.ordered("/v1/orders", "/ping"); len(orders) == 2 && orders[0].token == orders[1].token {
		k.t.Error("the ID token is the access token")
	}
	k.signedIn(1)
}

func httpieRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "bash")
	installedOrSkip(k.t, "http")
	k.cooks(k.desk(), blocks[0].text, ordersAnswer)
	for _, o := range k.ordered("/v1/orders") {
		if len(o.environ) > 0 {
			k.t.Errorf("the token is in the environment of %q", o.environ)
		}
	}
	k.signedIn(1)
}

// printRecipe runs the lines in one shell, each as it stands there.
func printRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	installedOrSkip(k.t, "jq")
	text := blocks[0].text + `test "$OKTA_ACCESS_TOKEN" = "$TOKEN" && echo same`
	stdout, stderr, code := k.runs(append(k.desk(), "OKAUTH_SCOPES=openid profile offline_access"), k.shell[0], k.strict(text)...)
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if code != 0 || stderr != "" || len(lines) != 6 || lines[5] != "same" {
		k.t.Fatalf("got exit code %d, %d lines and %q", code, len(lines), stderr)
	}
	idToken, expiry, ten, fresh, other := lines[0], lines[1], lines[2], lines[3], lines[4]
	if _, err := time.Parse(time.RFC3339, expiry); err != nil {
		k.t.Errorf("expires_at: %v", err)
	}
	if idToken == ten || ten == fresh || fresh == other || strings.Count(other, ".") != 2 {
		k.t.Error("the lines print the same token, or none")
	}
	k.signedIn(3) // the sign-in, --refresh and --scope

	variable, _, _ := strings.Cut(blocks[0].text, "\n\n")
	k.endsWithout("set +e\n" + variable + "\necho goes on")
}

func goRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "go")
	k.buildsGo(blocks[0].text, nil)
	k.cooks(k.desk(), filepath.Join(k.dir, "orders"), ordersAnswer)
	k.ordered("/v1/orders")
	k.signedIn(1)
}

// goAPIRecipe builds the program as a module of its own that requires okauth. It keeps its session in a file, because
// the lock of a keychain session would be the user's own.
func goAPIRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "go", "sh")
	source, err := filepath.Abs("..")
	if err != nil {
		k.t.Fatal(err)
	}
	k.buildsGo(blocks[0].text, strings.Fields(strings.ReplaceAll(blocks[1].text, "/path/to/okauth", source)))
	environ := append(k.desk(), "OKAUTH_STORAGE=file", "OKAUTH_STORAGE_DIR="+filepath.Join(k.home, "sessions"))
	program := filepath.Join(k.dir, "orders")
	k.cooks(environ, program+"; "+program, ordersAnswer+ordersAnswer)
	k.ordered("/v1/orders", "/v1/orders")
	k.signedIn(1)
}

// buildsGo builds a program, formatted as gofmt does, as k.dir/orders. If require is not nil, the program is a module
// that requires okauth, as that command says.
func (k *kitchen) buildsGo(text string, require []string) {
	k.t.Helper()
	k.write(filepath.Join(k.dir, "main.go"), text, 0o600)
	caches, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		k.t.Fatal(err)
	}
	dirs := strings.Fields(string(caches))
	// As the release builds, so that most of it is in the cache.
	environ := []string{path(), "HOME=" + k.home, "GOCACHE=" + dirs[0], "GOMODCACHE=" + dirs[1], "CGO_ENABLED=0",
		"GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod"}
	args := []string{"build", "-trimpath", "-o", filepath.Join(k.dir, "orders")}
	if require == nil {
		args = append(args, "main.go")
	} else {
		mod, modErr := os.ReadFile(filepath.Join("..", "go.mod"))
		sum, sumErr := os.ReadFile(filepath.Join("..", "go.sum"))
		if err := errors.Join(modErr, sumErr); err != nil {
			k.t.Fatal(err)
		}
		_, requirements, _ := strings.Cut(string(mod), "\n")
		k.write(filepath.Join(k.dir, "go.mod"), "module orders\n"+requirements, 0o600)
		k.write(filepath.Join(k.dir, "go.sum"), string(sum), 0o600)
		if out, errs, code := k.runs(environ, require[0], require[1:]...); code != 0 {
			k.t.Fatalf("%q: exit code %d: %s%s", require, code, out, errs)
		}
		args = append(args, ".")
	}
	if out, errs, code := k.runs(environ, "go", args...); code != 0 {
		k.t.Fatalf("go build: exit code %d: %s%s", code, out, errs)
	}
	if text, err := exec.Command("gofmt", "-l", filepath.Join(k.dir, "main.go")).Output(); err != nil || len(text) > 0 {
		k.t.Errorf("gofmt would change it: %v", err)
	}
}

// kubernetesRecipe runs what the kubeconfig says as kubectl does, and has kubectl
// do it.
func kubernetesRecipe(k *kitchen, blocks []block) {
	k.only(blocks, "yaml")
	plugin := at(k.t, readYAML(k.t, blocks[0].text), "users", 0, "user", "exec")
	version := at(k.t, plugin, "apiVersion").(string)
	var args []string
	for _, arg := range at(k.t, plugin, "args").([]any) {
		args = append(args, arg.(string))
	}
	// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats
	info := `KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":"` + version + `","spec":{"interactive":false}}`
	stdout, stderr, code := k.runs(append(k.desk(), info), at(k.t, plugin, "command").(string), args...)
	var answer struct {
		APIVersion, Kind string
		Status           struct{ Token, ExpirationTimestamp string }
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 || stderr != "" {
		k.t.Fatalf("got exit code %d and %q: %v", code, stderr, err)
	}
	idToken, _, _ := k.runs(k.desk(), "okauth", "token", "--type", "id")
	if answer.APIVersion != version || answer.Kind != "ExecCredential" || answer.Status.ExpirationTimestamp == "" || answer.Status.Token != strings.TrimSpace(idToken) {
		k.t.Errorf("got an answer for %s %s, which expires at %q, or no ID token", answer.APIVersion, answer.Kind, answer.Status.ExpirationTimestamp)
	}
	k.signedIn(1)

	k.t.Run("ReadByKubectl", func(t *testing.T) {
		installedOrSkip(t, "kubectl")
		k.write(filepath.Join(k.dir, "readme.yaml"), blocks[0].text, 0o600)
		k.write(filepath.Join(k.dir, "cluster.yaml"), `{"apiVersion":"v1","kind":"Config","current-context":"c",
"contexts":[{"name":"c","context":{"cluster":"c","user":"okta"}}],"clusters":[{"name":"c","cluster":{"server":"https://`+readmeAPI+`"}}]}`, 0o600)
		k.cooks(append(k.desk(), "KUBECONFIG=cluster.yaml:readme.yaml"), "kubectl get --raw /ping", "answer to /ping\n")
		for _, o := range k.orders { // kubectl asks for more than it is told to
			if o.token != strings.TrimSpace(idToken) || len(o.argv) > 0 {
				t.Errorf("for %s, the cluster got another token, or one in the arguments of %q", o.path, o.argv)
			}
		}
		k.signedIn(0)
	})
}

// installedOrSkip skips the test where the real program is missing: a stand-in
// would prove nothing.
func installedOrSkip(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("not tested with the real %s: %v", program, err)
	}
}
