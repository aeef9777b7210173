package cmd_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"okauth/cmd"
	"okauth/pkg/oktatest"
	"okauth/pkg/output"
)

// asking returns the command lines that ask for a password where there is no session: of each command that has the
// flags of a sign-in, and of each way to print a token.
func asking(t *testing.T) (lines []string) {
	t.Helper()
	for c := range everyCommand(cmd.Commands()) {
		if c.Flags().Lookup("min-ttl") != nil && c.Name() != "status" { // which tells what token would do
			lines = append(lines, strings.TrimPrefix(c.CommandPath(), "okauth "))
		}
	}
	if !slices.Contains(lines, "exec") || !slices.Contains(lines, "token") {
		t.Fatalf("got the commands %q", lines)
	}
	for _, format := range output.Formats() {
		lines = append(lines, "token -o "+format)
	}
	for i, line := range lines {
		switch line {
		case "exec":
			lines[i] = "exec -- true"
		case "proxy":
			lines[i] = "proxy --upstream https://api.example.com"
		}
	}
	return lines
}

// execInfo is what kubectl tells its plugins.
func execInfo(spec string) string {
	return `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{` + spec + `}}`
}

// A program that runs okauth can say that no one may be asked. Then okauth ends with exit code 4 and the command that
// helps.
func TestCallersThatForbidQuestions(t *testing.T) {
	t.Parallel()
	for _, line := range asking(t) {
		for _, says := range []string{
			"KUBERNETES_EXEC_INFO=" + execInfo(`"interactive":false`), "GIT_TERMINAL_PROMPT=0", "GIT_TERMINAL_PROMPT=False",
			"OKAUTH_NO_INPUT=true",
		} {
			t.Run(line+" "+says, func(t *testing.T) {
				t.Parallel()
				u := newUser(t)
				delete(u.vars, "OKAUTH_PASSWORD")
				name, value, _ := strings.Cut(says, "=")
				u.vars[name], u.vars["PATH"] = value, os.Getenv("PATH")
				atTerminal(t, u, strings.Fields(line)...).asksNothing("okauth login")
			})
		}
	}
}

// What a password of the settings leads to, a menu or a push, is a question, too: a command that no one may ask with, or
// that has no terminal, ends with exit code 4, and rings no phone.
func TestCallersThatForbidASecondFactor(t *testing.T) {
	t.Parallel()
	for _, says := range []string{
		"KUBERNETES_EXEC_INFO=" + execInfo(`"interactive":false`), "GIT_TERMINAL_PROMPT=0", "OKAUTH_NO_INPUT=true", "",
	} {
		for _, factor := range []string{"", "push", "otp", "sms"} {
			t.Run(says+" "+factor, func(t *testing.T) {
				t.Parallel()
				u := factorHousehold(t, "mfa@example.com")
				name, value, _ := strings.Cut(says, "=")
				runs := atTerminal
				if says == "" {
					runs = withoutTerminal
				} else {
					u.vars[name] = value
				}
				if factor != "" {
					u.vars["OKAUTH_FACTOR"] = factor
				}
				p := runs(t, u, "token")
				p.wants(4, "okauth login")
				if says != "" && p.screen() != "" {
					t.Errorf("the terminal shows %q", p.screen())
				}
				for _, r := range u.server.Requests() {
					if strings.HasSuffix(r.Path, "/challenge") {
						t.Error("the phone was rung")
					}
				}
				u.onePassword(t)
			})
		}
	}
}

// asksNothing wants exit code 4 at once and a hint.
func (p *person) asksNothing(hint string) {
	p.t.Helper()
	done := make(chan int, 1)
	go func() {
		_ = p.command.Wait()
		done <- exitCode(p.command.ProcessState)
	}()
	select {
	case code := <-done:
		hinted := strings.Contains(p.stderr.String(), "sign in with: "+hint)
		if code != 4 || p.screen() != "" || p.stdout.Len() > 0 || !hinted {
			p.t.Errorf("got exit code %d, the terminal shows %q, stdout %q, stderr %q", code, p.screen(), &p.stdout, &p.stderr)
		}
	case <-time.After(20 * time.Second):
		p.t.Errorf("it waits; the terminal shows %q, stderr %q", p.screen(), &p.stderr)
	}
}

