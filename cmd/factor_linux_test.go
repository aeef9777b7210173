package cmd_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"okauth/pkg/oktatest"
)

// factorHousehold is a household of a user of whom Okta wants a second factor, a second between two polls. The password
// comes from a variable.
func factorHousehold(t *testing.T, login string) *user {
	t.Helper()
	u, _ := household(t, "file")
	u.server.Change(func(o *oktatest.Options) { o.PollInterval = time.Second })
	u.vars["OKAUTH_CLIENT_ID"], u.vars["OKAUTH_USERNAME"] = oktatest.DirectAuthClientID, login
	u.vars["OKAUTH_PASSWORD"] = oktatest.DefaultPassword
	return u
}

// onePassword wants that the password was sent once, whatever followed.
func (u *user) onePassword(t *testing.T) {
	t.Helper()
	n := 0
	for _, r := range u.server.Requests() {
		if r.Form.Has("password") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the password was sent %d times", n)
	}
}

// echoes wants the terminal to be as it was.
func (p *person) echoes() {
	p.t.Helper()
	if !p.echo() {
		p.t.Error("the terminal is left without echo")
	}
}

// nothingKept wants no session and no token in the household.
func (u *user) nothingKept(t *testing.T) {
	t.Helper()
	if files, _ := filepath.Glob(filepath.Join(u.vars["OKAUTH_STORAGE_DIR"], "*.sealed")); len(files) > 0 {
		t.Errorf("stored: %q", files)
	}
}

// labels are what a code is asked for by, and the right answers.
var labels = map[string]struct{ number, label, code string }{
	"otp": {"2", "One-time code: ", "123456"}, "sms": {"3", "Code from the text message: ", "436575"},
	"voice": {"4", "Code from the phone call: ", "436575"},
}

// A code is asked for again after a wrong one, with the reason, and the password is sent once.
func TestMenuThenCode(t *testing.T) {
	t.Parallel()
	for factor, c := range labels {
		t.Run(factor, func(t *testing.T) {
			t.Parallel()
			u := factorHousehold(t, "mfa@example.com")
			p := atTerminal(t, u, "login")
			p.waitFor("Number [1]: ")
			p.types(c.number + "\r")
			p.waitFor(c.label)
			p.types("000000\r")
			p.waitForTimes(&p.shown, c.label, 2)
			p.types(c.code + "\r")
			p.wants(0, "Signed in as mfa@example.com")
			if !strings.Contains(p.stderr.String(), "factor   "+factor) {
				t.Errorf("got %s", &p.stderr)
			}
			p.echoes()
			u.onePassword(t)
			p = atTerminal(t, u, "login") // the choice is remembered
			p.waitFor("Number [" + c.number + "]: ")
			p.types("\x03")
			p.wants(130, "")
		})
	}
}

// The third wrong code ends the sign-in: one password, three codes, nothing kept.
func TestThreeWrongCodes(t *testing.T) {
	t.Parallel()
	for factor, c := range labels {
		t.Run(factor, func(t *testing.T) {
			t.Parallel()
			u := factorHousehold(t, "mfa@example.com")
			p := atTerminal(t, u, "login", "--factor", factor)
			for n := range 3 {
				p.waitForTimes(&p.shown, c.label, n+1)
				p.types("000000\r")
			}
			p.wants(5, "code")
			if n := u.polls(); n != 4 {
				t.Errorf("%d requests for a token, want the password and three codes", n)
			}
			u.onePassword(t)
			u.nothingKept(t)
		})
	}
}

// The questions and the wait stand on terminals of any width, and a dumb one gets no escape sequence.
func TestFactorOnEachTerminal(t *testing.T) {
	t.Parallel()
	for _, columns := range []string{"20", "40", "80"} {
		for _, terminal := range []string{"dumb", "xterm"} {
			t.Run(columns+" "+terminal, func(t *testing.T) {
				t.Parallel()
				u := factorHousehold(t, "number@example.com")
				u.vars["TERM"] = terminal
				line := "stty cols " + columns + " rows 24; exec " + self(t) + " login 2>/dev/tty"
				p := atTerminalRuns(t, u, exec.Command("sh", "-c", line))
				p.waitFor("Number [1]: ")
				p.types("\r")
				number := "\r\n    95\r\n"
				if terminal == "xterm" {
					number = "\r\n    \x1b[1m95\x1b[0m\r\n"
				}
				p.waitFor(number)
				p.waitFor("Signed in as")
				if code := p.ends(); code != 0 || (terminal == "dumb") == strings.Contains(p.screen(), "\x1b") {
					t.Errorf("got exit code %d and %q", code, p.screen())
				}
			})
		}
	}
}

