package redis

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("TEST_HOLDER"); url != "" {
		hold(url)
		return
	}
	os.Exit(m.Run())
}

// hold is a process that holds the lock of the account until it reads a line, writes, and says how that went.
func hold(url string) {
	t := &testing.T{}
	s := newStore(t, url)
	_, err := s.Acquire(context.Background(), account)
	fmt.Println("held", err)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Println(s.Set(context.Background(), account, []byte("canary-of-holder")))
}

// A process that stood still while another took the lock cannot overwrite what that has written; nor can it, when it
// is killed, keep others waiting for longer than the lease.
func TestStalledHolderIsFenced(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	url := "redis://" + server.Addr
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "TEST_HOLDER="+url)
	in, _ := holder.StdinPipe()
	out, _ := holder.StdoutPipe()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "held <nil>\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, url)
	began := time.Now()
	lock := acquire(t, s)
	if took := time.Since(began); took > s.client.lease()+time.Second {
		t.Errorf("waited %s for a lease of %s", took, s.client.lease())
	}
	set(t, s, "canary-of-next")
	lock.Release()
	_ = holder.Process.Signal(syscall.SIGCONT)
	fmt.Fprintln(in)
	if line, err := lines.ReadString('\n'); !strings.Contains(line, "another process has taken the lock") {
		t.Errorf("got %q, %v", line, err)
	}
	want(t, s, "canary-of-next", nil)
}
