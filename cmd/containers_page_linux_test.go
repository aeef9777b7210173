package cmd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"okauth/pkg/oktatest"
)

// containersPage returns the blocks of docs/containers.md by heading.
func containersPage(t *testing.T) map[string][]block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "containers.md"))
	if err != nil {
		t.Fatal(err)
	}
	return recipesIn([]byte("\n## \n" + strings.ReplaceAll(string(text), "\n## ", "\n### ")))
}

// engine is Podman, which testdata/docker/docker calls docker.
type engine struct{ environ []string }

func newEngine(t *testing.T) *engine {
	t.Helper()
	installedOrSkip(t, "podman")
	bin, err := filepath.Abs(filepath.Join("testdata", "docker"))
	if err != nil {
		t.Fatal(err)
	}
	return &engine{[]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "DOCKER_STORE=" + t.TempDir()}}
}

// docker returns the command docker with these words.
func (e *engine) docker(words ...string) *exec.Cmd {
	c := exec.Command(filepath.Join("testdata", "docker", "docker"), words...)
	c.Env = e.environ
	return c
}

// buildsImage makes the image okauth, which trusts the kitchen's authority, as one does in a checkout.
func (e *engine) buildsImage(k *kitchen) {
	k.t.Helper()
	lines := containersPage(k.t)["The image"][1].text
	lines = strings.Replace(lines, `/etc/ssl/certs/ca-certificates.crt "$image"`, k.ca+` "$image/ca-certificates.crt"`, 1)
	build := exec.Command("bash", "-euc", lines)
	build.Dir, build.Env = "..", append(append(os.Environ(), e.environ...), "TMPDIR="+k.t.TempDir())
	if text, err := build.CombinedOutput(); err != nil {
		k.t.Fatalf("%v: %s", err, text)
	}
}

// imagePage looks at the image that buildsImage has made. The lines for a release archive are run by .ci/image.
func imagePage(e *engine, k *kitchen, blocks []block) {
	k.only(blocks, "sh", "sh")
	text, err := e.docker("image", "inspect", "okauth").Output()
	var images []struct {
		Size   int
		Config struct {
			User       string
			Entrypoint []string
			Labels     map[string]string
		}
	}
	if err := errors.Join(err, json.Unmarshal(text, &images)); err != nil {
		k.t.Fatal(err)
	}
	image := images[0]
	if image.Size > 20e6 || image.Config.User != "65532:65532" || image.Config.Entrypoint[0] != entrypoint ||
		image.Config.Labels["org.opencontainers.image.licenses"] != "Apache-2.0" {
		k.t.Errorf("got %+v", image)
	}
	// The demo needs a directory for its files, and nothing else: no network, no keychain.
	if text, err := e.docker("run", "--rm", "--read-only", "--network=none", "--tmpfs=/tmp", "okauth", "demo").CombinedOutput(); err != nil {
		k.t.Errorf("demo: %v: %s", err, text)
	}
}

const dockerUser = 1234

// docker is a shell in which someone types docker commands, whose secrets no one else can read.
func (k *kitchen) docker(e *engine) (environ []string, prelude string) {
	k.t.Helper()
	secrets := filepath.Join(k.dir, "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		k.t.Fatal(err)
	}
	files := map[string]string{"client-secret": oktatest.DefaultClientSecret, "password": oktatest.DefaultPassword}
	for name, text := range files {
		k.write(filepath.Join(secrets, name), text+"\n", 0o600)
	}
	k.owns(secrets)
	environ = append(e.environ, "HTTPS_PROXY="+k.proxy, "OKAUTH_DOMAIN="+readmeDomain, "OKAUTH_CLIENT_ID="+readmeClient, "OKAUTH_USERNAME="+readmeUser)
	return environ, fmt.Sprintf("id() { echo %d; }\n", dockerUser)
}

