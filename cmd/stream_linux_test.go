package cmd_test

import (
	"bufio"
	"strings"
	"syscall"
	"testing"

	"okauth/pkg/oktatest"
)

// Ctrl-C ends what reads tokens from a pipe that says nothing, before and after the first answer.
func TestStreamInterrupted(t *testing.T) {
	t.Parallel()
	m := newMachine(t, "keychain", oktatest.Rotation{})
	for _, command := range []string{"decode", "verify", "introspect"} {
		c := m.command(t.Context(), command+" -o json -")
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
		if _, err := stdin.Write([]byte(m.server.InvalidTokens()[0].Token + "\n")); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || !strings.HasPrefix(line, "{") {
			t.Fatalf("%s: got %q, %v", command, line, err)
		}
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // the test's own time limit is the deadline
		status := c.ProcessState.Sys().(syscall.WaitStatus)
		if died := status.Signaled() && status.Signal() == syscall.SIGINT; !died && status.ExitStatus() != 130 {
			t.Errorf("%s: ended with %v, want 130", command, c.ProcessState)
		}
	}
}