// The number to choose is shown, at a terminal and without one.
func TestPushWithANumber(t *testing.T) {
	t.Parallel()
	for _, start := range []func(*testing.T, *user, ...string) *person{atTerminal, withoutTerminal} {
		u := factorHousehold(t, "number@example.com")
		p := start(t, u, "login", "--factor", "push")
		p.waitForTimes(&p.stderr, "\n\n    95\n\n", 1)
		p.wants(0, "Signed in as number@example.com")
		u.onePassword(t)
	}
}

// A push that is refused leads back to the menu, with the reason.
func TestRefusedPush(t *testing.T) {
	t.Parallel()
	u := factorHousehold(t, "refuse@example.com")
	p := atTerminal(t, u, "login")
	p.waitFor("Number [1]: ")
	p.types("1\r")
	p.waitForTimes(&p.shown, "Number [1]: ", 2)
	p.types("\x03")
	p.wants(130, "approve the sign-in in Okta Verify on your phone")
	p.echoes()
	u.onePassword(t)
	u.nothingKept(t)
}

// AT-88: Ctrl-C at the menu, at a code and in the wait for the phone ends the sign-in at once: no request follows, and
// nothing is kept.
func TestAT88_CtrlCAtTheSecondFactor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		login, waits string
		args         []string
	}{
		"menu":  {"mfa@example.com", "Number [1]: ", []string{"login"}},
		"otp":   {"mfa@example.com", "One-time code: ", []string{"login", "--factor", "otp"}},
		"sms":   {"mfa@example.com", "Code from the text message: ", []string{"token", "--factor", "sms"}},
		"voice": {"mfa@example.com", "Code from the phone call: ", []string{"login", "--factor", "voice"}},
		"push":  {"silent@example.com", "", []string{"login", "--factor", "push"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := factorHousehold(t, c.login)
			p := atTerminal(t, u, c.args...)
			if c.waits != "" {
				p.waitFor(c.waits)
			} else {
				p.waitForTimes(&p.stderr, "approve the sign-in", 1)
			}
			p.types("\x03")
			p.wants(130, "")
			p.echoes()
			asked := len(u.server.Requests())
			time.Sleep(1200 * time.Millisecond) // longer than the time between two polls
			if n := len(u.server.Requests()) - asked; n > 0 {
				t.Errorf("%d requests after the end", n)
			}
			u.onePassword(t)
			u.nothingKept(t)
		})
	}
}

// Where no one can be asked, the password is sent once, the exit code is 4, and the hint helps.
func TestFactorWithoutAPerson(t *testing.T) {
	t.Parallel()
	u := factorHousehold(t, "mfa@example.com")
	withoutTerminal(t, u, "token", "--scope", "openid").wants(4, "okauth login --scope openid --factor push")
	u.onePassword(t)
	u.server.ResetRequests()
	atTerminal(t, u, "login", "--no-input").wants(4, "okauth login --factor push")
	u.onePassword(t)
	u.nothingKept(t)
}

// A program's code is sent once, right or wrong. A wrong one is not held against the password.
func TestCodeFromAProgram(t *testing.T) {
	t.Parallel()
	for variable, value := range map[string]string{
		"OKAUTH_OTP": "%s", "OKAUTH_OTP_COMMAND": "echo >>$HOME/ran; echo %s",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			u := factorHousehold(t, "mfa@example.com")
			for _, c := range []struct {
				code string
				exit int
			}{{"000000", 5}, {"123456", 0}} {
				u.server.ResetRequests()
				u.vars[variable] = fmt.Sprintf(value, c.code)
				p := withoutTerminal(t, u, "token")
				if got := p.ends(); got != c.exit || (p.stdout.Len() > 0) != (c.exit == 0) {
					t.Errorf("%s: got exit code %d, want %d: %s", c.code, got, c.exit, &p.stderr)
				}
				if n := u.polls(); n != 2 {
					t.Errorf("%s: %d requests for a token, want the password and one code", c.code, n)
				}
				u.onePassword(t)
			}
			ran, err := os.ReadFile(filepath.Join(u.vars["HOME"], "ran"))
			if variable == "OKAUTH_OTP_COMMAND" && len(ran) != 2 {
				t.Errorf("the command ran %d times, want once for each sign-in (%v)", len(ran), err)
			}
		})
	}
}
