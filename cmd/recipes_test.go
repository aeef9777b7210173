//go:build linux

package cmd_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"okauth/pkg/oktatest"
	"okauth/pkg/store/fakesecretservice"
)

// The recipes of docs/recipes.md, each run as it stands there, with the real programs it names, in each shell that it is
// for. Only their hosts differ from the real ones: a proxy leads dev-123456.okta.com to an Okta, and api.example.com to an
// API that accepts its tokens.
func TestRecipes(t *testing.T) {
	t.Parallel()
	every := []string{"ash", "bash", "dash", "zsh"}
	one, all := every[1:2], append(every, "fish")
	tests := map[string]struct {
		shells []string
		run    func(*kitchen, []block)
	}{
		"curl":                       {every, curlRecipe},
		"DPoP":                       {every, dpopRecipe},
		"A loop":                     {every, loopRecipe},
		"A command":                  {all, commandRecipe},
		"HTTPie":                     {[]string{"bash", "zsh"}, httpieRecipe},
		"More ways to print a token": {every, printRecipe},
		"fish":                       {[]string{"fish"}, fishRecipe},
		"PowerShell":                 {}, // the page says that it was not run
		"make":                       {one, makeRecipe},
		"cron":                       {one, cronRecipe},
		"sudo":                       {all, sudoRecipe},
		"A Go program":               {one, goAPIRecipe},
		"Any other program":          {one, goRecipe},
		"On behalf of a user":        {all, onBehalfRecipe},
		"Native SSO":                 {all, nativeSSORecipe},
		"ID-JAG":                     {all, idJAGRecipe},
		"GitHub Actions":             {one, githubRecipe},
		"GitLab CI":                  {[]string{"ash", "bash", "dash"}, gitlabRecipe}, // what an image has
		"Kubernetes":                 {one, kubernetesRecipe},
		"One-time codes":             {all, otpRecipe},
	}
	recipes := readRecipes(t)
	for name, test := range tests {
		blocks, ok := recipes[name]
		if delete(recipes, name); !ok {
			t.Errorf("docs/recipes.md has no recipe %q", name)
		} else if test.run != nil {
			for _, shell := range test.shells {
				t.Run(name+"/"+shell, func(t *testing.T) {
					t.Parallel()
					installedOrSkip(t, "curl") // which nearly all of them run
					k := newKitchen(t)
					k.uses(shell)
					test.run(k, blocks)
				})
			}
		}
	}
	for name := range recipes {
		t.Errorf("docs/recipes.md has a recipe %q, which no test runs", name)
	}
}

// The recipes of README.md are those of docs/recipes.md.
func TestReadmeRecipes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = bytes.Cut(text, []byte("\n## Recipes\n"))
	text, _, _ = bytes.Cut(text, []byte("\n## "))
	all := readRecipes(t)
	short := recipesIn(text)
	if len(short) != 4 {
		t.Errorf("README.md has %d recipes, want 4", len(short))
	}
	for name, blocks := range short {
		if len(blocks) == 0 {
			t.Errorf("README.md: the recipe %q is empty", name)
		}
		for _, b := range blocks {
			if !slices.Contains(all[name], b) {
				t.Errorf("README.md: the recipe %q differs from docs/recipes.md", name)
			}
		}
	}
}

// block is a fenced block of Markdown.
type block struct{ language, text string }

// readRecipes returns the blocks under each heading of docs/recipes.md.
func readRecipes(t *testing.T) map[string][]block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "recipes.md"))
	if err != nil {
		t.Fatal(err)
	}
	return recipesIn(text)
}

// recipesIn returns the blocks under each third-level heading.
func recipesIn(text []byte) map[string][]block {
	fence := regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	recipes := make(map[string][]block)
	for _, section := range strings.Split("\n"+string(text), "\n## ") {
		for _, part := range strings.Split("\n"+section, "\n### ")[1:] {
			name, body, _ := strings.Cut(part, "\n")
			recipes[name] = nil
			for _, found := range fence.FindAllStringSubmatch(body, -1) {
				recipes[name] = append(recipes[name], block{found[1], found[2]})
			}
		}
	}
	return recipes
}

