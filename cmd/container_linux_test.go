package cmd_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"okauth/pkg/oktatest"
)

// okauth in a container: a root file system with nothing in it but okauth and certificate authorities, which is
// read-only, a user whom nobody knows, no home, no terminal, no session bus. The image is built as docs/containers.md
// says.
func TestContainer(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can make a container")
	}
	k := newKitchen(t)
	e := newEngine(t)
	e.buildsImage(k)
	for name, test := range map[string]func(*container){
		"five variables": containerFiveVariables,
		"no trace":       containerNoTrace,
		"lock-out guard": containerLockoutGuard,
		"storage file":   containerStorageFile,
		"Okta's names":   containerOktaNames,
		"HTTPS":          containerHTTPS,
		"token file":     containerTokenFile,
		"docker stop":    containerStop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newContainer(e, newMachine(t, "", persistent())))
		})
	}
	for name, test := range map[string]func(*engine, *kitchen, []block){
		"The image":              imagePage,
		"A job":                  jobPage,
		"A session that stays":   sessionPage,
		"A program in the image": programPage,
	} {
		t.Run(name, func(t *testing.T) {
			k.machine, k.dir = k.machine.on(t), t.TempDir()
			test(e, k, containersPage(t)[name])
		})
	}
	t.Run("A CronJob", func(t *testing.T) {
		k.machine, k.dir = k.machine.on(t), t.TempDir()
		cronJobPage(e, k, containersPage(t)["A CronJob"])
	})
}

// container is how the image okauth runs for a machine.
type container struct {
	*engine
	*machine
	binds map[string]string // in the container: outside
	vars  []string          // all there are
}

// newContainer gives the five variables that must be enough.
func newContainer(e *engine, m *machine) *container {
	return &container{engine: e, machine: m, vars: []string{
		"OKAUTH_DOMAIN=" + m.server.URL(), "OKAUTH_CLIENT_ID=" + oktatest.DefaultClientID, "OKAUTH_CLIENT_SECRET=" + oktatest.DefaultClientSecret,
		"OKAUTH_USERNAME=" + oktatest.DefaultUser, "OKAUTH_PASSWORD=" + oktatest.DefaultPassword,
	}}
}

// run starts the container with these words behind its entrypoint, and waits.
func (c *container) run(args ...string) *process {
	c.t.Helper()
	words := []string{"run", "--rm", "--read-only"}
	for inside, outside := range c.binds {
		words = append(words, "-v", outside+":"+inside)
	}
	for _, entry := range c.vars {
		words = append(words, "-e", entry)
	}
	return c.waits(c.docker(append(append(words, "okauth"), args...)...))
}

// waits runs a command to its end; how it went is for the caller to say.
func (c *container) waits(cmd *exec.Cmd) *process {
	c.t.Helper()
	p := &process{Cmd: cmd, m: c.machine, cancel: func() {}}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return p
}

// printsToken wants exit code 0, a good token and a newline, and nothing else.
func (c *container) printsToken(p *process) {
	c.t.Helper()
	if code := exitCode(p.ProcessState); code != 0 || p.stderr.Len() > 0 {
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
	if p := c.run("login"); exitCode(p.ProcessState) != 6 || p.stdout.Len() > 0 {
		c.t.Errorf("login, where nothing can be kept: got exit code %d, want 6: %s", exitCode(p.ProcessState), &p.stderr)
	}
	c.asked(0)
	// Where no file can be written, the hint says how to do without.
	own := c.vars
	c.vars = append(slices.Clone(own), "OKAUTH_STORAGE=file", "OKAUTH_STORAGE_DIR=/state/okauth")
	for _, line := range []string{"token", "login"} {
		p := c.run(line)
		if exitCode(p.ProcessState) != 6 || p.stdout.Len() > 0 || !strings.Contains(p.stderr.String(), "OKAUTH_STORAGE=none") {
			c.t.Errorf("%s on a read-only root: got exit code %d, want 6: %s", line, exitCode(p.ProcessState), &p.stderr)
		}
	}
	c.asked(0)
	c.vars = append(slices.Clone(own), "OKAUTH_STORAGE=none")
	c.printsToken(c.run("token"))
	c.asked(1)
	c.vars = own
	// A wrong password is refused as anywhere, although it cannot be remembered here.
	c.vars = append(c.vars, "OKAUTH_PASSWORD=wrong-horse")
	p := c.run("token")
	if exitCode(p.ProcessState) != 5 || p.stdout.Len() > 0 || !strings.Contains(p.stderr.String(), "okauth: warning: a refusal could not be recorded") {
		c.t.Errorf("a wrong password: got exit code %d, want 5: %s", exitCode(p.ProcessState), &p.stderr)
	}
	c.asked(1)
}

// containerLockoutGuard has a place for what it must remember, /tmp, which nobody else can read.
func containerLockoutGuard(c *container) {
	temp := filepath.Join(c.home, "tmp")
	if err := errors.Join(os.Mkdir(temp, 0o700), os.Chmod(temp, 0o777|os.ModeSticky)); err != nil {
		c.t.Fatal(err)
	}
	c.binds = map[string]string{"/tmp": temp}
	c.vars = append(c.vars, "OKAUTH_PASSWORD=wrong-horse")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := c.run("token", "--storage", []string{"auto", "none"}[i%2])
			if exitCode(p.ProcessState) != 5 || strings.Contains(p.stderr.String(), "warning") {
				c.t.Errorf("got exit code %d, want 5 and no warning: %s", exitCode(p.ProcessState), &p.stderr)
			}
		})
	}
	all.Wait()
	c.asked(1)
	if info, err := os.Lstat(filepath.Join(temp, "okauth-65532")); err != nil || info.Mode() != fs.ModeDir|0o700 {
		c.t.Errorf("got %v, %v", info, err)
	}
}

