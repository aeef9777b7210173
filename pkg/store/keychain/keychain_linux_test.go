package keychain

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"okauth/pkg/store/fakesecretservice"
)

const patience = 4 * time.Second // three, and some for a busy machine

func TestKeychainRoundTrip(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	r := child(t, orders{Steps: []step{
		{Do: "Probe"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "canary-1"}, {Do: "Get", Account: "a"},
		{Do: "Set", Account: "a", Value: "canary-2"}, {Do: "Set", Account: "b", Value: "canary-3"}, {Do: "Get", Account: "a"},
		{Do: "Delete", Account: "a"}, {Do: "Get", Account: "a"}, {Do: "Delete", Account: "a"},
	}}, bus(f))
	for i, want := range []string{"ok", "not found", "ok", "ok", "ok", "ok", "ok", "ok", "not found", "ok"} {
		r[i].wantKind(t, want, "")
	}
	if r[3].Value != "canary-1" || r[6].Value != "canary-2" {
		t.Errorf("got %q and %q", r[3].Value, r[6].Value)
	}
	if items := f.Items(); len(items) != 1 || items["b"] != "canary-3" {
		t.Errorf("stored %q", items)
	}
	if n := f.Calls()["connections"]; n != len(r) {
		t.Errorf("%d connections, want one for each of %d steps", n, len(r))
	}
}

// Promise 4 of the design: a token costs one keychain read. Nothing in it can open a prompt: there is no
// Unlock.
func TestOneReadIsTwoRoundTrips(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	f.Put("a", "canary")
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, bus(f))
	if r[0].Value != "canary" {
		t.Fatalf("got %+v", r[0])
	}
	want := map[string]int{"connections": 1, "Hello": 1, "SearchItems": 1, "OpenSession": 1, "GetSecret": 1}
	if calls := f.Calls(); !maps.Equal(calls, want) {
		t.Errorf("got %v, want %v", calls, want)
	}
}

// The keychain is locked while it is being read, by its user or by a timer. go-keyring would open a prompt.
func TestReadNeverPrompts(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Relock: true, Prompt: fakesecretservice.PromptNever})
	f.Put("a", "canary")
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, bus(f))
	r[0].wantKind(t, "locked", "")
	if f.Calls()["Unlock"]+f.Calls()["Prompt"] != 0 || r[0].Took > 2*time.Second {
		t.Errorf("asked for a prompt: %v, took %v", f.Calls(), r[0].Took)
	}
}

// KeePassXC opens each item by itself, to each program: go-keyring knows how to ask for that.
func TestItemLockedByItself(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{ItemsLocked: true})
	f.Put("a", "canary")
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, bus(f))
	if r[0].Value != "canary" {
		t.Errorf("got %+v", r[0])
	}
}

