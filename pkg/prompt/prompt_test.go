//go:build unix

package prompt

import (
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const passwordPrompt = "Password for a\uFFFD[2Jlice: "

func TestAT88_SignalsAtThePrompt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		role string
		act  func(*person)
		want string
	}{
		{"Ctrl-C", "password", func(p *person) { p.types("wrong-ho\x03") }, "ended: interrupt signal received"},
		{"SIGINT", "password", func(p *person) { p.signals(unix.SIGINT) }, "ended: interrupt signal received"},
		{"SIGTERM", "password", func(p *person) { p.signals(unix.SIGTERM) }, "ended: terminated signal received"},
		{"SIGHUP", "password", func(p *person) { p.signals(unix.SIGHUP) }, "ended: hangup signal received"},
		{"Ctrl-C with echo", "line", func(p *person) { p.types("dev-2\x03") }, "ended: interrupt signal received"},
		{"SIGTERM with echo", "line", func(p *person) { p.signals(unix.SIGTERM) }, "ended: terminated signal received"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sit(t, tt.role)
			p.sees(": ")
			p.findsEcho(tt.role == "line")
			tt.act(p)
			p.hears(tt.want)
			p.leaves()
			p.findsEcho(true)
			p.sees("\r\n")
			p.hidden("wrong-ho")
		})
	}
}

func TestAT88_CtrlZ(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"Ctrl-Z", "SIGTSTP"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			p := sit(t, "password")
			p.sees(passwordPrompt)
			if way == "Ctrl-Z" {
				p.types("canary-typo\x1a") // the terminal drops what is unread, the question what is read
			} else {
				p.signals(unix.SIGTSTP)
			}
			p.hears("stopped by SIGTTIN")
			p.findsEcho(true)
			p.tells("fg")
			p.sees(passwordPrompt)
			p.findsEcho(false)
			p.types("wrong-horse\r")
			p.hears(`"wrong-horse"`)
			p.leaves()
			p.findsEcho(true)
			p.hidden("canary", "wrong-horse")
		})
	}
}

// A job that goes on in the background must leave the shell's terminal alone: it stops for want of the terminal, comes
// back with fg, and ends at once when told to.
func TestAT88_Background(t *testing.T) {
	t.Parallel()
	p := sit(t, "password")
	p.sees(passwordPrompt)
	p.types("\x1a")
	p.hears("stopped by SIGTTIN")
	p.tells("bg")
	p.hears("stopped by SIGTTIN")
	p.findsEcho(true)
	p.tells("fg")
	p.sees(passwordPrompt)
	p.findsEcho(false)
	p.types("\x1a")
	p.hears("stopped by SIGTTIN")
	p.tells("term")
	p.hears("ended: terminated signal received")
	p.leaves()
	p.findsEcho(true)
}

// SIGSTOP can't be caught, so the shell finds the terminal without echo and turns it on; after SIGCONT it is off again.
func TestAT88_StopSignal(t *testing.T) {
	t.Parallel()
	p := sit(t, "password")
	cooked := p.mode(nil)
	p.sees(passwordPrompt)
	hidden := p.mode(nil)
	cooked.Lflag = hidden.Lflag | unix.ECHO | unix.ICANON
	p.signals(unix.SIGSTOP)
	p.hears("stopped by SIGSTOP")
	p.mode(cooked)
	p.findsEcho(true)
	p.tells("fg")
	p.sees(passwordPrompt)
	p.findsEcho(false)
	p.types("wrong-horse\r")
	p.hears(`"wrong-horse"`)
	p.leaves()
	p.findsEcho(true)
	p.hidden("wrong-horse")
}

// The same, but ended before it comes back: the terminal is the shell's, and touching it would stop the process again.
func TestAT88_EndInTheBackground(t *testing.T) {
	t.Parallel()
	p := sit(t, "password")
	p.sees(passwordPrompt)
	p.signals(unix.SIGSTOP)
	p.hears("stopped by SIGSTOP")
	p.tells("term")
	p.hears("ended: terminated signal received")
	p.leaves()
}

