// Manpages writes okauth's manual pages, one for each command and each help topic, from the texts that --help shows.
//
//	go run ./cmd/manpages DIR
//
// The same commit gives the same bytes: the date is SOURCE_DATE_EPOCH's, else the last commit's. The okauth program has
// nothing of this in it.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"okauth/cmd"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "manpages: error:", err)
		os.Exit(1)
	}
}

// run writes all pages to the directory that args names, and removes those of earlier runs.
func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: go run ./cmd/manpages DIR")
	}
	dir := args[0]
	date, err := commitDate(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "okauth*.1.gz"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	all, err := pages(cmd.Commands(), date)
	if err != nil {
		return err
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name+".gz"), compress(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// commitDate is the time that epoch says, in seconds since 1970, else that of the commit that is checked out.
// https://reproducible-builds.org/specs/source-date-epoch/
func commitDate(epoch string) (time.Time, error) {
	if epoch == "" {
		text, err := exec.Command("git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("ask git for the date of the commit: %w", err)
		}
		epoch = strings.TrimSpace(string(text))
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: expected seconds since 1970, got %q", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// compress is gzip -9n.
// https://www.debian.org/doc/debian-policy/ch-docs.html#manual-pages
func compress(text string) []byte {
	// The level is one of gzip's, and writes to memory do not fail.
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}