func TestKR02_AT96_NoBusNoChildProcess(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	touched := filepath.Join(bin, "touched")
	script := "#!/bin/sh\n: >" + touched + "\necho DBUS_SESSION_BUS_ADDRESS=unix:path=" + bin + "/none\n"
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	if err := os.WriteFile(filepath.Join(empty, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + bin
	tests := map[string][]string{
		"nothing":               {path},
		"empty":                 {path, busAddressVar + "="},
		"autolaunch":            {path, busAddressVar + "=autolaunch:"},
		"autolaunch with scope": {path, busAddressVar + "=autolaunch:scope=*user"},
		"runtime dir is empty":  {path, "XDG_RUNTIME_DIR=" + t.TempDir()},
		"relative runtime dir":  {path, "XDG_RUNTIME_DIR=run"},
		"bus is no socket":      {path, "XDG_RUNTIME_DIR=" + empty},
		"bus is gone":           {path, busAddressVar + "=unix:path=" + bin + "/none"},
	}
	for name, env := range tests {
		// Probe: on a desktop, the user's real bus is found in /run/user, and must not be written to by a test.
		r := child(t, orders{Steps: []step{{Do: "Probe"}}}, env...)
		_, err := os.Stat("/run/user/" + strconv.Itoa(os.Getuid()) + "/bus")
		if onDesktop := err == nil; !onDesktop || name == "bus is gone" {
			r[0].wantKind(t, "unavailable", "session bus")
			if r[0].Took > 2*time.Second {
				t.Errorf("%s: took %v", name, r[0].Took)
			}
		}
		if _, err := os.Stat(touched); err == nil {
			t.Fatalf("%s: dbus-launch was run", name)
		}
	}
}

func TestKR02_BusInRuntimeDirOnly(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	f.Put("a", "canary")
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, "XDG_RUNTIME_DIR="+f.Dir(), busAddressVar+"=autolaunch:")
	if r[0].Value != "canary" {
		t.Errorf("got %+v", r[0])
	}
}

func TestKR03_NoService(t *testing.T) {
	t.Parallel()
	desktop := "WAYLAND_DISPLAY=wayland-0"
	tests := []struct {
		name     string
		behavior fakesecretservice.Behavior
		env      []string
		want     string
		starts   int
	}{
		{"no owner", fakesecretservice.Behavior{NoOwner: true}, nil, "unavailable", 0},
		{"no owner on a desktop", fakesecretservice.Behavior{NoOwner: true}, []string{desktop}, "unavailable", 0},
		{"activatable without a desktop", fakesecretservice.Behavior{NoOwner: true, Activatable: true}, nil, "unavailable", 0},
		{"activatable on a desktop", fakesecretservice.Behavior{NoOwner: true, Activatable: true}, []string{desktop}, "not found", 1},
		{"activatable under X", fakesecretservice.Behavior{NoOwner: true, Activatable: true}, []string{"DISPLAY=:0"}, "not found", 1},
		{"never comes up", fakesecretservice.Behavior{NoOwner: true, Activatable: true, ActivationHangs: true}, []string{desktop}, "timed_out", 1},
		{"no collection", fakesecretservice.Behavior{NoCollection: true}, nil, "unavailable", 0},
		{"default collection only", fakesecretservice.Behavior{NoLogin: true}, nil, "not found", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, tt.behavior)
			r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, append(tt.env, bus(f))...)
			r[0].wantKind(t, tt.want, "")
			if r[0].Took > patience {
				t.Errorf("took %v", r[0].Took)
			}
			if n := f.Calls()["StartServiceByName"]; n != tt.starts {
				t.Errorf("the service was started %d times, want %d", n, tt.starts)
			}
		})
	}
}

// A write may wait for a prompt for long, but not for a service that does not come up.
func TestKR03_ActivationIsBounded(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{NoOwner: true, Activatable: true, ActivationHangs: true})
	r := child(t, orders{Options: Options{MayPrompt: true}, Steps: []step{{Do: "Set", Account: "a", Value: "canary"}}}, bus(f), "DISPLAY=:0")
	r[0].wantKind(t, "timed_out", "in time")
	if r[0].Took > patience {
		t.Errorf("took %v", r[0].Took)
	}
}

// A busy gnome-keyring may get the first call of a connection before it knows who calls. It survives that only if the
// call is a search, and only what comes after the answer to that finds it prepared.
func TestKR03_NoServiceIsKilled(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Unknowing: true})
	r := child(t, orders{Options: Options{MayPrompt: true}, Steps: []step{
		{Do: "Probe"}, {Do: "Unlock"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "canary"}, {Do: "Get", Account: "a"},
		{Do: "Delete", Account: "a"}, {Do: "Delete", Account: "a"}, {Do: "Get", Account: "a"},
	}}, bus(f))
	for i, want := range []string{"ok", "ok", "not found", "ok", "ok", "ok", "ok", "not found"} {
		r[i].wantKind(t, want, "")
	}
	if r[4].Value != "canary" {
		t.Errorf("got %+v", r[4])
	}
}

