package output_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"okauth/pkg/output"
)

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	killed, another := filepath.Join(dir, ".token.KILLED.new"), filepath.Join(dir, "token.new")
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{killed, another, path} {
		if err := errors.Join(os.WriteFile(name, []byte("old"), 0o644), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := output.WriteFile(path, []byte("canary-token\n")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	info, statErr := os.Stat(path)
	if err != nil || statErr != nil || string(text) != "canary-token\n" || info.Mode() != 0o600 {
		t.Errorf("got %q, %v, mode %v, %v", text, err, info.Mode(), statErr)
	}
	if _, err := os.Stat(killed); err == nil {
		t.Error("what a killed process left is still there")
	}
	if _, err := os.Stat(another); err != nil {
		t.Error("a file of someone else is gone")
	}
	for range 2 { // the second time it is gone
		if err := output.RemoveFile(path); err != nil {
			t.Error(err)
		}
	}
}

// Of several writers none spoils the work of another, and a reader finds what one of them wrote.
func TestWriteFileAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	text := func(i int) []byte { return bytes.Repeat([]byte{'a' + byte(i)}, 10_000) }
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 5 {
				if err := output.WriteFile(path, text(i)); err != nil {
					t.Error(err)
				}
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, text(int(got[0]-'a'))) {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
			}
		})
	}
	all.Wait()
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// A file that cannot be written is as it was, and the error names it.
func TestWriteFileFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	if err := os.Symlink(filepath.Join(dir, "target"), path); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{output.WriteFile(path, []byte("canary-token")), output.RemoveFile(path)} {
		e, ok := errors.AsType[*output.FileError](err)
		if want := fmt.Sprintf("write %q: it is a symbolic link, not a file", path); !ok || !e.Unsafe || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
