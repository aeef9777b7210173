//go:build linux

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

	"okauth/pkg/oktatest"
)

// image is what a Dockerfile makes.
type image struct {
	root       string
	user       string
	entrypoint []string
}

// buildImage does what docker build does with the Dockerfile of docs/recipes.md.
// https://docs.docker.com/reference/dockerfile/
func buildImage(t *testing.T, k *kitchen) *image {
	t.Helper()
	blocks := readRecipes(t)["Docker"]
	k.only(blocks, "dockerfile", "sh")
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	built, root := t.TempDir(), t.TempDir()
	im := &image{root: root}
	stage := ""
	// Where the paths of the first stage are here; all others are those of the image.
	here := strings.NewReplacer("/src", source, "/okauth", filepath.Join(built, "okauth"), "/etc/ssl/certs/ca-certificates.crt", k.ca)
	for line := range strings.Lines(blocks[0].text) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := strings.Fields(rest)
		switch {
		case instruction == "":
		case instruction == "FROM":
			stage = words[len(words)-1]
		case instruction == "COPY" && stage == "build" && rest == ". /src":
		case instruction == "RUN" && stage == "build":
			c := exec.Command("sh", "-c", here.Replace(rest))
			if text, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", rest, err, text)
			}
		case instruction == "COPY" && stage == "scratch" && words[0] == "--from=build":
			to := filepath.Join(root, words[2])
			if strings.HasSuffix(words[2], "/") {
				to = filepath.Join(to, filepath.Base(words[1]))
			}
			copyFile(t, here.Replace(words[1]), to)
		case instruction == "USER" && stage == "scratch":
			im.user = rest
		case instruction == "ENTRYPOINT" && stage == "scratch":
			if err := json.Unmarshal([]byte(rest), &im.entrypoint); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		default:
			t.Fatalf("the Dockerfile has the line %q", line)
		}
	}
	for _, dir := range []string{root, filepath.Join(root, "tmp"), filepath.Join(root, "state"), filepath.Join(root, "run", "secrets")} {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil { // mount points, as docker makes them
			t.Fatal(err)
		}
	}
	return im
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	info, statErr := os.Stat(from)
	if err := errors.Join(err, statErr, os.MkdirAll(filepath.Dir(to), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, info.Mode()); err != nil {
		t.Fatal(err)
	}
}

// dockerRecipe does what docker does with the "docker" lines of docs/recipes.md. A
// shell has taken them apart before, and the secrets belong to who types them.
// https://docs.docker.com/reference/cli/docker/container/run/
func dockerRecipe(im *image, k *kitchen) {
	const uid = 1234
	lines := readRecipes(k.t)["Docker"][1].text
	for _, dir := range []string{k.home, k.dir, filepath.Join(k.dir, "secrets")} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.Chown(dir, uid, uid)); err != nil {
			k.t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"client-secret": oktatest.DefaultClientSecret, "password": oktatest.DefaultPassword} {
		name = filepath.Join(k.dir, "secrets", name)
		if k.write(name, text+"\n", 0o600); os.Chown(name, uid, uid) != nil {
			k.t.Fatal(name)
		}
	}
	shell := fmt.Sprintf(`docker() { printf '%%s\n' "$@" ""; }; id() { test "$*" = -u && echo %d; }`, uid)
	words, stderr, code := k.runs([]string{path()}, "bash", "-euc", shell+"\n"+lines)
	if code != 0 {
		k.t.Fatal(stderr)
	}
	build, run, _ := strings.Cut(words, "\n\n")
	if build != "build\n-t\nokauth\n." {
		k.t.Fatalf("got docker %q", build)
	}
	typed := map[string]string{"OKAUTH_DOMAIN": readmeDomain, "OKAUTH_CLIENT_ID": readmeClient, "OKAUTH_USERNAME": readmeUser}
	c := &container{image: im, machine: k.machine, binds: map[string]string{}, vars: []string{"HTTPS_PROXY=" + k.proxy, "PATH=/usr/bin:/bin", "HOME=/"}} // docker sets the last two
	readOnly := false
	args := strings.Split(strings.TrimRight(run, "\n"), "\n")[1:]
	for ; args[0] != "okauth"; args = args[1:] {
		flag := args[0]
		if flag == "--rm" || flag == "--read-only" {
			readOnly = readOnly || flag == "--read-only"
			continue
		}
		args = args[1:]
		name, value, _ := strings.Cut(args[0], "=")
		switch flag {
		case "--user":
			if _, err := fmt.Sscan(args[0], &c.uid); err != nil {
				k.t.Fatal(err)
			}
		case "-v":
			parts := strings.Split(args[0], ":")
			c.binds[parts[1]] = parts[0]
		case "-e":
			if value == "" {
				value = typed[name]
			}
			c.vars = append(c.vars, name+"="+value)
		default:
			k.t.Fatalf("docker run has the flag %q", flag)
		}
	}
	if !readOnly || c.uid != uid || len(c.binds) != 1 || im.user != "65534" {
		k.t.Errorf("got read-only %v, user %d, mounts %q, default user %q", readOnly, c.uid, c.binds, im.user)
	}
	p := c.run(args[1:]...)
	if token := strings.TrimSpace(p.stdout.String()); exitCode(p.ProcessState) != 0 || p.stderr.Len() > 0 || !k.welcome(token) {
		k.t.Errorf("got exit code %d: %s", exitCode(p.ProcessState), &p.stderr)
	}
	k.signedIn(1)
}
