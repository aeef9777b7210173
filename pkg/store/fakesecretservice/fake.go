// Package fakesecretservice is a Secret Service with bad manners, and the session bus it lives on, in one Go package:
// no dbus-daemon, no desktop, no prompt. A test starts one, puts its address into DBUS_SESSION_BUS_ADDRESS of the
// process under test, and tells it how to misbehave; afterwards it asks what was stored and how often each method was
// called.
//
//	fake.go     starting, stopping, looking inside
//	wire.go     a D-Bus connection, seen from the bus
//	bus.go      org.freedesktop.DBus
//	secrets.go  org.freedesktop.secrets
//
// It speaks plain D-Bus to any client. It is for okauth's own tests and promises nothing to anybody else. It knows no
// permissions: whoever reaches the socket reads everything.
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

// Prompt is what happens when a client lets a prompt be shown.
type Prompt int

// The ends of a prompt.
const (
	PromptAccept  Prompt = iota // the user types the right password
	PromptNever                 // the user has gone away
	PromptDismiss               // the user presses Cancel
	PromptDie                   // the bus connection breaks while the prompt is open
)

// Behaviour is how the fake behaves. The zero Behaviour is a well-mannered, unlocked keychain.
type Behaviour struct {
	HangBus         bool          // a new connection is accepted and nothing on it is ever answered
	Hang            bool          // calls to the secret service are never answered
	Delay           time.Duration // calls to the secret service are answered this much later
	NoOwner         bool          // nobody owns org.freedesktop.secrets
	Activatable     bool          // the bus could start an owner
	ActivationHangs bool          // … but that never comes up
	Locked          bool          // the collection wants a prompt
	Relock          bool          // the collection is locked as soon as something has been looked for in it
	ItemsLocked     bool          // each item wants to be unlocked by itself, as KeePassXC's do
	NoLogin         bool          // there is only the default collection
	NoCollection    bool          // there is none
	Prompt          Prompt        // how prompts end
	PromptOnWrite   bool          // CreateItem and Delete want a prompt too
	WrongTypes      bool          // properties have types that they should not have
	Foreign         string        // when not empty, every search finds another application's item with this value first
	Vanish          bool          // what a search finds is deleted before it can be read
	Lose            bool          // CreateItem succeeds and keeps nothing
	Full            bool          // CreateItem fails
	Room            int           // when not 0, CreateItem fails for a new item beyond so many
	MaxValue        int           // when not 0, CreateItem fails for a value of more bytes
	HoldWrites      bool          // CreateItem is not answered and happens at Release, even if the client has gone by then
}

// Fake is a running fake. Its methods may be used from many goroutines.
type Fake struct {
	dir      string
	listener net.Listener
	done     sync.WaitGroup

	mu        sync.Mutex
	behaviour Behaviour
	items     map[dbus.ObjectPath]item
	next      int // number of the next item, prompt or connection
	prompts   map[dbus.ObjectPath]func() dbus.Variant
	held      []func()
	calls     map[string]int
	conns     map[*conn]bool
}

type item struct {
	attributes map[string]string
	value      []byte
}

// Start opens a bus on a socket of its own. Close it when done.
func Start(b Behaviour) (*Fake, error) {
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
		dir: dir, listener: listener, behaviour: b,
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
	f.Break()
	f.done.Wait()
	_ = os.RemoveAll(f.dir)
}

// Break breaks every connection, as if the bus had died.
func (f *Fake) Break() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.stream.Close()
	}
}

// Update changes the behaviour for all calls that come from now on.
func (f *Fake) Update(change func(*Behaviour)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.behaviour)
}

// Release carries out the writes that were held, in their order, and returns how many they were.
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

// Behaviour returns the present behaviour.
func (f *Fake) Behaviour() Behaviour {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.behaviour
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

// Put stores value under an account of okauth, in the place of what was there.
func (f *Fake) Put(account, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.put(map[string]string{"service": "okauth", "username": account}, []byte(value))
}

// Count returns how often a method was called, by its bare name: "GetSecret" is a value read, "CreateItem" one written.
func (f *Fake) Count(member string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[member]
}

// Calls returns how often each method was called. "connections" counts the connections.
func (f *Fake) Calls() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.calls)
}

// ResetCalls starts counting anew.
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
