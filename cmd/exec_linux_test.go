package cmd_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/config"
	"okauth/pkg/oktatest"
)

// path lets okauth find commands.
func path() string { return "PATH=" + os.Getenv("PATH") }

// shell is okauth that becomes a shell and runs the line.
func (m *machine) shell(line string, vars ...string) *exec.Cmd {
	m.t.Helper()
	c := m.command(m.t.Context(), "exec -- sh -c", append(vars, path())...)
	c.Args = append(c.Args, line)
	return c
}

// AT-60: okauth becomes the command: the same process, with no other made on the
// way, and the token in its environment alone. The variables that the process was
// started with, secrets among them, are gone from /proc.
func TestAT60_ExecReplacesTheProcess(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", persistent())
	m.start("login").does()
	c := m.shell(`echo "$OKTA_ACCESS_TOKEN"; read go`, "OKAUTH_PASSWORD=canary-password")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	token, err := bufio.NewReader(stdout).ReadString('\n')
	if token = strings.TrimSpace(token); err != nil || !m.active(token) {
		t.Fatalf("the variable holds no token: %v", err)
	}
	proc := func(name string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.Process.Pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if argv := proc("cmdline"); !strings.HasPrefix(argv, "sh\x00-c\x00") || strings.Contains(argv, token) {
		t.Errorf("the process runs %q", argv)
	}
	environ := strings.Split(proc("environ"), "\x00")
	if !slices.Contains(environ, "OKTA_ACCESS_TOKEN="+token) {
		t.Error("the token is not in the environment")
	}
	if text := strings.Join(environ, "\n"); strings.Contains(text, "canary") || strings.Contains(text, "OKAUTH_CLIENT_SECRET=") || !strings.Contains(text, "OKAUTH_DOMAIN=") {
		t.Error("the environment has a secret, or not all the rest")
	}
	if children := proc("task/" + strconv.Itoa(c.Process.Pid) + "/children"); children != "" {
		t.Errorf("it has the children %s", children)
	}
	// Field 11, cminflt: page faults of children that were waited for. No child lives without any.
	// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
	_, stat, _ := strings.Cut(proc("stat"), ") ")
	if faults := strings.Fields(stat)[11-3]; faults != "0" {
		t.Errorf("children that have ended made %s page faults, want no such child", faults)
	}
	if _, err := io.WriteString(stdin, "go\n"); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// What a command can see of the process it runs in is what it would see without
// okauth, whatever okauth did on the way: read a keychain, refresh, run a command
// for the secret, write a trace.
func TestExecLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, storage string) {
		m := newMachine(t, storage, rotating())
		m.start("login").does()
		seen := func(okauth, command string, vars ...string) string {
			t.Helper()
			c := m.command(t.Context(), "", append(vars, path())...)
			self := link(t, c.Path)
			// In a world where there is something to lower, to raise, to ignore and to inherit.
			// What the tests were started with does not count: Go keeps some of it only.
			c.Path, c.Dir = "/usr/bin/env", m.home
			c.Args = []string{"env", "--default-signal=PIPE,QUIT", "sh", "-c", `ulimit -c 100; ulimit -S -n 200; umask 027; trap "" HUP INT; exec 7</dev/null; ` +
				strings.Replace(okauth, "okauth", `exec "$0"`, 1) + " " + command, self}
			out, err := c.Output()
			if err != nil {
				t.Fatalf("%q: %v", c.Args, err)
			}
			return own(string(out))
		}
		for command, shows := range map[string][]string{
			"cat /proc/self/status":                 {"SigIgn:\t0000000000000003", "Umask:\t0027", "\nThreads:\t1\n"},
			"cat /proc/self/limits":                 {"Max open files            200", "Max core file size        51200"},
			"ls /proc/self/fd":                      {"\n7\n"},
			"readlink /proc/self/cwd":               {m.home},
			"cut -d' ' -f5-8,18,19 /proc/self/stat": {}, // process group and terminal, priority
		} {
			want := seen("", command)
			for _, part := range shows {
				if !strings.Contains(want, part) {
					t.Fatalf("%s: the comparison lacks %q: %s", command, part, want)
				}
			}
			expect := func(requests int, okauth string, vars ...string) {
				t.Helper()
				m.posts()
				if got := seen(okauth, command, vars...); got != want {
					t.Errorf("%s: the command sees\n%s\nand without okauth\n%s", okauth, got, want)
				}
				if n := m.posts(); n != requests {
					t.Errorf("%s: %d requests, want %d", okauth, n, requests)
				}
			}
			expect(0, "okauth exec --")
			m.later(2 * time.Hour)
			expect(1, "okauth -v exec --")
			m.later(2 * time.Hour)
			expect(1, "okauth exec --", "OKAUTH_CLIENT_SECRET="+unsetMark, "OKAUTH_CLIENT_SECRET_COMMAND=echo "+oktatest.DefaultClientSecret)
		}
	})
}

