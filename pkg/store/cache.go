package store

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
)

const (
	maxCached   = 2 << 20            // bytes of data
	maxKept     = 24 * time.Hour     // whatever Save is asked for: a clock that was set wrong for an hour must not keep keys for a year
	sweptAfter  = 7 * 24 * time.Hour // after a file has expired
	cacheSuffix = ".cache"
	cacheFormat = "okauth-cache 1 %d %d %x\n" // written, until: Unix seconds; SHA-256 of the data
	maxHeader   = 128                         // bytes
)

// Cache keeps public data for a while, one file per name: the key set of an authorization server, say. Nothing secret goes
// there, because what is kept is neither sealed nor bound to a session.
//
// What it holds is believed as it is: whoever can write to the user's cache can already be the user. So a directory or file that
// is not the user's alone is not read. The SHA-256 in each file tells a torn one from a whole one, and nothing else.
//
// It may be used by many goroutines and processes at once, without a lock: of two that save under one name, one wins.
type Cache struct {
	Dir string           // absolute, see [CacheDir]; made, mode 0700, by Save. Empty: nothing is kept
	Now func() time.Time // nil is time.Now
}

// CacheDir returns where the user's caches of okauth are: $XDG_CACHE_HOME/okauth on every system, else, on Linux and the BSDs,
// $HOME/.cache/okauth, on macOS $HOME/Library/Caches/okauth, on Windows %LocalAppData%\okauth. It returns "" where the variable is
// not set or relative: to have no cache is no error. lookup is os.LookupEnv or the like. Nothing is made here.
func CacheDir(lookup func(string) (string, bool)) string { return cacheDir(runtime.GOOS, lookup) }

func cacheDir(goos string, lookup func(string) (string, bool)) string {
	// "All paths set in these environment variables must be absolute. If an implementation encounters a relative path ... it should
	// consider the path invalid and ignore it." https://specifications.freedesktop.org/basedir-spec/latest/
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

// Load returns what was saved under name. It reports false where that is nothing, has expired, lies in the future, is torn, or is
// not the user's alone; also where it cannot be read. There is no error, because the caller has another place to ask.
func (c Cache) Load(name string) (data []byte, ok bool) {
	if c.Dir == "" {
		return nil, false
	}
	if there, err := privateDirExists(c.dir()); err != nil || !there {
		return nil, false
	}
	text, err := readPrivate(c.path(name), maxHeader+maxCached+1)
	if err != nil {
		return nil, false
	}
	return parseCached(text, c.now().Unix())
}

// Save keeps data, at most 2 MiB, under name until that time, or for 24 hours if that is less; in the place of what was kept. A
// reader finds the old or the new, whole. The error, an *Error, is worth a line of a trace at most: the caller has the data.
func (c Cache) Save(name string, data []byte, until time.Time) error {
	if c.Dir == "" {
		return nil
	}
	if len(data) > maxCached {
		return &Error{TooBig, "cache " + strconv.Quote(c.path(name)), fmt.Errorf("it has %d bytes, expected at most %d", len(data), maxCached)}
	}
	if err := privateDir(c.dir()); err != nil {
		return err
	}
	now := c.now()
	if last := now.Add(maxKept); until.After(last) {
		until = last
	}
	path := c.path(name)
	if err := c.replace(path, append(cacheHeader(now.Unix(), until.Unix(), data), data...)); err != nil {
		return err
	}
	c.sweep(path)
	return nil
}

func cacheHeader(written, until int64, data []byte) []byte {
	return fmt.Appendf(nil, cacheFormat, written, until, sha256.Sum256(data))
}

// parseCached takes a file apart, at a time in Unix seconds. The first line must be the very one that Save would write before the
// rest, which is what tells a torn file, another version and the work of an editor.
func parseCached(text []byte, now int64) (data []byte, ok bool) {
	line, data, ended := bytes.Cut(text, []byte("\n"))
	if !ended || len(line) > maxHeader || len(data) > maxCached {
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
	case written > now || until <= now || until > now+int64(maxKept/time.Second): // the clock was moved, or the time is over
		return nil, false
	}
	return data, bytes.Equal(text[:len(line)+1], cacheHeader(written, until, data))
}

// replace is replacePrivate for writers that take no turns: each has a file of its own before it takes the place of the old one.
// Nothing is flushed: what a power failure tears is fetched again.
func (c Cache) replace(path string, text []byte) error {
	fresh := filepath.Join(c.dir(), rand.Text()+cacheSuffix+freshSuffix)
	return replaceBy(fresh, path, text, func(*os.File) error { return nil })
}

// sweep removes what expired more than a week before the file at fresh was written, and what killed writers left. The times are
// those of the file system, which may have a clock of its own; what was written then has expired a day later at the latest.
func (c Cache) sweep(fresh string) {
	now, err := os.Lstat(fresh)
	if err != nil {
		return
	}
	entries, err := os.ReadDir(c.dir())
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), freshSuffix)
		if !strings.HasSuffix(name, cacheSuffix) || !entry.Type().IsRegular() {
			continue
		}
		if info, err := entry.Info(); err == nil && now.ModTime().Sub(info.ModTime()) > sweptAfter+maxKept {
			_ = os.Remove(filepath.Join(c.dir(), entry.Name()))
		}
	}
}

// dir is without a slash at the end, which would make the look at a symbolic link a look at what it points to.
func (c Cache) dir() string { return filepath.Clean(c.Dir) }

func (c Cache) path(name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(c.dir(), hex.EncodeToString(sum[:])+cacheSuffix)
}

func (c Cache) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
