//go:build linux

// Package keyringtest starts real keyrings for tests: gnome-keyring, KeePassXC and KWallet, each on a session bus of
// its own, in a home of its own and without a display.
package keyringtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// limit is how long a program may take to start, or a state to come.
const limit = 30 * time.Second

// Bus is a session bus, with what runs on it.
type Bus struct {
	Dir     string   // its home, which holds its socket
	Env     []string // leads a process there
	running []*exec.Cmd
	conn    *dbus.Conn
}

// NewBus prepares a bus that does not run yet. The caller must Close it. The error wraps exec.ErrNotFound where there
// is no dbus-daemon.
func NewBus() (*Bus, error) {
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "okauth-keyring-") // short: it holds sockets
	if err != nil {
		return nil, err
	}
	// Without the system's service files nothing can be activated behind the test's back.
	config := `<busconfig><type>session</type><listen>unix:path=` + dir + `/bus</listen>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`
	b := &Bus{Dir: dir, Env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "XDG_DATA_HOME=" + dir + "/data",
		"XDG_CONFIG_HOME=" + dir + "/config", "XDG_CACHE_HOME=" + dir + "/cache",
	}}
	b.Env = append(b.Env, "DBUS_SESSION_BUS_ADDRESS="+b.Address())
	return b, os.WriteFile(filepath.Join(dir, "bus.conf"), []byte(config), 0o600)
}

// Address returns the value for DBUS_SESSION_BUS_ADDRESS.
func (b *Bus) Address() string { return "unix:path=" + b.Dir + "/bus" }

// Start starts the bus and waits until it prints its address.
func (b *Bus) Start(attributes *syscall.SysProcAttr) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = b.Run(&exec.Cmd{
		Stdout: w, SysProcAttr: attributes,
		Args: []string{"dbus-daemon", "--config-file=" + b.Dir + "/bus.conf", "--nofork", "--print-address=1"},
	})
	_ = w.Close()
	if err != nil {
		return err
	}
	_ = r.SetReadDeadline(time.Now().Add(limit))
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		return fmt.Errorf("dbus-daemon said %q and then: %w", line, err)
	}
	return nil
}

// Run starts a program on the bus, which runs until Stop or Close. Without a display, Qt draws to memory.
func (b *Bus) Run(cmd *exec.Cmd) (*exec.Cmd, error) {
	var err error
	if cmd.Path, err = exec.LookPath(cmd.Args[0]); err != nil {
		return nil, err
	}
	cmd.Env = append(append([]string{"QT_QPA_PLATFORM=offscreen"}, b.Env...), cmd.Env...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.running = append(b.running, cmd)
	return cmd, nil
}

// Stop ends all programs but the bus by SIGKILL.
func (b *Bus) Stop() {
	for len(b.running) > 1 {
		b.end()
	}
}

// end ends the program that was started last.
func (b *Bus) end() {
	last := b.running[len(b.running)-1]
	b.running = b.running[:len(b.running)-1]
	_ = last.Process.Kill()
	_ = last.Wait()
}

// Close ends everything.
func (b *Bus) Close() {
	if b.conn != nil {
		_ = b.conn.Close()
	}
	for len(b.running) > 0 {
		b.end()
	}
	_ = os.RemoveAll(b.Dir)
}

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = dbus.ObjectPath("/org/freedesktop/secrets")
	service     = "org.freedesktop.Secret.Service"
	noPath      = dbus.ObjectPath("/")
)

// secrets returns the object of the Secret Service.
func (b *Bus) secrets() (dbus.BusObject, error) {
	if b.conn == nil {
		conn, err := dbus.Connect(b.Address())
		if err != nil {
			return nil, err
		}
		b.conn = conn
	}
	return b.conn.Object(secretsName, secretsPath), nil
}

// Items returns the paths of okauth's items, locked ones as well.
func (b *Bus) Items() ([]dbus.ObjectPath, error) {
	secrets, err := b.secrets()
	if err != nil {
		return nil, err
	}
	var unlocked, locked []dbus.ObjectPath
	for range 2 { // gnome-keyring may not know a new connection at its first call
		err = secrets.Call(service+".SearchItems", 0, map[string]string{"service": "okauth"}).Store(&unlocked, &locked)
		if e, ok := errors.AsType[dbus.Error](err); !ok || e.Name != "org.freedesktop.DBus.Error.UnknownMethod" {
			break
		}
	}
	return append(unlocked, locked...), err
}

// Lock locks the default collection, as its user does or a timer. KeePassXC refuses that while it saves.
func (b *Bus) Lock() error { return await(func() error { return b.change("Lock", true) }) }

// change calls Lock or Unlock for the default collection, and carries out a prompt that shows no dialog.
func (b *Bus) change(method string, mayPrompt bool) error {
	if _, err := b.Items(); err != nil {
		return err
	}
	secrets, err := b.secrets()
	if err != nil {
		return err
	}
	var collection, prompt dbus.ObjectPath
	if err := secrets.Call(service+".ReadAlias", 0, "default").Store(&collection); err != nil {
		return err
	}
	if collection == noPath {
		return errors.New("there is no default collection")
	}
	var changed []dbus.ObjectPath
	err = secrets.Call(service+"."+method, 0, []dbus.ObjectPath{collection}).Store(&changed, &prompt)
	switch {
	case err != nil || prompt == noPath:
		return err
	case !mayPrompt:
		return errors.New("the collection is locked")
	}
	return b.prompt(prompt)
}

// DismissNext watches the bus. The function it returns waits until a program lets the keyring show a prompt, and
// cancels that as its user does.
func (b *Bus) DismissNext() (dismiss func() error, err error) {
	watcher, err := dbus.Connect(b.Address())
	if err != nil {
		return nil, err
	}
	const rule = "type='method_call',interface='org.freedesktop.Secret.Prompt',member='Prompt',eavesdrop='true'"
	if err := watcher.BusObject().Call("org.freedesktop.DBus.AddMatch", 0, rule).Err; err != nil {
		return nil, errors.Join(err, watcher.Close())
	}
	calls := make(chan *dbus.Message, 10)
	watcher.Eavesdrop(calls)
	return func() error {
		defer watcher.Close()
		select {
		case call := <-calls:
			path, _ := call.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
			return b.conn.Object(secretsName, path).Call("org.freedesktop.Secret.Prompt.Dismiss", 0).Err
		case <-time.After(limit):
			return errors.New("no program opened a prompt")
		}
	}, nil
}

// prompt carries out a prompt and waits until it is completed.
func (b *Bus) prompt(path dbus.ObjectPath) error {
	signals := make(chan *dbus.Signal, 1)
	b.conn.Signal(signals)
	defer b.conn.RemoveSignal(signals)
	completed := []dbus.MatchOption{dbus.WithMatchObjectPath(path), dbus.WithMatchMember("Completed")}
	if err := b.conn.AddMatchSignal(completed...); err != nil {
		return err
	}
	defer b.conn.RemoveMatchSignal(completed...)
	if err := b.conn.Object(secretsName, path).Call("org.freedesktop.Secret.Prompt.Prompt", 0, "").Err; err != nil {
		return err
	}
	select {
	case s := <-signals:
		if dismissed, ok := s.Body[0].(bool); !ok || dismissed {
			return errors.New("the prompt was dismissed")
		}
		return nil
	case <-time.After(limit):
		return errors.New("the prompt was not answered")
	}
}

// await calls ready until it returns nil.
func await(ready func() error) error {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if err := ready(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