// owns gives a directory and its files to the user of the containers.
func (k *kitchen) owns(dir string) {
	k.t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range append(files, dir) {
		err = errors.Join(err, os.Chown(path, dockerUser, dockerUser))
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

func jobPage(e *engine, k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	environ, prelude := k.docker(e)
	stdout, stderr, code := k.runs(environ, "bash", "-euc", prelude+blocks[0].text)
	if token, _ := strings.CutSuffix(stdout, "\n"); code != 0 || stderr != "" || !k.welcome(token) {
		k.t.Errorf("got exit code %d: %s", code, stderr)
	}
	k.signedIn(1)
}

// sessionPage signs in at a terminal, and takes the token where there is none.
func sessionPage(e *engine, k *kitchen, blocks []block) {
	k.only(blocks, "sh")
	environ, prelude := k.docker(e)
	prelude += blocks[0].text
	if err := os.Mkdir(filepath.Join(k.dir, "sessions"), 0o700); err != nil {
		k.t.Fatal(err)
	}
	k.owns(filepath.Join(k.dir, "sessions"))
	login := exec.Command("bash", "-euc", prelude+"okauth login")
	login.Dir, login.Env = k.dir, append(environ, "TERM=dumb")
	p := newPerson(k.t, login)
	terminal, err := pty.Start(login)
	if err != nil {
		k.t.Fatal(err)
	}
	p.terminal = terminal
	k.t.Cleanup(func() { login.Process.Kill(); terminal.Close() })
	go p.watch()
	p.waitFor("Password")
	p.types(oktatest.DefaultPassword + "\n")
	p.waitFor("Signed in as " + readmeUser)
	if code := p.ends(); code != 0 || strings.Contains(p.screen(), oktatest.DefaultPassword) {
		k.t.Errorf("got exit code %d, and the terminal shows %q", code, p.screen())
	}
	for _, line := range []string{"okauth token", `token=$(okauth token); printf '%s\n' "$token"`, "okauth token | cat"} {
		stdout, stderr, code := k.runs(environ, "bash", "-euc", prelude+line)
		if token, _ := strings.CutSuffix(stdout, "\n"); code != 0 || stderr != "" || !k.welcome(token) {
			k.t.Errorf("%s: got exit code %d and %q: %s", line, code, stdout, stderr)
		}
	}
	k.signedIn(1)
}

// ordersProgram calls the API with the token that it finds in its environment.
const ordersProgram = `package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	r, _ := http.NewRequest(http.MethodGet, "https://api.example.com/v1/orders", nil)
	r.Header.Set("Authorization", "Bearer "+os.Getenv("OKTA_ACCESS_TOKEN"))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || os.Getpid() != 1 {
		log.Fatal(answer.Status, os.Getpid())
	}
}
`

func programPage(e *engine, k *kitchen, blocks []block) {
	k.only(blocks, "dockerfile")
	e.buildsOrders(k, blocks[0].text)
	environ, _ := k.docker(e)
	k.owns(filepath.Join(k.dir, "secrets"))
	k.cooks(environ, "docker run --rm --read-only --user 1234 -v $PWD/secrets:/run/secrets:ro -e OKAUTH_DOMAIN -e OKAUTH_CLIENT_ID"+
		" -e OKAUTH_CLIENT_SECRET_FILE=/run/secrets/client-secret -e OKAUTH_PASSWORD_FILE=/run/secrets/password -e OKAUTH_USERNAME orders", "")
	k.ordered("/v1/orders")
	k.signedIn(1)
}

// buildsOrders makes the image orders from the image okauth.
func (e *engine) buildsOrders(k *kitchen, dockerfile string) {
	k.t.Helper()
	image := filepath.Join(k.dir, "image")
	if err := os.Mkdir(image, 0o700); err != nil {
		k.t.Fatal(err)
	}
	k.write(filepath.Join(image, "main.go"), ordersProgram, 0o600)
	k.write(filepath.Join(image, "Dockerfile"), dockerfile, 0o600)
	build := exec.Command("go", "build", "-trimpath", "-o", "orders", "main.go")
	build.Dir, build.Env = image, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		k.t.Fatalf("%v: %s", err, text)
	}
	if text, err := e.docker("build", "-t", "orders", image).CombinedOutput(); err != nil {
		k.t.Fatalf("%v: %s", err, text)
	}
}