// A locked collection must not hang and must not ask, unless the caller said that it may.
func TestKR03_LockedIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Locked: true, Prompt: fakesecretservice.PromptNever})
	f.Put("a", "canary")
	r := child(t, orders{Steps: []step{
		{Do: "Probe"}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: "canary-2"}, {Do: "Delete", Account: "a"},
	}}, bus(f))
	for _, r := range r {
		r.wantKind(t, "locked", "locked")
		if r.Took > 2*time.Second || len(r.Notes) > 0 {
			t.Errorf("took %v, notes %q", r.Took, r.Notes)
		}
	}
	if f.Calls()["Prompt"] != 0 || f.Items()["a"] != "canary" {
		t.Errorf("asked for a prompt: %v, items %q", f.Calls(), f.Items())
	}
}

func TestKR04_EveryCallIsBounded(t *testing.T) {
	t.Parallel()
	short := Options{ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond}
	for name, b := range map[string]fakesecretservice.Behavior{
		"bus hangs":     {HangBus: true},
		"service hangs": {Hang: true},
		"service slow":  {Delay: 200 * time.Millisecond},
	} {
		for _, do := range []string{"Get", "Set", "Delete"} {
			f := startFake(t, b)
			f.Put("a", "canary")
			r := child(t, orders{Options: short, Steps: []step{{Do: do, Account: "a", Value: "canary-2"}}}, bus(f))
			r[0].wantKind(t, "timed_out", "in time")
			if r[0].Took < 250*time.Millisecond || r[0].Took > 2*time.Second {
				t.Errorf("%s, %s: took %v", name, do, r[0].Took)
			}
		}
	}
}

func TestKR04_DefaultIsThreeSeconds(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Hang: true})
	r := child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, bus(f))
	r[0].wantKind(t, "timed_out", "in time")
	if r[0].Took < 2900*time.Millisecond || r[0].Took > patience {
		t.Errorf("took %v", r[0].Took)
	}
}

func TestKR04_WriteWaitsForThePromptAndSaysSo(t *testing.T) {
	t.Parallel()
	ask := Options{MayPrompt: true, WriteTimeout: 1500 * time.Millisecond}
	set := []step{{Do: "Set", Account: "a", Value: "canary"}}
	tests := []struct {
		name   string
		prompt fakesecretservice.Prompt
		want   string
		notes  int
	}{
		{"accepted", fakesecretservice.PromptAccept, "ok", 0},
		{"never answered", fakesecretservice.PromptNever, "timed_out", 1},
		{"dismissed", fakesecretservice.PromptDismiss, "denied", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, fakesecretservice.Behavior{Locked: true, Prompt: tt.prompt})
			r := child(t, orders{Options: ask, Steps: set}, bus(f))
			r[0].wantKind(t, tt.want, "")
			// A busy machine may be slow enough for a note where none is needed.
			if len(r[0].Notes) < tt.notes || tt.notes > 0 && r[0].Notes[0] != "waiting for the keyring prompt" {
				t.Errorf("notes %q, want %d", r[0].Notes, tt.notes)
			}
			if stored := f.Items()["a"] == "canary"; stored != (tt.want == "ok") {
				t.Errorf("stored: %v", stored)
			}
		})
	}
}

// KR-06 and KR-05: whatever goes wrong is an error, never "nothing is stored", and a timeout is not an absence.
func TestKR05_TroubleIsNotAbsence(t *testing.T) {
	t.Parallel()
	short := Options{ReadTimeout: 300 * time.Millisecond}
	for name, b := range map[string]fakesecretservice.Behavior{
		"hangs":       {Hang: true},
		"bus hangs":   {HangBus: true},
		"locked":      {Locked: true},
		"wrong types": {WrongTypes: true},
	} {
		f := startFake(t, b)
		r := child(t, orders{Options: short, Steps: []step{{Do: "Probe"}, {Do: "Get", Account: "a"}}}, bus(f))
		for _, r := range r {
			if r.Kind == "unavailable" || r.Kind == "not found" || r.Kind == "ok" {
				t.Errorf("%s: got %s", name, r.Kind)
			}
		}
	}
}

