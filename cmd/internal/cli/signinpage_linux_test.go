package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const activate = "https://dev-123456.okta.com/activate?user_code=ABCDEFGH"

// readQR returns what a QR code reader finds in what a terminal shows; "" for nothing. dark is the color of the
// terminal where the code does not say one.
func readQR(t *testing.T, shown string, dark bool) string {
	t.Helper()
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Skip("zbarimg is not installed")
	}
	const scale = 4
	var rows []string
	for line := range strings.SplitSeq(shown, "\r\n") {
		text := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(line, "")
		if n := len([]rune(text)); n < 25 || strings.Trim(text, " ▀▄█") != "" {
			continue
		}
		foreground := !dark || strings.Contains(line, "38;5;16;48;5;231")
		upper, lower := "", ""
		for _, r := range text {
			pixel := func(set bool) string {
				return strings.Repeat(map[bool]string{true: "0 ", false: "1 "}[set == foreground], scale)
			}
			upper += pixel(r == '▀' || r == '█')
			lower += pixel(r == '▄' || r == '█')
		}
		for range scale {
			rows = append(rows, upper)
		}
		for range scale {
			rows = append(rows, lower)
		}
	}
	if len(rows) == 0 {
		return ""
	}
	image := fmt.Sprintf("P2 %d %d 1\n%s\n", strings.Count(rows[0], " "), len(rows), strings.Join(rows, "\n"))
	path := filepath.Join(t.TempDir(), "code.pgm")
	if err := os.WriteFile(path, []byte(image), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("zbarimg", "--raw", "-q", "-Sdisable", "-Sqrcode.enable", "-Stest-inverted", path).Output()
	if err != nil {
		t.Errorf("zbarimg reads nothing: %v", err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// The QR code is there where it has room and can be shown, and a reader finds the address with the code in it.
func TestQRCode(t *testing.T) {
	t.Parallel()
	long := "https://" + strings.Repeat("a", 200) + ".example.com/activate?user_code=ABCDEFGH"
	for name, c := range map[string]struct {
		at      size
		vars    []string
		address string
		light   bool // the terminal, where the code has no color
		want    string
	}{
		"usual terminal":   {at: size{80, 24}, want: activate},
		"large terminal":   {at: size{200, 60}, want: activate},
		"just wide enough": {at: size{41, 40}, want: activate},
		"too narrow":       {at: size{36, 60}},
		"too low":          {at: size{80, 23}},
		"no size":          {at: size{0, 0}},
		"long address":     {at: size{120, 60}, address: long, want: long},
		"too long address": {at: size{80, 24}, address: long},
		"no full address":  {at: size{80, 24}, address: "-", want: "https://example.okta.com/activate"},
		"no color, dark":   {at: size{80, 24}, vars: []string{"NO_COLOR=1"}, want: activate},
		"no color, light":  {at: size{80, 24}, vars: []string{"NO_COLOR=1"}, light: true, want: activate},
		"dumb":             {at: size{80, 24}, vars: []string{"TERM=dumb"}},
		"locale C":         {at: size{80, 24}, vars: []string{"LANG=C"}},
		"locale by LC_ALL": {at: size{80, 24}, vars: []string{"LC_ALL=POSIX"}},
		"no locale":        {at: size{80, 24}, vars: []string{"LANG="}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := activate
			if c.address != "" {
				address = strings.Trim(c.address, "-")
			}
			p := start(t, c.at, c.vars, "device", "ABCDEFGH", address)
			p.waitFor("ABCDEFGH")
			p.answer()
			_, shown := p.ends(0)
			if got := readQR(t, shown, !c.light); got != c.want {
				t.Errorf("got %q, want %q: %q", got, c.want, shown)
			}
			if text, _, _ := strings.Cut(shown, "<end>"); c.want != "" && strings.Count(text, "\n") >= int(c.at.rows) {
				t.Errorf("%d lines on %d rows", strings.Count(text, "\n"), c.at.rows)
			}
			if len(c.vars) > 0 && strings.Contains(shown, "38;5") {
				t.Errorf("there is color: %q", shown)
			}
		})
	}
}

// page is an address as a grant makes it, with all that a shell would take apart.
const page = "https://example.com/authorize?a=$(id)&b=`id`&c='%20\";|<>&state=right"

// browserScript makes a program for BROWSER that writes how it was run, and returns its path and what it writes.
func browserScript(t *testing.T, lines string) (path string, wrote func() string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "browser")
	log := filepath.Join(dir, "log")
	script := "#!/bin/sh\necho noise; echo noise >&2\nprintf '%s\\n' \"$#\" \"$1\" >" + log + "\nenv >>" + log + "\n" + lines + "\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, func() string {
		text, _ := os.ReadFile(log)
		return string(text)
	}
}