// containerNoTrace has strace write down what okauth asks the kernel for: no
// program but itself, no connection but the one to Okta, no file to write to.
func containerNoTrace(c *container) {
	installedOrSkip(c.t, "strace")
	root, err := c.docker("image", "mount", "okauth").Output()
	chroot, lookErr := exec.LookPath("chroot")
	if err := errors.Join(err, lookErr); err != nil {
		c.t.Fatal(err)
	}
	log := filepath.Join(c.home, "strace")
	cmd := exec.Command("strace", "-f", "-qq", "-s", "200", "-o", log, "-e", "trace=%process,%network,%file", "-e", "signal=none",
		chroot, "--userspec=65532:65532", strings.TrimSpace(string(root)), entrypoint, "token")
	cmd.Env = c.vars
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.printsToken(c.waits(cmd))
	c.asked(1)

	text, err := os.ReadFile(log)
	if err != nil {
		c.t.Fatal(err)
	}
	_, calls, ok := strings.Cut(string(text), `execve("`+entrypoint+`"`)
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

const entrypoint = "/usr/bin/okauth"

// tracedTrace matches a call that leaves something behind, or would if it could, and one that makes a process.
var tracedTrace = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|\b(v?fork|creat|mkdir\w*|rename\w*|link\w*|symlink\w*|unlink\w*|mknod\w*|truncate|ch(mod|own)|fchmodat\w*)\(`)

// With a place for sealed files, whose key comes from the client secret, the
// second call of a job costs no request.
func containerStorageFile(c *container) {
	state := filepath.Join(c.home, "state")
	if err := errors.Join(os.Mkdir(state, 0o700), os.Chown(state, 65532, 65532)); err != nil {
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
		if regexp.MustCompile(`eyJ[\w-]*\.`).Match(text) { // base64 alone may hold "eyJ", and has no dot
			c.t.Errorf("%s holds a token in the clear", path)
		}
		return err
	})
	if err != nil || sealed != 1 {
		c.t.Errorf("got %d sealed files, want 1: %v", sealed, err)
	}
}

// containerTokenFile has a directory for its file as an emptyDir is: everybody's.
func containerTokenFile(c *container) {
	open := filepath.Join(c.home, "open")
	if err := errors.Join(os.Mkdir(open, 0o777), os.Chmod(open, 0o777)); err != nil {
		c.t.Fatal(err)
	}
	c.binds = map[string]string{"/run/okta": open}
	if p := c.run("token", "--file", "/run/okta/token/raw"); exitCode(p.ProcessState) != 0 || p.stdout.Len()+p.stderr.Len() > 0 {
		c.t.Fatalf("got exit code %d: %s", exitCode(p.ProcessState), &p.stderr)
	}
	text, err := os.ReadFile(filepath.Join(open, "token", "raw"))
	if token, _ := strings.CutSuffix(string(text), "\n"); err != nil || !c.active(token) {
		c.t.Errorf("the file has no valid token: %v", err)
	}
	c.asked(1)
}

// containerStop sends SIGTERM to process 1 of the container, for which the kernel has no default action.
func containerStop(c *container) {
	asked := make(chan struct{}, 1)
	c.server.FailAlways("", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		asked <- struct{}{}
		<-r.Context().Done()
	})
	go func() {
		<-asked
		all, _ := filepath.Glob("/proc/[0-9]*")
		for _, process := range all {
			vars, _ := os.ReadFile(filepath.Join(process, "environ"))
			if pid, err := strconv.Atoi(filepath.Base(process)); err == nil && bytes.Contains(vars, []byte(c.vars[0])) {
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
	}()
	if p := c.run("token"); exitCode(p.ProcessState) != 143 || p.stdout.Len() > 0 {
		c.t.Errorf("got exit code %d, want 143: %s", exitCode(p.ProcessState), &p.stderr)
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
	server, err := oktatest.Start(oktatest.Options{Keys: sharedKeys(), TLS: true})
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
	if p := c.run("token"); exitCode(p.ProcessState) != 3 || p.stdout.Len() > 0 || !strings.Contains(p.stderr.String(), "set ca_file") {
		c.t.Errorf("an unknown authority: got exit code %d, want 3 and a hint: %s", exitCode(p.ProcessState), &p.stderr)
	}
	c.asked(0)
	c.vars = append(c.vars, "OKAUTH_CA_FILE=/run/secrets/ca.pem")
	c.printsToken(c.run("token"))
	c.asked(1)
}
