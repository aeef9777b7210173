package cmd_test

import (
	"bufio"
	"context"
	"os"
	"strings"
	"testing"

	"okauth/cmd"
	"okauth/pkg/oktatest"
)

// No command takes the standard input of the script around it, or waits for it, unless an argument says so. Each runs
// with a pipe that has the script's next line and stays open.
func TestStandardInputIsLeftAlone(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", oktatest.Rotation{})
	arguments := map[string]string{ // of commands that need some, or would not end
		"exec": "-- true", "config get": "domain", "config set": "timeout 20s", "config unset": "timeout",
		"config use": "default", "config keygen": "--rotate", "sandbox": "--scenarios",
	}
	run := func(line string) (stderr string) {
		t.Helper()
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer read.Close()
		defer write.Close()
		const next = "the script's next line\n"
		if _, err := write.WriteString(next); err != nil {
			t.Fatal(err)
		}
		m.start("login").does()
		ctx, cancel := context.WithTimeout(t.Context(), longest)
		c := m.command(ctx, line)
		c.Stdin = read
		p := m.run(c, cancel)
		p.ends()
		if ctx.Err() == context.DeadlineExceeded {
			t.Fatalf("%s: waits for standard input", line)
		}
		write.Close()
		if got, _ := bufio.NewReader(read).ReadString('\n'); got != next {
			t.Errorf("%s: left %q of standard input", line, got)
		}
		return p.stderr.String()
	}
	commands := 0
	for c := range everyCommand(cmd.Commands()) {
		if !c.Runnable() || !c.HasParent() {
			continue
		}
		commands++
		name := strings.TrimPrefix(c.CommandPath(), "okauth ")
		stderr := run(name + " " + arguments[name])
		note := "okauth " + name + " - reads standard input"
		if takesTokens := strings.Contains(c.Use, "[TOKEN|-]"); strings.Contains(stderr, note) != takesTokens {
			t.Errorf("%s: got %q on stderr; want the note only where - is an argument", name, stderr)
		}
	}
	if commands < 20 {
		t.Errorf("got %d commands, want 20 or more", commands)
	}
}