func TestKR07_WritesAreReadBack(t *testing.T) {
	t.Parallel()
	options := Options{MayPrompt: true, WriteTimeout: 2 * time.Second}
	tests := []struct {
		name        string
		behavior    fakesecretservice.Behavior
		set, delete string
	}{
		{"loses writes", fakesecretservice.Behavior{Lose: true}, "not_persisted", "ok"},
		{"dismissed", fakesecretservice.Behavior{PromptOnWrite: true, Prompt: fakesecretservice.PromptDismiss}, "not_persisted", "denied"},
		{"accepted", fakesecretservice.Behavior{PromptOnWrite: true}, "ok", "ok"},
		{"full", fakesecretservice.Behavior{Full: true}, "failed", "ok"},
		{"deletes nothing", fakesecretservice.Behavior{Undeletable: true}, "ok", "denied"},
		{"another application's item first", fakesecretservice.Behavior{Foreign: "canary-foreign"}, "ok", "denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, tt.behavior)
			f.Put("a", "canary-old")
			r := child(t, orders{Options: options, Steps: []step{{Do: "Set", Account: "a", Value: "canary-new"}, {Do: "Delete", Account: "a"}}}, bus(f))
			r[0].wantKind(t, tt.set, "")
			r[1].wantKind(t, tt.delete, "")
		})
	}
}

func TestKR08_PanicBecomesAnError(t *testing.T) {
	t.Parallel()
	ask := Options{MayPrompt: true, WriteTimeout: 5 * time.Second}
	// The connection breaks during the prompt.
	f := startFake(t, fakesecretservice.Behavior{Locked: true, Prompt: fakesecretservice.PromptDie})
	r := child(t, orders{Options: ask, Steps: []step{{Do: "Set", Account: "a", Value: "canary"}, {Do: "Probe"}}}, bus(f))
	if r[0].Kind != "failed" || r[0].Took > 4*time.Second {
		t.Errorf("got %+v", r[0])
	}
	// The next call connects anew.
	r[1].wantKind(t, "locked", "")
	f = startFake(t, fakesecretservice.Behavior{WrongTypes: true})
	r = child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, bus(f))
	r[0].wantKind(t, "failed", "values of the types")
}

func TestKR08_RecoveredKeepsValuesOut(t *testing.T) {
	t.Parallel()
	k := newKeyringBackend(Options{})
	_, err := k.bounded(t.Context(), "test", "a", func() ([]byte, error) { panic("canary") })
	if kindOf(err) != "failed" || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
	_, err = k.bounded(t.Context(), "test", "a", func() ([]byte, error) { var p *report; return []byte(p.Value), nil })
	if kindOf(err) != "failed" || !strings.Contains(err.Error(), "nil pointer") {
		t.Errorf("got %v", err)
	}
	if _, err = k.bounded(t.Context(), "test", "a", func() ([]byte, error) { return nil, nil }); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

func TestKR09_SplitInARealKeychain(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	value := string(text("v", 950))
	r := child(t, orders{Options: Options{ItemLimit: 100, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}, Steps: []step{
		{Do: "Set", Account: "a", Value: value}, {Do: "Get", Account: "a"}, {Do: "Set", Account: "a", Value: value + "x"}, {Do: "Get", Account: "a"}, {Do: "Delete", Account: "a"},
	}}, bus(f))
	if r[1].Value != value || r[3].Value != value+"x" {
		t.Errorf("got %+v", r)
	}
	if items := f.Items(); len(items) != 0 {
		t.Errorf("left %d items", len(items))
	}
}

// KR-11: see also the second Delete of TestKeychainRoundTrip.
func TestKR11_DeleteTakesOurItemOnly(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	f.Put("a", "canary-a")
	f.Put("a.b", "canary-b")
	f.Put("aa", "canary-c")
	r := child(t, orders{Steps: []step{{Do: "Delete", Account: "a"}}}, bus(f))
	r[0].wantKind(t, "ok", "")
	if items := f.Items(); len(items) != 2 {
		t.Errorf("left %q", items)
	}
}

// AT-91: an abandoned write may still happen, so it is reported as unknown, and nothing overtakes it.
func TestAT91_AbandonedWriteIsUnknown(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Delay: 250 * time.Millisecond})
	f.Put("a", "canary-old")
	// Time enough for the first of some ten calls, the precheck, after which the write cannot be called off.
	r := child(t, orders{Options: Options{WriteTimeout: 900 * time.Millisecond, ReadTimeout: 20 * time.Second}, Steps: []step{
		{Do: "Set", Account: "a", Value: "canary-new"}, {Do: "Get", Account: "a"},
	}}, bus(f))
	r[0].wantKind(t, "timed_out", "in time")
	// The read had its turn after the write: it sees the new value, not the old one that the write would replace later.
	if r[1].Value != "canary-new" {
		t.Errorf("got %+v", r[1])
	}
}

