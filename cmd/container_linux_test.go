package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"okauth/pkg/oktatest"
)

// okauth in a container: a root file system with nothing in it but okauth, which
// is read-only, a user whom nobody knows, no home, no terminal, no session bus.
// The image is built as README.md says.
func TestContainer(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a container")
	}
	k := newKitchen(t)
	image := buildImage(t, k)
	for name, test := range map[string]func(*container){
		"five variables": containerFiveVariables,
		"no trace":       containerNoTrace,
		"storage file":   containerStorageFile,
		"Okta's names":   containerOktaNames,
		"HTTPS":          containerHTTPS,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(image.start(newMachine(t, "", persistent())))
		})
	}
	t.Run("recipe", func(t *testing.T) {
		t.Parallel()
		k.machine = k.machine.on(t)
		dockerRecipe(image, k)
	})
}

// image is what a Dockerfile makes.
type image struct {
	root       string
	user       string
	entrypoint []string
}

// buildImage does what docker build does with the Dockerfile of README.md.
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
	for _, dir := range []string{root, filepath.Join(root, "state"), filepath.Join(root, "run", "secrets")} {
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

// container is an image that runs on a machine.
type container struct {
	*image
	*machine
	uid   uint32
	binds map[string]string // in the container: outside
	vars  []string          // all there are
}

// start gives the five variables that must be enough.
func (im *image) start(m *machine) *container {
	return &container{image: im, machine: m, uid: 65534, vars: []string{
		"OKAUTH_DOMAIN=" + m.server.URL(), "OKAUTH_CLIENT_ID=" + oktatest.DefaultClientID, "OKAUTH_CLIENT_SECRET=" + oktatest.DefaultClientSecret,
		"OKAUTH_USERNAME=" + oktatest.DefaultUser, "OKAUTH_PASSWORD=" + oktatest.DefaultPassword,
	}}
}

// run starts the container with these words behind its entrypoint, and waits.
func (c *container) run(args ...string) *process {
	c.t.Helper()
	argv := append(slices.Clone(c.entrypoint), args...)
	p := &exec.Cmd{Path: argv[0], Args: argv, Dir: "/"}
	p.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Setsid: true, Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
	return c.inside(p)
}

// inside runs a command where the image is mounted read-only, and what is bound
// is bound. These mounts are seen by one thread and its children alone, and end
// with it.
func (c *container) inside(cmd *exec.Cmd) *process {
	c.t.Helper()
	cmd.Env = c.vars
	p := &process{Cmd: cmd, m: c.machine, cancel: func() {}}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := c.mount(); err != nil {
			done <- err
			return
		}
		err := cmd.Run()
		if cmd.ProcessState != nil {
			err = nil // it has run; how it went is for the caller to say
		}
		done <- err
	}()
	if err := <-done; err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *container) mount() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount(c.root, c.root, "", unix.MS_BIND, ""),
		unix.Mount("", c.root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""),
	)
	for inside, outside := range c.binds {
		err = errors.Join(err, unix.Mount(outside, filepath.Join(c.root, inside), "", unix.MS_BIND, ""))
	}
	return err
}

// printsToken wants exit code 0, a good token and a newline, and nothing else.
func (c *container) printsToken(p *process) {
	c.t.Helper()
	if code := p.ProcessState.ExitCode(); code != 0 || p.stderr.Len() > 0 {
		c.t.Fatalf("got exit code %d, want 0, and nothing on stderr: %s", code, &p.stderr)
	}
	p.good()
}

// asked wants so many POST requests for a token since the last call, and no other
// request of okauth's.
func (c *container) asked(times int) {
	c.t.Helper()
	var got []string
	for _, r := range c.server.Requests() {
		if !strings.HasSuffix(r.Path, "/introspect") { // see machine.active
			got = append(got, r.Method+" "+r.Path)
		}
	}
	c.server.ResetRequests()
	if want := slices.Repeat([]string{"POST /oauth2/default/v1/token"}, times); !slices.Equal(got, want) {
		c.t.Errorf("Okta got %q, want %q", got, want)
	}
}

func containerFiveVariables(c *container) {
	for range 2 { // nothing is kept: each call signs in, once
		c.printsToken(c.run("token"))
		c.asked(1)
	}
	if p := c.run("login"); p.ProcessState.ExitCode() != 6 || p.stdout.Len() > 0 {
		c.t.Errorf("login, where nothing can be kept: got exit code %d, want 6: %s", p.ProcessState.ExitCode(), &p.stderr)
	}
	c.asked(0)
	// A wrong password is refused as anywhere, although it cannot be remembered here.
	c.vars = append(c.vars, "OKAUTH_PASSWORD=wrong-horse")
	p := c.run("token")
	if p.ProcessState.ExitCode() != 5 || p.stdout.Len() > 0 || !strings.Contains(p.stderr.String(), "okauth: warning: there is no place to remember") {
		c.t.Errorf("a wrong password: got exit code %d, want 5: %s", p.ProcessState.ExitCode(), &p.stderr)
	}
	c.asked(1)
}