// Without a shell nothing would continue a stopped process, so the kernel doesn't stop one: Ctrl-Z only asks again.
func TestAT88_CtrlZWithoutAShell(t *testing.T) {
	t.Parallel()
	p := sitAlone(t, "password")
	p.sees(passwordPrompt)
	p.types("canary-typo\x1a")
	p.sees(passwordPrompt)
	p.findsEcho(false)
	p.types("wrong-horse\r")
	p.hears(`"wrong-horse"`)
	p.hidden("canary", "wrong-horse")
}

func TestAT88_CtrlBackslash(t *testing.T) {
	t.Parallel()
	p := sit(t, "password")
	p.sees(passwordPrompt)
	p.types("canary-typo\x1c")
	if code := p.leaves(); code != 2 {
		t.Errorf("got exit code %d, want 2, Go's own for SIGQUIT", code)
	}
	p.findsEcho(true)
	p.hidden("canary")
}

func TestAT88_Panic(t *testing.T) {
	t.Parallel()
	p := sit(t, "panic")
	p.sees("Password: ")
	p.findsEcho(false)
	p.signals(unix.SIGTERM)
	p.hears("panic: treacherous context")
	p.listens()
	p.leaves()
	p.findsEcho(true)
}

func TestAT89_NoTerminal(t *testing.T) {
	t.Parallel()
	p := &person{T: t}
	p.start(nil, []string{roleVar + "=password"})
	p.hears("ErrNoTerminal")
}

func TestAT89_EndOfInput(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"password", "line", "choose", "confirm"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			p := sit(t, role)
			p.sees(": ")
			p.types("\x04")
			p.hears("ErrClosed")
			p.leaves()
			p.findsEcho(true)
		})
	}
}

// The read itself must notice that the terminal is gone, for a process started by nohup hears no hang-up signal.
func TestAT89_HangUp(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"password", "line", "choose"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			p := sitAlone(t, role, ignoreVar+"=1")
			p.sees(": ")
			if err := p.keyboard.Close(); err != nil {
				t.Fatal(err)
			}
			p.hears("ErrClosed")
		})
	}
	t.Run("with its signal", func(t *testing.T) {
		t.Parallel()
		p := sitAlone(t, "password")
		p.sees(": ")
		if err := p.keyboard.Close(); err != nil {
			t.Fatal(err)
		}
		if got := p.listens(); got != "ErrClosed" && got != "ended: hangup signal received" {
			t.Errorf("got %q, want ErrClosed or the end of the context", got)
		}
	})
}

func TestAT90_Passwords(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", maxLine)
	tests := []struct{ name, typed, want string }{
		{"plain", "wrong-horse\r", `"wrong-horse"`},
		{"empty", "\r", "ErrEmpty"},
		{"spaces, tabs and unicode", " wrong  hörse\t日本 🐎 pa\u0308ss \r",
			`" wrong  hörse\t日本 🐎 pa` + "\u0308" + `ss "`},
		{"invalid UTF-8", "wrong\xff\xfehorse\r", `"wrong\xff\xfehorse"`},
		{"backspace over a rune", "wrong🐎\x7f-hörsä\x7f\x7f\x7f\x7forse\r", `"wrong-horse"`},
		{"Ctrl-U", "canary-typo\x15wrong-horse\r", `"wrong-horse"`},
		{"Ctrl-D within the line", "wrong-\x04horse\r", `"wrong-horse"`},
		{"the longest", longest + "\r", `"` + longest + `"`},
		{"too long", longest + "x\r", "ErrTooLong"},
		{"longer than a line of the kernel", strings.Repeat("x", 2*maxKernelLine) + "\r", "ErrTooLong"},
		{"too long, in parts", longest + "\x04x\r", "ErrTooLong"},
		{"pasted with markers", "\x1b[200~wrong-horse\x1b[201~\r", `"wrong-horse"`},
		{"pasted line feed", "wrong-horse\nmore", `"wrong-horse"`},
		{"pasted CR LF", "wrong-horse\r\n", `"wrong-horse"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sit(t, "password")
			p.sees(passwordPrompt)
			p.types(tt.typed)
			p.hears(tt.want)
			p.leaves()
			p.hidden()
			if got, want := p.shown(), passwordPrompt+"\r\n"; got != want {
				t.Errorf("got screen %.200q, want %q", got, want)
			}
		})
	}
}

// A form is answered all at once, as by a script or a paste: no question takes what is meant for the next.
func TestAT90_TypedAhead(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typed, want string }{
		{"Enter", "bob\rwrong-horse\rdev-2\r", `"bob|wrong-horse|dev-2"`},
		{"defaults", "\rwrong-horse\r\r", `"alice|wrong-horse|dev-1"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sit(t, "form")
			p.sees("Username [alice]: ")
			p.types(tt.typed)
			p.hears(tt.want)
			p.sees("signed in as ")
			p.sees("\uFFFD\r\n")
		})
	}
}