func TestAT91_NextCallDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Locked: true, Prompt: fakesecretservice.PromptNever})
	r := child(t, orders{Options: Options{MayPrompt: true, WriteTimeout: 300 * time.Millisecond, ReadTimeout: 300 * time.Millisecond}, Steps: []step{
		{Do: "Set", Account: "a", Value: "canary"}, {Do: "Get", Account: "a"},
	}}, bus(f))
	r[0].wantKind(t, "timed_out", "in time")
	r[1].wantKind(t, "locked", "locked")

	k := newKeyringBackend(Options{})
	release := make(chan struct{})
	defer close(release)
	for _, want := range []string{"in time", "an earlier call has not returned"} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err := k.bounded(ctx, "test", "a", func() ([]byte, error) { <-release; return nil, nil })
		cancel()
		if kindOf(err) != "timed_out" || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	f.Put("a", "canary")
	r := child(t, orders{Options: Options{ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second}, Steps: []step{
		{Do: "Get", Account: "a", Times: 8}, {Do: "Set", Account: "a", Value: "canary-2", Times: 8}, {Do: "Get", Account: "a", Times: 8},
	}}, bus(f))
	if r[0].Value != "canary" || r[1].Kind != "ok" || r[2].Value != "canary-2" {
		t.Errorf("got %+v", r)
	}
	if n := f.Calls()["connections"]; n != 3*8 {
		t.Errorf("%d connections, want 24", n)
	}
}

func TestCancelledByTheCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := newKeyringBackend(Options{})
	release := make(chan struct{})
	defer close(release)
	_, err := k.bounded(ctx, "test", "a", func() ([]byte, error) { <-release; return nil, nil })
	if !errors.Is(err, context.Canceled) || kindOf(err) != "failed" {
		t.Errorf("got %v, want context.Canceled of kind failed", err)
	}
}

func TestKR12_ServiceTextIsHarmless(t *testing.T) {
	t.Parallel()
	err := keychainError("read it", &busError{"org.example.\x1b[2JBad", "\x1b]0;owned\x07 two\nlines"})
	if strings.ContainsAny(err.Error(), "\x1b\x07\n") {
		t.Errorf("got %q", err)
	}
	for name, want := range map[string]string{
		"org.freedesktop.Secret.Error.IsLocked":     "locked",
		"org.freedesktop.DBus.Error.NoReply":        "timed_out",
		"org.freedesktop.DBus.Error.ServiceUnknown": "unavailable",
		"org.freedesktop.DBus.Error.Failed":         "failed",
	} {
		if got := kindOf(keychainError("read it", &busError{name, "text"})); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// AT-85: an item that another process deletes between search and read is not there; it is no failure of the keychain.
func TestAT85_ItemVanishes(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	child(t, orders{Steps: []step{{Do: "Set", Account: "a", Value: "v"}}}, bus(f))[0].wantKind(t, "ok", "")
	f.Update(func(b *fakesecretservice.Behavior) { b.Vanish = true })
	child(t, orders{Steps: []step{{Do: "Get", Account: "a"}}}, bus(f))[0].wantKind(t, "not found", "")
}
