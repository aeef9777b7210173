package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// sizes are those of terminals, the smallest first.
func sizes() []size { return []size{{20, 10}, {40, 24}, {80, 24}, {120, 50}} }

// wantWidth wants no line that the terminal would break, unless one of its words is that long.
func wantWidth(t *testing.T, shown string, at size) {
	t.Helper()
	shown, _, _ = strings.Cut(shown, "<end>")
	for _, line := range regexp.MustCompile(`\r\x1b\[K|\r\n`).Split(shown, -1) {
		line = regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(line, "")
		words := strings.Fields(line)
		longest := slices.MaxFunc(append(words, ""), func(a, b string) int { return len(a) - len(b) })
		if n := utf8.RuneCountInString(line); n > int(at.columns) && len(longest)+12 < int(at.columns) {
			t.Errorf("a terminal of %d columns gets a line of %d: %q", at.columns, n, line)
		}
	}
}

// The menu says why, proposes the last choice, takes a number, and asks again after nonsense.
func TestMenuOfFactors(t *testing.T) {
	t.Parallel()
	for _, at := range sizes() {
		c := start(t, at, nil, "factor", "sms", "the push was refused\x1b[31m")
		shown := c.waitFor("Number [3]: ")
		reason, _, _ := strings.Cut(shown, "Second factor:")
		wantWidth(t, reason, at)
		if got := strings.Join(strings.Fields(reason), " "); got != "the push was refused\ufffd[31m" {
			t.Errorf("got the reason %q", got)
		}
		for _, want := range []string{"  1) Okta Verify push", "  4) Code in a phone call"} {
			if !strings.Contains(shown, want) {
				t.Errorf("the menu lacks %q: %q", want, shown)
			}
		}
		c.types("9\r")
		c.waitFor("Please answer with a number from 1 to 4.")
		c.types("\r")
		if stdout, _ := c.ends(0); stdout != "sms" {
			t.Errorf("got %q", stdout)
		}
	}
	c := start(t, size{80, 24}, nil, "factor")
	c.waitFor("Number [1]: ")
	c.types("2\r")
	if stdout, _ := c.ends(0); stdout != "otp" {
		t.Errorf("got %q", stdout)
	}
}

// A code may be typed with the spaces that an app shows; Enter alone asks again, with the reason still there.
func TestCode(t *testing.T) {
	t.Parallel()
	for factor, label := range map[string]string{
		"otp": "One-time code: ", "sms": "Code from the text message: ", "voice": "Code from the phone call: ",
	} {
		c := start(t, size{40, 24}, []string{"TERM=dumb"}, "code", factor, "that code is wrong")
		c.waitFor("that code is wrong\r\n" + label)
		c.types("\r")
		c.waitFor(label + "\r\n" + label)
		c.types(" 123 456 \r")
		if stdout, shown := c.ends(0); stdout != "123456" || strings.Contains(shown, "\x1b") {
			t.Errorf("got %q and %q", stdout, shown)
		}
	}
}

// AT-88: Ctrl-C ends each question and each wait at once, and leaves the terminal as it was.
func TestAT88_CtrlCInEachWait(t *testing.T) {
	t.Parallel()
	for what, args := range map[string][]string{
		"Number [1]: ":                  {"factor"},
		"One-time code: ":               {"code", "otp"},
		"waiting for the phone … 4:5":   {"push", "95"},
		"waiting for the sign-in … 4:5": {"device", "ABCDEFGH"},
		"waiting for the browser … 4:5": {"browser", "https://example.com/"},
		"\nAddress: ":                   {"browser", "https://example.com/address"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			browser := "BROWSER=true"
			if strings.HasSuffix(args[len(args)-1], "address") {
				browser = "TEST_NO_BROWSER=1"
			}
			c := start(t, size{80, 24}, []string{browser}, args...)
			c.waitFor(what)
			c.types("half\x03")
			if stdout, shown := c.ends(130); stdout != "" || strings.Contains(shown, "error") {
				t.Errorf("got %q and %q", stdout, shown)
			}
		})
	}
}

// The number and the code stand on a line of their own, and the wait says how long is left and goes away.
func TestPushAndDeviceCodeOnATerminal(t *testing.T) {
	t.Parallel()
	for _, at := range sizes() {
		for large, args := range map[string][]string{"95": {"push", "95"}, "ABCDEFGH": {"device", "ABCDEFGH"}} {
			c := start(t, at, nil, args...)
			c.waitFor("\r\n\r\n    \x1b[1m"+large+"\x1b[0m\r\n\r\n", "okauth:", "4:5")
			if err := c.answer(); err != nil {
				t.Fatal(err)
			}
			stdout, shown := c.ends(0)
			lines := strings.Split(shown, eraseLine)
			if stdout != "answered" || lines[len(lines)-1] != "<end>" || len(lines) < 3 {
				t.Errorf("got %q, and the terminal is left with %q", stdout, lines[len(lines)-1])
			}
			wantWidth(t, shown, at)
		}
	}
}

// A push without a number says what to do, and nothing else.
func TestPushWithoutNumber(t *testing.T) {
	t.Parallel()
	c := start(t, size{80, 24}, nil, "push")
	c.waitFor("5:00 left")
	c.answer()
	if _, shown := c.ends(0); !strings.HasPrefix(shown, "okauth: approve the sign-in in Okta Verify on your phone\r\n"+eraseLine) {
		t.Errorf("the terminal shows %q", shown)
	}
}

// A dumb terminal gets lines of text without escape sequences, which say how long is left.
func TestWaitsOnADumbTerminal(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"phone, and choose this number there (5 minutes left)":                               {"push", "95"},
		"open https://example.okta.com/activate on any device (5 minutes left) and enter:":   {"device", "ABCDEFGH"},
		"sign in in the browser that opens now (5 minutes left); if none does, press Ctrl-C": {"browser", "https://example.com/"},
	} {
		c := start(t, size{120, 50}, []string{"TERM=dumb", "BROWSER=true"}, args...)
		c.waitFor(want)
		c.answer()
		if stdout, shown := c.ends(0); stdout != "answered" || strings.Contains(shown, "\x1b") {
			t.Errorf("got %q and %q", stdout, shown)
		}
	}
}

// With --no-input nothing is asked: exit code 4, and what helps. What needs no answer is shown.
func TestNoInput(t *testing.T) {
	t.Parallel()
	forbidden := []string{"TEST_NO_INPUT=1", "TEST_NO_BROWSER=1"}
	for want, args := range map[string][]string{"--factor push": {"factor"}, "OKAUTH_OTP": {"code", "otp"}} {
		stdout, shown := start(t, size{0, 0}, forbidden, args...).ends(4)
		if stdout != "" || !strings.Contains(shown, "--no-input forbids it") || !strings.Contains(shown, want) {
			t.Errorf("%s: got %q and %q", args, stdout, shown)
		}
	}
	for _, args := range [][]string{{"push", "95"}, {"device", "ABCDEFGH"}, {"browser", "https://example.com/"}} {
		c := start(t, size{80, 24}, forbidden, args...)
		c.waitFor("left")
		c.answer()
		if stdout, shown := c.ends(0); stdout != "answered" || strings.Contains(shown, "Address: ") {
			t.Errorf("%s: got %q and %q", args, stdout, shown)
		}
	}
}
