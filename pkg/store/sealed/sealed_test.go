package sealed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"okauth/pkg/store"
)

// givenKey is the Key of Options that always gives the same.
func givenKey(key Key) func(context.Context) (Key, error) {
	return func(context.Context) (Key, error) { return key, nil }
}

// newFile returns a File over a directory that does not exist yet.
func newFile(t testing.TB) *Store {
	t.Helper()
	return New(filepath.Join(t.TempDir(), "state", "okauth"), givenKey(storageKey(t, rawKey)))
}

func mustSet(t testing.TB, items store.Backend, account, value string) {
	t.Helper()
	if err := items.Set(context.Background(), account, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

// wantFile checks what Get says: a value, or the kind of its error.
func wantFile(t *testing.T, f *Store, account, value, kind string) {
	t.Helper()
	got, err := f.Get(t.Context(), account)
	if string(got) != value || kindOf(err) != kind {
		t.Errorf("got %.60q, %v; want %.60q, %s", got, err, value, kind)
	}
}

// names returns what is in the directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return list
}

func TestFileKeepsItems(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	wantFile(t, f, "dev-0123abcd", "", "not found")
	if err := f.Delete(t.Context(), "dev-0123abcd"); err != nil {
		t.Error(err)
	}
	if got, err := f.List(t.Context()); len(got) != 0 || err != nil {
		t.Errorf("got %q, %v from no directory", got, err)
	}
	if err := f.Probe(t.Context()); err != nil {
		t.Errorf("a directory that could be made is as good as one: %v", err)
	}
	if _, err := os.Lstat(filepath.Dir(f.dir)); err == nil {
		t.Error("the directory was made before there was anything to keep")
	}

	mustSet(t, f, "dev-0123abcd", "canary-1")
	mustSet(t, f, "dev-0123abcd", "canary-2")
	mustSet(t, f, "dev.secret-0123abcd", "canary-3")
	mustSet(t, f, "dev", string(text("big", store.MaxValue)))
	wantFile(t, f, "dev-0123abcd", "canary-2", "ok")
	wantFile(t, f, "dev.secret-0123abcd", "canary-3", "ok")
	wantFile(t, f, "dev", string(text("big", store.MaxValue)), "ok")
	wantFile(t, f, "de", "", "not found")
	want := []string{"dev", "dev-0123abcd", "dev.secret-0123abcd"} // the files sort otherwise
	if got, err := f.List(t.Context()); !slices.Equal(got, want) || err != nil {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if err := f.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	for _, path := range []string{f.dir, f.Path("dev-0123abcd")} {
		if info, err := os.Lstat(path); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm()&0o077 != 0) {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	for _, account := range want {
		if err := f.Delete(t.Context(), account); err != nil {
			t.Error(err)
		}
		wantFile(t, f, account, "", "not found")
	}
	if left := names(t, f.dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestFileRefusesItems(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	tests := map[string]struct {
		ctx            context.Context
		account, value string
		want           store.ErrorKind
	}{
		"a way out":       {t.Context(), "../dev", "canary", store.Failed},
		"no name":         {t.Context(), "", "canary", store.Failed},
		"no value":        {t.Context(), "dev", "", store.Failed},
		"a line end":      {t.Context(), "dev", "canary\n", store.Failed},
		"too big":         {t.Context(), "dev", strings.Repeat("c", store.MaxValue+1), store.TooBig},
		"a name too long": {t.Context(), strings.Repeat("a", 256), "canary", store.Failed},
		"ended":           {cancelled, "dev", "canary", store.Failed},
		"late":            {late, "dev", "canary", store.TimedOut},
	}
	for name, test := range tests {
		err := f.Set(test.ctx, test.account, []byte(test.value))
		e, ok := errors.AsType[*store.Error](err)
		if !ok || e.Kind != test.want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		if cause := test.ctx.Err(); cause != nil && !errors.Is(err, cause) {
			t.Errorf("%s: %v does not wrap %v", name, err, cause)
		}
	}
	for name, err := range map[string]error{
		"Get":    second(f.Get(cancelled, "dev")),
		"List":   second(f.List(cancelled)),
		"Delete": f.Delete(cancelled, "dev"),
		"Probe":  f.Probe(cancelled),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// everyCall is what each of File's methods says; for Get and Set it is about the account "dev".
func everyCall(ctx context.Context, f *Store) map[string]error {
	return map[string]error{
		"Get":    second(f.Get(ctx, "dev")),
		"Set":    f.Set(ctx, "dev", []byte("canary-new")),
		"Delete": f.Delete(ctx, "dev"),
		"List":   second(f.List(ctx)),
		"Probe":  f.Probe(ctx),
	}
}

func TestAT69_DirectoryThatCannotBe(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	plain := filepath.Join(base, "file")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	dirs := map[string]string{
		"no name": "", "relative": "okauth", "a tilde": "~/okauth", "below a file": filepath.Join(plain, "okauth"),
	}
	if runtime.GOOS == "windows" {
		delete(dirs, "below a file") // Windows says that nothing is there
	}
	for name, dir := range dirs {
		f := New(dir, givenKey(storageKey(t, rawKey)))
		for call, err := range everyCall(t.Context(), f) {
			if kindOf(err) != "failed" || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: %s got %v", name, call, err)
			}
		}
	}
	for _, left := range []string{"okauth", "~"} {
		if _, err := os.Lstat(left); err == nil {
			t.Errorf("%s was made in the working directory", left)
		}
	}
}

func TestKR10_FileOfAnotherKeyOrVersion(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	other := New(f.dir, givenKey(storageKey(t, otherRawKey)))
	mustSet(t, f, "dev", "canary-dev")
	mustSet(t, f, "prod", "canary-prod")
	wantFile(t, other, "dev", "", "wrong_key")
	mustSet(t, other, "dev", "canary-other")
	wantFile(t, f, "dev", "", "wrong_key")
	wantFile(t, other, "dev", "canary-other", "ok")

	// One account's file in the place of another's.
	mustSet(t, f, "dev", "canary-dev")
	if err := os.Rename(f.Path("prod"), f.Path("dev")); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, "dev", "", "corrupt")

	for _, test := range []struct{ content, kind, piece string }{
		{"", "corrupt", "not a sealed value"},
		{"\x00\x00\x00", "corrupt", "not a sealed value"},
		{`{"access_token":"canary"}`, "corrupt", "not a sealed value"},
		{"okauth-sealed 2 canary\n", "unsupported_version", "format 2"},
		{strings.Repeat("A", maxLine+100), "corrupt", "longer than anything"},
	} {
		if err := os.WriteFile(f.Path("dev"), []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := f.Get(t.Context(), "dev")
		if kindOf(err) != test.kind || !strings.Contains(err.Error(), test.piece) || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), strconv.Quote(f.Path("dev"))) {
			t.Errorf("%.20q: got %v, want %s with %q", test.content, err, test.kind, test.piece)
		}
		mustSet(t, f, "dev", "canary-repaired")
		wantFile(t, f, "dev", "canary-repaired", "ok")
	}
}

func TestFileWithoutKey(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	mustSet(t, f, "dev", "canary")
	_, noKey := ChooseKey(storageKey(t, rawKey).secret, storageKey(t, rawKey).secret) // raw bytes are no text of a key
	for name, key := range map[string]func(context.Context) (Key, error){
		"zero":      givenKey(Key{}),
		"refused":   func(context.Context) (Key, error) { return Key{}, noKey },
		"not found": func(context.Context) (Key, error) { return Key{}, store.ErrNotFound },
		"unavailable": func(context.Context) (Key, error) {
			return Key{}, store.NewError(store.Unavailable, "read", errors.New("no keychain"))
		},
		"no context": func(ctx context.Context) (Key, error) { return Key{}, context.Canceled },
	} {
		keyless := New(f.dir, key)
		for call, err := range map[string]error{
			"Get": second(keyless.Get(t.Context(), "dev")), "Set": keyless.Set(t.Context(), "dev", []byte("new")), "Probe": keyless.Probe(t.Context()),
		} {
			if kindOf(err) != "failed" {
				t.Errorf("%s: %s got %v, want failed: nothing is known about the store", name, call, err)
			}
			_, typed := errors.AsType[*KeyError](err)
			if want := name == "zero" || name == "refused"; typed != want {
				t.Errorf("%s: %s got %v; a KeyError: %v, want %v", name, call, err, typed, want)
			}
		}
		// What needs no key must work without: there is no session, and logout.
		wantFile(t, keyless, "prod", "", "not found")
		if got, err := keyless.List(t.Context()); len(got) != 1 || err != nil {
			t.Errorf("%s: List got %q, %v", name, got, err)
		}
		if err := keyless.Delete(t.Context(), "prod"); err != nil {
			t.Errorf("%s: Delete got %v", name, err)
		}
	}
	wantFile(t, f, "dev", "canary", "ok")
}

func TestFileSweepsItsOwn(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	mustSet(t, f, "dev", "canary")
	mine := []string{"dev.sealed.new"}
	others := []string{"dev.sealed.x.new", "dev.sealed.old", "dev.txt", "prod.sealed.new"}
	plant := func() {
		for _, name := range slices.Concat(mine, others) {
			if err := os.WriteFile(filepath.Join(f.dir, name), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, call := range map[string]func() error{
		"Set":    func() error { return f.Set(t.Context(), "dev", []byte("canary-2")) },
		"Delete": func() error { return f.Delete(t.Context(), "dev") },
	} {
		plant()
		if err := call(); err != nil {
			t.Fatal(err)
		}
		left := names(t, f.dir)
		for _, other := range others {
			if !slices.Contains(left, other) {
				t.Errorf("%s removed %s", name, other)
			}
		}
		for _, own := range mine {
			if slices.Contains(left, own) {
				t.Errorf("%s left %s", name, own)
			}
		}
	}
}

// A reader that opened a file as it was replaced reads what it opened.
func TestAT87_ReadersBesideWriters(t *testing.T) {
	t.Parallel()
	f := newFile(t)
	values := [2][]byte{text("old", 6<<10), text("new", 9<<10)}
	mustSet(t, f, "dev", string(values[0]))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				got, err := f.Get(t.Context(), "dev")
				if err != nil || (!bytes.Equal(got, values[0]) && !bytes.Equal(got, values[1])) {
					t.Errorf("got %.20q, %v", got, err)
					return
				}
			}
		})
	}
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			for range 40 {
				if err := f.Set(t.Context(), "dev", values[w]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	wg.Wait()
}

func BenchmarkFileGet(b *testing.B) {
	f := newFile(b)
	mustSet(b, f, "dev-0123abcd", string(text("session", 6<<10)))
	for b.Loop() {
		if _, err := f.Get(b.Context(), "dev-0123abcd"); err != nil {
			b.Fatal(err)
		}
	}
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

// text returns n bytes that repeat nothing.
func text(seed string, n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%s%d,", seed, i)
	}
	return b.Bytes()[:n]
}