// own returns the lines that are about what a process inherits, and not about
// how it runs.
func own(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, ":")
		if slices.Contains([]string{"Name", "State", "Tgid", "Ngid", "Pid", "NStgid", "NSpid", "PPid", "FDSize", "SigQ", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"}, name) ||
			strings.HasPrefix(name, "Vm") || strings.HasPrefix(name, "Rss") || strings.HasPrefix(name, "Hugetlb") {
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, "")
}

// Ctrl-C while a refresh is under way: the refresh is brought to its end and
// kept, and the command does not start.
func TestExecInterrupted(t *testing.T) {
	t.Parallel()
	m := newExpired(t, "keychain", rotating())
	ran := filepath.Join(m.home, "ran")
	began, answer := make(chan bool, 1), make(chan bool)
	m.server.Fail("/v1/token", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		began <- true
		<-answer
		next.ServeHTTP(w, r)
	})
	p := m.start("exec -- touch "+ran, path())
	select {
	case <-began:
	case <-time.After(longest):
		t.Fatal("no request")
	}
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	m.sees(p, syscall.SIGINT)
	close(answer)
	p.fails(130)
	if _, err := os.Stat(ran); err == nil {
		t.Error("the command has run")
	}
	m.alive()
}

// A person at a terminal is asked for the password, and the command then has the
// terminal as it was: it echoes, it is standard input, and Ctrl-C is the command's.
func TestExecAtTheTerminal(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	u.vars["PATH"] = os.Getenv("PATH")
	p := atTerminal(t, u, "exec", "--", "sh", "-c",
		`trap 'echo interrupted >/dev/tty; exit 5' INT; stty -a <&0 | grep -q ' echo ' && test -n "$OKTA_ACCESS_TOKEN" && echo ready >/dev/tty; read line; echo "got $line" >/dev/tty; read line`)
	p.waitFor("assword")
	p.types("correct-horse-battery-staple\n")
	p.waitFor("ready")
	p.types("hello\n")
	p.waitFor("got hello")
	p.types("\x03")
	p.waitFor("interrupted")
	if err := p.command.Wait(); exitCode(p.command.ProcessState) != 5 {
		t.Errorf("got %v, want exit code 5: %s", err, &p.stderr)
	}
}

// An okauth within CMD uses the session. Where it needs a secret that exec withholds, it says which, and sends nothing;
// with --pass-secrets it goes on.
func TestOkauthWithinExec(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ storage, inner, needs string }{
		{"keychain", "token", ""},
		{"file", "token", "OKAUTH_STORAGE_KEY"},
		{"keychain", "token --refresh", "OKAUTH_CLIENT_SECRET"},
		{"file", "token --refresh", "OKAUTH_STORAGE_KEY"},
		{"keychain", "token --min-ttl 30m", "OKAUTH_CLIENT_SECRET"}, // the session is there, the token expires soon
		{"keychain", "introspect", "OKAUTH_CLIENT_SECRET"},
		{"keychain", "exec -- okauth token", ""},
		{"keychain", "exec --pass-secrets -- okauth token --refresh", "OKAUTH_CLIENT_SECRET"},
		{"keychain", "token --storage none", "OKAUTH_PASSWORD"},
		{"keychain", "logout", "OKAUTH_CLIENT_SECRET"},
	} {
		t.Run(c.storage+" "+c.inner, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, c.storage, rotating())
			key := "OKAUTH_STORAGE_KEY=" + strings.Repeat("k", 43) + "="
			m.start("login", key).does()
			if strings.Contains(c.inner, "min-ttl") {
				m.later(40 * time.Minute)
			}
			m.posts()
			line := "PATH=" + filepath.Dir(self(t)) + ":$PATH; okauth " + c.inner
			run := func(exec string) *process {
				command := m.command(t.Context(), exec+" -- sh -c", path(), key, "OKAUTH_PASSWORD="+oktatest.DefaultPassword)
				command.Args = append(command.Args, line)
				return m.run(command, func() {})
			}
			if c.needs == "" {
				run("exec").succeeds()
			} else {
				run("exec").fails(2, c.needs, "it is withheld", "hint: okauth withholds "+c.needs, "--pass-secrets")
			}
			if n := m.posts(); n != 0 {
				t.Errorf("%d requests, want none", n)
			}
			run("exec --pass-secrets").succeeds()
		})
	}
}

func (p *process) succeeds() {
	p.m.t.Helper()
	if code := p.ends(); code != 0 {
		p.m.t.Fatalf("%q: got exit code %d: %s", p.Args, code, &p.stderr)
	}
}

// Of the variables that hold a secret, the command has none, or all.
func TestExecPassesSecrets(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", persistent())
	vars := []string{"OKAUTH_CLIENT_AUTH=client_secret_basic"} // there is a key, too
	for _, name := range config.SecretVariables() {
		value := oktatest.DefaultClientSecret
		switch name {
		case "OKAUTH_PASSWORD":
			value = oktatest.DefaultPassword
		case "OKAUTH_STORAGE_URL": // which may have a password in it
			value = "redis://127.0.0.1:6379"
		}
		vars = append(vars, name+"="+value)
	}
	m.start("login", vars...).does()
	for _, pass := range []bool{false, true} {
		command := "exec -- env"
		if pass {
			command = "exec --pass-secrets -- env"
		}
		p := m.start(command, append(vars, path())...)
		p.succeeds()
		lines := strings.Split(p.stdout.String(), "\n")
		for _, entry := range vars[1:] {
			if slices.Contains(lines, entry) != pass {
				name, _, _ := strings.Cut(entry, "=")
				t.Errorf("%s: the command has %s: %t", command, name, !pass)
			}
		}
		all := config.WithheldVariable + "=" + strings.Join(config.SecretVariables(), " ")
		if slices.Contains(lines, all) == pass {
			t.Errorf("%s: the command is not told what is withheld", command)
		}
	}
}
