package cmd_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"okauth/pkg/oktatest"
)

// foreignClient is a client that others wrote. Its script in testdata/clients prints a line for each flow that it has:
// the name of the flow, a tab, and "ok" or what went wrong.
type foreignClient struct {
	name    string
	npm     string   // the package that has its version, in the directory that OKAUTH_TEST_CLIENTS names
	module  string   // the same of a client for Go
	command []string // "clients" is the program in testdata/clients/go
}

var foreignClients = []foreignClient{
	{"openid-client", "openid-client", "", []string{"node", "openid-client.mjs"}},
	{"okta-auth-js", "@okta/okta-auth-js", "", []string{"node", "okta-auth-js-node.cjs"}},
	{"okta-auth-js in Chromium", "@okta/okta-auth-js", "", nil}, // page.html
	{"oidc-middleware", "@okta/oidc-middleware", "", []string{"node", "okta-oidc-middleware.cjs"}},
	{"jwt-verifier", "@okta/jwt-verifier", "", []string{"node", "okta-jwt-verifier.cjs"}},
	{"x/oauth2", "", "golang.org/x/oauth2", []string{"clients", "x-oauth2"}},
	{"go-oidc", "", "github.com/coreos/go-oidc/v3", []string{"clients", "go-oidc"}},
	{"okta-jwt-verifier-golang", "", "github.com/okta/okta-jwt-verifier-golang/v2",
		[]string{"clients", "okta-jwt-verifier-golang"}},
	{"Authlib", "", "", []string{"/usr/bin/python3", "authlib_client.py"}},
	{"requests-oauthlib", "", "", []string{"/usr/bin/python3", "requests_oauthlib_client.py"}},
	{"curl", "", "", []string{"bash", "curl.sh"}},
}

var clientFlows = []string{
	"discovery", "password", "client credentials, secret", "client credentials, secret that signs", "client credentials, private key",
	"authorization code", "authorization code with PKCE", "sign-in in a popup", "pushed authorization request", "device code", "refresh",
	"renewal in a frame", "token exchange", "DPoP",
	"verify ID token", "verify access token", "userinfo", "introspect", "revoke", "logout", "CORS preflight",
}

// TestDocs_SandboxClients drives the sandbox with clients that others wrote, each with every flow that it has, and
// compares the table in docs/sandbox.md with what came of it.
func TestDocs_SandboxClients(t *testing.T) {
	t.Parallel()
	installed := os.Getenv("OKAUTH_TEST_CLIENTS")
	if installed == "" {
		t.Skip("the clients are not installed")
	}
	pages := serveClientPages(t, installed)
	s := startSandbox(t, "--no-limits", "--trusted-origin", pages.address)
	pages.register(t, s)
	environ := []string{
		"PATH=" + buildClients(t) + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "CLIENTS=" + installed,
		"BROWSER=" + pages.address + "/visit", "TEST_KEY=" + string(oktatest.TestKey()), "PYTHONDONTWRITEBYTECODE=1",
	}
	for name, value := range s.vars {
		environ = append(environ, name+"="+value)
	}
	results, running := make([]map[string]string, len(foreignClients)), sync.WaitGroup{}
	for i, client := range foreignClients {
		if client.command != nil {
			running.Go(func() { results[i] = client.results(t, client.run(t, environ)) })
		}
	}
	for i, client := range foreignClients {
		if client.command == nil {
			results[i] = client.results(t, pages.run(t, s.vars["OKAUTH_DOMAIN"]))
		}
	}
	running.Wait()
	table := clientTable(t, installed, results)
	t.Log(table) // says why, if it is not the one in the file
	checkGenerated(t, "docs/sandbox.md", "clients", table)
}

// buildClients builds the program of the clients for Go, runs its examples, and returns its directory. The build
// completes copies of its go.mod and of both go.sum. It is as for a release: most of that is in the cache.
func buildClients(t *testing.T) string {
	dir, made := filepath.Join("testdata", "clients", "go"), t.TempDir()
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	sum, err1 := os.ReadFile(filepath.Join(dir, "go.sum"))
	ours, err2 := os.ReadFile(filepath.Join("..", "go.sum"))
	err = errors.Join(err, err1, err2, os.WriteFile(filepath.Join(made, "go.mod"), mod, 0o600),
		os.WriteFile(filepath.Join(made, "go.sum"), append(sum, ours...), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"build", "-o", filepath.Join(made, "clients"), "."}, {"test", "."}} { // example_test.go
		args = append([]string{args[0], "-C", dir, "-trimpath", "-mod=mod", "-modfile=" + filepath.Join(made, "go.mod")}, args[1:]...)
		c := exec.Command("go", args...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, text)
		}
	}
	return made
}

// run returns the lines that the script prints.
func (c foreignClient) run(t *testing.T, environ []string) string {
	process := exec.CommandContext(t.Context(), "env", c.command...)
	process.Dir, process.Env = filepath.Join("testdata", "clients"), environ
	stderr := new(strings.Builder)
	process.Stderr = stderr
	stdout, err := process.Output()
	if err != nil || len(stdout) == 0 {
		t.Errorf("%s: %v: %s", c.name, err, stderr)
	}
	return string(stdout)
}

// results returns what came of each flow.
func (c foreignClient) results(t *testing.T, output string) map[string]string {
	results := make(map[string]string)
	for line := range strings.Lines(output) {
		flow, result, found := strings.Cut(strings.TrimSpace(line), "\t")
		if !found || !slices.Contains(clientFlows, flow) {
			t.Errorf("%s prints %q", c.name, line)
		}
		results[flow] = result
	}
	return results
}

// version is that of the package that is installed; "" for one of Debian.
func (c foreignClient) version(t *testing.T, installed string) string {
	var about struct{ Version string }
	mod, err := os.ReadFile(filepath.Join("testdata", "clients", "go", "go.mod"))
	if c.npm != "" {
		text, err1 := os.ReadFile(filepath.Join(installed, "node_modules", filepath.FromSlash(c.npm), "package.json"))
		err = errors.Join(err, err1, json.Unmarshal(text, &about))
	}
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(mod), cmp.Or(c.module, "?")+" v")
	return cmp.Or(about.Version, strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
}

// clientTable shows what came of each flow, and below it why some failed.
func clientTable(t *testing.T, installed string, results []map[string]string) string {
	var b, notes strings.Builder
	head, rule := "| flow |", "|---|"
	for _, client := range foreignClients {
		name, place, _ := strings.Cut(client.name, " ")
		head += " " + strings.Join(strings.Fields(name+" "+client.version(t, installed)+" "+place), " ") + " |"
		rule += ":-:|"
	}
	fmt.Fprintln(&b, head)
	fmt.Fprintln(&b, rule)
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	for _, flow := range clientFlows {
		b.WriteString("| " + flow + " |")
		for i, client := range foreignClients {
			mark := "✗"
			switch result := results[i][flow]; result {
			case "":
				mark = "–"
			case "ok":
				mark = "✓"
			default:
				fmt.Fprintf(&notes, "* ✗ %s, %s: %s\n", client.name, flow, address.ReplaceAllString(result, "…"))
			}
			b.WriteString(" " + mark + " |")
		}
		b.WriteString("\n")
	}
	if notes.Len() > 0 {
		b.WriteString("\n" + notes.String())
	}
	return b.String()
}
