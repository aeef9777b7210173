package browser_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"okauth/pkg/browser"
)

// hostile is an address that a shell would take apart.
const hostile = "https://example.com/a?x=$(touch+pwned)&y=%60id%60;z=%s'\"|>&#end"

// desk is a directory with programs that write down how they were run.
type desk struct {
	*testing.T
	dir, log string
}

func newDesk(t *testing.T) *desk {
	dir := t.TempDir()
	return &desk{t, dir, filepath.Join(dir, "log")}
}

// program makes a program with a mode and returns its path.
func (d *desk) program(name string, mode fs.FileMode, lines ...string) string {
	d.Helper()
	path := filepath.Join(d.dir, name)
	script := "#!/bin/sh\n" + strings.Join(lines, "\n") + "\nprintf '%s\\n' \"${0##*/}\" \"$@\" >>" + d.log + "\n"
	syscall.ForkLock.RLock() // a process that another test starts meanwhile would hold the file open: "text file busy"
	err := errors.Join(os.WriteFile(path, []byte(script), 0o600), os.Chmod(path, mode))
	syscall.ForkLock.RUnlock()
	if err != nil {
		d.Fatal(err)
	}
	return path
}

// open opens an address, waits for the program and returns the words it was run with.
func (d *desk) open(address string, o browser.Options) ([]string, error) {
	d.Helper()
	_ = os.Remove(d.log)
	o.Environ = append(o.Environ, "PATH="+os.Getenv("PATH"))
	ended, err := browser.Open(address, o)
	if err == nil {
		select {
		case err = <-ended:
		case <-time.After(20 * time.Second):
			d.Fatal("the program does not end")
		}
	}
	text, _ := os.ReadFile(d.log)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), err
}

// The address is one argument, whatever is in it, at each %s or at the end.
func TestCommands(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one, two := d.program("one", 0o700), d.program("two", 0o755)
	if err := os.Symlink(one, filepath.Join(d.dir, "link")); err != nil {
		t.Fatal(err)
	}
	for commands, want := range map[string][]string{
		one:                              {"one", hostile},
		one + " --new  %s -x":            {"one", "--new", hostile, "-x"},
		one + " --url=%s":                {"one", "--url=" + hostile},
		one + " $(id) `id` ;id":          {"one", "$(id)", "`id`", ";id", hostile},
		"two":                            {"two", hostile},
		"link":                           {"link", hostile},
		":no-such:" + d.dir + "/no:two:": {"two", hostile},
		one + ":" + two:                  {"one", hostile},
	} {
		got, err := d.open(hostile, browser.Options{Commands: commands, Path: "relative::" + d.dir})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", commands, got, err, want)
		}
	}
}

// Find names the program that Open would run, and runs none.
func TestFind(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one := d.program("one", 0o700)
	d.program("xdg-open", 0o700)
	for _, tt := range []struct {
		options browser.Options
		want    string
	}{
		{browser.Options{Commands: "gone:one --new %s", Path: d.dir}, one},
		{browser.Options{Desktop: true, Path: d.dir}, filepath.Join(d.dir, "xdg-open")},
	} {
		if got, err := browser.Find(tt.options); err != nil || got != tt.want {
			t.Errorf("%+v: got %q, %v, want %q", tt.options, got, err, tt.want)
		}
	}
	for commands, want := range map[string]string{"": browser.ErrNone.Error(), "gone": "is in no absolute directory"} {
		if got, err := browser.Find(browser.Options{Commands: commands, Path: d.dir}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v, want %q", commands, got, err, want)
		}
	}
	if text, err := os.ReadFile(d.log); err == nil {
		t.Errorf("a program was run: %s", text)
	}
}