// containerNoTrace has strace write down what okauth asks the kernel for: no
// program but itself, no connection but the one to Okta, no file to write to.
func containerNoTrace(c *container) {
	chroot, err := exec.LookPath("chroot")
	if err != nil {
		c.t.Fatal(err)
	}
	installedOrSkip(c.t, "strace")
	log := filepath.Join(c.home, "strace")
	cmd := exec.Command("strace", "-f", "-qq", "-s", "200", "-o", log, "-e", "trace=%process,%network,%file", "-e", "signal=none",
		chroot, "--userspec=65534:65534", c.root, c.entrypoint[0], "token")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.printsToken(c.inside(cmd))
	c.asked(1)

	text, err := os.ReadFile(log)
	if err != nil {
		c.t.Fatal(err)
	}
	_, calls, ok := strings.Cut(string(text), `execve("`+c.entrypoint[0]+`"`)
	connections := 0
	for line := range strings.Lines(calls) {
		if strings.Contains(line, "<... ") { // the rest of a call that has been judged
			continue
		}
		connects := strings.Contains(line, "connect(")
		if connects && strings.Contains(line, `inet_addr("127.0.0.1")`) {
			connections++
		} else if connects || strings.Contains(line, "execve") || tracedTrace.MatchString(line) || strings.Contains(line, "clone") && !strings.Contains(line, "CLONE_THREAD") {
			c.t.Errorf("okauth asks the kernel for %s", line)
		}
	}
	if !ok || connections != 1 {
		c.t.Errorf("%d connections to Okta, want 1: %s", connections, calls)
	}
}

// tracedTrace matches a call that leaves something behind, or would if it could, and one that makes a process.
var tracedTrace = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|\b(v?fork|creat|mkdir\w*|rename\w*|link\w*|symlink\w*|unlink\w*|mknod\w*|truncate|ch(mod|own)|fchmodat\w*)\(`)

// With a place for sealed files, whose key comes from the client secret, the
// second call of a job costs no request.
func containerStorageFile(c *container) {
	state := filepath.Join(c.home, "state")
	if err := errors.Join(os.Mkdir(state, 0o700), os.Chown(state, 65534, 65534)); err != nil {
		c.t.Fatal(err)
	}
	c.binds = map[string]string{"/state": state}
	c.vars = append(c.vars, "OKAUTH_STORAGE=file", "OKAUTH_STORAGE_DIR=/state/okauth")
	first := c.run("token")
	c.printsToken(first)
	c.asked(1)
	second := c.run("token")
	if c.printsToken(second); second.stdout.String() != first.stdout.String() {
		c.t.Error("the second call prints another token")
	}
	c.asked(0)

	sealed := 0
	err := filepath.WalkDir(state, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		sealed += b2i(strings.HasSuffix(path, ".sealed"))
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("eyJ")) {
			c.t.Errorf("%s holds a token in the clear", path)
		}
		return err
	})
	if err != nil || sealed != 1 {
		c.t.Errorf("got %d sealed files, want 1: %v", sealed, err)
	}
}

func containerOktaNames(c *container) {
	c.vars = []string{
		"OKTA_OAUTH2_ISSUER=" + c.server.Issuer("default"), "OKTA_OAUTH2_CLIENT_ID=" + oktatest.DefaultClientID,
		"OKTA_OAUTH2_CLIENT_SECRET=" + oktatest.DefaultClientSecret, "OKAUTH_USERNAME=" + oktatest.DefaultUser, "OKAUTH_PASSWORD=" + oktatest.DefaultPassword,
	}
	c.printsToken(c.run("token"))
	c.asked(1)
}

func containerHTTPS(c *container) {
	server, err := oktatest.Start(oktatest.WithKeys(sharedKeys()), oktatest.WithTLS())
	if err != nil {
		c.t.Fatal(err)
	}
	defer server.Close()
	c.server = server
	secrets := filepath.Join(c.home, "secrets")
	if err := errors.Join(os.Mkdir(secrets, 0o755), os.WriteFile(filepath.Join(secrets, "ca.pem"), server.CAPEM(), 0o644)); err != nil {
		c.t.Fatal(err)
	}
	c.binds = map[string]string{"/run/secrets": secrets}
	c.vars = append(c.vars, "OKAUTH_DOMAIN="+server.URL())
	if p := c.run("token"); p.ProcessState.ExitCode() != 3 || p.stdout.Len() > 0 || !strings.Contains(p.stderr.String(), "set ca_file") {
		c.t.Errorf("an unknown authority: got exit code %d, want 3 and a hint: %s", p.ProcessState.ExitCode(), &p.stderr)
	}
	c.asked(0)
	c.vars = append(c.vars, "OKAUTH_CA_FILE=/run/secrets/ca.pem")
	c.printsToken(c.run("token"))
	c.asked(1)
}

// dockerRecipe does what docker does with the "docker" lines of README.md. A
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
	if token := strings.TrimSpace(p.stdout.String()); p.ProcessState.ExitCode() != 0 || p.stderr.Len() > 0 || !k.welcome(token) {
		k.t.Errorf("got exit code %d: %s", p.ProcessState.ExitCode(), &p.stderr)
	}
	k.signedIn(1)
}