const (
	readmeDomain = "dev-123456.okta.com"
	readmeAPI    = "api.example.com"
	readmeClient = "0oab8eb55Kb9jdMIr5d6"
	readmeUser   = "ci@example.com"
)

// kitchen is where a recipe is tried: a machine whose Okta and API have the names
// that docs/recipes.md gives them.
type kitchen struct {
	*machine
	dir, ca, proxy string   // working directory, file of the authority, URL
	path           string   // value of PATH, in which okauth is
	shell          []string // the command that runs lines of shell; see uses

	mu     sync.Mutex
	orders []order
}

// order is a request that has reached the API.
type order struct {
	path, token string
	proof       string   // its claims, with DPoP
	argv        []string // processes that have the token in their arguments while the request waits
	environ     []string // and in their environment
}

func newKitchen(t *testing.T) *kitchen {
	t.Helper()
	server := oktatest.ForTest(t, oktatest.Options{Keys: sharedKeys(), TLS: true, Limits: &oktatest.Limits{}, Issuer: "https://" + readmeDomain,
		EditCertificate: func(leaf *x509.Certificate) {
			leaf.DNSNames = append(leaf.DNSNames, readmeDomain, readmeAPI)
		}})
	app, _ := server.App(oktatest.DefaultClientID)
	app.ClientID, app.Assigned = readmeClient, nil
	server.AddApp(app)
	server.AddUser(oktatest.User{Login: readmeUser, Password: oktatest.DefaultPassword})
	keychain, err := fakesecretservice.Start(fakesecretservice.Behavior{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keychain.Close)

	home := t.TempDir()
	k := &kitchen{machine: &machine{t: t, server: server, keychain: keychain, home: home}, dir: filepath.Join(home, "work"), ca: filepath.Join(home, "ca.pem"), shell: []string{"bash"}}
	self, err := program()
	if err := errors.Join(err, os.Mkdir(k.dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	k.path = filepath.Dir(link(t, self)) + ":" + os.Getenv("PATH")
	k.write(k.ca, string(server.CAPEM()), 0o644)
	server.FailAlways("", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !k.api(w, r) {
			next.ServeHTTP(w, r)
		}
	})
	proxy := httptest.NewServer(http.HandlerFunc(k.connect))
	t.Cleanup(proxy.Close)
	k.proxy = proxy.URL
	return k
}

// connect is an HTTP proxy for the two hosts of the recipes.
func (k *kitchen) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || r.Host != readmeDomain+":443" && r.Host != readmeAPI+":443" {
		http.Error(w, "this host is in no recipe", http.StatusBadGateway)
		return
	}
	there, err := net.Dial("tcp", strings.TrimPrefix(k.server.URL(), "https://"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	if _, err := io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() { _, _ = io.Copy(there, here); there.Close() }()
	_, _ = io.Copy(here, there)
}

// api is api.example.com: under /v1/ it wants a good access token, and elsewhere
// any token, for it cannot judge an ID token. It answers with the path.
func (k *kitchen) api(w http.ResponseWriter, r *http.Request) bool {
	if r.Host != readmeAPI {
		return false
	}
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	_, proof, _ := strings.Cut(r.Header.Get("DPoP"), ".")
	claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(proof, ".")[0])
	o := order{path: r.URL.Path, token: token, proof: string(claims)}
	if token != "" {
		o.argv, o.environ = processesWith(token)
	}
	k.mu.Lock()
	k.orders = append(k.orders, o)
	k.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/v1/") && proof == "" && !k.welcome(token) {
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	fmt.Fprintln(w, "answer to", r.URL.Path)
	return true
}

// welcome asks the Okta's own API whether an access token is good.
func (k *kitchen) welcome(token string) bool {
	r, err := http.NewRequest(http.MethodGet, k.server.URL()+"/api/hello", nil)
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := k.server.Client().Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// processesWith returns the names of the processes that have the text in their
// arguments, and of those that have it in their environment.
// https://man7.org/linux/man-pages/man5/proc_pid_cmdline.5.html
func processesWith(text string) (argv, environ []string) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range all {
		cmdline, _ := os.ReadFile(process + "/cmdline") // it may have ended since
		name, _, _ := bytes.Cut(cmdline, []byte{0})
		if bytes.Contains(cmdline, []byte(text)) {
			argv = append(argv, filepath.Base(string(name)))
		}
		if vars, _ := os.ReadFile(process + "/environ"); bytes.Contains(vars, []byte(text)) {
			environ = append(environ, filepath.Base(string(name)))
		}
	}
	return argv, environ
}

// ordered wants the API to have been asked for these paths, each with a token
// that was in no process list. It returns what was asked since the last call.
func (k *kitchen) ordered(paths ...string) []order {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	orders := k.orders
	k.orders = nil
	var got []string
	for _, o := range orders {
		got = append(got, o.path)
		if o.token == "" || len(o.argv) > 0 {
			k.t.Errorf("%s: no token, or one in the arguments of %q", o.path, o.argv)
		}
	}
	if !slices.Equal(got, paths) {
		k.t.Errorf("the API was asked for %q, want %q", got, paths)
	}
	return orders
}

// signedIn wants so many token requests since the last call.
func (k *kitchen) signedIn(times int) {
	k.t.Helper()
	if n := k.posts(); n != times {
		k.t.Errorf("Okta got %d token requests, want %d", n, times)
	}
}

func (k *kitchen) write(path, text string, mode os.FileMode) {
	k.t.Helper()
	err := os.WriteFile(path, []byte(text), mode)
	if err == nil {
		err = os.Chmod(path, mode) // whatever the umask
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// network is what leads programs to the kitchen's hosts: okauth, curl, kubectl and
// Go programs read the first two, HTTPie the third.
func (k *kitchen) network() []string {
	return []string{"HTTPS_PROXY=" + k.proxy, "SSL_CERT_FILE=" + k.ca, "REQUESTS_CA_BUNDLE=" + k.ca, "CURL_CA_BUNDLE=" + k.ca}
}

// desk is the environment of somebody at their own machine, who has a keychain.
func (k *kitchen) desk() []string {
	return append(k.network(), "PATH="+k.path, "HOME="+k.home, "TEST_LOCKS="+filepath.Join(k.home, "locks"), "TEST_WAIT=1m", exitAtOnce,
		"DBUS_SESSION_BUS_ADDRESS="+k.keychain.Address(), "OKAUTH_NO_INPUT=true", "OKAUTH_DOMAIN="+readmeDomain, "OKAUTH_CLIENT_ID="+readmeClient,
		"OKAUTH_CLIENT_SECRET="+oktatest.DefaultClientSecret, "OKAUTH_USERNAME="+readmeUser, "OKAUTH_PASSWORD="+oktatest.DefaultPassword)
}

// runs runs a command and returns its standard output and its exit code.
func (k *kitchen) runs(environ []string, name string, args ...string) (stdout, stderr string, code int) {
	k.t.Helper()
	c := exec.CommandContext(k.t.Context(), name, args...)
	var out, errs bytes.Buffer
	c.Env, c.Dir, c.Stdout, c.Stderr = environ, k.dir, &out, &errs
	if err := c.Run(); c.ProcessState == nil {
		k.t.Fatal(err)
	}
	return out.String(), errs.String(), exitCode(c.ProcessState)
}

// only wants a recipe to be made of blocks in these languages.
func (k *kitchen) only(blocks []block, languages ...string) {
	k.t.Helper()
	var got []string
	for _, b := range blocks {
		got = append(got, b.language)
	}
	if !slices.Equal(got, languages) {
		k.t.Fatalf("docs/recipes.md has blocks of %q, want %q", got, languages)
	}
}