// A login in a plugin asks nothing either where kubectl forbids it; git's variable is not about login.
func TestCallersOfLogin(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	u.vars["GIT_TERMINAL_PROMPT"] = "0"
	atTerminal(t, u, "login").waitFor("Password for")
	u.vars["KUBERNETES_EXEC_INFO"] = execInfo(`"interactive":false`)
	p := atTerminal(t, u, "login")
	if code := p.ends(); code != 4 || !strings.Contains(p.stderr.String(), "KUBERNETES_EXEC_INFO forbids it") {
		t.Errorf("got exit code %d: %s", code, &p.stderr)
	}
}

// Where the caller allows it or does not say, okauth asks.
func TestCallersThatAllowQuestions(t *testing.T) {
	t.Parallel()
	for _, says := range []string{
		"KUBERNETES_EXEC_INFO=" + execInfo(`"interactive":true`), "KUBERNETES_EXEC_INFO=" + execInfo(""),
		"GIT_TERMINAL_PROMPT=1",
	} {
		u := newUser(t)
		delete(u.vars, "OKAUTH_PASSWORD")
		name, value, _ := strings.Cut(says, "=")
		u.vars[name] = value
		atTerminal(t, u, "token", "-o", "exec-credential").waitFor("Password for")
	}
}

// A full-screen program gets the keys that are typed: okauth takes none of them, and leaves the terminal as it is.
func TestFullScreenProgramKeepsItsKeys(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	delete(u.vars, "OKAUTH_PASSWORD")
	u.vars["PATH"] = os.Getenv("PATH")
	// The program reads ten keys; okauth runs after five of them.
	p := atTerminalRuns(t, u, exec.Command("sh", "-c", `stty raw -echo; printf ready >/dev/tty
head -c 5 >/dev/null; "$0" token; echo "exit $?"; head -c 5; stty -a | grep -o -- "-icanon"`, self(t)))
	p.waitFor("ready")
	p.types("12345jkjkj")
	if p.ends(); p.stdout.String() != "exit 4\njkjkj-icanon\n" || p.screen() != "ready" {
		t.Errorf("got %q, the terminal shows %q: %s", &p.stdout, p.screen(), &p.stderr)
	}
	// Who runs login wants to be asked, whatever a program has left behind.
	p = atTerminalRuns(t, u, exec.Command("sh", "-c", `stty raw -echo; "$0" login`, self(t)))
	p.waitFor("Password for")
}

// A process in the background cannot ask; what it would wait for is the user's own work in the foreground.
func TestBackgroundAsksNothing(t *testing.T) {
	t.Parallel()
	for line, option := range map[string]string{`"$0" token & wait $!`: "-mc", `timeout 60 "$0" token`: "-c"} {
		u := newUser(t)
		delete(u.vars, "OKAUTH_PASSWORD")
		u.vars["PATH"] = os.Getenv("PATH")
		atTerminalRuns(t, u, exec.Command("sh", option, line+"; exit $?", self(t))).asksNothing("okauth login")
	}
}

// A job whose settings have a password does not wait for a person who is asked for one elsewhere.
func TestJobDoesNotWaitForAPerson(t *testing.T) {
	t.Parallel()
	u, _ := household(t, "file")
	delete(u.vars, "OKAUTH_PASSWORD")
	atTerminal(t, u, "login").waitFor("Password for")
	u.vars["OKAUTH_PASSWORD"] = oktatest.DefaultPassword
	job := withoutTerminal(t, u, "token")
	if code := job.ends(); code != 0 || job.stdout.Len() == 0 {
		t.Errorf("got exit code %d: %s", code, &job.stderr)
	}
}