// AT-96: what others can change, and what depends on the working directory, is not run.
func TestAT96_ProgramsThatAreNotRun(t *testing.T) {
	d := newDesk(t)
	t.Chdir(d.dir)
	d.program("mine", 0o700)
	d.program("open-to-all", 0o777)
	d.program("data", 0o600)
	if err := errors.Join(os.Mkdir("shared", 0o700), os.Chmod("shared", 0o777), os.Symlink(d.dir+"/mine", "shared/moved"),
		os.Symlink(d.dir+"/open-to-all", "link")); err != nil {
		t.Fatal(err)
	}
	for commands, want := range map[string]string{
		"./mine":                "is a relative path",
		"shared/../mine":        "is a relative path",
		"mine":                  "is in no absolute directory",
		d.dir:                   "is a directory",
		d.dir + "/data":         "permission denied",
		d.dir + "/open-to-all":  "others can write to it",
		d.dir + "/link":         "others can write to it", // the file that the link names
		d.dir + "/shared/moved": "others can write to it", // the directory of the link
		d.dir + "/mine '%s'":    "has quotes",
		d.dir + "/gone":         "no such file",
		" : ":                   browser.ErrNone.Error(),
	} {
		got, err := d.open(hostile, browser.Options{Commands: commands, Path: ".::", Home: d.dir})
		if err == nil || !strings.Contains(err.Error(), want) || len(got[0]) > 0 {
			t.Errorf("%q: got %v and %q, want %q", commands, err, got, want)
		}
	}
	if _, err := d.open(hostile, browser.Options{Commands: "link", Path: d.dir}); err == nil {
		t.Error("a link in PATH to a file that others can write was followed")
	}
}

// Only an address of the web is opened: no file, no option, no other program's scheme.
func TestAddresses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one := d.program("one", 0o700)
	for _, address := range []string{
		"", "--help", "file:///etc/passwd", "javascript:alert(1)", "https:", "https://a\nb/", "HTTPS//x", "ssh://host/",
	} {
		if got, err := d.open(address, browser.Options{Commands: one}); err == nil || got[0] != "" {
			t.Errorf("%q was opened", address)
		}
	}
}

// The program has the variables that it is given, no terminal, no output of ours, and a session of its own.
func TestSurroundings(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	one := d.program("one", 0o700, "env >"+d.log, "(: </dev/tty) 2>/dev/null && echo terminal >>"+d.log,
		"ls -l /proc/self/fd | sed 's/.*-> //' >>"+d.log, "exit 3")
	got, err := d.open("https://example.com/", browser.Options{Commands: one, Environ: []string{"A=b"}})
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), one) {
		t.Errorf("got %v", err)
	}
	if !slices.Contains(got, "A=b") || slices.Contains(got, "terminal") || slices.Contains(got, "HOME="+os.Getenv("HOME")) {
		t.Errorf("got %q", got)
	}
	devices := 0
	for _, line := range got {
		if line == "/dev/null" {
			devices++
		}
	}
	if devices < 2 { // ls itself writes to the log
		t.Errorf("got %q", got)
	}
}

// The system's browser is that of WSL, else xdg-open, and only where there is a screen.
func TestDefault(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	spaced := filepath.Join(d.dir, "with a space")
	if err := errors.Join(os.Mkdir(spaced, 0o700), os.Symlink(d.program("xdg-open", 0o755), spaced+"/xdg-open")); err != nil {
		t.Fatal(err)
	}
	address := "https://example.com/"
	if _, err := d.open(address, browser.Options{Path: d.dir}); !errors.Is(err, browser.ErrNone) {
		t.Errorf("without a screen: got %v", err)
	}
	o := browser.Options{Path: spaced + ":" + d.dir, Desktop: true}
	if got, err := d.open(address, o); err != nil || !slices.Equal(got, []string{"xdg-open", address}) {
		t.Errorf("got %q, %v", got, err)
	}
	d.program("wslview", 0o755)
	if got, err := d.open(address, o); err != nil || got[0] != "wslview" {
		t.Errorf("on WSL: got %q, %v", got, err)
	}
	if _, err := d.open(address, browser.Options{Desktop: true, Path: d.dir + "/no"}); err == nil {
		t.Error("without a program: no error")
	}
}
