package cmd_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"okauth/pkg/oktatest"
)

// sidecarKitchen is a kitchen with a client that has credentials of its own, whose secret is in a file of a directory.
func sidecarKitchen(t *testing.T) (k *kitchen, secrets string) {
	t.Helper()
	installedOrSkip(t, "curl")
	k = newKitchen(t)
	k.server.AddAuthServer(oktatest.AuthServer{ID: "default", Audience: "api://default",
		Scopes: []oktatest.Scope{{Name: "orders:read"}}, Rules: []oktatest.Rule{{}}})
	k.server.AddApp(oktatest.App{ClientID: readmeClient, Secrets: []string{oktatest.DefaultClientSecret}, Service: true,
		Grants: []string{oktatest.GrantClientCredentials}})
	secrets = filepath.Join(k.home, "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	k.write(filepath.Join(secrets, "client-secret"), oktatest.DefaultClientSecret+"\n", 0o400)
	return k, secrets
}

// sidecarsPage returns the blocks of docs/sidecars.md, by language.
func sidecarsPage(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "sidecars.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string][]string)
	for _, found := range regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks[found[1]] = append(blocks[found[1]], found[2])
	}
	if len(blocks) != 3 || len(blocks["sh"]) != 2 || len(blocks["ini"]) != 3 || len(blocks["yaml"]) != 1 {
		t.Fatalf("docs/sidecars.md has the blocks %q", blocks)
	}
	return blocks
}

// watches starts a command, which leads to okauth token --watch, and waits until it is ready. stop ends it, and wants it
// to have said nothing and to leave no file.
func (k *kitchen) watches(file string, environ []string, name string, args ...string) (stop func()) {
	k.t.Helper()
	w := &watched{machine: k.machine}
	w.listen()
	c := exec.Command(name, args...)
	var said bytes.Buffer
	c.Env, c.Dir, c.Stdout, c.Stderr = append(environ, path(), exitAtOnce, "NOTIFY_SOCKET="+w.name), k.dir, &said, &said
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = c.Process.Kill() })
	w.hears(ready)
	return func() {
		k.t.Helper()
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil || said.Len() > 0 {
			k.t.Errorf("it ended with %v and said %q", err, &said)
		}
		if _, err := os.Lstat(file); err == nil {
			k.t.Error("the file is still there")
		}
	}
}

func TestSidecarByHand(t *testing.T) {
	t.Parallel()
	k, _ := sidecarKitchen(t)
	blocks := sidecarsPage(t)["sh"]
	environ := append(k.desk(), "OKAUTH_GRANT=client-credentials", "OKAUTH_SCOPES=orders:read", "XDG_RUNTIME_DIR="+k.dir)
	stop := k.watches(filepath.Join(k.dir, "okta-header"), environ, "sh", "-c", "exec "+blocks[0])
	k.cooks(environ, blocks[1], ordersAnswer)
	stop()
	k.ordered("/v1/orders")
	k.signedIn(1)
}

// The containers of the manifest run with its volumes, to one of which everybody can write. The file is there before the
// program starts, and the program can call the API.
func TestSidecarOfKubernetes(t *testing.T) {
	t.Parallel()
	k, secrets := sidecarKitchen(t)
	pod := at(t, readYAML(t, sidecarsPage(t)["yaml"][0]), "spec")
	first, sidecar := at(t, pod, "initContainers", 0), at(t, pod, "initContainers", 1)
	if at(t, sidecar, "restartPolicy") != "Always" || at(t, pod, "volumes", 0, "emptyDir", "medium") != "Memory" {
		t.Errorf("got %v", pod)
	}
	open := filepath.Join(k.home, "open")
	if err := errors.Join(os.Mkdir(open, 0o777), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	volumes := map[string]string{"token": open, "secret": secrets}
	var here []string // a path in the container, and that here
	for _, mount := range at(t, first, "volumeMounts").([]any) {
		here = append(here, at(t, mount, "mountPath").(string)+"/", volumes[at(t, mount, "name").(string)]+"/")
	}
	replaced := strings.NewReplacer(here...).Replace
	args := func(container any) (words []string) {
		for _, word := range at(t, container, "args").([]any) {
			words = append(words, replaced(word.(string)))
		}
		return words
	}
	environ := k.network()
	for _, variable := range at(t, first, "env").([]any) {
		environ = append(environ, at(t, variable, "name").(string)+"="+replaced(at(t, variable, "value").(string)))
	}
	header := args(first)[2]
	calls := path() + "; curl -fsS -H @" + header + " https://api.example.com/v1/orders"
	if stdout, stderr, code := k.runs(append(environ, path()), "okauth", args(first)...); code != 0 || stdout+stderr != "" {
		t.Fatalf("got exit code %d: %s", code, stderr)
	}
	k.cooks(k.network(), calls, ordersAnswer)
	for range 2 { // the second time as after a crash
		stop := k.watches(header, environ, "okauth", args(sidecar)...)
		k.cooks(k.network(), calls, ordersAnswer)
		stop()
	}
	k.ordered("/v1/orders", "/v1/orders", "/v1/orders")
	k.signedIn(3)
}
