package keychain

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"okauth/pkg/store"
	"okauth/pkg/store/fakesecretservice"
	"okauth/pkg/store/memory"
)

// Sessions in a keychain with small items, a full or slow one, and one of other applications.

const bigSession = 100 << 10

// tight is a keychain whose items hold as little as elsewhere. The fake refuses what is bigger.
func tight(budget int) Options {
	return Options{ItemLimit: budget, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second}
}

// The longest names of a session's items: a profile of 64 letters, and its last chunk.
var longProfile = strings.Repeat("p", 64)

func TestKR09_BigSessionWithinEveryPlatformsLimit(t *testing.T) {
	t.Parallel()
	longest := longProfile + "-0123abcd.0123abcd." + strconv.Itoa(maxChunks-1)
	for goos, budget := range map[string]int{"windows": itemLimit("windows", 0), "darwin": itemLimit("darwin", len(longest))} {
		t.Run(goos, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, fakesecretservice.Behavior{MaxValue: budget})
			r := child(t, orders{Options: tight(budget), Steps: []step{
				{Do: "Save", Account: longProfile, Size: bigSession, Generation: 1}, {Do: "Load", Account: longProfile, Size: bigSession, Generation: 1},
				{Do: "Save", Account: longProfile, Size: bigSession, Generation: 2}, {Do: "Load", Account: longProfile, Size: bigSession, Generation: 2},
				{Do: "Save", Account: "small", Size: 10, Generation: 1}, {Do: "List"},
			}}, bus(f))
			for i := range r {
				r[i].wantKind(t, "ok", "")
			}
			if r[1].Value != "same" || r[3].Value != "same" || len(strings.Fields(r[5].Value)) != 2 {
				t.Errorf("got %+v", r)
			}
			if n := len(f.Items()); n < 36 || n > 50 {
				t.Errorf("%d items: more than one generation, or not in chunks", n)
			}
			r = child(t, orders{Options: tight(budget), Steps: []step{
				{Do: "Logout", Account: longProfile}, {Do: "Logout", Account: "small"}, {Do: "List"},
			}}, bus(f))
			if items := f.Items(); len(items) != 0 || r[2].Value != "" || r[2].Kind != "ok" {
				t.Errorf("left %d items, listed %+v", len(items), r[2])
			}
		})
	}
}

// A value in many chunks may take longer than one item, by a bounded time per chunk.
func TestKR04_ChunksHaveTimeOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Delay: 5 * time.Millisecond})
	r := child(t, orders{Options: Options{ItemLimit: 100, WriteTimeout: 700 * time.Millisecond}, Steps: []step{
		{Do: "Set", Account: "a", Value: string(text("canary", 3000))},
	}}, bus(f))
	r[0].wantKind(t, "ok", "")
	if r[0].Took < time.Second {
		t.Errorf("took %v: the fake is too fast for this to prove anything", r[0].Took)
	}
}

// The prompt that a login may show is shown once, before anything is written, and a session that cannot be unlocked
// is not deleted.
func TestKR03_UnlockAsksOnce(t *testing.T) {
	t.Parallel()
	steps := []step{{Do: "Unlock"}, {Do: "Save", Account: "dev", Generation: 1}, {Do: "Logout", Account: "dev"}}
	for _, tt := range []struct {
		name   string
		prompt fakesecretservice.Prompt
		may    bool
		want   []string
		asked  int
	}{
		{"accepted", fakesecretservice.PromptAccept, true, []string{"ok", "ok", "ok"}, 1},
		{"dismissed", fakesecretservice.PromptDismiss, true, []string{"denied", "locked", "locked"}, 1},
		{"must not ask", fakesecretservice.PromptAccept, false, []string{"locked", "locked", "locked"}, 0},
		{"dies", fakesecretservice.PromptDie, true, []string{"failed", "locked", "locked"}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, fakesecretservice.Behavior{Locked: true, Prompt: tt.prompt})
			f.Put("other", "canary")
			r := child(t, orders{Options: Options{MayPrompt: tt.may, WriteTimeout: 5 * time.Second}, Steps: steps}, bus(f))
			for i := range r {
				r[i].wantKind(t, tt.want[i], "")
			}
			if n := f.Calls()["Prompt"]; n != tt.asked {
				t.Errorf("%d prompts, want %d", n, tt.asked)
			}
			if items := f.Items(); len(items) != 1 {
				t.Errorf("left %d items", len(items))
			}
		})
	}
}

