package cmd_test

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever people answer to the question how they sign in, what an administrator has to switch on fits into 80 columns.
// Ctrl-C after it leaves no file behind.
func TestInitFits(t *testing.T) {
	t.Parallel()
	for way, answers := range map[string][]string{
		"password": {"1\r"}, "second factor": {"2\r", "1\r"}, "browser": {"3\r"}, "device code": {"4\r"},
		"service": {"5\r"},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			p := atTerminal(t, u, "config", "init")
			p.waitFor("Okta domain")
			p.types("dev-123456.okta.com\r")
			p.waitFor("Authorization server [")
			p.types("\r")
			for i, answer := range answers {
				p.waitForTimes(&p.shown, "Number [1]: ", i+1)
				p.types(answer)
			}
			p.waitFor("Client ID: ")
			for line := range strings.SplitSeq(p.screen(), "\r\n") {
				if utf8.RuneCountInString(line) > 80 {
					t.Errorf("more than 80 columns: %q", line)
				}
			}
			if !strings.Contains(p.screen(), "An administrator switches this on in the Admin Console:") {
				t.Errorf("got %s", p.screen())
			}
			p.types("\x03")
			if code := p.ends(); code != 130 {
				t.Errorf("got exit code %d, want 130", code)
			}
			if _, err := os.Stat(u.config); err == nil {
				t.Errorf("%s was written", u.config)
			}
		})
	}
}
