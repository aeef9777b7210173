// Package fakesecretservice is a Secret Service for tests, with the session bus it runs on, in one Go package: no
// dbus-daemon, no desktop, no prompt. A test starts one, sets DBUS_SESSION_BUS_ADDRESS of the process under test to
// its address and chooses how it misbehaves; afterwards it asks what was stored and how often each method was called.
//
// It has no permissions: every process that can reach the socket can read everything.
package fakesecretservice

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Prompt is how the user answers a prompt.
type Prompt int

// The answers.
const (
	PromptAccept  Prompt = iota // the user types the right password
	PromptNever                 // the user does not answer
	PromptDismiss               // the user presses Cancel
	PromptDie                   // the bus connection breaks while the prompt is open
)

// Behavior says what the fake does. The zero Behavior is a working, unlocked keychain.
type Behavior struct {
	HangBus         bool          // connections are accepted and nothing on them is answered
	Hang            bool          // calls of the secret service are not answered
	Delay           time.Duration // calls of the secret service are answered this much later
	NoOwner         bool          // org.freedesktop.secrets has no owner
	Activatable     bool          // the bus can start an owner
	ActivationHangs bool          // … but it never starts
	Locked          bool          // the collection must be unlocked with a prompt
	Relock          bool          // the collection locks itself after a search
	ItemsLocked     bool          // each item must be unlocked itself, as in KeePassXC
	NoLogin         bool          // there is only the default collection
	NoCollection    bool          // there is no collection
	Prompt          Prompt        // how the user answers
	PromptOnWrite   bool          // CreateItem and Delete prompt too, and SetSecret fails
	Unknowing       bool          // the first call of a connection fails; one that is no search ends the service
	WrongTypes      bool          // the lists of a search have wrong types
	Foreign         string        // not "": every search first finds an item of another application with this value
	Vanish          bool          // the items that a search finds are deleted at once
	Lose            bool          // a write succeeds and keeps nothing
	Undeletable     bool          // Delete fails as if there were no such item
	Full            bool          // a write fails
	Room            int           // not 0: CreateItem fails for a new item beyond so many
	MaxValue        int           // not 0: a write fails for a value of more bytes
	HoldWrites      bool          // a write is not answered and takes effect at Release, even without its client
}

// Fake is a running fake. Goroutines may share it.
type Fake struct {
	dir      string
	listener net.Listener
	done     sync.WaitGroup

	mu       sync.Mutex // held while a call is answered
	behavior Behavior
	items    map[dbus.ObjectPath]item
	next     int // number of the next item, prompt or connection
	prompts  map[dbus.ObjectPath]func() dbus.Variant
	held     []func()
	calls    map[string]int
	conns    map[*conn]bool
}

type item struct {
	attributes map[string]string
	value      []byte
}

// Start opens a bus on a socket of its own. The caller must Close it.
func Start(b Behavior) (*Fake, error) {
	// Not the test's own directory: a socket's path must be shorter than about 100 bytes.
	dir, err := os.MkdirTemp("", "okauth-bus-")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("listen for the fake session bus: %w", err)
	}
	f := &Fake{
		dir: dir, listener: listener, behavior: b,
		items:   map[dbus.ObjectPath]item{},
		prompts: map[dbus.ObjectPath]func() dbus.Variant{},
		calls:   map[string]int{},
		conns:   map[*conn]bool{},
	}
	f.done.Go(f.accept)
	return f, nil
}

// Address returns the value for DBUS_SESSION_BUS_ADDRESS.
func (f *Fake) Address() string {
	return "unix:path=" + dbus.EscapeBusAddressValue(f.listener.Addr().String())
}

// Dir returns the directory that has the socket, under the name "bus": a value for XDG_RUNTIME_DIR.
func (f *Fake) Dir() string { return f.dir }

// Close breaks every connection, waits for its goroutine and removes the socket.
func (f *Fake) Close() {
	_ = f.listener.Close()
	f.mu.Lock()
	for c := range f.conns {
		_ = c.stream.Close()
	}
	f.mu.Unlock()
	f.done.Wait()
	_ = os.RemoveAll(f.dir)
}

// Update changes the behavior for later calls.
func (f *Fake) Update(change func(*Behavior)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.behavior)
}

// Release performs the held writes in order and returns their number.
func (f *Fake) Release() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.held)
	for _, write := range f.held {
		write()
	}
	f.held = nil
	return n
}

// Items returns the values of okauth's items by account.
func (f *Fake) Items() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	items := map[string]string{}
	for _, it := range f.items {
		if it.attributes["service"] == "okauth" {
			items[it.attributes["username"]] = string(it.value)
		}
	}
	return items
}

// Put stores value under an account of okauth and replaces what was there.
func (f *Fake) Put(account, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put(map[string]string{"service": "okauth", "username": account}, []byte(value))
}

// Calls returns how often each method was called, by its bare name: "GetSecret" is a value read, "CreateItem" and
// "SetSecret" are one written. "connections" counts the connections.
func (f *Fake) Calls() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.calls)
}

// ResetCalls resets the counts to zero.
func (f *Fake) ResetCalls() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.calls)
}

// put replaces an item with the same attributes or adds one. f.mu is held.
func (f *Fake) put(attributes map[string]string, value []byte) dbus.ObjectPath {
	path, ok := f.find(attributes)
	if !ok {
		path = f.name(string(loginPath) + "/")
	}
	f.items[path] = item{attributes, value}
	return path
}

// find returns the item that put would replace. f.mu is held.
func (f *Fake) find(attributes map[string]string) (dbus.ObjectPath, bool) {
	for path, it := range f.items {
		if maps.Equal(it.attributes, attributes) {
			return path, true
		}
	}
	return "", false
}

// name returns a path that was not used before. f.mu is held.
func (f *Fake) name(prefix string) dbus.ObjectPath {
	f.next++
	return dbus.ObjectPath(fmt.Sprintf("%s%d", prefix, f.next))
}