// A token costs one read, whether the index is there or not: the design's promise 4.
func TestLoadAndRefreshLeaveTheIndexAlone(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	session, plain := sizedSession("dev", 10, 1), new(memory.Store)
	if err := (store.Sessions{Items: plain}).Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	value, err := plain.Get(t.Context(), session.Identity.Account())
	if err != nil {
		t.Fatal(err)
	}
	f.Put(session.Identity.Account(), string(value))
	r := child(t, orders{Steps: []step{{Do: "Load", Account: "dev", Size: 10, Generation: 1}}}, bus(f))
	if n := f.Calls()["GetSecret"]; r[0].Value != "same" || n != 1 {
		t.Errorf("Load: %+v after %d reads, want 1", r[0], n)
	}
	f.ResetCalls()
	child(t, orders{Steps: []step{{Do: "Save", Account: "dev", Size: 10, Generation: 2}}}, bus(f))[0].wantKind(t, "ok", "")
	if reads, writes := f.Calls()["GetSecret"], f.Calls()["SetSecret"]; reads != 1 || writes != 1 {
		t.Errorf("Save: %d reads and %d writes, want 1 and 1", reads, writes)
	}
}

func TestKR10_AnotherApplicationsItemIsNoSession(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{Foreign: "canary-foreign"})
	r := child(t, orders{Steps: []step{{Do: "Load", Account: "dev"}, {Do: "List"}}}, bus(f))
	for _, r := range r {
		r.wantKind(t, "corrupt", "it is not okauth's JSON")
	}
}

// What goes wrong in the middle of a write changes nothing, and the next write sweeps.
func TestKR07_TroubleInTheMiddleOfASplitWrite(t *testing.T) {
	t.Parallel()
	old := step{Do: "Load", Account: "dev", Size: 5_000, Generation: 1}
	for name, trouble := range map[string]fakesecretservice.Behavior{
		"full after some chunks": {Room: 12},
		"full at once":           {Full: true},
		"loses writes":           {Lose: true},
		"prompt dismissed":       {PromptOnWrite: true, Prompt: fakesecretservice.PromptDismiss},
		"dies in a prompt":       {PromptOnWrite: true, Prompt: fakesecretservice.PromptDie},
		"chunks too big":         {MaxValue: 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, fakesecretservice.Behavior{})
			options := tight(1000)
			child(t, orders{Options: options, Steps: []step{{Do: "Save", Account: "dev", Size: old.Size, Generation: 1}}}, bus(f))[0].wantKind(t, "ok", "")
			f.Update(func(b *fakesecretservice.Behavior) { *b = trouble })
			failing := options
			failing.WriteTimeout, failing.MayPrompt = 5*time.Second, true
			for range 3 {
				r := child(t, orders{Options: failing, Steps: []step{{Do: "Save", Account: "dev", Size: 9_000, Generation: 2}, old}}, bus(f))
				if r[0].Kind != "failed" && r[0].Kind != "not_persisted" {
					t.Errorf("Save: got %+v", r[0])
				}
				if r[1].Value != "same" {
					t.Errorf("Load of the old session: got %+v", r[1])
				}
			}
			if n := len(f.Items()); n > 15 {
				t.Errorf("failed writes pile up: %d items", n)
			}
			f.Update(func(b *fakesecretservice.Behavior) { *b = fakesecretservice.Behavior{} })
			r := child(t, orders{Options: options, Steps: []step{
				{Do: "Save", Account: "dev", Size: 9_000, Generation: 2}, {Do: "Load", Account: "dev", Size: 9_000, Generation: 2}, {Do: "Logout", Account: "dev"},
			}}, bus(f))
			if items := f.Items(); r[1].Value != "same" || r[2].Kind != "ok" || len(items) != 0 {
				t.Errorf("after the trouble: %+v, left %d items", r, len(items))
			}
		})
	}
}

// AT-91: a process gave up on a write and ended; the keychain carries it out when a later process has written already.
// The older session is whole, and its generation tells.
func TestAT91_WriteLandsAfterALaterOne(t *testing.T) {
	t.Parallel()
	f := startFake(t, fakesecretservice.Behavior{})
	save := func(generation uint64) step {
		return step{Do: "Save", Account: "dev", Size: 3_000, Generation: generation}
	}
	load := func(generation uint64) step {
		return step{Do: "Load", Account: "dev", Size: 3_000, Generation: generation}
	}
	child(t, orders{Steps: []step{save(1)}}, bus(f))[0].wantKind(t, "ok", "")
	f.Update(func(b *fakesecretservice.Behavior) { b.HoldWrites = true })
	child(t, orders{Options: Options{WriteTimeout: time.Second}, Steps: []step{save(2)}}, bus(f))[0].wantKind(t, "timed_out", "in time")
	f.Update(func(b *fakesecretservice.Behavior) { b.HoldWrites = false })
	if r := child(t, orders{Steps: []step{load(1), save(3), load(3)}}, bus(f)); r[0].Value != "same" || r[2].Value != "same" {
		t.Errorf("before it lands: %+v", r)
	}
	if n := f.Release(); n != 1 {
		t.Fatalf("%d writes were held, want 1", n)
	}
	r := child(t, orders{Steps: []step{load(2), save(4), load(4), {Do: "Logout", Account: "dev"}}}, bus(f))
	if r[0].Value != "same" || r[2].Value != "same" || len(f.Items()) != 0 {
		t.Errorf("after it landed: %+v, left %d items", r, len(f.Items()))
	}
}
