package cmd_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"okauth/pkg/oktatest"
)

// The manifests of the pages are what Kubernetes accepts.
func TestKubernetesManifests(t *testing.T) {
	t.Parallel()
	installedOrSkip(t, "kubernetes-manifests") // see .ci/kubernetes
	for page, manifest := range map[string]string{
		"containers.md": containersPage(t)["A CronJob"][1].text,
		"sidecars.md":   sidecarsPage(t)["yaml"][0],
	} {
		for text, accepted := range map[string]bool{
			manifest: true,
			strings.Replace(manifest, "secretName:", "secretname:", 1):          false,
			strings.Replace(manifest, "restartPolicy: ", "restartPolicy: x", 1): false,
		} {
			validate := exec.Command("kubernetes-manifests")
			validate.Stdin = strings.NewReader(text)
			if says, err := validate.CombinedOutput(); (err == nil) != accepted {
				t.Errorf("%s: accepted %v, want %v: %s", page, err == nil, accepted, says)
			}
		}
	}
}

// cronJobPage runs the container of the CronJob, with its secret as the kubelet mounts it.
func cronJobPage(e *engine, k *kitchen, blocks []block) {
	k.only(blocks, "sh", "yaml")
	k.server.AddAuthServer(oktatest.AuthServer{ID: "default", Audience: "api://default",
		Scopes: []oktatest.Scope{{Name: "orders:read"}}, Rules: []oktatest.Rule{{}}})
	k.server.AddApp(oktatest.App{ClientID: readmeClient, Secrets: []string{oktatest.DefaultClientSecret}, Service: true,
		Grants: []string{oktatest.GrantClientCredentials}})
	e.buildsOrders(k, containersPage(k.t)["A program in the image"][0].text)
	pod := at(k.t, readYAML(k.t, blocks[1].text), "spec", "jobTemplate", "spec", "template", "spec")
	orders := at(k.t, pod, "containers", 0)
	words := []string{"run", "--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"}
	for _, entry := range at(k.t, orders, "env").([]any) {
		words = append(words, "-e", at(k.t, entry, "name").(string)+"="+at(k.t, entry, "value").(string))
	}
	words = append(words, "-v", secretVolume(k)+":"+at(k.t, orders, "volumeMounts", 0, "mountPath").(string)+":ro")
	run := e.docker(append(words, "orders")...)
	run.Env = append(e.environ, "HTTPS_PROXY="+k.proxy)
	if text, err := run.CombinedOutput(); err != nil || len(text) > 0 {
		k.t.Errorf("%v: %s", err, text)
	}
	k.ordered("/v1/orders")
	k.signedIn(1)

	k.t.Run("ReadByKubectl", func(t *testing.T) {
		installedOrSkip(t, "kubectl")
		k.docker(e) // makes the directory secrets
		text, stderr, code := k.runs([]string{path(), "HOME=" + k.home}, "sh", "-c", strings.TrimSpace(blocks[0].text)+" --dry-run=client -o json")
		var secret struct {
			Kind     string
			Metadata struct{ Name string }
			Data     map[string]string
		}
		if err := json.Unmarshal([]byte(text), &secret); err != nil || code != 0 {
			t.Fatalf("got exit code %d: %s: %v", code, stderr, err)
		}
		if secret.Kind != "Secret" || secret.Metadata.Name != at(t, pod, "volumes", 0, "secret", "secretName") || secret.Data["client-secret"] == "" {
			t.Errorf("got %+v", secret)
		}
	})
}

// secretVolume makes a directory as the kubelet does for a secret, with fsGroup and mode 0440.
func secretVolume(k *kitchen) string {
	k.t.Helper()
	dir := filepath.Join(k.dir, "volume")
	file := filepath.Join(dir, "..2026_11_29_15_04_05.1", "client-secret")
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(file), 0o755),
		os.WriteFile(file, []byte(oktatest.DefaultClientSecret), 0o440),
		os.Chown(file, 0, 65532),
		os.Chmod(dir, 0o777|os.ModeSticky|os.ModeSetgid),
		os.Symlink(filepath.Base(filepath.Dir(file)), filepath.Join(dir, "..data")),
		os.Symlink("..data/client-secret", filepath.Join(dir, "client-secret")),
	); err != nil {
		k.t.Fatal(err)
	}
	return dir
}

// The commands of the page write what the recipe has, and kubectl gets an answer from the cluster.
func TestKubectlPlugin_ReadByKubectl(t *testing.T) {
	t.Parallel()
	installedOrSkip(t, "kubectl")
	k := newKitchen(t)
	blocks := containersPage(t)["kubectl"]
	k.only(blocks, "sh")
	k.write(filepath.Join(k.dir, "config"), `{"apiVersion":"v1","kind":"Config","current-context":"c",
"contexts":[{"name":"c","context":{"cluster":"c"}}],"clusters":[{"name":"c","cluster":{"server":"https://`+readmeAPI+`"}}]}`, 0o600)
	environ := append(k.desk(), "KUBECONFIG=config")
	if _, stderr, code := k.runs(environ, "bash", "-euc", blocks[0].text); code != 0 {
		t.Fatal(stderr)
	}
	k.cooks(environ, "kubectl get --raw /ping", "answer to /ping\n")
	k.signedIn(1)
	text, err := os.ReadFile(filepath.Join(k.dir, "config"))
	if err != nil {
		t.Fatal(err)
	}
	written := at(t, readYAML(t, string(text)), "users", 0, "user", "exec").(map[string]any)
	for name, want := range at(t, readYAML(t, readRecipes(t)["Kubernetes"][0].text), "users", 0, "user", "exec").(map[string]any) {
		if !reflect.DeepEqual(written[name], want) {
			t.Errorf("%s: got %v, want %v as in docs/recipes.md", name, written[name], want)
		}
	}
}