// BROWSER gets the address as one argument, none of the secrets, and nothing of our output.
func TestAT61_BrowserGetsNoSecret(t *testing.T) {
	t.Parallel()
	path, wrote := browserScript(t, "")
	secrets := []string{"OKAUTH_PASSWORD=canary-1", "OKAUTH_CLIENT_SECRET=canary-2", "OKTA_OAUTH2_CLIENT_SECRET=canary-3"}
	c := start(t, size{80, 24}, append(secrets, "BROWSER="+path, "DISPLAY=:7"), "browser", page)
	c.waitFor("sign in in the browser", "4:5")
	c.answer()
	stdout, shown := c.ends(0)
	if stdout != "answered" || strings.Contains(shown, "noise") || strings.Contains(shown, page) {
		t.Errorf("got %q and %q", stdout, shown)
	}
	if got := wrote(); !strings.HasPrefix(got, "1\n"+page+"\n") || strings.Contains(got, "canary") || !strings.Contains(got, "DISPLAY=:7") {
		t.Errorf("the browser got %q", got)
	}
}

// AT-96: a program that is not safe to run is named, not run, and the address is shown. So it is where the browser
// fails, or where there is none.
func TestAT96_AddressWithoutBrowser(t *testing.T) {
	t.Parallel()
	failing, _ := browserScript(t, "exit 3")
	open, opened := browserScript(t, "")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(open, link); err != nil {
		t.Fatal(err)
	}
	for vars, note := range map[string]string{
		"BROWSER=./browser":  `note: the browser was not opened: BROWSER: "./browser" is a relative path`,
		"BROWSER=" + link:    "others can write to it",
		"BROWSER=/tmp":       "is a directory",
		"BROWSER=" + failing: "exit status 3",
		"BROWSER=":           "",
		"TEST_NO_BROWSER=1":  "",
	} {
		t.Run(vars, func(t *testing.T) {
			t.Parallel()
			c := start(t, size{200, 24}, []string{vars}, "browser", page)
			shown := c.waitFor("\r\n\r\n"+page+"\r\n\r\n", "5 minutes left", "paste it here", "Address: ")
			if !strings.Contains(shown, note) || note == "" && strings.Contains(shown, "note:") {
				t.Errorf("the terminal shows %q, want %q", shown, note)
			}
			c.types("http://127.0.0.1:8085/callback?code=x&state=wrong\r")
			c.waitFor("the address has another state\r\nAddress: ")
			c.types(strings.Repeat("x", 4090) + "\r")
			c.waitFor("the answer is too long\r\nAddress: ")
			c.types("\r  http://127.0.0.1:8085/callback?code=x&state=right \r")
			if stdout, _ := c.ends(0); stdout != "http://127.0.0.1:8085/callback?code=x&state=right" {
				t.Errorf("got %q", stdout)
			}
		})
	}
	if opened() != "" {
		t.Error("a program that others can write was run")
	}
}

// The browser's own answer ends the question for the address; after Ctrl-D nothing is asked and the wait goes on.
func TestAnswerDuringThePaste(t *testing.T) {
	t.Parallel()
	for _, at := range sizes() {
		for _, typed := range []string{"http://127.0.0.1:8085/call", "\x04"} {
			c := start(t, at, []string{"TEST_NO_BROWSER=1"}, "browser", page)
			c.waitFor("Address: ")
			c.types(typed)
			if typed == "\x04" {
				c.waitFor(" left\r\x1b[K")
			}
			c.answer()
			stdout, shown := c.ends(0)
			if stdout != "answered" || strings.Count(shown, "Address: ") != 1 {
				t.Errorf("got %q and %q", stdout, shown)
			}
			wantWidth(t, shown, at)
		}
	}
}

// Without a terminal (cron, a container's log) a code and an address are shown all the same, and questions fail.
func TestWithoutATerminal(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		want string
		code int
		args []string
	}{
		{"\n\n    95\n\n", 0, []string{"push", "95"}},
		{"\n\n    ABCDEFGH\n\n", 0, []string{"device", "ABCDEFGH", activate}},
		{"left):\n\n" + page + "\n\n", 0, []string{"browser", page}},
		{"okauth login --factor push", 4, []string{"factor"}},
		{"OKAUTH_OTP or otp_command", 4, []string{"code", "otp"}},
	} {
		var stdout, stderr bytes.Buffer
		c := exec.Command(self, test.args...)
		c.Args[0], c.Stdout, c.Stderr = "interact", &stdout, &stderr
		c.Env = []string{"HOME=" + t.TempDir(), "LANG=C.UTF-8", "TERM=xterm"}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraFiles = []*os.File{null} // the answer, at once
		_ = c.Run()
		null.Close()
		code, errs := c.ProcessState.ExitCode(), stderr.String()
		if code != test.code || !strings.Contains(errs, test.want) || strings.ContainsAny(errs, "\x1b\r█") {
			t.Errorf("%s: got exit code %d, %q and %q", test.args, code, &stdout, errs)
		}
	}
}
