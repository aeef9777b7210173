// Package diskcache keeps public data for a while, such as the key set of an authorization server.
package diskcache

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"okauth/pkg/internal/privatefile"
)

const (
	maxData    = 2 << 20            // bytes
	maxFile    = 2 * maxData        // bytes; JSON has data in base64
	maxAge     = 24 * time.Hour     // whatever Save is asked for: a wrong clock must not keep keys for a year
	sweepAfter = 8 * 24 * time.Hour // a week after a file has expired
	suffix     = ".cache"
)

// Cache keeps data in one file per name. It holds nothing secret: its files are neither encrypted nor bound to a
// session. Its content is trusted, so a directory or file that is not the current user's alone is not read.
//
// Goroutines and processes may share a Cache without a lock: of two that save under one name, one wins.
type Cache struct {
	Dir string // absolute; created, mode 0700, by Save. "": nothing is kept
	Now func() time.Time
}

// entry is the content of a file. A line with its SHA-256 stands before it, which detects a damaged file.
type entry struct {
	Written, Until time.Time
	Data           []byte
}

// Load returns what was saved under name. ok is false if there is nothing, or if it has expired, lies in the future, is
// damaged, cannot be read or is not the current user's alone. The caller then gets the data from its source.
func (c Cache) Load(name string) (data []byte, ok bool) {
	if c.Dir == "" {
		return nil, false
	}
	text, err := privatefile.Read(c.path(name), maxFile)
	if err != nil {
		return nil, false
	}
	return decode(text, c.Now())
}

func (e entry) encode() ([]byte, error) {
	body, err := json.Marshal(e)
	return append([]byte(sum(body)+"\n"), body...), err
}

func decode(text []byte, now time.Time) (data []byte, ok bool) {
	digest, body, _ := bytes.Cut(text, []byte("\n"))
	var e entry
	if string(digest) != sum(body) || json.Unmarshal(body, &e) != nil {
		return nil, false
	}
	// Where Save cannot have chosen these times by this clock, the clock was changed.
	clockChanged := e.Written.After(now) || e.Until.After(now.Add(maxAge))
	if clockChanged || !e.Until.After(now) {
		return nil, false
	}
	return e.Data, true
}

// Save keeps data, at most 2 MiB, under name until that time, but no longer than 24 hours, in place of what was kept. A
// reader finds the old data or the new, complete. Callers may ignore the error: they have the data.
func (c Cache) Save(name string, data []byte, until time.Time) error {
	if c.Dir == "" {
		return nil
	}
	if len(data) > maxData {
		return fmt.Errorf("cache %q: it has %d bytes, expected at most %d", c.path(name), len(data), maxData)
	}
	if err := privatefile.MakeDir(c.dir()); err != nil {
		return err
	}
	now := c.Now()
	if last := now.Add(maxAge); until.After(last) {
		until = last
	}
	text, err := entry{now, until, data}.encode()
	if err != nil {
		return err
	}
	// Several processes may save at once, so each has a temporary file of its own.
	temp := filepath.Join(c.dir(), rand.Text()+".new"+suffix)
	if err := privatefile.ReplaceVia(temp, c.path(name), text); err != nil {
		return err
	}
	c.sweep()
	return nil
}

// sweep removes files that expired a week ago, and what killed processes left.
func (c Cache) sweep() {
	entries, _ := os.ReadDir(c.dir()) // those before an error
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && strings.HasSuffix(entry.Name(), suffix) &&
			time.Since(info.ModTime()) > sweepAfter {
			_ = os.Remove(filepath.Join(c.dir(), entry.Name()))
		}
	}
}

func sum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// dir is Dir without a trailing slash, with which Lstat would follow a symbolic link.
func (c Cache) dir() string { return filepath.Clean(c.Dir) }

func (c Cache) path(name string) string {
	return filepath.Join(c.dir(), sum([]byte(name))+suffix)
}
