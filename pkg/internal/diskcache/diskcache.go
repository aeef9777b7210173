// Package diskcache keeps public data for a while, such as the key set of an authorization server.
package diskcache

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"okauth/pkg/internal/privatefile"
)

const (
	maxData    = 2 << 20            // bytes
	maxAge     = 24 * time.Hour     // whatever Save is asked for: a wrong clock must not keep keys for a year
	sweepAfter = 7 * 24 * time.Hour // after a file has expired
	suffix     = ".cache"
	format     = "okauth-cache 1 %d %d %x\n" // written, until: Unix seconds; SHA-256 of the data
	maxHeader  = 128                         // bytes
)

// Cache keeps data in one file per name. It holds nothing secret: its files are neither encrypted nor bound to a
// session.
//
// Its content is trusted, so a directory or file that is not the current user's alone is not read. The SHA-256 in each
// file only detects an incomplete one.
//
// Goroutines and processes may share a Cache without a lock: of two that save under one name, one wins.
type Cache struct {
	Dir string           // absolute, see [Dir]; created, mode 0700, by Save. "": nothing is kept
	Now func() time.Time // nil is time.Now
}

// Dir returns the directory of the user's caches: $XDG_CACHE_HOME/okauth on every system, else $HOME/.cache/okauth on
// Linux and the BSDs, $HOME/Library/Caches/okauth on macOS, %LocalAppData%\okauth on Windows. It returns "" if the
// variable is not set or relative. lookup is os.LookupEnv or the like. Dir creates nothing.
func Dir(lookup func(string) (string, bool)) string { return cacheDir(runtime.GOOS, lookup) }

func cacheDir(goos string, lookup func(string) (string, bool)) string {
	// "All paths set in these environment variables must be absolute. If an implementation encounters a relative path
	// ... it should consider the path invalid and ignore it."
	// https://specifications.freedesktop.org/basedir-spec/latest/
	if dir, _ := lookup("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "okauth")
	}
	variable, below := "HOME", filepath.Join(".cache", "okauth")
	switch goos {
	case "darwin":
		below = filepath.Join("Library", "Caches", "okauth")
	case "windows":
		variable, below = "LocalAppData", "okauth"
	}
	dir, _ := lookup(variable)
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, below)
}

// Load returns what was saved under name. ok is false if there is nothing, or if it has expired, lies in the future, is
// incomplete, cannot be read or is not the current user's alone. The caller then gets the data from its source.
func (c Cache) Load(name string) (data []byte, ok bool) {
	if c.Dir == "" {
		return nil, false
	}
	if exists, err := privatefile.DirExists(c.dir()); err != nil || !exists {
		return nil, false
	}
	text, err := privatefile.Read(c.path(name), maxHeader+maxData+1)
	if err != nil {
		return nil, false
	}
	return parse(text, c.now().Unix())
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
	now := c.now()
	if last := now.Add(maxAge); until.After(last) {
		until = last
	}
	// Several processes may save at once, so each has a temporary file of its own.
	path, temp := c.path(name), filepath.Join(c.dir(), rand.Text()+suffix+privatefile.TempSuffix)
	if err := privatefile.ReplaceCached(temp, path, append(header(now.Unix(), until.Unix(), data), data...)); err != nil {
		return err
	}
	c.sweep(path)
	return nil
}

func header(written, until int64, data []byte) []byte {
	return fmt.Appendf(nil, format, written, until, sha256.Sum256(data))
}

// parse parses a file at a time in Unix seconds. The first line must be the one that Save would write before the rest:
// that detects an incomplete file, another version and an edited file.
func parse(text []byte, now int64) (data []byte, ok bool) {
	line, data, ended := bytes.Cut(text, []byte("\n"))
	if !ended || len(line) > maxHeader || len(data) > maxData {
		return nil, false
	}
	fields := strings.Split(string(line), " ")
	if len(fields) != 5 {
		return nil, false
	}
	written, err1 := strconv.ParseInt(fields[2], 10, 64)
	until, err2 := strconv.ParseInt(fields[3], 10, 64)
	switch {
	case err1 != nil || err2 != nil:
		return nil, false
	case written > now || until <= now || until > now+int64(maxAge/time.Second): // expired, or the clock was changed
		return nil, false
	}
	return data, bytes.Equal(text[:len(line)+1], header(written, until, data))
}

// sweep removes files that expired more than a week before the file at path was written, and what killed processes
// left. It compares times of the file system, which may have a clock of its own; every file expires within a day.
func (c Cache) sweep(path string) {
	now, err := os.Lstat(path)
	if err != nil {
		return
	}
	entries, err := os.ReadDir(c.dir())
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), privatefile.TempSuffix)
		if !strings.HasSuffix(name, suffix) || !entry.Type().IsRegular() {
			continue
		}
		if info, err := entry.Info(); err == nil && now.ModTime().Sub(info.ModTime()) > sweepAfter+maxAge {
			_ = os.Remove(filepath.Join(c.dir(), entry.Name()))
		}
	}
}

// dir is Dir without a trailing slash, with which Lstat would follow a symbolic link.
func (c Cache) dir() string { return filepath.Clean(c.Dir) }

func (c Cache) path(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(c.dir(), hex.EncodeToString(sum[:])+suffix)
}

func (c Cache) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
