package fakesecretservice

import (
	"os"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// dial connects to f as a program would, with a connection of its own.
func dial(t *testing.T, f *Fake) *dbus.Conn {
	t.Helper()
	c, err := dbus.Connect(f.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func start(t *testing.T, b Behavior) *Fake {
	t.Helper()
	f, err := Start(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func search(t *testing.T, c *dbus.Conn, account string) []dbus.ObjectPath {
	t.Helper()
	var found, locked []dbus.ObjectPath
	wanted := map[string]string{"service": "okauth", "username": account}
	if err := c.Object(secretsName, servicePath).Call("org.freedesktop.Secret.Service.SearchItems", 0, wanted).Store(&found, &locked); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestItemsAndCounters(t *testing.T) {
	t.Parallel()
	f := start(t, Behavior{})
	f.Put("a", "wrong-horse")
	f.Put("a", "wrong-horse-2")
	f.Put("b", "other")
	if items := f.Items(); len(items) != 2 || items["a"] != "wrong-horse-2" {
		t.Errorf("got %q", items)
	}
	c := dial(t, f)
	found := search(t, c, "a")
	if len(found) != 1 {
		t.Fatalf("found %q", found)
	}
	var s secret
	if err := c.Object(secretsName, found[0]).Call("org.freedesktop.Secret.Item.GetSecret", 0, sessionPath).Store(&s); err != nil || string(s.Value) != "wrong-horse-2" {
		t.Errorf("got %q, %v", s.Value, err)
	}
	f.Update(func(b *Behavior) { b.Foreign = "foreign" })
	if found := search(t, c, "a"); len(found) != 2 || found[0] != foreignPath {
		t.Errorf("found %q, want the other application's item first", found)
	}
	if f.Calls()["GetSecret"] != 1 || f.Calls()["SearchItems"] != 2 || f.Calls()["connections"] != 1 {
		t.Errorf("counted %v", f.Calls())
	}
	f.ResetCalls()
	if len(f.Calls()) != 0 {
		t.Errorf("counted %v after a reset", f.Calls())
	}
}

func TestPromptUnlocks(t *testing.T) {
	t.Parallel()
	for _, mode := range []Prompt{PromptAccept, PromptDismiss} {
		f := start(t, Behavior{Locked: true, Prompt: mode})
		c := dial(t, f)
		signals := make(chan *dbus.Signal, 1)
		c.Signal(signals)
		var unlocked []dbus.ObjectPath
		var prompt dbus.ObjectPath
		if err := c.Object(secretsName, servicePath).Call("org.freedesktop.Secret.Service.Unlock", 0, []dbus.ObjectPath{loginPath}).Store(&unlocked, &prompt); err != nil {
			t.Fatal(err)
		}
		if len(unlocked) != 0 || prompt == noPrompt {
			t.Fatalf("unlocked %q without a prompt", unlocked)
		}
		if err := c.Object(secretsName, prompt).Call(promptInterface+".Prompt", 0, "").Err; err != nil {
			t.Fatal(err)
		}
		select {
		case s := <-signals:
			if dismissed, _ := s.Body[0].(bool); dismissed != (mode == PromptDismiss) || s.Path != prompt {
				t.Errorf("got %v", s)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the prompt was not completed")
		}
		f.Update(func(b *Behavior) {
			if b.Locked != (mode == PromptDismiss) {
				t.Errorf("locked: %v", b.Locked)
			}
		})
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	f := start(t, Behavior{HangBus: true})
	dir := f.Dir()
	f.Close()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}
