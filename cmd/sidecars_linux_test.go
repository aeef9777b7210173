package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

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
	if len(blocks) != 3 || len(blocks["sh"]) != 2 || len(blocks["ini"]) != 2 || len(blocks["yaml"]) != 1 {
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
	c.Env, c.Dir, c.Stdout, c.Stderr = append(environ, path(), "GORACE=atexit_sleep_ms=0", "NOTIFY_SOCKET="+w.name), k.dir, &said, &said
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

func sidecarsText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "sidecars.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pod is what a test reads of a manifest; an unknown key is a mistake.
type pod struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		SecurityContext struct {
			RunAsNonRoot bool `yaml:"runAsNonRoot"`
			RunAsUser    int  `yaml:"runAsUser"`
			FSGroup      int  `yaml:"fsGroup"`
		} `yaml:"securityContext"`
		InitContainers []podContainer `yaml:"initContainers"`
		Containers     []podContainer
		Volumes        []struct {
			Name     string
			EmptyDir struct {
				Medium    string
				SizeLimit string `yaml:"sizeLimit"`
			} `yaml:"emptyDir"`
			Secret struct {
				SecretName  string `yaml:"secretName"`
				DefaultMode int    `yaml:"defaultMode"`
			}
		}
	}
}

type podContainer struct {
	Name, Image   string
	RestartPolicy string `yaml:"restartPolicy"`
	Command, Args []string
	Env           []struct{ Name, Value string }
	StartupProbe  struct {
		Exec             struct{ Command []string }
		PeriodSeconds    int `yaml:"periodSeconds"`
		FailureThreshold int `yaml:"failureThreshold"`
	} `yaml:"startupProbe"`
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

// The sidecar of the manifest runs with its volumes, of which everybody can write to one; then its probe succeeds, and
// the program's container can call the API.
func TestSidecarOfKubernetes(t *testing.T) {
	t.Parallel()
	k, secrets := sidecarKitchen(t)
	manifest := sidecarsPage(t)["yaml"][0]
	var p pod
	decoder := yaml.NewDecoder(strings.NewReader(manifest))
	decoder.KnownFields(true)
	if err := decoder.Decode(&p); err != nil {
		t.Fatal(err)
	}
	sidecar, program := p.Spec.InitContainers[0], p.Spec.Containers[0]
	if sidecar.RestartPolicy != "Always" || p.Spec.Volumes[0].EmptyDir.Medium != "Memory" || p.Spec.Volumes[1].Secret.SecretName == "" {
		t.Errorf("got %+v", p)
	}
	okauth, err := exec.LookPath("okauth")
	if err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(k.home, "empty")
	if err := errors.Join(os.Mkdir(empty, 0o777), os.Chmod(empty, 0o777)); err != nil {
		t.Fatal(err)
	}
	volumes := map[string]string{"token": empty, "secret": secrets}
	var here []string // a path in the container, and that here
	for _, c := range []podContainer{sidecar, program} {
		for _, mount := range c.VolumeMounts {
			if volumes[mount.Name] == "" {
				t.Fatalf("there is no volume %q", mount.Name)
			}
			here = append(here, mount.MountPath+"/", volumes[mount.Name]+"/")
		}
	}
	at := strings.NewReplacer(append(here, "exec /usr/bin/okauth ", "exec "+okauth+" ")...).Replace
	environ := k.network()
	for _, variable := range sidecar.Env {
		environ = append(environ, variable.Name+"="+at(variable.Value))
	}
	probe := sidecar.StartupProbe.Exec.Command
	header := at(probe[len(probe)-1])
	if _, _, code := k.runs([]string{path()}, probe[0], at(probe[1]), header); code == 0 {
		t.Error("the probe succeeds before there is a file")
	}
	for range 2 { // the second time as after a crash: the directory is there
		stop := k.watches(header, environ, sidecar.Command[0], sidecar.Command[1], at(sidecar.Args[0]))
		if _, _, code := k.runs([]string{path()}, probe[0], at(probe[1]), header); code != 0 {
			t.Error("the probe fails")
		}
		k.cooks(k.network(), path()+"; curl -fsS -H @"+header+" https://api.example.com/v1/orders", ordersAnswer)
		stop()
	}
	k.ordered("/v1/orders", "/v1/orders")
	k.signedIn(2)

	t.Run("ReadByKubectl", func(t *testing.T) {
		installedOrSkip(t, "kubectl")
		file := filepath.Join(k.dir, "pod.yaml")
		k.write(file, manifest, 0o600)
		text, stderr, code := k.runs([]string{path(), "HOME=" + k.home, "KUBECONFIG=/dev/null"}, "kubectl", "set", "env", "--local", "-o", "json", "-f", file, "X=1")
		var read, written map[string]any
		if err := errors.Join(json.Unmarshal([]byte(text), &read), yaml.Unmarshal([]byte(manifest), &written)); err != nil || code != 0 {
			t.Fatalf("got exit code %d: %s: %v", code, stderr, err)
		}
		for _, lost := range missingIn(read, written, "") {
			t.Errorf("Kubernetes does not know %s", lost)
		}
	})
}

// missingIn returns what is written and was not read.
func missingIn(read, written any, where string) (lost []string) {
	switch written := written.(type) {
	case map[string]any:
		in, _ := read.(map[string]any)
		for key, value := range written {
			if _, ok := in[key]; !ok {
				lost = append(lost, where+"."+key)
			} else {
				lost = append(lost, missingIn(in[key], value, where+"."+key)...)
			}
		}
	case []any:
		in, _ := read.([]any)
		if len(in) < len(written) {
			return []string{where}
		}
		for i := range written {
			lost = append(lost, missingIn(in[i], written[i], where)...)
		}
	}
	slices.Sort(lost)
	return lost
}
