package keychain

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"okauth/pkg/store"
	"okauth/pkg/store/memory"
)

func budget(n int) func(string) int { return func(string) int { return n } }

// text returns n bytes that differ from place to place and from seed to seed.
func text(seed string, n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%s%d,", seed, i)
	}
	return b.Bytes()[:n]
}

func kindOf(err error) string {
	var e *store.Error
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrNotFound):
		return "not found"
	case errors.As(err, &e):
		return string(e.Kind)
	default:
		return "untyped: " + err.Error()
	}
}

func TestKR09_SizeIsHandled(t *testing.T) {
	ctx := t.Context()
	const limit = 100
	for _, n := range []int{1, 99, 100, 101, 199, 200, 201, 2500, limit * maxChunks} {
		m := new(memory.Store)
		s := chunked{m, budget(limit)}
		value := text("v", n)
		if err := s.Set(ctx, "a", value); err != nil {
			t.Fatalf("Set of %d bytes: %v", n, err)
		}
		for _, account := range m.Accounts() {
			if item, _ := m.Get(ctx, account); len(item) > limit && account != "a" {
				t.Errorf("item %q has %d bytes, expected at most %d", account, len(item), limit)
			}
		}
		if got, err := s.Get(ctx, "a"); err != nil || !bytes.Equal(got, value) {
			t.Errorf("Get of %d bytes: %v, same %v", n, err, bytes.Equal(got, value))
		}
		want := 1 // the value, or the head
		if n > limit {
			want += (n+limit-1)/limit + 1 // chunks and journal
		}
		if got := len(m.Accounts()); got != want {
			t.Errorf("%d bytes take %d items, expected %d: %q", n, got, want, m.Accounts())
		}
		if err := s.Delete(ctx, "a"); err != nil || len(m.Accounts()) != 0 {
			t.Errorf("Delete of %d bytes: %v, left %q", n, err, m.Accounts())
		}
	}
}