func TestAT88_AskingAgainStartsAfresh(t *testing.T) {
	t.Parallel()
	typed := []byte("canary-typo")
	q := &question{Terminal: terminalAt(t), hidden: true, line: typed}
	if err := q.show(t.Context(), "Password: "); err != nil {
		t.Fatal(err)
	}
	if len(q.line) != 0 || strings.Trim(string(typed), "\x00") != "" {
		t.Errorf("got line %q and %q behind it, want neither", q.line, typed)
	}
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, role, typed, want, screen string }{
		{"line", "line", " dev-2.okta.com \r", `"dev-2.okta.com"`, "Domain [dev-1.okta.com]: "},
		{"line, default", "line", "\r", `"dev-1.okta.com"`, "Domain [dev-1.okta.com]: "},
		{"line, Ctrl-D in the middle", "line", "dev-\x042\r", `"dev-2"`, ""},
		{"line, longest", "line", strings.Repeat("x", maxLine) + "\r", `"` + strings.Repeat("x", maxLine) + `"`, ""},
		{"line, too long", "line", strings.Repeat("x", maxLine+1) + "\r", "ErrTooLong", ""},
		{"choice by number", "choose", "2\r", `"%!s(int=1)"`, "Where?\r\n  1) default\r\n  2) org\r\nNumber [1]: "},
		{"choice by text", "choose", "org\r", `"%!s(int=1)"`, ""},
		{"choice, default", "choose", "\r", `"%!s(int=0)"`, ""},
		{"choice, then understood", "choose", "0\r3\rneither\r2\r", `"%!s(int=1)"`, "with a number from 1 to 2."},
		{"yes", "confirm", "YES\r", `"%!s(bool=true)"`, "Go on? (Y/n): "},
		{"no", "confirm", "n\r", `"%!s(bool=false)"`, ""},
		{"yes by default", "confirm", "\r", `"%!s(bool=true)"`, ""},
		{"no, then understood", "confirm", "perhaps\rno\r", `"%!s(bool=false)"`, "Please answer y or n.\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := sit(t, tt.role)
			p.sees(": ")
			p.types(tt.typed)
			p.hears(tt.want)
			p.seen = 0
			p.sees(tt.screen)
		})
	}
}

func TestIsTerminalAndWidth(t *testing.T) {
	t.Parallel()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 5, Cols: 20}); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	tests := []struct {
		name     string
		file     *os.File
		terminal bool
		columns  int
		rows     int
	}{
		{"pseudo-terminal", slave, true, 20, 5},
		{"null device", null, false, 0, 0},
		{"nil", nil, false, 0, 0},
	}
	for _, tt := range tests {
		if got := IsTerminal(tt.file); got != tt.terminal {
			t.Errorf("%s: got terminal %t, want %t", tt.name, got, tt.terminal)
		}
		if columns, rows := Size(tt.file); columns != tt.columns || rows != tt.rows {
			t.Errorf("%s: got %d columns and %d rows, want %d and %d", tt.name, columns, rows, tt.columns, tt.rows)
		}
	}
}

func TestPasteMarkers(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, want string }{
		{"\x1b[200~wrong-horse\x1b[201~", "wrong-horse"},
		{"wrong-\x1b[200~horse\x1b[201~", "wrong-horse"},
		{"\x1b[200~", ""},
		{"wrong[200~horse", "wrong[200~horse"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := string(withoutPasteMarkers([]byte(tt.line))); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.line, got, tt.want)
		}
	}
}
