package redistest_test

import (
	"errors"
	"os/exec"
	"testing"

	"okauth/pkg/store/redistest"
)

// A server that writes its first append-only file does not end when it is asked to.
func TestStopWhileTheFirstFileIsWritten(t *testing.T) {
	t.Parallel()
	server, err := redistest.Start(t.TempDir())
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("redis-server is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"CONFIG", "SET", "rdb-key-save-delay", "500000"}, {"SET", "key", "value"}, {"CONFIG", "SET", "appendonly", "yes"},
	} {
		if text, err := server.Do(command...); err != nil || text != "OK" {
			t.Fatalf("%q: got %q, %v", command, text, err)
		}
	}
	server.Stop()
	if text, err := server.Do("PING"); err == nil {
		t.Errorf("the server still answers: %s", text)
	}
}