func TestKR09_RefusedBeforeAnythingIsWritten(t *testing.T) {
	tests := []struct {
		name, account string
		value         []byte
		limit         int
		want          string
	}{
		{"too many chunks", "a", text("v", 100*maxChunks+1), 100, "too_big"},
		{"beyond every limit", "a", text("v", store.MaxValue+1), store.MaxValue, "too_big"},
		{"newline", "a", []byte("one\ntwo"), 100, "failed"},
		{"NUL", "a", []byte("one\x00two"), 100, "failed"},
		{"not ASCII", "a", []byte("ü"), 100, "failed"},
		{"empty", "a", nil, 100, "failed"},
		{"looks like a head", "a", []byte(manifestPrefix + "1:"), 100, "failed"},
		{"backslash in the name", `DOMAIN\user`, []byte("v"), 100, "failed"},
		{"newline in the name", "a\nb", []byte("v"), 100, "failed"},
		{"colon in the name", "a:b", []byte("v"), 100, "failed"},
		{"no name", "", []byte("v"), 100, "failed"},
		{"endless name", strings.Repeat("a", 257), []byte("v"), 100, "failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := new(memory.Store)
			err := chunked{m, budget(tt.limit)}.Set(t.Context(), tt.account, tt.value)
			if got := kindOf(err); got != tt.want {
				t.Errorf("got %s, want %s: %v", got, tt.want, err)
			}
			if left := m.Accounts(); len(left) != 0 {
				t.Errorf("%q was written", left)
			}
			if len(tt.value) > 0 && len(tt.value) < 20 && strings.Contains(fmt.Sprint(err), string(tt.value)) && len(tt.value) > 1 && tt.name != "looks like a head" {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

// What go-keyring sends to `security -i` must fit in its line, and what it hands to CredWrite in a credential.
func TestKR09_PlatformLimits(t *testing.T) {
	for _, account := range []string{"a", strings.Repeat("p", 64) + "-0123abcd", strings.Repeat("p", 64) + ".secret-0123abcd.0123abcd.31"} {
		n := itemLimit("darwin", len(account))
		for _, over := range []int{0, 4} {
			value := base64.StdEncoding.EncodeToString(make([]byte, n+over))
			line := fmt.Sprintf("add-generic-password -U -s %s -a %s -w %s\n", service, account, "go-keyring-base64:"+value)
			if fits := len(line) < 4096; fits != (over == 0) {
				t.Errorf("account of %d bytes, value of %d+%d: the line has %d bytes", len(account), n, over, len(line))
			}
		}
	}
	if got := itemLimit("windows", 10); got != 2560 {
		t.Errorf("windows: got %d, want 2560", got)
	}
	if got := itemLimit("linux", 10); got != store.MaxValue {
		t.Errorf("linux: got %d, want %d", got, store.MaxValue)
	}
}

func TestAT92_TornSetIsCorrupt(t *testing.T) {
	tests := map[string]func(ctx context.Context, m *memory.Store, chunks []string){
		"chunk missing": func(ctx context.Context, m *memory.Store, chunks []string) { _ = m.Delete(ctx, chunks[1]) },
		"chunk changed": func(ctx context.Context, m *memory.Store, chunks []string) { _ = m.Set(ctx, chunks[1], text("x", 100)) },
		"chunk cut":     func(ctx context.Context, m *memory.Store, chunks []string) { _ = m.Set(ctx, chunks[2], text("x", 7)) },
		"chunks swapped": func(ctx context.Context, m *memory.Store, chunks []string) {
			one, _ := m.Get(ctx, chunks[0])
			two, _ := m.Get(ctx, chunks[1])
			_, _ = m.Set(ctx, chunks[0], two), m.Set(ctx, chunks[1], one)
		},
		"manifest cut": func(ctx context.Context, m *memory.Store, _ []string) {
			h, _ := m.Get(ctx, "a")
			_ = m.Set(ctx, "a", h[:len(h)-1])
		},
	}
	for name, tear := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			m := new(memory.Store)
			s := chunked{m, budget(100)}
			if err := s.Set(ctx, "a", text("canary", 300)); err != nil {
				t.Fatal(err)
			}
			tear(ctx, m, slices.DeleteFunc(m.Accounts(), func(a string) bool { return a == "a" }))
			got, err := s.Get(ctx, "a")
			if kindOf(err) != "corrupt" || got != nil {
				t.Errorf("got %d bytes and %v, want nothing and corrupt", len(got), err)
			}
			if strings.Contains(fmt.Sprint(err), "canary") {
				t.Errorf("the error quotes the value: %v", err)
			}
		})
	}
}

// Whatever became of the head, the next Set and Delete find every chunk.
func TestKR10_DamagedSplitIsSwept(t *testing.T) {
	t.Parallel()
	cut := func(item []byte) []byte { return item[:len(item)-1] }
	tests := map[string]func(ctx context.Context, m *memory.Store, head []byte){
		"manifest cut":          func(ctx context.Context, m *memory.Store, head []byte) { _ = m.Set(ctx, "a", cut(head)) },
		"another application's": func(ctx context.Context, m *memory.Store, _ []byte) { _ = m.Set(ctx, "a", []byte("canary")) },
		"head missing":          func(ctx context.Context, m *memory.Store, _ []byte) { _ = m.Delete(ctx, "a") },
		"journal missing":       func(ctx context.Context, m *memory.Store, _ []byte) { _ = m.Delete(ctx, "a.journal") },
		"journal garbled":       func(ctx context.Context, m *memory.Store, _ []byte) { _ = m.Set(ctx, "a.journal", []byte("canary")) },
		"manifest cut and no journal": func(ctx context.Context, m *memory.Store, head []byte) {
			_, _ = m.Set(ctx, "a", cut(head)), m.Delete(ctx, "a.journal")
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			m := new(memory.Store)
			if err := (chunked{m, budget(100)}).Set(t.Context(), "a", text("v", 950)); err != nil {
				t.Fatal(err)
			}
			head, _ := m.Get(t.Context(), "a")
			damage(t.Context(), m, head)
			wantRepaired(t, m, 0, text("again", 350))
		})
	}
}

func TestKR10_NewerSplitIsLeftUntouched(t *testing.T) {
	ctx := t.Context()
	m := new(memory.Store)
	newer := manifestPrefix + "2:whatever"
	if err := m.Set(ctx, "a", []byte(newer)); err != nil {
		t.Fatal(err)
	}
	s := chunked{m, budget(100)}
	_, getErr := s.Get(ctx, "a")
	for name, err := range map[string]error{"Get": getErr, "Set": s.Set(ctx, "a", text("v", 10)), "Delete": s.Delete(ctx, "a")} {
		if got := kindOf(err); got != "unsupported_version" {
			t.Errorf("%s: got %s, want newer", name, got)
		}
	}
	if got, _ := m.Get(ctx, "a"); string(got) != newer {
		t.Error("the newer item was changed")
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte(manifest{"0123abcd", 3, 250, checksum(nil)}.String()))
	f.Add([]byte(manifestPrefix + "2:x"))
	f.Add([]byte(manifestPrefix + "1:0123abcd:+3:250:" + checksum(nil)))
	f.Add([]byte(manifestPrefix + "1:0123abcd:99999999999999999999:1:" + checksum(nil)))
	f.Add([]byte(manifestPrefix))
	f.Add([]byte(`{"okauth":1}`))
	f.Fuzz(func(t *testing.T, item []byte) {
		h, isHead, err := parseManifest(item)
		if isHead != bytes.HasPrefix(item, []byte(manifestPrefix)) {
			t.Fatalf("isHead is %v", isHead)
		}
		if err != nil || !isHead {
			return
		}
		if h.String() != string(item) {
			t.Fatalf("%q reads as %q", item, h)
		}
		if h.count > maxChunks || h.length > store.MaxValue || !store.IsAccount(h.chunk("a", h.count)) {
			t.Fatalf("%q is out of bounds", item)
		}
	})
}
