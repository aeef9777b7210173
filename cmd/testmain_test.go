package cmd_test

import (
	"cmp"
	"context"
	"fmt"
	"okauth/cmd/internal/cli"
	"okauth/pkg/store/keychain"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"okauth/cmd"
	"okauth/pkg/store"
)

// The test binary is okauth itself when it is called by that name, so that
// scripts run the program as main does, in a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){
		"okauth": func() {
			unsetMarked()
			cmd.Exit(cmd.Main(context.Background(), testEnv(), os.Args[1:]))
		},
		"exits": exits,
	})
}

// exitAtOnce is for the environment of every process: under the race detector it would wait a second before it ends.
const exitAtOnce = "GORACE=atexit_sleep_ms=0"

// unsetMark is the value of a variable that a script has removed: testscript cannot.
const unsetMark = "(not set)"

func unsetMarked() {
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); value == unsetMark {
			must(os.Unsetenv(name))
		}
	}
}

// tidy removes the program that the tests may have built.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	defer os.RemoveAll(programDir())
	// A signal that nohup or a shell's & made this process ignore, its children would ignore as well.
	for _, ignored := range []os.Signal{syscall.SIGHUP, os.Interrupt} {
		if signal.Ignored(ignored) {
			signal.Notify(make(chan os.Signal, 1), ignored)
		}
	}
	return m.M.Run()
}

func programDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("okauth-program-%d", os.Getpid()))
}

// program returns okauth for the tests that run it hundreds of times: the test
// binary, without the race detector, which makes every start five times as long.
// What the goroutines of one process do to each other, all other tests look for.
var program = sync.OnceValues(func() (string, error) {
	if !raceEnabled {
		return os.Executable()
	}
	path := filepath.Join(programDir(), "okauth.test")
	if text, err := exec.Command("go", "test", "-c", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program without the race detector: %w\n%s", err, text)
	}
	return path, nil
})

// testEnv is the environment of the program under test: the real one, with
// switches that only the tests have.
//
//	TEST_LOCKS   directory of the locks; $HOME/locks where it is not set, and never the user's own
//	TEST_CLOCK   how far the clock is off: "24h", "-24h"
//	TEST_BUDGET  bytes that an item of the keychain holds
//	TEST_KILL    N kills the process right before its Nth call to the keychain
//	TEST_WAIT    how long the keychain may take, where so many share the machine that it is slow
func testEnv() *cli.Env {
	env := cli.System(cli.Build{Version: "1.2.3"})
	env.LockDir = cmp.Or(os.Getenv("TEST_LOCKS"), filepath.Join(os.Getenv("HOME"), "locks"))
	if text := os.Getenv("TEST_CLOCK"); text != "" {
		off, err := time.ParseDuration(text)
		must(err)
		env.Now = func() time.Time { return time.Now().Add(off) }
	}
	var options keychain.Options
	if text := os.Getenv("TEST_WAIT"); text != "" {
		wait, err := time.ParseDuration(text)
		must(err)
		options.ReadTimeout, options.WriteTimeout = wait, wait
		env.Keychain = keychain.New(options)
	}
	if text := os.Getenv("TEST_BUDGET"); text != "" {
		budget, err := strconv.Atoi(text)
		must(err)
		options.ItemLimit = budget
		env.Keychain = keychain.New(options)
	}
	if text := os.Getenv("TEST_KILL"); text != "" {
		at, err := strconv.Atoi(text)
		must(err)
		env.Keychain = &killer{keychain.New(options), at}
	}
	return env
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
}

// killer is a store that ends its process, as kill -9 does, before one of its calls.
type killer struct {
	store.Backend
	left int
}

// call runs f, or dies if it is its turn.
func (k *killer) call(f func() error) error {
	if k.left--; k.left == 0 {
		die()
	}
	return f()
}

func die() {
	self, err := os.FindProcess(os.Getpid())
	must(err)
	must(self.Kill())
	select {}
}

func (k *killer) Get(ctx context.Context, account string) (value []byte, err error) {
	err = k.call(func() (err error) { value, err = k.Backend.Get(ctx, account); return err })
	return value, err
}

func (k *killer) Set(ctx context.Context, account string, value []byte) error {
	return k.call(func() error { return k.Backend.Set(ctx, account, value) })
}

func (k *killer) Delete(ctx context.Context, account string) error {
	return k.call(func() error { return k.Backend.Delete(ctx, account) })
}

// exitCode returns the exit code of an ended process as a shell has it: 128 and its number for a signal; -1 if the
// process did not even start.
func exitCode(p *os.ProcessState) int {
	if p == nil {
		return -1
	}
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.ExitCode()
}
